"""Transformations that look back only: each value uses rows at or before its own.

Series are indexed by date (the trading calendar) or by ``known_at`` (a native series); windows are
lengths of time, so that the same rule serves monthly and daily data.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.many import Many, series_of, values_of, whole_numbers
from research.memo import shared


@shared
def trailing_zscore(series: pd.Series, window: str, *, warm_up: str = "0D", min_observations: int = 12) -> pd.Series:
    """Standard score against the trailing window, the value itself included.

    ``z[t] = (x[t] - mean(x over window)) / std(x over window, ddof=1)``

    Parameters
    ----------
    series
        Any unit; the score has none. NaN rows are passed over.
    window
        Length of time, e.g. ``"1826D"``.
    warm_up
        Length of time since the first value before which the score is NaN: the same history is then asked of
        daily and of monthly data.
    min_observations
        Fewer rows in the window give NaN.

    Returns
    -------
    pd.Series
        Same index; NaN during warm-up and where nothing varied.
    """
    rolling = series.rolling(window, min_periods=min_observations)
    values, mean, deviation = (one.to_numpy(dtype=float) for one in (series, rolling.mean(), rolling.std(ddof=1)))
    varied = deviation > 1e-12 * np.fmax.accumulate(np.abs(values))
    since_first = pd.DatetimeIndex(series.index) - series.index[~np.isnan(values)].min()
    told = varied & (since_first >= pd.Timedelta(warm_up))
    score = np.divide(values - mean, deviation, out=np.full(len(values), np.nan), where=told)
    return pd.Series(score, series.index, name=series.name)


@shared
def drawdown_from_high(series: pd.Series, window: str, *, min_observations: int = 2) -> pd.Series:
    """Fall from the trailing high, ``1 - x[t] / max(x over window)``, a fraction from 0 to 1.

    Parameters
    ----------
    series
        By known_at.
    window
        Time over which the high is taken.
    min_observations
        Fewest for which there is a value.
    """
    return 1 - series / series.rolling(window, min_periods=min_observations).max()


@shared
def value_before(series: pd.Series, length: str) -> pd.Series:
    """Last value at least ``length`` of time before each row: ``x[max(s : s <= t - length)]``; NaN at the start.

    Parameters
    ----------
    series
        Indexed by date, sorted; a NaN is passed over.
    """
    known = series.dropna()
    dates = pd.DatetimeIndex(known.index)
    row = dates.searchsorted(pd.DatetimeIndex(series.index) - pd.Timedelta(length), side="right") - 1
    values = np.append(known.to_numpy(dtype=float), np.nan)  # row -1: nothing yet
    return pd.Series(values[row], index=series.index, name=series.name)


def latest_surprise(history: pd.Series, *, n_previous: int, min_previous: int, max_gap: str) -> float:
    """Newest value less the mean of the values before it, in the unit of the series.

    ``x[n] - mean(x[n-k], …, x[n-1])``, ``k <= n_previous``, from periods within ``max_gap`` of the newest;
    NaN when fewer than ``min_previous`` are on record.

    Parameters
    ----------
    history
        The series by period, as it stood at one release.
    n_previous
        Earlier periods that it is compared with.
    """
    newest = history.index[-1]
    first = max(int(history.index.searchsorted(newest - pd.Timedelta(max_gap))), len(history) - 1 - n_previous)
    recent = history.to_numpy()[first:-1]
    return float(history.iloc[-1] - np.nanmean(recent)) if len(recent) >= min_previous else float("nan")


def hold_after(event: pd.Series, length: str | Many) -> pd.Series:
    """1 from each event until ``length`` of time after the last one, else 0.

    Parameters
    ----------
    event
        Booleans on a date index, sorted.
    length
        Length of time, e.g. ``"183D"``, or many numbers of days; an event at ``t`` holds while ``date < t + length``.
    """
    known = event if event.dtype == bool else event.fillna(False).astype(bool)
    index = pd.DatetimeIndex(event.index)
    one = pd.Timedelta("1D" if isinstance(length, Many) else length).as_unit(index.unit).to_timedelta64().astype(int)
    span = one * whole_numbers(length) if isinstance(length, Many) else one
    dates = index.asi8
    happened = np.where(values_of(known), dates, dates[:1] - span)  # before the first: just over
    return series_of((dates - np.maximum.accumulate(happened, axis=-1) < span).astype(float), event)
