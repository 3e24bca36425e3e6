from itertools import combinations

import numpy as np
import pytest

from research.diagnostics.long_run import bartlett_variance
from research.diagnostics.stability import cusum, mean_breaks, recursive_cusum, sup_f
from research.errors import DataError, ParameterError

STRUCCHANGE_NILE_OLS_CUSUM = 2.951766, 5.41e-8
STRUCCHANGE_NILE_SUP_F = 75.929769
BAI_PERRON_NILE_BREAK = 28  # observations before it: the year 1898
STRUCCHANGE_NILE_RECURSIVE_CUSUM = 2.0669
STRUCCHANGE_NILE_ONE_BREAK_RSS = 1_597_457.194
STRUCCHANGE_NILE_BIC_OF_NONE_AND_ONE = 1318.242, 1270.084
BROWN_DURBIN_EVANS_1975_CRITICAL_VALUES = {0.01: 1.143, 0.05: 0.948, 0.10: 0.850}
ANDREWS_2003_CRITICAL_VALUE_ONE_COEFFICIENT_15_PERCENT = 8.68
ANDREWS_2003_CRITICAL_VALUE_TWO_COEFFICIENTS_15_PERCENT = 11.72

LAGS_OF_38, LAGS_OF_100 = 3, 4  # ceil(0.75 n^(1/3))


@pytest.fixture(scope="module")
def nile():
    import statsmodels.api as sm

    return sm.datasets.nile.load_pandas().data["volume"].to_numpy(float)


def test_nile_cusum(nile):
    found = cusum(nile)
    assert found.details["statistic_uncorrelated"] == pytest.approx(STRUCCHANGE_NILE_OLS_CUSUM[0], abs=1e-6)
    assert found.details["p_value_uncorrelated"] == pytest.approx(STRUCCHANGE_NILE_OLS_CUSUM[1], rel=1e-2)
    residuals = nile - nile.mean()
    omega = np.sqrt(bartlett_variance(residuals, LAGS_OF_100))
    assert found.statistic == pytest.approx(np.abs(np.cumsum(residuals)).max() / (omega * 10))
    assert found.p_value < 0.005
    assert found.estimate == BAI_PERRON_NILE_BREAK - 1


def test_nile_recursive_cusum(nile):
    found = recursive_cusum(nile)
    assert found.details["statistic_uncorrelated"] == pytest.approx(STRUCCHANGE_NILE_RECURSIVE_CUSUM, abs=5e-5)
    assert found.details["p_value_uncorrelated"] < 1e-6
    assert found.p_value < 0.001
    assert found.estimate >= BAI_PERRON_NILE_BREAK


def test_recursive_cusum_by_one_regression_a_bar():
    rng = np.random.default_rng(7)
    x = rng.standard_normal(40)
    y = 1 + 0.5 * x + rng.standard_normal(40)
    X = np.column_stack([np.ones(40), x])
    errors = []
    for t in range(2, 40):
        b = np.linalg.lstsq(X[:t], y[:t], rcond=None)[0]
        errors.append((y[t] - X[t] @ b) / np.sqrt(1 + X[t] @ np.linalg.inv(X[:t].T @ X[:t]) @ X[t]))
    farthest = np.max(np.abs(np.cumsum(errors)) / np.sqrt(38) / (1 + 2 * np.arange(1, 39) / 38))
    found = recursive_cusum(y, x)
    assert found.details["statistic_uncorrelated"] == pytest.approx(farthest / np.std(errors, ddof=1))
    omega = np.sqrt(bartlett_variance(errors - np.mean(errors), LAGS_OF_38))
    assert found.statistic == pytest.approx(farthest / omega)


def test_forecast_errors_are_those_of_statsmodels():
    import statsmodels.api as sm
    from statsmodels.stats.diagnostic import recursive_olsresiduals

    rng = np.random.default_rng(8)
    x = rng.standard_normal((120, 2))
    y = x @ [0.5, -1] + rng.standard_normal(120)
    errors = recursive_olsresiduals(sm.OLS(y, sm.add_constant(x)).fit(), skip=3)[4][3:]
    farthest = np.max(np.abs(np.cumsum(errors)) / np.sqrt(117) / (1 + 2 * np.arange(1, 118) / 117))
    found = recursive_cusum(y, x).details["statistic_uncorrelated"]
    assert found == pytest.approx(farthest / np.std(errors, ddof=1), rel=1e-9)


