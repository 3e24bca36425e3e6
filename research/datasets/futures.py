"""Futures by contract: cleaning, delivery dates, and which contract to hold.

Everything here is a pure function of one tidy table with the columns ``date, contract, open, high, low,
close, volume``, where ``contract`` is the delivery month ``YYYYMM``. Nothing depends on the metal: first
notice on the last business day before the delivery month is the rule of COMEX gold, silver and copper and
of NYMEX platinum and palladium alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from research.errors import NoData, ValidationError

FUTURES_COLUMNS = ("date", "contract", "open", "high", "low", "close", "volume")
MID_DELIVERY_DAY = 15


@dataclass(frozen=True)
class CleanFutures:
    """A cleaned futures table and what was done to it.

    Attributes
    ----------
    table : DataFrame
        The rows kept, sorted by date and contract, with two columns more. ``traded`` (nullable boolean):
        volume is above zero; ``<NA>`` on days when the file records no volume for any contract. ``locked``
        (boolean): the close was held by the daily limit, so its distance to other closes says nothing.
    issues : DataFrame
        One row per finding: ``date, contract, reason, action`` with action ``dropped`` or ``flagged``.
    """

    table: pd.DataFrame
    issues: pd.DataFrame

    def summary(self) -> pd.DataFrame:
        """Return the number of findings by reason and action, with their first and last date."""
        groups = self.issues.groupby(["reason", "action"], sort=True)["date"]
        return groups.agg(rows="size", first="min", last="max").reset_index()


def clean_futures(
    table: pd.DataFrame, *, jump: float = 0.06, stale_move: float = 0.01, limit_move: float = 0.03
) -> CleanFutures:
    """Drop what cannot be a settlement price, flag what may be one, and report both.

    Every rule uses only the day in question and the days before it, so that cleaning never looks ahead.

    Dropped: rows without a positive close (``no price``); rows of one day and contract that contradict each
    other (``conflicting duplicate``; identical ones are merged as ``duplicate``); open, high, low and close
    that contradict each other (``bad OHLC``); a close unchanged from the contract's last one on a day when
    the contracts that did change moved by at least `stale_move`, as a median of log changes (``stale
    settlement``).

    Flagged: volume zero on a day when some contract has volume (``no volume``: settled from spreads); a log
    change of more than `jump` from the contract's last close (``jump``); a log change of more than `limit_move`
    when at least two other contracts moved by the very same round amount of money (``limit move``).

    Parameters
    ----------
    table : DataFrame
        Columns `FUTURES_COLUMNS`; prices in one currency, volume in contracts. Contract may be integer or
        text.
    jump, stale_move, limit_move : float
        Thresholds as natural-log changes.

    Raises
    ------
    ValidationError
        If a column is missing or a contract is not a delivery month ``YYYYMM``.
    """
    rows = _tidy(table)
    found: list[pd.DataFrame] = []

    def take(mask: pd.Series, reason: str, action: str = "dropped") -> None:
        nonlocal rows
        found.append(rows.loc[mask, ["date", "contract"]].assign(reason=reason, action=action))
        if action == "dropped":
            rows = rows.loc[~mask]

    take(~(rows["close"] > 0) | rows["date"].isna(), "no price")
    take(rows.duplicated(list(FUTURES_COLUMNS)), "duplicate")
    take(rows.duplicated(["date", "contract"], keep=False), "conflicting duplicate")
    prices = rows[["open", "high", "low", "close"]]
    take((prices.max(axis=1) > rows["high"]) | (prices.min(axis=1) < rows["low"]), "bad OHLC")
    take(_stale(rows, stale_move), "stale settlement")

    recorded = rows.groupby("date")["volume"].transform("max") > 0
    rows = rows.assign(traded=(rows["volume"] > 0).astype("boolean").where(recorded, pd.NA))
    take((~rows["traded"]).fillna(False).astype(bool), "no volume", "flagged")
    change = np.log(rows["close"]).groupby(rows["contract"]).diff().abs()
    take(change > jump, "jump", "flagged")
    rows = rows.assign(locked=(change > limit_move) & _moved_together(rows))
    take(rows["locked"], "limit move", "flagged")

    issues = pd.concat(found).sort_values(["date", "contract"], kind="stable").reset_index(drop=True)
    return CleanFutures(rows.reset_index(drop=True), issues)


def delivery_calendar(contracts: Iterable[str | int], holidays: Iterable[object] | None = None) -> pd.DataFrame:
    """Return first notice day and mid-delivery day of each contract.

    ``first_notice`` is the last business day of the month before the delivery month. ``mid_delivery`` is
    the 15th calendar day of the delivery month, whatever weekday: the one date from which all days to
    delivery are counted, so that two contracts a year apart lie 365 or 366 days apart.

    Parameters
    ----------
    contracts : iterable of str or int
        Delivery months ``YYYYMM``; duplicates are merged.
    holidays : iterable of dates, optional
        Exchange holidays; the New York Stock Exchange's when left out, which are COMEX's settlement
        holidays.

    Returns
    -------
    DataFrame
        Indexed by contract (text), ascending; columns ``first_notice``, ``mid_delivery``.
    """
    names = sorted({_contract_name(contract) for contract in contracts})
    if not names:
        raise NoData("delivery calendar: no contracts given; pass delivery months such as 202512")
    months = np.array([f"{name[:4]}-{name[4:]}" for name in names], dtype="datetime64[M]")
    closed = _exchange_holidays(names) if holidays is None else np.array(list(holidays), dtype="datetime64[D]")
    opening = np.busday_offset(months.astype("datetime64[D]"), 0, roll="forward", holidays=closed)
    notice = np.busday_offset(opening, -1, holidays=closed)
    middle = months.astype("datetime64[D]") + np.timedelta64(MID_DELIVERY_DAY - 1, "D")
    return pd.DataFrame(
        {"first_notice": notice.astype("datetime64[us]"), "mid_delivery": middle.astype("datetime64[us]")},
        index=pd.Index(names, name="contract"),
    )


def last_holding_day(calendar: pd.DataFrame, business_days: int, holidays: Iterable[object] | None = None) -> pd.Series:
    """Return the day `business_days` before first notice, at whose close the contract is sold at the latest."""
    if business_days < 1:
        raise ValidationError(
            f"roll rule: {business_days} business days before first notice is in delivery; use 1 or more"
        )
    closed = _exchange_holidays(calendar.index) if holidays is None else np.array(list(holidays), dtype="datetime64[D]")
    notice = calendar["first_notice"].to_numpy().astype("datetime64[D]")
    days = np.busday_offset(notice, -business_days, roll="backward", holidays=closed)
    return pd.Series(days.astype("datetime64[us]"), index=calendar.index, name="last_holding_day")


def roll_before_notice(table: pd.DataFrame, business_days: int = 5) -> pd.Series:
    """Hold the nearest contract until `business_days` before its first notice day.

    The value at date t is the contract whose price change from the trading day before to t the holder
    earns. The roll is done at the close of the last holding day: out of the old contract, into the new one.
    The calendar alone decides, so the rule is known in advance.

    Returns
    -------
    Series
        Contract by trading date of the table; dates on which no contract can be held are missing.
    """
    dates, names, allowed = _holdable(table, business_days)
    some = np.flatnonzero(allowed.any(axis=1))
    return pd.Series(names[allowed.argmax(axis=1)[some]], index=dates[some], name="contract")


def roll_by_volume(table: pd.DataFrame, business_days: int = 2) -> pd.Series:
    """Move to the later contract with the most volume once it has more than the held one.

    Day t's volumes are complete after the close of t, so the roll is done at the close of t+1 and the new
    contract's price change is earned from t+2 on. Never back to an earlier contract, and never past
    `business_days` before first notice, which alone decides on days without recorded volume.

    Returns
    -------
    Series
        As `roll_before_notice`.
    """
    dates, names, allowed = _holdable(table, business_days)
    volumes = table.assign(contract=table["contract"].map(_contract_name)).pivot(
        index="date", columns="contract", values="volume"
    )
    volume = volumes.reindex(index=dates, columns=names).fillna(0.0).to_numpy()
    some = np.flatnonzero(allowed.any(axis=1))
    held = np.zeros(len(dates), dtype=int)
    wanted = np.zeros(len(dates), dtype=int)
    for t in range(len(dates)):
        earliest = max(held[t - 1] if t else 0, wanted[t - 2] if t > 1 else 0)
        held[t] = earliest + int(allowed[t, earliest:].argmax()) if allowed[t, earliest:].any() else earliest
        best = held[t] + int(volume[t, held[t] :].argmax())
        wanted[t] = best if volume[t, best] > volume[t, held[t]] else held[t]
    return pd.Series(names[held[some]], index=dates[some], name="contract")


def _holdable(table: pd.DataFrame, business_days: int) -> tuple[pd.DatetimeIndex, np.ndarray, np.ndarray]:
    """Trading dates, contracts, and whether each contract can be held into each date.

    It can from the day after its first quote (it must have a price to be bought at) to the earlier of its
    last quote and its last holding day.
    """
    contract = table["contract"].map(_contract_name)
    quotes = table.groupby(contract)["date"].agg(["min", "max"]).sort_index()
    last = np.minimum(
        quotes["max"].to_numpy(), last_holding_day(delivery_calendar(quotes.index), business_days).to_numpy()
    )
    dates = pd.DatetimeIndex(np.sort(table["date"].unique()), name="date")
    day = dates.to_numpy()[:, None]
    first = quotes["min"].to_numpy()
    allowed = ((first < day) | (day == day[:1])) & (first <= day) & (day <= last)
    return dates, quotes.index.to_numpy(), allowed


def _tidy(table: pd.DataFrame) -> pd.DataFrame:
    missing = [column for column in FUTURES_COLUMNS if column not in table.columns]
    if missing:
        raise ValidationError(f"futures table: no column {missing[0]!r}; it needs {', '.join(FUTURES_COLUMNS)}")
    rows = table.loc[:, list(FUTURES_COLUMNS)].copy()
    rows["date"] = pd.to_datetime(rows["date"]).astype("datetime64[us]")
    rows["contract"] = rows["contract"].map(_contract_name)
    numbers = ["open", "high", "low", "close", "volume"]
    rows[numbers] = rows[numbers].astype("float64")
    return rows.sort_values(["date", "contract"], kind="stable").reset_index(drop=True)


def _contract_name(contract: object) -> str:
    name = str(contract)
    if len(name) != 6 or not name.isdigit() or not 1 <= int(name[4:]) <= 12:
        raise ValidationError(f"futures contract {name!r}: is no delivery month; write YYYYMM, such as 202512")
    return name


def _stale(rows: pd.DataFrame, move: float) -> pd.Series:
    change = np.log(rows["close"]).groupby(rows["contract"]).diff()
    moved = change.where(change != 0).groupby(rows["date"]).transform("median")
    stale: pd.Series = (change == 0) & (moved.abs() >= move)
    return stale


def _moved_together(rows: pd.DataFrame) -> pd.Series:
    """Whether at least three contracts of the day moved by this contract's very amount, and it is a round one."""
    move = rows["close"].groupby(rows["contract"]).diff().round(6)
    together = move.groupby([rows["date"], move]).transform("size").fillna(0) >= 3
    held: pd.Series = together & _round_amount(move)
    return held


def _round_amount(amounts: pd.Series) -> pd.Series:
    """Whether an amount is one that an exchange sets as its limit: 0.50, 0.75, 1, 25 but not 0.31 or 88."""
    size = amounts.abs().where(amounts != 0)
    leading = (size / 10 ** np.floor(np.log10(size)) * 2).round(6)
    whole: pd.Series = leading == leading.round()
    return whole


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
