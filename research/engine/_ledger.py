"""The compiled loop behind ``research.engine.kernel``: accounts in step, bar by bar.

Importing this module compiles ``evaluate``, or loads it from numba's cache: beside the source, in the
user's cache folder where that cannot be written, and nowhere if no folder can. Threads call it side by
side: it holds no lock, and a variant is computed from its own row alone, so that neither the number of threads nor
its neighbours can change a digit. No fast-math: the arithmetic is IEEE 754 on every machine.

The rules are written for one account; what they are given is ``several in step <research.engine._lanes>``. What
seldom happens to any of them, and then to all that stand beside it at no cost of theirs, is asked for first.
The capital is 1, which is all that returns need.
"""

from __future__ import annotations

import numpy as np
from numba import float64, int64, types, void

from research.engine._compile import compiled, part
from research.engine._lanes import WIDTH, any_of, load, magnitude, store
from research.engine._timing import Number, Truth, highest, where
from research.units import Floats, Integers

# Columns of the table that `evaluate` fills, one row a variant. Sums are over the return periods.
(
    INFINITE_AT,  # bar whose target was infinite, -1 if none was
    FIRST_FILL,  # bar of the first fill, -1 if there is none
    BANKRUPT_AT,  # bar at which the account was closed, -1 if it never was
    FINAL_VALUE,
    MAX_DRAWDOWN,
    TRADES,
    TRADED,  # metal bought and sold, each fill as a fraction of the account at its price
    COST,  # fees and slippage, each as a fraction of the account at the bar before
    X,  # with x the excess return and m the metal's: sum of x, and so on
    XX,
    XM,
    X_ACCRUAL,  # of x times the bills' accrual
    EXPOSURE,  # sum of the weights held into each period
    N_COLUMNS,
) = range(14)

# Two amounts nearer than this are one amount (vectorbt's relative tolerance), and an order smaller than
# DUST of the account is the rounding of the last one.
CLOSE = 1e-9
DUST = 1e-12

_TILE = 64  # bars whose targets are laid side by side at once

Position = tuple[Number, Number, Number]  # cash, metal, bills
Fills = tuple[Number, Number, Number]  # of the columns TRADES to COST
Terms = tuple[Floats, Floats, Floats, float, float]


@part
def _add(amount: Number, change: Number) -> Number:
    """Add, taking what is left of two nearly opposite amounts for nothing."""
    total = amount + change
    return where(magnitude(total) <= highest(magnitude(amount), magnitude(change)) * CLOSE, 0.0, total)


@part
def _trade(
    cash: Number, holding: Number, order: Number, dust: Number, paid: Number, sold: Number, bought: Number
) -> tuple[Number, Number, Number]:
    """Fill one order, a buy cut to the cash at hand: cash and holding after it, and the value filled.

    Of a value of 1, `paid` is what buying it takes, `sold` what selling it brings, and `bought` what cash of 1 buys.
    """
    is_filled = (magnitude(order) > dust) & ((order < 0.0) | (cash > dust))
    left = _add(cash, -order * where(order < 0.0, sold, paid))
    filled = where(is_filled, where(left < 0.0, cash * bought, order), 0.0)
    return where(is_filled, highest(left, 0.0), cash), _add(holding, filled), filled


@part
def _rebalance(
    position: Position, value: Number, asked: Truth, weight: Number, buy_factor: float, sell_factor: float
) -> tuple[Position, Number]:
    """Bring metal and bills to `weight` and `1 - weight` of `value` where asked, the smaller order first.

    Returns the position and the value of metal filled.
    """
    cash, metal, bills = position
    dust, bought = value * DUST, 1.0 / buy_factor
    metal_order, bills_order = weight * value - metal, (1.0 - weight) * value - bills
    is_order = asked & (highest(magnitude(metal_order), magnitude(bills_order)) > dust)
    metal_order, bills_order = where(is_order, metal_order, 0.0), where(is_order, bills_order, 0.0)
    if not any_of(is_order):
        return position, metal_order
    # The usual case of all: one sell pays for a buy that is cut to its yield. To the digit what follows below.
    buys = metal_order > 0.0
    metal_filled = where(buys, -bills_order * bought, metal_order)
    bills_filled = where(buys, bills_order, -metal_order * sell_factor)
    buy_order, buy_filled = where(buys, metal_order, bills_order), where(buys, metal_filled, bills_filled)
    is_whole = (buy_order <= dust) | (buy_filled >= buy_order * (1.0 - 2.0 * CLOSE))
    is_other = (cash != 0.0) | (where(buys, bills_order, metal_order) >= -dust) | is_whole
    if not any_of(is_order & is_other):
        return (cash, _add(metal, metal_filled), _add(bills, bills_filled)), metal_filled
    metal_first = metal_order <= bills_order
    cash, one, filled_one = _trade(
        cash, where(metal_first, metal, bills), where(metal_first, metal_order, bills_order), dust,
        where(metal_first, buy_factor, 1.0), where(metal_first, sell_factor, 1.0), where(metal_first, bought, 1.0),
    )  # fmt: skip
    cash, other, filled_other = _trade(
        cash, where(metal_first, bills, metal), where(metal_first, bills_order, metal_order), dust,
        where(metal_first, 1.0, buy_factor), where(metal_first, 1.0, sell_factor), where(metal_first, 1.0, bought),
    )  # fmt: skip
    metal, bills = where(metal_first, one, other), where(metal_first, other, one)
    return (cash, metal, bills), where(metal_first, filled_one, filled_other)


