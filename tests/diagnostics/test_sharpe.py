"""The Sharpe ratio, its errors, and the difference of two."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from research.diagnostics import sharpe_difference as difference_module
from research.diagnostics.sharpe import SharpeMoments, annualisation_factor, sharpe_moments, sharpe_ratio
from research.diagnostics.sharpe_difference import circular_block_length, hac_standard_error, sharpe_difference
from research.errors import AssayError
from tests.calibration.worlds import autoregression

ERROR_FOR_NORMAL_RETURNS_FROM_LO_2002 = {(0.5, 12): 0.306186, (1.0, 60): 0.158114, (3.0, 500): 0.104881}
ANNUALISATION_OF_MONTHS_FROM_LO_2002 = {-0.2: 4.170848, 0.1: 3.160111, 0.2: 2.878849, 0.3: 2.614806}
MERTENS_ERROR_AT_MOMENTS_FROM_BAILEY_LOPEZ_DE_PRADO_2012 = 0.329251
FUNDS_FROM_LEDOIT_WOLF_2008 = {
    "difference": 0.0967063,
    "error": 0.05255350,
    "p_value": 0.0657463,
    "error_prewhitened": 0.05337753,
    "p_value_prewhitened": 0.0700261,
    "p_value_bootstrap_blocks_of_5": (0.08, 0.087),
}
ERROR_FROM_A_PORT_WITH_A_WRONG_GRADIENT_SIGN = 0.052581574
BLOCK_LENGTHS_FROM_PATTON_POLITIS_WHITE_2009 = {(200, 0.7): 11.4652, (1000, 0.3): 7.5754, (2500, 0.05): 2.9289}


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
    finding = sharpe_difference(funds["fund_1"], funds["fund_2"], periods_per_year=12, block_length=5, n_draws=19_999)
    published, details = FUNDS_FROM_LEDOIT_WOLF_2008, finding.details
    assert details["difference_per_period"] == pytest.approx(published["difference"], abs=5e-8)
    assert details["standard_error_hac"] == pytest.approx(published["error"], abs=5e-9)
    assert details["p_value_hac"] == pytest.approx(published["p_value"], abs=5e-8)
    assert details["standard_error_hac_prewhitened"] == pytest.approx(published["error_prewhitened"], abs=5e-9)
    assert details["p_value_hac_prewhitened"] == pytest.approx(published["p_value_prewhitened"], abs=5e-8)
    low, high = published["p_value_bootstrap_blocks_of_5"]
    assert low <= finding.p_value <= high
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
    np.testing.assert_allclose(difference_module._gradient_of(moments), numeric, rtol=1e-6)
    error = hac_standard_error(returns, prewhiten=False)
    assert abs(error - ERROR_FROM_A_PORT_WITH_A_WRONG_GRADIENT_SIGN) > 2e-5


def test_block_sums_give_the_same_draws_as_resampling_rows(funds):
    """The bootstrap by hand: rows picked, moments and block sums taken afresh for each draw."""
    returns, block, draws = 100 * funds.to_numpy()[:118], 5, 50
    n = len(returns)
    n_blocks = n // block
    fast = difference_module._studentised_draws(returns, block, draws, np.random.default_rng(9))
    starts = np.random.default_rng(9).integers(0, n, size=(draws, n_blocks))
    centre = (returns.mean(axis=0) / returns.std(axis=0)) @ [1, -1]
    for draw in range(draws):
        rows = (starts[draw][:, None] + np.arange(block)).ravel() % n
        sample = returns[rows]
        moments = np.hstack([sample, sample**2])
        zeta = (moments - moments.mean(axis=0)).reshape(n_blocks, block, 4).sum(axis=1) / np.sqrt(block)
        psi = zeta.T @ zeta / n_blocks * n / (n - 4)
        gradient = difference_module._gradient_of(moments.mean(axis=0))
        error = np.sqrt(gradient @ psi @ gradient / (n_blocks * block))
        value = (sample.mean(axis=0) / sample.std(axis=0)) @ [1, -1]
        assert fast[draw] == pytest.approx(np.sqrt((n - 1) / n) * (value - centre) / error, rel=1e-8)


def test_difference_is_antisymmetric_and_seeded(funds):
    one = sharpe_difference(funds["fund_1"], funds["fund_2"], periods_per_year=12, block_length=4, n_draws=999)
    two = sharpe_difference(funds["fund_2"], funds["fund_1"], periods_per_year=12, block_length=4, n_draws=999)
    again = sharpe_difference(funds["fund_1"], funds["fund_2"], periods_per_year=12, block_length=4, n_draws=999)
    assert two.estimate == pytest.approx(-one.estimate)
    assert two.p_value == one.p_value == again.p_value


def test_automatic_block_length_is_stated(funds):
    finding = sharpe_difference(funds["fund_1"], funds["fund_2"], periods_per_year=12, n_draws=499)
    assert f"blocks of {finding.details['block_length']}" in finding.method


def test_the_same_returns_twice_cannot_be_compared(funds):
    with pytest.raises(AssayError, match="nothing to compare"):
        sharpe_difference(funds["fund_1"], 2 * funds["fund_1"], periods_per_year=12, block_length=3)


@pytest.mark.slow
def test_size_of_the_difference_under_clustered_volatility():
    rng, draws, rejected = np.random.default_rng(3), 800, 0
    for _ in range(draws):
        volatility = np.exp(np.convolve(rng.normal(0, 0.3, 280), np.full(40, 0.4), mode="valid")[:240])
        common = rng.standard_normal(240)
        pair = volatility[:, None] * (0.7 * common[:, None] + 0.7 * rng.standard_normal((240, 2))) * 0.02 + 0.004
        finding = sharpe_difference(pair[:, 0], pair[:, 1], periods_per_year=12, block_length=4, n_draws=499)
        rejected += finding.p_value <= 0.05
    assert rejected / draws < 0.075


# --- the length of blocks


@pytest.mark.parametrize(("n", "rho"), [(240, 0.7), (1000, 0.3), (2500, 0.3), (2500, 0.9)])
def test_block_length_equals_arch(n, rho):
    """arch normalises each autocorrelation by its own overlap, which moves the window only at the margin."""
    from arch.bootstrap import optimal_block_length

    for seed in range(5):
        x = memory_of(n, rho, seed)
        assert circular_block_length(x) == pytest.approx(optimal_block_length(x).iloc[0]["circular"], rel=1e-9), seed


def memory_of(n, rho, seed):
    rng = np.random.default_rng(seed)
    return autoregression(rng.standard_normal((n, 1)), rho, rng)[:, 0]


def stationary_block_length_of_an_autoregression(n, rho):
    return (2 * rho / (1 - rho**2)) ** (2 / 3) * n ** (1 / 3)


@pytest.mark.parametrize(("case", "length"), BLOCK_LENGTHS_FROM_PATTON_POLITIS_WHITE_2009.items())
def test_closed_form_of_the_block_length(case, length):
    assert stationary_block_length_of_an_autoregression(*case) == pytest.approx(length, abs=5e-5)


@pytest.mark.parametrize(("n", "rho"), [(20_000, 0.5), (20_000, 0.3)])
def test_block_length_of_an_autoregression_nears_the_closed_form(n, rho):
    """A block of fixed length is 1.5 to the power of a third of the mean of a geometric one."""
    found = [circular_block_length(memory_of(n, rho, seed)) for seed in range(8)]
    expected = 1.5 ** (1 / 3) * stationary_block_length_of_an_autoregression(n, rho)
    assert np.mean(found) == pytest.approx(expected, rel=0.15)
