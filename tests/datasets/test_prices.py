"""The price is a choice with a name: what is here, what is chosen and why, and what an account then earns."""

import pickle
from copy import copy

import numpy as np
import pandas as pd
import pytest

from research.datasets.data import open_data
from research.datasets.futures import clean_futures, last_holding_day
from research.engine.portfolio import run
from research.errors import NoData, RegistryError, ValidationError
from research.execution import Execution
from research.study import compare
from research.thesis import strategy
from tests.datasets.contracts import futures_table
from tests.datasets.packs import HEAD, PRICE, csv, entry, write_pack

EVENING = '{ rule = "lag", days = 0, time = "18:00", timezone = "America/New_York" }'
OUNCE = "USD per troy ounce"
DAYS = pd.bdate_range("2012-01-02", "2024-06-28")
FREE = Execution(fees=0.0, slippage=0.0)


def closes(seed, start=1000.0):
    return start * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, len(DAYS))))


def spot_entries(metals=("gold", "silver"), days=DAYS):
    text = days.strftime("%Y-%m-%d")
    datasets = [entry(f"{m}_spot", unit=OUNCE, frequency="day", release=EVENING, age=10, more=PRICE) for m in metals]
    values = {metal: closes(len(metal), 1000.0 if metal == "gold" else 20.0)[: len(days)] for metal in metals}
    return datasets, {f"{metal}_spot.csv": csv(zip(text, values[metal], strict=True)) for metal in metals}


def daily(tmp_path, **options):
    return open_data(write_pack(tmp_path / "daily", *spot_entries()), user=False, **options)


def test_an_earlier_moment_and_a_copy_keep_the_price_that_was_asked_for(tmp_path):
    data = daily(tmp_path, price="spot")
    for other in (data.known_by(pd.Timestamp("2015-03-04", tz="UTC")), copy(data), pickle.loads(pickle.dumps(data))):
        assert other.price.name == "spot"
    assert daily(tmp_path).known_by(pd.Timestamp("2015-03-04", tz="UTC")).price.name == "monthly"


def test_without_anything_else_the_price_is_the_monthly_one_and_says_why():
    data = open_data(user=False)
    assert data.price.name == "monthly"
    assert data.price_line.endswith("(no future is here; no etf is here; no spot is here)")


def test_a_daily_price_of_ones_own_is_the_default_when_it_is_long_and_fresh(tmp_path):
    long_ago = write_pack(tmp_path / "old", *spot_entries())
    data = open_data(long_ago, user=False)
    assert data.price.name == "monthly"
    assert "spot ends 2024-06-28, 763 days before the freshest" in data.price_line
    alone = open_data(write_pack(tmp_path / "gold", *spot_entries(("gold",))), user=False)
    assert "spot is here for gold_spot only" in alone.price_line
    # against monthly prices that end when it does, it is the better
    text = DAYS.strftime("%Y-%m-%d")
    months = pd.Series(closes(1), DAYS).resample("ME").mean()
    monthly = [entry(f"{m}_price", unit=OUNCE, more=PRICE.replace("close", "average")) for m in ("gold", "silver")]
    rows = csv(zip(months.index.strftime("%Y-%m-%d"), months, strict=True))
    files = {"gold_price.csv": rows, "silver_price.csv": rows}
    own, own_files = spot_entries()
    data = open_data(write_pack(tmp_path / "both", [*own, *monthly], own_files | files), user=False)
    assert data.price.name == "spot"
    assert "the best that is here and not stale (no future is here; no etf is here)" in data.price_line
    short, short_files = spot_entries(days=DAYS[-500:])
    data = open_data(write_pack(tmp_path / "short", [*short, *monthly], short_files | files), user=False)
    assert "spot has 1.9 years, under 10" in data.price_line
    assert data.price.name == "monthly"
    assert len(text) == len(DAYS)


