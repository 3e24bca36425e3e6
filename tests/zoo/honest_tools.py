"""The same libraries and idioms, used without looking ahead."""

import dataclasses
import functools
import math
import sqlite3

import numpy as np
import pandas as pd
from scipy import signal

from tests.zoo import animal

MEETINGS = pd.DatetimeIndex([f"2014-{month:02}-28" for month in range(1, 13)]).shift(3, freq="D")
SCHEDULE = [f"{year}-{month:02}" for year in range(2005, 2020) for month in (1, 3, 5, 7, 9, 11)]
GOLDEN = (1 + math.sqrt(5)) / 2


@dataclasses.dataclass(frozen=True)
class Settings:
    window: int = 9
    level: float = 1.0


SETTINGS = Settings()


def on(condition):
    return condition.astype(float)


@animal(x="lease")
def scaler_refitted_each_year(panel):
    from sklearn.preprocessing import StandardScaler

    x, weights = panel["x"].to_numpy(), np.full(len(panel.index), np.nan)
    for t in range(24, len(x)):
        if t % 12 == 0:
            scaler = StandardScaler().fit(x[: t + 1, None])
            weights[t] = float(scaler.transform(x[t : t + 1, None])[0, 0] > 0)
    return pd.Series(weights, panel.index)


@animal(x="lease")
def trained_on_labels_that_are_known(panel):
    from sklearn.linear_model import Ridge

    x = panel["x"].to_numpy()
    label = np.append(np.diff(x), np.nan)
    weights = np.full(len(x), np.nan)
    for t in range(36, len(x), 6):
        weights[t] = float(Ridge().fit(x[:t, None], label[:t]).predict(x[t : t + 1, None])[0] > 0)
    return pd.Series(weights, panel.index)


@animal(x="lease")
def filtered_forth_only(panel):
    x = panel["x"].to_numpy()
    b, a = signal.butter(2, 0.2)
    return pd.Series((x > signal.lfilter(b, a, x)).astype(float), panel.index)


@animal(x="lease")
def polynomial_through_the_past(panel):
    fit = panel["x"].rolling(9).apply(lambda w: np.polyval(np.polyfit(np.arange(9), w, 2), 8), raw=True)
    return on(panel["x"] > fit)


@animal(x="lease")
def turning_points_when_confirmed(panel):
    x = panel["x"]
    low = (x.shift(2) < x.shift(1)) & (x.shift(2) < x) & (x.shift(2) < x.shift(3)) & (x.shift(2) < x.shift(4))
    return pd.Series(np.where(low, 1.0, np.nan), panel.index)


@animal(x="lease")
def lag_in_sql(panel):
    rows = panel["x"].reset_index(drop=True).to_frame("x").reset_index()
    with sqlite3.connect(":memory:") as base:
        rows.to_sql("t", base, index=False)
        before = pd.read_sql('select lag(x) over (order by "index") as y from t order by "index"', base)["y"]
    return pd.Series((before.to_numpy(dtype=float) < rows["x"].to_numpy()).astype(float), panel.index)


@animal(x="lease")
def rolled_the_right_way(panel):
    x = panel["x"].to_numpy()
    before = np.roll(x, 1)
    before[0] = np.nan
    return pd.Series((before < x).astype(float), panel.index)


@animal(x="flow")
def joined_to_the_last_release(panel):
    times = pd.DataFrame({"t": panel.decision_times.to_numpy()})
    releases = panel.native("x").rename_axis("t").reset_index(name="value")
    releases["t"] = releases["t"].astype(times["t"].dtype)
    joined = pd.merge_asof(times, releases, on="t")
    return pd.Series((joined["value"] > 50).astype(float).to_numpy(), panel.index)


@animal(x="flow")
def lag_assumed_long_enough(panel):
    table = panel.observations("x").drop_duplicates("observed_for")
    dated = pd.Series(table["value"].to_numpy(), table["observed_for"] + pd.Timedelta("60D"))
    return on(dated.reindex(panel.index, method="ffill") > 50)


@animal(price="gold_price")
def best_lookback_so_far(panel):
    price = panel["price"]
    earned = {n: (price.pct_change() * (price > price.shift(n)).shift(1)).cumsum() for n in range(2, 13)}
    best = pd.DataFrame(earned).fillna(0.0).idxmax(axis=1)
    held = {n: on(price > price.shift(n)) for n in earned}
    return pd.Series([held[n].loc[day] for day, n in best.items()], panel.index)


