"""Many values of a parameter at once decide what each would decide alone, to the last bit, or are not tried."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from research.many import FEWEST, Many, decide_together
from research.signals.series import hold_after
from research.thesis import hold_while
from research.weights import UNKNOWN

INDEX = pd.bdate_range("2001-01-01", periods=300)
RANDOM = np.random.default_rng(3)
x = pd.Series(RANDOM.normal(size=300), INDEX).where(RANDOM.random(300) > 0.1)
x.iloc[:7] = np.nan
y = pd.Series(RANDOM.normal(size=300).cumsum(), INDEX)
n = pd.Series(RANDOM.integers(-3, 4, 300), INDEX)
VALUES = [-2.0, -0.5, 0.0, 0.1, 0.3, 0.5, 1, 1.5, 2, 3.0, 1e300, -0.0]

TOGETHER = {
    "threshold": lambda t: (x > t).astype(float),
    "known": lambda t: (x > t).astype(float).where(x.notna()),
    "reflected": lambda t: (t >= x).astype("float64"),
    "three states": lambda t: (x > t).astype(float) - (x < -t).astype(float),
    "two series": lambda t: (x > t * y).astype(float).where(x.notna() & y.notna(), UNKNOWN),
    "whole numbers": lambda t: ((n > t) | (t == n)).astype(float),
    "a number of numbers": lambda t: (n + t).where(n > 0),
    "logic": lambda t: (~(x > t) & (y < t) | (x == t) ^ (y != t)).astype(float),
    "scaled": lambda t: (x / t - 1).clip(-1, 1),
    "a bound that varies": lambda t: (t * x).clip(lower=t) + (x - t).clip(upper=t),
    "bounds in the wrong order": lambda t: (t * x).clip(1.0, -1),
    "sqrt of a number": lambda t: np.sqrt(abs(t)) * x,
    "np.where": lambda t: np.where(x > t, 1.0, np.where(y > t, x, 0.0)) * (y > t),
    "np.maximum": lambda t: np.maximum(x * t, y) - np.minimum(y, t),
    "held": lambda t: (x > t).astype(float).where((x > t) | (x < 0)).ffill(),
    "shifted": lambda t: (x * t).shift(2) + (x > t).shift(1, fill_value=False),
    "filled": lambda t: (x * t).fillna(0.0).mask(y > t, 1.0) + (x > t).fillna(False),
    "extremes so far": lambda t: (x * t).cummax() + (x - t).cummin() + (x > t).cummax(),
    "sign": lambda t: np.sign(x - t).abs() + abs(x * t) + (x > t).isna() + (t * x).isna(),
    "hold_after": lambda t: hold_after(x > t, "20D"),
    "hold_while above": lambda t: hold_while(x, above=t, hold_days=9),
    "hold_while below": lambda t: hold_while(x - t, below=t),
    "the array": lambda t: pd.Series((x > t).to_numpy() * 1.0, INDEX),
    "np.where in a series": lambda t: pd.Series(
        np.where(x > t, 1.0, np.where(x < -1, 0.0, np.nan)), index=x.index
    ).ffill(),
    "np.where of values": lambda t: pd.Series(
        np.where(x.to_numpy() > t, 1, 0), index=INDEX, dtype=float, name="weight"
    ),
    "where of a series": lambda t: x.where(x > t, 0.0) + y.mask(y < t) + x.clip(lower=t) + x.fillna(t),
    "set": lambda t: _set(x, t),
    "set with loc": lambda t: _set_with_loc(x, t),
    "whole numbers of truths": lambda t: (x > t).astype(int) - (x < -t).astype("int64"),
    "truths of numbers": lambda t: (x * t).fillna(0.0).astype(bool).astype(float),
    "methods of operators": lambda t: (x.gt(t) & (x * t).le(y) | y.sub(t).eq(0)).astype(float).mul(0.5).add(t),
    "changes": lambda t: (x * t).diff() + (x - t).diff(3),
    "held for bars": lambda t: (x > t).astype(float).rolling(9, min_periods=1).max(),
    "held for days": lambda t: (x > t).rolling("20D").max(),
    "counted": lambda t: (x > t).rolling(5).sum() + (y > t).astype(int).rolling(7, min_periods=3).mean(),
    "all of a window": lambda t: (y > t).rolling(4).min(),
    "windows of numbers": lambda t: (x * t).rolling(5, min_periods=2).sum() + (x - t).rolling("9D").std(),
    "the same value": lambda t: (x > t).astype(float) if t is not None else x,
}
APART = {
    "a text": lambda t: (x > float(f"{t}")).astype(float),
    "a truth": lambda t: (x > t).astype(float) if t > 0.2 else -x,
    "a type": lambda t: (x > t).astype(float) if isinstance(t, float) else -(x > t).astype(float),
    "a truth caught": lambda t: _tried(lambda: (x > t).astype(float) * int(t)),
    "a lookup": lambda t: (x > {value: -value for value in VALUES}[t]).astype(float),
    "a window": lambda t: x.rolling(int(abs(t)) % 9 + 1).mean(),
    "another calendar": lambda t: (x > t).astype(float).reindex(INDEX[::-1])[::-1] + x.iloc[1:].reindex(INDEX) * t,
    "missing beside truths": lambda t: (x > t).where(y > 0).astype(float),
    "bounds that cross": lambda t: (t * x).clip(t, 1.0),
    "a power": lambda t: x**t,
    "a rest": lambda t: x % (abs(t) + 1) + x // (abs(t) + 1),
    "a sum": lambda t: x / (x > t).sum(),
    "one that decides nothing": lambda t: x,
    "dropped rows": lambda t: (x * t).dropna().reindex(INDEX),
    "another index": lambda t: pd.Series(np.where(x > t, 1.0, 0.0), index=INDEX[::-1])[::-1],
    "no index": lambda t: pd.Series(np.where(x > t, 1.0, 0.0)).set_axis(INDEX),
    "missing as whole numbers": lambda t: (x * t).where(y > 0, 1.0).round().fillna(0).astype(int),
    "set to a series": lambda t: _set_to(x, t, y),
    "set by place": lambda t: _set_to(x, t, y.to_numpy()),
    "a part": lambda t: pd.Series((x > t).to_numpy()[1:], INDEX[1:]).reindex(INDEX).astype(float),
}


def _tried(compute):
    try:
        return compute()
    except Exception:  # noqa: BLE001 - as an author may write
        return -x


def _set(series, t):
    weights = pd.Series(np.nan, index=series.index)
    weights[series > t] = 1.0
    return weights.ffill()


def _set_with_loc(series, t):
    weights = pd.Series(0.0, index=series.index)
    weights.loc[series > t] = t
    weights[series.isna()] = np.nan
    other = weights.copy()
    other[series < -t] = -1.0
    return weights.add(other)


def _set_to(series, t, values):
    weights = pd.Series(0.0, index=series.index)
    weights[series > t] = values
    return weights


def hold_while_for(t, d):
    return hold_while(x, above=t, hold_days=d)


def variants(**axes):
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def alone(rule, points):
    with np.errstate(all="ignore"):
        return np.array([pd.Series(rule(**point), INDEX).to_numpy(dtype=float) for point in points])


@pytest.mark.parametrize("name", TOGETHER)
def test_together_is_each_alone_to_the_last_bit(name):
    points = variants(t=VALUES)
    calls = []

    def ask(point):
        calls.append(point)
        return pd.Series(answer, INDEX) if isinstance(answer := TOGETHER[name](**point), np.ndarray) else answer

    with np.errstate(all="ignore"):
        found = decide_together(ask, points, INDEX)
    assert found is not None
    assert sum(isinstance(point["t"], Many) for point in calls) == 2
    assert len(calls) == 2 + 3  # tried, decided, and three alone
    assert found.tobytes() == alone(TOGETHER[name], points).tobytes()


@pytest.mark.parametrize("name", APART)
def test_what_is_asked_singly_is_not_guessed(name):
    with np.errstate(all="ignore"):
        assert decide_together(lambda point: APART[name](**point), variants(t=VALUES), INDEX) is None


def test_one_parameter_together_and_the_other_singly():
    def rule(window, t):
        return (x > t * x.rolling(f"{window}D", min_periods=1).mean()).astype(float)

    points = variants(t=VALUES[:6], window=[5, 10, 20])
    calls = []
    found = decide_together(lambda point: calls.append(point) or rule(**point), points, INDEX)
    assert found.tobytes() == alone(rule, points).tobytes()
    assert len(calls) == 1 + 1 + 3 + 3  # the window fails, the threshold passes, a call a window, three alone


def test_two_parameters_together_in_parts_that_the_cache_holds(monkeypatch):
    monkeypatch.setattr("research.many._NUMBERS_AT_ONCE", 10 * 300)
    points = variants(low=VALUES, high=VALUES)

    def rule(low, high):
        return (x > low).astype(float) - (x > high).astype(float)

    assert decide_together(lambda point: rule(**point), points, INDEX).tobytes() == alone(rule, points).tobytes()


@pytest.mark.parametrize(
    "held", [lambda t, d: hold_after(x > t, d if isinstance(d, Many) else f"{d}D"), hold_while_for]
)
def test_holds_of_many_lengths(held):
    points = variants(t=VALUES[:4], d=[3, 30, 300])
    calls = []
    found = decide_together(lambda point: calls.append(point) or held(**point), points, INDEX)
    assert found.tobytes() == alone(lambda t, d: held(t, d), points).tobytes()
    assert len(calls) == 2 + 1 + 3
    assert decide_together(lambda point: held(**point), variants(t=VALUES[:4], d=[0, 1, 2]), INDEX) is not None


def test_few_variants_and_words_are_left_alone():
    def never(point):
        raise AssertionError(point)

    assert decide_together(never, variants(t=VALUES[: FEWEST - 1]), INDEX) is None
    assert decide_together(never, variants(word=list("abcdefghijklmn")), INDEX) is None
    assert decide_together(never, variants(t=[*VALUES, None, True]), INDEX) is None


def test_another_thread_makes_series_of_its_own_meanwhile():
    def rule(t):
        with ThreadPoolExecutor(1) as pool:
            seen.append(pool.submit(pd.Series, 1.0, INDEX).result())
        return pd.Series(0.0, INDEX).mask(x > t, 1.0)

    seen = []
    assert decide_together(lambda point: rule(**point), variants(t=VALUES), INDEX) is not None
    assert all(type(series).__name__ == "Series" and series.sum() == len(INDEX) for series in seen)
