"""A small daily market with a demand that leads the price."""

import numpy as np
import pandas as pd
import pytest

from research import Execution, open_data
from research.study.candidates import Terms
from research.sweep.grid import grid_of
from research.sweep.sweep import _problem

from ..datasets.packs import PRICE, csv, entry, write_pack


def write_market(folder, n_bars, seed=7):
    rng = np.random.default_rng(seed)
    dates = [f"{date:%Y-%m-%d}" for date in pd.bdate_range("2000-01-03", periods=n_bars)]
    demand = pd.Series(rng.normal(size=n_bars)).ewm(span=15).mean().to_numpy() * 3
    leads = np.concatenate([[0, 0], np.tanh(demand[:-2])])
    calm = min(1.0, 10_000 / n_bars)  # thousands of years of interest would leave units too small for vectorbt to trade
    price = 20 * np.exp(np.cumsum(0.0008 * calm * leads + calm**0.5 * rng.normal(0, 0.01, n_bars)))
    rate = calm * (2 + np.abs(np.cumsum(rng.normal(0, 0.01, n_bars))))
    series = {"silver_price": price, "silver_demand": demand, "bill_rate": rate}
    entries = [
        entry("silver_price", unit="USD per troy ounce", frequency="day", more=PRICE),
        entry("silver_demand", unit="index", frequency="day"),
        entry("bill_rate", unit="% a year, bond-equivalent", frequency="day"),
    ]
    files = {f"{name}.csv": csv(zip(dates, values.tolist(), strict=True)) for name, values in series.items()}
    return write_pack(folder, entries, files)


@pytest.fixture(scope="session")
def pack(tmp_path_factory):
    return write_market(tmp_path_factory.mktemp("market") / "pack", 900)


@pytest.fixture(scope="session")
def data(pack):
    return open_data(pack, bundled=False)


@pytest.fixture
def problem_of(data):
    def make(strategy, axes=None, n_folds=3, memory=20, start=None, execution=None):
        grid = grid_of(strategy, axes)
        return _problem(strategy, data, "silver", grid, Terms(execution or Execution(), start), n_folds, memory)

    return make
