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


@strategy(claim="Never held, gold pays.", metal="gold", inputs={"price": "gold_price"}, expected_sign=1)
def never(panel):
    return pd.Series(0.0, panel["price"].index)


def market(folder, prices):
    days = [f"{month.end_time:%Y-%m-%d}" for month in pd.period_range("2000-01", periods=len(prices), freq="M")]
    entries = [entry("gold_price", unit="USD per troy ounce", more=PRICE), entry("bill_rate", unit="% a year", age=100)]
    tables = {
        "gold_price.csv": csv(zip(days, np.round(prices, 4), strict=True)),
        "bill_rate.csv": csv((day, 3.0) for day in days),
    }
    return open_data(write_pack(folder, entries, tables), bundled=False)


def test_an_account_that_never_moves_has_no_statistics_of_its_rounding(tmp_path):
    """Bills are subtracted from bills: what is left are last digits, which have autocorrelations and breaks too."""
    walk = np.cumsum(np.random.default_rng(0).normal(0.004, 0.05, 180))
    found = backtest(never, market(tmp_path / "walk", 1000 * np.exp(walk)), ledger=None).appendix
    asked_of_noise = {
        "autocorrelation",
        "heteroskedasticity",
        "arch_effects",
        "sup_f",
        "sharpe_ratio",
    }
    assert not asked_of_noise & set(found)
    assert "one fixed mix" in found["alpha_break"].sentence
    assert "one fixed mix" in found["rolling_alpha"].sentence


def test_a_metal_that_rises_like_a_clock_has_no_regimes_and_a_sane_alpha(tmp_path):
    data = market(tmp_path / "still", 1000 * np.exp(0.0025 * np.arange(180)))
    found = backtest(every_other_quarter, data, ledger=None).appendix
    assert "markov_regimes" not in found
    assert abs(found["jensen_alpha"].estimate) < 0.05