def test_recursive_cusum_has_the_published_critical_values():
    found = [recursive_cusum(np.random.default_rng(seed).standard_normal(60)) for seed in range(400)]
    for level, critical in BROWN_DURBIN_EVANS_1975_CRITICAL_VALUES.items():
        assert all(
            (f.p_value < level) == (f.statistic > critical) for f in found if abs(f.statistic - critical) > 0.002
        )
        uncorrelated = [f.details["p_value_uncorrelated"] for f in found]
        assert np.mean([p <= level for p in uncorrelated]) <= level + 3 * np.sqrt(level * (1 - level) / 400)


def test_nile_mean_breaks(nile):
    found = mean_breaks(nile)
    assert found.estimate == 1
    assert found.details["breaks"] == [BAI_PERRON_NILE_BREAK - 1]
    assert found.details["rss"][1] == pytest.approx(STRUCCHANGE_NILE_ONE_BREAK_RSS, abs=1e-3)
    assert found.details["bic"][:2] == pytest.approx(STRUCCHANGE_NILE_BIC_OF_NONE_AND_ONE, abs=1e-3)
    assert found.details["means"] == pytest.approx([nile[:28].mean(), nile[28:].mean()])
    assert found.p_value is None


def test_mean_breaks_are_the_best_of_all_dates():
    values = np.random.default_rng(8).standard_normal(30) + np.repeat([0, 6, -4], [9, 8, 13])
    found = mean_breaks(values, max_breaks=3, trim=0.14)
    for m in range(4):
        dates = [d for d in combinations(range(4, 27), m) if np.diff([0, *d, 30]).min() >= 4]
        rss = {d: sum(part.var() * part.size for part in np.split(values, d)) for d in dates}
        assert found.details["rss"][m] == pytest.approx(min(rss.values()))
        if m == found.estimate:
            assert [b + 1 for b in found.details["breaks"]] == list(min(rss, key=rss.get))


def test_planted_breaks_of_the_mean_are_found():
    values = np.random.default_rng(9).standard_normal(300) + np.repeat([0, 2, -1], [90, 80, 130])
    found = mean_breaks(values)
    assert found.details["breaks"] == pytest.approx([89, 169], abs=3)
    assert found.details["means"] == pytest.approx([0, 2, -1], abs=0.3)


def test_no_break_where_there_is_none():
    found = [mean_breaks(np.random.default_rng(seed).standard_normal(200)).estimate for seed in range(20)]
    assert np.mean(found) <= 0.1


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
        path = cusum(changes)
        search = sup_f(changes, seed=seed, n_draws=99)
        found.append([path.p_value, search.p_value, path.details["p_value_uncorrelated"]])
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
    for found in (sup_f(strategy, metal, seed=0), cusum(strategy, metal)):
        assert found.p_value < 0.01
        assert abs(found.estimate - 249) < 15


def test_what_cannot_be_tested():
    noise = np.random.default_rng(6).standard_normal(60)
    with pytest.raises(DataError, match="fits perfectly"):
        cusum(np.arange(60.0), np.arange(60.0))
    with pytest.raises(DataError, match="fits perfectly"):
        recursive_cusum(np.arange(60.0), np.arange(60.0))
    with pytest.raises(DataError, match="start where they vary"):
        recursive_cusum(noise, np.arange(60) > 30)
    with pytest.raises(DataError, match="never varies between"):
        mean_breaks(np.repeat([0.0, 1.0], 30))
    with pytest.raises(ParameterError, match="trim"):
        mean_breaks(noise, trim=0.5)
    with pytest.raises(DataError, match="align"):
        sup_f(noise, noise[:-1], seed=0)
    with pytest.raises(ParameterError, match="leave it out"):
        sup_f(noise, np.ones(60), seed=0)
    with pytest.raises(DataError, match="use more bars"):
        sup_f(noise[:12], noise[:12], seed=0, trim=0.1)
    with pytest.raises(ParameterError, match="trim"):
        sup_f(noise, seed=0, trim=0.5)
