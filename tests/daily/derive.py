"""Tables that no ``read`` can say: from contracts, and from facts beside daily rows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from research.datasets.futures import total_return_index
from research.errors import NoData
from research.home import bundled_folder
from research.signals.premium import curve_spot
from tests.tools.derive_lease_rates import SOURCES, daily_lease_rates, read_inputs


def derive(market: Path, out: Path) -> None:
    """Write every derived table into ``out``."""
    for source in SOURCES:
        futures, yields, bills = read_inputs(market, source, bundled_folder())
        spot = pd.read_csv(market / f"{source.metal}_spot_usd.csv.gz", parse_dates=["date"], index_col="date")["close"]
        curve(futures, yields, bills, spot, source.active_months).to_csv(out / f"{source.metal}_curve.csv")
        comex_split(market, source.metal).to_csv(out / f"comex_{source.metal}_split.csv", index=False)
    foreign_money(market, yields["m3"]).to_csv(out / "foreign_money.csv")


def curve(
    futures: pd.DataFrame, yields: pd.DataFrame, bills: pd.Series, spot: pd.Series, active_months: tuple[int, ...]
) -> pd.DataFrame:
    """Lease rate, carry and London premium of each day, in %, from the two nearest contracts out of delivery.

    And the lease rate of the active ones, where they traded.
    """
    daily = daily_lease_rates(futures, yields, bills).loc["1990":]
    active = daily_lease_rates(futures, yields, bills, active_months=active_months)["lease_rate"]
    comex = curve_spot(daily["near_close"], daily["far_close"], daily["near_days"], daily["far_days"])
    table = pd.DataFrame(
        {
            "lease_rate_pct": 100 * daily["lease_rate"],
            "lease_rate_active_pct": 100 * active.reindex(daily.index),
            "carry_pct": 100 * daily["carry"],
            "london_premium_pct": 100 * (spot.reindex(daily.index) / comex - 1),
        }
    )
    return table.rename_axis("date")


def foreign_money(market: Path, bill_yield: pd.Series) -> pd.DataFrame:
    """Total return of holding the six currencies of the dollar index: dollar bills, and the index's future sold.

    By covered parity a future stands at ``F = S (1 + r_dollar t) / (1 + r_foreign t)``, so who is short earns the fall
    of spot and ``r_foreign - r_dollar`` on top: the interest of foreign money is inside the contract, as the lease rate
    is inside a metal's. The vendor's front month is spliced on the day after the old contract's last, where the change
    of the spot index stands in; nobody earned the splice.
    """
    front, spot = (
        pd.read_csv(market / name, parse_dates=["date"], index_col="date").iloc[:, -1].dropna()
        for name in ("dollar_index_continuous.csv.gz", "dollar_index.csv.gz")
    )
    return _collateralised(-bridged_returns(front, spot, dollar_index_rolls(front.index)), bill_yield)


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


def dollar_index_rolls(dates: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """First trading day of each contract at the front: the one after two business days before a third Wednesday."""
    months = pd.date_range(dates[0], dates[-1], freq="MS")
    wednesdays = [day + pd.Timedelta(days=(2 - day.day_of_week) % 7 + 14) for day in months if day.month % 3 == 0]
    after = dates.searchsorted(pd.DatetimeIndex(wednesdays) - pd.Timedelta(days=1))
    return dates[after[after < len(dates)]]


def _collateralised(excess: pd.Series, bill_yield: pd.Series) -> pd.DataFrame:
    before = bill_yield.dropna().reindex(excess.index, method="ffill").shift()
    bills = (before * excess.index.to_series().diff().dt.days / 365).fillna(0.0)
    return pd.DataFrame({"index": total_return_index(excess, bills)}).rename_axis("date")


def comex_split(market: Path, metal: str) -> pd.DataFrame:
    """Registered, eligible and total ounces: the dated facts, and the weeks for which a daily file exists.

    A row of the daily files whose date is that of the fetch describes the business day before: its value is dated a day
    late, which is safe. Weekend rows are copies and fall; a day with both kinds keeps the activity row, which stands
    last.
    """
    facts = pd.read_csv(bundled_folder() / "comex_stocks.csv")
    facts = facts[facts["metal"] == metal][["date", "registered_oz", "eligible_oz", "total_oz"]]
    if metal == "gold":
        daily = pd.read_csv(market / "comex_gold_stocks_2025_12.csv.gz")
        daily = daily.rename(
            columns={"total_registered": "registered_oz", "total_eligible": "eligible_oz", "combined_total": "total_oz"}
        )
    else:
        daily = pd.read_csv(market / "comex_silver_stocks_2026.csv.gz")
    daily = daily[pd.to_datetime(daily["date"]).dt.day_of_week < 5]
    rows = pd.concat([facts, daily[facts.columns]]).drop_duplicates("date", keep="last")
    return rows.sort_values("date")
