"""What a sample could have found."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from research.diagnostics.power import (
    minimum_detectable_effect,
    minimum_detectable_shift,
    power_of_t_test,
    years_to_detect,
)

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
