"""Rolling alpha and the break test, against published numbers, statsmodels and planted breaks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.diagnostics.alpha_path import _excursion, alpha_break, alpha_path
from research.diagnostics.long_run import ewc_degrees_of_freedom
from research.diagnostics.performance import timing_alpha
from research.errors import DataError

# strucchange (Zeileis, Leisch, Hornik and Kleiber 2002), Nile data: sup of the OLS-CUSUM path
NILE_OLS_CUSUM_ZEILEIS_2002 = 2.951766


def planted(n: int = 600, jump: float = 0.0, seed: int = 3) -> tuple[pd.Series, pd.Series]:
    rng = np.random.default_rng(seed)
    months = pd.date_range("1970-01-31", periods=n, freq="ME")
    metal = pd.Series(rng.normal(0.003, 0.05, n), months)
    alpha = np.where(np.arange(n) < n // 2, -jump / 2, jump / 2)
    return 0.4 * metal + alpha + rng.normal(0, 0.02, n), metal


def test_cusum_of_the_nile_is_the_published_one():
    from statsmodels.datasets import nile

    flow = nile.load_pandas().data["volume"].to_numpy(dtype=float)
    residuals = flow - flow.mean()
    statistic, at = _excursion(residuals, residuals.var(ddof=1))
    assert statistic == pytest.approx(NILE_OLS_CUSUM_ZEILEIS_2002, abs=5e-7)
    assert 1871 + at == 1898


def test_a_window_s_alpha_is_the_timing_alpha_of_that_window_alone():
    strategy, metal = planted()
    rolled = alpha_path(strategy, metal, window=120, periods_per_year=12)
    alone = timing_alpha(strategy.iloc[100:220], metal.iloc[100:220], periods_per_year=12)
    row = rolled.loc[strategy.index[219]]
    assert (row["alpha"], row["low"], row["high"]) == pytest.approx((alone.estimate, *alone.interval))
    assert len(rolled) == 600 - 119


def test_a_fixed_mix_has_no_alpha_path():
    _, metal = planted()
    assert alpha_path(0.3 * metal, metal, window=60, periods_per_year=12).isna().all(axis=None)
    assert alpha_break(0.3 * metal, metal).p_value is None


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
        alpha_path(strategy, metal, window=60, periods_per_year=12)
    assert ewc_degrees_of_freedom(60) > 2
