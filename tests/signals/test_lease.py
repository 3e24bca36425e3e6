import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.errors import ValidationError
from research.signals.lease import (
    carry,
    forward_rate,
    lease_rate,
    lease_rate_continuous,
    lease_rate_desk,
    log_carry,
)

PUBLISHED_1999_02_19 = [  # dollar rate, metal forward rate, lease rate, % a year (si.frajer.net, message 7946733)
    (5.00, 4.14, 0.86),  # gold, 3 months
    (5.06, 4.00, 1.06),  # gold, 6 months
    (4.94, -7.00, 11.94),  # silver, 1 month
]


def forward_price(spot, rate, lease, days):
    """At which there is no profit in lending the metal at ``lease``."""
    return spot * (1 + rate * days / 360) / (1 + lease * days / 360)


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
    assert lease_rate_desk(0.0405, forward_rate(50.00, 50.30, 91)) == pytest.approx(0.01676374, abs=5e-9)


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


@given(near=prices, gap=st.integers(10, 200))
def test_signs(near, gap):
    backward, contango = near * 0.99, near * 1.01
    assert carry(near, contango, gap) < 0 < carry(near, backward, gap)
    assert log_carry(near, contango, gap) < 0 < log_carry(near, backward, gap)
    assert lease_rate(near, backward, 0.05, gap) > lease_rate(near, contango, 0.05, gap)


def test_carry_is_both_published_forms():
    near, far, gap = 50.0, 50.3, 91
    assert carry(near, far, gap) == pytest.approx((near / far - 1) * 365 / gap, abs=1e-15)
    assert log_carry(near, far, gap) == pytest.approx(
        np.log1p(carry(near, far, gap) * gap / 365) * 365 / gap, abs=1e-15
    )


def test_series_and_numbers_mix():
    index = pd.date_range("2025-01-01", periods=2)
    result = lease_rate(pd.Series([50.0, 51.0], index), pd.Series([50.3, 51.0], index), 0.0405, 91)
    assert result.index.equals(index)
    assert result.iloc[1] == pytest.approx(0.0405)


@pytest.mark.parametrize(("near", "far"), [(90, 90), (90, 28)])
def test_deliveries_in_the_wrong_order_are_refused(near, far):
    with pytest.raises(ValidationError, match="above 0"):
        lease_rate(50.0, 50.3, 0.04, far - near)
    with pytest.raises(ValidationError, match="above 0"):
        carry(50.0, 50.3, far - near)
