import numpy as np
import pandas as pd
import pytest

from research.datasets.futures import (
    clean_futures,
    delivery_calendar,
    last_holding_day,
    roll_before_notice,
    roll_by_volume,
)
from research.errors import NoData, ValidationError

from .contracts import COPPER_MONTHS, PLATINUM_MONTHS, futures_table


@pytest.fixture(scope="module")
def platinum():
    return futures_table(PLATINUM_MONTHS)


def at(table, date, contract):
    return table.index[(table["date"] == date) & (table["contract"] == contract)][0]


def issues_of(clean, reason):
    rows = clean.issues[clean.issues["reason"] == reason]
    return list(zip(rows["date"].dt.strftime("%Y-%m-%d"), rows["contract"], rows["action"], strict=True))


def test_a_clean_table_is_left_alone(platinum):
    clean = clean_futures(platinum)
    assert len(clean.table) == len(platinum)
    assert clean.issues.query("action == 'dropped'").empty
    assert set(clean.summary().columns) == {"reason", "action", "rows", "first", "last"}


def test_each_planted_fault_is_found_and_reported(platinum):
    table = platinum.copy()
    table.loc[at(table, "2020-03-03", "202007"), "high"] = 1.0
    table.loc[at(table, "2020-03-04", "202007"), "close"] = 0.0
    table.loc[at(table, "2020-03-05", "202010"), "volume"] = 0
    table.loc[at(table, "2020-03-06", "202004"), ["open", "high", "low", "close"]] *= 1.2
    twice = table.loc[[at(table, "2020-03-09", "202007")]]
    conflict = table.loc[[at(table, "2020-03-10", "202007")]].assign(volume=7.0)
    clean = clean_futures(pd.concat([table, twice, conflict]))

    assert issues_of(clean, "bad OHLC") == [("2020-03-03", "202007", "dropped")]
    assert issues_of(clean, "no price") == [("2020-03-04", "202007", "dropped")]
    assert ("2020-03-05", "202010", "flagged") in issues_of(clean, "no volume")
    assert issues_of(clean, "jump") == [("2020-03-06", "202004", "flagged"), ("2020-03-09", "202004", "flagged")]
    assert issues_of(clean, "duplicate") == [("2020-03-09", "202007", "dropped")]
    assert issues_of(clean, "conflicting duplicate") == [("2020-03-10", "202007", "dropped")] * 2
    kept = clean.table.set_index(["date", "contract"])
    assert not kept.loc[("2020-03-05", "202010"), "traded"]
    assert not kept.index.has_duplicates


def test_a_settlement_left_standing_while_the_others_moved_is_dropped(platinum):
    day, before = pd.Timestamp("2020-03-12"), pd.Timestamp("2020-03-11")
    table = platinum.copy()
    table.loc[(table["date"] >= day), ["open", "high", "low", "close"]] *= 1.03
    stale = at(table, day, "202010")
    table.loc[stale, ["open", "high", "low", "close"]] = table.loc[
        at(table, before, "202010"), ["open", "high", "low", "close"]
    ]
    assert issues_of(clean_futures(table), "stale settlement") == [("2020-03-12", "202010", "dropped")]


def test_a_limit_day_is_flagged_in_the_contracts_that_it_held(platinum):
    day, before = "2020-03-12", "2020-03-11"
    table = platinum.copy()
    for contract in ("202007", "202010", "202101"):
        close = table.loc[at(table, before, contract), "close"] - 50.0
        table.loc[at(table, day, contract), ["open", "high", "low", "close"]] = close
    locked = clean_futures(table).table.query("locked")
    assert list(locked["contract"]) == ["202007", "202010", "202101"]
    assert set(locked["date"]) == {pd.Timestamp(day)}


def test_without_any_recorded_volume_nothing_is_called_untraded(platinum):
    clean = clean_futures(platinum.assign(volume=0))
    assert clean.table["traded"].isna().all()
    assert issues_of(clean, "no volume") == []


def test_cleaning_a_shorter_history_gives_the_same_rows(platinum):
    table = platinum.copy()
    table.loc[at(table, "2020-03-12", "202010"), "close"] *= 1.3
    cut = pd.Timestamp("2020-03-31")
    whole, short = clean_futures(table).table, clean_futures(table[table["date"] <= cut]).table
    pd.testing.assert_frame_equal(whole[whole["date"] <= cut].reset_index(drop=True), short)


