"""The long-run variance and the distributions that belong to it."""

import numpy as np
import pytest
import statsmodels.api as sm

from research.diagnostics.long_run import (
    Estimate,
    bartlett_variance,
    cosine_variance,
    effective_observations,
    ewc_degrees_of_freedom,
    newey_west_lags,
    student_p_value,
)

LAGS_BY_THE_FORMULA_OF_STOCK_WATSON = {250: 5, 1250: 9, 2500: 11}
EWC_DEGREES_OF_FREEDOM_LAZARUS_2018 = {250: 15, 1250: 46, 2500: 73}
SLOPE_ERRORS_FROM_R_SANDWICH = {0: 0.1106304339, 1: 0.1198711687, 2: 0.1179165987, 3: 0.1141947495}
STUDENT_P_VALUE_OF_EWC_EXAMPLE = (4.97924292, 4, 0.0076014)
Y = np.array([1, 3, 2, 5, 4, 6, 5, 8.0])
X = np.array([0, 1, 1, 2, 1, 3, 2, 4.0])


@pytest.mark.parametrize(("n", "lags"), LAGS_BY_THE_FORMULA_OF_STOCK_WATSON.items())
def test_lag_rules(n, lags):
    assert newey_west_lags(n) == lags
    assert ewc_degrees_of_freedom(n) == EWC_DEGREES_OF_FREEDOM_LAZARUS_2018[n]


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


def test_student_p_value():
    statistic, degrees, p_value = STUDENT_P_VALUE_OF_EWC_EXAMPLE
    assert student_p_value(statistic, degrees) == pytest.approx(p_value, abs=5e-8)


def test_effective_observations_by_hand():
    walk = np.cumsum(np.random.default_rng(4).standard_normal(300))
    long_run = cosine_variance(walk, ewc_degrees_of_freedom(300))
    assert long_run > 15 * walk.var()
    assert effective_observations(walk) == pytest.approx(300 * walk.var() / long_run)
    assert effective_observations(np.array([-2.0, 2.0] * 50)) == 100, "never more than there are"
    assert effective_observations(np.zeros(10)) == 10


def test_an_estimate_of_influence_scales_value_and_error():
    influence = Y - Y.mean()
    alone, scaled = (Estimate.of_influence(0.5, influence, unit) for unit in (1.0, 12.0))
    degrees = ewc_degrees_of_freedom(Y.size)
    assert (alone.value, alone.degrees_of_freedom) == (0.5, degrees)
    assert alone.error == pytest.approx(np.sqrt(cosine_variance(influence, degrees) / Y.size))
    assert (scaled.value, scaled.error) == (6.0, pytest.approx(12 * alone.error))
