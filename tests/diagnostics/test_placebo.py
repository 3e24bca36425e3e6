from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.diagnostics.placebo import alpha_t_statistics, bootstrap_placebo, by_shift
from research.diagnostics.placebo import shift_placebo as of_shifts
from research.errors import ParameterError
from research.synthetic import WORLDS

METHODS_TOY_SIGNAL = np.array([1, 1, 0, 0, 0, 0, 0, 0, 1, 0], dtype=float)
METHODS_TOY_RETURNS = np.array([0.02, 0.03, -0.01, 0, 0.01, -0.02, 0.005, -0.01, 0.025, 0])


def account(metal):
    """The plainest account: yesterday's target earns today's return, without costs."""

    def returns(weights):
        return np.vstack([np.zeros(weights.shape[1]), weights[:-1]]) * metal[:, None]

    return returns


def shift_placebo(weights, statistics_of, **options):
    return of_shifts(weights, by_shift(weights, statistics_of), **options)


def t_of(metal):
    return lambda weights: alpha_t_statistics(account(metal)(weights), metal)


def test_worked_example_every_shift():
    found = shift_placebo(METHODS_TOY_SIGNAL, lambda w: METHODS_TOY_RETURNS @ w, seed=0)
    assert found.statistic == pytest.approx(0.075)
    assert found.p_value == pytest.approx(0.1)  # floor 1/T
    assert found.effective_n == 9
    assert found.estimate == 0


def test_shifts_are_what_numpy_roll_makes():
    rng = np.random.default_rng(1)
    weights, metal = rng.random(37), rng.standard_normal(37) * 0.05
    found = shift_placebo(weights, t_of(metal), seed=0)
    statistic = t_of(metal)
    t0 = statistic(weights[:, None])[0]
    others = np.array([statistic(np.roll(weights, k)[:, None])[0] for k in range(1, 37)])
    assert found.p_value == pytest.approx((1 + np.sum(others >= t0)) / 37)
    assert found.details["p_value_opposite"] == pytest.approx((1 + np.sum(others <= t0)) / 37)
    assert found.details["median_of_placebos"] == pytest.approx(np.median(others))


def test_t_statistics_equal_white_errors_of_statsmodels():
    import statsmodels.api as sm

    rng = np.random.default_rng(2)
    metal = 0.004 + 0.05 * rng.standard_normal(200)
    returns = metal[:, None] * rng.random((200, 4)) + 0.001
    for column, t in enumerate(alpha_t_statistics(returns, metal)):
        fit = sm.OLS(returns[:, column], sm.add_constant(metal)).fit(cov_type="HC0")
        assert t == pytest.approx(fit.tvalues[0], rel=1e-9)


def test_with_held_weights_the_return_is_that_over_the_average_so_far():
    import statsmodels.api as sm

    rng = np.random.default_rng(12)
    metal = 0.004 + 0.05 * rng.standard_normal(120)
    held = rng.random((120, 3))
    returns = held * metal[:, None] - 0.0005
    for column, t in enumerate(alpha_t_statistics(returns, metal, held)):
        h = held[:, column]
        over = [returns[k, column] - (h[:k].mean() if k else h[0]) * metal[k] for k in range(120)]
        assert t == pytest.approx(sm.OLS(over, sm.add_constant(metal)).fit(cov_type="HC0").tvalues[0], rel=1e-9)


def test_the_average_so_far_takes_most_of_the_stambaugh_bias_from_the_placebo():
    """A weight that is high after losses, kept for long: seems clever by the average of the whole sample only."""
    plain, so_far = [], []
    for seed in range(150):
        world = WORLDS["persistent_predictor"](seed=seed, n_bars=240)
        for statistic, into in ((None, plain), (world.held(), so_far)):
            t = alpha_t_statistics(world.excess_returns(), world.returns, statistic)
            into.extend(t[np.isfinite(t)])
    assert abs(np.mean(so_far)) < 0.6 * abs(np.mean(plain))
    assert np.mean(plain) > 0.15


def test_a_constant_position_has_no_timing_to_move():
    metal = np.random.default_rng(3).standard_normal(50) * 0.05
    found = shift_placebo(np.full(50, 0.7), lambda w: alpha_t_statistics(w * metal[:, None], metal), seed=0)
    assert found.p_value is None
    assert found.statistic is None
    assert np.isnan(found.estimate)
    assert "no timing" in found.sentence


def test_a_moved_history_inside_a_kept_position_starts_with_it():
    weights = np.array([np.nan, np.nan, 0.2, 0.5, np.nan, np.nan, 0.0, np.nan])
    seen = []

    def spy(block):
        seen.extend(block.T.copy())
        return np.zeros(block.shape[1])

    found = shift_placebo(weights, spy, seed=0)
    bootstrap_placebo(weights, spy, seed=0, block_length=3, n_draws=50)
    observed, *moved = seen
    before = [np.nan, np.nan]  # the account is not open yet, in the strategy and in every placebo
    np.testing.assert_array_equal(observed, weights)
    np.testing.assert_array_equal(moved[0], [*before, 0, 0.2, 0.5, np.nan, np.nan, 0])  # flat since the last target
    np.testing.assert_array_equal(moved[2], [*before, 0.5, 0, np.nan, 0.2, 0.5, np.nan])  # inside the position
    assert found.effective_n == 5
    assert all(np.isnan(history[:2]).all() for history in moved)
    assert all(np.isfinite(history[2]) for history in moved)


