"""A market and the terms of trade on it: what every variant of a sweep shares, checked and worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from research.errors import ExecutionError
from research.execution import Execution
from research.units import Floats

if TYPE_CHECKING:
    from research.datasets.market import Market


@dataclass(frozen=True, eq=False)
class TradedMarket:
    """What the fast path reads, by bar. Ask ``of`` for one, once, and use it for every call.

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
    periods_per_year: float

    @property
    def n_bars(self) -> int:
        """Number of bars."""
        return self.accrual.size

    @classmethod
    def of(cls, market: Market, execution: Execution) -> TradedMarket:
        """Work it out.

        Parameters
        ----------
        market
            Prices, return of bills and days between bars; of the last two the first is not used.
        execution
            The terms of trade. What a target may ask for (``max_leverage``) is the strategy's matter.

        Raises
        ------
        ExecutionError
            If storage eats the whole metal.
        """
        execution = execution.without(market.in_price)
        prices, accruals, fractions = (
            np.array(part, dtype=float) for part in (market.price, market.bill_accrual, market.year_fraction)
        )
        accruals[:1] = fractions[:1] = 0.0
        long_carry, short_carry = 1.0 - execution.storage * fractions, 1.0 + execution.borrow * fractions
        if prices.size and long_carry.min() <= 0:
            raise ExecutionError(f"storage: {execution.storage:g} a year eats the whole metal between bars; lower it")
        metal_growth = np.ones(prices.size)
        metal_growth[1:] = prices[1:] / prices[:-1]
        metal_excess = metal_growth * long_carry - (1.0 + accruals)
        terms = np.stack([metal_excess, metal_excess**2, accruals, accruals**2], axis=1)
        tails = np.zeros((prices.size + 1, 4))
        np.cumsum(terms[::-1], axis=0, out=tails[-2::-1])
        return cls(
            growth=metal_growth * np.stack([np.ones(prices.size), long_carry, short_carry]),
            accrual=accruals,
            metal_excess=metal_excess,
            tails=tails,
            buy_factor=(1.0 + execution.slippage) * (1.0 + execution.fees),
            sell_factor=(1.0 - execution.slippage) * (1.0 - execution.fees),
            delay=execution.delay,
            periods_per_year=market.periods_per_year,
        )
