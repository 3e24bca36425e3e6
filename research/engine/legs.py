"""What one account may hold beside bills: one leg, or several."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from research.datasets.market import Market
from research.execution import Execution
from research.units import Floats


@dataclass(frozen=True, kw_only=True)
class Legs:
    """Realised prices of what one account may hold, and the return of bills, on common bars.

    Attributes
    ----------
    price
        One column a leg, in any unit.
    bill_accrual
        Return of bills from the previous bar to this one, a fraction; 0 on the first bar.
    storable
        Legs that pay storage when held and borrow when short; the others, such as money or a collateralised
        future, have their carry in the price.
    averaged, periods_per_year
        As of a ``Market``.
    """

    price: pd.DataFrame
    bill_accrual: pd.Series
    storable: frozenset[str]
    averaged: bool
    periods_per_year: int

    @classmethod
    def of(cls, market: Market, name: str | None = None) -> Legs:
        """The one leg of a market, called as its metal or by ``name``."""
        leg = name or market.metal
        return cls(
            price=market.price.to_frame(leg),
            bill_accrual=market.bill_accrual,
            storable=frozenset([leg]),
            averaged=market.averaged,
            periods_per_year=market.periods_per_year,
        )

    def since(self, first: pd.Timestamp) -> Legs:
        """The same legs from one bar on."""
        accrual = self.bill_accrual.loc[first:].copy()
        accrual.iloc[0] = 0.0
        return replace(self, price=self.price.loc[first:], bill_accrual=accrual)

    @cached_property
    def _growths(self) -> dict[tuple[Execution, bool], Floats]:
        return {}

    @cached_property
    def years(self) -> Floats:
        """Calendar days since the bar before, over 365, ``(n_bars, 1)``; 0 on the first bar."""
        days = np.diff(self.price.index.values) // np.timedelta64(1, "D")
        return np.concatenate([[0.0], days / 365.0])[:, None]

    @property
    def bills(self) -> Floats:
        """Total-return index of bills, ``(n_bars,)``."""
        return np.cumprod(1 + self.bill_accrual.to_numpy())

    def terms(self, execution: Execution) -> list[Execution]:
        """What each leg costs, in the order of the columns."""
        free = replace(execution, storage=0.0, borrow=0.0)
        return [execution if leg in self.storable else free for leg in self.price]

    def carry(self, execution: Execution, side: float | Floats) -> Floats:
        """Carry of each leg from the previous bar to this one by the ``side`` held in between, ``(n_bars, n_legs)``."""
        storage, borrow = (
            np.array([getattr(item, kind) for item in self.terms(execution)]) for kind in ("storage", "borrow")
        )
        return np.where(side > 0, -storage * self.years, np.where(side < 0, borrow * self.years, 0.0))

    def growth(self, execution: Execution, *, short: bool = False) -> Floats:
        """Total return of each leg held long (or short) plus 1, ``(n_bars, n_legs)``; 1 on the first bar."""
        if (execution, short) not in self._growths:
            price = self.price.to_numpy()
            relative = np.vstack([np.ones(price.shape[1]), price[1:] / price[:-1]])
            self._growths[execution, short] = relative * (1 + self.carry(execution, -1.0 if short else 1.0))
        return self._growths[execution, short]

    def index(self, targets: pd.DataFrame, execution: Execution) -> tuple[Floats, Floats]:
        """Total-return index of each leg held as the ``targets`` say, and its carry, ``(n_bars, n_legs)`` each."""
        carry = self.carry(execution, np.sign(targets.ffill().shift(1).fillna(0).to_numpy()))
        price = self.price.to_numpy()
        return np.asarray(price / price[0] * np.cumprod(1 + carry, axis=0)), carry
