"""What strategies want now, against the tables by hand; stale data are said and nothing is guessed."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from research import UNKNOWN, hold_while
from research.claims import load_thesis
from research.datasets.data import open_data
from research.errors import NoData, SignalError
from research.report.terminal import print_today
from research.study import today
from tests.copper.made_up import copper


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return copper(tmp_path_factory.mktemp("today") / "thesis")


@pytest.fixture(scope="module")
def thesis(folder):
    return load_thesis(folder)


@pytest.fixture(scope="module")
def data(folder):
    return open_data(folder, bundled=False)


def by_hand(data, now):
    """Fall of the newest known stock from its year's high, and since when it is a tenth or not."""
    table = data.observations("copper_stock")
    table = table[table["known_at"] <= now].set_index("known_at")["value"]
    falls = 1 - table / table.rolling("365D", min_periods=2).max()
    return falls.dropna()


@pytest.mark.parametrize("day", ["2010-03-05", "2014-08-25", "2021-02-05"])
def test_the_position_rests_on_the_newest_number_that_was_known(thesis, data, day):
    now = pd.Timestamp(day, tz="UTC")
    (want,) = today(["drained"], data, now=now, thesis=thesis).wants
    falls = by_hand(data, now)
    assert want.stale == ()
    assert want.number == pytest.approx(falls.iloc[-1])
    assert (want.threshold, want.sign) == (0.1, 1)
    assert want.position == float(falls.iloc[-1] > 0.1)
    (reading,) = want.inputs
    assert reading.known_at == falls.index[-1] <= now
    following = reading.observed_for + pd.offsets.MonthEnd(1) + pd.Timedelta(days=20, hours=12)
    assert reading.next_release == want.may_change == following.tz_localize("UTC")
    wanted = falls > 0.1
    changed = wanted.index[(wanted != wanted.iloc[-1]).to_numpy().nonzero()[0][-1] + 1]
    assert want.since is not None
    assert abs(want.since.tz_localize("UTC") - changed) < pd.Timedelta(days=32), (
        "the first bar after the change was known"
    )


def test_stale_data_are_said_first_and_nothing_is_guessed(thesis, data, capsys):
    (want,) = (found := today(["drained"], data, now="2021-06-01", thesis=thesis)).wants
    assert want.stale == ("copper_stock",)
    assert (want.position, want.since, want.may_change) == (None, None, None)
    print_today(found)
    out = capsys.readouterr().out
    assert out.startswith("stale: copper_stock ends 2020-12-31; newer data have been out for 100 days")
    assert "not known" in out
    json.dumps(found.to_json(), allow_nan=False)


def test_before_anything_was_known_there_is_no_answer(thesis, data):
    with pytest.raises(NoData):
        today(["drained"], data, now="1990-01-01", thesis=thesis)


def test_nothing_later_is_seen(thesis, data):
    early = today(["drained"], data, now="2012-05-15", thesis=thesis)
    again = today(["drained"], data.known_by(pd.Timestamp("2012-05-15", tz="UTC")), now="2012-05-15", thesis=thesis)
    assert early.to_json() == again.to_json()


DAYS = pd.date_range("2020-01-01", periods=8, freq="D")
NAN = float("nan")


def test_unknown_is_not_no_and_a_hold_goes_on_through_it():
    number = pd.Series([NAN, 1.0, 3.0, NAN, NAN, NAN, 1.0, NAN], index=DAYS)
    plain = hold_while(number, above=2.0)
    assert plain.tolist()[1:] == [0.0, 1.0, UNKNOWN, UNKNOWN, UNKNOWN, 0.0, UNKNOWN]
    assert plain.isna().tolist() == [True] + [False] * 7
    held = hold_while(number, above=2.0, hold_days=2)
    assert held.tolist()[1:] == [0.0, 1.0, 1.0, UNKNOWN, UNKNOWN, 0.0, UNKNOWN]
    assert hold_while(number, below=2.0).tolist()[1:3] == [1.0, 0.0]


def test_exactly_one_threshold_is_given():
    number = pd.Series(1.0, index=DAYS)
    for wrong in ({}, {"above": 1.0, "below": 1.0}):
        with pytest.raises(SignalError, match="one threshold"):
            hold_while(number, **wrong)
