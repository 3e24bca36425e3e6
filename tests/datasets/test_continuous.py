import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.datasets.futures import clean_futures, held_returns, roll_before_notice, total_return_index
from research.errors import NoData, ValidationError
from tests.tools.spreads import calendar_spreads, with_conditions

from .contracts import COPPER_MONTHS, PLATINUM_MONTHS, futures_table

TABLES = {months: with_conditions(futures_table(months)) for months in (PLATINUM_MONTHS, COPPER_MONTHS)}


@pytest.mark.parametrize("months", TABLES)
def test_roll_identities(months):
    table = TABLES[months]
    held = roll_before_notice(table)
    returns = held_returns(table, held)
    closes = table.pivot(index="date", columns="contract", values="close")
    change, growth = [], []
    for yesterday, today in zip(held.index[:-1], held.index[1:], strict=True):  # independent: row by row
        change.append(closes.at[today, held[today]] - closes.at[yesterday, held[today]])
        growth.append(closes.at[today, held[today]] / closes.at[yesterday, held[today]] - 1)
    np.testing.assert_array_equal(returns["price_change"].iloc[1:], change)
    np.testing.assert_allclose(returns["excess_return"].iloc[1:], growth, atol=5e-16)


@pytest.mark.parametrize("months", TABLES)
def test_the_naive_splice_errs_by_the_spread_at_each_roll_and_nowhere_else(months):
    table = TABLES[months]
    held = roll_before_notice(table)
    returns = held_returns(table, held)
    error = returns["close"].diff() - returns["price_change"]
    rolled = held.ne(held.shift()) & held.shift().notna()
    assert rolled.sum() > 5
    np.testing.assert_allclose(error[~rolled].dropna(), 0, atol=1e-10)
    closes = table.pivot(index="date", columns="contract", values="close")
    for day in held.index[rolled]:
        before = held.index[held.index.get_loc(day) - 1]
        spread = closes.at[before, held[day]] - closes.at[before, held[before]]
        assert error[day] == pytest.approx(spread, abs=1e-9)
        assert abs(spread) > 1


@given(carry=st.floats(-0.3, 0.3), seed=st.integers(0, 1000))
@settings(max_examples=8, deadline=None)
def test_planted_carry_is_what_the_held_contract_loses_against_spot(carry, seed):
    raw = futures_table(PLATINUM_MONTHS, end="2019-12-31", carry=carry, seed=seed)
    table = clean_futures(raw, stale_move=9)
    returns = held_returns(table, roll_before_notice(table))
    spot = table.groupby("date")[["date", "contract", "close"]].first()
    ahead = (pd.to_datetime(spot["contract"] + "15", format="%Y%m%d") - spot["date"]).dt.days
    level = (spot["close"] * np.exp(-carry * ahead / 365)).reindex(returns.index)
    days = np.diff(returns.index.to_numpy()) / np.timedelta64(1, "D")
    by_hand = np.log(level).diff().iloc[1:] - carry * days / 365
    np.testing.assert_allclose(np.log1p(returns["excess_return"].iloc[1:]), by_hand, atol=1e-12)


def test_total_return_is_excess_return_and_bills():
    index = pd.bdate_range("2024-01-01", periods=4)
    excess, bills = pd.Series([np.nan, 0.01, -0.02, 0.0], index), pd.Series([np.nan, 2e-4, 2e-4, 6e-4], index)
    result = total_return_index(excess, bills)
    np.testing.assert_allclose(
        result, 100 * np.array([1, 1.0102, 1.0102 * 0.9802, 1.0102 * 0.9802 * 1.0006]), rtol=1e-15
    )
    with pytest.raises(ValidationError, match="2024-01-03"):
        total_return_index(excess, bills.drop(index[2]))


def test_a_gap_in_a_contracts_closes_keeps_its_whole_return():
    table = TABLES[PLATINUM_MONTHS]
    held = roll_before_notice(table)
    gap = table[~((table["date"] == "2020-02-05") & (table["contract"] == "202004"))]
    whole, holed = held_returns(table, held), held_returns(gap, held)
    assert holed.loc["2020-02-05", "price_change"] == 0
    assert holed["price_change"].sum() == pytest.approx(whole["price_change"].sum())


def test_what_cannot_be_held_is_refused():
    table = TABLES[PLATINUM_MONTHS]
    held = roll_before_notice(table)
    with pytest.raises(NoData, match=r"contract 203001 .*no close"):
        held_returns(table, held.replace({held.iloc[5]: "203001"}))
    with pytest.raises(NoData, match="2019-03-11"):
        held_returns(table, held.drop(pd.Timestamp("2019-03-11")))
    early = held.copy()
    early.iloc[1] = "202101"  # listed later
    with pytest.raises(NoData, match="no close"):
        held_returns(table, early)


def test_calendar_spreads_count_days_to_mid_delivery_and_leave_delivery_out():
    table = TABLES[COPPER_MONTHS]
    spreads = calendar_spreads(table)
    row = spreads.loc["2020-04-20"]  # May 2020 notifies on 30 April, five business days before is the 23rd
    assert (row["near_contract"], row["far_contract"]) == ("202005", "202007")
    assert (row["near_days"], row["far_days"]) == (25, 86)
    assert spreads.loc["2020-04-24", "near_contract"] == "202007"
    assert calendar_spreads(table, 0, 2).loc["2020-04-20", "far_contract"] == "202009"
    with pytest.raises(ValidationError, match="after the near one"):
        calendar_spreads(table, 1, 1)


def test_on_real_silver_the_identities_hold_and_the_splice_does_not(market):
    raw = pd.read_csv(market / "comex_silver_futures_by_contract.csv.gz", dtype={"contract": "str"})
    table = clean_futures(raw[raw["date"] >= "2015"])
    held = roll_before_notice(table)
    returns = held_returns(table, held)
    splice = np.log(returns["close"].iloc[-1] / returns["close"].iloc[0])
    earned = np.log1p(returns["excess_return"]).sum()
    assert splice - earned > 0.1  # ten years of contango that no holder earned
