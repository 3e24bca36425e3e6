"""C11: the People's Bank of China buys, month after month, so the price must rise."""

from research import strategy
from research.signals.flows import latest_purchase


@strategy(
    claim="In the month after the People's Bank of China reports a purchase, the price rises.",
    metal="gold",
    inputs={"pboc": "pboc_gold_reserves"},
    expected_sign=+1,
    falsifier="Holding gold only after reported purchases earns no more than the same average exposure.",
    grid={"tonnes": [0.0, 5.0]},
    claims=("C11", "C10"),
)
def pboc_buying(panel, tonnes=5.0):
    """Hold gold while the newest monthly change, disclosures left out, is above ``tonnes``."""
    change = panel.asof(panel.each_release("pboc", latest_purchase), max_age="45D")
    return (change > tonnes).astype(float).where(change.notna().cummax())
