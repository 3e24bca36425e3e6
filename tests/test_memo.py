"""Shared work: computed once for each panel, never wrong, never mixed up between panels."""

import gc
import weakref

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research import memo as memo_module
from research import open_data
from research.memo import Memo, shared
from research.signals.series import drawdown_from_high, hold_after, trailing_zscore

DATES = pd.date_range("2001-01-01", periods=60, freq="D")
CALLS: list[tuple] = []


@shared
def scaled(series, factor=1.0, power=1):
    CALLS.append((factor, power))
    return series * factor**power


@pytest.fixture(autouse=True)
def _no_calls():
    CALLS.clear()


def series(seed=0):
    return pd.Series(np.random.default_rng(seed).normal(size=60), index=DATES, name="x")


@pytest.fixture(scope="module")
def panel():
    data = open_data()
    market = data.market("silver", "1990", None)
    return data.panel("silver", {"lease": "silver_lease_rate"}, market)


def test_equal_content_is_computed_once_and_only_inside_a_memo():
    with Memo().active():
        first, again = scaled(series(), 2.0), scaled(series(), 2.0)
    assert len(CALLS) == 1
    pd.testing.assert_series_equal(first, again)
    pd.testing.assert_series_equal(scaled(series(), 2.0), first)
    assert len(CALLS) == 2


@pytest.mark.parametrize(
    "other",
    [
        lambda: scaled(series(), 2),
        lambda: scaled(series(), True),
        lambda: scaled(series(), power=2.0),
        lambda: scaled(series(1), 2.0),
        lambda: scaled(series().rename("y"), 2.0),
        lambda: scaled(series().shift(1), 2.0),
        lambda: scaled(series().set_axis(DATES + pd.Timedelta("1D")), 2.0),
        lambda: scaled(series().astype("float32"), 2.0),
        lambda: scaled(series().iloc[::-1], 2.0),
        lambda: scaled(series().iloc[:59], 2.0),
        lambda: scaled(series().tz_localize("UTC"), 2.0),
    ],
)
def test_anything_that_differs_is_computed_again(other):
    with Memo().active():
        scaled(series(), 2.0)
        other()
    assert len(CALLS) == 2


def test_what_callers_change_is_their_own():
    x = series()
    with Memo().active():
        mine = scaled(x, 2.0)
        mine.iloc[0] = 1e9
        mine[mine < 0] = 0.0
        again = scaled(x, 2.0)
        pd.testing.assert_series_equal(again, x * 2.0)
        again.index = again.index + pd.Timedelta("1D")
        pd.testing.assert_series_equal(scaled(x, 2.0), x * 2.0)
        with pytest.raises(ValueError, match="read-only"):
            scaled(x, 2.0).to_numpy()[0] = 5.0


def test_an_argument_changed_in_place_is_another_argument():
    x = series()
    with Memo().active():
        scaled(x, 2.0)
        x.iloc[3] = 99.0
        pd.testing.assert_series_equal(scaled(x, 2.0), x * 2.0)
        kept = scaled(x, 1.0)
        before = scaled(kept, 3.0)
        kept.iloc[5] = -1.0
        pd.testing.assert_series_equal(scaled(kept, 3.0), kept * 3.0)
        assert before.iloc[5] != -3.0


def test_a_memo_that_is_full_starts_again_and_stays_right(monkeypatch):
    monkeypatch.setattr(memo_module, "MAX_BYTES", 2_000)
    memo = Memo()
    with memo.active():
        for round_ in range(3):
            base = scaled(series(), 1.0)
            for factor in (1.5, 2.5, 3.5, 4.5, 5.5):
                pd.testing.assert_series_equal(scaled(base, factor), series() * factor)
            assert len(memo) <= 4, round_
    assert len(CALLS) > 6


