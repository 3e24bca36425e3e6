"""Several legs in one account: the engine of record for a portfolio, and a fast path for its placebos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from research.engine.portfolio import account, filled
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
        As of a :class:`~research.datasets.market.Market`.
    """

    price: pd.DataFrame
    bill_accrual: pd.Series
    storable: frozenset[str]
    averaged: bool
    periods_per_year: int

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
        years = self.price.index.to_series().diff().dt.days.fillna(0).to_numpy()[:, None] / 365.0
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
    provenance: Mapping[str, Any] | None = None,
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
        **kept.common(name, here.bill_accrual, provenance),
    )


def leg_paths(targets: Floats, legs: Legs, execution: Execution) -> Floats:
    """Value of the account of many weight histories at once; what :func:`run_legs` says of each, to rounding.

    Parameters
    ----------
    targets
        Decided at each bar of the legs, ``(n_bars, n_histories, n_legs)``, without NaN.

    Returns
    -------
    ndarray
        ``(n_bars - delay, n_histories)`` from the first fill on, of a capital of 1.
    """
    n_bars, n_histories, n_legs = targets.shape
    here = legs.since(pd.Timestamp(legs.price.index[execution.delay]))
    long, short = here.growth(execution), here.growth(execution, short=True)
    bills = 1 + here.bill_accrual.to_numpy()
    terms = here.terms(execution)
    buying = np.array([*((1 + item.fees) * (1 + item.slippage) for item in terms), 1.0])
    selling = np.array([*((1 - item.fees) * (1 - item.slippage) for item in terms), 1.0])
    cash = np.ones(n_histories)
    held = np.zeros((n_histories, n_legs + 1))
    equity = np.empty((n_bars - execution.delay, n_histories))
    before = np.zeros((n_histories, n_legs))
    for bar in range(len(equity)):
        held[:, :-1] *= np.where(before < 0, short[bar], long[bar])
        held[:, -1] *= bills[bar]
        wealth = cash + held.sum(axis=1)
        wanted = targets[bar]
        share = np.column_stack([wanted, 1 - wanted.sum(axis=1)])
        order = share * wealth[:, None] - held
        cash -= np.minimum(order, 0) @ selling
        bought = _affordable(np.maximum(order, 0), buying, cash)
        cash -= bought.sum(axis=1)
        held += np.minimum(order, 0) + bought / buying
        equity[bar] = cash + held.sum(axis=1)
        before = wanted
    return equity


def _affordable(orders: Floats, costs: Floats, cash: Floats) -> Floats:
    """What is paid, row by row: orders of these values and unit costs, the smallest first, until the cash is gone."""
    by_size = np.argsort(orders, axis=1)
    paid = np.minimum(np.cumsum(np.take_along_axis(orders * costs, by_size, axis=1), axis=1), cash[:, None])
    out = np.empty_like(orders)
    np.put_along_axis(out, by_size, np.diff(paid, axis=1, prepend=0.0), axis=1)
    return out
