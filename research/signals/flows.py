"""Flows of metal: who bought, how much more than expected, and what is only a disclosure.

A statistic of one release's history (a Series by period, as ``research.datasets.panel.Panel.each_release`` hands
it over) is a number; the others take and return series.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from research.memo import shared
from research.signals.series import latest_surprise, value_before

PBOC_DISCLOSURES = ("2001-12-31", "2002-12-31", "2009-04-30", "2015-06-30")


def purchase_surprise(history: pd.Series, *, quarters: int = 8) -> float:
    """Net purchases of the newest quarter less the mean of the ``quarters`` before it, tonnes.

    NaN when fewer than three of them, within three years, are on record.

    Parameters
    ----------
    history
        The series by period, as it stood at one release.
    """
    return latest_surprise(history, n_previous=quarters, min_previous=3, max_gap="1096D")


def latest_purchase(history: pd.Series, *, disclosures: Iterable[str] = PBOC_DISCLOSURES) -> float:
    """Change of a reserve level over the newest month: ``H[m] - H[m-1]``, in the unit of the level.

    NaN when the month before is not on record (a change over several months is no month's purchase), and for the
    months in ``disclosures``, whose change was bought over years.

    Parameters
    ----------
    history
        Levels by month end.
    disclosures
        Month ends at which earlier purchases were announced; by default those of the People's Bank of China.
    """
    newest = history.index[-1]
    if newest in map(pd.Timestamp, disclosures):
        return float("nan")
    before = newest + pd.offsets.MonthEnd(-1)
    return float(history.iloc[-1] - history[before]) if before in history.index else float("nan")


def growth_on_year(history: pd.Series, *, months: int = 1) -> float:
    """Growth of the newest ``months`` on the same months a year before, a fraction.

    The seasons (the Chinese new year above all) cancel only between equal months.
    NaN when a month is missing.

    Parameters
    ----------
    history
        The series by period, as it stood at one release.
    """
    newest = history.index[-1]
    ends = [newest + pd.offsets.MonthEnd(-k) if k else newest for k in range(months)]
    earlier = [end + pd.offsets.MonthEnd(-12) for end in ends]
    places = history.index.get_indexer(pd.DatetimeIndex(ends + earlier))
    if (places < 0).any():
        return float("nan")
    now, then = np.nansum(history.to_numpy()[places].reshape(2, -1), axis=1)
    return float(now / then - 1)


def deficit_surprise(history: pd.Series, *, years: int = 3) -> float:
    """How much larger the newest year's deficit is than the mean of up to ``years`` before it, Moz.

    ``mean(balance before) - balance``: positive when supply fell further behind demand than it used to.
    NaN without an earlier year.

    Parameters
    ----------
    history
        The series by period, as it stood at one release.
    """
    return -latest_surprise(history, n_previous=years, min_previous=1, max_gap=f"{366 * years + 10}D")


@shared
def holdings_flow(holdings: pd.Series, window: str) -> pd.Series:
    """Growth of a fund's metal over the window, a fraction: ``H[t] / H[t-W] - 1``.

    In metal, never in money: assets under management also move with the price. Fees are paid in metal
    (about 0.4 % a year), which this leaves in.

    Parameters
    ----------
    holdings
        Tonnes, by known_at.
    window
        Time over which the change is taken.
    """
    return holdings / value_before(holdings, window) - 1
