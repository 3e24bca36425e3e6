"""The compiled loops behind ``research.engine.exposure``: what one account times, as it is and moved in a circle.

``moved_ratios`` walks one moved account after the other, whatever the number of legs, and says what is meant.
``moved_ratios_in_step`` walks several at once through one leg, and once: of ``g = a c - cost``, with active weights
``a`` and centred returns ``c``, mean and variance follow from sums of products, because the ``c`` add up to nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import boolean, float64, int64, types, void

from research.engine._compile import compiled, inner
from research.engine._lanes import WIDTH, highest, load, store, where
from research.engine.regression import RISKLESS

Array = np.ndarray
Number = Any  # a float, or lanes of them

STEADY = 1e-12  # a variance that is not above this share of the mean's square is rounding
_TILE = 64  # periods whose decisions are laid side by side at once

_vector = types.Array(float64, 1, "C", readonly=True)
_matrix = types.Array(float64, 2, "C", readonly=True)
_whole = types.Array(int64, 1, "C", readonly=True)
_yes_no = types.Array(boolean, 1, "C", readonly=True)
_MOVED_RATIOS = void(
    _matrix, _yes_no, _matrix, _matrix, _vector, _vector, _vector, _whole, _matrix, float64, float64[:, ::1]
)


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
def _paid(change: Number, buying: float, selling: float) -> Number:
    """Cost of a trade."""
    return highest(change * buying, change * -selling)


@inner
def _ratio(mean: float, variance: float) -> float:
    """Mean over standard deviation."""
    return mean / np.sqrt(variance) if variance > max(RISKLESS, STEADY * mean * mean) else np.nan


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
                    cost[period] += _paid(target - own[leg], buying[leg], selling[leg])
                own[leg] = target
            average = total[leg] / period if period > 0 else own[leg]
            if period > 0:
                cost[period] -= _paid(average - mix[leg], buying[leg], selling[leg])
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


@compiled(_MOVED_RATIOS)
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
            out[i, column] = _ratio(first, second / n)
            if column == 0:
                for period in range(n):
                    gross[period] -= cost[period]


@inner
def _carried(weight: Number, long: float, short: float, bills: float) -> tuple[Number, Number]:
    """What a period makes of a leg and of the account, each over the account before it."""
    growth = where(weight >= 0.0, long, short)
    return weight * growth, bills + weight * (growth - bills)


@compiled(_MOVED_RATIOS)
def moved_ratios_in_step(
    wanted: Array, keeps: Array, long: Array, short: Array, bills: Array, buying: Array, selling: Array,
    starts: Array, centred: Array, sign: float, out: Array,
) -> None:  # fmt: skip
    """As ``moved_ratios``, of one leg."""
    n, square, fee, charge = bills.size, 0.0, buying[0], selling[0]
    circle = np.empty(2 * n)  # twice round, NaN where the position is kept
    for period in range(n):
        square += centred[period, 0] ** 2
        circle[period] = circle[period + n] = np.nan if keeps[period] else wanted[period, 0]
    tile, sums = np.empty(_TILE * WIDTH), np.empty((8, WIDTH))
    first = np.empty(WIDTH, np.int64)
    for i in range(0, starts.size, WIDTH):
        for lane in range(WIDTH):
            first[lane] = starts[min(i + lane, starts.size - 1)]  # lanes that are left over repeat the last
            tile[lane] = wanted[first[lane], 0]
        own = load(tile, 0)
        mix, total, none = own, own, own * 0.0
        of_a, of_ac, of_acc, of_aacc, of_cost, of_costs, of_c_cost, of_ac_cost = (
            none, none, none, none, none, none, none, none,
        )  # fmt: skip
        for period in range(1, n):
            at = (period - 1) % _TILE
            if at == 0:
                for lane in range(WIDTH):
                    for k in range(min(_TILE, n - period)):
                        tile[k * WIDTH + lane] = circle[first[lane] + period + k]
            target = load(tile, at * WIDTH)
            up, down, b = long[period - 1, 0], short[period - 1, 0], bills[period - 1]
            own_leg, own_account = _carried(own, up, down, b)
            mix_leg, mix_account = _carried(mix, up, down, b)
            inverse = 1.0 / (own_account * mix_account)  # one division for both
            drifted, mix = own_leg * (mix_account * inverse), mix_leg * (own_account * inverse)
            own = where(target == target, target, drifted)
            average = total * (1.0 / period)
            cost = _paid(own - drifted, fee, charge) - _paid(average - mix, fee, charge)
            cost = cost + (highest(-own, 0.0) - highest(-average, 0.0)) * (short[period, 0] - long[period, 0])
            mix, total = average, total + own
            a, c = own - average, centred[period, 0]
            ac = a * c
            of_a, of_ac, of_acc, of_aacc = of_a + a, of_ac + ac, of_acc + ac * c, of_aacc + ac * ac
            of_cost, of_costs = of_cost + cost, of_costs + cost * cost
            of_c_cost, of_ac_cost = of_c_cost + cost * c, of_ac_cost + ac * cost
        columns = (of_a, of_ac, of_acc, of_aacc, of_cost, of_costs, of_c_cost, of_ac_cost)
        for column in range(8):
            store(sums[column], 0, columns[column])
        for lane in range(min(WIDTH, starts.size - i)):
            x = sums[:, lane] / n
            gross, net = sign * x[1], sign * x[1] - x[4]
            squares = x[3] - 2.0 * x[0] * x[2] + x[0] * x[0] * square / n
            out[i + lane, 0] = _ratio(gross, squares - gross * gross)
            squares += x[5] - 2.0 * sign * (x[7] - x[0] * x[6])
            out[i + lane, 1] = _ratio(net, squares - net * net)
