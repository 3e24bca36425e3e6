"""C1: a spike in the implied lease rate says that metal for today is short, so its price must rise."""

from research import strategy
from research.signals.series import hold_after, trailing_zscore


@strategy(
    claim="When the implied lease rate spikes, metal is short and its price rises in the months after.",
    metal=("gold", "silver"),
    inputs={"lease": "{metal}_lease_rate"},
    expected_sign=+1,
    falsifier="Holding metal only in the months after a spike earns no more than the same average exposure.",
    grid={"threshold": [1.5, 2.0, 3.0], "hold_days": [92, 183]},
    claims=("C1",),
    references=("Barone-Adesi, Geman and Theal 2014 on lease rates as a convenience yield",),
)
def lease_rate_spike(panel, threshold=2.0, hold_days=183):
    """Hold metal for ``hold_days`` after the lease rate stands ``threshold`` deviations above five years."""
    lease = panel["lease"]
    score = trailing_zscore(lease, "1826D", min_observations=24)
    position = hold_after(score > threshold, f"{hold_days}D")
    return position.where(score.notna().cummax())