@animal(price="gold_price")
def breakout(panel):
    price = panel["price"]
    weights = pd.Series(np.nan, panel.index)
    weights[price > price.rolling(12).max().shift(1)] = 1.0
    weights[price < price.rolling(6).min().shift(1)] = 0.0
    return weights


@animal(price="gold_price")
def highest_of_the_year_so_far(panel):
    price = panel["price"]
    return on(price >= price.groupby(price.index.year).cummax())


@animal(x="stock")
def coverage_so_far(panel):
    x = panel["x"]
    return on(x.ffill() > 300).where(x.notna().expanding().mean() > 0.9, 0.0)


@animal(x="lease")
def fractional_difference(panel):
    weights = [1.0]
    for k in range(1, 20):
        weights.append(-weights[-1] * (0.4 - k + 1) / k)
    x = panel["x"].to_numpy()
    return pd.Series((np.convolve(x, weights)[: len(x)] > 0.5).astype(float), panel.index)


@animal(x="lease")
def online_gradient(panel):
    x, slope, weights = panel["x"].to_numpy(), 0.0, []
    for t in range(len(x)):
        if t:
            slope += 0.01 * (x[t] - x[t - 1] - slope * x[t - 1])
        weights.append(float(slope * x[t] < 0))
    return pd.Series(weights, panel.index)


@animal(x="lease")
def column_called_today(panel):
    table = panel["x"].to_frame("today")
    table["yesterday"] = table["today"].shift(1)
    table["at"] = [pd.Timestamp(day) for day in panel.index]
    return on(table["today"] > table["yesterday"])


@animal(x="lease")
def meetings_of_one_year(panel):
    """Twelve dates that were published beforehand, kept as an index of dates."""
    x = panel["x"]
    return on(x > x.shift(1)).where(~panel.index.isin(MEETINGS.to_period("M").to_timestamp("M").normalize()), 0.5)


@animal(x="lease")
def schedule_of_all_years(panel):
    x = panel["x"]
    return on(x > x.shift(3)).where(~panel.index.strftime("%Y-%m").isin(SCHEDULE), 0.0)


@animal(price="gold_price", pack="daily")
def listed_since(panel):
    price = panel["price"]
    return on(price > price.shift(20)).where(panel.index >= pd.Timestamp("2015-06-01"))


@animal(price="gold_price")
def rule_of_two_regimes(panel):
    """Before and after a reform, of which the date was announced."""
    price = panel["price"]
    slow, fast = on(price > price.shift(12)), on(price > price.shift(3))
    return slow.where(panel.index < "2012-01-01", fast)


@animal(x="lease")
def constants_made_by_arithmetic(panel):
    return on(panel["x"] > GOLDEN)


@animal(x="lease")
def settings_in_an_object(panel):
    x = panel["x"]
    return on(x > SETTINGS.level * x.rolling(SETTINGS.window).mean())


@animal(x="lease")
def set_in_order(panel):
    windows = sorted({3, 6, 9, 12})
    x = panel["x"]
    return sum(on(x > x.rolling(window).mean()) for window in windows) / len(windows)


@functools.lru_cache
def _weights(n):
    return tuple(np.exp(-np.arange(n) / 3))


@animal(x="lease", grid={"n": [4, 8, 12]})
def cache_keyed_by_its_argument(panel, n=8):
    weights = np.array(_weights(n))
    smooth = panel["x"].rolling(n).apply(lambda w: w[::-1] @ weights / weights.sum(), raw=True)
    return on(panel["x"] > smooth)


@animal(x="lease", grid={"level": [0.5, 1.0, 2.0]}, vectorised=("level",))
def many_levels_at_once(panel, level=1.0):
    return pd.DataFrame(panel["x"].to_numpy()[:, None] > np.atleast_1d(level), index=panel.index).astype(float)


@animal(metals=("gold", "silver"), x="{metal}_price")
def another_rule_for_each_metal(panel):
    window = {"gold": 6, "silver": 12}[panel.metal]
    return on(panel["x"] > panel["x"].rolling(window).mean())
