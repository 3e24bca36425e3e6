"""The packs in which the animals live: made of random numbers, monthly and daily, with lags, holes and revisions."""

import numpy as np
import pandas as pd

from tests.datasets.packs import PRICE, csv, entry, write_pack

NEXT_MONTH = '{ rule = "calendar_day", day = 5, months_after = 1, time = "12:00", timezone = "UTC" }'
PUBLISHED = '{ rule = "published", column = "published_on", time = "12:00", timezone = "UTC" }'
BILLS = "% a year, bond-equivalent"


def monthly_pack(folder, seed=3):
    """Fifteen years: average prices known a month later, a stock without lag but with holes, flows with revisions."""
    random = np.random.default_rng(seed)
    months = pd.date_range("2005-01-31", "2019-12-31", freq="ME")
    days = months.strftime("%Y-%m-%d")
    gold = 400 * np.exp(np.cumsum(random.normal(0.004, 0.04, len(days))))
    silver = 7 * np.exp(np.cumsum(random.normal(0.003, 0.07, len(days))))
    lease = 0.5 + np.abs(np.cumsum(random.normal(0, 0.3, len(days))))
    stock = [
        row
        for number, row in enumerate(zip(days, 300 + random.normal(0, 40, len(days)), strict=True))
        if not 60 < number < 72
    ]
    quarters = pd.date_range("2006-03-31", "2019-09-30", freq="QE")
    flows = []
    for quarter, value in zip(quarters, random.normal(50, 60, len(quarters)), strict=True):
        flows.append((f"{quarter:%Y-%m-%d}", round(value, 2), f"{quarter + pd.Timedelta(days=45):%Y-%m-%d}"))
        flows.append((f"{quarter:%Y-%m-%d}", round(value * 1.3, 2), f"{quarter + pd.Timedelta(days=200):%Y-%m-%d}"))
    average = PRICE.replace("close", "average")
    datasets = [
        entry("gold_price", unit="USD per troy ounce", release=NEXT_MONTH, more=average),
        entry("silver_price", unit="USD per troy ounce", release=NEXT_MONTH, more=average),
        entry("bill_rate", unit=BILLS, release=NEXT_MONTH),
        entry("lease", unit="% a year"),
        entry("stock", age=95),
        entry("flow", release=PUBLISHED, age=400),
    ]
    files = {
        "gold_price.csv": csv(zip(days, gold, strict=True)),
        "silver_price.csv": csv(zip(days, silver, strict=True)),
        "bill_rate.csv": csv((day, 2.0) for day in days),
        "lease.csv": csv(zip(days, lease, strict=True)),
        "stock.csv": csv(stock),
        "flow.csv": csv(flows, "date,value,published_on"),
    }
    return write_pack(folder, datasets, files)


def daily_pack(folder, seed=5):
    """Three years of business days: closes known the same evening, a weekly report known days later."""
    random = np.random.default_rng(seed)
    index = pd.bdate_range("2015-01-01", "2017-12-29")
    days = index.strftime("%Y-%m-%d")
    gold = 1200 * np.exp(np.cumsum(random.normal(0, 0.01, len(days))))
    weeks = pd.date_range("2015-01-06", "2017-12-26", freq="7D").strftime("%Y-%m-%d")
    friday = '{ rule = "weekly", weekday = "friday", calendar = "US", time = "15:30", timezone = "America/New_York" }'
    datasets = [
        entry("gold_price", unit="USD per troy ounce", frequency="day", age=10, more=PRICE),
        entry("bill_rate", unit=BILLS, frequency="day", age=10),
        entry("report", frequency="week", release=friday, age=21),
    ]
    files = {
        "gold_price.csv": csv(zip(days, gold, strict=True)),
        "bill_rate.csv": csv((day, 1.0) for day in days),
        "report.csv": csv(zip(weeks, np.cumsum(random.normal(0, 9, len(weeks))), strict=True)),
    }
    return write_pack(folder, datasets, files)
