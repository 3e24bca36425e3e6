"""The compiled loops of the diagnostics: counts of the stationary bootstrap, and a Markov chain there and back."""

from __future__ import annotations

import numpy as np
from numba import types

from research.engine._compile import compiled, part
from research.units import Floats

_TABLE = types.float64[:, ::1]


@part
def _mixed(state: np.uint64) -> np.uint64:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@compiled((_TABLE, types.uint64, types.int64, types.float64))
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


@compiled((_TABLE, _TABLE, types.float64[::1]))
def there_and_back(log_density: Floats, transition: Floats, initial: Floats) -> tuple[float, Floats, Floats, Floats]:
    """Hamilton's filter (1989) and Kim's smoother (1994).

    Parameters
    ----------
    log_density
        Of each bar in each regime, ``(n, k)``.
    transition
        Row: from, column: to, ``(k, k)``.
    initial
        Before the first bar, ``(k,)``.

    Returns
    -------
    float and three ndarrays
        The log-likelihood; the probability of each regime given the bars up to each, and given all, ``(n, k)``; and the
        expected number of moves from one to another, ``(k, k)``.
    """
    n, k = log_density.shape
    filtered, predicted, moves = np.empty((n, k)), np.empty((n, k)), np.zeros((k, k))
    likelihood = 0.0
    for t in range(n):
        top, total = log_density[t].max(), 0.0
        for j in range(k):
            predicted[t, j] = initial[j]
            if t > 0:
                predicted[t, j] = 0.0
                for i in range(k):
                    predicted[t, j] += filtered[t - 1, i] * transition[i, j]
            filtered[t, j] = predicted[t, j] * np.exp(log_density[t, j] - top)
            total += filtered[t, j]
        filtered[t] /= total
        likelihood += top + np.log(total)
    smoothed = filtered.copy()
    for t in range(n - 2, -1, -1):
        for i in range(k):
            smoothed[t, i] = 0.0
            for j in range(k):
                both = filtered[t, i] * transition[i, j] * smoothed[t + 1, j] / max(predicted[t + 1, j], 1e-300)
                moves[i, j] += both
                smoothed[t, i] += both
    return likelihood, filtered, smoothed, moves
