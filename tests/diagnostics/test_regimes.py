from pathlib import Path

import numpy as np
import pytest

from research.diagnostics.regimes import markov_regimes
from research.errors import DataError

# Real GNP of the United States, 100 x log change a quarter, 1951 Q2 to 1984 Q4; maximum likelihood of the model of
# four lags around a switching mean, one variance.
HAMILTON_1989_STAY_IN_RECESSION = 0.7547
HAMILTON_1989_LEAVE_EXPANSION = 0.0959
HAMILTON_1989_MEANS = -0.3588, 1.1635
HAMILTON_1989_VARIANCE = 0.5914
HAMILTON_1989_LOG_LIKELIHOOD = -181.2634


def two_regimes(n=800):
    rng = np.random.default_rng(4)
    state = np.cumsum(rng.random(n) < 1 / 50) % 2
    return state, np.where(state, 0.02, -0.02) + np.where(state, 0.02, 0.05) * rng.standard_normal(n)


def test_planted_regimes_are_recovered_and_ordered_by_mean():
    state, returns = two_regimes()
    found = markov_regimes(returns, periods_per_year=12, seed=0)
    low, high = found.details["means"]
    assert (low, high) == pytest.approx((-0.24, 0.24), abs=0.09)
    assert found.details["volatilities"] == pytest.approx([0.05 * 12**0.5, 0.02 * 12**0.5], rel=0.12)
    assert np.mean((np.array(found.details["filtered"]) > 0.5) == state) > 0.85
    assert np.sum(found.details["transition"], axis=1) == pytest.approx([1, 1])
    assert found.details["bic_less_one_regime"] < -50
    assert found.p_value is None
    assert found == markov_regimes(returns, periods_per_year=12, seed=0)


def test_filtered_probabilities_are_the_hamilton_filter_and_know_no_future():
    _, returns = two_regimes(300)
    found = markov_regimes(returns, periods_per_year=1, seed=0)
    means, sds = np.array(found.details["means"]), np.array(found.details["volatilities"])
    transition = np.array(found.details["transition"])
    p01, p10 = transition[0, 1], transition[1, 0]
    belief, log_likelihood = np.array([p10, p01]) / (p01 + p10), 0.0
    for t, r in enumerate(returns):
        predicted = belief @ transition if t else belief
        joint = predicted * np.exp(-0.5 * ((r - means) / sds) ** 2) / (sds * np.sqrt(2 * np.pi))
        log_likelihood += np.log(joint.sum())
        belief = joint / joint.sum()
        assert found.details["filtered"][t] == pytest.approx(belief[1], abs=1e-6)
    assert found.details["log_likelihood"] == pytest.approx(log_likelihood, abs=1e-6)


def test_the_business_cycle_of_hamilton():
    growth = np.loadtxt(Path(__file__).with_name("hamilton_1989_gnp_growth.csv"), skiprows=1)
    found = markov_regimes(growth, periods_per_year=1, seed=0, lags=4, switching_variance=False).details
    assert found["means"] == pytest.approx(HAMILTON_1989_MEANS, abs=2e-4)
    assert found["volatilities"] == pytest.approx([HAMILTON_1989_VARIANCE**0.5] * 2, abs=1e-4)
    assert found["transition"][0][0] == pytest.approx(HAMILTON_1989_STAY_IN_RECESSION, abs=1e-4)
    assert found["transition"][1][0] == pytest.approx(HAMILTON_1989_LEAVE_EXPANSION, abs=1e-4)
    assert found["log_likelihood"] == pytest.approx(HAMILTON_1989_LOG_LIKELIHOOD, abs=1e-4)
    assert len(found["filtered"]) == len(growth) - 4


def test_one_regime_does_not_pay_for_two_when_autocorrelated():
    e = np.random.default_rng(10).standard_normal(501)
    found = markov_regimes(0.05 * (e[1:] + 0.3 * e[:-1]), periods_per_year=12, seed=0, lags=1)
    assert found.details["autoregression"] == pytest.approx([0.3 / 1.09], abs=0.1)
    assert found.details["bic_less_one_regime"] > 0


def test_one_regime_does_not_pay_for_two():
    returns = 0.05 * np.random.default_rng(5).standard_normal(500)
    assert markov_regimes(returns, periods_per_year=12, seed=0).details["bic_less_one_regime"] > 0


def test_what_has_no_regimes():
    with pytest.raises(DataError, match="too few"):
        markov_regimes(np.random.default_rng(6).standard_normal(40), periods_per_year=12, seed=0)
    with pytest.raises(DataError, match="never vary"):
        markov_regimes(np.ones(60), periods_per_year=12, seed=0)
