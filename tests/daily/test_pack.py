"""The vendors' files as the registry reads them: whole, clean, and known when it says."""

import numpy as np
import pandas as pd
import pytest


def series(data, identity):
    return data.observations(identity).set_index("observed_for")["value"]


def test_every_dataset_is_read_and_every_file_is_the_pinned_one(daily):
    pack = daily.packs[-1]
    assert daily.verify() == []
    for identity in pack.datasets:
        table = daily.observations(identity)
        assert len(table) > 20, identity
        assert (table["known_at"] >= table["observed_for"].dt.tz_localize("UTC")).all(), identity
    used = {dataset.file for dataset in pack.datasets.values()}
    assert used >= {file for file in pack.files if file.endswith(".gz")} - {
        "comex_gold_stocks_2025_12.csv.gz",  # both go into the derived split
        "comex_silver_stocks_2026.csv.gz",
    }


@pytest.mark.parametrize("metal", ["gold", "silver"])
def test_daily_series_have_no_weekend_and_no_second_row(daily, metal):
    ids = [f"{metal}_price", f"sge_{metal}_price", f"shfe_{metal}_price", f"{metal}_lease_rate", f"comex_{metal}_front"]
    for identity in [*ids, "comex_gold_total", "usdcny", "dollar_index", "real_yield_10y"]:
        days = daily.observations(identity)["observed_for"]
        assert days.is_unique
        assert (days.dt.day_of_week < 5).all(), identity


def test_spot_closes_after_the_federal_reserve_speaks_and_the_settlement_before(daily):
    """So the close is of the evening: a decision on it at 17:00 may use the settlement of 13:30, not the reverse."""
    spot, future = (np.log(series(daily, name)) for name in ("gold_price", "comex_gold_front"))
    ahead = (spot - future).diff()
    for meeting, next_day in (("2009-03-18", "2009-03-19"), ("2013-09-18", "2013-09-19"), ("2023-12-13", "2023-12-14")):
        assert ahead[meeting] > 0.015  # gold rose on each of the announcements
        assert ahead[next_day] < -0.01  # and the next settlement caught up


def test_silver_spot_is_no_spot_until_1994_and_a_day_late_in_2003(market, daily):
    """Why the pack's spot prices start in 2005."""
    spot = pd.read_csv(market / "silver_spot_usd.csv.gz", parse_dates=["date"], index_col="date")["close"]
    rows = daily.observations("silver_futures").set_index("observed_for")
    future = rows.sort_values("volume").groupby(level=0)["close"].last()
    change = np.log(pd.DataFrame({"spot": spot, "same": future})).diff()
    change["before"] = change["same"].shift()
    link = change.loc["2003"].corr()["spot"]
    assert link["before"] > 0.7
    assert link["same"] < 0.2
    for year in range(2005, 2026):
        link = change.loc[str(year)].corr()["spot"]
        assert link["same"] > 0.75
        assert abs(link["before"]) < 0.25
    near = rows.loc["1990":"1991"].assign(spot=spot)
    equal = ((near["close"] - near["spot"]).abs() < 0.0011).groupby(level=0).any()
    assert equal.mean() > 0.2
    assert daily.observations("silver_price")["observed_for"].min() == pd.Timestamp("2005-01-03")


def test_china_stands_two_months_late_in_the_file_and_right_in_the_pack(daily):
    vendor, facts = series(daily, "pboc_gold_reserves_vendor"), series(daily, "pboc_gold_reserves")
    both = pd.concat([vendor, facts], axis=1, join="inner", keys=["vendor", "facts"])
    off = (both["vendor"] - both["facts"]).abs() > 0.5
    assert len(both) > 80
    assert list(both.index[off]) == [pd.Timestamp("2018-09-30")]  # 1841.31 in the row of 2018-11
    assert ((both["vendor"].shift(-2) - both["facts"]).abs() > 0.5).sum() > 30  # as it stands in the file


def test_total_gold_stock_equals_single_reports_of_the_same_day(daily):
    total = series(daily, "comex_gold_total")
    facts = _facts()
    ratio = (total.reindex(facts.index) / facts - 1).dropna()
    assert len(ratio) > 25
    assert (ratio.abs() < 0.002).mean() > 0.9


def _facts():
    from research.home import bundled_folder

    rows = pd.read_csv(bundled_folder() / "comex_stocks.csv")
    rows = rows[(rows["metal"] == "gold") & (rows["date_precision"] == "day") & rows["total_oz"].notna()]
    return rows.set_index(pd.to_datetime(rows["date"]))["total_oz"]


def test_registered_is_known_two_business_days_later_and_positions_on_friday(daily):
    stock = daily.observations("comex_gold_registered").set_index("observed_for")["known_at"]
    assert stock["2025-12-05"] == pd.Timestamp("2025-12-09 09:30", tz="America/New_York")
    interest = daily.observations("comex_gold_open_interest").set_index("observed_for")["known_at"]
    assert interest["2025-08-05"] == pd.Timestamp("2025-08-08 15:30", tz="America/New_York")
    assert interest["2025-10-07"] == pd.Timestamp("2025-11-21 15:30", tz="America/New_York")  # shutdown


