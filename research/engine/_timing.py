"""The compiled loops behind :mod:`research.engine.exposure`: what one account times, as it is and moved in a circle.

:func:`moved_ratios` walks one moved account after the other, whatever the number of legs, and says what is meant.
:func:`moved_ratios_in_step` walks several at once through one leg, and once: of ``g = a c - cost``, with active weights
``a`` and centred returns ``c``, mean and variance follow from sums of products, because the ``c`` add up to nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import boolean, float64, int64, types, void

from research.engine._compile import compiled, inner
from research.engine._lanes import WIDTH, highest, load, store, where

Array = np.ndarray

RISKLESS = 1e-24  # a variance of returns a period that is not above this is rounding
_TILE = 64  # periods whose decisions are laid side by side at once

_vector = types.Array(float64, 1, "C", readonly=True)
_matrix = types.Array(float64, 2, "C", readonly=True)
_whole = types.Array(int64, 1, "C", readonly=True)
_yes_no = types.Array(boolean, 1, "C", readonly=True)


@inner
def _drifted(weights: Array, long: Array, short: Array, bills: Array, period: int) -> None:
    """Carry weights through a period in which nothing is traded."""
    value = bills[period]
    for leg in range(weights.size):
        growth = long[period, leg] if weights[leg] >= 0.0 else short[period, leg]
        value += weights[leg] * (growth - bills[period])
        weights[leg] *= growth
    for leg in range(weights.size):
        weights[leg] /= value


@inner
def _traded(before: float, after: float, buying: float, selling: float) -> float:
    change = after - before
    return change * buying if change > 0.0 else -change * selling


@inner
def _walk(
    wanted: Array, keeps: Array, long: Array, short: Array, bills: Array, buying: Array, selling: Array,
    start: int, active: Array, held: Array, cost: Array, own: Array, mix: Array, total: Array,
) -> None:  # fmt: skip
    """Fill active weights, weights and costs of an account whose decisions begin at ``start`` of the circle."""
    n, legs = wanted.shape
    total[:] = 0.0
    for period in range(n):
        source = start + period
        source -= n if source >= n else 0
        cost[period] = 0.0
        if period > 0:
            _drifted(own, long, short, bills, period - 1)
            _drifted(mix, long, short, bills, period - 1)
        for leg in range(legs):
            if not keeps[source] or period == 0:
                target = wanted[source, leg]
                if period > 0:
                    cost[period] += _traded(own[leg], target, buying[leg], selling[leg])
                own[leg] = target
            average = total[leg] / period if period > 0 else own[leg]
            if period > 0:
                cost[period] -= _traded(mix[leg], average, buying[leg], selling[leg])
            mix[leg] = average
            dearer = short[period, leg] - long[period, leg]
            cost[period] += max(-own[leg], 0.0) * dearer - max(-average, 0.0) * dearer
            active[period, leg] = own[leg] - average
            held[period, leg] = own[leg]
            total[leg] += own[leg]


@compiled(
    void(
        _matrix, _yes_no, _matrix, _matrix, _vector, _vector, _vector,
        float64[:, ::1], float64[:, ::1], float64[::1],
    )
)  # fmt: skip
def walk(
    wanted: Array, keeps: Array, long: Array, short: Array, bills: Array, buying: Array, selling: Array,
    active: Array, held: Array, cost: Array,
) -> None:  # fmt: skip
    """Active weights and weights ``(n_periods, n_legs)`` and costs ``(n_periods,)`` of the account as it is."""
    own, mix, total = np.empty(wanted.shape[1]), np.empty(wanted.shape[1]), np.empty(wanted.shape[1])
    _walk(wanted, keeps, long, short, bills, buying, selling, 0, active, held, cost, own, mix, total)


@compiled(
    void(
        _matrix, _yes_no, _matrix, _matrix, _vector, _vector, _vector, _whole, _matrix, float64,
        float64[:, ::1],
    )
)  # fmt: skip
def moved_ratios(
    wanted: Array, keeps: Array, long: Array, short: Array, bills: Array, buying: Array, selling: Array,
    starts: Array, centred: Array, sign: float, out: Array,
) -> None:  # fmt: skip
    """Mean over standard deviation of the timing series of moved accounts: before costs, and after them."""
    n, legs = wanted.shape
    own, mix, total = np.empty(legs), np.empty(legs), np.empty(legs)
    active, held, cost, gross = np.empty((n, legs)), np.empty((n, legs)), np.empty(n), np.empty(n)
    for i in range(starts.size):
        _walk(wanted, keeps, long, short, bills, buying, selling, starts[i], active, held, cost, own, mix, total)
        gross[:] = 0.0
        for leg in range(legs):
            mean = 0.0
            for period in range(n):
                mean += active[period, leg]
            mean /= n
            for period in range(n):
                gross[period] += sign * (active[period, leg] - mean) * centred[period, leg]
        for column in range(2):
            first, second = 0.0, 0.0
            for period in range(n):
                first += gross[period]
            first /= n
            for period in range(n):
                second += (gross[period] - first) ** 2
            out[i, column] = first / np.sqrt(second / n) if second > RISKLESS * n else np.nan
            if column == 0:
                for period in range(n):
                    gross[period] -= cost[period]


@inner
def _after(weight: Any, long: float, short: float, bills: float) -> tuple[Any, Any]:
    """Value of the leg and of the account after a period, each over that of the account before it."""
    growth = where(weight >= 0.0, long, short)
    return weight * growth, bills + weight * (growth - bills)


@inner
def _cost(change: Any, buying: float, selling: float) -> Any:
    return highest(change * buying, change * -selling)


@inner
def _ratio(n: int, first: float, second: float) -> float:
    variance = second / n - (first / n) ** 2
    return first / n / np.sqrt(variance) if variance > RISKLESS else np.nan


@compiled(
    void(
        _vector, _vector, _vector, _vector, _vector, float64, float64, _whole, _vector, float64, float64[:, ::1],
    )
)  # fmt: skip
def moved_ratios_in_step(
    wanted: Array, begun: Array, long: Array, short: Array, bills: Array, buying: float, selling: float,
    starts: Array, centred: Array, sign: float, out: Array,
) -> None:  # fmt: skip
    """As :func:`moved_ratios`, of one leg.

    ``wanted`` goes round the circle twice, NaN where the position is kept; ``begun`` is what is held at each point of it.
    """
    n = bills.size
    tile, sums = np.empty(_TILE * WIDTH), np.empty(9 * WIDTH)
    for i in range(0, starts.size, WIDTH):
        for lane in range(WIDTH):
            tile[lane] = begun[starts[min(i + lane, starts.size - 1)]]
        own = load(tile, 0)
        mix, total = own, own
        a = ac = acc = aacc = cost_ = cc = cost_c = cost_ac = own * 0.0
        for period in range(1, n):
            at = (period - 1) % _TILE
            if at == 0:
                for lane in range(WIDTH):
                    begin = starts[min(i + lane, starts.size - 1)] + period
                    for k in range(min(_TILE, n - period)):
                        tile[k * WIDTH + lane] = wanted[begin + k]
            b = bills[period - 1]
            own_leg, own_value = _after(own, long[period - 1], short[period - 1], b)
            mix_leg, mix_value = _after(mix, long[period - 1], short[period - 1], b)
            inverse = 1.0 / (own_value * mix_value)
            drifted, mix = own_leg * (mix_value * inverse), mix_leg * (own_value * inverse)
            target = load(tile, at * WIDTH)
            own = where(target == target, target, drifted)
            average = total * (1.0 / period)
            dearer = short[period] - long[period]
            cost = _cost(own - drifted, buying, selling) - _cost(average - mix, buying, selling)
            cost = cost + (highest(-own, 0.0) - highest(-average, 0.0)) * dearer
            mix, total = average, total + own
            active, c = own - average, centred[period]
            gross = active * c
            a, ac, acc, aacc = a + active, ac + gross, acc + gross * c, aacc + gross * gross
            cost_, cc, cost_c, cost_ac = cost_ + cost, cc + cost * cost, cost_c + cost * c, cost_ac + cost * gross
        store(sums, 0, a); store(sums, WIDTH, ac); store(sums, 2 * WIDTH, acc); store(sums, 3 * WIDTH, aacc)
        store(sums, 4 * WIDTH, cost_); store(sums, 5 * WIDTH, cc); store(sums, 6 * WIDTH, cost_c); store(sums, 7 * WIDTH, cost_ac)
        ccs = 0.0
        for period in range(n):
            ccs += centred[period] * centred[period]
        for lane in range(min(WIDTH, starts.size - i)):
            mean = sums[lane] / n
            ac1, acc1, aacc1, cost1, cc1, cost_c1, cost_ac1 = sums[WIDTH + lane], sums[2 * WIDTH + lane], sums[3 * WIDTH + lane], sums[4 * WIDTH + lane], sums[5 * WIDTH + lane], sums[6 * WIDTH + lane], sums[7 * WIDTH + lane]
            first, second = sign * ac1, aacc1 - 2.0 * mean * acc1 + mean * mean * ccs
            out[i + lane, 0] = _ratio(n, first, second)
            out[i + lane, 1] = _ratio(n, first - cost1, second - 2.0 * sign * (cost_ac1 - mean * cost_c1) + cc1)
