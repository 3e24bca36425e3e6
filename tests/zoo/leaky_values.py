"""Later values used at earlier bars."""

import numpy as np
import pandas as pd

from tests.zoo import animal


def on(condition):
    return condition.astype(float)


@animal("next bar", x="lease")
def next_value(panel):
    x = panel["x"]
    return on(x.shift(-1) > x)


@animal("next bar", x="lease")
def undone_delay(panel):
    x = panel["x"]
    return on(x > x.shift(1)).shift(-1)


@animal("next bar", x="lease")
def next_return_by_pct_change(panel):
    return on(panel["x"].pct_change(-1) < 0)


@animal("later bars", x="lease")
def centred_window(panel):
    x = panel["x"]
    return on(x > x.rolling(7, center=True, min_periods=1).mean())


@animal("later bars", x="lease")
def centred_by_convolution(panel):
    x = panel["x"].to_numpy()
    smooth = np.convolve(x, np.ones(5) / 5, mode="same")
    return pd.Series((x > smooth).astype(float), panel.index)


@animal("whole sample", x="lease")
def full_sample_zscore(panel):
    x = panel["x"]
    return on((x - x.mean()) / x.std() > 0.5)


@animal("whole sample", x="lease")
def full_sample_quantile(panel):
    x = panel["x"]
    return on(x > x.quantile(0.7))


@animal("whole sample", x="lease")
def full_sample_rank(panel):
    return panel["x"].rank(pct=True)


@animal("whole sample", x="lease")
def full_sample_min_max(panel):
    x = panel["x"]
    return (x - x.min()) / (x.max() - x.min())


@animal("whole sample", x="lease")
def full_sample_bins(panel):
    return on(pd.qcut(panel["x"], 4, labels=False) == 3)


@animal("whole sample", x="lease")
def distance_to_the_last_value(panel):
    x = panel["x"]
    return on(x < x.iloc[-1])


@animal("whole sample", x="lease")
def before_the_highest(panel):
    x = panel["x"]
    return pd.Series((panel.index < x.idxmax()).astype(float), panel.index)


@animal("later bars", x="lease")
def reversed_window(panel):
    x = panel["x"]
    return on(x < x[::-1].rolling(12, min_periods=1).mean()[::-1])


@animal("later bars", x="lease")
def smoothed_both_ways(panel):
    x = panel["x"]
    forward = x.ewm(halflife=3).mean()
    both = forward[::-1].ewm(halflife=3).mean()[::-1]
    return on(x > both)


@animal("whole sample", x="lease")
def fitted_on_all(panel):
    x = panel["x"]
    following = x.diff().shift(-1)
    pairs = pd.DataFrame({"x": x, "y": following}).dropna()
    slope, intercept = np.polyfit(pairs["x"], pairs["y"], 1)
    return on(intercept + slope * x > 0)


@animal("next bar", x="lease")
def label_as_a_feature(panel):
    x = panel["x"]
    table = pd.DataFrame({"past": x.diff(), "future": x.diff().shift(-1)})
    return on(table.mean(axis=1) > 0)


@animal("whole sample", x="lease")
def detrended_by_a_fit_on_all(panel):
    x = panel["x"].to_numpy()
    time = np.arange(len(x))
    return pd.Series((x > np.polyval(np.polyfit(time, x, 2), time)).astype(float), panel.index)


@animal("whole sample", x="lease")
def principal_component_of_all(panel):
    x = panel["x"]
    lags = pd.concat([x, x.shift(1), x.shift(2)], axis=1).bfill().to_numpy()
    lags = lags - lags.mean(axis=0)
    first = np.linalg.svd(lags, full_matrices=False)[2][0]
    return pd.Series((lags @ first * np.sign(first.sum()) > 0).astype(float), panel.index)


@animal("whole sample", x="lease")
def low_frequencies(panel):
    x = panel["x"].to_numpy()
    spectrum = np.fft.rfft(x)
    spectrum[8:] = 0
    return pd.Series((x > np.fft.irfft(spectrum, len(x))).astype(float), panel.index)


@animal("later bars", x="lease")
def smoothed_regimes(panel):
    """Two-state probabilities given the whole sample (forward-backward), parameters fixed."""
    x = panel["x"].diff().fillna(0).to_numpy()
    likelihood = np.column_stack([np.exp(-0.5 * ((x - m) / 0.3) ** 2) for m in (-0.2, 0.2)]) + 1e-300
    move = np.array([[0.9, 0.1], [0.1, 0.9]])
    forward, backward = np.ones_like(likelihood), np.ones_like(likelihood)
    for t in range(len(x)):
        before = forward[t - 1] @ move if t else np.array([0.5, 0.5])
        forward[t] = before * likelihood[t] / (before * likelihood[t]).sum()
    for t in range(len(x) - 2, -1, -1):
        backward[t] = move @ (likelihood[t + 1] * backward[t + 1])
        backward[t] /= backward[t].sum()
    smoothed = forward * backward
    return pd.Series((smoothed[:, 1] > smoothed[:, 0]).astype(float), panel.index)


@animal("later bars", x="lease")
def swing_points(panel):
    """Local lows confirmed by the two bars after them."""
    x = panel["x"]
    low = (x < x.shift(1)) & (x < x.shift(2)) & (x <= x.shift(-1)) & (x <= x.shift(-2))
    return on(low.where(low).ffill(limit=5).fillna(False).astype(bool))


@animal("next bar", x="lease")
def stopped_before_the_fall(panel):
    """An honest trend that leaves one bar before a deep fall."""
    x = panel["x"]
    trend = on(x > x.rolling(6, min_periods=1).mean())
    return trend.where(x.shift(-1) > 0.6 * x, 0.0)


@animal("next bar", metals=("gold", "silver"), other="silver_price", own="{metal}_price")
def peek_through_the_other_metal(panel):
    other = panel["other"]
    return on(other.shift(-1) > other)


@animal("whole sample", x="lease")
def volatility_of_all(panel):
    x = panel["x"]
    return (0.1 / x.pct_change().std() * on(x > x.shift(3))).clip(0, 1)


@animal("later bars", x="lease", grid={"smooth": [False, True]})
def leaky_at_another_point_of_the_grid(panel, smooth=False):
    x = panel["x"]
    return on(x > x.rolling(5, center=smooth, min_periods=1).mean())


@animal("end of sample", x="lease")
def ends_in_cash(panel):
    """Sells in the last year of the sample, whenever that is."""
    left = np.arange(len(panel.index))[::-1]
    return pd.Series((left >= 12).astype(float), panel.index)


@animal("end of sample", x="lease")
def shuffled_over_the_sample(panel):
    """Seeded, but the draw hangs on the number of bars."""
    random = np.random.default_rng(7)
    return pd.Series((random.permutation(len(panel.index)) % 2).astype(float), panel.index)
