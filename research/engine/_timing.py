"""What one account times, as it is and moved in a circle: the rules, in plain Python.

They are run as they stand, on numbers and on arrays, where that is done before a compiler could be loaded; else
``research.engine._loops`` compiles them, to the same digits.

``walk`` carries one account, whatever the number of legs. Of one leg, ``step`` carries any number of moved accounts at
once: of ``g = a c - cost``, with active weights ``a`` and centred returns ``c``, mean and variance follow from sums
of products, because the ``c`` add up to nothing.
"""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from research.units import Floats, Integers

Number: TypeAlias = Any
"""A number, an array of them, or lanes: of each account in step."""
Truth: TypeAlias = Any
Numbers: TypeAlias = MutableSequence[float] | Floats
Table: TypeAlias = Sequence[MutableSequence[float]] | Floats
Account: TypeAlias = tuple[Floats, NDArray[np.bool_], Floats, Floats, Floats, Floats, Floats, Floats]
"""Weights wanted, where they are kept, growth long, short and of bills, cost of buying and selling, centred returns."""

RISKLESS = 1e-24  # a variance of returns a period that is not above this is rounding
STEADY = 1e-12  # a variance that is not above this share of the mean's square is rounding
STILL = 1e-3  # a metal whose deviation is less than this share of the account's can explain nothing of it


def where(truth: Truth, yes: Number, no: Number) -> Number:
    """``yes`` where it is true, else ``no``."""
    return np.where(truth, yes, no)


def highest(one: Number, other: Number) -> Number:
    """The higher of two numbers; the second if one is NaN."""
    if isinstance(one, float) and isinstance(other, float):
        return one if one > other else other
    return np.where(one > other, one, other)


def drifted(weights: Numbers, long: Numbers, short: Numbers, bills: float) -> None:
    """Carry weights through a period in which nothing is traded."""
    value = bills
    for leg in range(len(weights)):
        growth = long[leg] if weights[leg] >= 0.0 else short[leg]
        value += weights[leg] * (growth - bills)
        weights[leg] *= growth
    for leg in range(len(weights)):
        weights[leg] = weights[leg] / value if value != 0.0 else np.nan


def paid(change: Number, buying: Number, selling: Number) -> Number:
    """Cost of a trade."""
    return highest(change * buying, change * -selling)


def ratio(mean: Number, variance: Number) -> Number:
    """Mean over standard deviation; NaN where that is rounding."""
    return where(variance > highest(STEADY * mean * mean, RISKLESS), mean / np.sqrt(variance), np.nan)


def walk_from(
    start: int, account: Account, active: Table, held: Table, cost: Numbers, own: Numbers, mix: Numbers, total: Numbers
) -> None:
    """As ``walk``, of an account whose decisions begin at ``start`` of the circle; the last three are its legs' own."""
    wanted, keeps, long, short, bills, buying, selling, _ = account
    n = len(wanted)
    for period in range(n):
        source = start + period
        source -= n if source >= n else 0
        cost[period] = 0.0
        if period > 0:
            drifted(own, long[period - 1], short[period - 1], bills[period - 1])
            drifted(mix, long[period - 1], short[period - 1], bills[period - 1])
        for leg in range(len(own)):
            if not keeps[source] or period == 0:
                target = wanted[source][leg]
                if period > 0:
                    cost[period] += paid(target - own[leg], buying[leg], selling[leg])
                own[leg] = target
            average = total[leg] / period if period > 0 else own[leg]
            if period > 0:
                cost[period] -= paid(average - mix[leg], buying[leg], selling[leg])
            mix[leg] = average
            dearer = short[period][leg] - long[period][leg]
            cost[period] += max(-own[leg], 0.0) * dearer - max(-average, 0.0) * dearer
            active[period][leg] = own[leg] - average
            held[period][leg] = own[leg]
            total[leg] += own[leg]


