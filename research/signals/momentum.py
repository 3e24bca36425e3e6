"""The sceptic's yardsticks: past return, and one metal's price in ounces of the other."""

from __future__ import annotations

import pandas as pd

from research.signals.lease import Numbers


def trailing_return(price: pd.Series, length: str) -> pd.Series:
    """Return since the last price at least ``length`` of time before: ``P[t] / P[t - length] - 1``.

    NaN until so much history is there. The 12-month return of Moskowitz, Ooi and Pedersen (2012) without
    their volatility scaling.
    """
    known = price.dropna()
    row = known.index.searchsorted(known.index - pd.Timedelta(length), side="right") - 1
    before = pd.Series(known.to_numpy()[row.clip(0)], index=known.index).where(row >= 0)
    return (known / before - 1).reindex(price.index)


def gold_silver_ratio(gold: Numbers, silver: Numbers) -> Numbers:
    """Ounces of silver for one ounce of gold: ``gold / silver``, both in one currency per ounce.

    >>> gold_silver_ratio(4000.0, 50.0)
    80.0
    """
    return gold / silver
