"""C9: silver's supply falls further behind demand than it used to, so the price must rise."""

from functools import partial

from research import hold_while, strategy
from research.signals.flows import deficit_surprise


@strategy(
    claim="After a year whose silver deficit was larger than those before it, the price rises for twelve months.",
    metal="silver",
    inputs={"balance": "{metal}_balance"},
    expected_sign=+1,
    falsifier="Holding silver after larger deficits earns no more than the same average exposure.",
    grid={"years": [1, 3]},
)
def silver_deficit(panel, years=3):
    """Hold silver while the newest deficit on record exceeds the mean of up to ``years`` before it."""
    surprise = panel.asof(panel.each_release("balance", partial(deficit_surprise, years=years)))
    return hold_while(surprise, above=0.0)