def walk(account: Account, active: Floats, held: Floats, cost: Floats) -> None:
    """Fill active weights and weights ``(n_periods, n_legs)`` and costs ``(n_periods,)`` of the account as it is."""
    given = cast(Account, tuple(part.tolist() for part in account))  # whose numbers are Python's own, and quick
    found = [part.tolist() for part in (active, held, cost, *np.zeros((3, active.shape[1])))]
    walk_from(0, given, *found)
    active[:], held[:], cost[:] = found[:3]


def carried(weight: Number, long: Number, short: Number, bills: Number) -> tuple[Number, Number]:
    """What a period makes of a leg and of the account, each over the account before it."""
    growth = where(weight >= 0.0, long, short)
    return weight * growth, bills + weight * (growth - bills)


def step(
    own: Number, mix: Number, total: Number, target: Number, period: int, grown: tuple[Number, Number, Number],
    fee: Number, charge: Number, dearer: Number,
) -> tuple[Number, Number, Number, Number, Number]:  # fmt: skip
    """Weight, average before it, sum of weights, active weight and cost in a period; ``grown`` in the one before."""
    own_leg, own_account = carried(own, *grown)
    mix_leg, mix_account = carried(mix, *grown)
    inverse = 1.0 / (own_account * mix_account)  # one division for both
    left, mix = own_leg * (mix_account * inverse), mix_leg * (own_account * inverse)
    own = where(target == target, target, left)
    average = total * (1.0 / period)
    cost = paid(own - left, fee, charge) - paid(average - mix, fee, charge)
    cost = cost + (highest(-own, 0.0) - highest(-average, 0.0)) * dearer
    return own, average, total + own, own - average, cost


def added(sums: Sequence[Number], a: Number, c: Number, cost: Number) -> tuple[Number, ...]:
    """Sums of products with those of one more period."""
    ac = a * c
    return (
        sums[0] + a, sums[1] + ac, sums[2] + ac * c, sums[3] + ac * ac,
        sums[4] + cost, sums[5] + cost * cost, sums[6] + cost * c, sums[7] + ac * cost,
    )  # fmt: skip


def ratios(x: Floats | Sequence[Number], sign: float, square: Number) -> tuple[Number, Number]:
    """Before costs and after them, of the means ``x`` of products; ``square`` is that of ``c`` squared."""
    gross, net = sign * x[1], sign * x[1] - x[4]
    squares = x[3] - 2.0 * x[0] * x[2] + x[0] * x[0] * square
    with_costs = squares + (x[5] - 2.0 * sign * (x[7] - x[0] * x[6]))
    return ratio(gross, squares - gross * gross), ratio(net, with_costs - net * net)


def moved_ratios(accounts: Account, starts: Integers, sign: float) -> Floats:
    """Mean over standard deviation of the timing series of moved accounts of one leg: before costs, and after them.

    Of several accounts at once, ``(n_accounts, n_periods)`` or ``(n_accounts, 1)`` each; ``(n_accounts, n_starts, 2)``.
    """
    wanted, keeps, long, short, bills, buying, selling, centred = accounts
    n = bills.shape[1]
    circle = np.tile(np.where(keeps, np.nan, wanted), 2)
    own = mix = total = wanted[:, starts]
    sums: tuple[Number, ...] = (np.zeros_like(own),) * 8
    square = np.cumsum(centred**2, axis=1)[:, -1:]  # one after the other
    with np.errstate(divide="ignore", invalid="ignore"):
        for period in range(1, n):
            now, before = slice(period, period + 1), slice(period - 1, period)
            grown = long[:, before], short[:, before], bills[:, before]
            dearer, target = short[:, now] - long[:, now], circle[:, starts + period]
            own, mix, total, a, cost = step(own, mix, total, target, period, grown, buying, selling, dearer)
            sums = added(sums, a, centred[:, now], cost)
        return np.stack(ratios(np.array(sums) / n, sign, square / n), axis=-1)
