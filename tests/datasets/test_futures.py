import pandas as pd
import pytest

from research.datasets.futures import clean_futures, first_notice, last_holding_day, roll_before_notice
from research.errors import NoData, ValidationError
from tests.tools.spreads import with_conditions

from .contracts import COPPER_MONTHS, PLATINUM_MONTHS, futures_table


@pytest.fixture(scope="module")
def platinum():
    return futures_table(PLATINUM_MONTHS)


def at(table, date, contract):
    return table.index[(table["date"] == date) & (table["contract"] == contract)][0]


def dropped(table, clean):
    kept = set(zip(clean["date"].dt.strftime("%Y-%m-%d"), clean["contract"], strict=True))
    return sorted(set(zip(table["date"].dt.strftime("%Y-%m-%d"), table["contract"], strict=True)) - kept)


def test_a_clean_table_is_left_alone(platinum):
    clean, ordered = clean_futures(platinum), platinum.sort_values(["date", "contract"], ignore_index=True)
    pd.testing.assert_frame_equal(clean, ordered[clean.columns], check_dtype=False)


def test_each_planted_fault_is_dropped_and_nothing_else(platinum):
    table = platinum.copy()
    table.loc[at(table, "2020-03-03", "202007"), "high"] = 1.0
    table.loc[at(table, "2020-03-03", "202010"), "low"] = 9999.0
    table.loc[at(table, "2020-03-04", "202007"), "close"] = 0.0
    table.loc[at(table, "2020-03-06", "202004"), ["open", "high", "low", "close"]] *= 1.2
    twice = table.loc[[at(table, "2020-03-09", "202007")]]
    conflict = table.loc[[at(table, "2020-03-10", "202007")]].assign(volume=7.0)
    clean = clean_futures(pd.concat([table, twice, conflict]))
    assert dropped(table, clean) == [
        ("2020-03-03", "202007"),  # a high below its close
        ("2020-03-03", "202010"),  # a low above it
        ("2020-03-04", "202007"),  # no price
        ("2020-03-10", "202007"),  # two rows that contradict each other; the repeated one of the 9th is kept once
    ]
    assert not clean.duplicated(["date", "contract"]).any()


def test_a_contract_without_volume_on_a_day_with_some_did_not_trade(platinum):
    table = platinum.copy()
    table.loc[at(table, "2020-03-05", "202010"), "volume"] = 0
    kept = with_conditions(table).set_index(["date", "contract"])["traded"]
    assert not kept[("2020-03-05", "202010")]
    assert (~kept).sum() == (platinum["volume"] == 0).sum() + 1


def test_a_settlement_left_standing_while_the_others_moved_is_dropped(platinum):
    day, before = pd.Timestamp("2020-03-12"), pd.Timestamp("2020-03-11")
    table = platinum.copy()
    table.loc[(table["date"] >= day), ["open", "high", "low", "close"]] *= 1.03
    stale = at(table, day, "202010")
    table.loc[stale, ["open", "high", "low", "close"]] = table.loc[
        at(table, before, "202010"), ["open", "high", "low", "close"]
    ]
    assert dropped(table, clean_futures(table)) == [("2020-03-12", "202010")]


def test_a_limit_day_is_flagged_in_the_contracts_that_it_held(platinum):
    day, before = "2020-03-12", "2020-03-11"
    table = platinum.copy()
    for contract in ("202007", "202010", "202101"):
        close = table.loc[at(table, before, contract), "close"] - 50.0
        table.loc[at(table, day, contract), ["open", "high", "low", "close"]] = close
    locked = with_conditions(table).query("locked")
    assert list(locked["contract"]) == ["202007", "202010", "202101"]
    assert set(locked["date"]) == {pd.Timestamp(day)}


def test_without_any_recorded_volume_nothing_is_called_untraded(platinum):
    assert with_conditions(platinum.assign(volume=0))["traded"].isna().all()


def test_cleaning_a_shorter_history_gives_the_same_rows(platinum):
    table = platinum.copy()
    table.loc[at(table, "2020-03-12", "202010"), "close"] *= 1.3
    cut = pd.Timestamp("2020-03-31")
    whole, short = with_conditions(table), with_conditions(table[table["date"] <= cut])
    pd.testing.assert_frame_equal(whole[whole["date"] <= cut].reset_index(drop=True), short)


@pytest.mark.parametrize("contract", ["2025", "202513", "DEC25"])
def test_a_contract_that_is_no_month_is_refused(platinum, contract):
    with pytest.raises(ValidationError, match="YYYYMM"):
        clean_futures(platinum.head(3).assign(contract=contract))


def test_a_missing_column_is_named(platinum):
    with pytest.raises(ValidationError, match="'volume'"):
        clean_futures(platinum.drop(columns="volume"))


def test_first_notice_against_dates_read_off_a_calendar():
    notice = first_notice([202512, "202404", "202403", 202512])
    assert list(notice.index) == ["202403", "202404", "202512"]
    assert notice["202512"] == pd.Timestamp("2025-11-28")  # Friday after Thanksgiving
    assert notice["202404"] == pd.Timestamp("2024-03-28")  # the 29th was Good Friday
    assert notice["202403"] == pd.Timestamp("2024-02-29")
    assert last_holding_day(["202512"], 5)["202512"] == pd.Timestamp("2025-11-20")  # the 27th is a holiday
    with pytest.raises(NoData):
        first_notice([])


def test_a_holiday_that_nobody_could_know_moves_no_date():
    # the exchange closed on 29 and 30 October 2012 for a hurricane, and on 5 December 2018 in mourning
    assert last_holding_day(["201211", "201812"], 2)["201211"] == pd.Timestamp("2012-10-29")
    assert first_notice(["201211", "201812"])["201211"] == pd.Timestamp("2012-10-31")


@pytest.mark.parametrize("months", [PLATINUM_MONTHS, COPPER_MONTHS])
def test_no_contract_is_held_into_delivery_or_backwards(months):
    table = futures_table(months)
    held = roll_before_notice(table, 5)
    assert (held.index <= held.map(last_holding_day(held.unique(), 5))).all()
    assert (held.index < held.map(first_notice(held.unique()))).all()
    assert held.is_monotonic_increasing
    assert held.index.equals(pd.DatetimeIndex(sorted(table["date"].unique())))


def test_the_notice_rule_holds_the_nearest_contract_to_its_last_day(platinum):
    held = roll_before_notice(platinum, 5)
    # first notice of April 2020 is 31 March; five business days before is 24 March
    assert held["2020-03-24"] == "202004"
    assert held["2020-03-25"] == "202007"
    with pytest.raises(ValidationError, match="in delivery"):
        roll_before_notice(platinum, 0)


def test_the_roll_of_a_day_does_not_depend_on_later_rows(platinum):
    cut = pd.Timestamp("2020-06-15")
    whole, short = roll_before_notice(platinum), roll_before_notice(platinum[platinum["date"] <= cut])
    pd.testing.assert_series_equal(whole[:cut], short)
