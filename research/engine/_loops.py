"""The rules of ``research.engine._timing``, compiled: one account, and moved accounts by the thousand, in step."""

from __future__ import annotations

import numpy as np
from numba import boolean, float64, int64, types, void

from research.engine import _timing as rules
from research.engine._compile import compiled, part
from research.engine._lanes import WIDTH, load, store
from research.units import Floats, Integers

_TILE = 64  # periods whose decisions are laid side by side at once

_vector = types.Array(float64, 1, "C", readonly=True)
_matrix = types.Array(float64, 2, "C", readonly=True)
_whole = types.Array(int64, 1, "C", readonly=True)
_truths = types.Array(boolean, 1, "C", readonly=True)
_ACCOUNT = types.Tuple((_matrix, _truths, _matrix, _matrix, _vector, _vector, _vector, _matrix))
_MOVED_RATIOS = void(_ACCOUNT, _whole, float64, float64[:, ::1])

for _rule in (
    rules.drifted, rules.paid, rules.ratio, rules.walk_from, rules.carried, rules.step, rules.added, rules.ratios,
):  # fmt: skip
    part(_rule)

walk_from, step, added, ratio, ratios = rules.walk_from, rules.step, rules.added, rules.ratio, rules.ratios


@compiled(void(_ACCOUNT, float64[:, ::1], float64[:, ::1], float64[::1]))
def walk(account: rules.Account, active: Floats, held: Floats, cost: Floats) -> None:
    """As ``rules.walk``, to the digit."""
    legs = active.shape[1]
    walk_from(0, account, active, held, cost, np.zeros(legs), np.zeros(legs), np.zeros(legs))


@compiled(_MOVED_RATIOS)
def moved_ratios_of_legs(account: rules.Account, starts: Integers, sign: float, out: Floats) -> None:
    """As ``moved_ratios``, of any number of legs: one account after the other, and what is meant."""
    n, legs = account[0].shape
    active, held, cost, timing = np.empty((n, legs)), np.empty((n, legs)), np.empty(n), np.empty(n)
    own, mix, total = np.empty(legs), np.empty(legs), np.empty(legs)
    for i in range(starts.size):
        total[:] = 0.0
        walk_from(starts[i], account, active, held, cost, own, mix, total)
        timing[:] = 0.0
        for leg in range(legs):
            timing += sign * (active[:, leg] - active[:, leg].mean()) * account[7][:, leg]
        out[i, 0] = ratio(timing.mean(), timing.var())
        timing -= cost
        out[i, 1] = ratio(timing.mean(), timing.var())


@compiled(_MOVED_RATIOS)
def moved_ratios(account: rules.Account, starts: Integers, sign: float, out: Floats) -> None:
    """As ``rules.moved_ratios``, to the digit."""
    wanted, keeps, long, short, bills, buying, selling, centred = account
    n, fee, charge = bills.size, buying[0], selling[0]
    square = 0.0
    circle = np.empty(2 * n)  # twice round, NaN where the position is kept
    for period in range(n):
        circle[period] = circle[period + n] = np.nan if keeps[period] else wanted[period, 0]
        square += centred[period, 0] ** 2
    tile, columns = np.empty(_TILE * WIDTH), np.empty((8, WIDTH))
    first = np.empty(WIDTH, np.int64)
    for i in range(0, starts.size, WIDTH):
        for lane in range(WIDTH):
            first[lane] = starts[min(i + lane, starts.size - 1)]  # lanes that are left over repeat the last
            tile[lane] = wanted[first[lane], 0]
        own = load(tile, 0)
        mix, total, none = own, own, own * 0.0
        sums = (none, none, none, none, none, none, none, none)
        for period in range(1, n):
            at = (period - 1) % _TILE
            if at == 0:
                for lane in range(WIDTH):
                    for k in range(min(_TILE, n - period)):
                        tile[k * WIDTH + lane] = circle[first[lane] + period + k]
            target, grown = load(tile, at * WIDTH), (long[period - 1, 0], short[period - 1, 0], bills[period - 1])
            dearer = short[period, 0] - long[period, 0]
            own, mix, total, a, cost = step(own, mix, total, target, period, grown, fee, charge, dearer)
            sums = added(sums, a, centred[period, 0], cost)
        for column in range(8):
            store(columns[column], 0, sums[column])
        for lane in range(min(WIDTH, starts.size - i)):
            out[i + lane, 0], out[i + lane, 1] = ratios(columns[:, lane] / n, sign, square / n)
