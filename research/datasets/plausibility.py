"""What a number of this dataset may look like: doubts about new values before they are kept, a look at what is here.

Of new values shifted points and changed units are caught. What is here is only looked at, after it is loaded and before
anybody believes a verdict on it: a true price can look like this (a price limit, a holiday, a fixed official price), so
each finding names its dates, and nothing is repaired.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd

from research.datasets.registry import Dataset
from research.datasets.vintages import latest

_SHARE_REVISED = 0.05
_LARGE_REVISION = 0.20
_FEW_REVISED = 5
_LONG_AGO = pd.Timedelta(days=731)
_NOISE = 1e-6
_RESTATED = 1e-3
_LARGEST_OF_DAYS = 0.35
_LONGEST_OF_DAYS = 10
_SPACING = ((4, "day"), (20, "week"), (60, "month"), (200, "quarter"), (float("inf"), "year"))
# A spike is a move of this many robust standard deviations, nearly all of it undone by the next bar.
SPIKE_SIGMAS = 6.0

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
class Plausible:
    """Bounds for one dataset, wide enough for every true value so far.

    Attributes
    ----------
    low, high
        Smallest and largest credible value, in the dataset's unit.
    largest_step
        Largest credible move between neighbouring periods: of ``ln(value)`` for ``step="ratio"``, of the
        value for ``step="difference"``; infinite where neighbours may be anything.
    step
        How moves are measured. Datasets that can be zero or negative use differences.
    """

    low: float = float("-inf")
    high: float = float("inf")
    largest_step: float = float("inf")
    step: Literal["ratio", "difference"] = "ratio"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What new values are about: a dataset as far as reading and believing them need it.

    Attributes
    ----------
    frequency
        Day, week, month, quarter, year or irregular.
    columns, key
        Of a table: its columns, and those that tell rows of one period apart.
    checked_column
        The column that the bounds are about.
    """

    id: str
    unit: str
    frequency: str
    plausible: Plausible = Plausible()
    columns: tuple[str, ...] = ("value",)
    key: tuple[str, ...] = ()
    checked_column: str = "value"


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


def doubts(
    fresh: pd.DataFrame,
    kept: pd.DataFrame | None,
    subject: Subject,
    *,
    whole_history: bool = True,
    unasked: bool = False,
    today: date | None = None,
) -> list[str]:
    """Say what about newly obtained values is hard to believe; an empty list when nothing is.

    Parameters
    ----------
    fresh
        ``observed_for`` and values, as obtained; ``line`` where they stand in a file.
    kept
        The observation table so far, or None.
    whole_history
        The provider sends its whole history each time, so one that is much shorter, or ends earlier, is suspicious.
    unasked
        ``fresh`` would be merged into ``kept``, of which more than a few values are not rewritten unasked.
    today
        With ``whole_history`` and nothing kept: a history that ended years before it is suspicious.
    """
    column, bounds = subject.checked_column, subject.plausible
    found = []
    shown = measured_frequency(fresh["observed_for"])
    if shown and subject.frequency not in ("", "irregular", shown):
        one = f"the dataset has one value a {subject.frequency} (another series?)"
        found.append(f"the dates are a {shown} apart where {one}")
    bad = fresh[(fresh[column] < bounds.low) | (fresh[column] > bounds.high)]
    if len(bad):
        outside = f"{len(bad)} of {len(fresh)} values outside {bounds.low:g} to {bounds.high:g} {subject.unit}"
        found.append(f"{outside}, the first {_shown(bad.iloc[0], column)}")
    last = fresh["observed_for"].max()
    if kept is None or kept.empty:
        if whole_history and today is not None and pd.Timestamp(today) - last > _LONG_AGO:
            found.append(f"it ends {last:%Y-%m-%d}, years ago: the answer may be cut")
        return found + _doubtful_steps(fresh.assign(new=True), subject)
    newest = latest(kept, subject.key)
    rows = newest.merge(fresh, on=["observed_for", *subject.key], how="outer", suffixes=("_kept", ""), indicator=True)
    both = rows[rows["_merge"] == "both"]
    if whole_history:
        found += _cut_short(fresh, newest, len(both), column)
    found += _rewritten(both, subject, a_few_only=unasked and "known_at" not in fresh)
    if unasked and "previous" in fresh and len(fresh):
        found += _contradicted(fresh, newest, subject)
    rows["new"] = rows[column].notna() & ~np.isclose(rows[column], rows[f"{column}_kept"], rtol=1e-9, atol=0.0)
    rows[column] = rows[column].fillna(rows[f"{column}_kept"])
    return found + _doubtful_steps(rows, subject)


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
    series = latest(observations).set_index("observed_for")["value"].loc[since:]
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


def known_early(fresh: pd.DataFrame, ruled: pd.Series) -> list[str]:
    """Say which values are said to be known on a day before the one that the release rule gives."""
    early = fresh["known_at"].dt.normalize() < ruled.dt.normalize()
    if not early.any():
        return []
    row, rule = fresh[early].iloc[0], ruled[early].iloc[0]
    first = f"that for {row['observed_for']:%Y-%m-%d}, on {row['known_at']:%Y-%m-%d} instead of {rule:%Y-%m-%d}"
    many = f"{int(early.sum())} of {len(fresh)} values are said to be known earlier than the release rule allows"
    return [f"{many}, the first {first}"]


