"""What the signals say on days whose story is known, and the same numbers by other code from the same files."""

from bisect import bisect_left

import numpy as np
import pandas as pd
import pytest

from tests.daily.test_pack import series


def test_silver_lease_rate_shows_february_1998_and_misses_october_2025(daily):
    lease = series(daily, "silver_lease_rate")
    assert lease["1998-02"].max() > 12
    quiet = lease["2004":"2006"].median()
    assert lease["1998-02"].median() > quiet + 8
    assert lease["2025-10"].median() < 1  # London quoted 35 to 39 %


def test_silver_was_in_backwardation_in_february_1998_only(daily):
    monthly = series(daily, "silver_carry").resample("ME").median()
    assert list(monthly.index[monthly > 0].strftime("%Y-%m")) == ["1998-02", "1998-03"]


def test_london_premium_jumps_in_october_2025_and_turns_in_march_2020_and_early_2025(daily):
    silver = series(daily, "silver_london_premium").rolling("7D").median()
    assert silver["2025-10-08":"2025-10-17"].max() > 3
    gold = series(daily, "gold_london_premium").rolling("7D").median()
    assert gold["2020-03-24":"2020-04-20"].min() < -0.8  # New York dear: no flights, no bars
    assert gold["2025-01-15":"2025-02-28"].min() < -0.5  # New York dear: tariffs
    assert abs(gold["2018"].median()) < 0.5


@pytest.fixture(scope="module")
def shanghai(daily):
    """The premium by plain arithmetic, day by day, without the project's functions."""
    price, rate, spot = (daily.observations(name) for name in ("sge_gold_price", "usdcny", "gold_price"))
    told = [(table["known_at"].tolist(), table["value"].tolist()) for table in (spot, rate)]
    values = {}
    for row in price.itertuples():
        london, cny = (known[bisect_left(moments, row.known_at) - 1] for moments, known in told)
        values[row.observed_for] = row.value * 31.1034768 / cny / london - 1
    return pd.Series(values)


def test_shanghai_gold_was_cheap_in_2020_and_dear_in_september_2023(shanghai):
    assert shanghai["2020-08"].median() < -0.015
    assert shanghai["2023-09"].median() > 0.02


def test_shanghai_premium_of_the_strategy_is_that_of_plain_arithmetic(daily, shanghai):
    from research.signals.premium import latest_before, shanghai_premium

    price, rate, spot = (
        daily.observations(name).set_index("known_at")["value"] for name in ("sge_gold_price", "usdcny", "gold_price")
    )
    ours = shanghai_premium(price, latest_before(price, rate, "5D"), latest_before(price, spot, "5D"), grams=1)
    both = pd.DataFrame({"ours": ours.to_numpy(), "plain": shanghai.to_numpy()}).dropna()
    assert len(both) > 2_000
    np.testing.assert_allclose(both["ours"], both["plain"], rtol=1e-12)


def test_lease_rate_of_one_day_by_hand_from_the_raw_files(market, daily):
    """12 February 1998: the contracts, the par yields and covered parity, written out."""
    day = "1998-02-12"
    raw = pd.read_csv(market / "comex_silver_futures_by_contract.csv.gz")
    close = raw[raw["date"] == day].set_index("contract")["close"]
    yields = pd.read_csv(market / "treasury_par_yields_pct.csv.gz").set_index("date").loc[day] / 100
    near, far = 199803, 199805  # March notifies on 27 February, five business days before is the 20th
    days = {c: (pd.Timestamp(year=c // 100, month=c % 100, day=15) - pd.Timestamp(day)).days for c in (near, far)}
    m3 = np.log1p(yields["m3"] * 91 / 365)
    m6 = np.log1p(yields["m6"] * 182 / 365)
    growth = {c: m3 * d / 91 if d <= 91 else m3 + (m6 - m3) * (d - 91) / 91 for c, d in days.items()}
    gap = days[far] - days[near]
    rate = np.expm1(growth[far] - growth[near]) * 360 / gap
    lease = ((1 + rate * gap / 360) * close[near] / close[far] - 1) * 360 / gap
    assert series(daily, "silver_lease_rate")[day] == pytest.approx(100 * lease, abs=0.02)
