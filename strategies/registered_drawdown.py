"""C2: registered stock at COMEX falls far below its trailing high, so deliverable metal runs out."""

from research import strategy
from research.signals.series import drawdown_from_high


@strategy(
    claim="When registered COMEX stock has drained far below its one-year high, the price rises.",
    metal=("gold", "silver"),
    inputs={"registered": "comex_{metal}_registered"},
    expected_sign=+1,
    falsifier="Holding metal only while registered stock is drained earns no more than the same average exposure.",
    grid={"threshold": [0.1, 0.2, 0.3]},
    claims=("C2",),
)
def registered_drawdown(panel, threshold=0.2):
    """Hold metal while registered stock is known to stand ``threshold`` below its one-year high."""
    registered = panel.native("registered")
    drained = panel.asof(drawdown_from_high(registered, "365D"))
    position = (drained > threshold).astype(float)
    return position.where(drained.notna().cummax())
