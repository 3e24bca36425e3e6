"""The compiled loops of the diagnostics: a Markov chain there and back, and breaks of a regression."""

from __future__ import annotations

import numpy as np
from numba import types

from research.engine._compile import compiled
from research.units import Floats

_SERIES, _TABLE = types.float64[::1], types.float64[:, ::1]
_DRAWS_AT_ONCE = 64  # a block of them stays in the cache


@compiled((_TABLE, _TABLE, _SERIES))
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


@compiled((_TABLE, _SERIES, types.float64, _TABLE, types.float64[:, :, ::1], types.int64))
def largest_f(noise: Floats, innovations: Floats, memory: float, basis: Floats, weights: Floats, first: int) -> Floats:
    """The largest F over all breaks, of regressions without one.

    Parameters
    ----------
    noise
        Standard normal, ``(n, n_draws)``.
    innovations, memory
        What the noise is multiplied with, ``(n,)``, and the first-order autocorrelation that it then gets.
    basis
        Orthonormal regressors, ``(n, k)``.
    weights
        What the sums of regressors times residuals before a break are weighted with, ``(n_breaks, k, k)``.
    first
        Bars before the first of the breaks.

    Returns
    -------
    ndarray
        ``(n_draws,)``.
    """
    n, k = basis.shape
    n_draws, n_breaks = noise.shape[1], weights.shape[0]
    largest = np.empty(n_draws)
    series = np.empty((n, _DRAWS_AT_ONCE))
    for low in range(0, n_draws, _DRAWS_AT_ONCE):
        size = min(_DRAWS_AT_ONCE, n_draws - low)
        explained, sums, rest, most = np.zeros((k, size)), np.zeros((k, size)), np.zeros(size), np.zeros(size)
        for t in range(n):
            for draw in range(size):
                before = series[t - 1, draw] if t > 0 else 0.0
                series[t, draw] = innovations[t] * noise[t, low + draw] + memory * before
            for j in range(k):
                for draw in range(size):
                    explained[j, draw] += basis[t, j] * series[t, draw]
        for t in range(n):
            for j in range(k):
                for draw in range(size):
                    series[t, draw] -= basis[t, j] * explained[j, draw]
            for j in range(k):
                for draw in range(size):
                    sums[j, draw] += basis[t, j] * series[t, draw]
            for draw in range(size):
                rest[draw] += series[t, draw] ** 2
            if first <= t + 1 < first + n_breaks:
                gained = np.zeros(size)
                for i in range(k):
                    for j in range(k):
                        for draw in range(size):
                            gained[draw] += weights[t + 1 - first, i, j] * sums[i, draw] * sums[j, draw]
                for draw in range(size):
                    most[draw] = max(most[draw], gained[draw])
        for draw in range(size):
            largest[low + draw] = most[draw] / (rest[draw] - most[draw]) * (n - 2 * k)
    return largest
