import csv
import gzip
import math
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

import numpy as np
import pandas as pd
import pytest

from research.datasets.data import open_data
from research.home import bundled_folder
from tests.datasets.contracts import COPPER_MONTHS, futures_table
from tests.tools.derive_lease_rates import (
    NODES,
    SOURCES,
    compare_with_quotes,
    daily_lease_rates,
    main,
    monthly_lease_rates,
    read_inputs,
)

FILES = {source.metal: source.file for source in SOURCES}
ROUNDING = 0.00051


def flat_yields(rate, dates):
    row = {name: np.expm1(rate * days / 365) * 365 / days for name, days in NODES.items()}
    row["y1"] = 2 * np.expm1(rate / 2)
    return pd.DataFrame(row, index=dates)


NO_BILLS = pd.Series([0.05], index=pd.PeriodIndex(["2030-01"], freq="M"))


def test_a_planted_lease_rate_is_recovered_through_the_whole_chain():
    bills, lease = 0.05, 0.08
    futures = futures_table(COPPER_MONTHS, carry=bills, lease=lease)
    daily = daily_lease_rates(futures, flat_yields(bills, pd.DatetimeIndex(futures["date"].unique())), NO_BILLS)
    gap = daily["far_days"] - daily["near_days"]
    np.testing.assert_allclose(daily["lease_rate"], np.expm1(lease * gap / 365) * 360 / gap, atol=1e-10)
    monthly = monthly_lease_rates(daily)
    assert monthly["lease_rate_pct"].between(7.9, 8.1).all()
    assert (monthly["spread_pct"] < 0.05).all()
    assert monthly["thin"].sum() == 0


def test_where_the_curve_ends_the_monthly_bill_takes_over_and_is_marked():
    futures = futures_table(COPPER_MONTHS, carry=0.05, lease=0.0)
    dates = pd.DatetimeIndex(futures["date"].unique())
    yields = flat_yields(0.05, dates[dates >= "2020-07-01"])
    discount = pd.Series(0.048, index=pd.period_range("2018-01", "2022-12", freq="M"))
    monthly = monthly_lease_rates(daily_lease_rates(futures, yields, discount)).set_index("month")
    assert monthly.loc[:"2020-06", "method"].unique().tolist() == ["calendar spread, monthly bill"]
    assert monthly.loc["2020-07":, "method"].unique().tolist() == ["calendar spread, par yields"]
    by_hand = 100 * 0.048 / (1 - 0.048 * 91 / 360) - 100 * 0.05 * 360 / 365
    assert monthly.loc["2020-05", "lease_rate_pct"] == pytest.approx(by_hand, abs=0.06)


def test_a_month_needs_no_later_day():
    futures = futures_table(COPPER_MONTHS, lease=0.03)
    yields = flat_yields(0.02, pd.DatetimeIndex(futures["date"].unique()))
    whole = monthly_lease_rates(daily_lease_rates(futures, yields, NO_BILLS))
    cut = futures["date"] <= "2020-05-29"
    short = monthly_lease_rates(daily_lease_rates(futures[cut], yields, NO_BILLS))
    pd.testing.assert_frame_equal(whole[whole["month"] <= pd.Period("2020-05")], short)


def test_few_days_and_far_deliveries_are_called_thin():
    futures = futures_table(COPPER_MONTHS, listed_days=1200)
    futures = futures[(futures["date"] <= "2019-01-15") | (futures["contract"] > "201912")]
    daily = daily_lease_rates(futures, flat_yields(0.02, pd.DatetimeIndex(futures["date"].unique())), NO_BILLS)
    monthly = monthly_lease_rates(daily).set_index("month")
    assert monthly.loc["2019-02":"2019-09", "thin"].all()  # nearest delivery is March 2020
    assert not monthly.loc["2020-06":, "thin"].any()


def recomputed(market, metal, month):
    """The month's median from the raw files, with neither pandas nor the package."""
    wanted = ("date", month, before(month), after(month))
    with gzip.open(market / FILES[metal], "rt") as file:
        rows = list(csv.DictReader(line for line in file if line.startswith(wanted)))
    trading = sorted({row["date"] for row in rows})
    with gzip.open(market / "treasury_par_yields_pct.csv.gz", "rt") as file:
        year = ("date", month[:4])
        curve = {row["date"]: row for row in csv.DictReader(line for line in file if line.startswith(year))}
    with open(bundled_folder() / "tbill_monthly.csv") as file:
        discount = next(float(row["tb3ms_pct"]) for row in csv.DictReader(file) if row["month"] == month) / 100
    values = []
    for day in (day for day in trading if day[:7] == month):
        quotes = {}
        for row in rows:
            opening = date(int(row["contract"][:4]), int(row["contract"][4:]), 1)
            if row["date"] == day and business_days_until(date.fromisoformat(day), opening, trading) > 5:
                quotes[opening + timedelta(days=14)] = float(row["close"])
        (near, first), (far, second) = sorted(quotes.items())[:2]
        start, gap = (near - date.fromisoformat(day)).days, (far - near).days
        if curve:
            growth = growth_from(curve.get(day) or curve[max(known for known in curve if known < day)])
            earned = math.exp(growth(start + gap) - growth(start))
        else:
            earned = 1 + discount / (1 - discount * 91 / 360) * gap / 360
        values.append((earned * first / second - 1) * 360 / gap)
    return 100 * median(values)


