"""A folder with the thesis of copper, its strategies and prices that never were."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from tests.datasets.packs import PRICE, csv, entry, write_pack

HERE = Path(__file__).parent
LATER = '{ rule = "lag", days = 20, time = "12:00", timezone = "UTC" }'
FIRST, LAST = "1995-01", "2020-12"


def copper(folder: Path, *, effect: float = 0.0) -> Path:
    """Write it; copper earns ``effect`` a month more in the third month after its stock was drained."""
    rng = np.random.default_rng(29)
    months = pd.period_range(FIRST, LAST, freq="M")
    days = [f"{month.end_time:%Y-%m-%d}" for month in months]
    cycle = 1 + 0.25 * np.sin(np.arange(len(months)) / 3.5) + 0.02 * rng.standard_normal(len(months))
    drained = 1 - cycle / pd.Series(cycle).rolling(12, min_periods=2).max().to_numpy() > 0.1
    gains = 0.05 * rng.standard_normal(len(months)) + effect * np.roll(drained, 3)
    price = 100 * np.exp(np.cumsum(gains))
    write_pack(
        folder,
        [
            entry("copper_price", unit="USD per tonne", more=PRICE),
            entry("copper_stock", release=LATER, age=100),
            entry("bill_rate", unit="% a year", age=100),
        ],
        {
            "copper_price.csv": csv(zip(days, price.round(4), strict=True)),
            "copper_stock.csv": csv(zip(days, (1000 * cycle).round(3), strict=True)),
            "bill_rate.csv": csv((day, 3.0) for day in days),
        },
    )
    shutil.copy(HERE / "thesis.toml", folder)
    shutil.copytree(HERE / "strategies", folder / "strategies", ignore=shutil.ignore_patterns("__pycache__"))
    return folder