def test_what_cannot_be_told_is_simply_computed():
    seen = []

    @shared
    def applied(x, function):
        seen.append(function)
        return x.map(function)

    with Memo().active():
        applied(series(), lambda value: value + 1)
        result = applied(series(), lambda value: value + 2)
    pd.testing.assert_series_equal(result, series() + 2)
    assert len(seen) == 2


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=12))
def test_any_program_of_shared_functions_gives_what_it_gives_without(steps):
    def play():
        pool = [series(0), series(1)]
        for kind, of, how in steps:
            x = pool[of % len(pool)]
            if kind == 0:
                pool.append(trailing_zscore(x, f"{10 + how}D", min_observations=3))
            elif kind == 1:
                pool.append(drawdown_from_high(x.abs() + 1, f"{5 + how}D"))
            elif kind == 2:
                pool.append(hold_after(x > how / 2, f"{3 + how}D"))
            elif kind == 3:
                changed = pool[of % len(pool)]
                changed.iloc[how] = float(how)
            else:
                pool.append(x.shift(how))
        return pool

    plain = play()
    with Memo().active():
        remembered = play()
    for one, other in zip(plain, remembered, strict=True):
        pd.testing.assert_series_equal(one, other)


def test_a_panel_serves_the_same_values_and_keeps_them_to_itself(panel):
    moment = panel.decision_times.iloc[200]
    blind = panel.forgetting(moment)
    with panel.memo.active():
        score = trailing_zscore(panel["lease"], "1826D")
    with blind.memo.active():
        assert len(blind.memo) == 0
        other = trailing_zscore(blind["lease"], "1826D")
    assert panel.memo is not blind.memo
    assert score.iloc[100:200].notna().any()
    assert other.iloc[:200].isna().all()
    pd.testing.assert_series_equal(trailing_zscore(panel["lease"], "1826D"), score)
    spoiled = panel["lease"]
    spoiled.iloc[:] = 0.0
    assert (panel["lease"].dropna() != 0).any()
    known = panel.asof(panel.native("lease"))
    known.iloc[:] = 0.0
    assert (panel.asof(panel.native("lease")).dropna() != 0).any()


def test_panels_of_one_set_of_data_share_a_memo_where_they_decide_at_the_same_moments():
    data, inputs = open_data(user=False), {"lease": "silver_lease_rate"}
    panel, other = (data.panel("silver", ids, data.market("silver")) for ids in (inputs, {"price": "silver_price"}))
    assert panel.memo is other.memo
    assert data.panel("silver", inputs, data.market("silver", None, "2020")).memo is not panel.memo
    assert panel.forgetting(panel.decision_times.iloc[5]).memo is not panel.memo
    for apart in (open_data(user=False), data.known_by(pd.Timestamp("2024-01-31", tz="UTC"))):
        assert apart.panel("silver", inputs, apart.market("silver")).memo is not panel.memo
    series = pd.Series([1.0], index=panel.native("lease").index[:1], name="no dataset")
    assert panel.asof(series).count() < other.asof(series).count(), "a series of no dataset lives as long as the inputs"


def test_the_memo_dies_with_its_data():
    data = open_data()
    panel = data.panel("silver", {"lease": "silver_lease_rate"}, data.market("silver", "1990", None))
    with panel.memo.active():
        kept = weakref.ref(trailing_zscore(panel["lease"], "1826D"))
    ours = weakref.ref(panel.memo._kept[next(iter(panel.memo._kept))])
    assert kept() is None
    assert ours() is not None
    del panel, data
    gc.collect()
    assert ours() is None


def test_hold_after_by_its_definition():
    rng = np.random.default_rng(3)
    event = pd.Series(rng.random(60) < 0.1, index=DATES)
    held = hold_after(event, "5D")
    for date in DATES:
        expected = any(flag and when <= date < when + pd.Timedelta("5D") for when, flag in event.items())
        assert held[date] == float(expected)
    patchy = event.astype(object).where(rng.random(60) < 0.8)
    pd.testing.assert_series_equal(hold_after(patchy, "5D"), hold_after(patchy.fillna(False).astype(bool), "5D"))
    assert hold_after(event.tz_localize("UTC"), "5D").to_numpy().tolist() == held.to_numpy().tolist()
