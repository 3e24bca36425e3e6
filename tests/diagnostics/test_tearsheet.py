"""The tearsheet's frames: as empyrical and ffn have them, and by hand where those differ."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.diagnostics.metrics import (
    by_period,
    calmar,
    expected_shortfall,
    monthly_returns,
    risk,
    rolling,
    sharpe,
    value_at_risk,
    worst_drawdowns,
)
from research.engine.result import Result
from research.execution import Execution


@pytest.fixture(scope="module")
def returns() -> pd.Series:
    days = pd.bdate_range("2019-03-11", "2023-10-20", name="date")
    return pd.Series(np.random.default_rng(5).standard_t(4, len(days)) * 0.01, index=days, name="returns")


def account(returns: pd.Series, year: int = 252) -> Result:
    first = returns.index[0] - pd.Timedelta(days=1)
    equity = pd.Series([100.0, *(100 * (1 + returns).cumprod())], index=[first, *returns.index])
    same = pd.Series(0.0, index=equity.index)
    return Result(
        name="x",
        capital=100.0,
        equity=equity,
        returns=returns,
        bill_returns=returns * 0 + 0.0001,
        orders=pd.DataFrame(),
        costs=pd.DataFrame(),
        execution=Execution(),
        periods_per_year=year,
        averaged=False,
        metal="gold",
        metal_returns=returns,
        target_weights=same,
        weights=same,
    )


def test_months_and_years_are_compounded_as_empyrical_does(returns):
    import empyrical

    table = monthly_returns(returns)
    monthly = empyrical.aggregate_returns(returns, "monthly")
    assert table.drop(columns="year").stack().dropna().to_dict() == pytest.approx(monthly.to_dict())
    assert table["year"].to_dict() == pytest.approx(empyrical.aggregate_returns(returns, "yearly").to_dict())
    assert table.loc[2019, [1, 2]].isna().all()
    assert by_period(returns, "M").iloc[0] == pytest.approx((1 + returns[:"2019-03"]).prod() - 1)


def test_value_at_risk_shortfall_and_calmar_are_empyrical_s(returns):
    import empyrical

    assert value_at_risk(returns) == pytest.approx(empyrical.value_at_risk(returns, 0.05))
    assert expected_shortfall(returns) == pytest.approx(empyrical.conditional_value_at_risk(returns, 0.05))
    assert expected_shortfall(returns, 0.99) < value_at_risk(returns, 0.99) < value_at_risk(returns)
    assert calmar(returns, 252) == pytest.approx(empyrical.calmar_ratio(returns, annualization=252))
    assert np.isnan(calmar(returns.abs(), 252))


def test_every_drawdown_is_found_with_its_dates_and_depth(returns):
    import ffn

    found = worst_drawdowns(returns, most=10_000, start=returns.index[0] - pd.Timedelta(days=1))
    prices = pd.Series([1.0, *(1 + returns).cumprod()], index=[found["peak"].min(), *returns.index])
    theirs = ffn.core.drawdown_details(ffn.core.to_drawdown_series(prices))
    np.testing.assert_allclose(found["depth"], sorted(theirs["drawdown"]), rtol=1e-9)
    assert worst_drawdowns(returns, 3)["depth"].tolist() == found["depth"][:3].tolist()


def test_a_drawdown_s_dates_are_those_of_its_ends():
    months = pd.date_range("2001-01-31", periods=6, freq="ME")
    moved = pd.Series([-0.1, 0.25, 0.0, -0.5, 0.2, 0.1], index=months)
    start = pd.Timestamp("2000-12-31")
    deep, shallow = worst_drawdowns(moved, start=start).itertuples(index=False)
    assert (deep.depth, deep.peak, deep.trough) == (pytest.approx(-0.5), months[2], months[3])
    assert pd.isna(deep.recovery)
    assert deep.days == (months[5] - months[2]).days
    assert (shallow.depth, shallow.peak, shallow.trough) == (pytest.approx(-0.1), start, months[0])
    assert shallow.recovery == months[1]
    assert worst_drawdowns(moved.abs()).empty


def test_a_window_is_the_sharpe_ratio_and_the_volatility_of_its_bars(returns):
    import empyrical

    result = account(returns)
    found = rolling(result, years=0.5)
    assert found.index[0] == returns.index[125]
    assert found["sharpe"].iloc[40] == pytest.approx(sharpe(result.excess_returns.iloc[40:166], 252))
    assert found["volatility"].iloc[40] == pytest.approx(empyrical.annual_volatility(returns.iloc[40:166]))
    still = rolling(account(returns * 0 + 0.0001), years=0.5)
    assert still["sharpe"].isna().all()


def test_risk_puts_the_accounts_side_by_side(returns):
    import empyrical

    found = risk({"strategy": account(returns), "buy_and_hold": account(-returns)})
    own = found.loc["strategy"]
    excess = returns - 0.0001
    assert own["sortino"] == pytest.approx(empyrical.sortino_ratio(excess, annualization=252))
    months = empyrical.aggregate_returns(returns, "monthly")
    assert (own["best_month"], own["worst_month"]) == (pytest.approx(months.max()), pytest.approx(months.min()))
    assert own["months_up"] == pytest.approx((months > 0).mean())
    assert own["longest_drawdown"] == worst_drawdowns(returns, 999, start=account(returns).first_fill)["days"].max()
    assert found.loc["buy_and_hold", "worst_month"] < 0
