"""Market: what really happened to the price and to bills, for the engine's ledger and for nothing else.

A strategy never sees a Market; it sees a ``Panel``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from research.datasets.futures import total_return_index
from research.datasets.registry import PERIODS_PER_YEAR, Dataset
from research.datasets.vintages import last_known
from research.errors import NoData, ValidationError

BILL_DAYS = 91
# Largest natural-log distance of bars a year from the declared: 261 weekdays are 0.04, seven-day prices 0.37.
FREQUENCY_TOLERANCE = 0.2


@dataclass(frozen=True)
class Market:
    """Realised prices of one metal and the return of Treasury bills, bar by bar.

    Attributes
    ----------
    metal
        ``"gold"`` or ``"silver"`` (any metal with a price).
    price
        What the account holds, indexed by the bar's date: USD per troy ounce, or the total return of the futures held,
        which starts at the first contract's close.
    bill_accrual
        Return of bills from the previous bar to this one, a fraction; 0 on the first bar.
        ``y[t-1] * days / 365`` with ``y`` the bond-equivalent yield known at the previous bar.
    averaged
        Whether prices are period averages (volatility is then understated, variance about x 2/3).
    periods_per_year
        Bars a year, for every annualised number.
    datasets
        The datasets behind it, by id; the traded one first.
    in_price
        Terms of an Execution that the price holds already: ``"storage"``, ``"borrow"``.
    """

    metal: str
    price: pd.Series
    bill_accrual: pd.Series
    averaged: bool
    periods_per_year: int
    datasets: Mapping[str, Dataset]
    in_price: frozenset[str] = frozenset()

    @property
    def year_fraction(self) -> pd.Series:
        """Calendar days since the previous bar, over 365; 0 on the first bar."""
        days: pd.Series = self.price.index.to_series().diff().dt.days.fillna(0)
        return days / 365.0

    def since(self, first: pd.Timestamp) -> Market:
        """The same market from one bar on.

        Parameters
        ----------
        first
            First bar that is kept.
        """
        accrual = self.bill_accrual.loc[first:].copy()
        accrual.iloc[0] = 0.0
        return replace(self, price=self.price.loc[first:], bill_accrual=accrual)


Source = tuple[Dataset, pd.DataFrame]


def build_market(
    metal: str,
    price: Source,
    bills: Sequence[Source],
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
    *,
    excess_returns: pd.Series | None = None,
    in_price: frozenset[str] = frozenset(),
) -> Market:
    """Align realised prices and bill yields by the periods that they describe.

    Parameters
    ----------
    price
        The traded dataset and its observations, ``observed_for, known_at, value``.
    bills
        Bill rates; on each bar the first that knows one counts.
    excess_returns
        For futures: those of the held contract, by date. The market's price is then their total return with the bills
        as collateral, from the first value of ``price`` on.

    Raises
    ------
    NoData
        If no price, or no bill rate, lies in the range.
    ValidationError
        If the bars are not as far apart as the dataset's frequency says.
    """
    dataset, table = price
    whole = newest_vintage(table)
    check_frequency(dataset, pd.DatetimeIndex(whole.index))
    if whole.empty:
        raise NoData(f"{dataset.id}: nothing was known of it by then; use a later moment")
    series = whole.loc[start:end]
    if len(series) < 2:
        asked = f"{start:%Y-%m-%d}" if start is not None else "the beginning"
        until = f"{end:%Y-%m-%d}" if end is not None else "the end"
        covered = f"{whole.index[0]:%Y-%m-%d} to {whole.index[-1]:%Y-%m-%d}"
        raise NoData(f"{dataset.id}: no history from {asked} to {until}; the data cover {covered}")
    accrual, used = _accrual(pd.DatetimeIndex(series.index), bills)
    if excess_returns is not None:
        series = total_return_index(excess_returns.reindex(series.index), accrual, series.iloc[0])
    return Market(
        metal,
        series.rename(dataset.id),
        accrual,
        dataset.price == "average",
        PERIODS_PER_YEAR[dataset.frequency],
        {one.id: one for one in (dataset, *used)},
        in_price,
    )


def check_frequency(dataset: Dataset, bars: pd.DatetimeIndex) -> None:
    """Refuse a price whose bars a year are not those of its frequency: every annualised number would be wrong.

    Measured as the median over whole calendar years, so that an outage does not count; not measured under three years.

    Raises
    ------
    ValidationError
        With what the dates give.
    """
    years = bars.year.value_counts().sort_index()
    if len(years) < 3:
        return
    measured = float(years.iloc[1:-1].median())
    declared = PERIODS_PER_YEAR[dataset.frequency]
    if abs(np.log(measured / declared)) < FREQUENCY_TOLERANCE:
        return
    fits = min(PERIODS_PER_YEAR, key=lambda name: abs(np.log(measured / PERIODS_PER_YEAR[name])))
    remedy = f'say frequency = "{fits}"' if fits != dataset.frequency else "leave out weekends: weekdays_only = true"
    told = f"declared by the {dataset.frequency} ({declared} bars a year), but a year has {measured:g}"
    raise ValidationError(f"{dataset.id}: {told}; {remedy} in the registry")


def _accrual(bars: pd.DatetimeIndex, bills: Sequence[Source]) -> tuple[pd.Series, list[Dataset]]:
    before, used = np.full(len(bars) - 1, np.nan), []
    for dataset, table in bills:
        yields = bond_equivalent(newest_vintage(table), dataset)
        dates, asked = yields.index.to_numpy(), bars[:-1].to_numpy()
        longest = dataset.longest_useful_age.to_timedelta64()
        carried = last_known(yields.to_numpy(dtype=float), dates, asked, dates, longest)
        rates = np.where(np.isnan(before), carried, before)
        if np.isnan(rates).sum() < np.isnan(before).sum():
            used.append(dataset)
        before = rates
    lacking = np.isnan(before)
    if lacking.any():
        known, gap = bars[:-1][~lacking], bars[:-1][lacking]
        covered = ", ".join(
            f"{dataset.id} from {table['observed_for'].min():%Y-%m-%d} to {table['observed_for'].max():%Y-%m-%d}"
            for dataset, table in bills
        )
        remedy = f"bring more: assay data fetch {bills[-1][0].id}"
        if len(known) and gap[0] > known[-1]:
            remedy = f"add --end {known[-1]:%Y-%m-%d}, or {remedy}"
        elif len(known) and gap[-1] < known[0]:
            remedy = f"add --start {known[0]:%Y-%m-%d}"
        raise NoData(f"bills: no rate for {gap[0]:%Y-%m-%d}; cash would earn nothing; there is {covered}; {remedy}")
    days = np.diff(bars.to_numpy()) / np.timedelta64(1, "D")
    return pd.Series(np.concatenate([[0.0], before / 100 * days / 365]), index=bars, name="bill_accrual"), used


def bond_equivalent(rate: pd.Series, dataset: Dataset) -> pd.Series:
    """Bill yield in % a year, bond-equivalent.

    A rate quoted on a bank-discount basis ``d`` becomes ``365 d / (360 - 91 d)`` (d a fraction);
    a bond-equivalent one stays as it is.
    """
    if "discount" not in dataset.unit:
        return rate
    fraction = rate / 100
    return 100 * 365 * fraction / (360 - BILL_DAYS * fraction)


def newest_vintage(table: pd.DataFrame) -> pd.Series:
    """Value of each period as it is known now."""
    return table.sort_values("known_at", kind="stable").groupby("observed_for")["value"].last()
