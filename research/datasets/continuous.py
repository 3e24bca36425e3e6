"""From contracts to returns that somebody could have earned.

The return of a futures position is that of the contract held. A series spliced from front-month prices is
not it: at each roll it takes the spread between two contracts for a gain or loss. The functions here start
from a roll calendar (``research.datasets.futures.roll_before_notice``,
``roll_by_volume``), a Series of the contract held into each date.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from research.datasets.futures import clean_futures, delivery_calendar, last_holding_day, roll_before_notice
from research.errors import NoData, ValidationError

Anchor = Literal["first", "last"]


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
    newest = observations.sort_values("known_at", kind="stable").drop_duplicates(
        ["observed_for", "contract"], keep="last"
    )
    table = clean_futures(newest.rename(columns={"observed_for": "date"})).table
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


def ratio_adjusted(returns: pd.DataFrame, anchor: Anchor = "first") -> pd.Series:
    """Continuous price whose simple returns are the held contract's: ``level[t] = level[t-1] (1 + excess_return[t])``.

    Anchored at the first close, past levels never change when data are added; anchored at the last close,
    as vendors do, the whole past is rescaled at each roll, so its levels may not enter a signal.
    """
    growth = (1 + returns["excess_return"].fillna(0.0)).cumprod()
    end = 0 if anchor == "first" else -1
    level: pd.Series = growth / growth.iloc[end] * returns["close"].iloc[end]
    return level.rename("ratio_adjusted")


def difference_adjusted(returns: pd.DataFrame, anchor: Anchor = "first") -> pd.Series:
    """Continuous price whose changes are the held contract's: ``level[t] = level[t-1] + price_change[t]``.

    For profit in currency per ounce only. Its level may reach zero or below: returns in per cent, ratios
    and any basis computed from it are meaningless.
    """
    total = returns["price_change"].fillna(0.0).cumsum()
    end = 0 if anchor == "first" else -1
    level: pd.Series = total - total.iloc[end] + returns["close"].iloc[end]
    return level.rename("difference_adjusted")


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


def bridged_returns(front: pd.Series, spot: pd.Series, first_days: pd.DatetimeIndex) -> pd.Series:
    """Excess return of the held contract from a front-month series that is spliced without adjustment.

    ``front[t] / front[t-1] - 1`` within a contract. On the first day of a new one that ratio would count the spread
    between two contracts as a gain; there the change of spot stands in, which leaves out one day of carry.

    Parameters
    ----------
    front, spot : Series
        Prices by date, of one underlying in one unit.
    first_days : DatetimeIndex
        Days on which `front` is a contract other than the day before.

    Raises
    ------
    NoData
        If `front` has a hole, or spot is unknown where the contract changes.
    """
    rolled = front.index.isin(first_days)
    returns = front.pct_change().where(~rolled, spot.reindex(front.index, method="ffill").pct_change())
    unknown = returns.index[1:][returns.iloc[1:].isna()]
    if len(unknown):
        raise NoData(f"{unknown[0]:%Y-%m-%d}: no price to take a return from; give spot for the days of a roll")
    return returns.rename("excess_return")


def calendar_spreads(table: pd.DataFrame, near: int = 0, far: int = 1, business_days: int = 5) -> pd.DataFrame:
    """Two contracts of one venue and one settlement moment, day by day.

    Parameters
    ----------
    table : DataFrame
        A cleaned futures table.
    near, far : int
        Which contracts, counted from 0, among those quoted that day and not past their last holding day.
    business_days : int
        How long before first notice the last holding day is; contracts in delivery never enter.

    Returns
    -------
    DataFrame
        Indexed by date, one row for each day with both contracts: ``near_contract``, ``far_contract``,
        ``near_close``, ``far_close``, ``near_days``, ``far_days`` (calendar days to mid-delivery), and
        ``traded`` (nullable boolean: both have volume) and ``locked`` (both were held by the daily limit).
    """
    if not 0 <= near < far:
        raise ValidationError(f"calendar spread: contracts {near} and {far}; the far one must come after the near one")
    calendar = delivery_calendar(table["contract"].unique())
    calendar["last_holding_day"] = last_holding_day(calendar, business_days)
    rows = table.merge(calendar, left_on="contract", right_index=True)
    rows = rows[rows["date"] <= rows["last_holding_day"]].sort_values(["date", "contract"])
    rows["days"] = (rows["mid_delivery"] - rows["date"]).dt.days
    place = rows.groupby("date").cumcount()
    first, second = (rows[place == which].set_index("date") for which in (near, far))
    first = first.loc[first.index.isin(second.index)]
    return pd.DataFrame(
        {
            "near_contract": first["contract"],
            "far_contract": second["contract"],
            "near_close": first["close"],
            "far_close": second["close"],
            "near_days": first["days"],
            "far_days": second["days"],
            "traded": first["traded"] & second["traded"],
            "locked": first["locked"] & second["locked"],
        }
    )
