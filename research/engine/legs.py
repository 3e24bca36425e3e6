"""Several legs in one account: the engine of record for a portfolio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from research.datasets.market import Market
from research.engine.portfolio import account, filled, made_by, years_between
from research.engine.result import PortfolioResult
from research.errors import SignalError
from research.execution import Execution

Floats = npt.NDArray[np.float64]


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
    def of(cls, market: Market) -> Legs:
        """The one leg of a market."""
        return cls(
            price=market.price.to_frame(market.metal),
            bill_accrual=market.bill_accrual,
            storable=frozenset([market.metal]),
            averaged=market.averaged,
            periods_per_year=market.periods_per_year,
        )

    def since(self, first: pd.Timestamp) -> Legs:
        """The same legs from one bar on."""
        accrual = self.bill_accrual.loc[first:].copy()
        accrual.iloc[0] = 0.0
        return replace(self, price=self.price.loc[first:], bill_accrual=accrual)

    def terms(self, execution: Execution) -> list[Execution]:
        """What each leg costs, in the order of the columns."""
        free = replace(execution, storage=0.0, borrow=0.0)
        return [execution if leg in self.storable else free for leg in self.price]

    def growth(self, execution: Execution, *, short: bool = False) -> Floats:
        """Total return of each leg held long (or short) plus 1, ``(n_bars, n_legs)``; 1 on the first bar."""
        years = years_between(self.price.index)[:, None]
        terms = self.terms(execution)
        carry = np.array([item.borrow if short else -item.storage for item in terms])
        price = self.price.to_numpy()
        relative = np.vstack([np.ones(price.shape[1]), price[1:] / price[:-1]])
        return np.asarray(relative * (1 + carry * years))


def run_legs(
    weights: pd.DataFrame,
    legs: Legs,
    execution: Execution,
    *,
    name: str,
    provenance: Mapping[str, object] | None = None,
) -> PortfolioResult:
    """Backtest decided target weights of several legs in one account.

    Parameters
    ----------
    weights
        Decided at each bar of ``legs.price.index``, one column a leg; a row is numbers or NaN (keep) throughout.
        Filled ``execution.delay`` bars later.

    Raises
    ------
    SignalError
        If the weights are not on the calendar or the columns of ``legs``, or a row is only partly known.
    NoDecision
        If they are never a number, or the delay leaves no bar to earn on.
    """
    if not weights.columns.equals(legs.price.columns):
        raise SignalError(
            f"{name}: weights of {', '.join(map(str, weights))}; the legs are {', '.join(map(str, legs.price))}"
        )
    known = weights.notna()
    partly = known.any(axis=1) & ~known.all(axis=1)
    if partly.any():
        day = weights.index[partly][0]
        raise SignalError(f"{name}: some weights of {day:%Y-%m-%d} are NaN and some not; decide all legs or none")
    targets = filled(weights, legs.price.index, execution.delay, name)
    here = legs.since(pd.Timestamp(targets.index[0]))
    kept = account(targets, here.price, here.bill_accrual, here.terms(execution))
    dates, columns = here.price.index, here.price.columns
    return PortfolioResult(
        leg_returns=pd.DataFrame(here.growth(execution)[1:] - 1, index=dates[1:], columns=columns),
        target_weights=targets,
        leg_weights=kept.weights,
        execution=execution,
        periods_per_year=here.periods_per_year,
        averaged=here.averaged,
        **kept.common(name, here.bill_accrual, made_by(execution, {}, provenance)),
    )
