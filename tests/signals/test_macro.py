import numpy as np
import pandas as pd
import pytest

from research.signals.inventory import net_position
from research.signals.macro import change_over, in_currency_basket, rolling_betas, unexplained_return
from research.signals.momentum import gold_silver_ratio, trailing_return
from research.signals.series import hold_after, trailing_zscore, value_before


def walk(n=900, seed=3, freq="B"):
    rng = np.random.default_rng(seed)
    index = pd.date_range("2015-01-01", periods=n, freq=freq)
    drivers = pd.DataFrame(rng.normal(size=(n, 2)).cumsum(axis=0) / 50, index=index, columns=["yield", "dollar"])
    noise = pd.Series(rng.normal(size=n).cumsum() / 100, index=index)
    return drivers, noise


def test_rolling_betas_equal_least_squares_on_each_window():
    drivers, noise = walk(300)
    y = -3 * drivers["yield"] + noise
    y.iloc[40] = np.nan
    betas = rolling_betas(y, drivers, "90D")
    for row in (80, 150, 299):
        inside = (y.index > y.index[row] - pd.Timedelta("90D")) & (y.index <= y.index[row]) & y.notna()
        x = np.column_stack([np.ones(inside.sum()), drivers[inside]])
        expected = np.linalg.lstsq(x, y[inside], rcond=None)[0][1:]
        np.testing.assert_allclose(betas.iloc[row], expected, rtol=1e-7)
    assert betas.iloc[:20].isna().all().all()


def test_what_the_drivers_explain_leaves_nothing_and_a_planted_drift_is_found():
    drivers, _ = walk()
    log_price = -2 * drivers["yield"] + 0.5 * drivers["dollar"]
    terms = {"length": "365D", "step": "28D", "window": "1096D"}
    explained = unexplained_return(log_price, drivers, **terms)
    assert explained.dropna().abs().max() < 1e-9
    drift = pd.Series(np.arange(len(drivers)) * 0.10 / 365.25 * 7 / 5, index=drivers.index)
    found = unexplained_return(log_price + drift, drivers, **terms).dropna()
    assert found.mean() == pytest.approx(0.10, abs=0.002)


def test_unexplained_return_looks_back_only():
    drivers, noise = walk()
    terms = {"length": "365D", "step": "28D", "window": "1096D"}
    whole = unexplained_return(noise, drivers, **terms)
    for cut in (400, 700):
        part = unexplained_return(noise.iloc[:cut], drivers.iloc[:cut], **terms)
        np.testing.assert_allclose(part, whole.iloc[:cut], rtol=1e-7, atol=1e-12)


def test_a_fall_of_the_dollar_alone_does_not_move_gold_in_the_basket():
    dollar = pd.Series([100.0, 90.0])
    gold = pd.Series([2000.0, 2000 / 0.9])
    assert in_currency_basket(gold, dollar).tolist() == pytest.approx([2000, 2000])


@pytest.mark.parametrize("freq", ["B", "ME"])
def test_a_year_is_a_year_on_every_calendar(freq):
    index = pd.date_range("2015-01-31", "2020-12-31", freq=freq)
    years = (index - index[0]).days / 365.0
    price = pd.Series(1.1**years, index=index)
    past = trailing_return(price, "365D")
    assert past.dropna().between(0.099, 0.12).all()
    assert past.isna().sum() in (12, 13, 260, 261, 262)
    assert (change_over(np.log(price), "365D").dropna() > 0).all()


def test_value_before_passes_over_what_is_missing():
    index = pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-12", "2020-01-13"])
    series = pd.Series([1.0, np.nan, 3.0, 4.0], index=index)
    assert value_before(series, "10D").fillna(-1).tolist() == [-1, -1, 1, 1]


def test_score_waits_for_its_warm_up_on_days_as_on_months():
    for freq, least in (("D", 731), ("ME", 24)):
        series = pd.Series(np.sin(np.arange(1200)), index=pd.date_range("2000-01-31", periods=1200, freq=freq))
        score = trailing_zscore(series, "1826D", warm_up="730D")
        first = score.first_valid_index()
        assert pd.Timedelta("730D") <= first - series.index[0] <= pd.Timedelta("762D")
        assert score.isna().sum() in range(least - 2, least + 2)


def test_a_spike_is_held_for_one_bar_of_months_or_four_weeks_of_days():
    monthly = pd.Series(False, index=pd.date_range("2020-01-31", periods=14, freq="ME"))
    monthly.iloc[[0, 5]] = True
    assert hold_after(monthly, "28D").tolist() == monthly.astype(float).tolist()
    daily = pd.Series(False, index=pd.date_range("2020-01-01", periods=100, freq="D"))
    daily.iloc[10] = True
    assert hold_after(daily, "28D").sum() == 28


def test_positions_of_28_july_2026_and_their_signs():
    # managed money in gold, as reported: 135,093 long, 15,298 short, of 384,603
    assert net_position(135_093, 15_298, 384_603) == pytest.approx(0.31147702956)
    assert net_position(15_298, 135_093, 384_603) == pytest.approx(-0.31147702956)


def test_ratio_in_ounces():
    assert gold_silver_ratio(4000.0, 50.0) == 80
