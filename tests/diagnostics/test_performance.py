"""Timing alpha: the primary test of a verdict."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from research.diagnostics.performance import jensen_alpha, regress_on_metal
from research.errors import AssayError


@pytest.fixture
def history():
    rng = np.random.default_rng(5)
    dates = pd.date_range("1980-01-31", periods=480, freq="ME")
    metal = pd.Series(rng.standard_t(5, 480) * 0.04 + 0.003, index=dates)
    weights = (np.sin(np.arange(480) / 9) > 0).astype(float)
    return metal * weights + rng.normal(0.006, 0.005, 480), metal


def test_agrees_with_statsmodels(history):
    strategy, metal = history
    finding = jensen_alpha(strategy, metal, periods_per_year=12)
    design = sm.add_constant(metal.to_numpy())
    fit = sm.OLS(strategy.to_numpy(), design).fit()
    assert finding.estimate == pytest.approx(12 * fit.params[0], rel=1e-10)
    assert finding.details["beta"] == pytest.approx(fit.params[1], rel=1e-10)
    assert finding.details["residual_volatility"] == pytest.approx(np.sqrt(12 * fit.scale), rel=1e-10)


def test_plain_recomputation(history):
    strategy, metal = (series.to_numpy() for series in history)
    finding = jensen_alpha(strategy, metal, periods_per_year=12)
    n, degrees = 480, int(0.4 * 480 ** (2 / 3))
    design = np.column_stack([np.ones(n), metal])
    bread = np.linalg.inv(design.T @ design / n)
    alpha, beta = bread @ design.T @ strategy / n
    scores = (design * (strategy - alpha - beta * metal)[:, None]) @ bread[:, 0]
    time = np.arange(1, n + 1)
    cosines = [np.sqrt(2 / n) * np.sum(scores * np.cos(np.pi * j * (time - 0.5) / n)) for j in range(1, degrees + 1)]
    error = np.sqrt(np.mean(np.square(cosines)) / n)
    assert finding.statistic == pytest.approx(alpha / error, rel=1e-10)
    assert finding.p_value == pytest.approx(2 * stats.t.sf(abs(alpha / error), degrees), rel=1e-8)
    half = stats.t.ppf(0.975, degrees) * error * 12
    assert finding.interval == pytest.approx((12 * alpha - half, 12 * alpha + half), rel=1e-8)
    assert finding.details["information_ratio"] == finding.estimate / finding.details["residual_volatility"]


def test_alpha_of_a_perfect_timer_is_found():
    rng = np.random.default_rng(7)
    metal = rng.normal(0.0, 0.05, 360)
    finding = jensen_alpha(np.maximum(metal, 0), metal, periods_per_year=12)
    assert finding.p_value < 1e-6
    assert finding.interval[0] > 0
    expected = 12 * 0.05 / np.sqrt(2 * np.pi)
    assert finding.estimate == pytest.approx(expected, rel=0.15)


@settings(max_examples=25, deadline=None)
@given(scale=st.floats(0.01, 50), tilt=st.floats(-3, 3), seed=st.integers(0, 10_000))
def test_alpha_scales_and_ignores_a_fixed_holding(scale, tilt, seed):
    rng = np.random.default_rng(seed)
    metal = rng.normal(0.002, 0.04, 120)
    strategy = metal * rng.random(120)
    base = jensen_alpha(strategy, metal, periods_per_year=12)
    other = jensen_alpha(scale * strategy + tilt * metal, metal, periods_per_year=12)
    assert other.estimate == pytest.approx(scale * base.estimate, rel=1e-6, abs=1e-12)
    assert other.p_value == pytest.approx(base.p_value, rel=1e-5)
    assert other.details["beta"] == pytest.approx(scale * base.details["beta"] + tilt, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.6, 1.0, -1.0])
def test_a_fixed_mix_has_no_timing_to_judge(share):
    metal = np.random.default_rng(1).normal(0.01, 0.05, 300)
    finding = jensen_alpha(share * metal, metal, periods_per_year=12)
    assert finding.estimate == 0
    assert finding.p_value is None
    assert finding.interval is None
    assert finding.details["beta"] == pytest.approx(share, abs=1e-12)
    assert "no timing to judge" in finding.sentence


def test_too_few_observations_give_an_estimate_and_no_p_value():
    rng = np.random.default_rng(1)
    metal = rng.normal(0, 0.05, 23)
    finding = jensen_alpha(metal * rng.random(23), metal, periods_per_year=12)
    assert np.isfinite(finding.estimate)
    assert finding.p_value is None
    assert "too few" in finding.sentence


def test_bad_input_says_what_and_where(history):
    strategy, metal = history
    holed = strategy.copy()
    holed.iloc[10] = np.nan
    with pytest.raises(AssayError, match=r"excess_returns: 1 missing.*1980-11-30"):
        jensen_alpha(holed, metal, periods_per_year=12)
    with pytest.raises(AssayError, match="dates differ"):
        jensen_alpha(strategy.shift(1, freq="D"), metal, periods_per_year=12)
    with pytest.raises(AssayError, match="479 observations against 480"):
        jensen_alpha(strategy, metal.iloc[1:], periods_per_year=12)
    with pytest.raises(AssayError, match="hardly moved"):
        jensen_alpha(strategy, metal * 0, periods_per_year=12)
    with pytest.raises(AssayError, match="periods_per_year"):
        jensen_alpha(strategy, metal, periods_per_year=0)
    with pytest.raises(AssayError, match="dimensions"):
        jensen_alpha(np.ones((5, 2)), np.ones((5, 2)), periods_per_year=12)


def rejections(n, draws, rng):
    """Null strategies: persistent weights that know nothing, on a drifting metal of clustered volatility."""
    rejected, covered = 0, 0
    for _ in range(draws):
        shocks = rng.standard_normal((2, n))
        variance, metal = 0.0016, np.empty(n)
        for t in range(n):
            metal[t] = 0.004 + np.sqrt(variance) * shocks[0, t]
            variance = 0.0001 + 0.15 * (metal[t] - 0.004) ** 2 + 0.79 * variance
        state = np.cumsum(rng.random(n) < 0.08) % 2
        finding = jensen_alpha(state * metal, metal, periods_per_year=12)
        rejected += finding.p_value < 0.05
        covered += finding.interval[0] < 0 < finding.interval[1]
    return rejected / draws, covered / draws


def test_size_and_coverage_under_clustered_volatility():
    size, coverage = rejections(240, 600, np.random.default_rng(11))
    assert abs(size - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 600)
    assert coverage == pytest.approx(1 - size)


@pytest.mark.slow
def test_size_under_clustered_volatility_long():
    size, _ = rejections(480, 6000, np.random.default_rng(12))
    assert abs(size - 0.05) < 0.012


@pytest.mark.slow
@pytest.mark.parametrize("n", [240, 600])
@pytest.mark.parametrize("n_episodes", [3, 6, 12])
def test_a_few_episodes_never_reject_too_often(n, n_episodes):
    rng, draws, rejected = np.random.default_rng(13), 2000, 0
    for _ in range(draws):
        metal = rng.standard_t(5, n) * 0.04 + 0.004
        weights = np.zeros(n)
        weights[rng.choice(n - 6, n_episodes, replace=False)[:, None] + np.arange(6)] = 1
        rejected += jensen_alpha(weights * metal, metal, periods_per_year=12).p_value < 0.05
    assert rejected / draws < 0.05 + 3 * np.sqrt(0.05 * 0.95 / draws)


@pytest.mark.parametrize("wobble", [0.0, 1e-14, 1e-9, 1e-6])
def test_a_metal_that_hardly_moves_beside_the_account_is_refused(history, wobble):
    strategy, metal = history
    still = 0.001 + wobble * (metal - metal.mean()) / metal.std()
    with pytest.raises(AssayError, match="hardly moved"):
        jensen_alpha(strategy, still, periods_per_year=12)
    with pytest.raises(AssayError, match="hardly moved"):
        regress_on_metal(strategy.to_numpy(), still.to_numpy())
