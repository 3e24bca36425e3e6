"""Every trial is counted, by any number of processes, and no ledger ever stops a run."""

import json
import sqlite3
import subprocess
import sys
import zlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from research import backtest, compare, open_data, strategy
from research.cli import main
from research.diagnostics.timing import Numbers
from research.ledger import Entry, Ledger, Series
from tests.zoo import enclosure

ENTRY = Entry(
    kind="chosen", strategy="idea", source="aa", metal="gold", parameters={"n": 1}, label="idea/gold/n=1", prices="p"
)

WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from research.ledger import Entry, Ledger

ledger, who = Ledger(Path(sys.argv[1])), sys.argv[2]
entry = Entry(kind="chosen", strategy=who, source="s", metal="gold", parameters={}, label="", prices="p")
for number in range(60):
    pair = [replace(entry, label=f"{who}/{number}"), replace(entry, kind="sweep", label=f"sweep/{number}")]
    problem = ledger.record(pair)
    assert not problem, problem
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return open_data(enclosure.monthly_pack(tmp_path_factory.mktemp("ledger") / "pack"), bundled=False)


@strategy(
    claim="The price goes on rising.",
    metal=("gold", "silver"),
    inputs={"price": "{metal}_price"},
    expected_sign=+1,
    grid={"months": [6, 12]},
)
def momentum(panel, months=12):
    price = panel["price"]
    return (price > price.shift(months)).astype(float).where(price.shift(months).notna())


SERIES = Series(
    key="k",
    prices="p",
    year=12.0,
    label="idea/gold/n=1",
    numbers=Numbers(np.arange(9.0), -np.arange(9.0), 7),
    dates=pd.date_range("2000-01-31", periods=5, freq="ME").as_unit("ns").asi8,
    timing=np.arange(10, dtype=np.float32).reshape(2, 5),
)


def test_what_is_written_is_read_again(tmp_path):
    ledger = Ledger(tmp_path / "new" / "trials.sqlite")
    assert ledger.kept(["p"], 12) == ({}, "")
    assert ledger.record([ENTRY]) == ""
    (found,) = ledger.entries()
    assert replace(found, at="") == ENTRY
    assert pd.Timestamp(found.at).tz is not None
    assert ledger.keep([SERIES]) == ledger.keep([SERIES]) == ""
    kept, problem = ledger.kept(["p", "q"], 12)
    assert problem == ""
    (numbers,) = kept.values()
    assert numbers.events == 7
    np.testing.assert_array_equal(numbers.supporting, SERIES.numbers.supporting)
    np.testing.assert_array_equal(numbers.opposing, SERIES.numbers.opposing)
    assert ledger.kept(["q"], 12) == ({}, "")
    assert ledger.kept(["p"], 252) == ({}, ""), "another frequency is not mixed in"
    with sqlite3.connect(ledger.file) as connection:
        dates, timing = map(zlib.decompress, connection.execute("SELECT dates, timing FROM series").fetchone())
    np.testing.assert_array_equal(np.cumsum(np.frombuffer(dates, "<i8")), SERIES.dates)
    np.testing.assert_array_equal(np.frombuffer(timing, "<f4").reshape(2, -1), SERIES.timing)


def test_a_trial_is_written_each_time_and_points_of_a_grid_are_not_listed(tmp_path):
    ledger = Ledger(tmp_path / "trials.sqlite")
    for _ in range(2):
        ledger.record([ENTRY, replace(ENTRY, kind="grid", label="idea/gold/n=2"), replace(ENTRY, kind="sweep")])
    assert [entry.kind for entry in ledger.entries()] == ["chosen", "sweep", "chosen", "sweep"]
    assert [entry.kind for entry in ledger.entries(last=1)] == ["sweep"]


