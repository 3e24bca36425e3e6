"""What does not decide is left out where a sample cannot give it, and takes nothing else with it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research import backtest, open_data, strategy
from tests.datasets.packs import PRICE, csv, entry, write_pack


@strategy(claim="Held every other quarter, gold pays.", metal="gold", inputs={"price": "gold_price"}, expected_sign=1)
def every_other_quarter(panel):
    price = panel["price"]
    return pd.Series(np.arange(len(price)) % 6 < 3, price.index).astype(float)


def test_a_metal_that_rises_like_a_clock_has_no_regimes_and_a_sane_alpha(tmp_path):
    days = [f"{month.end_time:%Y-%m-%d}" for month in pd.period_range("2000-01", "2014-12", freq="M")]
    prices = np.round(1000 * np.exp(0.0025 * np.arange(len(days))), 4)
    entries = [entry("gold_price", unit="USD per troy ounce", more=PRICE), entry("bill_rate", unit="% a year", age=100)]
    tables = {"gold_price.csv": csv(zip(days, prices, strict=True)), "bill_rate.csv": csv((day, 3.0) for day in days)}
    data = open_data(write_pack(tmp_path / "still", entries, tables), bundled=False)
    found = backtest(every_other_quarter, data, ledger=None).appendix
    assert "markov_regimes" not in found
    assert abs(found["jensen_alpha"].estimate) < 0.05
