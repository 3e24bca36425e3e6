"""The compiled loops behind :mod:`research.engine.kernel`: accounts, one alone or several in step.

Importing this module compiles :func:`evaluate`, or loads it from numba's cache: beside the source, in the
user's cache folder where that cannot be written, and nowhere if no folder can. Threads call it side by
side: it holds no lock, and a variant is computed from its own row alone, so that neither the number of threads nor
its neighbours can change a digit. No fast-math: the arithmetic is IEEE 754 on every machine.

The rules of an account (:func:`_rebalance`, :func:`_fill`, :func:`_period`, :func:`_lower`) are written once, for
numbers and for :mod:`lanes <research.engine._lanes>`. Two walks apply them:

- *from fill to fill*, one account alone, where fills are few. One that is all in metal or all in bills is *settled*:
  until the next different target it earns what the metal or the bills earn, so that the sums over the stretch are
  differences of sums made once for the market, and its worst fall is found block by block. Only fills and unsettled
  stretches go bar by bar.
- *bar by bar*, several accounts in step, where an account is filled at many bars.

The capital is 1, which is all that returns need.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import boolean, float64, int64, types, void

from research.engine._compile import compiled, inner
from research.engine._lanes import WIDTH, any_of, highest, load, magnitude, store, where
from research.engine.traded_market import BLOCK

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

IN_STEP = 12  # an account that is filled at more than one bar in so many is walked in step with others
_TILE = 64  # bars whose targets are laid side by side at once

Array = np.ndarray
Number = Any  # a float, or lanes of them
Truth = Any
Position = tuple[Number, Number, Number]  # cash, metal, bills
Sums = tuple[Number, Number, Number, Number, Number]  # of the columns X to EXPOSURE
Fills = tuple[Number, Number, Number]  # of the columns TRADES to COST
Fall = tuple[Number, Number]  # peak so far, and the worst fall from one as a ratio
Terms = tuple[Any, ...]  # what `kernel` reads of a market, in the order in which the walks take it apart

# --- the rules, for one account or for several in step ---


@inner
def _add(amount: Number, change: Number) -> Number:
    """Add, taking what is left of two nearly opposite amounts for nothing."""
    total = amount + change
    return where(magnitude(total) <= highest(magnitude(amount), magnitude(change)) * CLOSE, 0.0, total)


@inner
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


@inner
def _rebalance(
    position: Position, value: Number, asked: Truth, weight: Number, buy_factor: float, sell_factor: float
) -> tuple[Position, Number]:
    """Bring metal and bills to `weight` and `1 - weight` of `value` where asked, the smaller order first."""
    cash, metal, bills = position
    dust, bought = value * DUST, 1.0 / buy_factor
    metal_order = where(asked, weight * value - metal, 0.0)
    bills_order = where(asked, (1.0 - weight) * value - bills, 0.0)
    buys = metal_order > 0.0
    # The usual case, where nobody's differs: one sell pays for a buy that is cut to its yield.
    metal_filled = where(buys, -bills_order * bought, metal_order)
    bills_filled = where(buys, bills_order, -metal_order * sell_factor)
    buy_order, buy_filled = where(buys, metal_order, bills_order), where(buys, metal_filled, bills_filled)
    sell_order = where(buys, bills_order, metal_order)
    is_other = (cash != 0.0) | (sell_order >= -dust) | (buy_order <= dust) | (buy_filled >= buy_order * (1.0 - 2 * CLOSE))
    if not any_of(asked & is_other & ((metal_order != 0.0) | (bills_order != 0.0))):
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


@inner
def _count(
    fills: Fills, filled: Number, value: Number, inverse_before: Number, buy_factor: float, sell_factor: float
) -> Fills:
    """Add a metal order, filled at a `value` of the account."""
    trades, traded, cost = fills
    is_filled = filled != 0.0
    return (
        trades + where(is_filled, 1.0, 0.0),
        traded + where(is_filled, magnitude(filled) / value, 0.0),
        cost + highest(filled * (buy_factor - 1.0), filled * (sell_factor - 1.0)) * inverse_before,
    )


@inner
def _period(sums: Sums, x: Number, weight: Number, m: float, accrual: float) -> Sums:
    """Add one period's excess return `x` on the `weight` held into it, the metal's being `m`."""
    return sums[0] + x, sums[1] + x * x, sums[2] + x * m, sums[3] + x * accrual, sums[4] + weight


@inner
def _lower(fall: Fall, value: Number) -> Fall:
    """Peak so far, and the worst fall from one as a ratio."""
    peak, worst = highest(value, fall[0]), fall[1]
    is_lower = value < peak * worst
    if any_of(is_lower):
        worst = where(is_lower, value / peak, worst)
    return peak, worst


# --- one account from fill to fill ---


@inner
def _from_fill_to_fill(
    bars: Array, targets: Array, others: Array, delay: int, start: int, terms: Terms, equity: Array, out: Array
) -> None:
    """Walk one account; `equity`, unless it is empty, takes the value after the fills of each bar."""
    metal_index, bill_index, _, accrual, metal_excess, tails, blocks, buy_factor, sell_factor = terms
    n_bars = bill_index.size
    at, bar = _opening(bars, delay, start, n_bars)
    opened = bar
    cash, metal, bills, value = 1.0, 0.0, 0.0, 1.0
    before, weight_into = 1.0, 0.0  # value at the bar before, and the share of metal in it
    sums, fills, fall = (0.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (1.0, 1.0)
    while bar < n_bars:
        weight = targets[at]
        if np.isinf(weight):
            out[INFINITE_AT] = bar - delay
            return
        if value > 0.0:
            (cash, metal, bills), filled = _rebalance(
                (cash, metal, bills), value, True, weight, buy_factor, sell_factor
            )
            fills = _count(fills, filled, value, 1.0 / before, buy_factor, sell_factor)
            value = cash + metal + bills
        if value <= 0.0:
            value = _close(bar, equity, out)
            break
        fall = _lower(fall, value)
        if bar > opened:
            base = before if bar > opened + 1 else 1.0  # the first return bears the cost of entry
            x = value / base - 1.0 - accrual[bar]
            sums = _period(sums, x, weight_into, metal_excess[bar], accrual[bar])

        # All in metal or all in bills has nothing to trade when the same target is repeated.
        settled = cash == 0.0 and ((weight == 1.0 and bills == 0.0) or (weight == 0.0 and metal == 0.0))
        at = others[at] if settled else at + 1
        following = min(bars[at] + delay, n_bars) if at < bars.size else n_bars
        side = 1 if weight > 0.0 else 2 if weight < 0.0 else 0
        metal_units, bill_units = metal / metal_index[side, bar], bills / bill_index[bar]
        position = cash, metal_units, bill_units
        if equity.size:
            equity[bar] = value
            _hold(position, metal_index[side], bill_index, bar + 1, following, equity)
        first, stop = bar + 1, following
        if metal < 0.0 or bills < 0.0:
            stop = _first_ruin(position, metal_index[side], bill_index, first, following)
        if settled:
            if bar == opened and first < following:
                now = metal_units * metal_index[side, first] + bill_units * bill_index[first]
                x = now - 1.0 - accrual[first]
                sums = _period(sums, x, metal / value, metal_excess[first], accrual[first])
                fall = _lower(fall, now)
                first += 1
            if first < following and weight == 1.0:
                sums = _settled(sums, tails, first, following)
                fall = _lowest(fall, metal_units, metal_index[1], blocks[0], first, following)
            elif first < following:
                fall = _lowest(fall, bill_units, bill_index, blocks[1], first, following)
        elif first < stop:
            sums, fall = _unsettled(
                sums, fall, position, metal_index[side], bill_index, accrual, metal_excess, first, stop,
                1.0 if bar == opened else value, metal / value,
            )  # fmt: skip
        if stop < following:
            value = _close(stop, equity, out)
            break
        if following > bar + 1:
            metal, bills = metal_units * metal_index[side, following - 1], bill_units * bill_index[following - 1]
            value = cash + metal + bills
        if following < n_bars:
            before, weight_into = value, metal / value
            metal, bills = metal_units * metal_index[side, following], bill_units * bill_index[following]
            value = cash + metal + bills
        bar = following
    if opened < n_bars:
        out[FIRST_FILL], out[FINAL_VALUE] = opened, value
        out[MAX_DRAWDOWN] = fall[1] - 1.0
        out[TRADES], out[TRADED], out[COST] = fills
        out[X], out[XX], out[XM], out[X_ACCRUAL], out[EXPOSURE] = sums


@inner
def _decisions(row: Array, bars: Array, targets: Array, others: Array) -> tuple[int, int]:
    """List the bars that have a target, the targets, and for each the next one that differs.

    Count them, and those that ask for a fill: a repeated target of 0 or 1 does not.
    """
    n = 0
    for bar in range(row.size):
        bars[n], targets[n] = bar, row[bar]
        n += row[bar] == row[bar]
    fills = n
    for i in range(n - 1, -1, -1):
        is_same = i + 1 < n and targets[i + 1] == targets[i]
        others[i] = others[i + 1] if is_same else i + 1
        fills -= is_same & ((targets[i] == 0.0) | (targets[i] == 1.0))
    return n, fills


@inner
def _opening(bars: Array, delay: int, start: int, n_bars: int) -> tuple[int, int]:
    """Decision and bar of the first fill: the last target due by `start`, else the first one after it."""
    due, beyond = 0, bars.size  # by halves: numpy's search takes long to compile
    while due < beyond:
        middle = (due + beyond) // 2
        if bars[middle] <= start - delay:
            due = middle + 1
        else:
            beyond = middle
    if due > 0 and start < n_bars:
        return due - 1, start
    if due == 0 and bars.size > 0:
        return 0, min(bars[0] + delay, n_bars)
    return 0, n_bars


@inner
def _hold(position: Position, metal_index: Array, bill_index: Array, first: int, stop: int, equity: Array) -> None:
    """Value a position that is kept: the loop that the compiler turns into vector instructions."""
    cash, metal_units, bill_units = position
    for bar in range(first, stop):
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
def _close(bar: int, equity: Array, out: Array) -> float:
    """Close a ruined account: its value."""
    out[BANKRUPT_AT] = bar
    equity[bar:] = 0.0
    return 0.0


@inner
def _settled(sums: Sums, tails: Array, first: int, stop: int) -> Sums:
    """Add the periods of a stretch that is all in metal: `x` is `m` and the weight is 1."""
    before, after = tails[first], tails[stop]
    m, mm, m_accrual = before[0] - after[0], before[1] - after[1], before[2] - after[2]
    return sums[0] + m, sums[1] + mm, sums[2] + mm, sums[3] + m_accrual, sums[4] + (stop - first)


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
) -> tuple[Sums, Fall]:
    """Add the periods of a stretch of any other position, worth `base` and with `weight` in metal before it."""
    cash, metal_units, bill_units = position
    inverse = 1.0 / base
    for bar in range(first, stop):
        metal = metal_units * metal_index[bar]
        value = cash + metal + bill_units * bill_index[bar]
        sums = _period(sums, value * inverse - 1.0 - accrual[bar], weight, metal_excess[bar], accrual[bar])
        fall = _lower(fall, value)
        inverse = 1.0 / value
        weight = metal * inverse
    return sums, fall


@inner
def _lowest(fall: Fall, units: float, index: Array, blocks: Array, first: int, stop: int) -> Fall:
    """Carry the worst fall through a stretch, past the blocks of bars that can hold no worse one."""
    for number in range(first // BLOCK, (stop + BLOCK - 1) // BLOCK):
        peak, worst = fall
        high, low = units * blocks[number, 0], units * blocks[number, 1]
        if high <= peak and low >= peak * worst:
            continue
        begin, end = max(first, number * BLOCK), min(stop, number * BLOCK + BLOCK)
        if end - begin == BLOCK and low >= peak * worst and blocks[number, 2] >= worst:
            fall = high, worst
            continue
        for bar in range(begin, end):
            fall = _lower(fall, units * index[bar])
    return fall


# --- several accounts bar by bar ---


@inner
def _lay(row: Array, first: int, stop: int, tile: Array, lane: int) -> None:
    """Lay the targets of a lane beside those of the others."""
    for k in range(stop - first):
        tile[k * WIDTH + lane] = row[first + k]


@inner
def _due(row: Array, at: int) -> float:
    """The last target up to a bar."""
    while at > 0 and row[at] != row[at]:
        at -= 1
    return row[at]


@inner
def _in_step(
    rows: Array, members: Array, delay: int, start: int, terms: Terms, equity: Array, tile: Array, out: Array
) -> None:
    """Walk the accounts of some rows, as many as there are lanes."""
    _, _, growth, accrual, metal_excess, _, _, buy_factor, sell_factor = terms
    n_bars = accrual.size
    tile[:WIDTH] = 0.0
    nothing = load(tile, 0)
    one = nothing + 1.0
    position, value, inverse, inverse_base = (one, nothing, nothing), one, one, one
    side, weight, opened, opened_at, closed_at = nothing, nothing, nothing > 0.0, -one, -one
    endless_at = -one
    fills, sums = (nothing, nothing, nothing), (nothing, nothing, nothing, nothing, nothing)
    fall = one, one
    for bar in range(start, n_bars):
        at = (bar - start) % _TILE
        if at == 0:
            for lane in range(WIDTH):
                row = rows[members[lane]]
                _lay(row, bar - delay, min(bar + _TILE, n_bars) - delay, tile, lane)
                if bar == start:
                    tile[lane] = _due(row, bar - delay)
        if bar > start:
            carried = where(side > 0.0, growth[1, bar], where(side < 0.0, growth[2, bar], growth[0, bar]))
            position = position[0], position[1] * carried, position[2] * (1.0 + accrual[bar])
            value = position[0] + position[1] + position[2]
        target = load(tile, at * WIDTH)
        is_endless = magnitude(target) == np.inf
        if any_of(is_endless):
            endless_at = where(is_endless & (value > 0.0), float(bar - delay), endless_at)
        asked = (target == target) & (value > 0.0)
        position, filled = _rebalance(position, value, asked, target, buy_factor, sell_factor)
        fills = _count(fills, filled, value, inverse, buy_factor, sell_factor)
        side = where(asked, target, side)
        value = position[0] + position[1] + position[2]
        is_over = value <= 0.0
        if any_of(is_over):
            closed_at = where(is_over & (closed_at < 0.0), float(bar), closed_at)
            position = where(is_over, 0.0, position[0]), where(is_over, 0.0, position[1]), where(is_over, 0.0, position[2])
            value = position[0] + position[1] + position[2]
        x = where(opened, value * inverse_base - 1.0 - accrual[bar], 0.0)
        sums = _period(sums, x, weight, metal_excess[bar], accrual[bar])
        fall = _lower(fall, value)
        inverse = 1.0 / value
        weight = position[1] * inverse
        inverse_base = where(opened, inverse, 1.0)  # the first return bears the cost of entry
        opened_at = where(asked & (opened_at < 0.0), float(bar), opened_at)
        opened = opened | asked
        if equity.size:
            store(tile, at * WIDTH, where(opened, value, np.nan))
            if at == _TILE - 1 or bar == n_bars - 1:
                for lane in range(WIDTH):
                    for k in range(at + 1):
                        equity[members[lane], bar - at + k] = tile[k * WIDTH + lane]
    columns = (
        endless_at, opened_at, closed_at, value, fall[1] - 1.0, fills[0], fills[1], fills[2],
        sums[0], sums[1], sums[2], sums[3], sums[4],
    )  # fmt: skip
    for column in range(len(columns)):
        store(tile, 0, columns[column])
        for lane in range(WIDTH):
            out[members[lane], INFINITE_AT + column] = tile[lane]


_vector = types.Array(float64, 1, "C", readonly=True)
_matrix = types.Array(float64, 2, "C", readonly=True)
_cube = types.Array(float64, 3, "C", readonly=True)


@compiled(
    void(
        _matrix, int64, int64,
        types.Tuple((_matrix, _vector, _matrix, _vector, _vector, _matrix, _cube, float64, float64)),
        float64[:, ::1], float64[:, ::1],
    )
)  # fmt: skip
def evaluate(rows: Array, delay: int, start: int, terms: Terms, equity: Array, out: Array) -> None:
    """Evaluate the variants: the target ``rows[i, bar]`` is filled at ``bar + delay``, none before ``start``.

    The market's series are those of :class:`~research.engine.traded_market.TradedMarket`. ``equity``, of NaN or empty,
    takes the value of each account after the fills of each bar.
    """
    n_rows, n_bars = rows.shape
    bars, others = np.empty(n_bars + 1, np.int32), np.empty(n_bars + 1, np.int32)
    targets, no_path = np.empty(n_bars + 1), np.empty(0)
    tile, members, waiting = np.empty(_TILE * WIDTH), np.empty(WIDTH, np.int64), 0
    often, glance = n_bars // IN_STEP, 2 * n_bars // IN_STEP
    for i in range(n_rows + 1):
        if i < n_rows:
            n, fills = _decisions(rows[i, :glance], bars, targets, others)
            if fills <= often:
                n, fills = _decisions(rows[i], bars, targets, others)
            if fills > often:
                members[waiting] = i
                waiting += 1
            else:
                out[i, :FINAL_VALUE], out[i, FINAL_VALUE:] = -1.0, np.nan
                path = equity[i] if equity.size else no_path
                _from_fill_to_fill(bars[:n], targets, others, delay, start, terms, path, out[i])
        if waiting == WIDTH or (waiting > 0 and i == n_rows):
            members[waiting:] = members[0]  # lanes that are left over repeat one
            _in_step(rows, members, delay, start, terms, equity, tile, out)
            waiting = 0
