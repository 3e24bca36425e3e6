"""How users of the usual libraries err: fitted pipelines, filters both ways, joins, windows of SQL, labels, screens."""

import functools
import sqlite3

import numpy as np
import pandas as pd
from scipy import signal, stats

from tests.zoo import animal


def on(condition):
    return condition.astype(float)


@animal("whole sample", x="lease")
def scaled_by_a_library(panel):
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(panel["x"].to_frame().bfill())
    return pd.Series((scaled[:, 0] > 0.3).astype(float), panel.index)


@animal("whole sample", x="lease")
def pipeline_fitted_on_all_labels(panel):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x = panel["x"]
    table = pd.DataFrame({"x": x, "change": x.diff(), "label": x.shift(-1) > x}).dropna()
    if table["label"].nunique() < 2:
        return pd.Series(0.0, panel.index)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(table[["x", "change"]], table["label"])
    chance = pd.Series(model.predict_proba(table[["x", "change"]])[:, 1], table.index)
    return chance.reindex(panel.index)


@animal("whole sample", x="lease")
def trained_on_a_shuffled_part(panel):
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import train_test_split

    x = panel["x"]
    table = pd.DataFrame({"x": x, "y": x.diff().shift(-1)}).dropna()
    train, _ = train_test_split(table, test_size=0.5, random_state=0)
    model = Ridge().fit(train[["x"]], train["y"])
    return pd.Series(model.predict(x.to_frame("x").fillna(0.0)) > 0, panel.index).astype(float)


@animal("whole sample", x="lease")
def states_by_a_mixture_of_all(panel):
    from sklearn.mixture import GaussianMixture

    change = panel["x"].diff().fillna(0.0).to_frame().to_numpy()
    model = GaussianMixture(2, random_state=0, means_init=[[-0.3], [0.3]]).fit(change)
    return pd.Series(model.predict_proba(change)[:, 1], panel.index)


@animal("whole sample", x="stock")
def holes_filled_with_the_mean(panel):
    x = panel["x"]
    return on(x.fillna(x.mean()) > 300)


@animal("whole sample", x="lease")
def standardised_by_scipy(panel):
    return pd.Series((stats.zscore(panel["x"].to_numpy()) > 0).astype(float), panel.index)


@animal("whole sample", x="lease")
def clipped_at_quantiles_of_all(panel):
    x = panel["x"]
    return (x.clip(x.quantile(0.05), x.quantile(0.95)) / 20).clip(0, 1)


@animal("whole sample", price="gold_price")
def best_threshold_of_all_years(panel):
    returns = np.log(panel["price"]).diff()
    following = returns.shift(-1)
    best = max((-0.02, 0.0, 0.02), key=lambda level: following[returns > level].sum())
    return on(returns > best)


@animal("whole sample", price="gold_price")
def best_lookback_of_all_years(panel):
    price = panel["price"]
    returns = price.pct_change().shift(-1)
    best = max(range(2, 13), key=lambda n: (returns * (price > price.shift(n))).sum())
    return on(price > price.shift(best))


@animal("whole sample", gold="gold_price", silver="silver_price")
def hedge_ratio_of_all_years(panel):
    both = np.log(pd.DataFrame({"gold": panel["gold"], "silver": panel["silver"]})).dropna()
    slope, level = np.polyfit(both["silver"], both["gold"], 1)
    return on(both["gold"] > level + slope * both["silver"]).reindex(panel.index)


@animal("whole sample", x="lease")
def first_seven_tenths_as_training(panel):
    x = panel["x"]
    return on(x > x.iloc[: int(0.7 * len(x))].median())


@animal("whole sample", x="stock")
def screened_by_coverage(panel):
    """Trades only what turned out to have few holes."""
    x = panel["x"]
    full = x.notna().sum() > 100
    return on(x > x.rolling(6, min_periods=1).mean()) * float(full)


@animal("whole sample", x="lease")
def rebased_to_the_end(panel):
    x = panel["x"]
    return (x / x.iloc[-1]).clip(0, 1)


@animal("whole sample", x="lease")
def seasonal_means_of_all_years(panel):
    change = panel["x"].diff()
    return on(change.groupby(change.index.month).transform("mean") > 0)


