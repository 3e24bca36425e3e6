"""Append-only: nothing kept is ever lost or overwritten, and a revision is known from its own moment on."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.datasets.plausibility import Plausible, Subject, doubts
from research.datasets.vintages import latest, merge
from research.errors import ValidationError

FIRST = datetime(2024, 6, 1, 12, tzinfo=UTC)


def release(observed_for: pd.Series) -> pd.Series:
    """Known at 16:00 UTC two days after the period."""
    return (observed_for + pd.Timedelta(days=2, hours=16)).dt.tz_localize("UTC")


def frame(values: dict[str, float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"observed_for": pd.to_datetime(list(values)).astype("datetime64[us]"), "value": list(values.values())}
    )


def add(kept, values: dict[str, float], at: datetime = FIRST):
    return merge(kept, frame(values), release=release, retrieved_at=at)


def test_first_history_is_known_by_the_release_rule():
    merged = add(None, {"2024-01-01": 1.0, "2024-01-02": 2.0})
    assert merged.added == 2
    assert list(merged.table.columns) == ["observed_for", "known_at", "value"]
    assert merged.table["known_at"][0] == pd.Timestamp("2024-01-03 16:00", tz="UTC")
    assert str(merged.table["known_at"].dtype) == "datetime64[us, UTC]"


def test_a_revision_is_a_new_row_known_at_retrieval():
    kept = add(None, {"2024-01-01": 1.0, "2024-01-02": 2.0}).table
    later = datetime(2024, 7, 1, tzinfo=UTC)
    merged = add(kept, {"2024-01-01": 1.0, "2024-01-02": 2.5, "2024-01-03": 3.0}, later)
    assert (merged.added, merged.revised) == (1, 1)
    both = merged.table[merged.table["observed_for"] == "2024-01-02"]
    assert both["value"].tolist() == [2.0, 2.5]
    assert both["known_at"].tolist() == [pd.Timestamp("2024-01-04 16:00", tz="UTC"), pd.Timestamp(later)]
    assert latest(merged.table)["value"].tolist() == [1.0, 2.5, 3.0]


def test_a_revision_before_the_release_rule_waits_for_it():
    at = datetime(2024, 1, 1, 20, tzinfo=UTC)
    kept = add(None, {"2024-01-01": 1.0}, at).table
    revised = add(kept, {"2024-01-01": 1.1}, at).table
    assert revised["known_at"].is_monotonic_increasing
    assert revised["known_at"].nunique() == 2
    assert revised["known_at"][1] >= release(revised["observed_for"])[0]


def test_back_and_forth_is_two_revisions():
    table = add(None, {"2024-01-01": 1.0}).table
    for day, value in ((1, 2.0), (2, 1.0)):
        table = add(table, {"2024-01-01": value}, datetime(2024, 7, day, tzinfo=UTC)).table
    assert table["value"].tolist() == [1.0, 2.0, 1.0]


def test_the_same_again_changes_nothing():
    kept = add(None, {"2024-01-01": 1.0, "2024-01-02": 2.0}).table
    merged = add(kept, {"2024-01-01": 1.0 + 1e-13, "2024-01-02": 2.0})
    assert not merged.changed
    assert merged.table is kept


def test_what_the_provider_dropped_stays():
    kept = add(None, {"2024-01-01": 1.0, "2024-01-02": 2.0}).table
    assert len(add(kept, {"2024-01-02": 2.0}).table) == 2


def test_two_rows_of_one_period_are_refused():
    twice = pd.concat([frame({"2024-01-01": 1.0}), frame({"2024-01-01": 2.0})], ignore_index=True)
    with pytest.raises(ValidationError, match="two rows for 2024-01-01"):
        merge(None, twice, release=release, retrieved_at=FIRST)


def test_a_table_is_merged_by_its_key():
    rows = pd.DataFrame(
        {
            "observed_for": pd.to_datetime(["2024-01-01", "2024-01-01"]).astype("datetime64[us]"),
            "contract": ["202403", "202405"],
            "close": [1.0, 2.0],
        }
    )
    first = merge(None, rows, release=release, retrieved_at=FIRST, key=("contract",))
    again = merge(
        first.table,
        rows.assign(close=[1.0, 2.2]),
        release=release,
        retrieved_at=datetime(2024, 8, 1, tzinfo=UTC),
        key=("contract",),
    )
    assert (again.added, again.revised) == (0, 1)
    assert latest(again.table, ("contract",))["close"].tolist() == [1.0, 2.2]


def test_vintages_bring_their_own_known_at():
    fresh = frame({"2024-01-01": 1.0}).assign(known_at=pd.Timestamp("2024-02-01", tz="UTC").as_unit("us"))
    kept = merge(None, fresh, release=release, retrieved_at=FIRST).table
    again = merge(kept, fresh, release=release, retrieved_at=FIRST)
    assert not again.changed
    with pytest.raises(ValidationError, match="already kept"):
        merge(kept, fresh.assign(value=9.0), release=release, retrieved_at=FIRST)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.dictionaries(st.integers(1, 12), st.integers(1, 4), min_size=1), min_size=1, max_size=6))
def test_nothing_kept_is_lost_and_the_past_reads_as_it_did(histories):
    """After any sequence of fetches: old rows survive, and as of each fetch the newest value is what it said."""
    table, said = None, []
    for number, history in enumerate(histories):
        at = datetime(2025, 1, 1 + number, tzinfo=UTC)
        values = {f"2024-01-{day:02d}": float(value) for day, value in history.items()}
        merged = add(table, values, at)
        if table is not None:
            rows = {tuple(row) for row in merged.table.itertuples(index=False)}
            assert {tuple(row) for row in table.itertuples(index=False)} <= rows
        table = merged.table
        said.append((at, values))
    assert not table.duplicated(["observed_for", "known_at"]).any()
    truth: dict[str, float] = {}
    for at, values in said:
        truth |= values
        seen = latest(table[table["known_at"] <= pd.Timestamp(at)])
        shown = dict(zip(seen["observed_for"].dt.strftime("%Y-%m-%d"), seen["value"], strict=True))
        assert shown | truth == shown  # later first-seen periods may show too: their release lies in the past


def prices(n: int = 60) -> pd.DataFrame:
    days = pd.bdate_range("2024-01-01", periods=n).as_unit("us")
    return pd.DataFrame({"observed_for": days, "value": 2000.0 * np.exp(0.01 * np.sin(np.arange(n)))})


def subject(**bounds):
    return Subject(id="x", unit="USD", frequency="", plausible=Plausible(**bounds))


BOUNDS = subject(low=20, high=30000, largest_step=0.35)


def test_true_looking_prices_raise_no_doubt():
    assert doubts(prices(), None, BOUNDS) == []
    assert doubts(prices(), merge(None, prices(40), release=release, retrieved_at=FIRST).table, BOUNDS) == []


@pytest.mark.parametrize("factor", [10.0, 0.1, 100.0])
def test_one_shifted_decimal_point_is_seen(factor):
    spoilt = prices()
    spoilt.loc[30, "value"] *= factor
    assert doubts(spoilt, None, BOUNDS)


def test_a_history_in_another_unit_is_seen_and_named():
    kept = merge(None, prices(), release=release, retrieved_at=FIRST).table
    found = doubts(prices().assign(value=lambda t: t["value"] / 10), kept, BOUNDS)
    assert "factor 0.1" in " ".join(found)


def test_a_shrunken_history_is_seen():
    kept = merge(None, prices(), release=release, retrieved_at=FIRST).table
    assert "only 3 of the 60" in doubts(prices().tail(3), kept, BOUNDS)[0]
    assert doubts(prices().tail(3), kept, BOUNDS, whole_history=False) == []


def test_a_kept_jump_is_not_doubted_for_ever():
    jumped = prices()
    jumped.loc[30:, "value"] *= 2
    kept = merge(None, jumped, release=release, retrieved_at=FIRST).table
    assert doubts(jumped, None, BOUNDS)
    assert doubts(jumped, kept, BOUNDS) == []


def test_negative_rates_are_measured_by_differences():
    rates = prices().assign(value=lambda t: 0.5 * np.sin(np.arange(len(t)) / 9))
    bounds = subject(low=-5, high=25, largest_step=2.5, step="difference")
    assert doubts(rates, None, bounds) == []
    rates.loc[30, "value"] = 7.0
    assert doubts(rates, None, bounds)
