r"""What the metal did after the signal spoke, and how many times it really spoke.

Timing, as everywhere in the engine: an event at bar t is decided at t and filled at t + delay, so the window
of ``horizon`` returns is :math:`r_{t+delay+1}, \dots, r_{t+delay+horizon}`. Windows that overlap share
returns, so ten events in one month are not ten pieces of evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import SeriesLike, aligned, fraction, positive, vector, whole
from research.diagnostics.long_run import MINIMUM_OBSERVATIONS, Estimate
from research.errors import DataError
from research.units import Floats

# Fewest independent events for a p-value: five cannot reach 5 % by flipping signs, 2 / 2**5 = 0.0625
MINIMUM_EVENTS = 6


def cumulative_abnormal_return(returns: SeriesLike, events: npt.ArrayLike, *, horizon: int, delay: int = 1) -> Finding:
    r"""Mean return over the ``horizon`` bars after an event, less what the other bars would have given.

    The abnormal return subtracts the mean return of the bars outside every window. The p-value is the share
    of all circular shifts of the event dates, the events kept together as they came, whose mean departs as
    far from the average over shifts (two-sided, the real dates among them). The interval is the
    overlap-correct one,

    :math:`Var(\overline{CAR}) = \sigma^2 \left( \frac{\sum_t c_t^2}{n^2} + \frac{h^2}{m} \right),`

    with :math:`c_t` the number of windows over bar t and :math:`m` the bars outside, over which
    :math:`\sigma` and the baseline are taken.

    Parameters
    ----------
    returns
        Returns of the metal per bar, shape (T,).
    events
        Positions of their bars.
    horizon
        h, bars in a window.
    delay
        Bars between decision and fill, as in the execution.

    Returns
    -------
    Finding
        A fraction over the horizon. With fewer than 6 effective events there is no statistic and no p-value,
        only the minimum detectable effect (``details["minimum_detectable_car"]``). Events whose window is not
        over by the end of the sample are left out and counted.

    Raises
    ------
    DataError
        For missing returns, events that are no bars, or no event with a complete window.

    References
    ----------
    MacKinlay (1997); Hodrick (1992) for the overlap; Politis and Romano (1992) for circular shifts.
    """
    values = vector(returns, "returns", minimum=3)
    h, first = whole(horizon, "horizon", minimum=1), whole(delay, "delay", minimum=0) + 1
    n_bars, given = values.size, np.atleast_1d(np.asarray(events))
    positions = given.astype(np.int64)
    if given.size and ((positions != given).any() or positions.min() < 0 or positions.max() >= n_bars):
        raise DataError(f"events: not all are positions from 0 to {n_bars - 1}; pass bars of the returns")
    complete = positions[positions + first + h <= n_bars]
    if not complete.size:
        raise DataError(f"events: none of {positions.size} has a complete window of {h} bars; use a shorter horizon")
    n = complete.size
    windows = window_counts(complete + first, horizon=h, n_bars=n_bars)
    outside = values[windows == 0]
    if outside.size < max(MINIMUM_OBSERVATIONS, h):
        raise DataError(
            f"events: their windows leave {outside.size} other bars, too few for a baseline; use a shorter horizon"
        )
    baseline, sigma = float(outside.mean()), float(outside.std(ddof=1))
    paths = values[(complete + first)[:, None] + np.arange(h)] - baseline
    effects = paths.sum(axis=1)
    effective = effective_events(complete, horizon=h)
    error = sigma * sqrt(float(windows @ windows) / n**2 + h**2 / outside.size)
    found = Estimate(float(effects.mean()), error, max(1.0, effective - 1))
    detectable = minimum_detectable_effect(effective) * sigma * sqrt(h)
    judged = effective >= MINIMUM_EVENTS
    p_value, greater = circular_shift_p_values(windows, values)
    dropped = positions.size - n
    return Finding.of(
        "cumulative_abnormal_return",
        found.value,
        says="told" if judged else "few",
        interval=found.interval() if judged else None,
        statistic=found.t if judged and error > 0 else None,
        p_value=p_value if judged else None,
        effective_n=effective,
        details={
            "n_events": n,
            "n_incomplete": dropped,
            "standard_error": error,
            "standard_error_naive": sigma * sqrt(h / n),
            "minimum_detectable_car": detectable,
            "effects": effects.tolist(),
            "mean_path": paths.mean(axis=0).cumsum().tolist(),
            "p_value_greater": greater if judged else None,
        },
        bars=h,
        first=first,
        n_bars=n_bars,
        needed=MINIMUM_EVENTS,
    )


def minimum_detectable_effect(n_observations: float) -> float:
    r"""Cohen's d that a t-test at 5 %, two-sided, finds four times in five: :math:`\delta_{n-1}/\sqrt n`.

    The square of the noncentral t is a noncentral F with 1 and n - 1 degrees of freedom.

    Parameters
    ----------
    n_observations
        n, which may be an effective number and so a fraction; below 2 the test has one degree of freedom all the same.
    """
    from scipy.optimize import brentq
    from scipy.special import ncfdtr, stdtrit

    n = positive(n_observations, "n_observations")
    degrees = max(1.0, n - 1)
    critical = float(stdtrit(degrees, 0.975))

    def missed(shift: float) -> float:
        return float(ncfdtr(1, degrees, shift**2, critical**2)) - 0.2

    return float(brentq(missed, 0.0, 20.0, xtol=1e-10)) / sqrt(n)  # with one degree of freedom it is 16.3


def effective_events(events: npt.ArrayLike, *, horizon: int) -> float:
    r"""Independent events that would give the mean the same error, :math:`h n^2 / \sum_t c_t^2`.

    n when no windows overlap, 1 when all coincide.

    Parameters
    ----------
    events
        Bars at which they begin.
    horizon
        Bars of each window.
    """
    positions = np.asarray(events, dtype=np.int64)
    h = whole(horizon, "horizon", minimum=1)
    if not positions.size:
        return 0.0
    start = positions - positions.min()
    counts = window_counts(start, horizon=h, n_bars=int(start.max()) + h)
    return h * positions.size**2 / float(counts @ counts)


def window_counts(starts: npt.ArrayLike, *, horizon: int, n_bars: int) -> Floats:
    r"""Number of windows :math:`c_t` over each bar, shape (n_bars,); each covers its start and h - 1 more.

    Parameters
    ----------
    starts
        Bars at which the windows begin.
    horizon
        Bars of each.
    n_bars
        Length of the calendar.
    """
    position = np.asarray(starts, dtype=np.int64)
    ends = np.minimum(position + horizon, n_bars)
    opened, closed = (np.bincount(edges, minlength=n_bars + 1) for edges in (position, ends))
    return np.cumsum(opened - closed)[:n_bars].astype(np.float64)


def circular_shift_p_values(weights: SeriesLike, returns: SeriesLike) -> tuple[float, float]:
    r"""Two-sided and one-sided (greater) p-value of :math:`\sum_t w_t r_t` over all T circular shifts of w.

    The real history is one of the shifts, so neither can fall under 1/T; shifts by less than a window
    share returns with it, which makes the test a little slow to reject. Two-sided is the distance from
    the average over all shifts, :math:`\bar r \sum_t w_t`, so a metal that rose all the time proves nothing.

    Parameters
    ----------
    weights
        Held into each period, (T,).
    returns
        Of each period, (T,).
    """
    held, earned = aligned(weights=weights, returns=returns)
    shifted = np.fft.irfft(np.conj(np.fft.rfft(held)) * np.fft.rfft(earned), n=held.size)
    actual = float(held @ earned)
    tolerance = 1e-10 * (float(np.abs(shifted).max()) + 1e-300)
    centre = float(held.sum() * earned.mean())
    two_sided = float(np.mean(np.abs(shifted - centre) >= abs(actual - centre) - tolerance))
    greater = float(np.mean(shifted >= actual - tolerance))
    return two_sided, greater


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

    paths: Floats
    mean: Floats
    shifted_low: Floats
    shifted_middle: Floats
    shifted_high: Floats
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
