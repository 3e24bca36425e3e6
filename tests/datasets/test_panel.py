"""The panel serves what was known, and nothing else."""

import numpy as np
import pandas as pd
import pytest

from research import memo
from research.datasets.data import open_data
from research.datasets.panel import Panel
from research.errors import SignalError

from .packs import PRICE, csv, entry, write_pack

MONTHS = pd.date_range("2020-01-31", "2020-12-31", freq="ME").strftime("%Y-%m-%d")
PUBLISHED = '{ rule = "published", column = "published_on", time = "12:00", timezone = "UTC" }'
LAG_40 = '{ rule = "lag", days = 40, time = "12:00", timezone = "UTC" }'


@pytest.fixture
def data(tmp_path):
    flows = [
        ("2020-02-29", 1.0, "2020-03-31"),
        ("2020-02-29", 5.0, "2020-06-15"),
        ("2020-05-31", 2.0, "2020-06-15"),
        ("2020-01-31", 9.0, "2020-07-15"),
        ("2020-05-31", 3.0, "2020-08-31"),
    ]
    monthly = [(month, value) for value, month in enumerate(MONTHS)]
    files = {
        "gold_price.csv": csv([(month, 100 + value) for value, month in enumerate(MONTHS)]),
        "bill_rate.csv": csv([(month, 3.0) for month in MONTHS]),
        "flow.csv": csv(flows, "date,value,published_on"),
        "late.csv": csv(monthly),
        "rare.csv": csv([("2020-01-31", 7.0)]),
    }
    datasets = [
        entry("gold_price", unit="USD per troy ounce", more=PRICE),
        entry("bill_rate", unit="% a year, bond-equivalent"),
        entry("flow", release=PUBLISHED, age=1000),
        entry("late", release=LAG_40),
        entry("rare", age=61),
    ]
    return open_data(write_pack(tmp_path / "pack", datasets, files), bundled=False)


def panel_of(data, **inputs):
    return data.panel("gold", inputs, data.market("gold"))


def test_a_value_is_served_from_its_release_on(data):
    late = panel_of(data, stock="late")["stock"]
    assert np.isnan(late["2020-01-31"])
    assert np.isnan(late["2020-02-29"])
    assert late["2020-03-31"] == 0
    assert late["2020-04-30"] == 1


def test_alias_and_id_name_the_same_series(data):
    panel = panel_of(data, stock="late")
    pd.testing.assert_series_equal(panel["stock"], panel["late"])
    assert "late" in panel
    assert "flow" not in panel


def test_the_newest_period_in_its_newest_vintage_is_served(data):
    flow = panel_of(data, flow="flow")["flow"]
    assert np.isnan(flow["2020-02-29"])
    assert flow["2020-03-31"] == 1
    assert flow["2020-05-31"] == 1
    assert flow["2020-06-30"] == 2
    assert flow["2020-07-31"] == 2, "a late print of an older period does not replace the newest"
    assert flow["2020-08-31"] == 3, "a revision of the newest period does"


def test_native_is_dated_by_known_at_with_the_period_beside_it(data):
    panel = panel_of(data, flow="flow")
    native, rows = panel.native("flow"), panel.observations("flow")
    assert native.index.is_monotonic_increasing
    assert str(native.index.tz) == "UTC"
    assert native.tolist() == rows["value"].tolist() == [1, 5, 2, 9, 3]
    assert rows["observed_for"].dt.month.tolist() == [2, 2, 5, 1, 5]


def test_each_release_sees_the_vintage_of_its_day(data):
    panel = panel_of(data, flow="flow")
    totals = panel.each_release("flow", lambda history: history.sum())
    assert totals.tolist() == [1, 7, 16, 17]
    assert totals.index[1] == pd.Timestamp("2020-06-15 12:00", tz="UTC")
    assert panel.asof(totals)["2020-06-30"] == 7


def test_each_release_hands_over_the_periods_in_order_each_in_its_newest_vintage(data):
    seen = []
    panel_of(data, flow="flow").each_release("flow", lambda history: len(seen.append(history) or seen))
    months = [[(day.month, value) for day, value in history.items()] for history in seen]
    assert months == [[(2, 1)], [(2, 5), (5, 2)], [(1, 9), (2, 5), (5, 2)], [(1, 9), (2, 5), (5, 3)]]
    assert {history.index.name for history in seen} == {"observed_for"}


ASKED = []


def counted(history):
    ASKED.append(len(history))
    return float(history.sum())


