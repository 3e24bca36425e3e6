import numpy as np
import pytest
from scipy.special import kolmogorov

from research.diagnostics.long_run import bartlett_variance, newey_west_lags
from research.diagnostics.performance import alpha_break
from research.diagnostics.specification import cusum, sup_f
from research.errors import DataError, ParameterError

STRUCCHANGE_NILE_OLS_CUSUM = 2.951766, 5.41e-8
STRUCCHANGE_NILE_SUP_F = 75.929769
BAI_PERRON_NILE_BREAK = 28  # observations before it: the year 1898
ANDREWS_2003_CRITICAL_VALUE_ONE_COEFFICIENT_15_PERCENT = 8.68
ANDREWS_2003_CRITICAL_VALUE_TWO_COEFFICIENTS_15_PERCENT = 11.72

LAGS_OF_100 = 4  # ceil(0.75 n^(1/3))


@pytest.fixture(scope="module")
def nile():
    import statsmodels.api as sm

    return sm.datasets.nile.load_pandas().data["volume"].to_numpy(float)


def test_nile_cusum(nile):
    residuals = nile - nile.mean()
    at, statistic = cusum(residuals, nile.var(ddof=1))
    assert statistic == pytest.approx(STRUCCHANGE_NILE_OLS_CUSUM[0], abs=1e-6)
    assert kolmogorov(statistic) == pytest.approx(STRUCCHANGE_NILE_OLS_CUSUM[1], rel=1e-2)
    assert newey_west_lags(100) == LAGS_OF_100
    variance = bartlett_variance(residuals, LAGS_OF_100)
    robust = cusum(residuals, variance)[1]
    assert robust == pytest.approx(np.abs(np.cumsum(residuals)).max() / (np.sqrt(variance) * 10))
    assert kolmogorov(robust) < 0.005
    assert at == BAI_PERRON_NILE_BREAK - 1


def test_nile_sup_f(nile):
    found = sup_f(nile, seed=1)
    assert found.statistic == pytest.approx(STRUCCHANGE_NILE_SUP_F, abs=1e-6)
    assert found.estimate == BAI_PERRON_NILE_BREAK - 1
    assert found.p_value == 0.001
    assert found.details["before"] == pytest.approx([nile[:28].mean()])
    assert found.details["after"] == pytest.approx([nile[28:].mean()])


def test_the_bootstrap_nears_andrews_tables_where_they_hold():
    rng = np.random.default_rng(0)
    one = [sup_f(rng.standard_normal(1000), seed=s).details["critical_value"] for s in range(4)]
    assert np.mean(one) == pytest.approx(ANDREWS_2003_CRITICAL_VALUE_ONE_COEFFICIENT_15_PERCENT, rel=0.06)
    two = [
        sup_f(rng.standard_normal(1000), rng.standard_normal(1000), seed=s).details["critical_value"] for s in range(4)
    ]
    assert np.mean(two) == pytest.approx(ANDREWS_2003_CRITICAL_VALUE_TWO_COEFFICIENTS_15_PERCENT, rel=0.06)


def test_sup_f_is_the_best_of_all_chow_tests():
    rng = np.random.default_rng(1)
    x = rng.standard_normal(80)
    y = 1 + 0.5 * x + rng.standard_normal(80)
    X = np.column_stack([np.ones(80), x])

    def rss(a, b):
        return np.sum((y[a:b] - X[a:b] @ np.linalg.lstsq(X[a:b], y[a:b], rcond=None)[0]) ** 2)

    chow = {b: (rss(0, 80) - (s := rss(0, b) + rss(b, 80))) / (s / 76) for b in range(12, 69)}
    found = sup_f(y, x, seed=0, n_draws=99)
    assert found.statistic == pytest.approx(max(chow.values()))
    assert found.estimate == max(chow, key=chow.get) - 1


def test_every_draw_of_the_bootstrap_is_searched_like_the_sample():
    """More draws than one block holds: innovations times noise, run through their autoregression, one by one."""
    rng = np.random.default_rng(11)
    x = rng.standard_normal(50)
    y = 0.5 * x + np.convolve(rng.standard_normal(50), [1, 0.5])[:50]
    found = sup_f(y, x, seed=3, n_draws=70)
    X, bar = np.column_stack([np.ones(50), x]), int(found.estimate) + 1
    halves = np.split(np.arange(50), [bar])
    e = np.concatenate([y[half] - X[half] @ np.linalg.lstsq(X[half], y[half])[0] for half in halves])
    rho = e[1:] @ e[:-1] / (e @ e)
    shocks = np.concatenate([e[:1] * np.sqrt(1 - rho**2), e[1:] - rho * e[:-1]])
    largest = []
    for noise in np.random.default_rng(3).standard_normal((50, 70)).T:
        drawn = shocks * noise
        for t in range(1, 50):
            drawn[t] += rho * drawn[t - 1]
        largest.append(sup_f(drawn, x, seed=0, n_draws=1).statistic)
    assert found.details["critical_value"] == pytest.approx(np.quantile(largest, 0.95), rel=1e-9)
    assert found.p_value == (1 + np.sum(np.array(largest) >= found.statistic)) / 71


def test_the_memory_of_averaged_prices_is_no_break():
    """Changes of averages of 21 days: what takes them for uncorrelated rejects three times as often."""
    found = []
    for seed in range(200):
        walk = np.cumsum(np.random.default_rng(seed).standard_normal(241 * 21))
        changes = np.diff(walk.reshape(-1, 21).mean(axis=1))
        residuals = changes - changes.mean()
        variances = bartlett_variance(residuals, newey_west_lags(changes.size)), changes.var(ddof=1)
        path, plain = (kolmogorov(cusum(residuals, variance)[1]) for variance in variances)
        search = sup_f(changes, seed=seed, n_draws=99)
        found.append([path, search.p_value, plain])
    robust, searched, plain = np.mean(np.array(found) <= 0.05, axis=0)
    most = 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert robust <= most
    assert searched <= most
    assert plain > most


def test_sup_f_keeps_its_size_when_the_variance_changes():
    rejected = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        y = rng.standard_normal(120) * np.where(np.arange(120) < 60, 1, 3)
        rejected += sup_f(y, seed=seed, n_draws=99).p_value <= 0.05
    assert rejected / 200 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_a_break_in_alpha_is_found():
    rng = np.random.default_rng(2)
    metal = 0.05 * rng.standard_normal(400)
    strategy = 0.5 * metal + 0.01 * rng.standard_normal(400) + np.where(np.arange(400) < 250, 0.0, 0.01)
    search, path = sup_f(strategy, metal, seed=0), alpha_break(strategy, metal)
    assert max(search.p_value, path.p_value) < 0.01
    assert abs(search.estimate - 249) < 15
    assert abs(path.details["position"] - 249) < 15


def test_what_cannot_be_tested():
    noise = np.random.default_rng(6).standard_normal(60)
    with pytest.raises(DataError, match="fits perfectly"):
        sup_f(np.arange(60.0), np.arange(60.0), seed=0)
    with pytest.raises(DataError, match="align"):
        sup_f(noise, noise[:-1], seed=0)
    with pytest.raises(ParameterError, match="leave it out"):
        sup_f(noise, np.ones(60), seed=0)
    with pytest.raises(DataError, match="use more bars"):
        sup_f(noise[:12], noise[:12], seed=0)
    with pytest.raises(ParameterError, match="n_draws"):
        sup_f(noise, seed=0, n_draws=0)
