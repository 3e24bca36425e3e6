"""C1: the implied lease rate spikes: metal for today is short and its price must rise, or the squeeze is over.

The rate is implied by two contracts, and which two is a choice: the two nearest out of delivery, or the two nearest
active ones that traded. Each is a dataset with its rule, and each has its measures here.
"""

from research import hold_while, strategy
from research.signals.series import trailing_zscore

METALS = ("gold", "silver")
NEAREST = {"lease": "{metal}_lease_rate"}
ACTIVE = {"lease": "{metal}_lease_rate_active"}
GRID = {"threshold": [1.5, 2.0, 3.0], "hold_days": [28, 92, 183]}
RISES = "When the implied lease rate spikes, metal is short and its price rises in the months after."
FADES = "A spike in the lease rate marks the end of a squeeze: the price falls back in the weeks after."
NO_GAIN = "Holding metal only in the months after a spike earns no more than the same average exposure."
NO_LOSS = "Holding metal in the weeks after a spike costs no more than the same average exposure."
REFERENCES = ("Barone-Adesi, Geman and Theal 2014 on lease rates as a convenience yield",)


@strategy(
    claim=RISES,
    metal=METALS,
    inputs=NEAREST,
    expected_sign=+1,
    falsifier=NO_GAIN,
    grid=GRID,
    references=REFERENCES,
)
def lease_rate_spike(panel, threshold=2.0, hold_days=183):
    """Hold metal for ``hold_days`` after the lease rate stands ``threshold`` deviations above five years."""
    return _after_spike(panel, threshold, hold_days)


@strategy(claim=FADES, metal=METALS, inputs=NEAREST, expected_sign=-1, falsifier=NO_LOSS, grid=GRID)
def lease_rate_squeeze_fades(panel, threshold=2.0, hold_days=28):
    """The rule of ``lease_rate_spike``, held for weeks, with the opposite claim: that following it costs."""
    return _after_spike(panel, threshold, hold_days)


@strategy(
    claim=RISES,
    metal=METALS,
    inputs=ACTIVE,
    expected_sign=+1,
    falsifier=NO_GAIN,
    grid=GRID,
    references=REFERENCES,
)
def active_lease_rate_spike(panel, threshold=2.0, hold_days=183):
    """The rule of ``lease_rate_spike`` on the rate of the nearest active contracts."""
    return _after_spike(panel, threshold, hold_days)


@strategy(claim=FADES, metal=METALS, inputs=ACTIVE, expected_sign=-1, falsifier=NO_LOSS, grid=GRID)
def active_lease_rate_fades(panel, threshold=2.0, hold_days=28):
    """The rule of ``lease_rate_squeeze_fades`` on the rate of the nearest active contracts."""
    return _after_spike(panel, threshold, hold_days)


def _after_spike(panel, threshold, hold_days):
    score = panel.asof(trailing_zscore(panel.native("lease"), "1826D", warm_up="730D"))
    return hold_while(score, above=threshold, hold_days=hold_days)
