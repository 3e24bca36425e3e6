"""Every entry of the catalogue is complete, and agrees with the bundled pack where both have the id."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import get_args

import pandas as pd
import pytest

from research.datasets.data import open_data
from research.datasets.plausibility import doubts
from research.datasets.registry import Frequency
from research.datasets.vintages import latest
from research.errors import UnknownDataset
from research.sources.catalog import entries, entry

BUNDLED = open_data(user=False)
NAMED_IN_THE_DESIGN = {
    *("gold_price", "silver_price", "bill_rate", "gold_futures", "silver_futures", "usdcny", "cpi"),
    *("comex_gold_registered", "comex_gold_eligible", "comex_gold_total", "comex_gold_open_interest"),
    *("comex_silver_registered", "comex_silver_eligible", "comex_silver_total", "comex_silver_open_interest"),
    *("central_bank_net_purchases", "pboc_gold_reserves", "world_official_gold", "gold_etf_holdings"),
    *("london_vault_gold", "london_vault_silver", "sge_gold_price", "sge_silver_price"),
    *("cot_gold", "cot_silver", "dollar_index", "real_yield_10y"),
}


@pytest.mark.parametrize("identity", entries())
def test_an_entry_is_complete(identity):
    one = entry(identity)
    for field in ("title", "publisher", "source", "licence", "allows", "unit", "history", "longest_useful_age_days"):
        assert one.fields[field], field
    assert one.frequency in get_args(Frequency)
    assert "notes" in one.fields
    provider = import_module(f"research.sources.{one.provider}")
    assert hasattr(provider, "download") is not ("ask" in one.fields)
    assert one.words.startswith(f"{one.provider} ")
    assert "{" not in one.words
    assert callable(provider.parse)
    assert one.plausible.low < one.plausible.high
    assert set(one.key) <= set(one.columns)
    known = one.released(pd.Series(pd.to_datetime(["2024-01-31", "2025-06-30"]).astype("datetime64[us]")))
    assert (known >= pd.to_datetime(pd.Series(["2024-01-31", "2025-06-30"])).dt.tz_localize("UTC")).all()


def test_the_designs_ids_are_there():
    assert set(entries()) >= NAMED_IN_THE_DESIGN


@pytest.mark.parametrize("identity", sorted(set(entries()) & set(BUNDLED)))
def test_one_id_means_one_thing_in_every_pack(identity):
    bundled, one = BUNDLED[identity], entry(identity)
    assert bundled.unit == one.unit
    history = BUNDLED.observations(identity)
    periods = latest(history)["observed_for"]
    if not any(rule.rule == "published" for rule in bundled.release):
        theirs = latest(history)["known_at"].reset_index(drop=True)
        assert (one.released(periods) >= theirs).all(), "known earlier than the bundled pack says"


@pytest.mark.parametrize("identity", sorted(set(entries()) & set(BUNDLED)))
def test_bounds_hold_for_every_true_value(identity):
    one = entry(identity)
    history = latest(BUNDLED.observations(identity))
    outside = (history["value"] < one.plausible.low) | (history["value"] > one.plausible.high)
    assert not outside.any()
    if one.frequency not in ("irregular", "quarter"):  # between dated facts anything may have happened
        assert doubts(history, None, replace(one, frequency="")) == []


MARKET = {
    "gold_front_future": ("comex_gold_continuous", "date", "close", {}),
    "silver_front_future": ("comex_silver_continuous", "date", "close", {}),
    "dollar_index": ("dollar_index_continuous", "date", "close", {}),
    "real_yield_10y": ("real_yield_10y_pct", "date", "real_rate", {}),
    "sge_gold_price": ("sge_spot", "date", "price", {"metal": "gold"}),
    "sge_silver_price": ("sge_spot", "date", "price", {"metal": "silver"}),
    "shfe_gold_price": ("shfe_main_continuous", "date", "close_price", {"metal": "gold"}),
    "shfe_silver_price": ("shfe_main_continuous", "date", "close_price", {"metal": "silver"}),
    "comex_gold_open_interest": ("cot_gold_managed_money", "date", "open_interest", {}),
    "treasury_3_month": ("treasury_par_yields_pct", "date", "m3", {}),
    "world_official_gold": ("official_gold_china_world_monthly", "date", "world_t", {}),
}


@pytest.mark.parametrize("identity", MARKET)
def test_bounds_hold_for_the_vendors_history(market, identity):
    name, day, value, where = MARKET[identity]
    rows = pd.read_csv(market / f"{name}.csv.gz", parse_dates=[day])
    for column, wanted in where.items():
        rows = rows[rows[column] == wanted]
    table = pd.DataFrame({"observed_for": rows[day].astype("datetime64[us]"), "value": rows[value]}).dropna()
    assert len(table) > 90
    assert doubts(table.sort_values("observed_for", ignore_index=True), None, entry(identity)) == []


def test_an_unknown_id():
    with pytest.raises(UnknownDataset, match="did you mean 'sofr'"):
        entry("sofrr")
