"""C13: Shanghai pays more than London, metal flows East, and the price follows."""

import pandas as pd

from research import hold_while, strategy
from research.signals.premium import GRAMS_PER_QUOTE, latest_before
from research.signals.premium import shanghai_premium as premium_over
from research.signals.series import trailing_zscore


@strategy(
    claim="When Shanghai pays an unusual premium over London, metal flows East and the price rises.",
    metal=("gold", "silver"),
    inputs={"shanghai": "sge_{metal}_price", "usdcny": "usdcny", "price": "{metal}_price", "spot": "{metal}_spot"},
    optional=["spot"],
    expected_sign=+1,
    falsifier="Holding metal while the premium is high earns no more than the same average exposure.",
    grid={"threshold": [0.0, 1.0]},
)
def shanghai_premium(panel, threshold=0.0):
    """Hold metal while the week's median premium stands ``threshold`` deviations above its year.

    Each Shanghai price meets the last London price and exchange rate known before it. A tax inside the quote moves the
    level of the premium, not its score, except in the year after the tax changed.
    """
    shanghai = panel.native("shanghai")
    premium = premium_over(
        shanghai,
        latest_before(shanghai, panel.native("usdcny"), "5D"),
        latest_before(shanghai, panel.native("spot" if "spot" in panel else "price"), "5D"),
        grams=GRAMS_PER_QUOTE[panel.metal],
    )
    week = premium.rolling("7D", min_periods=3).median()
    score = panel.asof(trailing_zscore(week, "365D", warm_up="182D").rename(None), max_age=pd.Timedelta("12D"))
    return hold_while(score, above=threshold)
