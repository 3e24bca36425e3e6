"""Which came first: chickens or eggs, signal or price."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.signal import lfilter
from statsmodels.tsa.stattools import grangercausalitytests

from research.diagnostics.prediction import granger_causality
from research.errors import AssayError

GRANGER_FROM_R_LMTEST = {
    ("eggs", "chickens"): (5.404984, 0.002966),
    ("chickens", "eggs"): (0.591615, 0.623786),
}


@pytest.fixture(scope="module")
def farm():
    return pd.read_csv(Path(__file__).parent / "chickens_and_eggs.csv", comment="#", index_col="year").astype(float)


@pytest.mark.parametrize(("pair", "published"), GRANGER_FROM_R_LMTEST.items())
def test_granger_against_r_and_statsmodels(farm, pair, published):
    cause, effect = pair
    finding = granger_causality(farm[cause], farm[effect], lags=3)
    classical = finding.details["statistic_classical"], finding.details["p_value_classical"]
    assert classical == pytest.approx(published, abs=5e-7)
    result = grangercausalitytests(farm[[effect, cause]], [3])[3][0]["ssr_ftest"]
    assert classical == pytest.approx(result[:2], rel=1e-8)


def test_robust_statistics_against_statsmodels(farm):
    x, y, p = farm["eggs"].to_numpy(), farm["chickens"].to_numpy(), 2
    lags = [series[p - k : 54 - k] for series in (y, x) for k in (1, 2)]
    fit = sm.OLS(y[p:], np.column_stack([np.ones(52), *lags])).fit(cov_type="HC1", use_t=True)
    wald = fit.f_test(np.eye(5)[3:])
    finding = granger_causality(x, y, lags=p)
    assert finding.statistic == pytest.approx(float(wald.fvalue), rel=1e-6)
    assert finding.p_value == pytest.approx(float(wald.pvalue), rel=1e-6)


def test_the_pair_tells_a_leader_from_an_echo():
    rng = np.random.default_rng(0)
    price = rng.standard_normal(400)
    echo = np.concatenate([[0.0], price[:-1]]) + 0.3 * rng.standard_normal(400)
    forward = granger_causality(echo, price, lags=2)
    backward = granger_causality(price, echo, lags=2, cause_name="the price", effect_name="the signal")
    assert forward.p_value > 0.05
    assert backward.p_value < 1e-6
    assert backward.null.startswith("the past of the price")


def test_units_do_not_matter(farm):
    plain = granger_causality(farm["eggs"], farm["chickens"], lags=3)
    scaled = granger_causality(farm["eggs"] * 1e6 + 5, farm["chickens"] / 1e4, lags=3)
    assert scaled.statistic == pytest.approx(plain.statistic, rel=1e-6)


def test_size_where_volatility_is_shared():
    """The classical test rejects too often when both share their volatility; the robust one holds."""
    rng, draws, robust, classical = np.random.default_rng(1), 600, 0, 0
    for _ in range(draws):
        log_volatility = lfilter([0.3], [1, -0.95], rng.standard_normal(500))
        volatility = np.exp(log_volatility)
        x, y = volatility * rng.standard_normal(500), volatility * rng.standard_normal(500)
        finding = granger_causality(x, y, lags=1)
        robust += finding.p_value < 0.05
        classical += finding.details["p_value_classical"] < 0.05
    assert robust / draws < 0.085
    assert classical / draws > robust / draws + 0.05


def test_bad_input():
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((2, 30))
    with pytest.raises(AssayError, match="too few for 9 lags"):
        granger_causality(x, y, lags=9)
    with pytest.raises(AssayError, match="never varies"):
        granger_causality(np.ones(30), y, lags=1)
    with pytest.raises(AssayError, match="repeats that of the effect"):
        granger_causality(y, y, lags=1)
