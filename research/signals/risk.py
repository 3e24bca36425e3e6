"""How much of each leg a portfolio holds, before any signal speaks."""

from __future__ import annotations

import pandas as pd


def equal_risk(price: pd.DataFrame, *, window: int, warm_up: int) -> pd.DataFrame:
    r"""Weights inverse to trailing volatility, :math:`w_i = \sigma_i^{-1} / \sum_j \sigma_j^{-1}`.

    Each leg alone would then move the account as much as any other; how they move together is left out.

    Parameters
    ----------
    price
        As known at each decision, one column a leg; the last known price stands where there is none.
    window, warm_up
        Bars over which the standard deviation of returns is taken, and the fewest that give one.

    Returns
    -------
    DataFrame
        Rows of sum 1; NaN until every leg has `warm_up` returns.

    References
    ----------
    Maillard, Roncalli and Teïletche (2010): equal risk contributions, where all correlations are equal.
    """
    volatility = price.ffill().pct_change().rolling(window, min_periods=warm_up).std()
    inverse = 1 / volatility.where(volatility > 0)
    return inverse.div(inverse.sum(axis=1, skipna=False), axis=0)
