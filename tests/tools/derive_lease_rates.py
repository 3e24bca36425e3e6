"""Derive the implied lease rates of the bundled pack: ``python -m tests.tools.derive_lease_rates --market DIR``.

Reads settlement prices by contract and Treasury par yields from ``DIR``, and the monthly bill rate from the data pack;
writes ``silver_lease_rate.csv``, ``gold_lease_rate.csv`` and the same with ``_active`` into the pack, whose pins are to
be renewed afterwards, and prints quoted lease rates beside the implied ones. The prices are their vendors' and stay
where they are.

Day by day:

1. Two contracts, by one of two rules. *Nearest*: the near contract is the nearest one at least five business days
   before its first notice, the far one is the next. *Active*: of the metal's active delivery months, those that traded
   that day (where the file records volume), the near one at least 25 calendar days before its first notice.
   Both settle at one moment at one exchange, so nothing is asynchronous and no contract is in delivery.
2. The interest rate is the forward rate between the two deliveries (15th of the delivery month) on the curve of
   Treasury par yields, which starts in 1990. Before that the monthly average of the 3-month bill stands for every
   forward rate; such months are marked and become known only when that average does.
3. Days on which the daily limit held both contracts, as on many of 1979 and 1980, are left out: their difference says
   nothing.
4. The lease rate is covered parity, simple, actual/360 (``research.signals.lease.lease_rate``).

A month's value is the median of its days: one bad settlement does not move it, and no day after the month enters.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from research.datasets.futures import first_notice
from research.errors import AssayError, NoData
from research.home import bundled_folder
from research.signals.lease import carry, lease_rate
from tests.tools.bill_curve import forward_simple_rate, log_growth, simple_rate_of_discount
from tests.tools.spreads import calendar_spreads, with_conditions

NODES = {"m1": 30, "m3": 91, "m6": 182, "y1": 365}
LONGEST_GAP_DAYS = 7
THIN_DAYS = 10
THIN_TENOR = 100
THIN_START = 120


ACTIVE_NOTICE_DAYS = 25


@dataclass(frozen=True)
class Source:
    """One file of contract prices, and the active delivery months of its contracts."""

    metal: str
    file: str
    active_months: tuple[int, ...]


SOURCES = (
    Source("silver", "comex_silver_futures_by_contract.csv.gz", (3, 5, 7, 9, 12)),
    Source("gold", "comex_micro_gold_futures_by_contract.csv.gz", (2, 4, 6, 8, 10, 12)),
)


def main(arguments: list[str] | None = None) -> None:
    """Write one table for each metal and say what was written."""
    parser = argparse.ArgumentParser(description="Derive monthly implied lease rates from futures by contract.")
    parser.add_argument("--market", type=Path, required=True, help="folder of contract prices and par yields")
    parser.add_argument("--out", type=Path, default=bundled_folder(), help="data pack to write into")
    options = parser.parse_args(arguments)
    try:
        for source in SOURCES:
            inputs = read_inputs(options.market, source, options.out)
            for rule, months in (("", ()), ("_active", source.active_months)):
                daily = daily_lease_rates(*inputs, active_months=months)
                table = monthly_lease_rates(daily)
                target = options.out / f"{source.metal}_lease_rate{rule}.csv"
                table.to_csv(target, index=False, lineterminator="\n")
                span = f"{table['month'].iloc[0]} to {table['month'].iloc[-1]}"
                print(f"{target}: {len(table)} months, {span}")
                quotes = pd.read_csv(options.out / "lease_rates.csv")
                compared = compare_with_quotes(daily, quotes[quotes["metal"] == source.metal])
                print(f"\n% a year, quoted and implied:\n{compared.round(2).to_string(index=False)}\n")
    except AssayError as error:
        raise SystemExit(f"derive_lease_rates: {error}") from None


def compare_with_quotes(daily: pd.DataFrame, quotes: pd.DataFrame) -> pd.DataFrame:
    """Put quoted lease rates beside the implied ones, in % a year.

    Parameters
    ----------
    daily : DataFrame
        As of `daily_lease_rates`.
    quotes : DataFrame
        Rows of one metal of ``lease_rates.csv``.

    Returns
    -------
    DataFrame
        One row for each quote within the span of `daily`: ``date, tenor, quoted``, ``implied_day`` (the last one within
        four days up to the quote; NaN where only the quote's month is known), ``implied_highest`` (of the month),
        ``implied_month`` (median), ``from_days``, ``to_days`` (the deliveries between which the implied rate runs).
    """
    rows = []
    months = pd.PeriodIndex(daily.index, freq="M")
    for quote in quotes.to_dict("records"):
        date = pd.Timestamp(quote["date"])
        month = daily[months == date.to_period("M")]
        if month.empty:
            continue
        upto = daily[(daily.index <= date) & (daily.index > date - pd.Timedelta(days=4))]
        day = upto.iloc[-1] if len(upto) and quote["date_precision"] != "month" else None
        rows.append(
            {
                "date": quote["date"][:7] if quote["date_precision"] == "month" else quote["date"],
                "tenor": quote["tenor"],
                "quoted": quote["lease_rate_pct"],
                "implied_day": np.nan if day is None else 100 * day["lease_rate"],
                "implied_highest": 100 * month["lease_rate"].max(),
                "implied_month": 100 * month["lease_rate"].median(),
                "from_days": month["near_days"].median() if day is None else day["near_days"],
                "to_days": month["far_days"].median() if day is None else day["far_days"],
            }
        )
    return pd.DataFrame(rows)


def read_inputs(market: Path, source: Source, pack: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Read contract prices, par yields (fractions) and the monthly bill rate (fraction, bank discount)."""
    for name in (source.file, "treasury_par_yields_pct.csv.gz"):
        if not (market / name).is_file():
            raise NoData(f"{market / name}: no such file; pass the folder that holds it with --market")
    futures = pd.read_csv(market / source.file, dtype={"contract": "str"})
    yields = pd.read_csv(market / "treasury_par_yields_pct.csv.gz", parse_dates=["date"], index_col="date") / 100
    bills = pd.read_csv(pack / "tbill_monthly.csv")
    rate = pd.Series(bills["tb3ms_pct"].to_numpy() / 100, index=pd.PeriodIndex(bills["month"], freq="M"))
    return futures, yields.sort_index(), rate


def daily_lease_rates(
    futures: pd.DataFrame, par_yields: pd.DataFrame, bill_discount: pd.Series, *, active_months: Collection[int] = ()
) -> pd.DataFrame:
    """Implied lease rate of each day, from two contracts out of delivery.

    Parameters
    ----------
    futures : DataFrame
        Futures by contract, as for ``research.datasets.futures.clean_futures``.
    par_yields : DataFrame
        Treasury par yields by date, fractions; columns of `NODES`.
    bill_discount : Series
        3-month bill, fraction on bank discount, by month.
    active_months : collection of int
        Delivery months of the rule *active*; without any, the rule is *nearest*.

    Returns
    -------
    DataFrame
        The columns of ``tests.tools.spreads.calendar_spreads`` and ``rate`` (forward, simple, actual/360),
        ``rate_source`` (``par yields`` or ``monthly bill``), ``lease_rate`` and ``carry`` (fractions a year).
    """
    table = with_conditions(futures)
    spreads = calendar_spreads(_active(table, active_months) if active_months else table)
    spreads = spreads[~spreads["locked"]]
    days = spreads["far_days"] - spreads["near_days"]
    curve = _last_known(par_yields, pd.DatetimeIndex(spreads.index))
    near, far = (log_growth(curve, NODES, spreads[leg].to_numpy()) for leg in ("near_days", "far_days"))
    on_curve = pd.Series(forward_simple_rate(near, far, days.to_numpy()), index=spreads.index)
    month = pd.PeriodIndex(spreads.index, freq="M")
    monthly = pd.Series(simple_rate_of_discount(bill_discount.reindex(month).to_numpy()), index=spreads.index)
    rate = on_curve.fillna(monthly)
    lease = lease_rate(spreads["near_close"], spreads["far_close"], rate, days)
    source = np.where(on_curve.notna(), "par yields", "monthly bill")
    held = carry(spreads["near_close"], spreads["far_close"], days)
    return spreads.assign(rate=rate, rate_source=source, lease_rate=lease, carry=held).dropna(subset=["lease_rate"])


def monthly_lease_rates(daily: pd.DataFrame) -> pd.DataFrame:
    """Median of each month's days, in % a year, with the columns by which to judge it.

    ``lease_rate_pct`` median; ``carry_pct`` median of the carry, above 0 in backwardation; ``last_pct`` the last day's;
    ``spread_pct`` half the distance between the 16th and 84th percentile of the days; ``days``; ``last_day``;
    ``near_days`` and ``tenor_days`` (medians: calendar days to the near delivery, and between the two);
    ``traded_share`` of days with volume in both contracts, empty where the file records none; ``method``, which names
    the source of the interest rate; ``thin``: under 10 days, a pair more than 100 days apart, a near delivery more than
    120 days off, or under half of the days traded.
    """
    month = pd.PeriodIndex(daily.index, freq="M").rename("month")
    percent = 100 * daily["lease_rate"]
    groups = percent.groupby(month)
    traded = daily["traded"].astype("Float64").groupby(month).mean()
    table = pd.DataFrame(
        {
            "lease_rate_pct": groups.median().round(3),
            "last_pct": groups.last().round(3),
            "spread_pct": ((groups.quantile(0.84) - groups.quantile(0.16)) / 2).round(3),
            "days": groups.size(),
            "last_day": daily.index.to_series().groupby(month).max().dt.strftime("%Y-%m-%d"),
            "near_days": daily["near_days"].groupby(month).median().round().astype(int),
            "tenor_days": (daily["far_days"] - daily["near_days"]).groupby(month).median().round().astype(int),
            "traded_share": traded.round(2),
            "carry_pct": (100 * daily["carry"]).groupby(month).median().round(3),
            "method": "calendar spread, " + daily["rate_source"].groupby(month).last(),
        }
    )
    thin = (table["days"] < THIN_DAYS) | (table["tenor_days"] > THIN_TENOR) | (table["near_days"] > THIN_START)
    table["thin"] = (thin | (traded < 0.5).fillna(False)).astype(int)
    return table.reset_index()


def _active(table: pd.DataFrame, months: Collection[int]) -> pd.DataFrame:
    """Rows of the active delivery months that traded, or of which no volume is recorded, well before first notice."""
    notice = table["contract"].map(first_notice(table["contract"].unique()))
    early = (notice - table["date"]).dt.days >= ACTIVE_NOTICE_DAYS
    return table[table["contract"].str[4:].astype(int).isin(months) & table["traded"].fillna(True) & early]


def _last_known(yields: pd.DataFrame, dates: pd.DatetimeIndex) -> pd.DataFrame:
    """Par yields of each date, or of the last day before it within a week."""
    limit = pd.Timedelta(days=LONGEST_GAP_DAYS)
    return yields.dropna(subset=["m3"]).reindex(dates, method="ffill", tolerance=limit)


if __name__ == "__main__":
    main()
