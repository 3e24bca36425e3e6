"""The as-of join: of each moment, the last value known by then."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from research.units import Floats

Moments = npt.NDArray[np.datetime64]


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
