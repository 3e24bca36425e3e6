"""C5: spot above the forward pays the holder: carry predicts the excess return."""

from research import strategy


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
    level = 0.0 if against == "zero" else carry.rolling("365D", min_periods=6).mean()
    excess = panel.asof((carry - level).rename(daily.name))
    return (excess > 0).astype(float).where(excess.notna().cummax())
