"""What the bundled tables say, against figures that their publishers printed elsewhere."""

import pandas as pd
import pytest

from research.datasets.data import open_data
from research.home import bundled_folder

WGC_2012_FULL_YEAR = 544.1  # tonnes, Gold Demand Trends full year 2013
WGC_2013_FULL_YEAR = 368.6
GOLD_FIXINGS_1980_12 = 594.92  # USD/oz, mean of London's afternoon fixings of the month
PBOC_JUNE_2015_MOZ = 53.31  # Xinhua, 17 July 2015


@pytest.fixture(scope="module")
def data():
    return open_data()


def known(table, moment):
    """The newest vintage of each period at a moment."""
    seen = table[table["known_at"] <= pd.Timestamp(moment, tz="UTC")]
    return seen.groupby("observed_for")["value"].last()


def test_every_table_of_the_pack_is_pinned_and_its_columns_are_used_or_explained():
    folder = bundled_folder()
    text, readme = (folder / "registry.toml").read_text(), (folder / "README.md").read_text()
    tables = {path.name for pattern in ("*.csv", "*.csv.gz") for path in folder.glob(pattern)}
    assert all(f'"{name}" = "' in text for name in tables)
    assert all(f"**{name}**" in readme for name in tables)


def test_prices_and_bills_have_no_gap(data):
    for identity in ("gold_price", "silver_price", "bill_rate"):
        months = pd.PeriodIndex(data.observations(identity).sort_values("observed_for")["observed_for"], freq="M")
        assert months.equals(pd.period_range("1960-01", months[-1], freq="M"))


def test_the_1980_misprint_is_kept_as_printed(data):
    table = data.observations("gold_price").set_index("observed_for")["value"]
    assert table["1980-12-31"] == 538.26
    assert table["1980-12-31"] / GOLD_FIXINGS_1980_12 - 1 == pytest.approx(-0.095, abs=5e-4)


def test_prices_are_not_rounded_until_the_publisher_rounds_them(data):
    for identity, whole in (("gold_price", 1), ("silver_price", 10)):
        table = data.observations(identity).set_index("observed_for")["value"]
        rounded = (table * whole).round(6) % 1 == 0
        assert rounded.loc["2024-10":].all()
        assert rounded.loc["1975":"2024-09"].mean() < 0.2
    silver = data.observations("silver_price").set_index("observed_for")["value"]
    assert (silver.loc["1990":"2003"].pct_change() == 0).sum() <= 1  # 43 of the rounded edition


def test_the_implied_lease_rate_beside_the_quoted_forward_rates(data):
    """The table of data/README.md: LIBOR less forward, of the days within the implied series."""
    quoted = pd.read_csv(bundled_folder() / "lease_rates.csv")
    quoted = quoted[quoted["kind"] == "libor less forward"]
    forward = pd.read_csv(bundled_folder() / "gofo.csv").dropna(subset=["libor_pct"])
    both = quoted.merge(forward, on=["date", "metal", "tenor"])
    assert len(both) == len(quoted) == 41
    assert (both["libor_pct"] - both["forward_pct"] - both["lease_rate_pct"]).abs().max() < 1e-4
    gaps = {}
    for metal, rows in quoted.groupby("metal"):
        implied = data.observations(f"{metal}_lease_rate").set_index("observed_for")["value"]
        month = implied.reindex(pd.PeriodIndex(rows["date"], freq="M").end_time.normalize()).to_numpy()
        gaps[metal] = pd.Series(rows["lease_rate_pct"].to_numpy() - month).dropna()
    assert {metal: len(gap) for metal, gap in gaps.items()} == {"gold": 4, "silver": 6}
    assert all((gap.abs() < 1.2).all() for gap in gaps.values())


def test_the_dollar_index_follows_the_exchanges_own_by_months_and_not_by_days(data, market):
    ours = data.observations("dollar_index").set_index("observed_for")["value"]
    theirs = pd.read_csv(market / "dollar_index.csv.gz", parse_dates=["date"], index_col="date")["dxy"]
    both = pd.DataFrame({"ours": ours, "theirs": theirs}).dropna()
    ratio = both["ours"] / both["theirs"]
    assert ratio.mean() == pytest.approx(1.0002, abs=1e-4)
    assert ratio.std() == pytest.approx(0.0036, abs=1e-4)
    months, days = both.resample("ME").last().pct_change(), both.pct_change()
    assert months.corr().iloc[0, 1] == pytest.approx(0.98, abs=0.005)
    assert days.corr().iloc[0, 1] == pytest.approx(0.45, abs=0.01)


def test_a_months_average_is_not_known_at_its_end(data):
    for identity in ("gold_price", "silver_price", "bill_rate"):
        table = data.observations(identity)
        assert (table["known_at"] > table["observed_for"].dt.tz_localize("UTC") + pd.Timedelta(days=1)).all()


def test_quarters_add_up_to_the_years_that_were_printed_with_them(data):
    quarters = known(data.observations("central_bank_net_purchases"), "2014-12-31")
    assert quarters["2012-01":"2012-12"].sum() == pytest.approx(WGC_2012_FULL_YEAR, abs=0.2)
    assert quarters["2013-01":"2013-12"].sum() == pytest.approx(WGC_2013_FULL_YEAR, abs=0.2)


