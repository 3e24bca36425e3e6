"""A leak to look at, in which one minus sign too many lets the next month's price decide; and the rule without it."""

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


@strategy(
    claim="Hold gold after the months in which it rose.",
    metal="gold",
    inputs={"price": "gold_price"},
    expected_sign=+1,
    falsifier="Holding gold at these times earns no more than holding as much on average.",
)
def looks_one_month_back(panel: Panel) -> pd.Series:
    """Hold gold where the price is higher than the one before: the same rule, with the sign that was meant."""
    price = panel["price"]
    return (price > price.shift(1)).astype(float)
