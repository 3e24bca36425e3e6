"""The compiled loop behind :mod:`research.engine.kernel`: one account, one bar after the other.

Importing this module compiles :func:`evaluate`, or loads it from numba's cache: beside the source, in the
user's cache folder where that cannot be written, and nowhere if no folder can. Threads call it side by
side: it holds no lock, and a variant is computed by one thread from its own row alone, so the number of
threads cannot change a digit. No fast-math: the arithmetic is IEEE 754 on every machine.

Between two fills an account is a position times the growth of two indices, which is done for the whole
stretch at once; only fills are done one by one. The capital is 1, which is all that returns need.
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
    TRADED,  # metal bought and sold, each fill as a fraction of the account at its price
    COST,  # fees and slippage, each as a fraction of the account at the bar before
    EXPOSURE,  # sum of the weights held into each period
    SUM_EXCESS,
    SUM_EXCESS_SQUARED,
    SUM_EXCESS_TIMES_BILLS,
    ALPHA,  # a period
    BETA,
    RESIDUAL_SUM_OF_SQUARES,
    ALPHA_VARIANCE,
    N_COLUMNS,
) = range(17)

# Two amounts nearer than this are one amount (vectorbt's relative tolerance), and an order smaller than
# DUST of the account is the rounding of the last one.
CLOSE = 1e-9
DUST = 1e-12
# A variance of returns a period under this is rounding.
RISKLESS = 1e-24
# Less than this share of the variance left unexplained is rounding too.
EXPLAINED = 1e-12


def _inner(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile as a part of what calls it."""
    return numba.njit(error_model="numpy", forceinline=True)(function)  # type: ignore[no-any-return]