def measured_frequency(periods: pd.Series) -> str:
    """The frequency that the dates show, by the median of their distances; empty for fewer than three periods."""
    days = periods.drop_duplicates().sort_values()
    if len(days) < 3:
        return ""
    typical = float(days.diff().dt.days.median())
    return next(name for most, name in _SPACING if typical <= most)


def _contradicted(fresh: pd.DataFrame, newest: pd.DataFrame, subject: Subject) -> list[str]:
    """Say where a day's report gives another ``previous`` total than the one kept of the day before.

    Of the next business day the two must agree (restatements of up to a thousandth of the whole let off); up to ten
    days later they must be of one size.
    """
    day, key = fresh["observed_for"].min(), list(subject.key)
    before = newest[newest["observed_for"] < day]
    if before.empty:
        return []
    last = before["observed_for"].max()
    kept = before[before["observed_for"] == last].rename(columns={subject.checked_column: "kept"})[[*key, "kept"]]
    both = fresh.merge(kept, how="inner" if key else "cross", on=key or None)
    off = (both["previous"] - both["kept"]).abs() > _RESTATED * both["kept"].sum() + 1
    apart = int(np.busday_count(last.date(), day.date()))
    if apart > 1:
        if key or apart > _LONGEST_OF_DAYS:
            return []
        off &= np.abs(np.log(both["previous"] / both["kept"])) > _LARGEST_OF_DAYS
    if not off.any():
        return []
    row = both[off].iloc[0]
    where = "".join(f" {row[name]}" for name in key)
    given = f"{row['previous']:,.0f} as the total before{where}, kept for {last:%Y-%m-%d} is {row['kept']:,.0f}"
    why = "columns or rows were exchanged, or the past was restated"
    return [f"the report of {day:%Y-%m-%d} gives {given}: {why}"]


def _cut_short(fresh: pd.DataFrame, newest: pd.DataFrame, n_both: int, column: str) -> list[str]:
    """Of what should be the whole history: far fewer periods, an earlier end, or half a last number."""
    found = [f"only {n_both} of the {len(newest)} periods already kept came again"] if n_both < len(newest) / 2 else []
    ends, ended = fresh["observed_for"].max(), newest["observed_for"].max()
    now, before = f"{fresh[column].iloc[-1]:.12g}", f"{newest[column].iloc[-1]:.12g}"
    if ends < ended:
        found.append(f"it ends {ends:%Y-%m-%d} where what is here ends {ended:%Y-%m-%d}: the answer is cut or old")
    elif ends == ended and len(newest) > 1 and now != before and before.startswith(now):
        found.append(f"the last value, {now} for {ends:%Y-%m-%d}, is the beginning of the one kept, {before}")
    return found


def _rewritten(both: pd.DataFrame, subject: Subject, a_few_only: bool) -> list[str]:
    """Past values that change: more than a few however little, or too many of them by much."""
    column = subject.checked_column
    before, now = both[f"{column}_kept"].to_numpy(float), both[column].to_numpy(float)
    scale = np.maximum(np.abs(before), np.abs(now))
    if subject.plausible.step == "difference":  # a flow or a rate near zero may well double
        scale = np.maximum(scale, subject.plausible.largest_step)
    large = np.abs(now - before) > _LARGE_REVISION * scale
    found = []
    if large.sum() > max(2, _SHARE_REVISED * len(both)):
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = (now / before)[large]
        typical = float(np.median(ratios))
        same = bool(np.allclose(ratios, typical, rtol=1e-3)) and large.sum() > len(both) / 2
        cause = f", all by the factor {typical:.4g}: a changed unit, a split or a shifted decimal point" if same else ""
        found.append(f"{int(large.sum())} of {len(both)} past values changed by over {_LARGE_REVISION:.0%}{cause}")
    if not a_few_only:
        return found
    changed = pd.Series(False, index=both.index)
    for name in [name for name in both.columns if f"{name}_kept" in both.columns]:
        changed |= ~np.isclose(both[name], both[f"{name}_kept"], rtol=_NOISE, atol=0.0, equal_nan=True)
    periods, of = both.loc[changed, "observed_for"].unique(), both["observed_for"].nunique()
    if len(periods) > _FEW_REVISED or len(periods) > max(1, of / 2):
        found.append(
            f"{len(periods)} of {of} past values would be rewritten, the first that of {periods.min():%Y-%m-%d}"
        )
    return found


def _doubtful_steps(rows: pd.DataFrame, subject: Subject) -> list[str]:
    """Moves of new values, from and to what is beside them, that are larger than any so far."""
    column = subject.checked_column
    rows = rows.sort_values([*subject.key, "observed_for"], kind="stable", ignore_index=True)
    levels = np.log(rows[column].where(rows[column] > 0)) if subject.plausible.step == "ratio" else rows[column]
    steps = levels.groupby([rows[name] for name in subject.key]).diff() if subject.key else levels.diff()
    far = steps.abs() > subject.plausible.largest_step
    concerned = np.flatnonzero(far & (rows["new"] | rows["new"].shift(fill_value=False)))
    if not concerned.size:
        return []
    before, after = (_shown(rows.iloc[at], column) for at in (concerned[0] - 1, concerned[0]))
    return [f"a move from {before} to {after}, larger than any believed so far"]


def _shown(row: pd.Series, column: str) -> str:
    line = f", line {row['line']}" if "line" in row else ""
    return f"{row[column]:g} ({row['observed_for']:%Y-%m-%d}{line})"


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