@pytest.mark.parametrize(("home", "n_again"), [("research.signals.flows", 1), ("somebody", 4)])
def test_histories_that_agree_so_far_share_what_the_house_makes_of_a_release(data, monkeypatch, home, n_again):
    """A user's own statistic may depend on more than its history, so it is asked anew."""
    monkeypatch.setattr(counted, "__module__", home)
    monkeypatch.setattr(memo, "_numbers", {})
    ASKED.clear()
    panel = panel_of(data, flow="flow")
    true, dataset = panel.observations("flow"), {"flow": data["flow"]}
    other = true.assign(value=[*true["value"][:-1], 30.0])
    first, second = (
        Panel("gold", panel.decision_times, {"flow": "flow"}, dataset, {"flow": table}) for table in (true, other)
    )
    assert first.each_release("flow", counted).tolist() == [1, 7, 16, 17]
    assert len(ASKED) == 4
    assert second.each_release("flow", counted).tolist() == [1, 7, 16, 44]
    assert len(ASKED) == 4 + n_again


def test_a_stale_value_is_nan_and_never_carried_for_ever(data):
    rare = panel_of(data, rare="rare")["rare"]
    assert rare["2020-01-31"] == 7
    assert rare["2020-03-31"] == 7
    assert rare["2020-04-30":].isna().all()


def test_asof_goes_stale_too(data):
    panel = panel_of(data, rare="rare")
    doubled = panel.native("rare") * 2
    assert panel.asof(doubled)["2020-02-29"] == 14
    assert panel.asof(doubled)["2020-04-30":].isna().all()
    assert panel.asof(doubled, max_age="20D")["2020-02-29":].isna().all()


def test_asof_refuses_a_series_dated_by_period(data):
    panel = panel_of(data, rare="rare")
    with pytest.raises(SignalError, match="known_at"):
        panel.asof(panel["rare"])


def test_the_panel_knows_nothing_after_its_last_decision(data):
    market = data.market("gold", end="2020-06")
    panel = data.panel("gold", {"flow": "flow"}, market)
    assert panel.native("flow").index.max() <= panel.decision_times.iloc[-1]
    assert len(panel.observations("flow")) == 3


def test_what_a_strategy_changes_stays_with_the_strategy(data):
    panel = panel_of(data, stock="late", flow="flow")
    before = panel["stock"]
    changed = panel["stock"]
    changed.iloc[:] = 99.0
    table = panel.observations("flow")
    table["value"] = 0.0
    native = panel.native("flow")
    native.iloc[:] = 99.0
    pd.testing.assert_series_equal(panel["stock"], before)
    assert panel.native("flow").tolist() == [1, 5, 2, 9, 3]
    for name in ("metal", "index", "anything"):
        with pytest.raises((SignalError, AttributeError)):
            setattr(panel, name, None)


def test_undeclared_inputs_are_refused(data):
    panel = panel_of(data, stock="late")
    with pytest.raises(SignalError, match="declared inputs; did you mean 'stock'"):
        panel["stok"]
    with pytest.raises(SignalError, match="declared inputs"):
        panel["gold_price"]


def test_dropping_every_later_row_changes_nothing_before(data):
    whole = panel_of(data, flow="flow", stock="late")
    for cut in ("2020-03", "2020-06", "2020-09"):
        market = data.market("gold", end=cut)
        part = data.panel("gold", {"flow": "flow", "stock": "late"}, market)
        for name in ("flow", "stock"):
            pd.testing.assert_series_equal(part[name], whole[name].loc[: part.index[-1]], check_freq=False)


def test_a_value_is_known_at_the_very_moment_of_its_release_and_not_a_microsecond_before(tmp_path):
    """``known_at <= decision``: at equality it is there."""
    moment = panel_of_release(tmp_path / "at", "00:00")
    assert moment["2020-02-29"] == 0
    after = panel_of_release(tmp_path / "after", "00:01")
    assert np.isnan(after["2020-02-29"])


def panel_of_release(folder, time):
    price = 'price = "average"\ndecision = { time = "00:00", timezone = "UTC" }'
    files = {
        "gold_price.csv": csv([(month, 100 + value) for value, month in enumerate(MONTHS)]),
        "bill_rate.csv": csv([(month, 3.0) for month in MONTHS]),
        "stock.csv": csv([(month, value) for value, month in enumerate(MONTHS)]),
    }
    datasets = [
        entry("gold_price", unit="USD per troy ounce", more=price),
        entry("bill_rate", unit="% a year, bond-equivalent"),
        entry("stock", release=f'{{ rule = "lag", days = 29, time = "{time}", timezone = "UTC" }}'),
    ]
    return panel_of(open_data(write_pack(folder, datasets, files), bundled=False), stock="stock")["stock"]
