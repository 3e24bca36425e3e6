"""Location premiums: what the same metal costs in one place over another.

A premium between places is not a spread in time: it is free of carry only when both prices are for one delivery
date, and free of news only when both are of one moment. All premiums are fractions, positive when the first-named
place is dear.
"""

from __future__ import annotations

import pandas as pd

from research.errors import ValidationError
from research.memo import shared
from research.signals.lease import YEAR, Numbers
from research.units import GRAMS_PER_TROY_OUNCE

GRAMS_PER_QUOTE = {"gold": 1.0, "silver": 1000.0}  # Shanghai quotes CNY per gram, CNY per kilogram


def london_comex_premium(london: Numbers, future: Numbers, rate: Numbers, days: Numbers) -> Numbers:
    r"""London spot over the COMEX future brought back to today: :math:`S\,(1 + r d/360)/F - 1`.

    With ``d`` days to delivery and the simple interest rate ``r`` (fraction, actual/360) a future without premium
    or lease rate stands at ``S (1 + r d/360)``. What is left is the location premium plus ``d/360`` of a lease rate:
    take the nearest delivery.

    Parameters
    ----------
    london, future
        One currency per ounce; of one moment, or the difference of the two moments is in it.
    rate, days
        Fraction a year; calendar days to delivery, 0 for a contract in delivery.

    Examples
    --------
    >>> round(london_comex_premium(50.50, 49.00, 0.041, 20), 8)
    0.03295975
    """
    return london * (1 + rate * days / YEAR) / future - 1


def curve_spot(near: Numbers, far: Numbers, near_days: Numbers, far_days: Numbers) -> Numbers:
    r"""Spot price that an exchange's own curve points to: :math:`F_1\,(F_1/F_2)^{d_1/(d_2 - d_1)}`.

    The curve is continued to today at the rate between its two nearest deliveries, so that interest and lease rate
    fall out and London over this (``london / curve_spot(…) - 1``) is a premium between places alone.

    ``near`` and ``far`` are prices of two contracts, ``near_days`` and ``far_days`` the calendar days to each delivery.

    >>> round(curve_spot(50.00, 50.30, 28, 119), 6)
    49.908053
    """
    return near * (near / far) ** (near_days / (far_days - near_days))


def shanghai_premium(shanghai: Numbers, usdcny: Numbers, london: Numbers, *, grams: float, vat: float = 0.0) -> Numbers:
    r"""Shanghai price over London's: :math:`\frac{P\cdot 31.1034768/n}{\mathrm{USDCNY}\,(1+\mathrm{VAT})\,S} - 1`.

    Parameters
    ----------
    shanghai
        CNY for ``grams`` of metal.
    usdcny
        Onshore CNY for one USD.
    london
        USD per troy ounce, of a moment at or before Shanghai's (see ``latest_before``).
    grams
        1 for the gold quote, 1000 for the silver quote.
    vat
        Value-added tax inside the quote. Gold of the Shanghai Gold Exchange bears none. Whether silver quotes
        contain it is disputed (17 % until April 2018, 16 % until March 2019, 13 % since): compute both.

    Examples
    --------
    >>> round(shanghai_premium(950, 7.10, 4100.0, grams=1), 8)
    0.01505678
    """
    return usd_per_ounce(shanghai, usdcny, grams=grams, vat=vat) / london - 1


def usd_per_ounce(price: Numbers, usdcny: Numbers, *, grams: float, vat: float = 0.0) -> Numbers:
    """Turn CNY for ``grams`` of metal into USD per troy ounce, value-added tax taken out.

    ``price``, ``usdcny`` and ``vat`` are those of ``shanghai_premium``.

    >>> round(usd_per_ounce(950, 7.10, grams=1), 2)
    4161.73
    """
    if grams <= 0 or vat < 0:
        raise ValidationError(f"Shanghai price: grams {grams!r} and VAT {vat!r}; give grams above 0 and VAT as 0.13")
    return price * GRAMS_PER_TROY_OUNCE / grams / usdcny / (1 + vat)


@shared
def latest_before(prices: pd.Series, other: pd.Series, max_age: str) -> pd.Series:
    """For each price, the last value of ``other`` that was known before it: never a later one.

    A Shanghai afternoon price may meet only a London price before it; a later one would carry news that
    Shanghai did not have, and the premium would "predict" it.

    Parameters
    ----------
    prices, other
        Dated by ``known_at`` (UTC), sorted.
    max_age
        Older values of ``other`` are not used, e.g. ``"4D"``.

    Returns
    -------
    pd.Series
        On the index of ``prices``; NaN where nothing recent was known.
    """
    left = pd.DataFrame({"moment": prices.index})
    right = pd.DataFrame({"moment": other.index, "value": other.to_numpy()})
    paired = pd.merge_asof(
        left, right, on="moment", tolerance=pd.Timedelta(max_age), allow_exact_matches=False, direction="backward"
    )
    return pd.Series(paired["value"].to_numpy(), index=prices.index, name=other.name)
