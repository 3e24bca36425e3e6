"""Placebo shifts of the fast path against the paths of weights turned by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from research.engine import kernel
from research.errors import SignalError

from .test_kernel import COSTLY, FREE, history, markets, target_rows, terms, traded


def turned(target, shift):
    """Turn decisions in a circle from the first one on; a history inside a kept position begins with it."""
    first = int(np.argmax(~np.isnan(target)))
    circle = target[first:]
    moved = np.roll(circle, shift)
    if np.isnan(moved[0]):
        moved[0] = moved[~np.isnan(moved)][-1]
    return np.concatenate([target[:first], moved])


def statistic_of_the_path(target, market):
    """White's t of the alpha over the mix of the average weight so far, from the path of equity."""
    equity = kernel.paths(target, market)[0]
    opened = int(np.argmax(np.isfinite(equity)))
    value = np.concatenate([[1.0], equity[opened + 1 :]])
    growth = np.array([b / a if a > 0 else 1.0 for a, b in pairwise(value)])
    wanted, held = np.nan, []
    for bar in range(market.n_bars):
        held.append(wanted)
        if bar >= market.delay and not np.isnan(target[bar - market.delay]):
            wanted = target[bar - market.delay]
    metal = market.metal_excess[opened + 1 :]
    excess = growth - 1 - market.accrual[opened + 1 :]
    return whites_t(excess, metal, np.array(held)[opened + 1 :])


def whites_t(returns, metal, held):
    """NaN for a multiple of the metal, such as an account that always holds it, and if the metal never moved."""
    rounding = 1e-18 * returns @ returns + 1e-24 * len(metal)
    over = returns - metal * np.concatenate([held[:1], np.cumsum(held)[:-1] / np.arange(1, len(held))])
    X = np.column_stack([np.ones(len(metal)), metal])
    if np.linalg.matrix_rank(X) < 2:
        return np.nan
    inverse = np.linalg.pinv(X)
    squares = (over - X @ (inverse @ over)) ** 2
    return inverse[0] @ over / np.sqrt(inverse[0] ** 2 @ squares) if squares.sum() > rounding else np.nan


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_placebo_statistics_equal_those_of_the_paths_turned_by_hand(data):
    price, accrual, years = data.draw(markets(90))
    target = data.draw(target_rows(len(price)))[0]
    first = data.draw(st.none() | st.integers(0, len(price) - 1))
    market = traded(data.draw(terms), price, accrual, years, first=first)
    assume(not np.isnan(target).all())
    opened = max(int(np.argmax(~np.isnan(target))) + market.delay, market.start)
    assume(opened + 5 < len(price))
    shifts = [0, 1, -1, 5, len(price) // 2, 3 * len(price) + 2]
    fast = kernel.placebo_shifts(target, shifts, market)
    slow = [statistic_of_the_path(turned(target, shift), market) for shift in shifts]
    np.testing.assert_allclose(fast, slow, rtol=1e-7)


@pytest.mark.parametrize("levels", [(0.0, 1.0), (-1.0, 0.0, 1.0), (0.3, 0.8)])
@pytest.mark.parametrize("every", [1, 40])
def test_placebo_statistics_of_a_long_history_keep_their_digits(levels, every):
    market = traded(COSTLY, *history(8_000))
    random = np.random.default_rng(23)
    target = np.where(random.random(8_000) < 1 / every, random.choice(levels, 8_000), np.nan)
    shifts = random.integers(0, 7_900, 8)
    slow = [statistic_of_the_path(turned(target, shift), market) for shift in shifts]
    np.testing.assert_allclose(kernel.placebo_shifts(target, shifts, market), slow, rtol=1e-8)


def test_the_placebo_statistic_of_a_ruined_account_is_that_of_its_path():
    """A short position in a metal that trebles: everything is lost, whenever it begins before the jump."""
    price, accrual, years = history(120)
    price[60:] *= 3.0
    target = np.full(120, np.nan)
    target[[0, 30, 80, 100]] = 1.0, -1.0, 1.0, 0.0
    market = traded(COSTLY, price, accrual, years)
    shifts = [0, 10, 20, 29, 31, 50, 90]
    ruined = kernel.paths(np.stack([turned(target, shift) for shift in shifts]), market)[:, -1] == 0
    assert 2 < ruined.sum() < len(shifts)
    slow = [statistic_of_the_path(turned(target, shift), market) for shift in shifts]
    np.testing.assert_allclose(kernel.placebo_shifts(target, shifts, market), slow, rtol=1e-8)


def test_a_fixed_weight_has_no_placebo_statistic():
    market = traded(FREE, *history(200))
    for weight in (0.0, 1.0, 0.5):
        assert np.isnan(kernel.placebo_shifts(np.full(200, weight), [0, 3], market)).all()
        assert np.isnan(statistic_of_the_path(np.full(200, weight), market))


def test_a_whole_turn_is_no_shift_and_threads_change_no_digit():
    market = traded(COSTLY, *history(), first=40)
    target = np.random.default_rng(9).choice([0.0, 1.0, np.nan], 300)
    target[:7], target[7] = np.nan, 1.0
    once, turn = kernel.placebo_shifts(target, [0, 293], market)
    assert once == turn
    shifts = np.arange(-700, 700)
    one = kernel.placebo_shifts(target, shifts, market, threads=1)
    assert np.array_equal(one, kernel.placebo_shifts(target, shifts, market, threads=3))


def test_shifts_are_whole_numbers():
    with pytest.raises(SignalError, match="shifts"):
        kernel.placebo_shifts(np.ones(20), [0.5], traded(COSTLY, *history(20)))
