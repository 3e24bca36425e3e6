"""Predictive regressions: overlap, persistence, and what is added to the controls."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

from research.diagnostics.prediction import (
    PredictorDynamics,
    incremental_value,
    long_horizon_bias,
    momentum_and_ratio,
    overlap_effective_n,
    predictive_regression,
    predictor_dynamics,
)
from research.errors import AssayError

BIAS_FROM_STAMBAUGH_1999_FORMULA = {
    (60, 0.95, -0.9): 0.05775,
    (120, 0.98, -0.95): 0.0311917,
    (240, 0.9, -0.5): 0.0077083,
}
SIMULATED_BIAS_AT_60_OBSERVATIONS = 0.0663
SIMULATED_BIAS_AFTER_AMIHUD_HURVICH_2004 = 0.009
EFFECTIVE_N_FROM_BOUDOUKH_RICHARDSON_WHITELAW_2008 = {
    (600, 12, 0.9): 72.85,
    (600, 12, 0.98): 54.09,
    (600, 60, 0.98): 14.41,
    (600, 12, 0.0): 600,
    (2520, 21, 0.95): 166.51,
    (2520, 63, 0.99): 48.87,
}


def persistent_world(rng, n, *, rho, phi, slope=0.0):
    """Unit shocks: r[t+1] = slope x[t] + phi v[t+1] + e[t+1] and x[t+1] = rho x[t] + v[t+1]."""
    shocks = rng.standard_normal(n + 300)
    predictor = lfilter([1.0], [1.0, -rho], shocks)
    noise = phi * shocks + np.sqrt(1 - phi**2) * rng.standard_normal(n + 300)
    returns = noise + slope * np.concatenate([[0.0], predictor[:-1]])
    return returns[300:], predictor[300:]


@pytest.mark.parametrize(("case", "bias"), BIAS_FROM_STAMBAUGH_1999_FORMULA.items())
def test_stambaugh_bias(case, bias):
    n, rho, phi = case
    dynamics = PredictorDynamics(persistence=rho, persistence_corrected=rho, innovation_slope=phi)
    assert long_horizon_bias(dynamics, n_observations=n, horizon=1) == pytest.approx(bias, abs=5e-8)


@pytest.mark.parametrize(("case", "effective"), EFFECTIVE_N_FROM_BOUDOUKH_RICHARDSON_WHITELAW_2008.items())
def test_effective_n_of_overlapping_windows(case, effective):
    n, horizon, rho = case
    assert overlap_effective_n(n, horizon=horizon, persistence=rho) == pytest.approx(effective, abs=6e-3)


@given(st.integers(1, 12), st.integers(20, 60), st.integers(0, 1000))
def test_hodrick_identity(horizon, n, seed):
    """Overlapping sums against the predictor are single returns against its running sum (circular)."""
    rng = np.random.default_rng(seed)
    r, x = rng.standard_normal((2, n))
    ahead = sum(np.roll(r, -j) for j in range(1, horizon + 1))
    behind = sum(np.roll(x, j) for j in range(horizon))
    assert ahead @ x == pytest.approx(np.roll(r, -1) @ behind, abs=1e-10)


def test_long_horizon_bias_is_the_published_closed_form():
    dynamics = PredictorDynamics(persistence=0.9, persistence_corrected=0.9, innovation_slope=-0.8)
    rho, j = 0.9, 12
    closed = 0.8 / 200 * (j * (1 + rho) + 2 * rho * (1 - rho**j) / (1 - rho))
    assert long_horizon_bias(dynamics, n_observations=200, horizon=j) == pytest.approx(closed, rel=1e-12)


@pytest.mark.parametrize(("horizon", "delay"), [(1, 1), (1, 4), (6, 0), (6, 1)])
def test_bias_formula_with_delay_against_simulation(horizon, delay):
    rng, n, rho, phi, draws = np.random.default_rng(1), 200, 0.8, -0.9, 4000
    slopes = []
    for _ in range(draws):
        r, x = persistent_world(rng, n + horizon + delay, rho=rho, phi=phi)
        running = np.concatenate([[0], np.cumsum(r[1 + delay :])])
        ahead = running[horizon:] - running[:-horizon]
        known = x[: ahead.size] - x[: ahead.size].mean()
        slopes.append(known @ ahead / (known @ known))
    dynamics = PredictorDynamics(persistence=rho, persistence_corrected=rho, innovation_slope=phi)
    formula = long_horizon_bias(dynamics, n_observations=n, horizon=horizon, delay=delay)
    error = np.std(slopes) / np.sqrt(draws)
    assert np.mean(slopes) == pytest.approx(formula, abs=4 * error + 0.06 * formula)


def test_the_correction_removes_most_of_the_bias():
    rng, draws = np.random.default_rng(2), 2000
    plain, corrected = [], []
    for _ in range(draws):
        r, x = persistent_world(rng, 61, rho=0.95, phi=-0.9)
        finding = predictive_regression(r, x, horizon=1, delay=0)
        spread = finding.details["predictor_standard_deviation"]
        plain.append(finding.details["slope_uncorrected"] / spread)
        corrected.append(finding.estimate / spread)
    error = np.std(plain) / np.sqrt(draws)
    assert np.mean(plain) == pytest.approx(SIMULATED_BIAS_AT_60_OBSERVATIONS, abs=4 * error)
    assert np.mean(corrected) == pytest.approx(SIMULATED_BIAS_AFTER_AMIHUD_HURVICH_2004, abs=4 * error)


def test_dynamics_by_plain_regressions():
    r, x = persistent_world(np.random.default_rng(3), 200, rho=0.9, phi=-0.8)
    n = 199
    own, of_returns = (sm.OLS(series[1:], sm.add_constant(x[:-1])).fit() for series in (x, r))
    rho = own.params[1]
    found = predictor_dynamics(r, x)
    assert found.persistence == pytest.approx(rho, rel=1e-10)
    assert found.persistence_corrected == pytest.approx(rho + (1 + 3 * rho) / n + 3 * (1 + 3 * rho) / n**2, rel=1e-10)
    assert found.innovation_slope == pytest.approx(sm.OLS(of_returns.resid, own.resid).fit().params[0], rel=1e-8)


@pytest.mark.parametrize(("horizon", "delay"), [(1, 0), (6, 1), (12, 2)])
def test_predictive_regression_by_hand(horizon, delay):
    r, x = persistent_world(np.random.default_rng(4), 300, rho=0.7, phi=-0.5, slope=0.1)
    finding = predictive_regression(r, x, horizon=horizon, delay=delay)
    n = 300 - delay - horizon
    ahead = np.array([r[t + delay + 1 : t + delay + horizon + 1].sum() for t in range(n)])
    fit = sm.OLS(ahead, sm.add_constant(x[:n])).fit()
    assert finding.details["slope_uncorrected"] == pytest.approx(fit.params[1] * x.std(), rel=1e-9)
    assert finding.details["standard_error_naive"] == pytest.approx(fit.bse[1] * x.std(), rel=1e-9)
    known = x[:n] - x[:n].mean()
    products = []
    for s in range(n + horizon - 1):
        window = [known[t] for t in range(s - horizon + 1, s + 1) if 0 <= t < n]
        products.append((r - r.mean())[s + 1 + delay] * sum(window))
    m = len(products)
    error = np.sqrt(np.sum(np.square(products)) * m / (m - 2)) / (known @ known)
    assert finding.details["standard_error_hodrick"] == pytest.approx(error * x.std(), rel=1e-9)
    assert finding.statistic == pytest.approx(finding.estimate / (error * x.std()), rel=1e-9)


def test_a_planted_predictor_is_found_at_every_horizon():
    r, x = persistent_world(np.random.default_rng(5), 600, rho=0.9, phi=0.0, slope=0.3)
    for finding in [predictive_regression(r, x, horizon=horizon) for horizon in (1, 3, 6, 12)]:
        assert finding.p_value < 0.01
        assert finding.estimate > 0
        assert finding.details["horizon"] in (1, 3, 6, 12)


def sizes(n, rho, phi, horizon, delay, draws, rng):
    hodrick, naive = 0, 0
    for _ in range(draws):
        finding = predictive_regression(*persistent_world(rng, n, rho=rho, phi=phi), horizon=horizon, delay=delay)
        hodrick += finding.p_value < 0.05
        naive += finding.details["p_value_naive"] < 0.05
    return hodrick / draws, naive / draws


def test_hodrick_keeps_its_size_where_the_naive_test_loses_it():
    hodrick, naive = sizes(240, 0.95, -0.9, 12, 1, 500, np.random.default_rng(6))
    assert hodrick < 0.09
    assert naive > 0.4


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [1, 12, 36])
@pytest.mark.parametrize(("n", "rho", "phi"), [(240, 0.95, -0.9), (600, 0.98, -0.9), (600, 0.5, 0.0)])
def test_size_of_the_predictive_regression(n, rho, phi, horizon):
    hodrick, _ = sizes(n, rho, phi, horizon, 1, 2000, np.random.default_rng(7))
    assert hodrick < 0.09


def test_too_few_looks_give_no_p_value():
    r, x = persistent_world(np.random.default_rng(8), 200, rho=0.99, phi=0.0)
    finding = predictive_regression(r, x, horizon=60)
    assert finding.effective_n < 6
    assert finding.p_value is None
    assert finding.interval is None
    assert "too few" in finding.sentence


def test_bad_predictors_and_horizons():
    r, x = persistent_world(np.random.default_rng(9), 60, rho=0.5, phi=0.0)
    with pytest.raises(AssayError, match="never varies"):
        predictive_regression(r, np.ones(60), horizon=1)
    with pytest.raises(AssayError, match="horizon of 40"):
        predictive_regression(r, x, horizon=40)
    with pytest.raises(AssayError, match="delay"):
        predictive_regression(r, x, horizon=1, delay=-1)
    with pytest.raises(AssayError, match="missing or infinite"):
        predictive_regression(r, np.where(x > x.max() - 1e-9, np.inf, x), horizon=1)


@pytest.fixture
def markets():
    rng = np.random.default_rng(10)
    dates = pd.date_range("1990-01-31", periods=373, freq="ME")
    gold = pd.Series(300 * np.exp(np.cumsum(rng.normal(0.004, 0.04, 373))), index=dates)
    silver = pd.Series(5 * np.exp(np.cumsum(rng.normal(0.003, 0.06, 373))), index=dates)
    return gold, silver


def test_controls_are_momentum_and_the_ratio(markets):
    gold, silver = markets
    controls = momentum_and_ratio(silver, gold, silver, periods_per_year=12)
    assert controls.index.equals(silver.index[12:])
    assert controls["momentum_12m"].iloc[3] == pytest.approx(np.log(silver.iloc[15] / silver.iloc[3]))
    assert controls["gold_silver_ratio"].iloc[-1] == pytest.approx(np.log(gold.iloc[-1] / silver.iloc[-1]))


def test_incremental_value_by_hand_and_of_a_copy(markets):
    gold, silver = markets
    controls = momentum_and_ratio(silver, gold, silver, periods_per_year=12)
    rng = np.random.default_rng(11)
    signal = pd.Series(rng.standard_normal(361), index=controls.index)
    returns = silver.pct_change().iloc[12:] + 0.02 * signal.shift(2).fillna(0)
    finding = incremental_value(returns, signal, controls, delay=1)
    standard = [(s - s.mean()) / s.std() for s in (signal.to_numpy(), *controls.to_numpy().T)]
    design = np.column_stack([np.ones(359), *(s[:359] for s in standard)])
    fit = sm.OLS(returns.to_numpy()[2:], design).fit()
    assert finding.estimate == pytest.approx(fit.params[1], rel=1e-9)
    assert finding.details["r_squared"] == pytest.approx(fit.rsquared, rel=1e-9)
    assert finding.details["standard_error"] == pytest.approx(fit.bse[1], rel=0.5)
    assert finding.p_value < 1e-4
    assert finding.estimate == pytest.approx(0.02, abs=0.008)
    assert finding.details["r_squared_controls_only"] < finding.details["r_squared"]
    with pytest.raises(AssayError, match="make it up entirely"):
        incremental_value(returns, 2 * controls["momentum_12m"] + 1, controls)


def test_an_echo_of_momentum_adds_nothing(markets):
    gold, silver = markets
    controls = momentum_and_ratio(gold, gold, silver, periods_per_year=12)
    rng, rejected, draws = np.random.default_rng(12), 0, 400
    returns = gold.pct_change().iloc[12:]
    for _ in range(draws):
        echo = controls["momentum_12m"] + 0.1 * rng.standard_normal(361)
        rejected += incremental_value(returns, echo, controls).p_value < 0.05
    assert abs(rejected / draws - 0.05) < 3.5 * np.sqrt(0.05 * 0.95 / draws)
