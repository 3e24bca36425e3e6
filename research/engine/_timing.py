"""The compiled loops behind :mod:`research.engine.exposure`: what one account times, as it is and moved in a circle."""

from __future__ import annotations

import numpy as np
from numba import boolean, float64, int64, types, void

from research.engine._compile import compiled, inner

Array = np.ndarray

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
    """Mean over standard deviation of the timing series of moved accounts: after costs, and before them."""
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
            out[i, column] = first / np.sqrt(second / n) if second > 0.0 else np.nan
            if column == 0:
                for period in range(n):
                    gross[period] -= cost[period]
