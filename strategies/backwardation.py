"""C5: spot above the forward pays the holder: carry predicts the excess return."""

from research import hold_while, strategy
from research.signals.series import trailing_zscore

REFERENCE = "Koijen, Moskowitz, Pedersen and Vrugt 2018, Carry"


@strategy(
    claim="While the futures curve is in backwardation, whoever holds metal is paid for it: excess returns are higher.",
    metal=("gold", "silver"),
    inputs={"carry": "{metal}_carry"},
    expected_sign=+1,
    falsifier="Holding metal only in backwardation earns no more than the same average exposure.",
    references=(REFERENCE,),
)
def backwardation(panel):
    """Hold metal while the month's median carry is above zero: the near contract above the far one."""
    return hold_while(panel.asof(_month(panel)), above=0.0)


@strategy(
    claim="While carry stands above its own year's mean, whoever holds metal is paid: excess returns are higher.",
    metal=("gold", "silver"),
    inputs={"carry": "{metal}_carry"},
    expected_sign=+1,
    falsifier="Holding metal only while carry is high for its year earns no more than the same average exposure.",
    references=(REFERENCE,),
)
def carry_above_its_year(panel):
    """Hold metal while the month's median carry stands above the mean of its year, in backwardation or not."""
    score = trailing_zscore(_month(panel), "365D", warm_up="182D", min_observations=6)
    return hold_while(panel.asof(score), above=0.0)


def _month(panel):
    return panel.native("carry").rolling("28D").median()