@animal("later bars", x="lease")
def most_likely_path(panel):
    """Viterbi: the states that explain the whole sample best."""
    x = panel["x"].diff().fillna(0).to_numpy()
    score = np.column_stack([-0.5 * ((x - mean) / 0.3) ** 2 for mean in (-0.2, 0.2)])
    move = np.log([[0.9, 0.1], [0.1, 0.9]])
    back = np.zeros(score.shape, dtype=int)
    for t in range(1, len(x)):
        ways = score[t - 1][:, None] + move
        back[t] = ways.argmax(axis=0)
        score[t] += ways.max(axis=0)
    state = [int(score[-1].argmax())]
    for t in range(len(x) - 1, 0, -1):
        state.append(int(back[t, state[-1]]))
    return pd.Series(np.array(state[::-1], dtype=float), panel.index)


@animal("later bars", x="lease")
def filtered_forth_and_back(panel):
    x = panel["x"].to_numpy()
    b, a = signal.butter(2, 0.2)
    return pd.Series((x > signal.filtfilt(b, a, x)).astype(float), panel.index)


@animal("later bars", x="lease")
def polynomial_smoother(panel):
    x = panel["x"].to_numpy()
    return pd.Series((x > signal.savgol_filter(x, 9, 2)).astype(float), panel.index)


@animal("later bars", x="lease")
def turning_points_of_a_library(panel):
    x = panel["x"].to_numpy()
    weights = np.full(len(x), np.nan)
    weights[signal.argrelextrema(x, np.less, order=3)[0]] = 1.0
    weights[signal.argrelextrema(x, np.greater, order=3)[0]] = 0.0
    return pd.Series(weights, panel.index)


@animal("later bars", x="lease")
def barriers_hit_later(panel):
    """The label of the triple barrier, used as if it were known when the trade begins."""
    x = panel["x"].to_numpy()
    weights = np.zeros(len(x))
    for t in range(len(x)):
        for ahead in x[t + 1 : t + 7]:
            if abs(ahead - x[t]) > 0.6:
                weights[t] = float(ahead > x[t])
                break
    return pd.Series(weights, panel.index)


@animal("later bars", price="gold_price")
def two_bars_of_delay_undone(panel):
    price = panel["price"]
    return on(price > price.rolling(4).mean()).shift(-2)


@animal("later bars", x="lease")
def centred_by_hand(panel):
    x = panel["x"]
    return on(x > x.rolling(9).mean().shift(-4).fillna(0.0))


@animal("later bars", x="stock")
def rows_dropped_and_set_from_the_start(panel):
    """Values without the holes, put on the calendar from its first bar: after a hole they come too early."""
    known = panel["x"].dropna().to_numpy()
    weights = np.full(len(panel.index), np.nan)
    weights[: len(known)] = known > 300
    return pd.Series(weights, panel.index)


@animal("later bars", x="flow")
def joined_to_the_nearest_release(panel):
    times = pd.DataFrame({"t": panel.decision_times.to_numpy()})
    releases = panel.native("x").rename_axis("t").reset_index(name="value")
    releases["t"] = releases["t"].astype(times["t"].dtype)
    joined = pd.merge_asof(times, releases, on="t", direction="nearest")
    return pd.Series((joined["value"] > 50).astype(float).to_numpy(), panel.index)


@animal("next bar", x="lease")
def lead_in_sql(panel):
    rows = panel["x"].reset_index(drop=True).to_frame("x").reset_index()
    with sqlite3.connect(":memory:") as base:
        rows.to_sql("t", base, index=False)
        ahead = pd.read_sql('select lead(x) over (order by "index") as y from t order by "index"', base)["y"]
    return pd.Series((ahead.to_numpy(dtype=float) > rows["x"].to_numpy()).astype(float), panel.index)


@animal("next bar", x="lease")
def rolled_the_wrong_way(panel):
    x = panel["x"].to_numpy()
    ahead = np.roll(x, -1)
    ahead[-1] = x[-1]
    return pd.Series((ahead > x).astype(float), panel.index)


@animal("next bar", x="lease")
def central_difference(panel):
    return pd.Series((np.gradient(panel["x"].to_numpy()) > 0).astype(float), panel.index)


