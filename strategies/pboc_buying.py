"""C11: the People's Bank of China buys, month after month, so the price must rise."""

from research import hold_while, strategy
from research.signals.flows import latest_purchase


@strategy(
    claim="In the month after the People's Bank of China reports a purchase, the price rises.",
    metal="gold",
    inputs={"pboc": "pboc_gold_reserves"},
    expected_sign=+1,
    falsifier="Holding gold only after reported purchases earns no more than the same average exposure.",
)
def pboc_buying(panel):
    """Hold gold while the newest monthly change, disclosures left out, is a purchase, however small."""
    change = panel.asof(panel.each_release("pboc", latest_purchase), max_age="45D")
    return hold_while(change, above=0.0)
