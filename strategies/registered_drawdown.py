"""C2: stock at COMEX falls far below its trailing high, so deliverable metal runs out."""

from research import hold_while, strategy
from research.signals.series import drawdown_from_high


@strategy(
    claim="When registered COMEX stock has drained far below its one-year high, the price rises.",
    metal=("gold", "silver"),
    inputs={"registered": "comex_{metal}_registered"},
    expected_sign=+1,
    falsifier="Holding metal only while registered stock is drained earns no more than the same average exposure.",
    grid={"threshold": [0.1, 0.2, 0.3]},
)
def registered_drawdown(panel, threshold=0.2):
    """Hold metal while registered stock is known to stand ``threshold`` below its one-year high."""
    return _drained(panel, "registered", threshold)


@strategy(
    claim="When all COMEX stock, registered and eligible, has drained far below its one-year high, the price rises.",
    metal=("gold", "silver"),
    inputs={"stock": "comex_{metal}_total"},
    expected_sign=+1,
    falsifier="Holding metal only while COMEX stock is drained earns no more than the same average exposure.",
    grid={"threshold": [0.05, 0.1, 0.2]},
)
def comex_stock_drawdown(panel, threshold=0.1):
    """Hold metal while total COMEX stock is known to stand ``threshold`` below its one-year high."""
    return _drained(panel, "stock", threshold)


def _drained(panel, name, threshold):
    drained = panel.asof(drawdown_from_high(panel.native(name), "365D"))
    return hold_while(drained, above=threshold)