@animal("next bar", price="gold_price")
def differences_one_place_off(panel):
    price = panel["price"].to_numpy()
    return pd.Series((np.append(np.diff(price), 0.0) > 0).astype(float), panel.index)


@animal("next bar", price="gold_price", pack="daily")
def crash_of_tomorrow_avoided(panel):
    """Holds always, but not on the eve of the worst days so far."""
    returns = panel["price"].pct_change()
    worst = returns.expanding(60).quantile(0.02).shift(1)
    return on(~(returns.shift(-1) < worst))


@animal("period start", price="gold_price", pack="daily")
def weeks_labelled_on_the_left(panel):
    weeks = panel["price"].resample("W-MON", closed="left", label="left").last()
    return on(weeks.reindex(panel.index, method="ffill") > panel["price"])


@animal("period start", price="gold_price", pack="daily")
def months_dated_by_their_first_day(panel):
    months = panel["price"].resample("MS").last()
    return on(months.reindex(panel.index, method="ffill") > panel["price"])


@animal("period start", x="lease")
def rank_within_the_year(panel):
    x = panel["x"]
    return x.groupby(x.index.year).rank(pct=True)


@animal("period start", x="lease")
def highest_of_the_quarter(panel):
    x = panel["x"]
    return on(x >= x.groupby(x.index.to_period("Q")).transform("max"))


@animal("filled hole", x="lease")
def warm_up_filled_backwards(panel):
    mean = panel["x"].rolling(24).mean().bfill()
    return on(panel["x"] > mean)


@animal("filled hole", x="stock")
def spline_through_the_hole(panel):
    x = panel["x"]
    known = x.dropna()
    places = np.arange(len(x))
    filled = pd.Series(np.interp(places, places[x.notna()], known.to_numpy()), x.index) if len(known) else x
    return on(filled > filled.shift(1))


@animal("period dates", x="flow")
def lag_assumed_too_short(panel):
    """Thirty days after the quarter, where the truth is forty-five."""
    table = panel.observations("x").drop_duplicates("observed_for")
    dated = pd.Series(table["value"].to_numpy(), table["observed_for"] + pd.Timedelta("30D"))
    return on(dated.reindex(panel.index, method="ffill") > 50)


@animal("period dates", x="flow")
def joined_by_period(panel):
    bars = pd.DataFrame({"t": panel.index})
    table = panel.observations("x").drop_duplicates("observed_for")[["observed_for", "value"]]
    joined = pd.merge_asof(bars, table, left_on="t", right_on="observed_for")
    return pd.Series((joined["value"] > 50).astype(float).to_numpy(), panel.index)


@animal("newest vintage", x="flow")
def mean_of_all_vintages(panel):
    table = panel.observations("x")
    mean = table.groupby("observed_for")["value"].mean()
    first = table.groupby("observed_for")["known_at"].first()
    return on(panel.asof(pd.Series(mean.to_numpy(), pd.DatetimeIndex(first), name="flow")) > 50)


@animal("end of sample", x="lease")
def ramp_to_the_last_bar(panel):
    return pd.Series(np.linspace(0, 1, len(panel.index)), panel.index)


@animal("end of sample", x="lease")
def folds_of_the_sample(panel):
    """Five folds of equal length, of which the even ones are traded."""
    fold = np.arange(len(panel.index)) * 5 // len(panel.index)
    return pd.Series((fold % 2 == 0).astype(float), panel.index)


@functools.lru_cache
def _level(metal):
    return _LATEST[metal].quantile(0.7)


_LATEST = {}


@animal("state", metals=("gold", "silver"), x="{metal}_price")
def cache_by_metal_alone(panel):
    _LATEST.setdefault(panel.metal, panel["x"])
    return on(panel["x"] > _level(panel.metal))


@animal("hash_seed", x="lease")
def seeded_by_a_name(panel):
    random = np.random.default_rng(abs(hash("silver")) % 2**32)
    return pd.Series(random.integers(0, 2, 5000)[: len(panel.index)].astype(float), panel.index)


@animal("hash_seed", x="lease")
def first_of_a_set(panel):
    names = {"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"}
    window = {name: 2 + number for number, name in enumerate(sorted(names))}[next(iter(names))]
    x = panel["x"]
    return on(x > x.rolling(window, min_periods=1).mean())
