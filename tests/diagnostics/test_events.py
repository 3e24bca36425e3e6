"""Abnormal returns, and how many events there really are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.power import TTestPower

from research.diagnostics.events import (
    MINIMUM_EVENTS,
    circular_shift_p_values,
    cumulative_abnormal_return,
    effective_events,
    minimum_detectable_effect,
    window_counts,
)
from research.errors import AssayError

OVERLAP_EXAMPLE = {
    "events": [0, 5, 10, 50],
    "horizon": 20,
    "sum_of_squares": 160,
    "error": 3.16228,
    "error_naive": 2.23607,
    "n_eff": 2.0,
}
EFFECT_SIZES_FROM_NONCENTRAL_T = {5: 1.682, 6: 1.435, 10: 0.996, 20: 0.660, 30: 0.529, 50: 0.404}
SILVER_MOVES_AT_1_9_PERCENT_A_DAY_OVER_20_DAYS = {5: 0.143, 10: 0.085, 30: 0.045}
GOLD_MOVES_AT_1_PERCENT_A_DAY_OVER_20_DAYS = {5: 0.075, 10: 0.045, 30: 0.024}
SHIFT_EXAMPLE_WEIGHTS = [1, 1, 0, 0, 0, 0, 0, 0, 1, 0]
SHIFT_EXAMPLE_RETURNS = [0.02, 0.03, -0.01, 0, 0.01, -0.02, 0.005, -0.01, 0.025, 0]
SHIFT_EXAMPLE_P_VALUE_BY_ENUMERATION = 0.1


def test_overlap_example():
    counts = window_counts(OVERLAP_EXAMPLE["events"], horizon=20, n_bars=100)
    assert counts @ counts == OVERLAP_EXAMPLE["sum_of_squares"]
    assert np.sqrt(counts @ counts) / 4 == pytest.approx(OVERLAP_EXAMPLE["error"], abs=5e-6)
    assert effective_events(OVERLAP_EXAMPLE["events"], horizon=20) == OVERLAP_EXAMPLE["n_eff"]
    returns = np.random.default_rng(0).standard_normal(120)
    found = cumulative_abnormal_return(returns, OVERLAP_EXAMPLE["events"], horizon=20, delay=0)
    outside = returns[window_counts(np.add(OVERLAP_EXAMPLE["events"], 1), horizon=20, n_bars=120) == 0]
    naive = found.details["standard_error_naive"] / outside.std(ddof=1)
    assert naive == pytest.approx(OVERLAP_EXAMPLE["error_naive"], abs=5e-6)


def test_effective_events_between_one_and_all():
    assert effective_events([3, 3, 3], horizon=5) == 1
    assert effective_events([0, 5, 10], horizon=5) == 3
    assert effective_events([], horizon=5) == 0


def test_the_rule_of_six():
    """Five events that agree are no evidence at 5 % even by all flips of their signs; six are."""
    assert 2 / 2 ** (MINIMUM_EVENTS - 1) > 0.05 > 2 / 2**MINIMUM_EVENTS


@pytest.mark.parametrize(("n", "effect"), EFFECT_SIZES_FROM_NONCENTRAL_T.items())
def test_effect_sizes(n, effect):
    assert minimum_detectable_effect(n) == pytest.approx(effect, abs=6e-4)
    assert minimum_detectable_effect(n) == pytest.approx(
        TTestPower().solve_power(nobs=n, alpha=0.05, power=0.8), rel=1e-6
    )


def test_effect_sizes_in_returns():
    for daily, moves in (
        (0.019, SILVER_MOVES_AT_1_9_PERCENT_A_DAY_OVER_20_DAYS),
        (0.010, GOLD_MOVES_AT_1_PERCENT_A_DAY_OVER_20_DAYS),
    ):
        for n, move in moves.items():
            assert minimum_detectable_effect(n) * daily * np.sqrt(20) == pytest.approx(move, abs=6e-4)


def test_a_fraction_of_an_event_is_allowed_and_less_than_two_take_one_degree_of_freedom():
    effects = [minimum_detectable_effect(n) for n in (1, 1.5, 2, 2.5, 6, 60)]
    assert effects == sorted(effects, reverse=True)
    assert effects[0] == pytest.approx(effects[2] * np.sqrt(2))


def test_circular_shift_example():
    two_sided, greater = circular_shift_p_values(SHIFT_EXAMPLE_WEIGHTS, SHIFT_EXAMPLE_RETURNS)
    assert greater == SHIFT_EXAMPLE_P_VALUE_BY_ENUMERATION
    assert two_sided == SHIFT_EXAMPLE_P_VALUE_BY_ENUMERATION


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(5, 80))
def test_circular_shifts_by_hand(seed, n):
    rng = np.random.default_rng(seed)
    weights, returns = rng.integers(0, 3, n).astype(float), rng.normal(0.1, 1, n)
    sums = np.array([np.roll(weights, shift) @ returns for shift in range(n)])
    centre = weights.sum() * returns.mean()
    two_sided = np.mean(np.abs(sums - centre) >= abs(sums[0] - centre) - 1e-9)
    assert circular_shift_p_values(weights, returns) == pytest.approx((two_sided, np.mean(sums >= sums[0] - 1e-9)))


def test_abnormal_return_by_hand():
    rng = np.random.default_rng(4)
    returns = rng.normal(0.001, 0.01, 400)
    starts = np.array([20, 60, 100, 140, 180, 220, 260, 300])
    finding = cumulative_abnormal_return(returns, starts, horizon=10, delay=1)
    inside = np.concatenate([np.arange(s + 2, s + 12) for s in starts])
    outside = np.delete(returns, inside)
    effects = [returns[s + 2 : s + 12].sum() - 10 * outside.mean() for s in starts]
    assert finding.estimate == pytest.approx(np.mean(effects), rel=1e-10)
    assert finding.effective_n == 8
    error = outside.std(ddof=1) * np.sqrt(10 / 8 + 100 / outside.size)
    assert finding.details["standard_error"] == pytest.approx(error, rel=1e-10)
    assert finding.details["mean_path"][-1] == pytest.approx(finding.estimate, rel=1e-9)


def test_a_planted_jump_is_found_only_after_the_fill():
    rng = np.random.default_rng(8)
    returns = rng.normal(0, 0.01, 3000)
    starts = np.arange(50, 2900, 150) + rng.integers(0, 100, 19)
    returns[starts + 2] += 0.03
    found = cumulative_abnormal_return(returns, starts, horizon=5, delay=1)
    assert found.p_value < 0.005
    assert found.estimate == pytest.approx(0.03, abs=0.015)
    late = cumulative_abnormal_return(returns, starts, horizon=5, delay=2)
    assert abs(late.estimate) < 0.02
    assert late.p_value > 0.01


def test_under_six_effective_events_only_the_detectable_effect():
    returns = np.random.default_rng(1).normal(0, 0.019, 1000)
    finding = cumulative_abnormal_return(returns, [100, 200, 300, 400, 500], horizon=20)
    assert finding.p_value is None
    assert finding.interval is None
    assert finding.statistic is None
    sigma = finding.details["standard_error_naive"] / np.sqrt(20 / 5)
    assert finding.details["minimum_detectable_car"] == pytest.approx(
        minimum_detectable_effect(5) * sigma * np.sqrt(20), rel=1e-9
    )
    assert "no p-value" in finding.sentence
    clustered = cumulative_abnormal_return(returns, np.arange(100, 130), horizon=20)
    assert clustered.effective_n < 3
    assert clustered.p_value is None


def test_incomplete_windows_are_counted_and_what_is_no_bar_refused():
    returns = np.random.default_rng(2).normal(0, 0.01, 200)
    finding = cumulative_abnormal_return(returns, [10, 60, 110, 195], horizon=10)
    assert finding.details["n_events"] == 3
    assert finding.details["n_incomplete"] == 1
    with pytest.raises(AssayError, match="complete window"):
        cumulative_abnormal_return(returns, [199], horizon=10)
    for wrong in ([2.5], [-1], [200]):
        with pytest.raises(AssayError, match="positions"):
            cumulative_abnormal_return(returns, wrong, horizon=10)


def test_size_and_coverage_with_overlapping_events():
    """Clusters of events on a metal with clustered volatility and a strong drift."""
    rng, draws, rejected, covered, naive = np.random.default_rng(9), 500, 0, 0, 0
    for _ in range(draws):
        volatility = np.exp(0.3 * np.sin(np.arange(1500) / 60 + rng.uniform(0, 6)))
        returns = 0.001 + 0.01 * volatility * rng.standard_normal(1500)
        first = rng.choice(1300, 14, replace=False)
        starts = np.sort(np.concatenate([first, first + 5, first + 9]))
        finding = cumulative_abnormal_return(returns, starts, horizon=20)
        rejected += finding.p_value <= 0.05
        covered += finding.interval[0] < 0 < finding.interval[1]
        naive += abs(finding.estimate) > 1.96 * finding.details["standard_error_naive"]
    assert rejected / draws < 0.05 + 3.5 * np.sqrt(0.05 * 0.95 / draws)
    assert covered / draws > 0.95 - 4 * np.sqrt(0.05 * 0.95 / draws)
    assert naive / draws > 0.15