def test_spot_trades_days_with_the_bills_that_know_a_rate_and_signals_read_it(tmp_path):
    data = daily(tmp_path, price="spot")
    market = data.market("gold", start="2020", end="2020")
    assert (market.periods_per_year, market.averaged) == (252, False)
    assert list(market.datasets) == ["gold_spot", "treasury_3_month", "gold_price"]
    assert data["gold_price"].id == "gold_spot"
    whole = data.market("gold")
    panel = data.panel("gold", {"price": "gold_price", "official": "pboc_gold_reserves"}, whole)
    pd.testing.assert_series_equal(panel["price"], whole.price, check_names=False)
    assert panel["official"].notna().any()  # a monthly series beside a daily price
    yields = data.observations("treasury_3_month").set_index("observed_for")["value"]
    days = (market.price.index[5] - market.price.index[4]).days
    assert market.bill_accrual.iloc[5] == pytest.approx(yields[market.price.index[4]] / 100 * days / 365)
    assert open_data(user=False).market("gold").price.index[0] == pd.Timestamp("1960-01-31")


def test_a_day_without_a_daily_rate_takes_the_monthly_one_until_that_is_too_old(tmp_path):
    bills = [entry("bill_rate_daily", unit="% a year, bond-equivalent", frequency="day", age=10)]
    datasets, files = spot_entries()
    files |= {"bill_rate_daily.csv": csv((day, 3.0) for day in DAYS[:5].strftime("%Y-%m-%d"))}
    rate = entry("bill_rate", unit="% a year, bond-equivalent", age=100)
    files |= {"bill_rate.csv": csv([("2011-12-31", 6.0)])}
    prices = '[prices.spot]\ntitle = "s"\ndataset = "{metal}_spot"\nmetals = ["gold"]\n'
    prices += 'bills = ["bill_rate_daily", "bill_rate"]\n'
    data = open_data(write_pack(tmp_path, [prices, *datasets, *bills, rate], files), bundled=False)
    accrual = data.market("gold", end="2012-04-09").bill_accrual
    assert accrual["2012-01-03"] == pytest.approx(0.03 / 365)
    assert accrual["2012-02-15"] == pytest.approx(0.06 / 365)
    with pytest.raises(NoData, match="bills: no rate for 2012-04-10"):
        data.market("gold", end="2012-06-29")


@pytest.fixture
def futures(tmp_path):
    table = futures_table((2, 4, 6, 8, 10, 12), start="2015-01-02", end="2020-12-31", carry=0.05)
    table = table.assign(date=table["date"].dt.strftime("%Y-%m-%d"))
    more = 'kind = "table"\nkey = ["contract"]'
    datasets = []
    for metal in ("gold", "silver"):
        text = entry(f"{metal}_futures", unit=OUNCE, frequency="day", release=EVENING, age=10, more=more)
        datasets.append(
            text.replace('value = "value"', 'columns = ["contract", "open", "high", "low", "close", "volume"]')
        )
    files = {f"{metal}_futures.csv": table.to_csv(index=False) for metal in ("gold", "silver")}
    return open_data(write_pack(tmp_path / "futures", datasets, files), user=False, price="future"), table


def test_a_future_is_held_by_contract_with_bills_as_collateral_and_no_storage(futures):
    data, table = futures
    market = data.market("gold")
    quotes = clean_futures(table).pivot(index="date", columns="contract", values="close")
    leave = last_holding_day(quotes.columns, 5)
    day, before = pd.Timestamp("2018-06-13"), pd.Timestamp("2018-06-12")
    contract = min(name for name in quotes if leave[name] >= day)
    expected = quotes.loc[day, contract] / quotes.loc[before, contract] - 1 + market.bill_accrual[day]
    assert market.price[day] / market.price[before] - 1 == pytest.approx(expected)
    # signals read dollars an ounce, not the total return
    level = data.observations("gold_price").set_index("observed_for")["value"]
    assert level[day] == quotes.loc[day, contract]
    assert market.in_price == {"storage", "borrow"}
    held = run(pd.Series(1.0, market.price.index), market, Execution(fees=0.0, slippage=0.0, storage=0.02), name="held")
    assert held.execution.storage == 0.0
    assert held.equity.iloc[-1] / held.equity.iloc[0] == pytest.approx(market.price.iloc[-1] / market.price.iloc[1])


