"""What is wrong with a price series: spikes undone, frozen runs, splits and gaps, each with its dates.

A pure look at the values, after they are loaded and before anybody believes a verdict on them. Nothing is repaired: a
true price can look like this (a price limit, a holiday, a fixed official price), so each finding names its dates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from research.datasets.dataset import Dataset
from research.datasets.market import newest_vintage
from research.datasets.plausibility import Subject

SPIKE_SIGMAS = 6.0
"""A spike is a move of this many robust standard deviations, nearly all of it undone by the next bar."""

SPIKE_LEAST = 0.05
SPIKE_LEFT = 0.2
FROZEN_BARS = {"day": 5, "week": 4, "month": 3}
SPLIT_RATIOS = (2, 3, 4, 5, 10, 20, 100)
SPLIT_FIT = 0.06
SPLIT_SIGMAS = 15.0
GAP_DAYS = {"day": 7, "week": 15, "month": 45, "quarter": 135, "year": 550}
_WINDOW = 251
_NEVER = 100_000

_Run = tuple[pd.Timestamp, pd.Timestamp]


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Findings about one price series, each a date or the first and last date of a run.

    Attributes
    ----------
    spikes
        Bars whose move the next bar undid.
    frozen
        First and last bar of runs of one value.
    splits
        Bars at which the price stands at a half, a third … of the bar before, or at a multiple, and stays there.
    gaps
        Last bar before and first bar after an outage.
    empty
        Rows of the file without a value, which were left out.
    """

    id: str
    spikes: tuple[pd.Timestamp, ...] = ()
    frozen: tuple[_Run, ...] = ()
    splits: tuple[pd.Timestamp, ...] = ()
    gaps: tuple[_Run, ...] = ()
    empty: int = 0

    @property
    def clean(self) -> bool:
        """Whether there is nothing to say."""
        return not self.line

    @property
    def line(self) -> str:
        """One line, the newest of each kind by date; empty for a clean series."""
        runs: dict[str, tuple[_Run, ...]] = {
            "spike{s} undone by the next bar": tuple((day, day) for day in self.spikes),
            "frozen run{s}": self.frozen,
            "jump{s} like a split": tuple((day, day) for day in self.splits),
            "gap{s}": self.gaps,
        }
        parts = [_told(kind, found) for kind, found in runs.items() if found]
        parts += [f"{self.empty} empty row{'s' if self.empty > 1 else ''} left out"] if self.empty else []
        return f"{self.id}: {'; '.join(parts)}" if parts else ""


def quality(dataset: Dataset | Subject, observations: pd.DataFrame, since: pd.Timestamp | None = None) -> Quality:
    """Look a price series over.

    Parameters
    ----------
    dataset
        Its frequency says how long a frozen run and a gap must be.
    observations
        ``observed_for, known_at, value``; of several vintages the newest counts.
    since
        First period that matters; by default all do.

    Notes
    -----
    The scale of a move is 1.4826 times the median absolute log change of the 251 bars around it.
    """
    series = newest_vintage(observations).loc[since:]
    empty = int(observations.attrs.get("empty_rows", 0))
    if len(series) < 3:
        return Quality(id=dataset.id, empty=empty)
    dates = pd.DatetimeIndex(series.index)
    change = np.log(series.where(series > 0)).diff()
    around = change.abs().where(change != 0).rolling(_WINDOW, center=True, min_periods=20).median()
    scale = 1.4826 * around.fillna(change.abs()[change != 0].median())
    after = change.shift(-1)
    spike = (change.abs() > np.maximum(SPIKE_SIGMAS * scale, SPIKE_LEAST)) & (
        (change + after).abs() < SPIKE_LEFT * change.abs()
    )
    return Quality(
        id=dataset.id,
        spikes=tuple(dates[spike.to_numpy()]),
        frozen=_frozen(series, FROZEN_BARS.get(dataset.frequency, len(series) + 1)),
        splits=tuple(dates[(_like_a_split(change, scale) & ~spike & ~spike.shift(fill_value=False)).to_numpy()]),
        gaps=_gaps(dates, np.timedelta64(GAP_DAYS.get(dataset.frequency, _NEVER), "D")),
        empty=empty,
    )


def _frozen(series: pd.Series, least: int) -> tuple[_Run, ...]:
    """Runs of at least so many equal values."""
    run = (series != series.shift()).cumsum()
    dates = series.index.to_series().groupby(run.to_numpy())
    long = dates.size() >= least
    return tuple(zip(dates.first()[long], dates.last()[long], strict=True))


def _like_a_split(change: pd.Series, scale: pd.Series) -> pd.Series:
    """Moves by a ratio of whole numbers that are far from every other move around them."""
    logs = np.log(np.array(SPLIT_RATIOS, dtype=float))
    nearest = np.abs(change.abs().to_numpy()[:, None] - logs).min(axis=1)
    return pd.Series(nearest < SPLIT_FIT, index=change.index) & (change.abs() > SPLIT_SIGMAS * scale)


def _gaps(dates: pd.DatetimeIndex, most: np.timedelta64) -> tuple[_Run, ...]:
    """Neighbouring bars further apart than ``most``."""
    at = np.flatnonzero(np.diff(dates.to_numpy()) > most)
    return tuple(zip(dates[at], dates[at + 1], strict=True))


def _told(kind: str, found: tuple[_Run, ...]) -> str:
    first, last = found[-1]
    when = f"{first:%Y-%m-%d}" if first == last else f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
    if len(found) == 1:
        return f"{kind.format(s='')} ({when})"
    return f"{len(found)} {kind.format(s='s')} (the last {when})"
