"""What a number of this dataset may look like: the checks that catch shifted points and changed units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd

from research.datasets.vintages import latest

_SHARE_REVISED = 0.05
_LARGE_REVISION = 0.20


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

    @classmethod
    def from_mapping(cls, spec: Mapping[str, Any]) -> Plausible:
        """Read the ``plausible`` table of a catalogue entry."""
        return cls(**spec)


def out_of_range(values: pd.Series, plausible: Plausible) -> pd.Series:
    """True where a value is outside ``[low, high]``."""
    return (values < plausible.low) | (values > plausible.high)


def jumps(values: pd.Series, plausible: Plausible) -> pd.Series:
    """True where a value is further from its predecessor than ``largest_step``."""
    if not np.isfinite(plausible.largest_step):
        return pd.Series(False, index=values.index)
    if plausible.step == "ratio":
        levels = pd.Series(np.log(values.where(values > 0).to_numpy(float)), index=values.index)
    else:
        levels = values
    return levels.diff().abs() > plausible.largest_step


def doubts(
    fresh: pd.DataFrame,
    kept: pd.DataFrame | None,
    plausible: Plausible,
    *,
    column: str = "value",
    key: Sequence[str] = (),
    whole_history: bool = True,
) -> list[str]:
    """Say what about newly obtained values is hard to believe; an empty list when nothing is.

    Parameters
    ----------
    fresh
        ``observed_for`` and values, as obtained.
    kept
        The observation table so far, or None.
    column
        The value column to look at.
    key
        Key columns of a table: neighbours are compared within a key.
    whole_history
        The provider sends its whole history each time, so a much shorter one is suspicious.
    """
    found = []
    bad = fresh[out_of_range(fresh[column], plausible)]
    if len(bad):
        row = bad.iloc[0]
        found.append(
            f"{len(bad)} of {len(fresh)} values outside {plausible.low:g} to {plausible.high:g}, the first "
            f"{row[column]:g} for {row['observed_for']:%Y-%m-%d}"
        )
    if kept is not None and len(kept):
        found += _doubtful_revisions(fresh, latest(kept, key), plausible, column, key, whole_history)
    found += _doubtful_steps(fresh, kept, plausible, column, key)
    return found


def in_the_future(fresh: pd.DataFrame, today: date) -> pd.DataFrame:
    """Rows whose period ends more than a day after ``today`` (UTC; Shanghai is a day ahead for a while)."""
    return fresh[fresh["observed_for"] > pd.Timestamp(today) + pd.Timedelta(days=1)]


def _doubtful_revisions(
    fresh: pd.DataFrame,
    newest: pd.DataFrame,
    plausible: Plausible,
    column: str,
    key: Sequence[str],
    whole_history: bool,
) -> list[str]:
    by = ["observed_for", *key]
    both = newest[[*by, column]].merge(fresh[[*by, column]], on=by, suffixes=("_kept", ""))
    if whole_history and len(both) < len(newest) / 2:
        return [f"only {len(both)} of the {len(newest)} periods already kept came again"]
    before, now = both[f"{column}_kept"].to_numpy(float), both[column].to_numpy(float)
    scale = np.maximum(np.abs(before), np.abs(now))
    if plausible.step == "difference":  # a flow or a rate near zero may well double
        scale = np.maximum(scale, plausible.largest_step)
    large = np.abs(now - before) > _LARGE_REVISION * scale
    if large.sum() <= max(2, _SHARE_REVISED * len(both)):
        return []
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = (now / before)[large]
    typical = float(np.median(ratios))
    same = bool(np.allclose(ratios, typical, rtol=1e-3)) and large.sum() > len(both) / 2
    cause = f", all by the factor {typical:.4g}: a changed unit, a split or a shifted decimal point" if same else ""
    return [f"{int(large.sum())} of {len(both)} past values changed by over {_LARGE_REVISION:.0%}{cause}"]


def _doubtful_steps(
    fresh: pd.DataFrame, kept: pd.DataFrame | None, plausible: Plausible, column: str, key: Sequence[str]
) -> list[str]:
    by = ["observed_for", *key]
    rows = fresh.assign(fresh=True)
    if kept is not None and len(kept):
        before = latest(kept, key)
        rows = pd.concat([before.assign(fresh=False), rows]).drop_duplicates(by, keep="last")
        rows["fresh"] &= ~_already_kept(rows, before, by, column)
    rows = rows.sort_values([*key, "observed_for"], ignore_index=True)
    groups = rows.groupby(list(key), sort=False) if key else [("", rows)]
    steps = [jumps(group[column], plausible) for _, group in groups]
    far = pd.concat(steps).reindex(rows.index)
    concerned = far & (rows["fresh"] | rows["fresh"].shift(fill_value=False))
    if not concerned.any():
        return []
    at = int(np.flatnonzero(concerned.to_numpy())[0])
    return [
        f"a move from {rows[column][at - 1]:g} ({rows['observed_for'][at - 1]:%Y-%m-%d}) to "
        f"{rows[column][at]:g} ({rows['observed_for'][at]:%Y-%m-%d}), larger than any believed so far"
    ]


def _already_kept(rows: pd.DataFrame, before: pd.DataFrame, by: list[str], column: str) -> pd.Series:
    both = rows[by].merge(before[[*by, column]], on=by, how="left")
    same = np.isclose(both[column].to_numpy(float), rows[column].to_numpy(float), rtol=1e-9, atol=0.0)
    return pd.Series(same, index=rows.index)
