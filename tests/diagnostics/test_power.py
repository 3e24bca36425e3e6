"""What a sample could have found."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from research.diagnostics.performance import timing_alpha
from research.diagnostics.power import (
    minimum_detectable_alpha,
    minimum_detectable_effect,
    minimum_detectable_information_ratio,
    minimum_detectable_sharpe,
    minimum_detectable_shift,
    power_curve,
    power_of_t_test,
    years_to_detect,
)
from research.errors import AssayError

EFFECT_SIZES_FROM_NONCENTRAL_T = {5: 1.682, 6: 1.435, 10: 0.996, 20: 0.660, 30: 0.529, 50: 0.404}
SILVER_MOVES_AT_1_9_PERCENT_A_DAY_OVER_20_DAYS = {5: 0.143, 10: 0.085, 30: 0.045}
GOLD_MOVES_AT_1_PERCENT_A_DAY_OVER_20_DAYS = {5: 0.075, 10: 0.045, 30: 0.024}
YEARS_TO_DETECT_A_SHARPE_RATIO = {0.3: 87.2, 0.5: 31.4, 1.0: 7.85, 2.0: 1.96}


@pytest.mark.parametrize(("n", "effect"), EFFECT_SIZES_FROM_NONCENTRAL_T.items())
def test_effect_sizes(n, effect):
    assert minimum_detectable_effect(n) == pytest.approx(effect, abs=6e-4)
    assert minimum_detectable_effect(n) == pytest.approx(
        TTestPower().solve_power(nobs=n, alpha=0.05, power=0.8), rel=1e-6
    )


def test_effect_sizes_in_returns():
    for daily, moves in (
        (0.019, SILVER_MOVES_AT_1_9_PERCENT_A_DAY_OVER_20_DAYS),
        (0.010, GOLD_MOVES_AT_1_PERCENT_A_DAY_OVER_20_DAYS),
    ):
        for n, move in moves.items():
            assert minimum_detectable_effect(n) * daily * np.sqrt(20) == pytest.approx(move, abs=6e-4)


@pytest.mark.parametrize(("sharpe", "years"), YEARS_TO_DETECT_A_SHARPE_RATIO.items())
def test_years_to_detect(sharpe, years):
    assert years_to_detect(sharpe) == pytest.approx(years, rel=2e-3)


def test_a_fraction_of_an_event_is_allowed_and_less_than_two_take_one_degree_of_freedom():
    effects = [minimum_detectable_effect(n) for n in (1, 1.5, 2, 2.5, 6, 60)]
    assert effects == sorted(effects, reverse=True)
    assert effects[0] == pytest.approx(effects[2] * np.sqrt(2))


@pytest.mark.parametrize("df", [3, 28, 400])
def test_power_against_the_noncentral_t(df):
    for effect in (0.0, 1.0, 2.8, 5.0):
        critical = stats.t.ppf(0.975, df)
        exact = stats.nct.sf(critical, df, effect) + stats.nct.cdf(-critical, df, effect)
        assert power_of_t_test(effect, df) == pytest.approx(exact, abs=1e-8)
        assert power_of_t_test(-effect, df) == power_of_t_test(effect, df)


def test_limits_of_power():
    assert power_of_t_test(0, np.inf) == pytest.approx(0.05)
    assert power_of_t_test(50, 28) == pytest.approx(1)
    assert minimum_detectable_shift(np.inf) == pytest.approx(stats.norm.ppf(0.975) + stats.norm.ppf(0.8), abs=1e-5)
    assert minimum_detectable_shift(30, power=0.04) == 0


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(0)
    metal = rng.normal(0.003, 0.05, 600)
    return metal * (rng.random(600) > 0.5), metal


def test_detectable_alpha_uses_the_error_of_the_test_and_not_its_result(world):
    strategy, metal = world
    finding = minimum_detectable_alpha(strategy, metal, periods_per_year=12)
    test = timing_alpha(strategy, metal, periods_per_year=12)
    shift = minimum_detectable_shift(test.details["degrees_of_freedom"])
    assert finding.estimate == pytest.approx(shift * test.details["standard_error"], rel=1e-9)
    raised = minimum_detectable_alpha(strategy + 0.01, metal, periods_per_year=12)
    assert raised.estimate == pytest.approx(finding.estimate, rel=1e-9)
    ratio = finding.details["minimum_detectable_information_ratio"]
    assert ratio == pytest.approx(finding.estimate / test.details["residual_volatility"])
    assert finding.details["could_find_worthwhile"] == (ratio <= 0.5)


def test_detectable_information_ratio_is_the_alpha_over_the_residual_volatility(world):
    alpha = minimum_detectable_alpha(*world, periods_per_year=12, significance=0.01, power=0.9)
    ratio = minimum_detectable_information_ratio(*world, periods_per_year=12, significance=0.01, power=0.9)
    assert ratio.estimate == pytest.approx(alpha.estimate / alpha.details["residual_volatility"])
    assert ratio.details["minimum_detectable_alpha"] == alpha.estimate
    assert (ratio.details["level"], ratio.details["power"]) == (0.01, 0.9)


def test_the_detectable_alpha_is_found_four_times_in_five():
    rng, n, draws, found = np.random.default_rng(6), 240, 500, 0
    metal = rng.normal(0.003, 0.05, n)
    shift = minimum_detectable_shift(15)
    for _ in range(draws):
        noise = rng.normal(0, 0.02, n)
        strategy = 0.5 * metal + shift * 0.02 / np.sqrt(n) * np.sqrt(1 + (metal.mean() / metal.std()) ** 2) + noise
        found += timing_alpha(strategy, metal, periods_per_year=12).p_value < 0.05
    assert found / draws == pytest.approx(0.8, abs=3.5 * np.sqrt(0.16 / draws))


def test_nothing_to_find(world):
    _, metal = world
    fixed = minimum_detectable_alpha(0.5 * metal, metal, periods_per_year=12)
    assert np.isnan(fixed.estimate)
    assert not fixed.details["could_find_worthwhile"]
    short = minimum_detectable_alpha(metal[:20] ** 2, metal[:20], periods_per_year=12)
    assert short.estimate == np.inf
    assert not short.details["could_find_worthwhile"]
    with pytest.raises(AssayError, match="hardly moved"):
        minimum_detectable_alpha(metal, 0 * metal, periods_per_year=12)


def test_detectable_sharpe_agrees_with_the_years():
    finding = minimum_detectable_sharpe(12 * 40, periods_per_year=12)
    assert years_to_detect(finding.estimate) == pytest.approx(40, rel=0.02)


def test_power_curve_rises_from_the_level_to_one():
    curve = power_curve(0.01, 28)
    assert curve["power"][0] == pytest.approx(0.05)
    assert curve["power"] == sorted(curve["power"])
    assert curve["power"][-1] > 0.999
    assert curve["effect"][-1] == pytest.approx(0.06)
