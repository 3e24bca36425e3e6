"""Market: what really happened to the price and to bills, for the engine's ledger and for nothing else.

A strategy never sees a Market; it sees a :class:`~research.datasets.panel.Panel`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from research.datasets.dataset import PERIODS_PER_YEAR, Dataset
from research.errors import NoData

BILL_DAYS = 91


@dataclass(frozen=True)
class Market:
    """Realised prices of one metal and the return of Treasury bills, bar by bar.

    Attributes
    ----------
    metal
        ``"gold"`` or ``"silver"`` (any metal with a ``<metal>_price`` dataset).
    price
        USD per troy ounce, indexed by the bar's date.
    bill_accrual
        Return of bills from the previous bar to this one, a fraction; 0 on the first bar.
        ``y[t-1] * days / 365`` with ``y`` the bond-equivalent yield known at the previous bar.
    averaged
        Whether prices are period averages (volatility is then understated, variance about x 2/3).
    periods_per_year
        Bars a year, for every annualised number.
    datasets
        The datasets behind it, by id.
    """

    metal: str
    price: pd.Series
    bill_accrual: pd.Series
    averaged: bool
    periods_per_year: int
    datasets: Mapping[str, Dataset]

    @property
    def year_fraction(self) -> pd.Series:
        """Calendar days since the previous bar, over 365; 0 on the first bar."""
        days = self.price.index.to_series().diff().dt.days.fillna(0)
        return days / 365.0

    def since(self, first: pd.Timestamp) -> Market:
        """The same market from one bar on."""
        accrual = self.bill_accrual.loc[first:].copy()
        accrual.iloc[0] = 0.0
        return Market(
            self.metal,
            self.price.loc[first:],
            accrual,
            self.averaged,
            self.periods_per_year,
            self.datasets,
        )


def build_market(
    metal: str,
    price: tuple[Dataset, pd.DataFrame],
    bills: tuple[Dataset, pd.DataFrame],
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
) -> Market:
    """Align realised prices and bill yields by the periods that they describe.

    Raises
    ------
    NoData
        If no price, or no bill rate, lies in the range.
    """
    price_dataset, price_table = price
    bill_dataset, bill_table = bills
    series = _newest_vintage(price_table).loc[start:end]
    first, last = (None, None) if not len(price_table) else _span(price_table)
    if len(series) < 2:
        asked = f"{start:%Y-%m-%d}" if start is not None else "the beginning"
        until = f"{end:%Y-%m-%d}" if end is not None else "the end"
        raise NoData(f"{price_dataset.id}: no history from {asked} to {until}; the data cover {first} to {last}")
    yields = bond_equivalent(_newest_vintage(bill_table), bill_dataset)
    before = _carry(yields, pd.DatetimeIndex(series.index[:-1]), bill_dataset.longest_useful_age)
    if np.isnan(before).any():
        missing = series.index[:-1][np.isnan(before)][0]
        raise NoData(
            f"{bill_dataset.id}: no rate for {missing:%Y-%m-%d}; cash would earn nothing; "
            f"it covers {yields.index[0]:%Y-%m-%d} to {yields.index[-1]:%Y-%m-%d}: narrow --start and --end"
        )
    days = np.diff(series.index.to_numpy()) / np.timedelta64(1, "D")
    accrual = np.concatenate([[0.0], before / 100 * days / 365])
    return Market(
        metal,
        series.rename(price_dataset.id),
        pd.Series(accrual, index=series.index, name="bill_accrual"),
        price_dataset.price == "average",
        PERIODS_PER_YEAR[price_dataset.frequency],
        {price_dataset.id: price_dataset, bill_dataset.id: bill_dataset},
    )


def bond_equivalent(rate: pd.Series, dataset: Dataset) -> pd.Series:
    """Bill yield in % a year, bond-equivalent.

    A rate quoted on a bank-discount basis ``d`` becomes ``365 d / (360 - 91 d)`` (d a fraction);
    a bond-equivalent one stays as it is.
    """
    if "discount" not in dataset.unit:
        return rate
    fraction = rate / 100
    return 100 * 365 * fraction / (360 - BILL_DAYS * fraction)


def _newest_vintage(table: pd.DataFrame) -> pd.Series:
    return table.sort_values("known_at", kind="stable").groupby("observed_for")["value"].last()


def _span(table: pd.DataFrame) -> tuple[str, str]:
    return f"{table['observed_for'].min():%Y-%m-%d}", f"{table['observed_for'].max():%Y-%m-%d}"


def _carry(series: pd.Series, index: pd.DatetimeIndex, longest: pd.Timedelta) -> np.ndarray:
    rows = np.searchsorted(series.index.to_numpy(), index.to_numpy(), side="right") - 1
    values = series.to_numpy(dtype=float)[rows.clip(0)]
    age = index.to_numpy() - series.index.to_numpy()[rows.clip(0)]
    values[(rows < 0) | (age > longest.to_timedelta64())] = np.nan
    return values
