"""Baseline: what rose over the last year goes on rising. No part of the thesis."""

from research import hold_while, strategy
from research.signals.momentum import trailing_return


@strategy(
    claim="Metal that rose over the past year rises on: time-series momentum.",
    metal=("gold", "silver"),
    inputs={"price": "{metal}_price"},
    expected_sign=+1,
    falsifier="Holding metal only after a rising year earns no more than the same average exposure.",
    references=("Moskowitz, Ooi and Pedersen 2012, Time series momentum",),
)
def momentum_12_months(panel):
    """Hold metal while its price stands above that of a year ago."""
    past = panel.asof(trailing_return(panel.native("price"), "365D"))
    return hold_while(past, above=0.0)
