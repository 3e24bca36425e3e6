"""The weight of the evidence by quadrature, what is detectable by simulation, and when a claim can be decided."""

from math import inf, nan

import numpy as np
import pytest
from scipy import stats

from research.diagnostics.long_run import Estimate
from research.diagnostics.outlook import Delayed, bayes_factor, decidable, detectable, odds_words

LATER = {"worthwhile_ratio": 0.5, "minimum_events": 6, "now": 2026.0, "nu": 10}


@pytest.mark.parametrize(("ratio", "error"), [(0.3, 0.25), (-0.4, 0.2), (1.2, 0.3), (0.0, 2.0)])
def test_the_bayes_factor_is_that_of_the_integral(ratio, error):
    x = np.linspace(0, 8, 400_001)
    prior = 2 * stats.norm.pdf(x, 0, 0.5)
    marginal = np.trapezoid(prior * stats.norm.pdf(ratio, x, error), x)
    assert bayes_factor(Estimate(ratio, error, 8)) == pytest.approx(
        marginal / stats.norm.pdf(ratio, 0, error), rel=1e-6
    )
    assert np.isnan(bayes_factor(Estimate(nan, nan, 8)))


def test_odds_in_words():
    assert odds_words(0.5) == "1 in 3.0"
    assert odds_words(2.4) == "2.4 to 1"
    assert odds_words(40.0) == "40 to 1"
    assert odds_words(nan) == "unknown"
    assert (odds_words(1.0), odds_words(10.0), odds_words(9.94)) == ("1.0 to 1", "10 to 1", "9.9 to 1")


def test_an_effect_of_the_detectable_size_reaches_the_critical_value_four_times_in_five():
    rng = np.random.default_rng(1)
    for own, critical in ((10.0, 2.7), (5.5, stats.t.isf(stats.t.sf(2.7, 10), 5.5))):
        least = detectable(Estimate(0.1, 0.2, own), 2.7, 10, 0.8)
        draws = (rng.standard_normal(200_000) + least / 0.2) / np.sqrt(rng.chisquare(own, 200_000) / own)
        assert np.mean(draws >= critical) == pytest.approx(0.8, abs=0.005)


def test_the_year_of_decision_waits_for_the_slower_of_error_and_events():
    by_error = decidable(detectable_ratio=1.0, events=12, years=10.0, **LATER)
    assert by_error.year == pytest.approx(2026 + 30)
    assert by_error.earliest < by_error.year < by_error.latest
    by_events = decidable(detectable_ratio=0.4, events=3, years=10.0, **LATER)
    assert by_events.year == pytest.approx(2026 + 10)
    assert decidable(detectable_ratio=0.4, events=8, years=10.0, **LATER).year == 2026
    assert decidable(detectable_ratio=nan, events=0, years=10.0, **LATER).year == inf


def test_the_bounds_of_that_year_are_those_of_chi_square_and_gamma():
    found = decidable(detectable_ratio=1.0, events=12, years=10.0, **LATER)
    assert found.earliest == pytest.approx(2016 + 40 * 10 / stats.chi2.ppf(0.9, 10))
    assert found.latest == pytest.approx(2016 + 40 * 10 / stats.chi2.ppf(0.1, 10))
    rare = decidable(detectable_ratio=0.1, events=3, years=10.0, **LATER)
    assert rare.earliest == pytest.approx(2026 + 3 * 10 / stats.gamma.ppf(0.9, 3.5))
    assert rare.latest == pytest.approx(2026 + 3 * 10 / stats.gamma.ppf(0.1, 3.5))


@pytest.mark.parametrize(("estimate", "critical"), [(Estimate(0.1, nan, 8), 2.0), (Estimate(0.1, 0.2, 8), nan)])
def test_what_is_not_known_makes_nothing_detectable(estimate, critical):
    assert np.isnan(detectable(estimate, critical, 8, 0.8))
    assert np.isnan(bayes_factor(Estimate(nan, 0.2, 8)))
    assert np.isnan(bayes_factor(Estimate(0.2, 0.0, 8)))


@pytest.mark.parametrize(("share", "correlation"), [(0.3, 0.5), (0.6, 0.8), (1.0, 0.95)])
def test_the_detectable_size_survives_a_delay_four_times_in_five(share, correlation):
    rng = np.random.default_rng(2)
    least = detectable(Estimate(0.0, 0.2, 10), 2.7, 10, 0.8, Delayed(share, correlation)) / 0.2
    first, other = rng.standard_normal((2, 400_000))
    later = correlation * first + np.sqrt(1 - correlation**2) * other + share * least
    t = (first + least) / np.sqrt(rng.chisquare(10, 400_000) / 10)
    assert np.mean((t >= 2.7) & (later > 0)) == pytest.approx(0.8, abs=0.015)
    assert least >= detectable(Estimate(0.0, 0.2, 10), 2.7, 10, 0.8) / 0.2 - 1e-9


def test_an_effect_of_which_a_delay_leaves_nothing_is_found_by_no_size():
    assert detectable(Estimate(0.0, 0.2, 10), 2.7, 10, 0.8, Delayed(-0.1, 0.0)) == inf
