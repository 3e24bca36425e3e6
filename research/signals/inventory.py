"""Stocks of metal: how fast they drain, how they are relabelled, how many claims stand on them and who holds those.

Stocks are in troy ounces or tonnes, one unit within one call. The fall of a stock from its trailing high is
``research.signals.series.drawdown_from_high``.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from research.memo import shared
from research.signals.lease import Numbers
from research.signals.series import value_before

OUNCES_PER_CONTRACT = {"gold": 100.0, "silver": 5_000.0}
RESTATEMENTS = ("2011-04-27",)  # COMEX restated registered and eligible; nothing moved


@shared
def days_of_cover(stock: pd.Series, window: str) -> pd.Series:
    r"""Days until the stock is gone at the recent pace: :math:`R_t \big/ [(R_{t-W} - R_t)/W]`.

    The pace is the net withdrawal a calendar day since the last report at least ``window`` ago.

    Parameters
    ----------
    stock
        Ounces, or tonnes, of each day.

    Returns
    -------
    pd.Series
        Days; infinite where the stock did not fall, NaN until the first window is full.
    """
    withdrawn = (value_before(stock, window) - stock).clip(lower=0.0)
    return stock * (pd.Timedelta(window) / pd.Timedelta("1D")) / withdrawn


def open_interest_coverage(contracts: Numbers, stock: Numbers, *, ounces_per_contract: float) -> Numbers:
    """Paper ounces for each ounce of stock: ``contracts * ounces_per_contract / stock``, a multiple.

    Say which stock: registered alone, or registered and eligible, differ by a factor of two to ten.

    >>> round(open_interest_coverage(100_000, 123e6, ounces_per_contract=5_000), 4)
    4.065

    Parameters
    ----------
    contracts
        Open contracts.
    stock
        Ounces.
    ounces_per_contract
        100 of gold, 5,000 of silver.
    """
    return contracts * ounces_per_contract / stock


def net_position(long: Numbers, short: Numbers, open_interest: Numbers) -> Numbers:
    """Net position of a group as a share of open interest: ``(long - short) / open_interest``.

    Its score over three years is ``trailing_zscore(net, "1096D")``. The report describes a Tuesday and becomes
    known on Friday; a group's contracts and the open interest must come from one report, futures alone or
    combined with options.

    >>> round(net_position(135_093, 15_298, 384_603), 6)
    0.311477

    Parameters
    ----------
    long
        Long contracts of the group.
    short
        Short contracts of the group.
    open_interest
        All contracts that are open.
    """
    return (long - short) / open_interest


def adjustment(stock: pd.Series, received: pd.Series, withdrawn: pd.Series) -> pd.Series:
    """Change of one category that no delivery explains: ``R[t] - R[t-1] - received[t] + withdrawn[t]``.

    Relabelling moves metal between registered and eligible without moving it, so the two adjustments of a vault
    sum to zero; what they do not is an error or a restatement.

    Parameters
    ----------
    stock
        Ounces at the end of each day.
    received, withdrawn
        Ounces of each day.
    """
    return stock.diff() - received + withdrawn


@shared
def reclassified(
    registered: pd.Series,
    eligible: pd.Series,
    *,
    max_gap: str = "7D",
    restatements: Iterable[str] = RESTATEMENTS,
) -> pd.Series:
    r"""Metal that seems to have been relabelled between two reports, as a share of registered.

    From the two totals alone only the mirrored part can be seen: where they move in opposite directions,
    :math:`\mathrm{sign}(\Delta R)\min(|\Delta R|, |\Delta E|)/R_{t-1}`, else 0. Positive: eligible became
    registered. A deposit into one and a withdrawal from the other on one day look the same; the vaults' own
    ``adjustment`` would tell them apart.

    Parameters
    ----------
    registered, eligible
        Ounces by date; rows with both are used.
    max_gap
        Two reports farther apart say nothing about relabelling: NaN.
    restatements
        Dates on which the exchange restated its categories: NaN.
    """
    both = pd.DataFrame({"registered": registered, "eligible": eligible}).dropna()
    change = both.diff()
    mirrored = np.sign(change["registered"]) * change.abs().min(axis=1)
    share = mirrored.where(change["registered"] * change["eligible"] < 0, 0.0) / both["registered"].shift()
    reported = pd.Series(pd.DatetimeIndex(both.index).tz_localize(None), index=both.index)
    share = share.where(reported.diff() <= pd.Timedelta(max_gap))
    for date in map(pd.Timestamp, restatements):
        share = share.mask((reported >= date) & (reported.shift() < date))
    reclassified: pd.Series = share.rename("reclassified")
    return reclassified


def free_float(vaults: Numbers, funds: Numbers) -> Numbers:
    """Metal in London vaults that no exchange-traded fund holds: ``vaults - funds``, in their unit.

    An upper bound of what can be lent: allocated metal of others is unknown.

    >>> free_float(26_255.0, 20_450.0)
    5805.0

    Parameters
    ----------
    vaults
        All metal in vaults, tonnes.
    funds
        Of it held for funds, tonnes.
    """
    return vaults - funds