def test_a_share_pays_its_own_storage_and_signals_read_an_ounce(tmp_path):
    text = DAYS.strftime("%Y-%m-%d")
    datasets, files = spot_entries()
    for name in ("gld_price", "slv_price"):
        datasets.append(entry(name, unit="USD per share", frequency="day", release=EVENING, age=10))
        files[f"{name}.csv"] = csv(zip(text, closes(9, 100.0), strict=True))
    data = open_data(write_pack(tmp_path, datasets, files), user=False, price="etf")
    market = data.market("gold")
    assert market.price.iloc[-1] == pytest.approx(closes(9, 100.0)[-1])
    assert data["gold_price"].id == "gold_spot"
    held = run(pd.Series(1.0, market.price.index), market, FREE, name="held")
    assert held.equity.iloc[-1] / held.equity.iloc[0] == pytest.approx(market.price.iloc[-1] / market.price.iloc[1])
    spot = data.priced("spot")
    paid = run(pd.Series(1.0, market.price.index), spot.market("gold"), FREE, name="held")
    whole = spot.market("gold").price
    assert paid.equity.iloc[-1] / paid.equity.iloc[0] < whole.iloc[-1] / whole.iloc[1]


@strategy(claim="Up.", metal=("gold", "silver"), inputs={"price": "{metal}_price"}, expected_sign=1, falsifier="Down.")
def after_a_rise(panel):
    """Hold after a year's rise."""
    past = panel["price"] / panel["price"].shift(252) - 1
    return (past > 0).astype(float).where(past.notna())


def test_compare_takes_the_price_and_its_first_line_says_it(tmp_path):
    from research.report.study_words import study_lines

    study = compare([after_a_rise], daily(tmp_path), price="spot", start="2018", end="2019", ledger=None)
    assert {trial.result.periods_per_year for trial in study.trials} == {252}
    assert study.manifest["price"] == "spot"
    assert study_lines(study)[0] == "price: spot, the daily close of spot; as asked"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "etf",
            "needs gld_price or slv_price: not here; assay data fetch gld_price, or assay data add FILE --as gld_price",
        ),
        ("futures", "no such choice here; there is future, etf, spot, monthly"),
    ],
)
def test_a_price_that_is_not_here_is_one_line_with_the_cure(name, says):
    with pytest.raises(NoData, match=says):
        open_data(user=False, price=name)


def test_a_metal_without_the_price_names_another_price(tmp_path):
    data = open_data(write_pack(tmp_path, *spot_entries(("gold",))), user=False, price="spot")
    with pytest.raises(NoData, match=r"silver: price 'spot' needs silver_spot: not here; .*, or --price monthly"):
        data.market("silver")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('title = "x"\ndataset = "gld"\nbills = ["b"]', "'metals' is missing"),
        ('title = "x"\nmetals = ["gold"]\nbills = ["b"]', "'dataset' is missing"),
        (
            'title = "x"\ndataset = "{metal}"\nmetals = ["gold"]\nbills = ["b"]\nin_price = ["fees"]',
            "in_price names 'fees'",
        ),
        ('titel = "x"', "did you mean 'title'"),
    ],
)
def test_a_broken_price_is_refused(tmp_path, text, says):
    datasets, files = spot_entries()
    with pytest.raises(RegistryError, match=says):
        open_data(write_pack(tmp_path, [f"[prices.spot]\n{text}\n", *datasets], files), bundled=False)
    assert HEAD


@pytest.mark.parametrize(
    ("freq", "declared", "says"),
    [("ME", "day", 'say frequency = "month"'), ("D", "day", "leave out weekends"), ("B", "month", 'frequency = "day"')],
)
def test_bars_a_year_are_measured_against_the_declared_frequency(tmp_path, freq, declared, says):
    days = pd.date_range("2018-01-01", "2022-12-31", freq=freq).strftime("%Y-%m-%d")
    datasets = [
        entry("gold_price", unit=OUNCE, frequency=declared, age=40, more=PRICE),
        entry("bill_rate", unit="% a year, bond-equivalent", age=4000),
    ]
    files = {"gold_price.csv": csv((day, 1000.0) for day in days), "bill_rate.csv": csv([("2017-12-31", 1.0)])}
    data = open_data(write_pack(tmp_path, datasets, files), bundled=False)
    with pytest.raises(ValidationError, match=says):
        data.market("gold")
