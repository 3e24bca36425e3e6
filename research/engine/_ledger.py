"""The compiled loop behind :mod:`research.engine.kernel`: one account, one bar after the other.

Importing this module compiles :func:`evaluate`, or loads it from numba's cache: beside the source, in the
user's cache folder where that cannot be written, and nowhere if no folder can. Threads call it side by
side: it holds no lock, and a variant is computed by one thread from its own row alone, so the number of
threads cannot change a digit. No fast-math: the arithmetic is IEEE 754 on every machine.

The account is kept in values, not in units: between fills the metal's value grows by the metal's growth
factor and the bills' value by theirs. It starts with a capital of 1, which is all that returns need.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import boolean, float64, int64, types, void

# Columns of the table that `evaluate` fills, one row a variant. Sums are over the return periods.
(
    FIRST_FILL,  # bar of the first fill, -1 if there is none
    BANKRUPT_AT,  # bar at which the account was closed, -1 if it never was
    INFINITE_AT,  # bar whose target was infinite, -1 if none was
    FINAL_VALUE,
    MAX_DRAWDOWN,
    TRADES,
    TRADED,  # metal bought and sold, each fill as a fraction of the account before it
    COST,  # fees and slippage, likewise
    EXPOSURE,  # sum of the weights held into each period
    SUM_RETURN,
    SUM_RETURN_SQUARED,
    SUM_EXCESS,
    SUM_EXCESS_SQUARED,
    ALPHA,  # a period
    BETA,
    RESIDUAL_SUM_OF_SQUARES,
    ALPHA_VARIANCE,
    N_COLUMNS,
) = range(18)

# Two amounts nearer than this are one amount (vectorbt's relative tolerance), and an order smaller than
# DUST of the account is the rounding of the last one.
CLOSE = 1e-9
DUST = 1e-12
# A variance of returns a period under this is rounding.
RISKLESS = 1e-24


def _compiled(*signature: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile when the module is loaded; go without the disk cache where no folder can be written."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            return numba.njit(*signature, nogil=True, error_model="numpy", cache=True)(function)  # type: ignore[no-any-return]
        except (RuntimeError, OSError):
            return numba.njit(*signature, nogil=True, error_model="numpy")(function)  # type: ignore[no-any-return]

    return decorate


@numba.njit(error_model="numpy")  # type: ignore[misc]
def _add(amount: float, change: float) -> float:
    """Add, taking what is left of two nearly opposite amounts for nothing."""
    total = amount + change
    if abs(total) <= CLOSE * max(abs(amount), abs(change)):
        return 0.0
    return total


@numba.njit(error_model="numpy")  # type: ignore[misc]
def _trade(
    cash: float, holding: float, order: float, dust: float, buy_factor: float, sell_factor: float
) -> tuple[float, float, float]:
    """Fill one order of a value, a buy cut to the cash at hand: cash and holding after it, and what was filled."""
    if abs(order) <= dust:
        return cash, holding, 0.0
    if order < 0.0:
        return cash - order * sell_factor, _add(holding, order), order
    if cash <= dust:
        return cash, holding, 0.0
    left = _add(cash, -order * buy_factor)
    if left < 0.0:
        order = cash / buy_factor
        left = 0.0
    return left, _add(holding, order), order


@numba.njit(error_model="numpy")  # type: ignore[misc]
def _rebalance(
    cash: float, metal: float, bills: float, value: float, weight: float, buy_factor: float, sell_factor: float
) -> tuple[float, float, float, float]:
    """Bring metal and bills to `weight` and `1 - weight` of `value`, the smaller order first (sells before buys)."""
    dust = DUST * value
    metal_order = weight * value - metal
    bills_order = (1.0 - weight) * value - bills
    if metal_order <= bills_order:
        cash, metal, filled = _trade(cash, metal, metal_order, dust, buy_factor, sell_factor)
        cash, bills, _ = _trade(cash, bills, bills_order, dust, 1.0, 1.0)
    else:
        cash, bills, _ = _trade(cash, bills, bills_order, dust, 1.0, 1.0)
        cash, metal, filled = _trade(cash, metal, metal_order, dust, buy_factor, sell_factor)
    return cash, metal, bills, filled


@numba.njit(error_model="numpy")  # type: ignore[misc]
def _account(
    row: np.ndarray,
    offset: int,
    start: int,
    growth: np.ndarray,
    bill_growth: np.ndarray,
    buy_factor: float,
    sell_factor: float,
    equity: np.ndarray,
    out: np.ndarray,
) -> None:
    """Run one account through the bars: its value after the fills of each bar into `equity`, its trades into `out`."""
    n_bars = equity.size
    out[FIRST_FILL] = out[BANKRUPT_AT] = out[INFINITE_AT] = -1.0
    equity[: min(start, n_bars)] = np.nan
    weight = np.nan
    if start < n_bars:
        for decision in range(start + offset, -1, -1):
            if not np.isnan(row[decision]):
                weight = row[decision]
                break

    is_open = False
    cash, metal, bills, value, side = 1.0, 0.0, 0.0, 1.0, 0
    trades, traded, cost, exposure = 0, 0.0, 0.0, 0.0
    for bar in range(start, n_bars):
        if is_open:
            exposure += metal / value
            metal *= growth[side, bar]
            bills *= bill_growth[bar]
            value = cash + metal + bills
        if bar > start:
            weight = row[bar + offset]
        if not np.isnan(weight) and value > 0.0:
            if np.isinf(weight):
                out[INFINITE_AT] = bar + offset
                return
            if not is_open:
                is_open = True
                out[FIRST_FILL] = bar
            cash, metal, bills, filled = _rebalance(cash, metal, bills, value, weight, buy_factor, sell_factor)
            if filled != 0.0:
                paid = filled * (buy_factor - 1.0) if filled > 0.0 else -filled * (1.0 - sell_factor)
                trades += 1
                traded += abs(filled) / value
                cost += paid / value
                value = cash + metal + bills
            side = 1 if weight > 0.0 else 2 if weight < 0.0 else 0
        if value <= 0.0:
            out[BANKRUPT_AT] = bar
            equity[bar:] = 0.0
            break
        equity[bar] = value if is_open else np.nan
    out[FINAL_VALUE] = equity[n_bars - 1]
    out[TRADES] = trades
    out[TRADED] = traded
    out[COST] = cost
    out[EXPOSURE] = exposure


@numba.njit(error_model="numpy")  # type: ignore[misc]
def _statistics(
    equity: np.ndarray,
    bill_growth: np.ndarray,
    metal_excess: np.ndarray,
    window: int,
    excess: np.ndarray,
    out: np.ndarray,
) -> None:
    """Sums, worst drawdown and the market-timing regression of one equity path, while it is still in the cache."""
    first = int(out[FIRST_FILL]) + 1
    n_bars = equity.size
    worst, peak, previous = 0.0, 1.0, 1.0
    sum_r, sum_rr, sum_x, sum_xx, sum_xm, sum_m, sum_mm = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if equity[first - 1] < peak:
        worst = equity[first - 1] - 1.0
    floor = peak * (1.0 + worst)
    for bar in range(first, n_bars):
        value = equity[bar]
        growth = value / previous
        previous = value
        r = growth - 1.0
        x = growth - bill_growth[bar]
        m = metal_excess[bar]
        excess[bar] = x
        sum_r += r
        sum_rr += r * r
        sum_x += x
        sum_xx += x * x
        sum_xm += x * m
        sum_m += m
        sum_mm += m * m
        if value > peak:
            peak = value
            floor = peak * (1.0 + worst)
        elif value < floor:
            worst = value / peak - 1.0
            floor = value
    out[MAX_DRAWDOWN] = worst
    out[SUM_RETURN] = sum_r
    out[SUM_RETURN_SQUARED] = sum_rr
    out[SUM_EXCESS] = sum_x
    out[SUM_EXCESS_SQUARED] = sum_xx

    n = n_bars - first
    determinant = n * sum_mm - sum_m * sum_m
    if n < 3 or determinant <= RISKLESS * n * n:
        return
    beta = (n * sum_xm - sum_x * sum_m) / determinant
    alpha = (sum_x - beta * sum_m) / n
    residual = 0.0
    for bar in range(first, n_bars):
        u = excess[bar] - alpha - beta * metal_excess[bar]
        residual += u * u
        # The alpha is a sum of such scores plus its true value: its variance is that of their sum.
        excess[bar] = u * (sum_mm - sum_m * metal_excess[bar]) / determinant
    out[ALPHA] = alpha
    out[BETA] = beta
    out[RESIDUAL_SUM_OF_SQUARES] = residual
    if window == 0:
        out[ALPHA_VARIANCE] = residual / (n - 2) * sum_mm / determinant
        return
    moving, total = 0.0, 0.0
    for bar in range(first, n_bars + window - 1):
        if bar < n_bars:
            moving += excess[bar]
        if bar - window >= first:
            moving -= excess[bar - window]
        total += moving * moving
    out[ALPHA_VARIANCE] = total / window


_vector = types.Array(float64, 1, "C", readonly=True)
_matrix = types.Array(float64, 2, "C", readonly=True)
_indices = types.Array(int64, 1, "C", readonly=True)


@_compiled(
    void(
        _matrix, _indices, _indices, int64, _matrix, _vector, _vector,
        float64, float64, int64, boolean, float64[:, ::1], float64[:, ::1],
    )
)  # fmt: skip
def evaluate(
    rows: np.ndarray,
    row_of: np.ndarray,
    offset_of: np.ndarray,
    start: int,
    growth: np.ndarray,
    bill_growth: np.ndarray,
    metal_excess: np.ndarray,
    buy_factor: float,
    sell_factor: float,
    window: int,
    with_statistics: bool,
    equity: np.ndarray,
    out: np.ndarray,
) -> None:
    """Evaluate the variants ``i``: the target of ``bar`` is ``rows[row_of[i], bar + offset_of[i]]``.

    ``growth`` has three rows, the metal's growth factor to each bar when flat, long and short. ``equity``
    has a row for each variant, or one row that they share as scratch. ``window`` is the number of lags of
    the Bartlett kernel plus one (Newey and West 1987): its long-run sum of scores equals the sum of squares of
    their moving sums over ``window`` bars, divided by ``window``. 0 asks for the classical variance instead.
    """
    keeps = equity.shape[0] == row_of.size
    excess = np.empty(equity.shape[1])
    for i in range(row_of.size):
        path = equity[i if keeps else 0]
        record = out[i]
        record[:] = np.nan
        _account(
            rows[row_of[i]], offset_of[i], start, growth, bill_growth, buy_factor, sell_factor, path, record
        )
        if with_statistics and record[FIRST_FILL] >= 0.0 and record[BANKRUPT_AT] < 0.0:
            _statistics(path, bill_growth, metal_excess, window, excess, record)