def _compiled(signature: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile when the module is loaded; without the disk cache where no folder can be written."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            return numba.njit(signature, nogil=True, error_model="numpy", cache=True)(function)  # type: ignore[no-any-return]
        except (RuntimeError, OSError):  # numba found no cache folder, or its disk is full
            return numba.njit(signature, nogil=True, error_model="numpy")(function)  # type: ignore[no-any-return]

    return decorate


@_inner
def _add(amount: float, change: float) -> float:
    """Add, taking what is left of two nearly opposite amounts for nothing."""
    total = amount + change
    if abs(total) <= CLOSE * max(abs(amount), abs(change)):
        return 0.0
    return total


@_inner
def _trade(
    cash: float, holding: float, order: float, dust: float, buy_factor: float, sell_factor: float
) -> tuple[float, float, float]:
    """Fill one order, a buy cut to the cash at hand: cash and holding after it, and the value filled."""
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


@_inner
def _rebalance(
    cash: float,
    metal: float,
    bills: float,
    value: float,
    weight: float,
    buy_factor: float,
    sell_factor: float,
) -> tuple[float, float, float, float]:
    """Bring metal and bills to `weight` and `1 - weight` of `value`, the smaller order first."""
    dust = DUST * value
    metal_order = weight * value - metal
    bills_order = (1.0 - weight) * value - bills
    if cash == 0.0 and min(abs(metal_order), abs(bills_order)) > dust:
        # The usual case, without a jump that depends on the side: one sell pays for a buy cut to its yield.
        buys = metal_order > 0.0
        metal_change = -bills_order * (1.0 / buy_factor) if buys else metal_order
        bills_change = bills_order if buys else -metal_order * sell_factor
        new_metal, new_bills = metal + metal_change, bills + bills_change
        is_cut = (metal_change if buys else bills_change) < (metal_order if buys else bills_order) * (1.0 - CLOSE)
        metal_is_left = abs(new_metal) > CLOSE * max(abs(metal), abs(metal_change))
        bills_are_left = abs(new_bills) > CLOSE * max(abs(bills), abs(bills_change))
        if is_cut and metal_is_left and bills_are_left:
            return 0.0, new_metal, new_bills, metal_change
    if metal_order <= bills_order:
        cash, metal, filled = _trade(cash, metal, metal_order, dust, buy_factor, sell_factor)
        cash, bills, _ = _trade(cash, bills, bills_order, dust, 1.0, 1.0)
    else:
        cash, bills, _ = _trade(cash, bills, bills_order, dust, 1.0, 1.0)
        cash, metal, filled = _trade(cash, metal, metal_order, dust, buy_factor, sell_factor)
    return cash, metal, bills, filled


@_inner
def _account(
    row: np.ndarray,
    offset: int,
    start: int,
    metal_index: np.ndarray,
    bill_index: np.ndarray,
    buy_factor: float,
    sell_factor: float,
    equity: np.ndarray,
    held: np.ndarray,
    out: np.ndarray,
) -> None:
    """Run one account from fill to fill; `equity` and the metal `held` in it are after the fills of a bar."""
    n_bars = equity.size
    trades, traded, cost = 0, 0.0, 0.0
    weight, bar = _opening(row, offset, start, n_bars)
    equity[: min(bar, n_bars)] = np.nan
    out[FIRST_FILL] = bar if bar < n_bars else -1.0
    out[BANKRUPT_AT] = out[INFINITE_AT] = -1.0
    cash, metal, bills, value, before = 1.0, 0.0, 0.0, 1.0, 1.0
    while bar < n_bars:
        if np.isinf(weight):
            out[INFINITE_AT] = bar + offset
            return
        if value > 0.0:
            cash, metal, bills, filled = _rebalance(cash, metal, bills, value, weight, buy_factor, sell_factor)
            if filled != 0.0:
                trades += 1
                traded += abs(filled) / value
                cost += max(filled * (buy_factor - 1.0), filled * (sell_factor - 1.0)) / before
                value = cash + metal + bills
        if value <= 0.0:
            _close(bar, equity, out)
            break
        equity[bar] = value
        held[bar] = metal

        # All in metal or all in bills has nothing to trade when the same target is repeated.
        settled = cash == 0.0 and ((weight == 1.0 and bills == 0.0) or (weight == 0.0 and metal == 0.0))
        following = _next_fill(row, offset, bar + 1, n_bars, weight if settled else np.nan)
        side = 1 if weight > 0.0 else 2 if weight < 0.0 else 0
        metal_scale, bill_scale = 1.0 / metal_index[side, bar], 1.0 / bill_index[bar]
        if following > bar + 1:
            hold = slice(bar + 1, following)
            _hold(
                cash, metal, bills, metal_scale, bill_scale,
                metal_index[side, hold], bill_index[hold], equity[hold], held[hold],
            )  # fmt: skip
            if metal < 0.0 or bills < 0.0:
                ruin = _first_ruin(equity, bar + 1, following)
                if ruin < following:
                    _close(ruin, equity, out)
                    break
        if following < n_bars:
            weight, before = row[following + offset], equity[following - 1]
            metal *= metal_index[side, following] * metal_scale
            bills *= bill_index[following] * bill_scale
            value = cash + metal + bills
        bar = following
    out[FINAL_VALUE] = equity[n_bars - 1] if n_bars > 0 else np.nan
    out[TRADES] = trades
    out[TRADED] = traded
    out[COST] = cost


@_inner
def _opening(row: np.ndarray, offset: int, start: int, n_bars: int) -> tuple[float, int]:
    """Target and bar of the first fill: the last target due by `start`, else the first one after it."""
    if start < n_bars:
        for decision in range(start + offset, -1, -1):
            if not np.isnan(row[decision]):
                return row[decision], start
    for bar in range(start + 1, n_bars):
        if not np.isnan(row[bar + offset]):
            return row[bar + offset], bar
    return np.nan, n_bars


@_inner
def _next_fill(row: np.ndarray, offset: int, start: int, n_bars: int, idle: float) -> int:
    """First bar from `start` on whose target is neither NaN nor `idle`."""
    for bar in range(start, n_bars):
        target = row[bar + offset]
        if not np.isnan(target) and target != idle:
            return bar
    return n_bars


@_inner
def _hold(
    cash: float,
    metal: float,
    bills: float,
    metal_scale: float,
    bill_scale: float,
    metal_index: np.ndarray,
    bill_index: np.ndarray,
    equity: np.ndarray,
    held: np.ndarray,
) -> None:
    """Value a position that is kept: the loop that the compiler turns into vector instructions."""
    for bar in range(equity.size):
        worth = metal * (metal_index[bar] * metal_scale)
        held[bar] = worth
        equity[bar] = cash + worth + bills * (bill_index[bar] * bill_scale)


@_inner
def _first_ruin(equity: np.ndarray, start: int, stop: int) -> int:
    """First bar of a stretch at which nothing is left, else its end."""
    for bar in range(start, stop):
        if equity[bar] <= 0.0:
            return bar
    return stop


@_inner
def _close(bar: int, equity: np.ndarray, out: np.ndarray) -> None:
    """Close a ruined account."""
    out[BANKRUPT_AT] = bar
    equity[bar:] = 0.0


@_inner
def _statistics(
    equity: np.ndarray,
    held: np.ndarray,
    bill_growth: np.ndarray,
    metal_excess: np.ndarray,
    tails: np.ndarray,
    window: int,
    out: np.ndarray,
) -> None:
    """Sums, worst drawdown and regression on the metal of one equity path, while it is in the cache."""
    opened = int(out[FIRST_FILL])
    n_bars = equity.size
    exposure, sum_x, sum_xx, sum_xm, sum_xb = 0.0, 0.0, 0.0, 0.0, 0.0
    peak, floor, worst = 1.0, min(equity[opened], 1.0), min(equity[opened], 1.0)
    inverse, weight = 1.0, held[opened] / equity[opened]
    for bar in range(opened + 1, n_bars):
        value = equity[bar]
        x = value * inverse - bill_growth[bar]
        exposure += weight
        sum_x += x
        sum_xx += x * x
        sum_xm += x * metal_excess[bar]
        sum_xb += x * bill_growth[bar]
        inverse = 1.0 / value
        weight = held[bar] * inverse
        if value > peak:
            peak = value
            floor = peak * worst
        elif value < floor:
            floor = value
            worst = value / peak
    out[MAX_DRAWDOWN] = worst - 1.0
    out[EXPOSURE] = exposure
    out[SUM_EXCESS] = sum_x
    out[SUM_EXCESS_SQUARED] = sum_xx
    out[SUM_EXCESS_TIMES_BILLS] = sum_xb - sum_x

    n = n_bars - 1 - opened
    sum_m, sum_mm = tails[0, opened + 1], tails[1, opened + 1]
    spread_m = sum_mm - sum_m * sum_m / n
    if n < 3 or spread_m <= RISKLESS * n:
        return
    spread_x = sum_xx - sum_x * sum_x / n
    common = sum_xm - sum_x * sum_m / n
    beta = common / spread_m
    alpha = (sum_x - beta * sum_m) / n
    residual = spread_x - beta * common
    if residual <= EXPLAINED * spread_x:
        residual = 0.0
    out[ALPHA] = alpha
    out[BETA] = beta
    out[RESIDUAL_SUM_OF_SQUARES] = residual
    if window == 0:
        out[ALPHA_VARIANCE] = residual / (n - 2) * sum_mm / n / spread_m
        return

    scores = held
    inverse = 1.0
    for bar in range(opened + 1, n_bars):
        u = equity[bar] * inverse - bill_growth[bar] - alpha - beta * metal_excess[bar]
        inverse = 1.0 / equity[bar]
        scores[bar] = u * (sum_mm - sum_m * metal_excess[bar]) / (n * spread_m)
    moving, total = 0.0, 0.0
    for bar in range(opened + 1, n_bars + window - 1):
        if bar < n_bars:
            moving += scores[bar]
        if bar - window > opened:
            moving -= scores[bar - window]
        total += moving * moving
    out[ALPHA_VARIANCE] = total / window


_vector = types.Array(float64, 1, "C", readonly=True)
_matrix = types.Array(float64, 2, "C", readonly=True)
_indices = types.Array(int64, 1, "C", readonly=True)


@_compiled(
    void(
        _matrix, _indices, _indices, int64, _matrix, _vector, _vector, _vector, _matrix,
        float64, float64, int64, boolean, float64[:, ::1], float64[:, ::1],
    )
)  # fmt: skip
def evaluate(
    rows: np.ndarray,
    row_of: np.ndarray,
    offset_of: np.ndarray,
    start: int,
    metal_index: np.ndarray,
    bill_index: np.ndarray,
    bill_growth: np.ndarray,
    metal_excess: np.ndarray,
    tails: np.ndarray,
    buy_factor: float,
    sell_factor: float,
    window: int,
    with_statistics: bool,
    equity: np.ndarray,
    out: np.ndarray,
) -> None:
    """Evaluate the variants ``i``: the target of ``bar`` is ``rows[row_of[i], bar + offset_of[i]]``.

    ``metal_index`` has three rows: the worth of a unit of metal to an account that is flat, long and short.
    ``tails`` has the sums from each bar to the last of the metal's excess return and of its square.
    ``equity`` has a row for each variant, or one row that they share as scratch. ``window`` is one more than
    the lags of the Bartlett kernel (Newey and West 1987), whose long-run sum of scores equals the sum of
    squares of their moving sums over ``window`` bars, divided by ``window``; 0 asks for classical variance.
    """
    keeps = equity.shape[0] == row_of.size
    held = np.empty(equity.shape[1])
    for i in range(row_of.size):
        path = equity[i if keeps else 0]
        record = out[i]
        record[:] = np.nan
        _account(
            rows[row_of[i]], offset_of[i], start, metal_index, bill_index, buy_factor, sell_factor,
            path, held, record,
        )  # fmt: skip
        if with_statistics and record[FIRST_FILL] >= 0.0 and record[BANKRUPT_AT] < 0.0:
            _statistics(path, held, bill_growth, metal_excess, tails, window, record)
