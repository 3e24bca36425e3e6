"""Rules that look back only, in ways that resemble looking ahead."""

import functools
import time
import warnings

import numpy as np
import pandas as pd

from research.errors import StrategyError
from tests.zoo import animal

_MONTHS = {1: 1.0, 2: 1.0, 9: 1.0, 11: 1.0, 12: 1.0}
_MEMO = {}
_TABLE = pd.Series([0.0, 0.25, 0.5, 0.75, 1.0], name="steps")


def on(condition):
    return condition.astype(float)


@animal(x="lease")
def always(panel):
    return pd.Series(1.0, panel.index)


@animal(x="lease")
def bought_once(panel):
    weights = pd.Series(np.nan, panel.index)
    weights.iloc[0] = 1.0
    return weights


@animal(x="lease")
def expanding_zscore(panel):
    x = panel["x"]
    past = x.expanding(min_periods=24)
    return on((x - past.mean()) / past.std() > 0.5).where(past.std().notna())


@animal(x="lease")
def expanding_quantile(panel):
    x = panel["x"]
    return on(x > x.expanding(12).quantile(0.7))


@animal(x="lease")
def expanding_rank(panel):
    return panel["x"].expanding(12).rank(pct=True)


@animal(x="lease")
def trailing_window(panel):
    x = panel["x"]
    return on(x > x.rolling("730D", min_periods=12).mean())


@animal(x="lease")
def exponential_average(panel):
    x = panel["x"]
    return on(x > x.ewm(halflife=6, adjust=True).mean())


@animal(x="lease")
def recursive_filter(panel):
    """Kalman filter of a local level: each state from the one before."""
    level, variance, levels = np.nan, 1.0, []
    for value in panel["x"].to_numpy():
        if np.isnan(level):
            level = value
        elif not np.isnan(value):
            gain = (variance + 0.05) / (variance + 0.05 + 0.5)
            level, variance = level + gain * (value - level), (1 - gain) * (variance + 0.05)
        levels.append(level)
    return on(panel["x"] > pd.Series(levels, panel.index))


@animal(x="lease")
def filtered_regimes(panel):
    """The forward half of forward-backward."""
    state, share = np.array([0.5, 0.5]), []
    for change in panel["x"].diff().fillna(0):
        likelihood = np.exp(-0.5 * ((change - np.array([-0.2, 0.2])) / 0.3) ** 2) + 1e-300
        state = (state @ np.array([[0.9, 0.1], [0.1, 0.9]])) * likelihood
        state = state / state.sum()
        share.append(state[1])
    return pd.Series(share, panel.index)


@animal(x="lease")
def refitted_each_year(panel):
    """Labels reach one bar ahead, but only pairs whose label is known are fitted."""
    x = panel["x"].to_numpy()
    change = np.diff(x)
    weights = np.full(len(x), np.nan)
    coefficients = None
    for t in range(36, len(x)):
        if coefficients is None or t % 12 == 0:
            coefficients = np.polyfit(x[: t - 1], change[: t - 1], 1)
        weights[t] = float(np.polyval(coefficients, x[t]) > 0)
    return pd.Series(weights, panel.index)


@animal(x="lease")
def labels_by_shift_then_cut(panel):
    """Uses shift(-1) for training labels and drops the row whose label is not known yet."""
    x = panel["x"]
    table = pd.DataFrame({"x": x, "label": x.diff().shift(-1)})
    weights = pd.Series(np.nan, panel.index)
    for t in range(48, len(x), 6):
        past = table.iloc[:t].dropna()
        slope = np.polyfit(past["x"], past["label"], 1)[0]
        weights.iloc[t] = float(slope < 0)
    return weights


@animal(price="gold_price")
def momentum(panel):
    price = panel["price"]
    return on(price > price.shift(12)).where(price.shift(12).notna())


@animal(price="gold_price")
def volatility_target(panel):
    returns = np.log(panel["price"]).diff()
    volatility = returns.rolling(12).std() * np.sqrt(12)
    return (0.10 / volatility).clip(0, 1)


@animal(price="gold_price")
def normalised_by_the_first_price(panel):
    price = panel["price"]
    path = price / price.dropna().iloc[0] if price.notna().any() else price
    return on(path > path.expanding().mean())


@animal(price="gold_price")
def drawdown_from_the_high_so_far(panel):
    price = panel["price"]
    return on(price / price.cummax() < 0.9)


@animal(price="gold_price")
def three_lag_difference_by_numpy(panel):
    values = panel["price"].ffill().to_numpy()
    weights = np.full(len(values), np.nan)
    weights[3:] = values[3:] > values[:-3]
    return pd.Series(weights, panel.index)


