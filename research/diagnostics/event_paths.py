"""What the metal did in the months after each event, beside what it did after dates moved in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from research.diagnostics.inputs import FloatArray, SeriesLike, fraction, vector, whole
from research.errors import DataError


@dataclass(frozen=True, kw_only=True)
class EventPaths:
    """Cumulative returns after events, as fractions, at 0 to ``horizon`` bars.

    Attributes
    ----------
    paths
        One row an event, ``(n_events, horizon + 1)``; every path starts at 0.
    mean
        Mean over the events, ``(horizon + 1,)``.
    shifted_low, shifted_middle, shifted_high
        The band of the mean path over all circular shifts of the event dates: its lower and upper quantile
        and its median.
    level
        Share of the shifted means inside the band, at each bar alone.
    """

    paths: FloatArray
    mean: FloatArray
    shifted_low: FloatArray
    shifted_middle: FloatArray
    shifted_high: FloatArray
    level: float


def event_paths(returns: SeriesLike, positions: npt.ArrayLike, *, horizon: int, level: float = 0.9) -> EventPaths:
    """Cumulate (by sum) the returns at ``position, position + 1, …`` of every event with a complete window.

    Parameters
    ----------
    returns
        Per bar, shape (T,).
    positions
        Of the first return after each event.
    horizon
        Bars in a window.
    level
        Width of the band of circular shifts: 0.9 leaves 5 % of the shifts above and 5 % below.

    Raises
    ------
    DataError
        For missing returns, or no event with a complete window.
    """
    values = vector(returns, "returns", minimum=2)
    length = whole(horizon, "horizon", minimum=1)
    tail = (1 - fraction(level, "level")) / 2
    starts = np.asarray(positions, dtype=np.int64)
    starts = starts[(starts >= 0) & (starts + length <= values.size)]
    if not starts.size:
        raise DataError(f"events: none has a complete window of {length} bars; use a shorter horizon")
    circle = np.concatenate([[0.0], np.cumsum(np.concatenate([values, values[:length]]))])
    steps = np.arange(length + 1)
    everywhere = circle[np.arange(values.size)[:, None] + steps] - circle[: values.size, None]
    shifted = np.zeros_like(everywhere)
    for start in starts:
        shifted += np.roll(everywhere, -int(start), axis=0)
    low, middle, high = np.quantile(shifted / starts.size, [tail, 0.5, 1 - tail], axis=0)
    paths = everywhere[starts]
    return EventPaths(
        paths=paths,
        mean=paths.mean(axis=0),
        shifted_low=low,
        shifted_middle=middle,
        shifted_high=high,
        level=level,
    )
