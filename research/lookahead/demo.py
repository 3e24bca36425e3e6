"""A leak to look at: the next month's price decides this month's position, as one minus sign too many does it."""

import pandas as pd

from research.datasets.panel import Panel
from research.thesis import strategy


@strategy(
    claim="Hold gold before the months in which it rises.",
    metal="gold",
    inputs={"price": "gold_price"},
    expected_sign=+1,
    falsifier="None: it looks one month ahead and cannot lose.",
)
def looks_one_month_ahead(panel: Panel) -> pd.Series:
    """Hold gold where the next price is higher: ``shift(-1)`` where ``shift(1)`` was meant."""
    price = panel["price"]
    return (price.shift(-1) > price).astype(float)
