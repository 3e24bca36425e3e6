"""What every variant of a sweep shares: indices of metal and bills, and the cost of a trade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from research.errors import DataError, ExecutionError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Market:
    """Indices by bar, and the factors of a trade; `start` is the first bar that may fill."""

    metal_index: Floats  # worth of a unit of metal to an account that is flat, long, short (rows)
    bill_index: Floats
    bill_growth: Floats
    metal_excess: Floats  # of who holds the metal throughout, storage paid
    tails: Floats  # sums from each bar to the last: of metal_excess, its square, the bills' accrual, its square
    buy_factor: float
    sell_factor: float
    start: int
    n_bars: int

    @classmethod
    def checked(
        cls,
        price: ArrayLike,
        bill_accrual: ArrayLike,
        year_fraction: ArrayLike,
        delay: int,
        fees: float,
        slippage: float,
        storage: float,
        borrow: float,
        first: int | None,
    ) -> Market:
        prices = _series("price", price, None)
        n_bars = prices.size
        accruals = _series("bill_accrual", bill_accrual, n_bars)
        fractions = _series("year_fraction", year_fraction, n_bars)
        _require("price", prices, prices > 0, "a price is finite and above 0; drop or fill the bar")
        accruals[:1] = fractions[:1] = 0.0
        _require("bill_accrual", accruals, accruals > -1, "an accrual is a finite fraction above -1")
        _require("year_fraction", fractions, fractions >= 0, "years since the bar before are 0 or more")
        _check_terms(delay, fees=fees, slippage=slippage, storage=storage, borrow=borrow)
        if first is not None and not 0 <= first < max(n_bars, 1):
            raise ExecutionError(f"first: bar {first} is not one of the {n_bars} bars; count from 0")
        long_carry, short_carry = 1.0 - storage * fractions, 1.0 + borrow * fractions
        if n_bars and long_carry.min() <= 0:
            raise ExecutionError(f"storage: {storage:g} a year eats the whole metal between two bars; lower it")
        metal_growth = np.ones(n_bars)
        metal_growth[1:] = prices[1:] / prices[:-1]
        bill_growth = 1.0 + accruals
        metal_excess = metal_growth * long_carry - bill_growth
        bill_index = np.cumprod(bill_growth, dtype=np.float64)
        terms = np.stack([metal_excess, metal_excess**2, accruals, accruals**2])
        tails = np.zeros((4, n_bars + 1))
        tails[:, :-1] = np.cumsum(terms[:, ::-1], axis=1)[:, ::-1]
        return cls(
            metal_index=prices * np.stack([np.ones(n_bars), np.cumprod(long_carry), np.cumprod(short_carry)]),
            bill_index=bill_index,
            bill_growth=bill_growth,
            metal_excess=metal_excess,
            tails=tails,
            buy_factor=(1.0 + slippage) * (1.0 + fees),
            sell_factor=(1.0 - slippage) * (1.0 - fees),
            start=max(first or 0, delay),
            n_bars=n_bars,
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


def _check_terms(delay: int, **fractions: float) -> None:
    if isinstance(delay, bool) or not isinstance(delay, int | np.integer) or delay < 1:
        raise ExecutionError(f"delay: {delay!r} bars would fill a decision at a price it was made from; use 1 or more")
    for name, value in fractions.items():
        if not (np.isfinite(value) and value >= 0):
            raise ExecutionError(f"{name}: {value!r} is not a finite fraction of 0 or more")
        if name in ("fees", "slippage") and value >= 1:
            raise ExecutionError(f"{name}: {value!r} is a fraction, 0.001 is 0.1 %; use a value under 1")
