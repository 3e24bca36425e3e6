"""One line a price series: planted damage is found where it is, and clean prices are left in peace."""

import numpy as np
import pandas as pd
import pytest

from research.datasets.data import open_data
from research.datasets.plausibility import quality
from tests.datasets.packs import PRICE, csv, entry, write_pack

DAYS = pd.bdate_range("2015-01-01", "2019-12-31")


def dataset(tmp_path, rows):
    datasets = [entry("gold_price", unit="USD per troy ounce", frequency="day", age=10, more=PRICE)]
    return open_data(write_pack(tmp_path, datasets, {"gold_price.csv": csv(rows)}), bundled=False)


@pytest.fixture
def walk():
    return pd.Series(1200 * np.exp(np.cumsum(np.random.default_rng(2).normal(0, 0.01, len(DAYS)))), DAYS)


def looked(tmp_path, series):
    data = dataset(tmp_path, ((f"{day:%Y-%m-%d}", value) for day, value in series.items()))
    return quality(data["gold_price"], data.observations("gold_price"))


def test_a_clean_walk_is_clean(tmp_path, walk):
    found = looked(tmp_path, walk)
    assert found.clean
    assert found.line == ""


def test_spikes_undone_by_the_next_bar(tmp_path, walk):
    walk.iloc[[300, 700]] *= [1.4, 0.7]
    found = looked(tmp_path, walk)
    assert found.spikes == (DAYS[300], DAYS[700])
    assert not found.splits
    assert found.line == f"gold_price: 2 spikes undone by the next bar (the last {DAYS[700]:%Y-%m-%d})"


def test_a_crash_that_stays_is_no_spike(tmp_path, walk):
    walk.iloc[700:] *= 0.72
    assert looked(tmp_path, walk).clean


@pytest.mark.parametrize("ratio", [0.5, 0.1, 2.0])
def test_a_split(tmp_path, walk, ratio):
    walk.iloc[600:] *= ratio
    assert looked(tmp_path, walk).splits == (DAYS[600],)


def test_a_frozen_run_and_an_outage(tmp_path, walk):
    walk.iloc[100:112] = walk.iloc[100]
    found = looked(tmp_path, walk.drop(DAYS[800:815]))
    assert found.frozen == ((DAYS[100], DAYS[111]),)
    assert found.gaps == ((DAYS[799], DAYS[815]),)
    assert f"gap ({DAYS[799]:%Y-%m-%d} to {DAYS[815]:%Y-%m-%d})" in found.line


def test_empty_rows_are_counted_and_said(tmp_path, walk):
    rows = [(f"{day:%Y-%m-%d}", "null" if at in (5, 9) else value) for at, (day, value) in enumerate(walk.items())]
    data = dataset(tmp_path, rows)
    assert "2 empty rows left out" in quality(data["gold_price"], data.observations("gold_price")).line
    assert [found.empty for found in data.prices_looked_over()] == [2]


def test_only_what_is_traded_matters_since(tmp_path, walk):
    walk.iloc[300] *= 1.4
    data = dataset(tmp_path, ((f"{day:%Y-%m-%d}", value) for day, value in walk.items()))
    assert data.quality("gold").spikes
    assert data.quality("gold", DAYS[400]).clean
