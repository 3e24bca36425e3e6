"""What the compiled loops are measured against: the plain loop that a reader would write, and what the machine allows.

``plain`` walks one account after the other, bar by bar, by the rules of ``research.engine.kernel`` without carry.
A limit is the time of a part that no way of working can leave out: reading every weight once, or the divisions.
"""

from __future__ import annotations

import numba
import numpy as np

from research.engine._lanes import WIDTH, load, store


@numba.njit(nogil=True, error_model="numpy", cache=True)
def plain(targets, price, accrual, buy_factor, sell_factor, out):
    """Total return, deepest fall, and sums of excess returns, their squares and products with the metal's."""
    for i in range(targets.shape[0]):
        cash, metal, bills, before, base, weight = 1.0, 0.0, 0.0, 1.0, 1.0, 0.0
        peak, worst, opened = 1.0, 1.0, False
        x_sum, xx_sum, xm_sum, exposure, traded, cost = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for bar in range(1, price.size):
            growth = price[bar] / price[bar - 1]
            metal *= growth
            bills *= 1.0 + accrual[bar]
            value = cash + metal + bills
            target, was_open = targets[i, bar - 1], opened
            if target == target and value > 0.0:
                orders = (target * value - metal, (1.0 - target) * value - bills)
                for metal_turn in (orders[0] <= orders[1], orders[0] > orders[1]):
                    order = orders[0] if metal_turn else orders[1]
                    paid, sold = (buy_factor, sell_factor) if metal_turn else (1.0, 1.0)
                    if abs(order) <= 1e-12 * value:
                        continue
                    if order < 0.0:
                        cash -= order * sold
                    else:
                        order = min(order, cash / paid)
                        cash = max(cash - order * paid, 0.0)
                    if metal_turn:
                        metal += order
                        traded += abs(order) / value
                        cost += max(order * (buy_factor - 1.0), order * (sell_factor - 1.0)) / before
                    else:
                        bills += order
                opened = True
                value = cash + metal + bills
            if was_open:
                x = value / base - 1.0 - accrual[bar]
                x_sum, xx_sum, xm_sum = x_sum + x, xx_sum + x * x, xm_sum + x * (growth - 1.0 - accrual[bar])
                exposure += weight
                base = value
            before, weight = value, metal / value
            peak = max(peak, value)
            worst = min(worst, value / peak)
        out[i, 0], out[i, 1] = value - 1.0, worst - 1.0
        out[i, 2], out[i, 3], out[i, 4], out[i, 5], out[i, 6], out[i, 7] = x_sum, xx_sum, xm_sum, exposure, traded, cost


@numba.njit(nogil=True, error_model="numpy")
def divide(times):
    """So many divisions in vectors as wide as the loops', that do not wait for one another."""
    place = np.full(WIDTH, 1.5)
    one = load(place, 0)
    a, b, c, d = one, one + 0.1, one + 0.2, one + 0.3
    for _ in range(times // (4 * WIDTH)):
        a, b, c, d = 1.1 / a, 1.1 / b, 1.1 / c, 1.1 / d
    store(place, 0, a + b + c + d)
    return place


@numba.njit(nogil=True)
def read(table):
    """Read every number of a table once, in the order of memory."""
    found = np.zeros(8)
    flat = table.ravel()
    for k in range(0, flat.size - 7, 8):
        for j in range(8):
            found[j] = max(found[j], flat[k + j])
    return found
