"""Engine and loaders under the same test as strategies, and the command that runs it."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from research import Execution, open_data
from research.cli import main
from research.datasets import panel
from research.datasets.store import load
from research.discovery import find_strategy
from research.engine.portfolio import run
from research.lookahead import check
from research.lookahead.history import history_of
from tests.house_leaks import engine_leaks, loader_leaks, pipeline_leaks
from tests.zoo import animal, enclosure, honest

TERMS = Execution()

LEAKY_FILE = """
from research import strategy

@strategy(claim="It peeks.", metal="gold", inputs={"price": "gold_price"}, expected_sign=+1)
def peeks(panel):
    price = panel["price"]
    return (price.shift(-1) > price).astype(float)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return open_data(enclosure.monthly_pack(tmp_path_factory.mktemp("pipeline") / "pack"), bundled=False)


@pytest.fixture(scope="module")
def weights(data):
    index = data.market("gold").price.index
    return pd.Series(np.random.default_rng(1).choice([0.0, 0.5, 1.0, np.nan], len(index)), index).fillna(0.0)


def test_the_engine_of_record_is_honest(data, weights):
    assert not list(engine_leaks(data.market("gold"), weights, TERMS))
    assert not list(engine_leaks(data.market("gold"), weights, replace(TERMS, delay=3)))


def fills_at_once(weights, market, execution, *, name):
    """Today's close filled today: the delay is undone before the engine applies it."""
    return run(weights.shift(-execution.delay), market, execution, name=name)


def sizes_by_the_whole_history(weights, market, execution, *, name):
    calm = float(np.clip(0.02 / market.price.pct_change().std(), 0.1, 1.0))
    return run(weights * calm, market, execution, name=name)


@pytest.mark.parametrize("engine", [fills_at_once, sizes_by_the_whole_history])
def test_a_leaky_engine_is_caught(data, weights, engine):
    leaks = list(engine_leaks(data.market("gold"), weights, TERMS, engine=engine))
    assert leaks
    assert {leak.place for leak in leaks} == {"engine"}


def test_every_bundled_loader_is_honest():
    data = open_data()
    pack = data.packs[0]
    for identity in data:
        assert not list(loader_leaks(pack, data[identity], n_cuts=1)), identity


def filled_from_later_rows(pack, dataset):
    table = load(pack, dataset)
    return table.assign(value=table["value"].rolling(3, center=True, min_periods=1).mean())


def known_when_the_next_period_ends(pack, dataset):
    table = load(pack, dataset)
    return table.assign(known_at=table["known_at"].shift(-1).fillna(table["known_at"]))


@pytest.mark.parametrize("loader", [filled_from_later_rows, known_when_the_next_period_ends])
def test_a_leaky_loader_is_caught(data, loader):
    leaks = list(loader_leaks(data.packs[0], data["lease"], loader=loader))
    assert leaks
    assert leaks[0].source == "lease"


@pytest.mark.parametrize("name", ["momentum_12_months", "lease_rate_spike"])
def test_the_way_from_the_store_to_the_weights_is_honest(name):
    data, item = open_data(), find_strategy(name)
    assert not list(pipeline_leaks(item, {}, data, history_of(item, data, item.metals[0])))


def test_a_panel_that_serves_one_row_too_many_shows_on_the_way_to_the_weights(data, monkeypatch):
    history = history_of(honest.momentum, data, "gold")
    assert not list(pipeline_leaks(honest.momentum, {}, data, history))
    last_known = panel.last_known
    monkeypatch.setattr(
        panel, "last_known", lambda values, known, *asked: last_known(values, np.r_[known[:1], known[:-1]], *asked)
    )
    leaks = list(pipeline_leaks(honest.momentum, {}, data, history))
    assert {leak.place for leak in leaks} == {"panel"}


def test_weights_that_cannot_be_traded_are_a_breach(data):
    @animal(x="lease")
    def too_much(panel):
        return panel["x"] * 100

    report = check(too_much, data, n_cuts=4)
    assert [violation.kind for violation in report.violations] == ["weights"]
    assert "leverage" in report.violations[0].what


def test_a_run_that_was_made_before_does_not_hide_a_cache(data):
    from tests.zoo import leaky_state

    history = history_of(leaky_state.global_cache, data, "gold")
    leaky_state.global_cache.weights(history.panel())
    report = check(leaky_state.global_cache, data, n_cuts=4)
    leaky_state._CACHE.clear()
    assert {leak.probe for leak in report.leaks} & {"truncation", "perturbation"}


def test_the_command_names_the_leak_and_exits_with_1(tmp_path, capsys):
    file = tmp_path / "peeks.py"
    file.write_text(LEAKY_FILE)
    assert main(["check", str(file), "--cuts", "4"]) == 1
    said = capsys.readouterr().out
    assert "peeks: failed" in said
    assert "gold_price" in said
    assert "Remedy" in said


def test_the_command_prints_one_document(tmp_path, capsys):
    file = tmp_path / "peeks.py"
    file.write_text(LEAKY_FILE)
    assert main(["check", str(file), "--cuts", "4", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["passed"] is False
    assert document["leaks"][0]["input"] == "gold_price"
    assert document["leaks"][0]["learned_from"] > document["leaks"][0]["cut"]


def test_an_honest_one_exits_with_0(tmp_path, capsys):
    file = tmp_path / "honest.py"
    file.write_text(LEAKY_FILE.replace("shift(-1)", "shift(1)"))
    assert main(["check", str(file), "--cuts", "4"]) == 0
    assert "passed on gold" in capsys.readouterr().out
