import numpy as np
import pandas as pd
import pytest

from research.signals.flows import (
    deficit_surprise,
    growth_on_year,
    holdings_flow,
    latest_purchase,
    purchase_surprise,
)


def months(values, start):
    return pd.Series(values, index=pd.date_range(start, periods=len(values), freq="ME"), dtype="float64")


def test_a_purchase_is_the_change_of_one_month():
    assert latest_purchase(months([2264.3, 2279.6], "2024-10")) == pytest.approx(15.3)
    gap = months([2264.3, 2270.0, 2279.6], "2024-10").drop(pd.Timestamp("2024-11-30"))
    assert np.isnan(latest_purchase(gap))
    assert np.isnan(latest_purchase(gap.iloc[:1]))


@pytest.mark.parametrize("month", ["2001-12", "2002-12", "2009-04", "2015-06"])
def test_a_disclosure_is_no_purchase(month):
    history = months([600.0, 1054.1], pd.Timestamp(month) - pd.DateOffset(months=1))
    assert np.isnan(latest_purchase(history))
    assert latest_purchase(history, disclosures=()) == pytest.approx(454.1)


def test_purchase_surprise_is_positive_when_more_is_bought():
    quarters = pd.Series([100.0, 100, 100, 460], index=pd.date_range("2021-12-31", periods=4, freq="QE"))
    assert purchase_surprise(quarters) == pytest.approx(360)
    assert np.isnan(purchase_surprise(quarters.iloc[-3:]))


def test_growth_on_the_year_compares_equal_months():
    flat = months([200.0, 100] * 12, "2016-01")  # seasonal, no growth
    assert growth_on_year(flat, months=3) == pytest.approx(0)
    grown = flat.copy()
    grown.iloc[-1] = 150
    assert growth_on_year(grown) == pytest.approx(0.5)
    assert growth_on_year(grown, months=3) == pytest.approx(450 / 400 - 1)
    assert np.isnan(growth_on_year(flat.drop(flat.index[11])))


def test_a_larger_deficit_is_a_positive_surprise():
    years = pd.to_datetime(["2021-12-31", "2022-12-31", "2023-12-31", "2024-12-31"])
    balance = pd.Series([-51.1, -237.7, -184.3, -148.9], index=years)  # World Silver Survey, first outcomes
    assert deficit_surprise(balance) == pytest.approx(148.9 - (51.1 + 237.7 + 184.3) / 3)
    assert deficit_surprise(balance.iloc[:2]) == pytest.approx(186.6)
    assert np.isnan(deficit_surprise(balance.iloc[:1]))


def test_fund_flow_is_in_metal_and_the_fee_is_not_a_flow_of_investors():
    index = pd.date_range("2024-01-01", periods=366, freq="D")
    per_share = pd.Series(0.0925 * np.exp(-0.004 * np.arange(366) / 365), index=index)
    shares = pd.Series(1e6, index=index)
    shares.iloc[200:] += 1e5
    holdings = shares * per_share
    assert holdings_flow(holdings, "100D").iloc[150] == pytest.approx(np.exp(-0.004 * 100 / 365) - 1)
    assert holdings_flow(holdings, "365D").iloc[-1] == pytest.approx(1.1 * np.exp(-0.004) - 1)
    assert np.isnan(holdings_flow(holdings, "365D").iloc[-2])