@part
def _count(
    fills: Fills, filled: Number, value: Number, inverse_before: Number, buy_factor: float, sell_factor: float
) -> Fills:
    """Add a metal order, filled at a `value` of the account."""
    is_filled = filled != 0.0
    if not any_of(is_filled):
        return fills
    paid = highest(filled * (buy_factor - 1.0), filled * (sell_factor - 1.0)) * inverse_before
    return (
        fills[0] + where(is_filled, 1.0, 0.0),
        fills[1] + where(is_filled, magnitude(filled) / value, 0.0),
        fills[2] + where(is_filled, paid, 0.0),
    )


@part
def _lower(peak: Number, worst: Number, value: Number) -> tuple[Number, Number]:
    """Peak so far, and the worst fall from one as a ratio."""
    peak = highest(value, peak)
    is_lower = value < peak * worst
    if any_of(is_lower):
        worst = where(is_lower, value / peak, worst)
    return peak, worst


@part
def _lay(row: Floats, first: int, stop: int, tile: Floats, lane: int) -> None:
    """Lay the targets of one account beside those of the others."""
    for k in range(stop - first):
        tile[k * WIDTH + lane] = row[first + k]


@part
def _take(tile: Floats, path: Floats, first: int, stop: int, lane: int) -> None:
    """Take the values of one account from beside those of the others."""
    for k in range(stop - first):
        path[first + k] = tile[k * WIDTH + lane]


@part
def _walk(rows: Floats, members: Integers, delay: int, terms: Terms, equity: Floats, tile: Floats, out: Floats) -> None:
    """Walk the accounts of some rows, as many as there are lanes."""
    growth, accrual, metal_excess, buy_factor, sell_factor = terms
    n_bars = accrual.size
    tile[:WIDTH] = 0.0
    none = load(tile, 0)
    one = none + 1.0
    position, value, peak, worst = (one, none, none), one, one, one
    inverse, inverse_base, side, weight, opened = one, one, none, none, none > 0.0
    infinite_at, opened_at, closed_at = -one, -one, -one
    fills = none, none, none
    sum_x, sum_xx, sum_xm, sum_x_accrual, exposure = none, none, none, none, none
    for bar in range(delay, n_bars):
        at = (bar - delay) % _TILE
        if at == 0:
            for lane in range(WIDTH):
                _lay(rows[members[lane]], bar - delay, min(bar + _TILE, n_bars) - delay, tile, lane)
        if bar > delay:
            carried = where(side > 0.0, growth[1, bar], where(side < 0.0, growth[2, bar], growth[0, bar]))
            position = position[0], position[1] * carried, position[2] * (1.0 + accrual[bar])
            value = position[0] + position[1] + position[2]
        was_open, target = opened, load(tile, at * WIDTH)
        asked = (target == target) & (value > 0.0)
        if any_of(asked):
            infinite_at = where(asked & (magnitude(target) == np.inf), float(bar - delay), infinite_at)
            opened_at = where(asked & (opened_at < 0.0), float(bar), opened_at)
            opened = opened | asked
            side = where(asked, target, side)
            position, filled = _rebalance(position, value, asked, target, buy_factor, sell_factor)
            fills = _count(fills, filled, value, inverse, buy_factor, sell_factor)
            value = position[0] + position[1] + position[2]
        is_over = value <= 0.0
        if any_of(is_over):
            closed_at = where(is_over & (closed_at < 0.0), float(bar), closed_at)
            position = (
                where(is_over, 0.0, position[0]), where(is_over, 0.0, position[1]), where(is_over, 0.0, position[2]),
            )  # fmt: skip
            value = where(is_over, 0.0, value)
        x, m = where(was_open, value * inverse_base - 1.0 - accrual[bar], 0.0), metal_excess[bar]
        sum_x, sum_xx, sum_xm = sum_x + x, sum_xx + x * x, sum_xm + x * m
        sum_x_accrual, exposure = sum_x_accrual + x * accrual[bar], exposure + weight
        peak, worst = _lower(peak, worst, value)
        inverse = 1.0 / value
        weight = position[1] * inverse
        inverse_base = where(was_open, inverse, 1.0)  # the first return bears the cost of entry
        if equity.size:
            store(tile, at * WIDTH, where(opened, value, np.nan))
            if at == _TILE - 1 or bar == n_bars - 1:
                for lane in range(WIDTH):
                    _take(tile, equity[members[lane]], bar - at, bar + 1, lane)
    columns = (
        infinite_at, opened_at, closed_at, value, worst - 1.0, fills[0], fills[1], fills[2],
        sum_x, sum_xx, sum_xm, sum_x_accrual, exposure,
    )  # fmt: skip
    for column in range(N_COLUMNS):
        store(tile, 0, columns[column])
        for lane in range(WIDTH):
            out[members[lane], column] = tile[lane]


_vector = types.Array(float64, 1, "C", readonly=True)
_matrix = types.Array(float64, 2, "C", readonly=True)


@compiled(
    void(
        _matrix, int64, types.Tuple((_matrix, _vector, _vector, float64, float64)),
        float64[:, ::1], float64[:, ::1],
    )
)  # fmt: skip
def evaluate(rows: Floats, delay: int, terms: Terms, equity: Floats, out: Floats) -> None:
    """Evaluate the variants: the target ``rows[i, bar]`` is filled at ``bar + delay``.

    The market's terms are those of ``TradedMarket``. ``equity``, of NaN or empty,
    takes the value of each account after the fills of each bar.
    """
    tile, members = np.empty(_TILE * WIDTH), np.empty(WIDTH, np.int64)
    for i in range(0, len(rows), WIDTH):
        for lane in range(WIDTH):
            members[lane] = min(i + lane, len(rows) - 1)  # lanes that are left over repeat the last
        _walk(rows, members, delay, terms, equity, tile, out)
