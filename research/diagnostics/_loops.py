"""The compiled loop of the diagnostics: a Markov chain there and back."""

from __future__ import annotations

import numpy as np
from numba import types

from research.engine._compile import compiled
from research.units import Floats

_TABLE = types.float64[:, ::1]


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