def test_processes_that_write_at_once_lose_nothing(tmp_path):
    file = tmp_path / "trials.sqlite"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(file), name], stderr=subprocess.PIPE) for name in "abc"
    ]
    for writer in writers:
        _, said = writer.communicate(timeout=120)
        assert writer.returncode == 0, said.decode()
    ledger = Ledger(file)
    assert len(ledger.entries()) == 360
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("content", [None, b"this is no database, but long enough to be taken for one" * 40])
def test_a_ledger_that_fails_is_one_line_and_no_error(tmp_path, content):
    blocked = tmp_path / "file"
    blocked.write_bytes(content or b"")
    ledger = Ledger(blocked if content else blocked / "trials.sqlite")
    problem = ledger.record([ENTRY])
    assert "could not be written" in problem
    assert "\n" not in problem
    assert "could not be" in ledger.keep([SERIES])
    assert ledger.kept(["p"], 12)[0] == {}


def test_a_fresh_ledger_counts_the_declared_grid_and_a_second_idea_adds_to_it(data):
    first = compare([momentum], data)
    assert first.manifest["trials"] == {"declared": 4, "recorded_before": 0, "counted": 4, "status": "recorded"}
    again = compare([momentum], data)
    assert again.manifest["trials"]["counted"] == 4, "running it again is no new trial"

    tried = backtest(momentum, data, metal="gold", months=3)
    assert tried.parameters["months"] == 3
    counted = compare([momentum], data).manifest["trials"]
    assert (counted["declared"], counted["recorded_before"]) == (4, 1)
    earlier = compare([momentum], data, end="2018").manifest["trials"]
    assert earlier["recorded_before"] == 5, "another period is another trial"
    kept, _ = Ledger().kept([data["gold_price"].sha256, data["silver_price"].sha256], 12)
    assert len(kept) == 9


def test_other_prices_are_other_data(data, tmp_path):
    backtest(momentum, data, metal="gold", months=3)
    elsewhere = open_data(enclosure.monthly_pack(tmp_path / "other", seed=4), bundled=False)
    assert compare([momentum], elsewhere).manifest["trials"]["recorded_before"] == 0


def test_without_a_ledger_nothing_is_written_and_the_result_says_so(data):
    study = compare([momentum], data, ledger=None)
    assert study.manifest["trials"]["status"] == "not recorded (--no-ledger)"
    assert Ledger().entries() == []


def test_what_was_tried_raises_the_p_that_decides_for_ones_own(data):
    before = backtest(momentum, data, metal="gold")
    for months in (1, 2, 3, 4, 5):
        backtest(momentum, data, metal="gold", months=months)
    after = backtest(momentum, data, metal="gold")
    assert before.evidence.decided_by == "p_with_record"
    assert after.evidence.n_recorded == 5
    assert after.evidence.p_adjusted == before.evidence.p_adjusted
    assert after.evidence.p_with_record.supporting >= before.evidence.p_with_record.supporting
    assert backtest(momentum, data, metal="gold").evidence == after.evidence, "a rerun costs nothing"
    deflated = [trial.appendix["deflated_sharpe_ratio"].estimate for trial in (before, after)]
    assert deflated[1] < deflated[0]


def test_the_order_of_commands_does_not_matter(data, tmp_path):
    asked = [{"months": 2}, {"months": 9}, {"months": 24}]
    found = []
    for number, order in enumerate((asked, asked[::-1])):
        ledger = Ledger(tmp_path / f"{number}.sqlite")
        for parameters in order:
            backtest(momentum, data, metal="gold", ledger=ledger, **parameters)
        found.append(backtest(momentum, data, metal="gold", ledger=ledger).evidence)
    assert found[0] == found[1]


def test_the_command_shows_the_ledger(data, capsys, monkeypatch):
    assert main(["trials"]) == 0
    assert "no trials" in capsys.readouterr().out
    backtest(momentum, data, metal="gold")
    assert main(["trials"]) == 0
    assert "momentum" in capsys.readouterr().out
    assert main(["trials", "--json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)["trials"]
    assert shown["kind"] == "chosen"
    assert set(shown["data"]) == {"gold_price", "bill_rate"}
    assert np.isfinite(shown["numbers"]["sharpe"])


def test_a_broken_home_is_stamped_and_stops_nothing(data, tmp_path, monkeypatch):
    file = tmp_path / "home"
    file.write_text("")
    monkeypatch.setenv("ASSAY_HOME", str(file))
    study = compare([momentum], data)
    assert "could not be written" in study.manifest["trials"]["status"]
    assert study.trials