def before(month):
    return (date.fromisoformat(month + "-01") - timedelta(days=1)).isoformat()[:7]


def after(month):
    return (date.fromisoformat(month + "-28") + timedelta(days=5)).isoformat()[:7]


def business_days_until(day, opening, trading):
    """Business days from `day` to first notice, the last business day before `opening`: those traded, else weekdays."""
    span = [day + timedelta(days=i) for i in range(1, (opening - day).days)]
    known = date.fromisoformat(trading[-1])
    return sum(d.isoformat() in trading if d <= known else d.weekday() < 5 for d in span) + 1


def growth_from(row):
    nodes = [(0, 0.0)]
    for name, days in (("m1", 30), ("m3", 91), ("m6", 182)):
        if row[name]:
            nodes.append((days, math.log(1 + float(row[name]) / 100 * days / 365)))
    nodes.append((365, 2 * math.log(1 + float(row["y1"]) / 200)))

    def growth(days):
        for (x0, y0), (x1, y1) in pairwise(nodes):
            if x0 <= days <= x1:
                return y0 + (y1 - y0) * (days - x0) / (x1 - x0)
        raise AssertionError(days)

    return growth


@pytest.mark.parametrize(
    ("metal", "month"),
    [
        ("silver", "1985-07"),  # monthly bill
        ("silver", "1995-06"),
        ("silver", "1998-02"),  # the squeeze
        ("silver", "2008-10"),
        ("silver", "2020-04"),
        ("silver", "2025-09"),
        ("gold", "2011-08"),
        ("gold", "2020-03"),
        ("gold", "2025-02"),
    ],
)
def test_the_bundled_value_is_what_the_raw_files_say(market, metal, month):
    bundled = pd.read_csv(bundled_folder() / f"{metal}_lease_rate.csv").set_index("month")["lease_rate_pct"]
    assert bundled[month] == pytest.approx(recomputed(market, metal, month), abs=ROUNDING)


@pytest.mark.parametrize("rule", ["", "_active"])
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.metal)
def test_the_command_gives_the_bundled_table_again(market, source, rule, tmp_path):
    bundled = pd.read_csv(bundled_folder() / f"{source.metal}_lease_rate{rule}.csv", dtype={"month": "str"})
    months = source.active_months if rule else ()
    table = monthly_lease_rates(daily_lease_rates(*read_inputs(market, source, bundled_folder()), active_months=months))
    table.to_csv(tmp_path / "again.csv", index=False)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "again.csv", dtype={"month": "str"}), bundled, atol=0.0011)


def test_against_quotes_it_shows_1998_and_misses_2025(market):
    inputs = read_inputs(market, SOURCES[0], bundled_folder())
    quotes = pd.read_csv(bundled_folder() / "lease_rates.csv")
    compared = compare_with_quotes(daily_lease_rates(*inputs), quotes[quotes["metal"] == "silver"]).set_index("date")
    assert compared.loc["1998-02", "implied_highest"] > 13
    assert np.isnan(compared.loc["1998-02", "implied_day"])
    assert compared.loc["1999-02-01", "implied_day"] == pytest.approx(2.59, abs=1)
    assert (compared.loc["2025-10-09", "implied_day"] < 0).all()


def test_a_folder_without_prices_is_named(tmp_path):
    with pytest.raises(SystemExit, match="no such file; pass the folder"):
        main(["--market", str(tmp_path), "--out", str(tmp_path)])


def test_the_active_rule_takes_active_months_that_traded_well_before_notice():
    futures = futures_table(COPPER_MONTHS, carry=0.05, lease=0.03)
    yields = flat_yields(0.05, pd.DatetimeIndex(futures["date"].unique()))
    daily = daily_lease_rates(futures, yields, NO_BILLS, active_months=(3, 5, 7, 9, 12))
    assert {contract[4:] for contract in daily["near_contract"]} <= {"03", "05", "07", "09", "12"}
    opening = pd.to_datetime(daily["near_contract"] + "01", format="%Y%m%d")
    notice = [np.busday_offset(day.date(), -1, roll="forward") for day in opening]
    assert ((np.array(notice) - daily.index.to_numpy().astype("datetime64[D]")).astype(int) >= 24).all()
    quiet = futures.assign(
        volume=np.where(futures["contract"].astype(str).str.endswith("05"), 0, futures["volume"] + 1)
    )
    traded = daily_lease_rates(quiet, yields, NO_BILLS, active_months=(3, 5, 7, 9, 12))
    assert not traded["near_contract"].str.endswith("05").any()
    assert not traded["far_contract"].str.endswith("05").any()
    assert traded["lease_rate"].between(0.028, 0.032).all()


@pytest.mark.parametrize("metal", ["silver", "gold"])
def test_the_two_rules_differ_as_the_registry_says(metal):
    one, other = (
        pd.read_csv(bundled_folder() / f"{metal}_lease_rate{rule}.csv").set_index("month")["lease_rate_pct"]
        for rule in ("", "_active")
    )
    assert one.corr(other) == pytest.approx(0.95, abs=0.005)
    note = open_data()[f"{metal}_lease_rate_active"].notes
    assert "correlation of 0.95" in note
