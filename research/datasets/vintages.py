"""Append-only vintages: a changed past value is a new row with its own ``known_at``, never an overwrite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from research.errors import ValidationError

TOLERANCE = 1e-9
"""Relative difference below which two numbers are one number written twice."""


@dataclass(frozen=True, kw_only=True)
class Merged:
    """The table after a merge, and what the merge did.

    Attributes
    ----------
    table
        Observation table: every row kept before, the new periods and the revisions.
    added
        Periods seen for the first time.
    revised
        Periods whose newest value changed.
    """

    table: pd.DataFrame
    added: int
    revised: int

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.added or self.revised)


def latest(table: pd.DataFrame, key: Sequence[str] = ()) -> pd.DataFrame:
    """The newest vintage of every period (and key), sorted by period.

    Parameters
    ----------
    table
        Observation table.
    key
        Further columns that tell rows of one period apart, for tables.
    """
    by = ["observed_for", *key]
    newest = table.sort_values("known_at", kind="stable").drop_duplicates(by, keep="last")
    return newest.sort_values(by, ignore_index=True)


def merge(
    kept: pd.DataFrame | None,
    fresh: pd.DataFrame,
    *,
    release: Callable[[pd.Series], pd.Series],
    retrieved_at: datetime,
    key: Sequence[str] = (),
    tolerance: float = TOLERANCE,
) -> Merged:
    """Add to ``kept`` what ``fresh`` knows beyond it.

    A period seen for the first time is known from its release rule on; a value that differs from the newest
    kept one is a revision, known from ``retrieved_at`` on (never before its release, never before the vintage it
    replaces). Periods that ``fresh`` lacks stay. Where ``fresh`` brings its own ``known_at``, its rows are
    vintages already and are added as they are.

    Parameters
    ----------
    kept
        Observation table so far, or None.
    fresh
        ``observed_for`` and value columns, one row per period and key; or, with ``known_at``, vintages.
    release
        From periods to the moments (UTC) at which they are released.
    retrieved_at
        When ``fresh`` was obtained.
    key
        Further key columns of a table.
    tolerance
        Relative difference that is no revision.

    Raises
    ------
    ValidationError
        If two rows give different values for one period known at one moment.
    """
    by = ["observed_for", *key]
    values = [name for name in fresh.columns if name not in (*by, "known_at")]
    order = ["observed_for", "known_at", *key, *values]
    if "known_at" in fresh.columns:
        return _append_vintages(kept, fresh[order], by, values, tolerance)
    _refuse_duplicates(fresh, by)
    released = release(fresh["observed_for"]).astype("datetime64[us, UTC]")
    fresh = fresh.assign(known_at=released.to_numpy(dtype=object)).astype({"known_at": "datetime64[us, UTC]"})
    if kept is None or kept.empty:
        return Merged(table=_sorted(fresh[order], by), added=len(fresh), revised=0)

    before = latest(kept, key).rename(columns={name: f"{name}|kept" for name in (*values, "known_at")})
    both = fresh.merge(before, on=by, how="left", indicator=True)
    new = (both["_merge"] == "left_only").to_numpy()
    same = np.ones(len(both), dtype=bool)
    for name in values:
        same &= _equal(both[name], both[f"{name}|kept"], tolerance)
    revised = ~new & ~same
    both["retrieved_at"] = pd.Timestamp(retrieved_at).tz_convert("UTC").as_unit("us")
    both["after_kept"] = both["known_at|kept"] + pd.Timedelta(microseconds=1)
    corrected = both[["known_at", "after_kept", "retrieved_at"]].max(axis=1)
    both["known_at"] = both["known_at"].mask(pd.Series(revised), corrected)
    rows = both.loc[new | revised, order]
    table = _sorted(pd.concat([kept[order], rows], ignore_index=True), by) if len(rows) else kept
    return Merged(table=table, added=int(new.sum()), revised=int(revised.sum()))


def _append_vintages(
    kept: pd.DataFrame | None, fresh: pd.DataFrame, by: list[str], values: list[str], tolerance: float
) -> Merged:
    moments = [*by, "known_at"]
    _refuse_duplicates(fresh, moments)
    if kept is None or kept.empty:
        return Merged(table=_sorted(fresh, by), added=len(fresh), revised=0)
    both = fresh.merge(kept, on=moments, how="left", suffixes=("", "|kept"), indicator=True)
    known = both["_merge"] == "both"
    for name in values:
        differs = known & ~_equal(both[name], both[f"{name}|kept"], tolerance)
        if differs.any():
            row = both[differs].iloc[0]
            raise ValidationError(
                f"{row['observed_for']:%Y-%m-%d} known at {row['known_at']:%Y-%m-%d %H:%M}: {row[name]!r} here, "
                f"{row[f'{name}|kept']!r} already kept; a correction needs its own known_at"
            )
    rows = both.loc[~known, fresh.columns]
    revisions = rows["observed_for"].isin(kept["observed_for"]).sum()
    table = _sorted(pd.concat([kept[fresh.columns], rows], ignore_index=True), by) if len(rows) else kept
    return Merged(table=table, added=int(len(rows) - revisions), revised=int(revisions))


def _equal(left: pd.Series, right: pd.Series, tolerance: float) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(left) and pd.api.types.is_numeric_dtype(right):
        close = np.isclose(left.to_numpy(float), right.to_numpy(float), rtol=tolerance, atol=0.0, equal_nan=True)
        return np.asarray(close, dtype=bool)
    return np.asarray((left == right) | (left.isna() & right.isna()), dtype=bool)


def _refuse_duplicates(fresh: pd.DataFrame, by: list[str]) -> None:
    twice = fresh.duplicated(by, keep=False)
    if twice.any():
        row = fresh[twice].iloc[0]
        raise ValidationError(
            f"two rows for {row['observed_for']:%Y-%m-%d} ({int(twice.sum())} rows concerned); keep one of each"
        )


def _sorted(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    return table.sort_values(["known_at", *by], kind="stable", ignore_index=True)
