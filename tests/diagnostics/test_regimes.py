from pathlib import Path

import numpy as np
import pytest

from research.diagnostics.regimes import _loss, markov_regimes
from research.errors import DataError

GNP = Path(__file__).with_name("hamilton_1989_gnp_growth.csv")  # 100 x log change a quarter, United States 1951 to 1984


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


@pytest.mark.parametrize("name", ["planted", "business cycle"])
def test_the_fit_is_that_of_statsmodels(name):
    """Filter, smoother, start values and likelihood are written anew: another program finds the same optimum."""
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

    values = two_regimes(300)[1] if name == "planted" else np.loadtxt(GNP, skiprows=1)
    found = markov_regimes(values, periods_per_year=1, seed=3, n_starts=5)
    model = MarkovRegression(values / values.std(), k_regimes=2, switching_variance=True)
    theirs = model.fit(search_reps=5, search_iter=10, maxiter=500, rng=np.random.default_rng(3), disp=False)
    order = np.argsort(theirs.params[2:4])
    assert found.details["log_likelihood"] == pytest.approx(theirs.llf - values.size * np.log(values.std()), abs=1e-9)
    assert found.details["means"] == pytest.approx(theirs.params[2:4][order] * values.std(), rel=1e-6)
    assert found.details["volatilities"] == pytest.approx(theirs.params[4:][order] ** 0.5 * values.std(), rel=1e-6)
    transition = theirs.regime_transition[:, :, 0].T[np.ix_(order, order)]
    np.testing.assert_allclose(found.details["transition"], transition, rtol=1e-6)
    np.testing.assert_allclose(
        found.details["filtered"], theirs.filtered_marginal_probabilities[:, order[1]], atol=1e-6
    )


def test_the_gradient_is_that_of_the_likelihood():
    values = two_regimes(120)[1] * 20
    here = np.array([0.3, -2.0, -0.1, 0.2, 0.7, 1.4])
    steps = [(_loss(here + step, values)[0] - _loss(here - step, values)[0]) / 2e-6 for step in 1e-6 * np.eye(6)]
    np.testing.assert_allclose(_loss(here, values)[1], steps, atol=1e-8)


def test_one_regime_does_not_pay_for_two():
    returns = 0.05 * np.random.default_rng(5).standard_normal(500)
    assert markov_regimes(returns, periods_per_year=12, seed=0).details["bic_less_one_regime"] > 0


def test_what_has_no_regimes():
    with pytest.raises(DataError, match="too few"):
        markov_regimes(np.random.default_rng(6).standard_normal(40), periods_per_year=12, seed=0)
    with pytest.raises(DataError, match="never varies"):
        markov_regimes(np.ones(60), periods_per_year=12, seed=0)
