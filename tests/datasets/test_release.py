"""Release rules against dates worked out by hand."""

import pandas as pd
import pytest

from research.datasets.data import open_data
from research.datasets.release import known_at, next_release, overdue, parse_release, period_end
from research.errors import RegistryError, ValidationError
from research.sources.catalog import entry

NEW_YORK = {"time": "16:00", "timezone": "America/New_York"}


def moment(spec, period, published=None, exceptions=None):
    periods = period_end(pd.Series([period]), column="period")
    text = {} if published is None else {"published_on": pd.Series([published])}
    result = known_at(parse_release(spec), periods, text, (exceptions or {}).get)
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
        ({"rule": "lag", "days": 1}, "field 'time' is missing"),
        ({"rule": "lag", "days": -1, **NEW_YORK}, "days -1; give 0 or more"),
        ({"rule": "lag", "dayz": 1, **NEW_YORK}, "unknown field 'dayz'; did you mean 'days'"),
        ({"rule": "business_day", "months_after": 1, **NEW_YORK}, "field 'n' is missing"),
        ({"rule": "lag", "days": 1, "time": "16:00", "timezone": "Mars/Olympus"}, "Mars/Olympus"),
        ([{"rule": "lag", **NEW_YORK}, {"rule": "lag", **NEW_YORK}], "needs `until"),
        ([{"rule": "lag", "until": "2020-01-01", **NEW_YORK}], "no `until`"),
        ({"rule": "published", **NEW_YORK}, "field 'column' is missing"),
        ({"rule": "business_day", **NEW_YORK}, "field 'n' is missing"),
        ({"rule": "calendar_day", "day": 3, "n": 2, **NEW_YORK}, "unknown field 'n'"),
        ({"rule": "published", "column": 3, **NEW_YORK}, "column is 3; give text"),
        ({"rule": "business_day", "n": "2", **NEW_YORK}, "n is '2'; give a whole number"),
        ({"rule": "business_day", "n": 2, "months_after": -1, **NEW_YORK}, "months_after -1; give 0 or more"),
        ({"rule": "calendar_day", "day": True, **NEW_YORK}, "day is True"),
        ({"rule": "calendar_day", "day": 32, **NEW_YORK}, "from 1 to 31"),
        ({"rule": "weekly", "weekday": "fridy", **NEW_YORK}, "did you mean 'friday'"),
        ({"rule": "lag", "days": 1, "business_days": 1, **NEW_YORK}, "not both"),
        ({"rule": "lag", "business_days": 1, "calendar": "USA", **NEW_YORK}, "'USA'"),
        ([{"rule": "lag", "until": "soon", **NEW_YORK}, {"rule": "lag", **NEW_YORK}], "'soon' is no date"),
        ({"rule": "lag", "days": 1, "time": 1600, "timezone": "UTC"}, "time is 1600; give text"),
    ],
)
def test_a_broken_rule_is_refused(spec, says):
    with pytest.raises(RegistryError, match=says):
        parse_release(spec)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"rule": "business_day", "n": 1, "months_after": 1}, "the 1st business day (US) of the next month"),
        ({"rule": "business_day", "n": 22, "months_after": 2}, "the 22nd business day (US) of the 2nd month after"),
        ({"rule": "calendar_day", "day": 3}, "the 3rd of the same month"),
        ({"rule": "calendar_day", "day": 12, "months_after": 3}, "the 12th of the 3rd month after"),
        ({"rule": "lag"}, "the same day"),
        ({"rule": "lag", "days": 1}, "1 day later"),
        ({"rule": "lag", "days": 2}, "2 days later"),
        ({"rule": "lag", "business_days": 1}, "1 business day (US) later"),
        ({"rule": "weekly"}, "the Friday after"),
        ({"rule": "published", "column": "on"}, "on its own publication date"),
    ],
)
def test_a_rule_says_what_it_does(spec, says):
    (rule,) = parse_release({**spec, **NEW_YORK})
    assert rule.describe() == f"{says}, 16:00 America/New_York"


def test_each_regime_reads_its_own_publication_column():
    spec = [
        {"rule": "published", "column": "first_print", **NEW_YORK, "until": "2020-12-31"},
        {"rule": "published", "column": "posted", **NEW_YORK},
    ]
    periods = period_end(pd.Series(["2020Q4", "2021Q1"]), column="period")
    columns = {"first_print": pd.Series(["2021-02-01", "x"]), "posted": pd.Series(["y", "2021-05-03"])}
    got = known_at(parse_release(spec), periods, columns, {}.get)
    assert got.dt.strftime("%Y-%m-%d").tolist() == ["2021-02-01", "2021-05-03"]


def test_periods_end_on_their_last_day():
    text = pd.Series(["2011Q2", "2011-02", "2012", "2011-04-15"])
    got = period_end(text, column="period").dt.strftime("%Y-%m-%d").tolist()
    assert got == ["2011-06-30", "2011-02-28", "2012-12-31", "2011-04-15"]


@pytest.mark.parametrize("bad", ["2011Q5", "15/04/2011", "2011-13", ""])
def test_a_period_that_is_none_is_refused(bad):
    with pytest.raises(ValidationError, match="period"):
        period_end(pd.Series([bad]), column="period")


def test_a_lag_in_business_days_from_a_weekend_counts_from_the_friday_before():
    """Two business days after a Saturday are Tuesday: rolled forward first, they would be Wednesday."""
    spec = {"rule": "lag", "business_days": 2, "calendar": "US", **NEW_YORK}
    for day in ("2025-08-09", "2025-08-10"):
        assert moment(spec, day) == pd.Timestamp("2025-08-12 16:00", tz="America/New_York")
    assert moment(spec, "2025-08-08") == pd.Timestamp("2025-08-12 16:00", tz="America/New_York")


def test_the_hour_that_comes_twice_at_the_end_of_summer_time_is_the_later_one():
    spec = {"rule": "lag", "days": 1, "time": "01:30", "timezone": "America/New_York"}
    assert moment(spec, "2025-11-01") == pd.Timestamp("2025-11-02 06:30", tz="UTC")


@pytest.mark.parametrize(
    ("identity", "last", "due"),
    [
        ("gold_price", "2026-07-31", "2026-09-02 16:00"),  # second business day of September
        ("bill_rate_daily", "2026-11-20", "2026-11-25 09:00"),  # Monday's bill, two business days later
        ("cot_gold", "2026-11-10", "2026-11-20 15:30"),  # the Tuesday after, its Friday
    ],
)
def test_next_release(identity, last, due):
    one = entry(identity)
    moment = next_release(one.rules, one.frequency, pd.Timestamp(last))
    assert moment == pd.Timestamp(due, tz="America/New_York").tz_convert("UTC")


def test_overdue_and_not_yet():
    dataset = open_data()["gold_price"]
    last = pd.Timestamp("2026-07-31")
    timetable = dataset.release, dataset.frequency, last
    assert overdue(*timetable, pd.Timestamp("2026-09-02 12:00", tz="UTC")) == pd.Timedelta(0)
    assert overdue(*timetable, pd.Timestamp("2026-11-23", tz="UTC")).days == 81


def test_what_has_no_timetable_is_never_overdue():
    dataset = open_data()["central_bank_net_purchases"]
    timetable = dataset.release, dataset.frequency, pd.Timestamp("2020-12-31")
    assert next_release(*timetable) is None
    assert not overdue(*timetable, pd.Timestamp("2026-11-23", tz="UTC"))
