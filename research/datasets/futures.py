"""Futures by contract: cleaning, delivery dates, which contract to hold, and returns that somebody could have earned.

The return of a futures position is that of the contract held. A series spliced from front-month prices is not it: at
each roll it takes the spread between two contracts for a gain or loss. So returns start from a roll calendar, a Series
of the contract held into each date.

Everything here is a pure function of one tidy table with the columns ``date, contract, open, high, low,
close, volume``, where ``contract`` is the delivery month ``YYYYMM``. Nothing depends on the metal: first
notice on the last business day before the delivery month is the rule of COMEX gold, silver and copper and
of NYMEX platinum and palladium alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import pandas as pd

from research.datasets.vintages import latest
from research.errors import NoData, ValidationError

FUTURES_COLUMNS = ("date", "contract", "open", "high", "low", "close", "volume")


def clean_futures(table: pd.DataFrame, *, stale_move: float = 0.01) -> pd.DataFrame:
    """Drop what cannot be a settlement price.

    Every rule uses only the day in question and the days before it, so that cleaning never looks ahead. Dropped are
    rows without a positive close; repeated rows, and all rows of one day and contract that contradict each other; open,
    high, low and close that contradict each other; a close unchanged on a day when the contracts
    that did change moved by at least `stale_move`, as a median of log changes.

    Parameters
    ----------
    table : DataFrame
        Columns `FUTURES_COLUMNS`; prices in one currency, volume in contracts. Contract may be integer or
        text.
    stale_move : float
        Threshold as a natural-log change.

    Returns
    -------
    DataFrame
        The rows kept, sorted by date and contract.

    Raises
    ------
    ValidationError
        If a column is missing or a contract is not a delivery month ``YYYYMM``.
    """
    if missing := [column for column in FUTURES_COLUMNS if column not in table.columns]:
        raise ValidationError(f"futures table: no column {missing[0]!r}; it needs {', '.join(FUTURES_COLUMNS)}")
    rows = table[list(FUTURES_COLUMNS)].astype(dict.fromkeys(FUTURES_COLUMNS[2:], "float64"))
    rows["date"] = pd.to_datetime(rows["date"]).astype("datetime64[us]")
    rows["contract"] = rows["contract"].map(_contract_name)
    rows = rows.sort_values(["date", "contract"], kind="stable", ignore_index=True)
    rows = rows[(rows["close"] > 0) & rows["date"].notna()].drop_duplicates()
    rows = rows[~rows.duplicated(["date", "contract"], keep=False)]
    prices = rows[["open", "high", "low", "close"]]
    rows = rows[~((prices.max(axis=1) > rows["high"]) | (prices.min(axis=1) < rows["low"]))]
    change = np.log(rows["close"]).groupby(rows["contract"]).diff()
    moved = change.where(change != 0).groupby(rows["date"]).transform("median")
    stale: pd.Series = (change == 0) & (moved.abs() >= stale_move)
    return rows[~stale].reset_index(drop=True)


def first_notice(contracts: Iterable[str | int]) -> pd.Series:
    """First notice day of each contract: the last business day of the month before its delivery month ``YYYYMM``.

    Indexed by contract (text), ascending, duplicates merged. Business days are those of the New York Stock Exchange,
    whose holidays are COMEX's settlement holidays.
    """
    names = sorted({_contract_name(contract) for contract in contracts})
    if not names:
        raise NoData("first notice: no contracts given; pass delivery months such as 202512")
    months = np.array([f"{name[:4]}-{name[4:]}" for name in names], dtype="datetime64[M]").astype("datetime64[D]")
    opening = np.busday_offset(months, 0, roll="forward", holidays=_exchange_holidays(names))
    notice = np.busday_offset(opening, -1, holidays=_exchange_holidays(names))
    return pd.Series(notice.astype("datetime64[us]"), index=pd.Index(names, name="contract"), name="first_notice")


def last_holding_day(contracts: Iterable[str | int], business_days: int) -> pd.Series:
    """Day `business_days` before first notice, at whose close the contract is sold at the latest."""
    if business_days < 1:
        raise ValidationError(f"roll rule: {business_days} business days before notice is in delivery; use 1 or more")
    notice = first_notice(contracts)
    closed = _exchange_holidays(notice.index)
    days = np.busday_offset(notice.to_numpy().astype("datetime64[D]"), -business_days, roll="backward", holidays=closed)
    return pd.Series(days.astype("datetime64[us]"), index=notice.index, name="last_holding_day")


def roll_before_notice(table: pd.DataFrame, business_days: int = 5) -> pd.Series:
    """Hold the nearest contract until `business_days` before its first notice day.

    The value at date t is the contract whose price change from the trading day before to t the holder
    earns. The roll is done at the close of the last holding day: out of the old contract, into the new one.
    The calendar alone decides, so the rule is known in advance. A contract can be held from the day after its first
    quote (it must have a price to be bought at) to the earlier of its last quote and its last holding day.

    Returns
    -------
    Series
        Contract by trading date of the table; dates on which no contract can be held are missing.
    """
    contract = table["contract"].map(_contract_name)
    quotes = table.groupby(contract)["date"].agg(["min", "max"]).sort_index()
    last = np.minimum(quotes["max"].to_numpy(), last_holding_day(quotes.index, business_days).to_numpy())
    dates = pd.DatetimeIndex(np.sort(table["date"].unique()), name="date")
    day, first = dates.to_numpy()[:, None], quotes["min"].to_numpy()
    allowed = ((first < day) | (day == day[:1])) & (first <= day) & (day <= last)
    some = np.flatnonzero(allowed.any(axis=1))
    return pd.Series(quotes.index.to_numpy()[allowed.argmax(axis=1)[some]], index=dates[some], name="contract")


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
    own = closes.reindex(columns=held.unique())
    at = np.arange(len(held)), own.columns.get_indexer(pd.Index(held.to_numpy()))
    close, before = (prices.reindex(held.index).to_numpy()[at] for prices in (own, own.shift()))
    lacking = np.isnan(close) | (np.isnan(before) & (at[0] > 0))
    if lacking.any():
        which = f"contract {held.iloc[lacking.argmax()]} on {held.index[lacking.argmax()]:%Y-%m-%d}"
        raise NoData(f"{which}: no close of it then or on the day before; hold one that is quoted")
    before[0] = np.nan
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
    columns = {"observed_for": returns.index, "known_at": known, "value": returns["close"]}
    table = pd.DataFrame(columns | {"excess_return": returns["excess_return"]}).reset_index(drop=True)
    return table.astype({"known_at": "datetime64[us, UTC]", "observed_for": "datetime64[us]"})


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


def _contract_name(contract: object) -> str:
    name = str(contract)
    if len(name) != 6 or not name.isdigit() or not 1 <= int(name[4:]) <= 12:
        raise ValidationError(f"futures contract {name!r}: is no delivery month; write YYYYMM, such as 202512")
    return name


def _exchange_holidays(contracts: Iterable[object]) -> np.ndarray:
    years = [int(str(contract)[:4]) for contract in contracts]
    return _scheduled_holidays(min(years) - 1, max(years))


@lru_cache(maxsize=8)
def _scheduled_holidays(first_year: int, last_year: int) -> np.ndarray:
    """Holidays that recur. Hurricanes, attacks and days of mourning were in no calendar when the rolls were planned."""
    import holidays

    days = holidays.financial_holidays("NYSE", years=range(min(first_year, 1975), max(last_year, 2035) + 1))
    years_of: dict[str, set[int]] = {}
    for day, name in days.items():
        years_of.setdefault(name, set()).add(day.year)
    return np.array(sorted(day for day, name in days.items() if len(years_of[name]) > 1), dtype="datetime64[D]")