@animal(price="gold_price")
def causal_convolution(panel):
    values = panel["price"].ffill().fillna(0.0).to_numpy()
    smooth = np.convolve(values, np.hanning(13)[1:] / np.hanning(13).sum())[: len(values)]
    return pd.Series((values > smooth).astype(float), panel.index)


@animal(price="gold_price")
def causal_fourier_convolution(panel):
    """By fast Fourier transform: the future enters only below the fifteenth digit."""
    values = np.log(panel["price"].ffill().fillna(400.0).to_numpy())
    n = 2 * len(values)
    smooth = np.fft.irfft(np.fft.rfft(values, n) * np.fft.rfft(np.ones(10) / 10, n), n)[: len(values)]
    return pd.Series(np.tanh(5 * (values - smooth)) / 2 + 0.5, panel.index)


@animal(price="gold_price")
def reversed_twice(panel):
    price = panel["price"][::-1]
    return on(price[::-1].diff() > 0)


@animal(price="gold_price")
def high_price_level(panel):
    """Hangs on the unit, which is worth a note and no accusation."""
    return on(panel["price"] > 450)


@animal(price="gold_price")
def two_equal_averages(panel):
    """Compares sums that are equal up to rounding: the last digit may break the tie either way."""
    price = panel["price"].fillna(0.0)
    return on(price.rolling(3).sum() / 3 >= price.rolling(3).mean())


@animal(x="stock")
def gaps_carried_forward(panel):
    return on(panel["x"].ffill() > 300)


@animal(x="stock")
def gaps_interpolated_by_the_past(panel):
    x = panel["x"]
    step = x.diff().ffill()
    return on(x.fillna(x.ffill() + step) > 300)


@animal(x="stock")
def only_known_rows(panel):
    known = panel["x"].dropna()
    score = (known - known.rolling(12).mean()) / known.rolling(12).std()
    return on(score.reindex(panel.index).ffill() > 0)


@animal(x="flow")
def surprise_in_native_quarters(panel):
    surprise = panel.each_release("x", lambda history: history.iloc[-1] - history.iloc[-9:-1].mean())
    known = panel.asof(surprise)
    return on(known > 0).where(known.notna())


@animal(x="flow")
def revisions_used_when_known(panel):
    native = panel.native("x")
    return on(panel.asof(native.rolling(4).mean()) > 50)


@animal(x="flow")
def vintages_by_hand(panel):
    """At each decision the newest vintage known then."""
    table, weights = panel.observations("x"), []
    for number, moment in enumerate(panel.decision_times):
        if number % 6:
            weights.append(np.nan)
            continue
        known = table[table["known_at"] <= moment].drop_duplicates("observed_for", keep="last")
        weights.append(float(known["value"].tail(4).mean() > 50) if len(known) >= 4 else np.nan)
    return pd.Series(weights, panel.index)


@animal(x="flow")
def quarters_resampled_and_used_later(panel):
    quarters = panel["x"].resample("QE").last()
    return on(quarters.reindex(panel.index, method="ffill") > 50)


@animal(x="lease")
def seasonal(panel):
    return pd.Series(panel.index.month.map(_MONTHS), panel.index).fillna(0.0)


@animal(x="lease")
def every_fifth_month(panel):
    return pd.Series((np.arange(len(panel.index)) % 5 == 0).astype(float), panel.index)


@animal(x="lease")
def same_month_of_the_years_before(panel):
    change = panel["x"].diff()
    mean = change.groupby(change.index.month).transform(lambda values: values.expanding().mean().shift(1))
    return on(mean > 0)


@animal(x="lease")
def year_to_date(panel):
    x = panel["x"]
    return on(x > x.groupby(x.index.year).transform("first"))


@animal(x="lease")
def calls_before_are_remembered_and_do_not_matter(panel):
    _MEMO[len(_MEMO)] = panel["x"].iloc[-1]
    return on(panel["x"] > 1)


@functools.cache
def _weights_of(length):
    return tuple(np.hanning(length + 2)[1:-1])


@animal(x="lease")
def cached_coefficients(panel):
    kernel = np.array(_weights_of(9))
    return on(panel["x"].rolling(9).apply(lambda window: window @ kernel / kernel.sum(), raw=True) < panel["x"])


@animal(x="lease")
def cache_keyed_by_the_data(panel):
    values = panel["x"].to_numpy()
    key = values.tobytes()
    if key not in _MEMO:
        _MEMO[key] = pd.Series(values).expanding().median().to_numpy()
    return pd.Series((values > _MEMO[key]).astype(float), panel.index)


@animal(x="lease")
def seeded_noise(panel):
    noise = np.random.default_rng(11).normal(0, 0.1, len(panel.index))
    return on(panel["x"] + noise > 1)


