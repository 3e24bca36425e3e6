"""Numbers in step: the same function of lanes and of numbers, lane by lane."""

import numpy as np
import pytest
from numba import njit

from research.engine._lanes import WIDTH, any_of, load, magnitude, store
from research.engine._timing import highest, where


@njit(error_model="numpy")
def rule(a, b, c):
    quotient = (a * b - 1.0) / c + 2
    is_odd = ((quotient > b) & (a <= c)) | (a != a) | (b == c) | (a < 0.0) & (c >= b)
    chosen = where(is_odd, highest(quotient, a), highest(magnitude(b), -c))
    if any_of(is_odd & (b > 1.0)):
        chosen = where(is_odd & (b > 1.0), chosen * chosen, chosen)
    return chosen


@njit(error_model="numpy")
def in_step(a, b, c, out):
    for k in range(0, out.size, WIDTH):
        store(out, k, rule(load(a, k), load(b, k), load(c, k)))


@njit(error_model="numpy")
def alone(a, b, c, out):
    for k in range(out.size):
        out[k] = rule(a[k], b[k], c[k])


@pytest.mark.parametrize("seed", range(3))
def test_lanes_are_the_numbers_side_by_side(seed):
    a, b, c = np.random.default_rng(seed).normal(size=(3, 50 * WIDTH))
    a[::7], b[::11], c[::13] = np.nan, c[::11], 0.0
    one, other = np.empty_like(a), np.empty_like(a)
    in_step(a, b, c, one)
    alone(a, b, c, other)
    np.testing.assert_array_equal(one, other)
