import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.errors import ValidationError
from research.signals.lease import (
    calendar_lease_rate,
    carry,
    forward_price,
    forward_rate,
    forward_simple_rate,
    lease_rate,
    lease_rate_continuous,
    lease_rate_desk,
    log_carry,
    log_growth,
    simple_rate_of_discount,
)

PUBLISHED_1999_02_19 = [  # dollar rate, metal forward rate, lease rate, % a year (si.frajer.net, message 7946733)
    (5.00, 4.14, 0.86),  # gold, 3 months
    (5.06, 4.00, 1.06),  # gold, 6 months
    (4.94, -7.00, 11.94),  # silver, 1 month
]

rates = st.floats(-0.05, 0.5)
days = st.integers(1, 360)
prices = st.floats(1, 5000)


def test_worked_spot_and_forward():
    spot, forward, rate, tenor = 32.40, 32.55, 0.0435, 90
    g = forward_rate(spot, forward, tenor)
    assert g == pytest.approx(0.01851852, abs=5e-9)
    assert lease_rate_desk(rate, g) == pytest.approx(0.02498148, abs=5e-9)
    assert lease_rate(spot, forward, rate, tenor) == pytest.approx(0.02486636, abs=5e-9)
    assert lease_rate_continuous(spot, forward, rate, tenor) == pytest.approx(0.02513368, abs=5e-9)


def test_worked_calendar_spread():
    assert forward_rate(50.00, 50.30, 119 - 28) == pytest.approx(0.02373626, abs=5e-9)
    assert calendar_lease_rate(50.00, 50.30, 28, 119, 0.0405, exact=False) == pytest.approx(0.01676374, abs=5e-9)


def test_worked_squeeze():
    assert forward_price(1.0, 0.041, 0.349, 30) - 1 == pytest.approx(-0.024941, abs=5e-7)


@pytest.mark.parametrize(("dollar", "metal", "lease"), PUBLISHED_1999_02_19)
def test_published_day(dollar, metal, lease):
    assert lease_rate_desk(dollar, metal) == pytest.approx(lease, abs=1e-9)


@given(spot=prices, rate=rates, lease=rates, tenor=days)
def test_parity_gives_back_the_lease_rate_of_a_forward_price(spot, rate, lease, tenor):
    forward = forward_price(spot, rate, lease, tenor)
    assert lease_rate(spot, forward, rate, tenor) == pytest.approx(lease, abs=1e-9)


@given(spot=prices, rate=rates, lease=rates, tenor=days)
def test_the_desk_errs_by_the_forward_rate_times_the_lease_rate(spot, rate, lease, tenor):
    # r - g = l (1 + g d/360): the desk ignores that the lease is paid in metal at the forward price
    forward = forward_price(spot, rate, lease, tenor)
    g = forward_rate(spot, forward, tenor)
    assert lease_rate_desk(rate, g) == pytest.approx(lease * (1 + g * tenor / 360), abs=1e-9)


@given(near=prices, gap=st.integers(10, 200), start=st.integers(0, 200))
def test_signs(near, gap, start):
    backward, contango = near * 0.99, near * 1.01
    assert carry(near, contango, gap) < 0 < carry(near, backward, gap)
    assert log_carry(near, contango, gap) < 0 < log_carry(near, backward, gap)
    dear = calendar_lease_rate(near, backward, start, start + gap, 0.05)
    assert dear > calendar_lease_rate(near, contango, start, start + gap, 0.05)


def test_carry_is_both_published_forms():
    near, far, gap = 50.0, 50.3, 91
    assert carry(near, far, gap) == pytest.approx((near / far - 1) * 365 / gap, abs=1e-15)
    assert log_carry(near, far, gap) == pytest.approx(
        np.log1p(carry(near, far, gap) * gap / 365) * 365 / gap, abs=1e-15
    )


def test_series_and_numbers_mix():
    index = pd.date_range("2025-01-01", periods=2)
    result = calendar_lease_rate(pd.Series([50.0, 51.0], index), pd.Series([50.3, 51.0], index), 28, 119, 0.0405)
    assert result.index.equals(index)
    assert result.iloc[1] == pytest.approx(0.0405)


@pytest.mark.parametrize(("near", "far"), [(90, 90), (90, 28)])
def test_deliveries_in_the_wrong_order_are_refused(near, far):
    with pytest.raises(ValidationError, match="above 0"):
        calendar_lease_rate(50.0, 50.3, near, far, 0.04)
    with pytest.raises(ValidationError, match="above 0"):
        carry(50.0, 50.3, far - near)


def test_discount_of_ten_per_cent():
    # 91-day bill at 10 % discount costs 97.472222; 2.527778 earned on it over 91 days
    price = 100 - 10 * 91 / 360
    assert simple_rate_of_discount(0.10) == pytest.approx((100 / price - 1) * 360 / 91, abs=1e-15)


def flat_curve(rate, nodes):
    simple = {name: np.expm1(rate * tenor / 365) * 365 / tenor for name, tenor in nodes.items() if tenor <= 183}
    return pd.DataFrame([simple | {name: 2 * np.expm1(rate / 2) for name, tenor in nodes.items() if tenor > 183}])


NODES = {"m1": 30, "m3": 91, "m6": 182, "y1": 365}


@given(rate=st.floats(-0.01, 0.2), near=st.integers(1, 300), gap=st.integers(5, 300))
def test_on_a_flat_curve_every_forward_rate_is_the_rate(rate, near, gap):
    curve = flat_curve(rate, NODES)
    start, end = log_growth(curve, NODES, np.array([near])), log_growth(curve, NODES, np.array([near + gap]))
    assert start[0] == pytest.approx(rate * near / 365, abs=1e-12)
    assert forward_simple_rate(start, end, gap)[0] == pytest.approx(np.expm1(rate * gap / 365) * 360 / gap, abs=1e-9)


def test_the_forward_rate_is_not_the_spot_rate_on_a_steep_curve():
    # 4 % for 91 days, 5 % for 182: the second 91 days earn (1.05 x 182/365 + 1) / (1 + 0.04 x 91/365) - 1
    curve = pd.DataFrame([{"m3": 0.04, "m6": 0.05}])
    nodes = {"m3": 91, "m6": 182}
    growth = [log_growth(curve, nodes, np.array([horizon])) for horizon in (91, 182)]
    by_hand = ((1 + 0.05 * 182 / 365) / (1 + 0.04 * 91 / 365) - 1) * 360 / 91
    assert forward_simple_rate(*growth, 91)[0] == pytest.approx(by_hand, abs=1e-12)
    assert by_hand > 0.058


def test_a_curve_with_missing_tenors_uses_the_others_and_an_empty_one_says_nothing():
    curve = pd.DataFrame([{"m1": np.nan, "m3": 0.04}, {"m1": np.nan, "m3": np.nan}])
    result = log_growth(curve, {"m1": 30, "m3": 91}, np.array([45.5, 45.5]))
    assert result[0] == pytest.approx(np.log1p(0.04 * 91 / 365) / 2)
    assert np.isnan(result[1])
    assert np.isnan(log_growth(curve, {"m1": 30, "m3": 91}, np.array([183, 183]))[0])
