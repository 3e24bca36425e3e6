"""From contracts to returns that somebody could have earned.

The return of a futures position is that of the contract held. A series spliced from front-month prices is
not it: at each roll it takes the spread between two contracts for a gain or loss. The functions here start
from a roll calendar (``research.datasets.futures.roll_before_notice``,
``roll_by_volume``), a Series of the contract held into each date.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.datasets.futures import clean_futures, roll_before_notice
from research.datasets.vintages import latest
from research.errors import NoData, ValidationError


def held_returns(table: pd.DataFrame, held: pd.Series) -> pd.DataFrame:
    """Price change and return of the held contract, close to close.

    ``price_change[t] = P[t](c) - P[t-1](c)`` and ``excess_return[t] = P[t](c) / P[t-1](c) - 1`` with ``c =
    held[t]`` and t-1 the trading day before t. A futures position ties up no money, so its return on the
    notional is an excess return. Where a contract has no close on a day within its life, its last close
    stands.

    Returns
    -------
    DataFrame
        Indexed by the dates of `held`; columns ``contract``, ``close`` (of the held contract),
        ``price_change``, ``excess_return``. The first row has no change.

    Raises
    ------
    NoData
        If the held contract has no close on the day before, or the dates of `held` skip a trading day.
    """
    quotes = table.pivot(index="date", columns="contract", values="close").sort_index()
    closes = quotes.ffill().where(quotes.bfill().notna())
    skipped = closes.loc[held.index[0] : held.index[-1]].index.difference(held.index)
    if len(skipped):
        raise NoData(f"held contract: none on {skipped[0]:%Y-%m-%d}; its return would be lost, so start after that day")
    row = closes.index.get_indexer(held.index)
    column = closes.columns.get_indexer(pd.Index(held.to_numpy()))
    unknown = (row < 0) | (column < 0)
    if unknown.any():
        at = int(unknown.argmax())
        raise NoData(
            f"contract {held.iloc[at]} on {held.index[at]:%Y-%m-%d}: not in the futures table; roll by its rows"
        )
    matrix = closes.to_numpy()
    close = matrix[row, column]
    before = np.concatenate([[np.nan], matrix[row[1:] - 1, column[1:]]])
    lacking = np.isnan(close) | np.isnan(before)
    lacking[0] = np.isnan(close[0])
    if lacking.any():
        at = int(lacking.argmax())
        raise NoData(f"contract {held.iloc[at]}: no close up to {held.index[at]:%Y-%m-%d}; hold one that is quoted")
    return pd.DataFrame(
        {"contract": held, "close": close, "price_change": close - before, "excess_return": close / before - 1},
        index=held.index,
    )


def held_contract(observations: pd.DataFrame, business_days: int = 5) -> pd.DataFrame:
    """The future that an account holds, day by day, from the observations of a table by contract.

    Cleaned, rolled ``business_days`` before first notice. Where on some day no contract could be held, the history
    begins after the last such day: a return across it was nobody's.

    Returns
    -------
    DataFrame
        ``observed_for``, ``known_at``, ``value`` (close of the held contract) and ``excess_return``.
    """
    newest = latest(observations, ["contract"])
    table = clean_futures(newest.rename(columns={"observed_for": "date"}))
    held = roll_before_notice(table, business_days)
    days = pd.DatetimeIndex(np.sort(table["date"].unique()))
    skipped = days[(days < held.index[-1]) & ~days.isin(held.index)]
    returns = held_returns(table, held[held.index > skipped[-1]] if len(skipped) else held)
    known = newest.groupby("observed_for")["known_at"].max().reindex(returns.index)
    return pd.DataFrame(
        {
            "observed_for": returns.index,
            "known_at": known.to_numpy(dtype=object),
            "value": returns["close"].to_numpy(),
            "excess_return": returns["excess_return"].to_numpy(),
        }
    ).astype({"known_at": "datetime64[us, UTC]", "observed_for": "datetime64[us]"})


def total_return_index(excess_returns: pd.Series, bill_returns: pd.Series, base: float = 100.0) -> pd.Series:
    """Value of a fully collateralised futures position: ``I[t] = I[t-1] (1 + excess_return[t] + bill_return[t])``.

    Parameters
    ----------
    excess_returns : Series
        As of `held_returns`; the first is ignored, since nothing is held before it.
    bill_returns : Series
        Simple return of Treasury bills over the same intervals, a fraction, on the same index.
    base : float
        Value on the first date.

    Raises
    ------
    ValidationError
        If a bill return is missing: collateral that silently earns nothing is a wrong history.
    """
    bills = bill_returns.reindex(excess_returns.index)
    missing = excess_returns.index[1:][bills.iloc[1:].isna().to_numpy()]
    if len(missing):
        raise ValidationError(f"bill return: none for {missing[0]:%Y-%m-%d}; give one for each date of the futures")
    growth = 1 + excess_returns.fillna(0.0) + bills
    growth.iloc[0] = 1.0
    return (base * growth.cumprod()).rename("total_return")
