"""Rolling alpha and the break test, against plain regressions and planted breaks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import kolmogorov

from research.diagnostics.long_run import bartlett_variance, newey_west_lags
from research.diagnostics.performance import alpha_break, jensen_alpha, rolling_alpha
from research.diagnostics.specification import cusum
from research.errors import DataError


def planted(n: int = 600, jump: float = 0.0, seed: int = 3) -> tuple[pd.Series, pd.Series]:
    rng = np.random.default_rng(seed)
    months = pd.date_range("1970-01-31", periods=n, freq="ME")
    metal = pd.Series(rng.normal(0.003, 0.05, n), months)
    alpha = np.where(np.arange(n) < n // 2, -jump / 2, jump / 2)
    return 0.4 * metal + alpha + rng.normal(0, 0.02, n), metal


def test_a_window_s_alpha_is_the_jensen_alpha_of_that_window_alone():
    strategy, metal = planted()
    rolled = rolling_alpha(strategy, metal, window=120, periods_per_year=12).details["alphas"]
    alone = jensen_alpha(strategy.iloc[100:220], metal.iloc[100:220], periods_per_year=12)
    assert rolled[219 - 119] == pytest.approx(alone.estimate)
    assert len(rolled) == 600 - 119


def test_a_fixed_mix_has_no_alpha_in_any_window():
    _, metal = planted()
    found = rolling_alpha(0.3 * metal, metal, window=60, periods_per_year=12)
    assert np.isnan(found.details["alphas"]).all()
    assert "one fixed mix" in found.sentence
    assert alpha_break(0.3 * metal, metal).p_value is None


def test_rolling_alpha_by_plain_regressions():
    rng = np.random.default_rng(3)
    metal = 0.003 + 0.05 * rng.standard_normal(100)
    strategy = 0.4 * metal + 0.02 * rng.standard_normal(100) + 0.002
    strategy, metal = pd.Series(strategy), pd.Series(metal)
    found = rolling_alpha(strategy, metal, window=24, periods_per_year=12)
    plain = [np.polyfit(metal[t - 23 : t + 1], strategy[t - 23 : t + 1], 1)[1] * 12 for t in range(23, 100)]
    np.testing.assert_allclose(found.details["alphas"], plain)
    whole = np.polyfit(metal, strategy, 1)[1] * 12
    assert found.details["whole"] == pytest.approx(whole)
    assert found.estimate == pytest.approx(np.mean(np.sign(plain) == np.sign(whole)))
    assert found.p_value is None
    assert found.details["separate_windows"] == 4


def test_the_break_test_is_the_cusum_of_the_alpha_regression():
    strategy, metal = planted()
    found = alpha_break(strategy, metal)
    slope, constant = np.polyfit(metal, strategy, 1)
    residuals = (strategy - constant - slope * metal).to_numpy()
    at, statistic = cusum(residuals, bartlett_variance(residuals, newey_west_lags(600)))
    assert found.estimate == found.statistic == pytest.approx(statistic)
    assert found.p_value == pytest.approx(kolmogorov(statistic))
    assert found.details["position"] == at
    assert found.details["at"] == f"{strategy.index[at]:%Y-%m}"
    assert "7 lags" in found.method


def test_a_planted_break_is_found_where_it_is():
    found = alpha_break(*planted(jump=0.02))
    assert found.p_value < 0.001
    assert abs(found.details["position"] - 300) < 30
    assert found.details["at"][:3] in ("199", "198")


def test_without_a_break_the_test_rejects_about_as_often_as_it_says():
    p_values = [alpha_break(*planted(n=360, seed=seed)).p_value for seed in range(200)]
    assert np.mean(np.array(p_values) <= 0.05) <= 0.09
    assert np.mean(np.array(p_values) <= 0.5) > 0.3


def test_too_short_a_history_is_refused():
    strategy, metal = planted(n=50)
    with pytest.raises(DataError, match="too few"):
        rolling_alpha(strategy, metal, window=60, periods_per_year=12)
