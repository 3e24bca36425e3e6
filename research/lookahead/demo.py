"""A rule to look at; with ``months=-1``, one minus sign too many, the next month's price decides."""

import pandas as pd

from research.datasets.panel import Panel
from research.thesis import strategy


@strategy(
    claim="Hold gold after the months in which it rose.",
    metal="gold",
    inputs={"price": "gold_price"},
    expected_sign=+1,
    falsifier="Holding gold at these times earns no more than holding as much on average.",
)
def looks_one_month_back(panel: Panel, months: int = 1) -> pd.Series:
    """Hold gold where the later of two prices, ``months`` apart, is the higher one: ``shift(1)``, or ``shift(-1)``."""
    price = panel["price"]
    return (months * (price - price.shift(months)) > 0).astype(float)
