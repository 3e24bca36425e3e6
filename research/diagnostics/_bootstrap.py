"""Stationary bootstrap of many means at once (Politis and Romano 1994).

The mean of a resample is a weighted sum of the sample, ``mean* = counts @ series / n``, where ``counts`` says
how often each bar was drawn. So the resample itself is never made: a draw walks over the calendar once,
writes its counts, and one matrix product serves all series of a family and keeps their dependence. The time
does not depend on the block length.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]

CELLS_AT_ONCE = 4_000_000  # draws x bars in memory at one time: 32 MB


def bootstrap_means(series: Floats, *, block_length: float, n_draws: int, seed: int) -> Floats:
    """Return the means of stationary bootstrap resamples.

    Every draw has a random stream of its own, decided by ``seed`` and its number, so that draw ``b`` is the
    same however many are asked for and on however many threads the product runs.

    Parameters
    ----------
    series
        ``(n_bars, n_series)``, without NaN.
    block_length
        Mean block length in bars, at least 1; blocks are geometric and wrap around the calendar.
    n_draws, seed
        How many, and which.

    Returns
    -------
    ndarray
        ``(n_draws, n_series)``.
    """
    n_bars = series.shape[0]
    key = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
    size = min(n_draws, max(1, CELLS_AT_ONCE // n_bars))
    counts = np.empty((size, n_bars))
    means = np.empty((n_draws, series.shape[1]))
    for first in range(0, n_draws, size):
        some = counts[: min(size, n_draws - first)]
        write_counts(some, key, first, 1 / block_length)
        means[first : first + size] = some @ series
    means /= n_bars
    return means


@njit(cache=True, nogil=True)
def write_counts(counts: Floats, key: np.uint64, first_draw: int, chance: float) -> None:
    """Fill each row with how often its draw takes each bar; a block ends at every bar with ``chance``.

    The random numbers are SplitMix64 (Steele, Lea and Flood 2014): one word says whether a block ends and,
    when it does, the next says where the new one begins.
    """
    n_draws, n_bars = counts.shape
    golden = np.uint64(0x9E3779B97F4A7C15)
    ends = np.uint64(min(chance * 2.0**53, 2.0**53))
    for row in range(n_draws):
        state = _mixed(key + np.uint64(first_draw + row) * np.uint64(0xD1342543DE82EF95))
        counts[row] = 0.0
        bar = 0
        for position in range(n_bars):
            state += golden
            if position == 0 or (_mixed(state) >> np.uint64(11)) < ends:
                state += golden
                bar = int((_mixed(state) >> np.uint64(11)) * (n_bars * 2.0**-53))
            else:
                bar += 1
                if bar == n_bars:
                    bar = 0
            counts[row, bar] += 1.0


@njit(cache=True, inline="always")
def _mixed(state: np.uint64) -> np.uint64:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
