"""Signals and decisions again, from the same files, by plain code that shares nothing with the project's.

A day is chosen for the arithmetic, whole histories for the decisions.
"""

import csv
import gzip
from bisect import bisect_right
from datetime import date, timedelta
from statistics import fmean

import pandas as pd
import pytest

from research import UNKNOWN
from research.discovery import all_strategies
from research.home import bundled_folder
from tests.daily.test_pack import series

FOUND = all_strategies()


def rows(path):
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else open(path)  # noqa: SIM115
    with opened as lines:
        return list(csv.DictReader(lines))


def weights(data, name, metal, **parameters):
    item = FOUND[name]
    return item.weights(data.panel(metal, item.inputs_for(metal, data), data.market(metal)), parameters).dropna()


def agreement(held, expected):
    """Share of the bars on which both are known and equal; at least a thousand must be."""
    both = [(held[day], value) for day, value in expected.items() if day in held.index]
    assert len(both) > 1_000
    return sum(one == other for one, other in both) / len(both)


def newest(days, values, day):
    """Last value dated at or before a day."""
    at = bisect_right(days, day) - 1
    return values[at] if at >= 0 else None


@pytest.mark.parametrize(
    ("day", "near", "far"), [("1998-02-12", "199803", "199805"), ("2020-03-18", "202005", "202007")]
)
def test_carry_of_a_day(market, daily, day, near, far):
    close = {
        row["contract"]: float(row["close"])
        for row in rows(market / "comex_silver_futures_by_contract.csv.gz")
        if row["date"] == day
    }
    gap = (date(int(far[:4]), int(far[4:]), 15) - date(int(near[:4]), int(near[4:]), 15)).days
    expected = 100 * (close[near] - close[far]) / close[far] * 365 / gap
    assert series(daily, "silver_carry")[day] == pytest.approx(expected, rel=1e-9)


def test_decisions_on_the_fall_of_all_gold_stock(market, daily):
    """Known two business days later: on bars where one, two or three days of lag decide alike, that is the decision."""
    stock = [
        (date.fromisoformat(row["date"]), float(row["comex_gold_stock_oz"]))
        for row in rows(market / "comex_gold_stock_total.csv.gz")
        if row["date"] >= "2009" and date.fromisoformat(row["date"]).weekday() < 5 and row["comex_gold_stock_oz"]
    ]
    days = [day for day, _ in stock]
    deep = []
    for at, (day, ounces) in enumerate(stock):
        year = [value for other, value in stock[max(0, at - 262) : at + 1] if day - other < timedelta(days=364)]
        deep.append(1 - ounces / max(year) > 0.1)
    expected = {}
    for bar in weights(daily, "comex_stock_drawdown", "gold").index:
        told = {newest(days, deep, (bar - pd.Timedelta(days=lag)).date()) for lag in (1, 2, 3, 4, 5, 6)}
        if len(told) == 1:
            expected[bar] = float(told.pop())
    assert agreement(weights(daily, "comex_stock_drawdown", "gold"), expected) > 0.999


def test_decisions_after_a_spike_of_the_silver_lease_rate(daily):
    """A score over five years of what was known the evening before, two years of warm-up, six months of holding."""
    lease = series(daily, "silver_lease_rate")
    days, values = [day.date() for day in lease.index], lease.to_numpy()
    spikes = []
    for at, day in enumerate(days):
        if (day - days[0]).days < 731:
            continue
        since = bisect_right(days, day - timedelta(days=1826))
        window = values[since : at + 1]
        if (values[at] - window.mean()) / window.std(ddof=1) > 2.0:
            spikes.append(day)
    held = weights(daily, "lease_rate_spike", "silver")
    expected, near, silent = {}, 0, 0
    for bar in held.index:
        last = newest(spikes, spikes, (bar - pd.Timedelta(days=1)).date())
        age = None if last is None else (bar.date() - last).days
        if age is not None and 176 <= age <= 190:
            near += 1  # the first bar after a spike begins the count, a weekend moves it
            continue
        if held[bar] == UNKNOWN:  # the contracts stop before the prices do
            silent += 1
            assert (bar.date() - newest(days, days, bar.date())).days > 5
            continue
        expected[bar] = float(age is not None and age < 183)
    assert silent < 0.05 * len(held)
    assert agreement(held, expected) > 0.995
    assert near < 0.05 * len(held)


def test_decisions_on_central_bank_purchases(daily):
    """The newest published quarter against the mean of up to eight before it, each in the vintage of its day.

    Nothing is known once the last print is older than the registry's longest useful age.
    """
    longest = daily["central_bank_net_purchases"].longest_useful_age
    prints = [
        (pd.Period(row["published_on"]).end_time.date(), row["quarter"], float(row["net_tonnes"]))
        for row in rows(bundled_folder() / "central_bank_net_purchases.csv")
    ]
    prints.sort(key=lambda row: row[0])
    expected = {}
    held = weights(daily, "central_bank_buying", "gold")
    for bar in held.index:
        if any(abs((bar.date() - day).days) < 3 for day, *_ in prints):
            continue  # the hour of the release decides
        known = {quarter: tonnes for day, quarter, tonnes in prints if day < bar.date()}
        age = bar.date() - max(day for day, *_ in prints if day < bar.date())
        quarters = sorted(known, key=lambda name: (int(name[:4]), int(name[5])))
        place = [4 * int(name[:4]) + int(name[5]) for name in quarters]
        before = [q for q, at in zip(quarters[:-1], place[:-1], strict=True) if place[-1] - at <= 12][-8:]
        if len(before) >= 3:
            buying = float(known[quarters[-1]] > fmean(known[q] for q in before))
            expected[bar] = buying if age < longest else UNKNOWN
    assert agreement(held, expected) > 0.99


def test_decisions_on_the_fall_of_london_silver(daily):
    """Month ends of the file, known a month later; stale after the registry's longest useful age."""
    stock = [
        (pd.Period(row["month"]).end_time.normalize(), float(row["silver_tonnes"]))
        for row in rows(bundled_folder() / "lbma_vault.csv")
        if row["silver_tonnes"]
    ]
    held = weights(daily, "london_vault_drawdown", "silver")
    observed = daily.observations("london_vault_silver")
    assert observed["value"].tolist() == [pytest.approx(value, rel=1e-6) for _, value in stock]
    longest = daily["london_vault_silver"].longest_useful_age
    known_at = dict(zip(observed["observed_for"], observed["known_at"].dt.tz_localize(None), strict=True))
    expected = {}
    for bar in held.index:
        published = [(known_at[month], month, tonnes) for month, tonnes in stock if known_at[month] < bar]
        if not published:
            continue
        known, month, tonnes = max(published, key=lambda row: row[1])
        past = [
            value
            for month_then, value in stock
            if known_at[month_then] <= known and known - known_at[month_then] < pd.Timedelta("731D")
        ]
        fresh = bar - month < longest - pd.Timedelta("40D")
        if fresh and len(past) > 1:
            expected[bar] = float(1 - tonnes / max(past) > 0.05)
    both = [(held[day], value) for day, value in expected.items()]
    assert len(both) > 150
    assert sum(one == other for one, other in both) / len(both) > 0.98
