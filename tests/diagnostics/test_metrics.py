"""Every metric against its formula by hand and against two libraries, where the conventions agree."""

import numpy as np
import pandas as pd
import pytest

from research.diagnostics import metrics

# The published vector of empyrical's own tests (mixed returns, one NaN left out), in percent a day.
EMPYRICAL_MIXED_RETURNS = [1.0, 10.0, -4.0, 2.0, 3.0, 2.0, 1.0, -10.0]


def series(values, freq="B"):
    return pd.Series(values, index=pd.date_range("2015-01-01", periods=len(values), freq=freq), dtype=float)


@pytest.fixture
def returns():
    rng = np.random.default_rng(4)
    values = rng.standard_t(5, 1500) * 0.01
    values[0] = -0.05
    return series(values)


@pytest.fixture
def mixed():
    return series(EMPYRICAL_MIXED_RETURNS) / 100


def test_cagr_volatility_sharpe_and_drawdown_agree_with_empyrical(mixed, returns):
    import empyrical

    for r in (mixed, returns):
        assert metrics.cagr(r, 252) == pytest.approx(empyrical.annual_return(r), rel=1e-12)
        assert metrics.volatility(r, 252) == pytest.approx(empyrical.annual_volatility(r), rel=1e-12)
        assert metrics.sharpe(r, 252) == pytest.approx(empyrical.sharpe_ratio(r), rel=1e-12)
        assert metrics.sortino(r, 252) == pytest.approx(empyrical.sortino_ratio(r), rel=1e-12)
        assert metrics.max_drawdown(r) == pytest.approx(empyrical.max_drawdown(r), rel=1e-12)


def test_sharpe_and_volatility_agree_with_ffn(returns):
    import ffn

    assert metrics.sharpe(returns, 252) == pytest.approx(ffn.calc_sharpe(returns, nperiods=252), rel=1e-12)
    assert metrics.sortino(returns, 252) == pytest.approx(ffn.calc_sortino_ratio(returns, nperiods=252), rel=1e-12)


def test_drawdown_agrees_with_ffn_only_when_it_is_told_the_capital(returns):
    import ffn

    wealth = (1 + returns).cumprod()
    start = pd.Series([1.0], index=[returns.index[0] - pd.offsets.BDay()])
    assert metrics.max_drawdown(returns) == pytest.approx(ffn.calc_max_drawdown(pd.concat([start, wealth])))
    first = series([-0.05, 0.01, 0.01])
    assert metrics.max_drawdown(first) == pytest.approx(-0.05)
    assert ffn.calc_max_drawdown((1 + first).cumprod()) == 0.0


def test_cagr_counts_bars_where_ffn_counts_calendar_days(returns):
    import ffn

    wealth = (1 + returns).cumprod()
    start = pd.Series([1.0], index=[returns.index[0] - pd.offsets.BDay()])
    by_calendar = ffn.calc_cagr(pd.concat([start, wealth]))
    assert metrics.cagr(returns, 252) != pytest.approx(by_calendar, rel=1e-3)
    years = (returns.index[-1] - start.index[0]).days / 365.25
    assert by_calendar == pytest.approx((1 + metrics.cagr(returns, 252)) ** (1500 / 252 / years) - 1, rel=1e-3)


def test_an_account_that_never_varies_has_no_sharpe():
    assert np.isnan(metrics.sharpe(series([0.0] * 10), 12))
    assert np.isnan(metrics.sortino(series([0.01] * 10), 12))


def test_a_ruined_account_lost_everything_a_year():
    assert metrics.cagr(series([0.1, -1.0, 0.0]), 12) == -1


def test_exposure_leaves_out_the_last_bar_which_earns_nothing():
    assert metrics.exposure(series([1.0, 0.0, 0.0, 1.0], freq="ME")) == pytest.approx(1 / 3)
