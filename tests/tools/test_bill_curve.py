import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.bill_curve import forward_simple_rate, log_growth, simple_rate_of_discount


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
