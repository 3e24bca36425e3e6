"""Equal values give equal results, whoever delivers them: bundled, fetched from the provider, added by hand."""

from __future__ import annotations

import json
from functools import cache

import pandas as pd
import pytest

from research.datasets.data import Data, open_data
from research.datasets.registry import ABOUT, descriptions
from research.discovery import all_strategies
from research.errors import NoDecision, UnknownDataset
from research.sources import add
from research.sources.catalog import entries
from research.study import backtest
from research.thesis import Strategy
from tests.sources import formats
from tests.sources.server import Answer
from tests.sources.test_fetching import GRAPH, run

BUNDLED = open_data(user=False)
STRATEGIES = all_strategies()
BY_HAND = sorted(set(entries()) & set(BUNDLED))
ALONE = {"release"}  # where the bundled rows carry publication dates that a download lacks


def test_no_entry_of_the_catalogue_says_again_what_the_registry_says():
    import tomllib
    from pathlib import Path

    from research.home import bundled_folder
    from research.sources import catalog

    own = tomllib.loads(Path(catalog.__file__).with_name("catalog.toml").read_text(encoding="utf-8"))["datasets"]
    said = descriptions(bundled_folder())
    twice = {name: sorted(set(own[name]) & set(said[name]) - ALONE) for name in set(own) & set(said)}
    assert {name: fields for name, fields in twice.items() if fields} == {}


@pytest.fixture
def fetched(vendor, monkeypatch) -> Data:
    """The prices, bills and yields from a server that speaks as their providers do."""
    for provider in ("FRED", "WORLD_BANK"):
        monkeypatch.setenv(f"ASSAY_{provider}_URL", vendor.url)
    prices = {metal: _months(f"{metal}_price") for metal in ("gold", "silver")}
    vendor.put("/en/research/commodity-markets", Answer(b'<a href="/CMO-Historical-Data-Monthly.xlsx">sheet</a>'))
    vendor.put("/CMO-Historical-Data-Monthly.xlsx", Answer(formats.pink_sheet(prices["gold"], prices["silver"])))
    outcomes = [*run("gold_price", "silver_price").outcomes]
    for identity, name in (("bill_rate", "TB3MS"), ("treasury_3_month", "DGS3MO"), ("real_yield_10y", "DFII10")):
        day = "%Y-%m-01" if identity == "bill_rate" else "%Y-%m-%d"
        table = BUNDLED.observations(identity)
        rows = dict(zip(table["observed_for"].dt.strftime(day), table["value"], strict=True))
        vendor.put(GRAPH, Answer(formats.fred_csv(name, rows)))
        outcomes += run(identity).outcomes
    assert [one.line for one in outcomes if one.status != "updated"] == []
    return open_data()


@pytest.fixture
def added(tmp_path) -> Data:
    """Every bundled dataset that the catalogue knows, as a file of the user's."""
    from research.datasets.importing import ImportOptions

    for identity in BY_HAND:
        table = BUNDLED.observations(identity).rename(columns={"observed_for": "date"})
        if not any(rule.column for rule in BUNDLED[identity].release):
            table = table.drop(columns="known_at")
        path = tmp_path / f"{identity}.csv"
        table.to_csv(path, index=False, date_format="%Y-%m-%dT%H:%M:%S%z" if "known_at" in table else "%Y-%m-%d")
        add(path, identity, ImportOptions(accept=True))
    return open_data()


@pytest.mark.parametrize("way", ["fetched", "added"])
def test_a_dataset_and_every_decision_are_the_same_however_delivered(way, request):
    data = request.getfixturevalue(way)
    user = data.packs[-1]
    assert len(user.datasets) == (5 if way == "fetched" else len(BY_HAND))
    for identity in user.datasets:
        assert _about(data, identity) == _about(BUNDLED, identity)
        ours, theirs = (_plain(store.observations(identity)) for store in (BUNDLED, data))
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True, obj=identity)
    n_tried = 0
    for item in STRATEGIES.values():
        for metal in item.metals:
            try:
                (ours, bills), (theirs, same) = _bundled(item.name, metal), _decided(item, data, metal)
            except (UnknownDataset, NoDecision):
                continue
            assert bills.equals(same)
            assert ours.equals(theirs)
            n_tried += 1
    assert n_tried > 20


@pytest.mark.slow
@pytest.mark.parametrize("way", ["fetched", "added"])
def test_a_verdict_is_the_same_however_delivered(way, request):
    data = request.getfixturevalue(way)
    ours, theirs = (
        _text(backtest("momentum_12_months", store, metal="silver", ledger=None)) for store in (BUNDLED, data)
    )
    assert ours == theirs


def _decided(item: Strategy, data: Data, metal: str) -> tuple[pd.Series, pd.Series]:
    """Weights as declared, and what bills earned: a cell of the grid asks the same panel."""
    market = data.market(metal)
    return item.weights(data.panel(metal, item.inputs_for(metal, data), market)), market.bill_accrual


@cache
def _bundled(name: str, metal: str) -> tuple[pd.Series, pd.Series]:
    return _decided(STRATEGIES[name], BUNDLED, metal)


def _about(data: Data, identity: str) -> dict[str, object]:
    """What is said of a dataset; kept rows have the exceptions of a timetable in their ``known_at`` already."""
    fields = {name.removesuffix("_days") for name in ABOUT if name not in ("plausible", "release")}
    said = {name: getattr(data[identity], name) for name in fields}
    return said | {"id": identity, "release": data[identity].release_words.replace(" (with exceptions)", "")}


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values(["observed_for", "known_at"], ignore_index=True)


def _months(identity: str) -> dict[str, float]:
    table = BUNDLED.observations(identity)
    return dict(zip(table["observed_for"].dt.strftime("%YM%m"), table["value"], strict=True))


def _text(trial) -> str:
    return json.dumps(trial.to_json(), sort_keys=True, default=str)