@pytest.mark.parametrize("contract", ["2025", "202513", "DEC25"])
def test_a_contract_that_is_no_month_is_refused(platinum, contract):
    with pytest.raises(ValidationError, match="YYYYMM"):
        clean_futures(platinum.head(3).assign(contract=contract))


def test_a_missing_column_is_named(platinum):
    with pytest.raises(ValidationError, match="'volume'"):
        clean_futures(platinum.drop(columns="volume"))


def test_delivery_calendar_against_dates_read_off_a_calendar():
    calendar = delivery_calendar([202512, "202404", "202403", 202512])
    assert list(calendar.index) == ["202403", "202404", "202512"]
    assert calendar.loc["202512", "first_notice"] == pd.Timestamp("2025-11-28")  # Friday after Thanksgiving
    assert calendar.loc["202404", "first_notice"] == pd.Timestamp("2024-03-28")  # the 29th was Good Friday
    assert calendar.loc["202403", "first_notice"] == pd.Timestamp("2024-02-29")
    assert calendar.loc["202512", "mid_delivery"] == pd.Timestamp("2025-12-15")
    assert last_holding_day(calendar, 5)["202512"] == pd.Timestamp("2025-11-20")  # the 27th is a holiday
    with pytest.raises(NoData):
        delivery_calendar([])


def test_a_holiday_that_nobody_could_know_moves_no_date():
    # the exchange closed on 29 and 30 October 2012 for a hurricane, and on 5 December 2018 in mourning
    calendar = delivery_calendar(["201211", "201812"])
    assert last_holding_day(calendar, 2)["201211"] == pd.Timestamp("2012-10-29")
    assert calendar.loc["201211", "first_notice"] == pd.Timestamp("2012-10-31")


def test_holidays_may_be_given():
    assert delivery_calendar(["202512"], holidays=["2025-11-28"]).loc["202512", "first_notice"] == pd.Timestamp(
        "2025-11-27"
    )


@pytest.mark.parametrize("months", [PLATINUM_MONTHS, COPPER_MONTHS])
@pytest.mark.parametrize("rule", [roll_before_notice, roll_by_volume])
def test_no_contract_is_held_into_delivery_or_backwards(months, rule):
    table = futures_table(months)
    held = rule(table, 5)
    notice = delivery_calendar(held.unique())["first_notice"]
    limit = held.map(last_holding_day(delivery_calendar(held.unique()), 5))
    assert (held.index <= limit).all()
    assert (held.index < held.map(notice)).all()
    assert held.is_monotonic_increasing
    assert held.index.equals(pd.DatetimeIndex(sorted(table["date"].unique())))


def test_the_notice_rule_holds_the_nearest_contract_to_its_last_day(platinum):
    held = roll_before_notice(platinum, 5)
    # first notice of April 2020 is 31 March; five business days before is 24 March
    assert held["2020-03-24"] == "202004"
    assert held["2020-03-25"] == "202007"
    with pytest.raises(ValidationError, match="in delivery"):
        roll_before_notice(platinum, 0)


def test_the_volume_rule_acts_one_day_after_the_volume_is_seen():
    days = pd.bdate_range("2020-01-02", "2020-02-14")
    near = pd.DataFrame({"date": days, "contract": "202004", "volume": 100.0})
    far = pd.DataFrame({"date": days, "contract": "202007", "volume": np.where(days >= "2020-01-20", 150.0, 50.0)})
    table = pd.concat([near, far]).assign(open=900.0, high=901.0, low=899.0, close=900.0)
    held = roll_by_volume(table)
    # seen after the close of Monday the 20th, traded at the close of the 21st, earned into the 22nd
    assert held["2020-01-21"] == "202004"
    assert held["2020-01-22"] == "202007"
    assert (held["2020-01-22":] == "202007").all()


def test_the_volume_rule_without_volume_is_the_notice_rule(platinum):
    silent = platinum.assign(volume=0.0)
    pd.testing.assert_series_equal(roll_by_volume(silent, 5), roll_before_notice(silent, 5), check_dtype=False)


@pytest.mark.parametrize("rule", [roll_before_notice, roll_by_volume])
def test_the_roll_of_a_day_does_not_depend_on_later_rows(platinum, rule):
    cut = pd.Timestamp("2020-06-15")
    whole, short = rule(platinum), rule(platinum[platinum["date"] <= cut])
    pd.testing.assert_series_equal(whole[:cut], short)
