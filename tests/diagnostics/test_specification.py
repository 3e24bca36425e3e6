import numpy as np
import pytest

from research.diagnostics.specification import arch_effects, autocorrelation, heteroskedasticity, stationarity
from research.errors import DataError, ParameterError

# Ezekiel (1930): speed (mph) and stopping distance (ft) of cars; the data set "cars" of R.
SPEED = np.repeat(
    [4, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 23, 24, 25],
    [2, 2, 1, 1, 3, 2, 4, 4, 4, 3, 2, 3, 4, 3, 5, 1, 1, 4, 1],
).astype(float)
DISTANCE = np.array(
    [
        2,
        10,
        4,
        22,
        16,
        10,
        18,
        26,
        34,
        17,
        28,
        14,
        20,
        24,
        28,
        26,
        34,
        34,
        46,
        26,
        36,
        60,
        80,
        20,
        26,
        54,
        32,
        40,
        32,
        40,
        50,
        42,
        56,
        76,
        84,
        36,
        46,
        68,
        32,
        48,
        52,
        56,
        64,
        66,
        54,
        70,
        92,
        93,
        120,
        85,
    ],
    dtype=float,
)
LMTEST_CARS_KOENKER = 3.2148799, 0.0729715
LMTEST_CARS_BREUSCH_PAGAN = 4.6502333, 0.0310493
LMTEST_CARS_WHITE = 3.2156902, 0.2003188
R_NILE_ADF_2_LAGS = -3.158821, 0.022495
R_NILE_KPSS_4_LAGS = 0.965435
R_NILE_LJUNG_BOX_10 = 88.1268716
# Diggle (1990): luteinizing hormone in blood samples ten minutes apart; the data set "lh" of R.
LH = np.fromstring(
    "2.4 2.4 2.4 2.2 2.1 1.5 2.3 2.3 2.5 2.0 1.9 1.7 2.2 1.8 3.2 3.2 2.7 2.2 2.2 1.9 1.9 1.8 2.7 3.0 "
    "2.3 2.0 2.0 2.9 2.9 2.7 2.7 2.3 2.6 2.4 1.8 1.7 1.5 1.4 2.1 3.3 3.5 3.5 3.1 2.6 2.1 3.4 3.0 2.9",
    sep=" ",
)
R_LH_LJUNG_BOX_5 = 22.673185, 0.00038974


@pytest.fixture(scope="module")
def nile():
    import statsmodels.api as sm

    return sm.datasets.nile.load_pandas().data["volume"].to_numpy(float)


def garch(rng, n):
    variance, returns = 1.0, np.empty(n)
    for t in range(n):
        returns[t] = np.sqrt(variance) * rng.standard_normal()
        variance = 0.05 + 0.20 * returns[t] ** 2 + 0.75 * variance
    return returns


def test_nile_adf_and_kpss(nile):
    found = stationarity(nile, lags=2)
    assert (found.statistic, found.p_value) == pytest.approx(R_NILE_ADF_2_LAGS, abs=1e-6)
    assert stationarity(nile, lags=4).details["kpss_statistic"] == pytest.approx(R_NILE_KPSS_4_LAGS, abs=1e-6)
    assert found.details["reading"] == "neither"  # the river broke in 1898
    assert "break" in found.sentence


@pytest.mark.parametrize(
    ("rho", "n", "reading"), [(0.5, 600, "stationary"), (1.0, 600, "unit root"), (0.8, 30, "undecided")]
)
def test_the_reading_of_the_pair(rho, n, reading):
    readings = []
    for seed in range(15):
        e = np.random.default_rng(seed).standard_normal(n + 200)
        x = np.zeros(n + 200)
        for t in range(1, n + 200):
            x[t] = rho * x[t - 1] + e[t]
        readings.append(stationarity(x[200:]).details["reading"])
    assert max(set(readings), key=readings.count) == reading


def test_a_trend_is_no_stationary_series():
    x = 0.1 * np.arange(300) + np.random.default_rng(0).standard_normal(300)
    assert stationarity(x).details["reading"] == "unit root"


def test_ljung_box_of_the_nile(nile):
    assert autocorrelation(nile, lags=10).details["ljung_box_statistic"] == pytest.approx(R_NILE_LJUNG_BOX_10, abs=1e-6)


