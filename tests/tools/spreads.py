"""Pairs of contracts, day by day, and what may speak against their prices: for deriving data, not for an account."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.datasets.futures import clean_futures, last_holding_day
from research.errors import ValidationError

MID_DELIVERY_DAY = 15
"""Whatever weekday, so that two contracts a year apart lie 365 or 366 days apart."""


def with_conditions(table: pd.DataFrame, *, limit_move: float = 0.03) -> pd.DataFrame:
    """The rows that ``clean_futures`` keeps, and how each price came about.

    ``traded`` (nullable boolean): volume is above zero; ``<NA>`` on days when the file records no volume for any
    contract. ``locked`` (boolean): the close was held by the daily limit, so its distance to other closes says nothing:
    a log change of more than `limit_move` when at least two other contracts moved by the very same round amount.
    """
    rows = clean_futures(table)
    recorded = rows.groupby("date")["volume"].transform("max") > 0
    traded = (rows["volume"] > 0).astype("boolean").where(recorded, pd.NA)
    change = np.log(rows["close"]).groupby(rows["contract"]).diff().abs()
    move = rows["close"].groupby(rows["contract"]).diff().round(6)
    together = move.groupby([rows["date"], move]).transform("size").fillna(0) >= 3
    return rows.assign(traded=traded, locked=(change > limit_move) & together & _round_amount(move))


def calendar_spreads(table: pd.DataFrame, near: int = 0, far: int = 1, business_days: int = 5) -> pd.DataFrame:
    """Two contracts of one venue and one settlement moment, day by day.

    Parameters
    ----------
    table : DataFrame
        A cleaned futures table, as ``with_conditions`` returns it.
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
    last = table["contract"].map(last_holding_day(table["contract"].unique(), business_days))
    rows = table[table["date"] <= last].sort_values(["date", "contract"])
    middle = pd.to_datetime(rows["contract"] + str(MID_DELIVERY_DAY), format="%Y%m%d")
    rows["days"] = (middle - rows["date"]).dt.days
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


def _round_amount(amounts: pd.Series) -> pd.Series:
    """Whether an amount is one that an exchange sets as its limit: 0.50, 0.75, 1, 25 but not 0.31 or 88."""
    size = amounts.abs().where(amounts != 0)
    leading = (size / 10 ** np.floor(np.log10(size)) * 2).round(6)
    return leading == leading.round()
