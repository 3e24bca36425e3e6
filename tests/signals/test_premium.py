import numpy as np
import pandas as pd
import pytest

from research.errors import ValidationError
from research.signals.premium import (
    curve_spot,
    latest_before,
    london_comex_premium,
    shanghai_premium,
    usd_per_ounce,
)


def test_shanghai_price_in_dollars_per_ounce():
    assert usd_per_ounce(950, 7.10, grams=1) == pytest.approx(4161.73, abs=0.005)
    # the same metal quoted by the kilogram
    assert usd_per_ounce(950_000, 7.10, grams=1000) == pytest.approx(usd_per_ounce(950, 7.10, grams=1), rel=1e-15)


def test_shanghai_premium_is_positive_when_shanghai_is_dear_and_the_tax_comes_out():
    fair = 4000 * 7.10 / 31.1034768
    assert shanghai_premium(fair, 7.10, 4000, grams=1) == pytest.approx(0, abs=1e-15)
    assert shanghai_premium(1.02 * fair, 7.10, 4000, grams=1) == pytest.approx(0.02)
    assert shanghai_premium(1.13 * fair, 7.10, 4000, grams=1, vat=0.13) == pytest.approx(0, abs=1e-15)
    with pytest.raises(ValidationError, match="give grams above 0"):
        shanghai_premium(fair, 7.10, 4000, grams=1, vat=-0.13)


def test_a_future_at_full_carry_has_no_location_premium():
    future = 50 * (1 + 0.041 * 20 / 360)
    assert london_comex_premium(50, future, 0.041, 20) == pytest.approx(0, abs=1e-15)
    assert london_comex_premium(52.5, future, 0.041, 20) == pytest.approx(0.05)
    # a lease rate of 34.9 % in the curve would pass for a premium of 1.9 %: hence the nearest delivery, or the curve
    leased = future / (1 + 0.349 * 20 / 360)
    assert london_comex_premium(50, leased, 0.041, 20) == pytest.approx(0.349 * 20 / 360)


def test_spot_of_the_curve_sees_through_interest_and_lease_rate():
    spot, rate = 48.0, 0.06
    near, far = (spot * np.exp(rate * days / 365) for days in (40, 101))
    assert curve_spot(near, far, 40, 101) == pytest.approx(spot, rel=1e-14)
    assert curve_spot(spot * 0.99, spot * 0.97, 30, 90) > spot * 0.99  # backwardation points up


def utc(*moments):
    return pd.DatetimeIndex(moments, tz="UTC")


def test_a_price_meets_only_what_was_known_before_it():
    shanghai = pd.Series([1.0, 2.0, 3.0], index=utc("2025-01-07 07:30", "2025-01-08 07:30", "2025-01-20 07:30"))
    london = pd.Series([10.0, 11.0, 12.0], index=utc("2025-01-06 22:00", "2025-01-07 22:00", "2025-01-08 07:30"))
    paired = latest_before(shanghai, london, "5D")
    assert paired.tolist()[:2] == [10.0, 11.0]  # not the print of the same moment
    assert np.isnan(paired.iloc[2])  # twelve days old


def test_pairing_does_not_change_when_the_future_does():
    rng = np.random.default_rng(7)
    moments = pd.date_range("2025-01-01 07:30", periods=60, freq="D", tz="UTC")
    later = pd.Series(rng.normal(size=60), index=moments)
    earlier = pd.Series(rng.normal(size=60), index=moments + pd.Timedelta("14h"))
    whole = latest_before(later, earlier, "5D")
    for cut in (10, 33):
        assert whole.iloc[:cut].equals(latest_before(later.iloc[:cut], earlier.iloc[:cut], "5D"))
