"""C10: central banks buy more than they used to, so the price must rise."""

from functools import partial

from research import hold_while, strategy
from research.signals.flows import purchase_surprise


@strategy(
    claim="When central banks' net purchases surpass their recent average, the price rises in the months after.",
    metal=("gold", "silver"),
    inputs={"purchases": "central_bank_net_purchases"},
    expected_sign=+1,
    falsifier="Holding metal only after above-average purchases earns no more than the same average exposure.",
    grid={"quarters": [4, 8]},
)
def central_bank_buying(panel, quarters=8):
    """Hold metal while the newest published quarter stands above the mean of the ``quarters`` before it."""
    known = panel.asof(panel.each_release("purchases", partial(purchase_surprise, quarters=quarters)))
    return hold_while(known, above=0.0)
