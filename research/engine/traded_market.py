"""A market and the terms of trade on it: what every variant of a sweep shares, checked and worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from research.errors import DataError, ExecutionError
from research.execution import Execution

if TYPE_CHECKING:
    from research.datasets.market import Market

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TradedMarket:
    """What the fast path reads, by bar. Ask ``of`` or ``of_arrays`` for one, once, and use it for every call.

    Attributes
    ----------
    growth
        By which a unit of metal grows into each bar for an account that is flat, long and short (three rows).
    accrual
        Return of bills from the bar before.
    metal_excess
        Excess return over bills of who holds the metal throughout, storage paid.
    tails
        Sums from each bar to the last, a row a bar and one of zeros: of ``metal_excess`` and its square, and of the
        accrual and its square.
    buy_factor, sell_factor
        What a value of 1 of metal costs, and what it yields.
    delay
        Bars between decision and fill.
    start
        First bar that may fill.
    periods_per_year
        12 for months, 252 for trading days.
    """

    growth: Floats
    accrual: Floats
    metal_excess: Floats
    tails: Floats
    buy_factor: float
    sell_factor: float
    delay: int
    start: int
    periods_per_year: float

    @property
    def n_bars(self) -> int:
        """Number of bars."""
        return self.accrual.size

    @classmethod
    def of(cls, market: Market, execution: Execution, *, first: int | None = None) -> TradedMarket:
        """Work it out for the market of a study; parameters and errors as in ``of_arrays``."""
        return cls.of_arrays(
            market.price.to_numpy(),
            market.bill_accrual.to_numpy(),
            market.year_fraction.to_numpy(),
            execution.without(market.in_price),
            periods_per_year=market.periods_per_year,
            first=first,
        )

    @classmethod
    def of_arrays(
        cls,
        price: ArrayLike,
        bill_accrual: ArrayLike,
        year_fraction: ArrayLike,
        execution: Execution,
        *,
        periods_per_year: float,
        first: int | None = None,
    ) -> TradedMarket:
        """Check the series and work out the rest.

        Parameters
        ----------
        price
            Metal price, shape ``(n_bars,)``, positive.
        bill_accrual
            Return of Treasury bills from the bar before, a fraction; the first is not used.
        year_fraction
            Calendar days from the bar before over 365; the first is not used.
        execution
            The terms of trade. What a target may ask for (``max_leverage``) is the strategy's matter.
        periods_per_year
            12 for months, 252 for trading days.
        first
            Bar at which accounts open: no fill is made before it, and the last target due by then is filled
            at it. By default an account opens with its first target.

        Raises
        ------
        DataError
            If a price, accrual or year fraction is missing or impossible.
        ExecutionError
            If ``first`` or ``periods_per_year`` makes no sense, or storage eats the whole metal.
        """
        prices = _series("price", price, None)
        n_bars = prices.size
        accruals = _series("bill_accrual", bill_accrual, n_bars)
        fractions = _series("year_fraction", year_fraction, n_bars)
        _require("price", prices, prices > 0, "a price is finite and above 0; drop or fill the bar")
        accruals[:1] = fractions[:1] = 0.0
        _require("bill_accrual", accruals, accruals > -1, "an accrual is a finite fraction above -1")
        _require("year_fraction", fractions, fractions >= 0, "years since the bar before are 0 or more")
        if not (np.isfinite(periods_per_year) and periods_per_year > 0):
            raise ExecutionError(f"periods_per_year: {periods_per_year!r} is no count; use 12 for months, 252 for days")
        if first is not None and not 0 <= first < max(n_bars, 1):
            raise ExecutionError(f"first: bar {first} is not one of the {n_bars} bars; count from 0")
        long_carry, short_carry = 1.0 - execution.storage * fractions, 1.0 + execution.borrow * fractions
        if n_bars and long_carry.min() <= 0:
            raise ExecutionError(f"storage: {execution.storage:g} a year eats the whole metal between bars; lower it")
        metal_growth = np.ones(n_bars)
        metal_growth[1:] = prices[1:] / prices[:-1]
        metal_excess = metal_growth * long_carry - (1.0 + accruals)
        terms = np.stack([metal_excess, metal_excess**2, accruals, accruals**2], axis=1)
        tails = np.zeros((n_bars + 1, 4))
        np.cumsum(terms[::-1], axis=0, out=tails[-2::-1])
        return cls(
            growth=metal_growth * np.stack([np.ones(n_bars), long_carry, short_carry]),
            accrual=accruals,
            metal_excess=metal_excess,
            tails=tails,
            buy_factor=(1.0 + execution.slippage) * (1.0 + execution.fees),
            sell_factor=(1.0 - execution.slippage) * (1.0 - execution.fees),
            delay=execution.delay,
            start=max(first or 0, execution.delay),
            periods_per_year=periods_per_year,
        )


def _series(name: str, values: ArrayLike, n_bars: int | None) -> Floats:
    series: Floats = np.array(values, dtype=np.float64)
    if series.ndim != 1 or (n_bars is not None and series.size != n_bars):
        wanted = "(bars,)" if n_bars is None else f"({n_bars},) like price"
        raise DataError(f"{name}: shape {series.shape} is not {wanted}; pass one number a bar")
    return series


def _require(name: str, series: Floats, holds: NDArray[np.bool_], rule: str) -> None:
    wrong = np.flatnonzero(~(holds & np.isfinite(series)))
    if wrong.size:
        raise DataError(f"{name}: {series[wrong[0]]} at bar {wrong[0]}, {wrong.size} such in all; {rule}")
