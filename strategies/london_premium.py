"""C6: London pays a premium over COMEX; either it draws the price up, or it fades and takes the price with it."""

from research import hold_while, strategy
from research.signals.series import trailing_zscore


@strategy(
    claim="When London pays an unusual premium over COMEX, metal is short there and the price rises.",
    metal=("gold", "silver"),
    inputs={"premium": "{metal}_london_premium"},
    expected_sign=+1,
    falsifier="Holding metal after a premium shock earns no more than the same average exposure.",
    grid={"threshold": [1.0, 2.0], "hold_days": [28, 92]},
)
def london_premium(panel, threshold=2.0, hold_days=28):
    """Hold metal for ``hold_days`` after the week's median premium stands ``threshold`` deviations above its year."""
    week = panel.native("premium").rolling("7D", min_periods=3).median()
    score = panel.asof(trailing_zscore(week, "365D", warm_up="182D"))
    return hold_while(score, above=threshold, hold_days=hold_days)


@strategy(
    claim="An unusual London premium is arbitraged away: the price falls back in the weeks after.",
    metal=("gold", "silver"),
    inputs={"premium": "{metal}_london_premium"},
    expected_sign=-1,
    falsifier="Holding metal after a premium shock costs no more than the same average exposure.",
    grid={"threshold": [1.0, 2.0], "hold_days": [28, 92]},
)
def london_premium_fades(panel, threshold=2.0, hold_days=28):
    """The rule of ``london_premium`` with the opposite claim: that following it costs."""
    return london_premium.signal(panel, threshold, hold_days)
