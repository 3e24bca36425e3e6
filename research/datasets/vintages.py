"""Append-only vintages: a changed past value is a new row with its own ``known_at``, never an overwrite.

And the as-of join: of each moment, the last value known by then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from research.errors import ValidationError
from research.units import Floats

Moments = npt.NDArray[np.datetime64]

# Relative difference below which two numbers are one number written twice.
TOLERANCE = 1e-9


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


def last_known(values: Floats, known: Moments, at: Moments, since: Moments, longest: np.timedelta64) -> Floats:
    """``values[i]`` with the last ``i`` for which ``known[i] <= at``; NaN before the first, and where it is too old.

    Parameters
    ----------
    values, known
        Sorted by the moments at which they became known.
    at
        The moments asked about.
    since
        From what moment each value ages; a value is not used once ``longest`` has passed since.
    """
    row = np.searchsorted(known, at, side="right") - 1
    found = np.append(values, np.nan)[row]  # row -1: nothing yet
    if len(since):
        found[at - since[row.clip(0)] > longest] = np.nan
    return found


def merge(
    kept: pd.DataFrame | None,
    fresh: pd.DataFrame,
    *,
    release: Callable[[pd.Series], pd.Series],
    retrieved_at: datetime,
    key: Sequence[str] = (),
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

    Raises
    ------
    ValidationError
        If two rows give different values for one period known at one moment.
    """
    by = ["observed_for", *key]
    values = [name for name in fresh.columns if name not in (*by, "known_at")]
    order = ["observed_for", "known_at", *key, *values]
    vintages = "known_at" in fresh.columns
    on = [*by, "known_at"] if vintages else by
    twice = fresh.duplicated(on, keep=False)
    if twice.any():
        day = fresh["observed_for"][twice].iloc[0]
        raise ValidationError(f"two rows for {day:%Y-%m-%d} ({int(twice.sum())} rows concerned); keep one of each")
    if not vintages:
        released = release(fresh["observed_for"]).astype("datetime64[us, UTC]")
        fresh = fresh.assign(known_at=released.to_numpy(dtype=object)).astype({"known_at": "datetime64[us, UTC]"})
    if kept is None or kept.empty:
        return Merged(table=_sorted(fresh[order], by), added=len(fresh), revised=0)
    before = (kept if vintages else latest(kept, key))[order]
    both = fresh[order].merge(before, on=on, how="left", suffixes=("", "|kept"), indicator=True)
    new = both["_merge"] == "left_only"
    values_kept = both[[f"{name}|kept" for name in values]]
    same = np.isclose(both[values], values_kept, rtol=TOLERANCE, atol=0.0, equal_nan=True).all(axis=1)
    differs = ~(new | pd.Series(same, index=both.index))
    if vintages and differs.any():
        row = both[differs].iloc[0]
        name = next(name for name in values if row[name] != row[f"{name}|kept"])
        raise ValidationError(
            f"{row['observed_for']:%Y-%m-%d} known at {row['known_at']:%Y-%m-%d %H:%M}: {row[name]!r} here, "
            f"{row[f'{name}|kept']!r} already kept; a correction needs its own known_at"
        )
    if not vintages:
        both["retrieved_at"] = pd.Timestamp(retrieved_at).tz_convert("UTC").as_unit("us")
        both["after_kept"] = both["known_at|kept"] + pd.Timedelta(microseconds=1)
        both["known_at"] = both["known_at"].mask(differs, both[["known_at", "after_kept", "retrieved_at"]].max(axis=1))
    rows = both.loc[new | differs, order]
    revised = int(rows["observed_for"].isin(kept["observed_for"]).sum() if vintages else differs.sum())
    table = _sorted(pd.concat([kept[order], rows], ignore_index=True), by) if len(rows) else kept
    return Merged(table=table, added=len(rows) - revised, revised=revised)


def _sorted(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    return table.sort_values(["known_at", *by], kind="stable", ignore_index=True)