def test_a_shanghai_close_meets_london_of_the_day_before(daily):
    shanghai, london = daily.observations("sge_gold_price"), daily.observations("gold_price")
    at = shanghai.set_index("observed_for")["known_at"]["2025-10-09"]
    before = london[london["known_at"] < at]["observed_for"].iloc[-1]
    assert before == pd.Timestamp("2025-10-08")
    returns = pd.DataFrame(
        {
            "shanghai": np.log(series(daily, "sge_gold_price")).diff(),
            "same": np.log(series(daily, "gold_price")).diff(),
            "before": np.log(series(daily, "gold_price")).diff().shift(),
        }
    ).dropna()
    link = returns.corr()["shanghai"]
    assert link["before"] > link["same"] + 0.2


def test_usdcny_is_near_the_printed_rate(daily):
    assert series(daily, "usdcny")["2025-10-09"] == pytest.approx(7.12, abs=0.02)


@pytest.mark.parametrize("metal", ["gold", "silver"])
def test_a_held_future_earns_spot_plus_lease_and_not_the_splice(daily, held, metal):
    """Over ten years: total return = spot + lease rate, up to storage and the odd hour."""
    index, spot = held.market(metal).price, series(daily, f"{metal}_price")
    lease = series(daily, f"{metal}_lease_rate") / 100
    years = 10
    first, last = pd.Timestamp("2013-01-02"), pd.Timestamp("2023-01-03")
    earned = np.log(index[last] / index[first]) / years
    expected = np.log(spot[last] / spot[first]) / years + lease[first:last].mean()
    assert earned == pytest.approx(expected, abs=0.004)


@pytest.mark.parametrize("metal", ["gold", "silver"])
def test_longs_of_all_groups_equal_shorts_of_all_groups(daily, metal):
    """So their sum is open interest but for spreads, which stand on both sides of the same trader."""
    table = daily.observations(f"cot_{metal}_legacy")
    groups = ("noncommercial", "commercial", "nonreportable")
    longs, shorts = (table[[f"{group}_{side}" for group in groups]].sum(axis=1) for side in ("long", "short"))
    assert len(table) > 1_000
    assert (longs == shorts).all()
    np.testing.assert_array_equal(series(daily, f"comex_{metal}_open_interest"), longs)


def test_spreads_are_a_fifth_of_gold_open_interest_at_most(daily):
    whole = daily.observations("cot_gold").set_index("observed_for")["open_interest"]
    outright = series(daily, "comex_gold_open_interest").reindex(whole.index).dropna()
    spreads = 1 - outright / whole[outright.index]
    assert len(spreads) == 271
    assert spreads.min() == pytest.approx(0.057, abs=5e-4)
    assert spreads.max() == pytest.approx(0.207, abs=5e-4)
    assert spreads.mean() == pytest.approx(0.116, abs=5e-4)


def test_claims_on_stock_say_the_same_of_whole_and_of_outright_open_interest(daily):
    """Where both are known, the strategy holds gold on the same days but for one in nine."""
    from strategies.open_interest_coverage import claims_on_stock

    market = daily.market("gold")
    panel = daily.panel("gold", claims_on_stock.inputs_for("gold", daily), market)
    outright = claims_on_stock.weights(panel)
    table = daily.observations("cot_gold").rename(columns={"open_interest": "value"})
    whole = claims_on_stock.weights(_with(panel, "comex_gold_open_interest", table))
    both = pd.DataFrame({"outright": outright["2022":], "whole": whole["2022":]}).dropna()
    assert len(both) > 900
    assert (both["outright"] == both["whole"]).mean() > 0.88


def _with(panel, identity, table):
    from research.datasets.panel import Panel

    tables = {**panel._tables, identity: table[["observed_for", "known_at", "value"]]}
    return Panel(panel.metal, panel.decision_times, panel.inputs, panel._datasets, tables)


def test_the_dollar_index_future_is_spliced_on_the_days_of_the_rule_and_on_no_other(market):
    """The basis to spot jumps by what a quarter of interest is worth, on the Tuesday before a third Wednesday."""
    from tests.daily.derive import dollar_index_rolls

    front, spot = (
        pd.read_csv(market / name, parse_dates=["date"], index_col="date").iloc[:, -1].dropna()
        for name in ("dollar_index_continuous.csv.gz", "dollar_index.csv.gz")
    )
    basis = (np.log(front) - np.log(spot)).dropna().diff()
    rolls = dollar_index_rolls(front.index)
    assert (rolls.day_of_week == 1).all()
    dear = basis[basis.index.year.isin([2006, 2007, 2017, 2018, 2019, 2023, 2024])]  # dollar interest above foreign
    at = dear[dear.index.isin(rolls)]
    assert -0.0045 < at.mean() < -0.003
    for days in (-2, -1, 1, 2):
        near = dear.shift(-days)[dear.index.isin(rolls)]
        assert abs(near.mean()) < 0.0008, days


def test_foreign_money_earns_spot_and_the_difference_of_interest(market, daily):
    index, spot = series(daily, "foreign_money"), series(daily, "dollar_index")
    bills = daily.market("gold").bill_accrual
    excess = index.pct_change() - bills.reindex(index.index).fillna(0.0)
    fall = -spot.reindex(index.index, method="ffill").pct_change()
    over = 100 * (excess - fall).groupby(index.index.year).sum()
    assert over.loc[2018:2019].mean() == pytest.approx(-1.9, abs=0.3)  # dollar bills 2 %, European ones under 0
    assert over.loc[[2009, 2010, 2011, 2012]].mean() > 0.5  # dollar bills at 0, European ones not yet
    assert over.loc[2007:2024].mean() == pytest.approx(0.0, abs=0.2)
