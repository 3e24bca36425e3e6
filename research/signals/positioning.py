"""Positions of traders by group, from the Commitments of Traders reports."""

from __future__ import annotations

from research.signals.lease import Numbers


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


def net_share(long: Numbers, short: Numbers) -> Numbers:
    """Net position as a share of the group's own contracts, -1 to 1: ``(long - short) / (long + short)``.

    For reports without open interest.

    Parameters
    ----------
    long
        Long contracts of the group.
    short
        Short contracts of the group.
    """
    return (long - short) / (long + short)
