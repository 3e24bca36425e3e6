"""A result is a value: it cannot be written into, says what made it, and travels."""

import copy
import dataclasses
import pickle

import numpy as np
import pandas as pd
import pytest

from research import Execution, backtest, compare, open_data, strategy
from research.engine.portfolio import run
from research.provenance import identity
from tests.engine.test_portfolio import make_market
from tests.zoo import enclosure


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return open_data(enclosure.monthly_pack(tmp_path_factory.mktemp("result") / "pack"), bundled=False)


@strategy(claim="c", metal=("gold", "silver"), inputs={"price": "{metal}_price"}, expected_sign=+1, grid={"n": [6, 12]})
def rising(panel, n=12):
    price = panel["price"]
    return (price > price.shift(n)).astype(float).where(price.shift(n).notna())


@strategy(claim="c", metal="gold", inputs={"price": "gold_price"}, expected_sign=+1)
def short_at_twenty_times(panel):
    return panel["price"] * 0 - 20.0


@pytest.fixture
def result():
    price = [100.0, 101.0, 103.0, 99.0, 104.0]
    weights = pd.Series([1.0, 0.5, 1.0, 0.0, 1.0], index=make_market(price).price.index)
    return run(weights, make_market(price), Execution(), name="made", provenance={"source": "s", "data": {"x": "y"}})


TABLES = ("equity", "returns", "bill_returns", "orders", "costs", "metal_returns", "target_weights", "weights")
WRITES = {
    "a value": lambda table: table.iloc.__setitem__(0, table.iloc[1]),
    "all values": lambda table: table.isetitem(0, 0) if isinstance(table, pd.DataFrame) else table.__iadd__(1),
    "the array": lambda table: table.to_numpy().__setitem__(0, 7),
    "a row": lambda table: table.loc.__setitem__(table.index[0], table.iloc[1]),
    "the index": lambda table: setattr(table, "index", range(len(table))),
    "its length": lambda table: table.pop((table.columns if table.ndim == 2 else table.index)[0]),
}


@pytest.mark.parametrize("how", WRITES)
def test_nothing_that_is_done_to_what_it_returns_reaches_it(result, how):
    before = {name: getattr(result, name).copy() for name in TABLES}
    for made in (result, pickle.loads(pickle.dumps(result)), copy.deepcopy(result), copy.copy(result)):
        for name in TABLES:
            try:
                WRITES[how](getattr(made, name))
            except (ValueError, TypeError):
                assert how == "the array", "pandas allows it on a copy"
            compare = pd.testing.assert_series_equal if before[name].ndim == 1 else pd.testing.assert_frame_equal
            compare(getattr(made, name), before[name])


def test_its_fields_and_its_provenance_are_read_only(result):
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.equity = result.returns
    for made in (result, pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        for mapping in (made.provenance, made.provenance["data"]):
            with pytest.raises(TypeError):
                mapping["x"] = 1


def test_what_it_was_made_from_can_be_changed_without_changing_it():
    price = make_market([100.0, 101.0, 103.0])
    array = np.array([1.0, 1.0, 1.0])
    made = run(pd.Series(array, index=price.price.index), price, Execution(), name="made")
    before = made.target_weights.copy()
    array[:] = 0.0
    pd.testing.assert_series_equal(made.target_weights, before)


def test_the_engine_says_terms_versions_and_data(result):
    told = result.provenance
    assert told["execution"]["delay"] == 1
    assert {"versions", "source"} <= set(told)
    assert {"assay", "python", "numpy", "vectorbt"} <= set(told["versions"])
    assert told["data"]["x"] == "y"


def test_a_backtest_says_its_rule_and_the_hash_of_every_dataset(data):
    trial = backtest(rising, data, metal="silver", n=6, ledger=None)
    told = trial.result.provenance
    assert told["source"] == identity(rising)
    assert (told["strategy"], told["metal"], told["parameters"]) == ("rising", "silver", {"n": 6})
    assert told["data"] == {name: data[name].sha256 for name in ("silver_price", "bill_rate")}
    assert all(len(digest) == 64 for digest in told["data"].values())


def test_strategy_data_and_trial_are_pickled_and_copied(data):
    trial = backtest(rising, data, metal="gold", ledger=None)
    for again in (pickle.loads(pickle.dumps(trial)), copy.deepcopy(trial), copy.copy(trial)):
        assert again.verdict == trial.verdict
        assert again.strategy == trial.strategy
        pd.testing.assert_series_equal(again.equity, trial.equity)
    with pytest.raises(TypeError):
        trial.findings["timing_return"] = None
    study = compare([rising], data, ledger=None)
    for again in (pickle.loads(pickle.dumps(study)), copy.deepcopy(study), copy.copy(study)):
        assert again.to_json() == study.to_json()
        assert [item.strategy for item in again.trials] == [item.strategy for item in study.trials]
        with pytest.raises(TypeError):
            again.manifest["data"]["silver_price"] = "another"
    for again in (pickle.loads(pickle.dumps(data)), copy.deepcopy(data), copy.copy(data)):
        assert list(again) == list(data)
        pd.testing.assert_frame_equal(again.observations("gold_price"), data.observations("gold_price"))
        assert again["gold_price"] == data["gold_price"]


def test_a_strategy_of_a_closure_travels_too(data):
    def made(n):
        @strategy(claim="c", metal="gold", inputs={"price": "gold_price"}, expected_sign=+1)
        def local(panel):
            return (panel["price"] > panel["price"].shift(n)).astype(float)

        return local

    item = made(3)
    again = pickle.loads(pickle.dumps(item))
    assert again == item
    assert hash(again) == hash(item)
    assert again != made(4)
    assert identity(again) == identity(item)
    panel = data.panel("gold", item.inputs_for("gold"), data.market("gold"))
    pd.testing.assert_series_equal(again.weights(panel), item.weights(panel))
    assert copy.copy(item) is item
    assert copy.deepcopy(item) is item


def test_a_ruined_account_is_called_so_in_every_display(data, capsys):
    from research.report.html import report
    from research.report.terminal import print_study

    study = compare([short_at_twenty_times], data, execution=Execution(max_leverage=20.0), ledger=None)
    (trial,) = study.trials
    assert trial.result.closed is not None
    told = f"lost everything by {trial.result.closed:%Y-%m-%d}; the account was closed"
    assert trial.result.ruin == told
    print_study(study)
    assert told in " ".join(capsys.readouterr().out.split())
    for page in (report(study), study._repr_html_(), trial._repr_html_()):
        assert told in page
    assert trial.to_json()["closed"] == f"{trial.result.closed:%Y-%m-%d}"
