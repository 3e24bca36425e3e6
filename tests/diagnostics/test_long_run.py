"""The long-run variance and the distributions that belong to it."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import brentq

from research.diagnostics.long_run import (
    Estimate,
    bartlett_variance,
    cosine_variance,
    effective_observations,
    ewc_degrees_of_freedom,
    fixed_b_p_value,
    newey_west_lags,
    student_p_value,
)
from research.errors import ParameterError

LAGS_BY_THE_FORMULAS_OF_NEWEY_WEST_1994_STOCK_WATSON_AND_LAZARUS_2018 = {
    250: (4, 5, 20),
    1250: (7, 9, 45),
    2500: (8, 11, 64),
}
EWC_DEGREES_OF_FREEDOM_LAZARUS_2018 = {250: 15, 1250: 46, 2500: 73}
SLOPE_ERRORS_FROM_R_SANDWICH = {0: 0.1106304339, 1: 0.1198711687, 2: 0.1179165987, 3: 0.1141947495}
CRITICAL_VALUES_AT_B_1_FROM_KIEFER_VOGELSANG_2002 = {0.90: 3.764, 0.95: 4.771}
CRITICAL_VALUE_AT_B_TENTH_BY_SIMULATION = 2.2255
CRITICAL_VALUE_POLYNOMIAL_FROM_KIEFER_VOGELSANG_2005 = (1.96, 2.9694, 0.416, -0.5324)
STUDENT_P_VALUE_OF_EWC_EXAMPLE = (4.97924292, 4, 0.0076014)
Y = np.array([1, 3, 2, 5, 4, 6, 5, 8.0])
X = np.array([0, 1, 1, 2, 1, 3, 2, 4.0])


@pytest.mark.parametrize(("n", "lags"), LAGS_BY_THE_FORMULAS_OF_NEWEY_WEST_1994_STOCK_WATSON_AND_LAZARUS_2018.items())
def test_lag_rules(n, lags):
    rules = ("newey-west 1994", "textbook", "lazarus 2018")
    assert tuple(newey_west_lags(n, rule) for rule in rules) == lags
    assert ewc_degrees_of_freedom(n) == EWC_DEGREES_OF_FREEDOM_LAZARUS_2018[n]


def test_unknown_rule_names_the_known_ones():
    with pytest.raises(ParameterError, match="lazarus 2018"):
        newey_west_lags(100, "guess")


@pytest.mark.parametrize(("lags", "error"), SLOPE_ERRORS_FROM_R_SANDWICH.items())
def test_newey_west_slope_errors(lags, error):
    design = np.column_stack([np.ones(8), X])
    inverse = np.linalg.inv(design.T @ design)
    residuals = Y - design @ (inverse @ design.T @ Y)
    influence = 8 * residuals * (design @ inverse[:, 1])
    assert np.sqrt(bartlett_variance(influence, lags) / 8) == pytest.approx(error, abs=1e-10)
    statsmodels = sm.OLS(Y, design).fit(cov_type="HAC", cov_kwds={"maxlags": lags})
    assert statsmodels.bse[1] == pytest.approx(error, abs=1e-10)


def test_more_lags_may_shrink_the_error():
    assert SLOPE_ERRORS_FROM_R_SANDWICH[3] < SLOPE_ERRORS_FROM_R_SANDWICH[1]


def test_cosine_variance_is_the_mean_square_of_the_first_cosine_projections():
    series = np.random.default_rng(1).standard_t(4, 400)
    degrees = 21
    time = np.arange(1, 401) - 0.5
    projections = [np.sqrt(2 / 400) * series @ np.cos(np.pi * j * time / 400) for j in range(1, degrees + 1)]
    assert cosine_variance(series, degrees) == pytest.approx(np.mean(np.square(projections)), rel=1e-12)
    assert cosine_variance(series + 7, degrees) == pytest.approx(cosine_variance(series, degrees), rel=1e-9)


def test_cosine_variance_finds_the_long_run_variance_of_an_autoregression():
    rng, rho, n = np.random.default_rng(2), 0.5, 4000
    estimates = []
    for _ in range(40):
        shocks = rng.standard_normal(n)
        series = sm.tsa.filters.recursive_filter(shocks, [rho])
        estimates.append(cosine_variance(series, ewc_degrees_of_freedom(n)))
    assert np.mean(estimates) == pytest.approx(1 / (1 - rho) ** 2, rel=0.05)


def test_effective_observations_of_white_noise_and_of_memory():
    white = np.array([1.0, -1.0] * 50)
    assert effective_observations(white, 1.0) == 100
    assert effective_observations(white, 4.0) == 25
    assert effective_observations(white, 0.5) == 100


def test_student_p_value():
    statistic, degrees, p_value = STUDENT_P_VALUE_OF_EWC_EXAMPLE
    assert student_p_value(statistic, degrees) == pytest.approx(p_value, abs=5e-8)


def fixed_b_critical_value(level, b):
    """Half-width, in standard errors, of a two-sided interval."""
    return brentq(lambda t: fixed_b_p_value(t, b) - (1 - level), 0.0, 100.0, xtol=1e-8)


@pytest.mark.parametrize(("level", "value"), CRITICAL_VALUES_AT_B_1_FROM_KIEFER_VOGELSANG_2002.items())
def test_fixed_b_critical_values_at_full_bandwidth(level, value):
    assert fixed_b_critical_value(level, 1.0) == pytest.approx(value, abs=2e-3)


def test_fixed_b_is_closer_than_its_published_polynomial():
    """The cubic was fitted to simulations over all b and is 1 % off at b = 0.1; the integral is exact."""
    for b in (0.02, 0.1, 0.3, 0.5, 1.0):
        polynomial = sum(c * b**k for k, c in enumerate(CRITICAL_VALUE_POLYNOMIAL_FROM_KIEFER_VOGELSANG_2005))
        assert fixed_b_critical_value(0.95, b) == pytest.approx(polynomial, rel=0.013)
    assert fixed_b_critical_value(0.95, 0.1) == pytest.approx(CRITICAL_VALUE_AT_B_TENTH_BY_SIMULATION, rel=0.005)


def test_fixed_b_p_values_against_simulated_random_walks():
    rng, n, draws = np.random.default_rng(3), 300, 20_000
    b = 0.1
    distance = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    kernel = np.maximum(0, 1 - distance / (b * n))
    shocks = rng.standard_normal((draws, n))
    means = shocks.mean(axis=1)
    demeaned = shocks - means[:, None]
    variance = np.einsum("dt,dt->d", demeaned @ kernel, demeaned) / n
    statistics = np.abs(means) / np.sqrt(variance / n)
    for level in (0.8, 0.9, 0.95, 0.99):
        share = np.mean(statistics > fixed_b_critical_value(level, b))
        assert share == pytest.approx(1 - level, abs=3.5 * np.sqrt(level * (1 - level) / draws) + 5e-4)


def test_fixed_b_tends_to_the_normal_and_falls_with_the_statistic():
    assert fixed_b_p_value(1.959964, 0.004) == pytest.approx(0.05, abs=2e-3)
    p_values = [fixed_b_p_value(t, 0.2) for t in (0, 0.5, 1, 2, 4, 8)]
    assert p_values[0] == pytest.approx(1.0)
    assert p_values == sorted(p_values, reverse=True)


@pytest.mark.parametrize("b", [0.0, -0.1, 1.01])
def test_fixed_b_refuses_impossible_windows(b):
    with pytest.raises(ParameterError, match="lag window"):
        fixed_b_p_value(2.0, b)


def test_effective_observations_by_hand():
    scores = np.array([-2.0, 2.0] * 5)  # variance 4
    assert effective_observations(scores, 8.0) == 5
    assert effective_observations(scores, 2.0) == 10, "never more than there are"
    assert effective_observations(scores, 0.0) == 10


def test_an_estimate_of_influence_scales_value_and_error():
    influence = Y - Y.mean()
    alone, scaled = (Estimate.of_influence(0.5, influence, unit) for unit in (1.0, 12.0))
    degrees = ewc_degrees_of_freedom(Y.size)
    assert (alone.value, alone.degrees_of_freedom) == (0.5, degrees)
    assert alone.error == pytest.approx(np.sqrt(cosine_variance(influence, degrees) / Y.size))
    assert (scaled.value, scaled.error) == (6.0, pytest.approx(12 * alone.error))
