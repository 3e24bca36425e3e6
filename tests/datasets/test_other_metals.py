"""Platinum and copper through the functions that gold and silver go through: dirty rows, rolls, spreads, units."""

import numpy as np
import pandas as pd
import pytest

from research.datasets.futures import clean_futures, held_returns, roll_before_notice, total_return_index
from research.signals.inventory import open_interest_coverage
from research.signals.lease import log_carry
from research.signals.premium import curve_spot
from tests.datasets.contracts import PLATINUM_MONTHS, futures_table
from tests.test_derive_lease_rates import NO_BILLS, flat_yields
from tests.tools.derive_lease_rates import daily_lease_rates
from tests.tools.spreads import calendar_spreads, with_conditions

BILLS, LEASE = 0.04, 0.06
CENTS_PER_POUND = ["open", "high", "low", "close"]


@pytest.fixture(scope="module", params=["platinum", "copper"])
def metal(request):
    """Name, clean table and the same table with dirty rows: quarterly dollars an ounce, monthly cents a pound."""
    months = PLATINUM_MONTHS if request.param == "platinum" else tuple(range(1, 13))
    table = futures_table(months, carry=BILLS, lease=LEASE, seed=3)
    if request.param == "copper":
        table[CENTS_PER_POUND] /= 3.0  # about 300 cents a pound
    return request.param, table, dirty(table)


def dirty(table):
    rows = table.sample(frac=1.0, random_state=1)
    bad = rows.iloc[:6].copy()
    rows = rows.iloc[6:]
    bad.iloc[0, bad.columns.get_loc("close")] = 0.0
    bad.iloc[1, bad.columns.get_loc("close")] = np.nan
    bad.iloc[2, bad.columns.get_loc("high")] = 0.01
    conflict = bad.iloc[[3, 3]].assign(close=lambda part: part["close"] * [1.0, 1.001])
    return pd.concat([rows, bad.iloc[:3], conflict, bad.iloc[[4, 4]], bad.iloc[[5]]])


def test_dirty_rows_are_dropped_and_the_others_kept(metal):
    _, table, rows = metal
    clean = clean_futures(rows)
    assert len(rows) - len(clean) == 6  # 2 without a price, 1 against itself, 2 that conflict, 1 repeated
    assert len(clean) == len(table) - 4
    assert not clean.duplicated(["date", "contract"]).any()


def test_roll_identities_hold_on_what_is_left(metal):
    _, _, rows = metal
    clean = clean_futures(rows)
    returns = held_returns(clean, roll_before_notice(clean))
    # money earned contract by contract, from the first close held to the last, by plain code
    close = clean.set_index(["contract", "date"])["close"].to_dict()
    days, held = list(returns.index), list(returns["contract"])
    earned, start = 0.0, 0
    for at in range(1, len(days) + 1):
        if at == len(days) or held[at] != held[at - 1]:
            span = range(start, at)
            known = [close[held[at - 1], days[k]] for k in span if (held[at - 1], days[k]) in close]
            entry = next(
                close[held[at - 1], day] for day in reversed(days[: max(start, 1)]) if (held[at - 1], day) in close
            )
            earned += known[-1] - entry
            start = at
    assert returns["price_change"].sum() == pytest.approx(earned, rel=1e-9)
    total = total_return_index(returns["excess_return"], pd.Series(1e-4, index=returns.index))
    assert total.iloc[-1] / 100 == pytest.approx(np.prod(1 + returns["excess_return"].iloc[1:] + 1e-4), rel=1e-12)


def test_planted_carry_lease_rate_and_spot_are_found(metal):
    _, table, rows = metal
    clean = with_conditions(rows)
    spreads = calendar_spreads(clean)
    gap = spreads["far_days"] - spreads["near_days"]
    np.testing.assert_allclose(log_carry(spreads["near_close"], spreads["far_close"], gap), LEASE - BILLS, atol=1e-9)
    dates = pd.DatetimeIndex(table["date"].unique())
    daily = daily_lease_rates(clean, flat_yields(BILLS, dates), NO_BILLS)
    apart = daily["far_days"] - daily["near_days"]
    np.testing.assert_allclose(daily["lease_rate"], np.expm1(LEASE * apart / 365) * 360 / apart, atol=1e-9)
    spot = curve_spot(spreads["near_close"], spreads["far_close"], spreads["near_days"], spreads["far_days"])
    expected = spreads["near_close"] * np.exp((LEASE - BILLS) * spreads["near_days"] / 365)
    np.testing.assert_allclose(spot, expected, rtol=1e-9)


def test_cents_or_dollars_change_no_decision_and_no_return(metal):
    _, _, rows = metal
    other = rows.copy()
    other[CENTS_PER_POUND] /= 100
    first, second = clean_futures(rows), clean_futures(other)
    pd.testing.assert_frame_equal(first[["date", "contract"]], second[["date", "contract"]])
    held = roll_before_notice(first)
    pd.testing.assert_series_equal(held, roll_before_notice(second))
    one, two = (held_returns(clean, held)["excess_return"] for clean in (first, second))
    np.testing.assert_allclose(one.iloc[1:], two.iloc[1:], rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(("size", "stock"), [(50, 300_000.0), (25_000, 120e6)])  # ounces of platinum, pounds of copper
def test_coverage_is_in_the_unit_of_the_stock(size, stock):
    assert open_interest_coverage(60_000, stock, ounces_per_contract=size) == 60_000 * size / stock
