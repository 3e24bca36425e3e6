"""Release rules against dates worked out by hand."""

import pandas as pd
import pytest

from research.datasets.periods import period_end
from research.datasets.release import known_at, parse_release
from research.errors import RegistryError, ValidationError

NEW_YORK = {"time": "16:00", "timezone": "America/New_York"}


def moment(spec, period, published=None, exceptions=None):
    periods = period_end(pd.Series([period]), column="period")
    text = None if published is None else pd.Series([published])
    result = known_at(parse_release(spec, "here"), periods, text, exceptions or {})
    return result.iloc[0]


def test_second_business_day_skips_new_year_and_the_weekend():
    spec = {"rule": "business_day", "n": 2, "months_after": 1, "calendar": "US", **NEW_YORK}
    assert moment(spec, "2022-12") == pd.Timestamp("2023-01-04 16:00", tz="America/New_York")


def test_london_vaults_are_known_on_the_published_day():
    spec = {"rule": "business_day", "n": 5, "months_after": 1, "calendar": "GB", "time": "09:00"}
    got = moment({**spec, "timezone": "Europe/London"}, "2025-10")
    assert got == pd.Timestamp("2025-11-07 09:00", tz="Europe/London")


def test_calendar_day_counts_sundays():
    spec = {"rule": "calendar_day", "day": 7, "months_after": 1, "time": "09:00", "timezone": "Asia/Shanghai"}
    assert moment(spec, "2025-11") == pd.Timestamp("2025-12-07 01:00", tz="UTC")


def test_calendar_day_beyond_the_month_means_its_last():
    spec = {"rule": "calendar_day", "day": 31, "months_after": 1, **NEW_YORK}
    assert moment(spec, "2025-01").tz_convert("America/New_York").date().isoformat() == "2025-02-28"


def test_lag_in_business_days_starts_from_the_day_before_a_weekend():
    spec = {"rule": "lag", "business_days": 2, "calendar": "US", **NEW_YORK}
    assert moment(spec, "2025-07-03") == pd.Timestamp("2025-07-08 16:00", tz="America/New_York")


def test_positions_of_tuesday_are_known_on_friday_and_later_in_a_shutdown():
    spec = {"rule": "weekly", "weekday": "friday", "calendar": "US", "exceptions": "late.csv"}
    spec |= {"time": "15:30", "timezone": "America/New_York"}
    late = pd.DataFrame({"observed_for": ["2025-09-30"], "known_at": ["2025-11-19"]}).astype("datetime64[us]")
    usual = moment(spec, "2025-09-23", exceptions={"late.csv": late})
    delayed = moment(spec, "2025-09-30", exceptions={"late.csv": late})
    assert usual == pd.Timestamp("2025-09-26 15:30", tz="America/New_York")
    assert delayed == pd.Timestamp("2025-11-19 15:30", tz="America/New_York")


def test_a_weekly_release_on_a_holiday_moves_to_the_next_business_day():
    spec = {"rule": "weekly", "weekday": "friday", "calendar": "US", **NEW_YORK}
    assert moment(spec, "2025-07-01").tz_convert("America/New_York").date().isoformat() == "2025-07-07"


def test_a_published_month_means_its_last_day():
    spec = {"rule": "published", "column": "published_on", **NEW_YORK}
    assert moment(spec, "2010Q3", published="2011-02").date().isoformat() == "2011-02-28"
    assert moment(spec, "2010Q3", published="2011-11-17").date().isoformat() == "2011-11-17"


def test_regimes_follow_the_period():
    spec = [
        {"rule": "lag", "days": 90, **NEW_YORK, "until": "2020-07-31"},
        {"rule": "lag", "days": 7, **NEW_YORK},
    ]
    assert moment(spec, "2020-07").date().isoformat() == "2020-10-29"
    assert moment(spec, "2020-08").date().isoformat() == "2020-09-07"


def test_time_of_day_orders_shanghai_before_london():
    shanghai = {"rule": "lag", "days": 0, "time": "14:15", "timezone": "Asia/Shanghai"}
    london = {"rule": "lag", "days": 0, "time": "10:30", "timezone": "Europe/London"}
    assert moment(shanghai, "2025-10-09") < moment(london, "2025-10-09")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (None, "no release rule"),
        ({}, "no release rule"),
        ({"rule": "someday", **NEW_YORK}, "unknown release rule"),
        ({"rule": "lag", "days": 1}, "needs `time`"),
        ({"rule": "lag", "days": -1, **NEW_YORK}, "before its period ends"),
        ({"rule": "lag", "dayz": 1, **NEW_YORK}, "no key 'dayz'; did you mean 'days'"),
        ({"rule": "business_day", "months_after": 1, **NEW_YORK}, "needs `n`"),
        ({"rule": "lag", "days": 1, "time": "16:00", "timezone": "Mars/Olympus"}, "Mars/Olympus"),
        ([{"rule": "lag", **NEW_YORK}, {"rule": "lag", **NEW_YORK}], "needs `until"),
        ([{"rule": "lag", "until": "2020-01-01", **NEW_YORK}], "no `until`"),
        ({"rule": "published", **NEW_YORK}, "needs `column`"),
    ],
)
def test_a_broken_rule_is_refused(spec, says):
    with pytest.raises(RegistryError, match=says):
        parse_release(spec, "here")


def test_periods_end_on_their_last_day():
    text = pd.Series(["2011Q2", "2011-02", "2012", "2011-04-15"])
    got = period_end(text, column="period").dt.strftime("%Y-%m-%d").tolist()
    assert got == ["2011-06-30", "2011-02-28", "2012-12-31", "2011-04-15"]


@pytest.mark.parametrize("bad", ["2011Q5", "15/04/2011", "2011-13", ""])
def test_a_period_that_is_none_is_refused(bad):
    with pytest.raises(ValidationError, match="period"):
        period_end(pd.Series([bad]), column="period")
