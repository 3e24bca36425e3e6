"""Is newer data due? The release rule of a dataset, asked about the period after the last one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from research.datasets.dataset import Dataset
from research.datasets.release import Published, ReleaseRule, known_at

_NEXT: dict[str, Any] = {
    "day": pd.offsets.BusinessDay(1),
    "week": pd.Timedelta(days=7),
    "month": pd.offsets.MonthEnd(1),
    "quarter": pd.offsets.QuarterEnd(1),
    "year": pd.offsets.YearEnd(1),
}


@dataclass(frozen=True, kw_only=True)
class Staleness:
    """How old a dataset is, measured by its own timetable.

    Attributes
    ----------
    id
        Dataset id.
    last
        Last period that is there.
    next_due
        When the period after it is released by the rule (UTC); None where no rule says so.
    overdue
        How long ago that was; zero when it is still to come.
    """

    id: str
    last: pd.Timestamp
    next_due: pd.Timestamp | None
    overdue: pd.Timedelta


def next_release(rules: Sequence[ReleaseRule], frequency: str, last: pd.Timestamp) -> pd.Timestamp | None:
    """Moment (UTC) at which the period after ``last`` is released, or None where the rules cannot say.

    Irregular data, and data known on their own publication dates, have no next date. The dates of single late
    releases are not looked at.
    """
    step = _NEXT.get(frequency)
    if step is None or any(isinstance(rule, Published) for rule in rules):
        return None
    following = (pd.Series([last]) + step).astype("datetime64[us]")
    moment: pd.Timestamp = known_at(rules, following, {}, {}).iloc[0]
    return moment


def staleness(dataset: Dataset, last: pd.Timestamp, now: pd.Timestamp) -> Staleness:
    """Measure one dataset by its release rule.

    Parameters
    ----------
    dataset
        Its frequency and release rules.
    last
        Last period that is there (naive date).
    now
        The moment of asking, or a backtest's end (UTC).
    """
    due = next_release(dataset.release, dataset.frequency, last)
    behind = max(pd.Timedelta(0), now - due) if due is not None else pd.Timedelta(0)
    return Staleness(id=dataset.id, last=last, next_due=due, overdue=behind)
