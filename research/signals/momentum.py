"""The sceptic's yardsticks: past return, and one metal's price in ounces of the other."""

from __future__ import annotations

import pandas as pd

from research.memo import shared
from research.signals.lease import Numbers
from research.signals.series import value_before


@shared
def trailing_return(price: pd.Series, length: str) -> pd.Series:
    """Return since the last price at least ``length`` of time before: ``P[t] / P[t - length] - 1``.

    NaN until so much history is there. The 12-month return of Moskowitz, Ooi and Pedersen (2012) without
    their volatility scaling.

    Parameters
    ----------
    price
        By bar.
    """
    return price / value_before(price, length) - 1


def gold_silver_ratio(gold: Numbers, silver: Numbers) -> Numbers:
    """Ounces of silver for one ounce of gold: ``gold / silver``, both in one currency per ounce.

    >>> gold_silver_ratio(4000.0, 50.0)
    80.0

    Parameters
    ----------
    gold
        Price of gold, USD per ounce.
    silver
        Price of silver, USD per ounce.
    """
    return gold / silver
