"""C5: spot above the forward pays the holder: carry predicts the excess return."""

from research import strategy
from research.signals.series import trailing_zscore


@strategy(
    claim="While the futures curve is in backwardation, whoever holds metal is paid for it: excess returns are higher.",
    metal=("gold", "silver"),
    inputs={"carry": "{metal}_carry"},
    expected_sign=+1,
    falsifier="Holding metal only while carry is high earns no more than the same average exposure.",
    grid={"against": ["zero", "year"]},
    claims=("C5",),
    references=("Koijen, Moskowitz, Pedersen and Vrugt 2018, Carry",),
)
def backwardation(panel, against="year"):
    """Hold metal while the month's median carry is above ``zero`` (backwardation) or above its ``year``'s mean."""
    daily = panel.native("carry")
    carry = daily.rolling("28D").median()
    if against == "year":
        carry = trailing_zscore(carry, "365D", warm_up="182D", min_observations=6)
    excess = panel.asof(carry)
    return (excess > 0).astype(float).where(excess.notna().cummax())
