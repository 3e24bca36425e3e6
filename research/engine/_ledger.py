"""The compiled loop behind :mod:`research.engine.kernel`: one account, one bar after the other.

Importing this module compiles :func:`evaluate`, or loads it from numba's cache: beside the source, in the
user's cache folder where that cannot be written, and nowhere if no folder can. Threads call it side by
side: it holds no lock, and a variant is computed by one thread from its own row alone, so the number of
threads cannot change a digit. No fast-math: the arithmetic is IEEE 754 on every machine.

An account is walked from fill to fill. One that is all in metal or all in bills is *settled*: until the next
different target it earns what the metal or the bills earn, so that the sums over the stretch are differences of
sums made once for the market, and its worst fall is found block by block. Only fills and unsettled stretches go
bar by bar. The capital is 1, which is all that returns need.

The sums are of ``x``, the excess return, or for placebos of ``x`` over the mix that holds the average weight wanted so
far. While the weight wanted is ``h`` that average is ``h + surplus / k`` after ``k`` bars, with one surplus from fill
to fill; so a settled stretch earns ``-surplus m / k`` over the mix, and its sums too are differences of sums made once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import boolean, float64, int64, types, void

from research.engine._compile import compiled, inner
from research.engine.traded_market import BLOCK

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
    X,  # with x the excess return and m the metal's: sum of x, and so on
    XX,
    XM,
    XMM,
    XMMM,
    XXM,
    XXMM,
    X_ACCRUAL,  # of x times the bills' accrual
    LONG_RUN_VARIANCE,  # of alpha; NaN where none was asked for
    N_COLUMNS,
) = range(19)

# Two amounts nearer than this are one amount (vectorbt's relative tolerance), and an order smaller than
# DUST of the account is the rounding of the last one.
CLOSE = 1e-9
DUST = 1e-12

# Sums over periods: of the columns X to X_ACCRUAL, and of the weight held.
Sums = tuple[float, float, float, float, float, float, float, float, float]
Mix = tuple[float, float]  # weight wanted, and surplus of the average so far; nothing where there is no mix
Array = np.ndarray
Fall = tuple[float, float, float]
Terms = tuple[Any, ...]  # what `kernel` reads of a market, in the order in which `_account` takes it apart
Position = tuple[float, float, float]  # cash, units of the metal's index, units of the bills' index


@inner
def _add(amount: float, change: float) -> float:
    """Add, taking what is left of two nearly opposite amounts for nothing."""
    total = amount + change
    if abs(total) <= CLOSE * max(abs(amount), abs(change)):
        return 0.0
    return total


@inner
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


@inner
def _rebalance(
    cash: float, metal: float, bills: float, value: float, weight: float, buy_factor: float, sell_factor: float
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


@inner
def _account(
    bars: Array,
    targets: Array,
    others: Array,
    offset: int,
    start: int,
    terms: Terms,
    with_path: bool,
    equity: Array,
    held: Array,
    out: Array,
) -> None:
    """Run one account from fill to fill; with a path, `equity` and metal `held` are kept after the fills of a bar."""
    metal_index, bill_index, accrual, metal_excess, tails, blocks, share, mix_tails, buy_factor, sell_factor = terms
    n_bars, over_mix = bill_index.size, mix_tails.size > 0
    trades, traded, cost, mix = 0, 0.0, 0.0, (0.0, 0.0)
    at, bar = _opening(bars, offset, start, n_bars)
    opened = bar
    out[FIRST_FILL] = opened if opened < n_bars else -1.0
    out[BANKRUPT_AT] = out[INFINITE_AT] = -1.0
    if with_path:
        equity[:opened] = np.nan
    cash, metal, bills, value = 1.0, 0.0, 0.0, 1.0
    before, weight_into = 1.0, 0.0  # value at the bar before, and the share of metal in it
    sums = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    fall = (1.0, 1.0, 1.0)
    while bar < n_bars:
        weight = targets[at]
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
            value = _close(bar, with_path, equity, out)
            break
        fall = _lower(fall, value)
        if bar > opened:
            base = before if bar > opened + 1 else 1.0  # the first return bears the cost of entry
            x = value / base - 1.0 - accrual[bar]
            sums = _period(sums, x, weight_into, metal_excess[bar], accrual[bar], mix, share[bar])
        if over_mix:
            mix = _wanting(mix, weight, bar - opened)

        # All in metal or all in bills has nothing to trade when the same target is repeated.
        settled = cash == 0.0 and ((weight == 1.0 and bills == 0.0) or (weight == 0.0 and metal == 0.0))
        at = others[at] if settled else at + 1
        following = min(bars[at] - offset, n_bars) if at < bars.size else n_bars
        side = 1 if weight > 0.0 else 2 if weight < 0.0 else 0
        metal_units, bill_units = metal / metal_index[side, bar], bills / bill_index[bar]
        position = cash, metal_units, bill_units
        if with_path:
            equity[bar], held[bar] = value, metal
            _hold(position, metal_index[side], bill_index, bar + 1, following, equity, held)
        first, stop = bar + 1, following
        if metal < 0.0 or bills < 0.0:
            stop = _first_ruin(position, metal_index[side], bill_index, first, following)
        if settled:
            if bar == opened and first < following:
                now = metal_units * metal_index[side, first] + bill_units * bill_index[first]
                x = now - 1.0 - accrual[first]
                sums = _period(sums, x, metal / value, metal_excess[first], accrual[first], mix, share[first])
                fall = _lower(fall, now)
                first += 1
            if over_mix:
                sums = _settled_over_mix(sums, mix_tails, mix[1], first, following)
            elif first < following and weight == 1.0:
                sums = _settled(sums, tails, first, following)
                fall = _lowest(fall, metal_units, metal_index[1], blocks[0], first, following)
            elif first < following:
                fall = _lowest(fall, bill_units, bill_index, blocks[1], first, following)
        elif first < stop:
            sums, fall = _unsettled(
                sums, fall, position, metal_index[side], bill_index, accrual, metal_excess, first, stop,
                1.0 if bar == opened else value, metal / value, mix, share,
            )  # fmt: skip
        if stop < following:
            value = _close(stop, with_path, equity, out)
            break
        if following > bar + 1:
            metal, bills = metal_units * metal_index[side, following - 1], bill_units * bill_index[following - 1]
            value = cash + metal + bills
        if following < n_bars:
            before, weight_into = value, metal / value
            metal, bills = metal_units * metal_index[side, following], bill_units * bill_index[following]
            value = cash + metal + bills
        bar = following
    ruined = out[BANKRUPT_AT] >= 0.0
    if ruined and over_mix:
        sums = _ruined(sums, mix, bars, targets, at, offset, opened, int(out[BANKRUPT_AT]), terms)
    out[FINAL_VALUE] = value if opened < n_bars else np.nan
    out[TRADES] = trades
    out[TRADED] = traded
    out[COST] = cost
    if opened < n_bars and (over_mix or not ruined):
        out[MAX_DRAWDOWN] = fall[2] - 1.0
        out[X], out[XX], out[XM], out[XMM], out[XMMM], out[XXM], out[XXMM], out[X_ACCRUAL], out[EXPOSURE] = sums


@inner
def _decisions(row: Array, bars: Array, targets: Array, others: Array) -> int:
    """List the bars that have a target, the targets, and for each the next one that differs; count them."""
    n = 0
    for bar in range(row.size):
        bars[n], targets[n] = bar, row[bar]
        n += row[bar] == row[bar]
    for i in range(n - 1, -1, -1):
        others[i] = others[i + 1] if i + 1 < n and targets[i + 1] == targets[i] else i + 1
    return n


@inner
def _opening(bars: Array, offset: int, start: int, n_bars: int) -> tuple[int, int]:
    """Decision and bar of the first fill: the last target due by `start`, else the first one after it."""
    due, beyond = 0, bars.size  # by halves: numpy's search takes long to compile
    while due < beyond:
        middle = (due + beyond) // 2
        if bars[middle] <= start + offset:
            due = middle + 1
        else:
            beyond = middle
    if due > 0 and start < n_bars:
        return due - 1, start
    if due == 0 and bars.size > 0:
        return 0, min(bars[0] - offset, n_bars)
    return 0, n_bars


@inner
def _hold(
    position: Position, metal_index: Array, bill_index: Array, first: int, stop: int, equity: Array, held: Array
) -> None:
    """Value a position that is kept: the loop that the compiler turns into vector instructions."""
    cash, metal_units, bill_units = position
    for bar in range(first, stop):
        held[bar] = metal_units * metal_index[bar]
        equity[bar] = cash + metal_units * metal_index[bar] + bill_units * bill_index[bar]


@inner
def _first_ruin(position: Position, metal_index: Array, bill_index: Array, first: int, stop: int) -> int:
    """First bar of a stretch at which nothing is left, else its end."""
    cash, metal_units, bill_units = position
    for bar in range(first, stop):
        if cash + metal_units * metal_index[bar] + bill_units * bill_index[bar] <= 0.0:
            return bar
    return stop


@inner
def _close(bar: int, with_path: bool, equity: Array, out: Array) -> float:
    """Close a ruined account: its value."""
    out[BANKRUPT_AT] = bar
    if with_path:
        equity[bar:] = 0.0
    return 0.0


@inner
def _ruined(
    sums: Sums, mix: Mix, bars: Array, targets: Array, at: int, offset: int, opened: int, ruin: int, terms: Terms
) -> Sums:
    """Add the periods of a ruined account: all is lost in the first, nothing is earned later, whatever is wanted."""
    _, _, accrual, metal_excess, _, _, share, _, _, _ = terms
    first = max(ruin, opened + 1)
    for bar in range(first, accrual.size):
        while at < bars.size and bars[at] - offset < bar:
            mix = _wanting(mix, targets[at], max(bars[at] - offset - opened, 0))
            at += 1
        x = (-1.0 if bar == first else 0.0) - accrual[bar]
        sums = _period(sums, x, 0.0, metal_excess[bar], accrual[bar], mix, share[bar])
    return sums


@inner
def _wanting(mix: Mix, weight: float, periods: int) -> Mix:
    """Want another weight after so many periods."""
    return weight, mix[1] + (mix[0] - weight) * periods


@inner
def _period(sums: Sums, x: float, weight: float, m: float, accrual: float, mix: Mix, share: float) -> Sums:
    """Add one period's excess return `x` on the `weight` held into it, the metal's being `m`."""
    x -= (mix[0] + mix[1] * share) * m
    xm, xx = x * m, x * x
    return (
        sums[0] + x, sums[1] + xx, sums[2] + xm, sums[3] + xm * m, sums[4] + xm * m * m, sums[5] + xx * m,
        sums[6] + xm * xm, sums[7] + x * accrual, sums[8] + weight,
    )  # fmt: skip


@inner
def _settled(sums: Sums, tails: Array, first: int, stop: int) -> Sums:
    """Add the periods of a stretch that is all in metal: `x` is `m` and the weight is 1."""
    before, after = tails[first], tails[stop]
    m, mm, mmm, mmmm = before[0] - after[0], before[1] - after[1], before[2] - after[2], before[3] - after[3]
    x, xx, xm, xmm, xmmm, xxm, xxmm, x_accrual, exposure = sums
    return (
        x + m, xx + mm, xm + mm, xmm + mmm, xmmm + mmmm, xxm + mmm, xxmm + mmmm,
        x_accrual + (before[4] - after[4]), exposure + (stop - first),
    )  # fmt: skip


@inner
def _settled_over_mix(sums: Sums, mix_tails: Array, surplus: float, first: int, stop: int) -> Sums:
    """Add the periods of a stretch that is all in metal or all in bills: `x` over the mix is `-surplus m / k`."""
    before, after, square = mix_tails[first], mix_tails[stop], surplus * surplus
    x, xx, xm, xmm, xmmm, xxm, xxmm, x_accrual, exposure = sums
    return (
        x - surplus * (before[0] - after[0]), xx + square * (before[4] - after[4]),
        xm - surplus * (before[1] - after[1]), xmm - surplus * (before[2] - after[2]),
        xmmm - surplus * (before[3] - after[3]), xxm + square * (before[5] - after[5]),
        xxmm + square * (before[6] - after[6]), x_accrual, exposure,
    )  # fmt: skip


@inner
def _unsettled(
    sums: Sums,
    fall: Fall,
    position: Position,
    metal_index: Array,
    bill_index: Array,
    accrual: Array,
    metal_excess: Array,
    first: int,
    stop: int,
    base: float,
    weight: float,
    mix: Mix,
    share: Array,
) -> tuple[Sums, Fall]:
    """Add the periods of a stretch of any other position, worth `base` and with `weight` in metal before it."""
    cash, metal_units, bill_units = position
    inverse = 1.0 / base
    for bar in range(first, stop):
        metal = metal_units * metal_index[bar]
        value = cash + metal + bill_units * bill_index[bar]
        x = value * inverse - 1.0 - accrual[bar]
        sums = _period(sums, x, weight, metal_excess[bar], accrual[bar], mix, share[bar])
        fall = _lower(fall, value)
        inverse = 1.0 / value
        weight = metal * inverse
    return sums, fall


@inner
def _lower(fall: Fall, value: float) -> Fall:
    """Peak so far, the value below which the fall from it is a new worst one, and that worst one as a ratio."""
    peak, floor, worst = fall
    if value > peak:
        return value, value * worst, worst
    if value < floor:
        return peak, value, value / peak
    return fall


@inner
def _lowest(fall: Fall, units: float, index: Array, blocks: Array, first: int, stop: int) -> Fall:
    """Carry the worst fall through a stretch, past the blocks of bars that can hold no worse one."""
    for number in range(first // BLOCK, (stop + BLOCK - 1) // BLOCK):
        peak, floor, worst = fall
        high, low = units * blocks[number, 0], units * blocks[number, 1]
        if high <= peak and low >= floor:
            continue
        begin, end = max(first, number * BLOCK), min(stop, number * BLOCK + BLOCK)
        if end - begin == BLOCK and low >= floor and blocks[number, 2] >= worst:
            fall = high, high * worst, worst
            continue
        for bar in range(begin, end):
            fall = _lower(fall, units * index[bar])
    return fall


@inner
def _long_run_variance(equity: Array, scores: Array, terms: Terms, window: int, out: Array) -> float:
    """Newey and West's variance of alpha.

    The Bartlett-weighted sum of scores is the sum of squares of their moving sums over `window` bars, divided by it.
    """
    _, _, accrual, metal_excess, tails, _, _, _, _, _ = terms
    opened, n_bars = int(out[FIRST_FILL]), equity.size
    n = n_bars - 1 - opened
    m, mm = tails[opened + 1, 0], tails[opened + 1, 1]
    spread_m = mm - m * m / n
    beta = (out[XM] - out[X] * m / n) / spread_m
    alpha = (out[X] - beta * m) / n
    inverse = 1.0
    for bar in range(opened + 1, n_bars):
        u = equity[bar] * inverse - 1.0 - accrual[bar] - alpha - beta * metal_excess[bar]
        inverse = 1.0 / equity[bar]
        scores[bar] = u * (mm - m * metal_excess[bar]) / (n * spread_m)
    moving, total = 0.0, 0.0
    for bar in range(opened + 1, n_bars + window - 1):
        if bar < n_bars:
            moving += scores[bar]
        if bar - window > opened:
            moving -= scores[bar - window]
        total += moving * moving
    return total / window


_vector = types.Array(float64, 1, "C", readonly=True)
_matrix = types.Array(float64, 2, "C", readonly=True)
_indices = types.Array(int64, 1, "C", readonly=True)
_cube = types.Array(float64, 3, "C", readonly=True)


@compiled(
    void(
        _matrix, _indices, _indices, int64,
        types.Tuple((_matrix, _vector, _vector, _vector, _matrix, _cube, _vector, _matrix, float64, float64)),
        int64, boolean, float64[:, ::1], float64[:, ::1],
    )
)  # fmt: skip
def evaluate(
    rows: Array,
    row_of: Array,
    offset_of: Array,
    start: int,
    terms: Terms,
    window: int,
    with_path: bool,
    equity: Array,
    out: Array,
) -> None:
    """Evaluate the variants ``i``: the target of ``bar`` is ``rows[row_of[i], bar + offset_of[i]]``.

    The market's series are those of :class:`~research.engine.traded_market.TradedMarket`. With a path, ``equity`` has
    a row for each variant. ``window`` is one more than the lags of the Bartlett kernel (Newey and West 1987); more than
    1 needs the whole path, for which there is scratch. With ``mix_tails``, returns are those over the mix, and falls
    are not looked for.
    """
    n_bars = terms[1].size
    long_run = window > 1 and not with_path
    scratch, held = np.empty(n_bars), np.empty(n_bars)
    bars, others = np.empty(rows.shape[1] + 1, np.int32), np.empty(rows.shape[1] + 1, np.int32)
    targets = np.empty(rows.shape[1] + 1)
    n, listed = 0, -1
    for i in range(row_of.size):
        if row_of[i] != listed:
            listed = row_of[i]
            n = _decisions(rows[listed], bars, targets, others)
        record = out[i]
        record[:] = np.nan
        path = equity[i] if with_path else scratch
        _account(
            bars[:n], targets, others, offset_of[i], start, terms, with_path or long_run, path, held, record
        )  # fmt: skip
        if long_run and not np.isnan(record[X]):
            record[LONG_RUN_VARIANCE] = _long_run_variance(path, held, terms, window, record)