def test_ljung_box_of_the_hormone():
    details = autocorrelation(LH, lags=5).details
    assert details["ljung_box_statistic"] == pytest.approx(R_LH_LJUNG_BOX_5[0], abs=1e-6)
    assert details["ljung_box_p_value"] == pytest.approx(R_LH_LJUNG_BOX_5[1], abs=1e-8)


def test_robust_autocorrelation_by_hand():
    e = np.array([1.0, -2, 0.5, 1.5, -1, 3, -2, 0.2, 0.3, -1.1, 0.7, 0.9])
    e -= e.mean()
    by_hand = 0.0
    for k in (1, 2):
        above = sum(e[t] * e[t - k] for t in range(k, 12)) ** 2
        by_hand += above / sum(e[t] ** 2 * e[t - k] ** 2 for t in range(k, 12))
    found = autocorrelation(e, lags=2)
    assert found.statistic == pytest.approx(by_hand)
    assert found.p_value == pytest.approx(np.exp(-by_hand / 2))  # chi-squared with 2 degrees


def test_only_the_robust_test_keeps_its_size_when_volatility_clusters():
    robust, classical = [], []
    for seed in range(300):
        found = autocorrelation(garch(np.random.default_rng(seed), 800), lags=5)
        robust.append(found.p_value <= 0.05)
        classical.append(found.details["ljung_box_p_value"] <= 0.05)
    assert np.mean(robust) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)
    assert np.mean(classical) > 0.12


def test_planted_autocorrelation_is_found():
    e = np.random.default_rng(1).standard_normal(600)
    assert autocorrelation(e[1:] + 0.3 * e[:-1], lags=5).p_value < 1e-4


def test_cars():
    X = np.column_stack([np.ones(50), SPEED])
    residuals = DISTANCE - X @ np.linalg.lstsq(X, DISTANCE, rcond=None)[0]
    found = heteroskedasticity(residuals, SPEED)
    assert (found.statistic, found.p_value) == pytest.approx(LMTEST_CARS_KOENKER, abs=1e-6)
    for test, published in (("breusch_pagan", LMTEST_CARS_BREUSCH_PAGAN), ("white", LMTEST_CARS_WHITE)):
        pair = found.details[f"{test}_statistic"], found.details[f"{test}_p_value"]
        assert pair == pytest.approx(published, abs=1e-6)
    with pytest.raises(DataError, match="regressors"):
        heteroskedasticity(residuals, SPEED[:-1])
    with pytest.raises(ParameterError, match="without the constant"):
        heteroskedasticity(residuals, X)


def test_arch_effects_by_hand_and_in_garch():
    returns = garch(np.random.default_rng(2), 400)
    e2 = (returns - returns.mean()) ** 2
    X = np.column_stack([np.ones(397), e2[2:-1], e2[1:-2], e2[:-3]])
    fitted = X @ np.linalg.lstsq(X, e2[3:], rcond=None)[0]
    r_squared = 1 - np.sum((e2[3:] - fitted) ** 2) / np.sum((e2[3:] - e2[3:].mean()) ** 2)
    found = arch_effects(returns, lags=3)
    assert found.statistic == pytest.approx(397 * r_squared)
    assert found.p_value < 0.001
    assert arch_effects(np.random.default_rng(3).standard_normal(400)).p_value > 0.05


def test_series_that_cannot_be_tested():
    for test in (stationarity, autocorrelation, arch_effects):
        with pytest.raises(DataError, match="never varies"):
            test(np.ones(100))
        with pytest.raises(DataError, match="too few"):
            test(np.arange(9.0))


@pytest.mark.parametrize("n", [24, 60, 200, 480])
def test_the_lags_of_the_adf_are_those_of_statsmodels(n):
    from statsmodels.tsa.stattools import adfuller

    for seed in range(10):
        e = np.random.default_rng(seed).standard_normal(n)
        x = np.cumsum(np.convolve(e, [1, -0.6, 0.3, 0.5])[:n]) * (1 if seed % 2 else 1e-3)
        theirs = adfuller(x, autolag="AIC", result_object=True)
        found = stationarity(x)
        assert found.details["adf_lags"] == theirs.lags
        assert found.statistic == pytest.approx(theirs.statistic, rel=1e-9)
