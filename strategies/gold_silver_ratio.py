"""Baseline: the gold/silver ratio returns to its mean. No part of the thesis."""

from research import hold_while, strategy
from research.signals.momentum import gold_silver_ratio as ratio_of
from research.signals.series import trailing_zscore


@strategy(
    claim="When one metal is cheap against the other by its own five years, it rises.",
    metal=("gold", "silver"),
    inputs={"gold": "gold_price", "silver": "silver_price"},
    expected_sign=+1,
    falsifier="Holding the cheaper metal earns no more than the same average exposure.",
    grid={"threshold": [0.0, 1.0]},
)
def gold_silver_ratio(panel, threshold=0.0):
    """Hold silver while the ratio stands ``threshold`` deviations above its five years; gold while it is below."""
    gold = panel.native("gold")
    ratio = ratio_of(gold, panel.native("silver").reindex(gold.index)).dropna()
    score = panel.asof(trailing_zscore(ratio, "1826D", warm_up="730D").rename(gold.name))
    return hold_while(score, above=threshold) if panel.metal == "silver" else hold_while(score, below=-threshold)