def test_drawn_shifts_are_distinct_and_decided_by_the_seed():
    rng = np.random.default_rng(4)
    weights, metal = rng.random(400), rng.standard_normal(400)
    one, same, other = (shift_placebo(weights, t_of(metal), seed=s, n_shifts=100) for s in (7, 7, 8))
    assert one == same
    assert one.details != other.details
    marked = np.arange(400.0)
    starts = []
    shift_placebo(marked, lambda w: starts.extend(w[0]) or np.zeros(w.shape[1]), seed=1, n_shifts=300)
    assert len(set(starts[1:])) == 300
    assert 0 not in starts[1:]


def test_batches_change_nothing(monkeypatch):
    import research.diagnostics.placebo as module

    rng = np.random.default_rng(5)
    weights, metal = (rng.random(120) > 0.7).astype(float), rng.standard_normal(120)
    whole = (
        shift_placebo(weights, t_of(metal), seed=0),
        bootstrap_placebo(weights, t_of(metal), block_length=9, seed=0),
    )
    monkeypatch.setattr(module, "CELLS_AT_ONCE", 1000)
    again = shift_placebo(weights, t_of(metal), seed=0)
    assert again.p_value == whole[0].p_value


def test_planted_timing_is_found_and_its_opposite_too():
    rng = np.random.default_rng(6)
    weights = np.repeat((rng.random(60) > 0.6).astype(float), 10)
    metal = 0.01 * rng.standard_normal(600)
    metal[1:] += 0.004 * (weights[:-1] - weights.mean())
    good, bad = (shift_placebo(weights, t_of(m), seed=0) for m in (metal, -metal))
    assert good.p_value < 0.01
    assert bad.details["p_value_opposite"] < 0.01
    assert bad.p_value > 0.95
    claimed_negative = shift_placebo(weights, t_of(-metal), seed=0, expected_sign=-1)
    assert claimed_negative.p_value == bad.details["p_value_opposite"]
    assert bootstrap_placebo(weights, t_of(metal), block_length=30, seed=0, n_draws=400).p_value < 0.02


def test_a_bull_market_does_not_help():
    rng = np.random.default_rng(7)
    weights = np.repeat((rng.random(60) > 0.3).astype(float), 10)
    metal = 0.003 + 0.01 * rng.standard_normal(600)
    assert account(metal)(weights[:, None]).mean() > 0.001
    assert shift_placebo(weights, t_of(metal), seed=0).p_value > 0.05


def test_a_bootstrapped_signal_keeps_the_length_of_its_blocks():
    weights = np.random.default_rng(8).permutation(np.arange(2000.0))
    successor = dict(zip(weights, np.roll(weights, -1), strict=True))
    blocks = []

    def spy(histories):
        for history in histories.T:
            joined = [successor[a] == b for a, b in pairwise(history)]
            blocks.append(np.mean(joined))
        return np.zeros(histories.shape[1])

    bootstrap_placebo(weights, spy, block_length=20, seed=0, n_draws=40)
    assert np.mean(blocks[1:]) == pytest.approx(1 - 1 / 20, abs=0.002)


def test_size_under_volatility_that_moves_the_weights():
    """Weights that rise with the metal's volatility but know nothing of its direction."""
    rng = np.random.default_rng(9)
    n, samples, rejected = 240, 300, 0
    for _ in range(samples):
        variance, metal = np.ones(n + 1), np.empty(n)
        for t in range(n):
            metal[t] = np.sqrt(variance[t]) * rng.standard_normal()
            variance[t + 1] = 0.05 + 0.15 * metal[t] ** 2 + 0.8 * variance[t]
        weights = (variance[1:] > np.quantile(variance, 0.8)).astype(float)
        rejected += shift_placebo(weights, t_of(metal), seed=0).p_value <= 0.05
    assert rejected / samples < 0.05 + 3 * np.sqrt(0.05 * 0.95 / samples)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 30), st.integers(0, 10**6))
def test_p_values_never_vanish_and_the_two_directions_cover_everything(n, seed):
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 2, n).astype(float)
    found = shift_placebo(weights, lambda w: rng.standard_normal(n) @ w, seed=seed)
    assert 1 / n <= found.p_value <= 1
    assert found.p_value + found.details["p_value_opposite"] >= 1


def test_bad_input_is_named():
    good = np.ones(10)
    for call in (
        lambda: shift_placebo(np.ones((3, 3)), np.sum, seed=0),
        lambda: shift_placebo(np.ones(1), np.sum, seed=0),
        lambda: shift_placebo(np.full(9, np.nan), np.sum, seed=0),
        lambda: shift_placebo(good, np.sum, seed=0, n_shifts=0),
        lambda: shift_placebo(good, np.sum, seed=0, expected_sign=0),
        lambda: bootstrap_placebo(good, np.sum, block_length=0.5, seed=0),
    ):
        with pytest.raises(ParameterError):
            call()
