"""C1: the implied lease rate spikes: metal for today is short and its price must rise, or the squeeze is over."""

from research import strategy
from research.signals.series import hold_after, trailing_zscore


@strategy(
    claim="When the implied lease rate spikes, metal is short and its price rises in the months after.",
    metal=("gold", "silver"),
    inputs={"lease": "{metal}_lease_rate"},
    expected_sign=+1,
    falsifier="Holding metal only in the months after a spike earns no more than the same average exposure.",
    grid={"threshold": [1.5, 2.0, 3.0], "hold_days": [28, 92, 183]},
    claims=("C1",),
    references=("Barone-Adesi, Geman and Theal 2014 on lease rates as a convenience yield",),
)
def lease_rate_spike(panel, threshold=2.0, hold_days=183):
    """Hold metal for ``hold_days`` after the lease rate stands ``threshold`` deviations above five years."""
    score = panel.asof(trailing_zscore(panel.native("lease"), "1826D", warm_up="730D"))
    position = hold_after(score > threshold, f"{hold_days}D")
    return position.where(score.notna().cummax())


@strategy(
    claim="A spike in the lease rate marks the end of a squeeze: the price falls back in the weeks after.",
    metal=("gold", "silver"),
    inputs={"lease": "{metal}_lease_rate"},
    expected_sign=-1,
    falsifier="Holding metal in the weeks after a spike costs no more than the same average exposure.",
    grid={"threshold": [1.5, 2.0, 3.0], "hold_days": [28, 92, 183]},
    claims=("C1",),
)
def lease_rate_squeeze_fades(panel, threshold=2.0, hold_days=28):
    """The rule of ``lease_rate_spike``, held for weeks, with the opposite claim: that following it costs."""
    return lease_rate_spike.signal(panel, threshold, hold_days)
