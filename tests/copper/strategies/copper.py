"""Signals of the other thesis."""

from research import hold_while, strategy
from research.signals.momentum import trailing_return
from research.signals.series import drawdown_from_high

STOCK = {"stock": "copper_stock"}


@strategy(
    claim="While stock stands a tenth below its year's high, the price of copper rises.",
    metal="copper",
    inputs=STOCK,
    expected_sign=+1,
    grid={"threshold": [0.1, 0.2]},
)
def drained(panel, threshold=0.1):
    """Hold copper while stock is known to stand ``threshold`` below its one-year high."""
    return hold_while(panel.asof(drawdown_from_high(panel.native("stock"), "365D")), above=threshold)


@strategy(
    claim="While stock stands a tenth below its year's high, the price of copper falls.",
    metal="copper",
    inputs=STOCK,
    expected_sign=-1,
)
def drained_and_done(panel):
    """The rule of ``drained`` with the opposite claim."""
    return drained.signal(panel)


@strategy(claim="Held by its signals, copper pays.", metal="copper", inputs=STOCK, expected_sign=+1)
def copper_by_signals(panel):
    """Hold copper by its only signal."""
    return drained.signal(panel)


@strategy(
    claim="Copper that rose over the past year rises on.",
    metal="copper",
    inputs={"price": "copper_price"},
    expected_sign=+1,
)
def copper_momentum(panel):
    """Hold copper while its price stands above that of a year ago."""
    return hold_while(panel.asof(trailing_return(panel.native("price"), "365D")), above=0.0)
