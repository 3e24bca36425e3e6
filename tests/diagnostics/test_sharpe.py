"""The Sharpe ratio, its errors, and the difference of two."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from research.diagnostics.long_run import cosine_variance
from research.diagnostics.sharpe import (
    SharpeMoments,
    _moments,
    annualisation_factor,
    hac_standard_error,
    sharpe_difference,
    sharpe_moments,
    sharpe_ratio,
)
from research.errors import AssayError

ERROR_FOR_NORMAL_RETURNS_FROM_LO_2002 = {(0.5, 12): 0.306186, (1.0, 60): 0.158114, (3.0, 500): 0.104881}
ANNUALISATION_OF_MONTHS_FROM_LO_2002 = {-0.2: 4.170848, 0.1: 3.160111, 0.2: 2.878849, 0.3: 2.614806}
MERTENS_ERROR_AT_MOMENTS_FROM_BAILEY_LOPEZ_DE_PRADO_2012 = 0.329251
FUNDS_FROM_LEDOIT_WOLF_2008 = {
    "difference": 0.0967063,
    "error": 0.05255350,
    "p_value": 0.0657463,
    "error_prewhitened": 0.05337753,
    "p_value_prewhitened": 0.0700261,
}
ERROR_FROM_A_PORT_WITH_A_WRONG_GRADIENT_SIGN = 0.052581574


@pytest.fixture(scope="module")
def funds():
    path = Path(__file__).parent / "ledoit_wolf_2008_funds.csv"
    return pd.read_csv(path, comment="#", index_col="month") / 100


@pytest.mark.parametrize(("case", "error"), ERROR_FOR_NORMAL_RETURNS_FROM_LO_2002.items())
def test_lo_error(case, error):
    sharpe, n = case
    moments = SharpeMoments(sharpe=sharpe, n_observations=n)
    assert moments.standard_error_normal == pytest.approx(error, abs=5e-7)
    assert moments.standard_error == pytest.approx(error, abs=5e-7)


def test_mertens_error():
    moments = SharpeMoments(sharpe=0.458, n_observations=24, skewness=-2.448, kurtosis=10.164)
    assert moments.standard_error == pytest.approx(MERTENS_ERROR_AT_MOMENTS_FROM_BAILEY_LOPEZ_DE_PRADO_2012, abs=5e-7)


def test_excess_kurtosis_is_refused():
    with pytest.raises(AssayError, match="raw kurtosis"):
        SharpeMoments(sharpe=0.1, n_observations=50, kurtosis=0.0)


@pytest.mark.parametrize(("rho", "factor"), ANNUALISATION_OF_MONTHS_FROM_LO_2002.items())
def test_lo_annualisation(rho, factor):
    assert annualisation_factor(12, rho) == pytest.approx(factor, abs=5e-7)
    assert annualisation_factor(12, 0.0) == pytest.approx(np.sqrt(12))


def test_plain_numbers():
    returns = np.random.default_rng(0).standard_t(5, 300) * 0.03 + 0.005
    finding = sharpe_ratio(returns, periods_per_year=12)
    assert finding.estimate == pytest.approx(np.sqrt(12) * returns.mean() / returns.std(ddof=1), rel=1e-12)
    assert finding.interval[0] < finding.estimate < finding.interval[1]
    assert finding.details["standard_error_mertens"] == pytest.approx(finding.details["standard_error"], rel=0.5)


@pytest.mark.parametrize("scale", [1e-4, 0.5, 250.0])
def test_leverage_changes_no_sharpe_ratio(scale):
    returns = np.random.default_rng(1).standard_t(5, 200) * 0.03 + 0.004
    one, scaled = (sharpe_ratio(values, periods_per_year=12) for values in (returns, scale * returns))
    assert (scaled.estimate, scaled.p_value, *scaled.interval) == pytest.approx(
        (one.estimate, one.p_value, *one.interval), rel=1e-9
    )


def test_the_influence_of_independent_returns_has_mertens_variance():
    returns = np.random.default_rng(0).gamma(2, 1, 5000) - 1.5
    moments = sharpe_moments(returns)
    score = (returns - returns.mean()) / returns.std()
    influence = score - moments.sharpe / 2 * (score**2 - 1)
    assert np.var(influence) == pytest.approx(moments.variance, rel=1e-9)


def test_size_and_coverage_of_the_sharpe_ratio_with_memory():
    """Monthly averages of a daily random walk: a first-order autocorrelation of a quarter."""
    rng, draws, rejected, covered = np.random.default_rng(4), 1500, 0, 0
    for _ in range(draws):
        noise = rng.standard_normal(361)
        null = noise[1:] + 0.27 * noise[:-1]
        rejected += sharpe_ratio(null, periods_per_year=12).p_value < 0.05
        interval = sharpe_ratio(null + 0.2, periods_per_year=12).interval
        covered += interval[0] < 0.2 / np.sqrt(1 + 0.27**2) * np.sqrt(12) < interval[1]
    assert abs(rejected / draws - 0.05) < 3 * np.sqrt(0.05 * 0.95 / draws)
    assert abs(covered / draws - 0.95) < 3 * np.sqrt(0.05 * 0.95 / draws)


def test_too_short_or_still_returns():
    short = sharpe_ratio(np.random.default_rng(0).normal(0, 1, 20), periods_per_year=12)
    assert short.p_value is None
    assert short.interval is None
    with pytest.raises(AssayError, match="never varies"):
        sharpe_ratio(np.full(60, 0.01), periods_per_year=12)


def test_difference_of_the_published_funds(funds):
    finding = sharpe_difference(funds["fund_1"], funds["fund_2"], periods_per_year=12)
    published, details = FUNDS_FROM_LEDOIT_WOLF_2008, finding.details
    assert details["difference_per_period"] == pytest.approx(published["difference"], abs=5e-8)
    assert details["standard_error_hac"] == pytest.approx(published["error"], abs=5e-9)
    assert details["p_value_hac"] == pytest.approx(published["p_value"], abs=5e-8)
    assert details["standard_error_hac_prewhitened"] == pytest.approx(published["error_prewhitened"], abs=5e-9)
    assert details["p_value_hac_prewhitened"] == pytest.approx(published["p_value_prewhitened"], abs=5e-8)
    assert finding.estimate == pytest.approx(np.sqrt(12) * published["difference"], rel=1e-5)


def test_the_gradient_is_the_derivative_and_not_the_wrong_port(funds):
    returns = 100 * funds.to_numpy()
    moments = np.hstack([returns, returns**2]).mean(axis=0)

    def ratio_difference(v):
        return v[0] / np.sqrt(v[2] - v[0] ** 2) - v[1] / np.sqrt(v[3] - v[1] ** 2)

    step = 1e-6
    numeric = [
        (ratio_difference(moments + step * e) - ratio_difference(moments - step * e)) / (2 * step) for e in np.eye(4)
    ]
    np.testing.assert_allclose(_moments(returns)[1], numeric, rtol=1e-6)
    error = hac_standard_error(returns, prewhiten=False)
    assert abs(error - ERROR_FROM_A_PORT_WITH_A_WRONG_GRADIENT_SIGN) > 2e-5


def test_the_error_of_the_difference_is_the_cosines_of_its_influence(funds):
    finding = sharpe_difference(funds["fund_1"], funds["fund_2"], periods_per_year=12)
    returns = funds.to_numpy()
    scores = (returns - returns.mean(axis=0)) / returns.std(axis=0)
    ratios = returns.mean(axis=0) / returns.std(axis=0)
    influence = (scores - ratios / 2 * (scores**2 - 1)) @ [1, -1]
    degrees = int(0.4 * len(returns) ** (2 / 3))
    error = np.sqrt(12 * cosine_variance(influence, degrees) / len(returns))
    assert finding.details["standard_error"] == pytest.approx(error, rel=1e-9)
    assert finding.p_value == pytest.approx(2 * stats.t.sf(abs(finding.estimate) / error, degrees), rel=1e-9)


def test_difference_is_antisymmetric(funds):
    one = sharpe_difference(funds["fund_1"], funds["fund_2"], periods_per_year=12)
    two = sharpe_difference(funds["fund_2"], funds["fund_1"], periods_per_year=12)
    assert two.estimate == pytest.approx(-one.estimate)
    assert two.interval == pytest.approx((-one.interval[1], -one.interval[0]))
    assert two.p_value == pytest.approx(one.p_value)


def test_the_same_returns_twice_cannot_be_compared(funds):
    with pytest.raises(AssayError, match="nothing to compare"):
        sharpe_difference(funds["fund_1"], 2 * funds["fund_1"], periods_per_year=12)


@pytest.mark.slow
def test_size_of_the_difference_under_clustered_volatility():
    rng, draws, rejected = np.random.default_rng(3), 800, 0
    for _ in range(draws):
        volatility = np.exp(np.convolve(rng.normal(0, 0.3, 280), np.full(40, 0.4), mode="valid")[:240])
        common = rng.standard_normal(240)
        pair = volatility[:, None] * (0.7 * common[:, None] + 0.7 * rng.standard_normal((240, 2))) * 0.02 + 0.004
        finding = sharpe_difference(pair[:, 0], pair[:, 1], periods_per_year=12)
        rejected += finding.p_value <= 0.05
    assert rejected / draws < 0.075