@animal(x="lease")
def seeded_bootstrap(panel):
    x, weights = panel["x"].to_numpy(), []
    for t in range(len(x)):
        draws = np.random.default_rng(t).choice(x[: t + 1], 50)
        weights.append(float(x[t] > np.quantile(draws, 0.8)))
    return pd.Series(weights, panel.index)


@animal(x="lease")
def globally_seeded(panel):
    np.random.seed(4)  # noqa: NPY002
    return pd.Series(np.random.rand(len(panel.index)), panel.index)  # noqa: NPY002


@animal(x="lease")
def refuses_a_short_history(panel):
    if len(panel.index) < 90:
        raise StrategyError("refuses_a_short_history: needs 90 months; use a longer history")
    x = panel["x"]
    return on(x > x.rolling(60, min_periods=12).median())


@animal(x="lease")
def times_itself_and_warns(panel):
    began = time.perf_counter()
    weights = on(panel["x"].diff() > 0)
    warnings.warn("nothing to see here", stacklevel=2)
    print(f"took {time.perf_counter() - began:.3f} s at {time.time():.0f}")
    return weights


@animal(x="lease")
def imports_late(panel):
    import xml.dom.minidom

    from scipy.stats import norm

    assert xml.dom.minidom
    x = panel["x"]
    score = (x - x.expanding(12).mean()) / x.expanding(12).std()
    return pd.Series(norm.cdf(score), panel.index)


@animal(x="lease")
def small_table_in_the_module(panel):
    step = np.digitize(panel["x"].fillna(0.0), [0.5, 1.0, 2.0, 4.0])
    return pd.Series(_TABLE.to_numpy()[step], panel.index)


@animal(x="lease")
def regime_since_a_date(panel):
    """A date in the rule, but the data still decide."""
    x = panel["x"]
    return on(x > x.shift(1)).where(panel.index >= "2007-06-30", 0.0)


@animal(metals=("gold", "silver"), gold="gold_price", silver="silver_price")
def ratio_of_both_metals(panel):
    ratio = panel["gold"] / panel["silver"]
    return on(ratio > ratio.rolling(24).mean())


@animal(x="lease")
def position_in_a_loop_with_a_stop(panel):
    x, held, entry, weights = panel["x"].to_numpy(), 0.0, np.nan, []
    for t in range(len(x)):
        if held and x[t] < 0.8 * entry:
            held = 0.0
        elif not held and t >= 3 and x[t] > x[t - 3]:
            held, entry = 1.0, x[t]
        weights.append(held)
    return pd.Series(weights, panel.index)


@animal(price="gold_price", pack="daily")
def last_trading_day_of_the_month(panel):
    """The calendar of the exchange is public: which day ends a month is no secret."""
    dates = panel.index.to_series()
    last = dates.groupby(panel.index.to_period("M")).transform("max") == dates
    price = panel["price"]
    return on(price > price.rolling(20).mean()).where(last)


@animal(price="gold_price", pack="daily")
def turn_of_the_month(panel):
    dates = panel.index.to_series()
    from_end = dates.groupby(panel.index.to_period("M")).cumcount(ascending=False)
    from_start = dates.groupby(panel.index.to_period("M")).cumcount()
    return on((from_end < 2) | (from_start < 3))


@animal(price="gold_price", pack="daily")
def mondays_only(panel):
    return pd.Series((panel.index.dayofweek == 0).astype(float), panel.index)


@animal(price="gold_price", report="report", pack="daily")
def weekly_report_when_published(panel):
    change = panel.asof(panel.native("report").diff())
    return on(change > 0).where(change.notna())


@animal(price="gold_price", pack="daily")
def weeks_closed_before_use(panel):
    weeks = panel["price"].resample("W-FRI").last()
    mean = weeks.rolling(10).mean().reindex(panel.index, method="ffill")
    return on(panel["price"] > mean)


@animal(price="gold_price", pack="daily")
def last_day_of_the_week(panel):
    """Which day ends a week is public too, although the index shows it only a day later."""
    week = panel.index.isocalendar().week.to_numpy()
    last = np.append(week[1:] != week[:-1], True)
    return on(panel["price"] > panel["price"].shift(20)).where(last)


@animal(x="lease")
def holidays_of_the_calendar(panel):
    """Imports a library that looks around in folders while it is imported."""
    import holidays

    known = holidays.country_holidays("US", years=range(2005, 2021))
    return pd.Series([float(date.month in (1, 9) or date.date() in known) for date in panel.index], panel.index)


@animal(x="lease")
def sliding_windows_that_need_sixty_bars(panel):
    """Crashes on a history that is shorter than its window, before which it never decided."""
    x = panel["x"].to_numpy()
    means = np.lib.stride_tricks.sliding_window_view(x, 60).mean(axis=1)
    weights = np.full(len(x), np.nan)
    weights[59:] = x[59:] > means
    return pd.Series(weights, panel.index)
