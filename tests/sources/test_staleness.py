"""Age is measured by the dataset's own timetable."""

from __future__ import annotations

import pandas as pd
import pytest

from research.datasets.data import open_data
from research.datasets.staleness import next_release, staleness
from research.sources.catalog import entry


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
    early = staleness(dataset, last, pd.Timestamp("2026-09-02 12:00", tz="UTC"))
    late = staleness(dataset, last, pd.Timestamp("2026-11-23", tz="UTC"))
    assert (early.overdue, early.last) == (pd.Timedelta(0), last)
    assert late.overdue.days == 81


def test_what_has_no_timetable_is_never_overdue():
    dataset = open_data()["central_bank_net_purchases"]
    found = staleness(dataset, pd.Timestamp("2020-12-31"), pd.Timestamp("2026-11-23", tz="UTC"))
    assert found.next_due is None
    assert not found.overdue