def test_a_revision_is_known_on_its_own_day_only(data):
    table = data.observations("central_bank_net_purchases")
    third_quarter_2022 = pd.Timestamp("2022-09-30")
    assert known(table, "2023-06-30")[third_quarter_2022] == 399
    assert known(table, "2023-12-31")[third_quarter_2022] == 459


def test_quarters_and_years_do_not_mix(data):
    assert set(data.observations("central_bank_net_purchases")["observed_for"].dt.month) == {3, 6, 9, 12}
    assert data.observations("central_bank_net_purchases")["value"].max() < 500
    assert set(data.observations("central_bank_net_purchases_annual")["observed_for"].dt.month) == {12}


def test_china_disclosed_june_2015_in_july(data):
    table = data.observations("pboc_gold_reserves").set_index("observed_for")
    row = table.loc["2015-06-30"]
    assert row["value"] == pytest.approx(PBOC_JUNE_2015_MOZ * 31.1034768, abs=0.1)
    assert pd.Timestamp("2015-07-17", tz="UTC") < row["known_at"] < pd.Timestamp("2015-07-20", tz="UTC")
    assert table.loc["2022-11-30", "known_at"] == pd.Timestamp("2022-12-08 01:00", tz="UTC")


def test_tonnes_and_ounces_of_china_agree():
    table = pd.read_csv(bundled_folder() / "pboc_gold.csv").dropna(subset=["million_oz"])
    assert (table["tonnes"] - table["million_oz"] * 31.1034768).abs().max() < 0.2


@pytest.mark.parametrize("metal", ["gold", "silver"])
def test_registered_and_eligible_add_up_to_the_total(data, metal):
    parts = {part: data.observations(f"comex_{metal}_{part}") for part in ("registered", "eligible", "total")}
    wide = pd.DataFrame({part: table.set_index("observed_for")["value"] for part, table in parts.items()}).dropna()
    assert len(wide) > 15
    assert ((wide["registered"] + wide["eligible"]) / wide["total"] - 1).abs().max() < 0.002


def test_the_wrong_london_figure_of_march_2021_is_nowhere_and_the_right_one_waits_for_may(data):
    table = data.observations("london_vault_silver").set_index("observed_for")
    assert 38_859 not in table["value"].to_numpy()
    assert table.loc["2021-03-31", "known_at"] > pd.Timestamp("2021-05-10 18:00", tz="Europe/London")
    gold = data.observations("london_vault_gold").set_index("observed_for")
    assert gold.loc["2021-03-31", "known_at"] < pd.Timestamp("2021-04-15", tz="UTC")  # printed on 9 April
    assert gold.loc["2017-03-31", "known_at"] == pd.Timestamp("2017-07-31 18:00", tz="Europe/London")


def test_london_less_its_funds_is_the_stated_free_float(data):
    vaults, funds = (
        data.observations(name).set_index("observed_for")["value"]
        for name in ("london_vault_silver", "london_etf_silver")
    )
    float_tonnes = vaults - funds
    assert float_tonnes["2025-10-31"] == pytest.approx(5_805, abs=1)  # pmbug.com, October and November 2025
    assert float_tonnes["2025-11-30"] == pytest.approx(5_870, abs=1)


def test_forecasts_of_the_silver_balance_are_no_outcomes(data):
    outcomes, forecasts = (data.observations(name) for name in ("silver_balance", "silver_balance_forecast"))
    assert known(outcomes, "2024-12-31")[pd.Timestamp("2023-12-31")] == -184.3
    assert known(outcomes, "2025-12-31")[pd.Timestamp("2023-12-31")] == -200.6
    early = forecasts["known_at"] < forecasts["observed_for"].dt.tz_localize("UTC")
    assert early.all()


def test_late_commitments_of_traders_are_later_than_the_friday_after():
    late = pd.read_csv(bundled_folder() / "cot_release_exceptions.csv", parse_dates=["observed_for", "known_at"])
    assert late["observed_for"].is_unique
    assert late["known_at"].is_monotonic_increasing
    delay = (late["known_at"] - late["observed_for"]).dt.days
    assert (delay >= 3).all()
    assert (late["known_at"].dt.day_name().isin(["Tuesday", "Wednesday", "Friday"])).all()
    shutdown = late.set_index("observed_for")["known_at"]
    assert shutdown["2025-09-30"] == pd.Timestamp("2025-11-19")
    assert shutdown["2019-03-05"] == pd.Timestamp("2019-03-08")


def test_lease_rates_before_1990_wait_for_their_bill_rate(data):
    table = data.observations("silver_lease_rate").set_index("observed_for")
    assert table.loc["1989-12-31", "known_at"] > pd.Timestamp("1990-01-02", tz="UTC")
    assert table.loc["1990-01-31", "known_at"] == pd.Timestamp("1990-01-31 18:00", tz="America/New_York")
    assert table["value"].idxmax() == pd.Timestamp("1998-02-28")
    assert table.loc["2025-10-31", "value"] < 0


def test_a_last_day_of_the_lease_table_lies_in_its_month():
    for metal in ("gold", "silver"):
        table = pd.read_csv(bundled_folder() / f"{metal}_lease_rate.csv")
        assert (table["last_day"].str[:7] == table["month"]).all()
        assert table["month"].is_unique
        assert table["month"].is_monotonic_increasing
