"""Other ways to look at a claim every month, for the calibration to compare: e-values on the same arrays.

Each takes active weights and returns ``(n_months, n_samples)`` and gives the logarithm of its e-value at every month.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr

from research.diagnostics.anytime import PRIOR_MONTHS as K

Floats = npt.NDArray[np.float64]


def naive(active: Floats, returns: Floats) -> Floats:
    """A bet on the product of weight and return: the metal's own mean is taken for timing."""
    gained = active * returns
    return _mixture(np.cumsum(gained, axis=0), np.cumsum(gained**2, axis=0))


def white(active: Floats, returns: Floats) -> Floats:
    """The chosen one without the long-run variance: an asymptotic confidence sequence with White's error."""
    n = _count(active)
    sums = {
        (i, j): np.cumsum(active**i * returns**j, axis=0) for i in range(3) for j in range(3)
    }  # of z^i m^j, from which every centred sum follows
    z, m = sums[1, 0] / n, sums[0, 1] / n
    square = (
        sums[2, 2] - 2 * m * sums[2, 1] + m**2 * sums[2, 0]
        - 2 * z * (sums[1, 2] - 2 * m * sums[1, 1] + m**2 * sums[1, 0])
        + z**2 * (sums[0, 2] - 2 * m * sums[0, 1] + n * m**2)
    )  # fmt: skip
    return _mixture(sums[1, 1] - n * z * m, square)


def regression(active: Floats, returns: Floats) -> Floats:
    """The slope of the metal's return on the position, anytime-valid for normal errors of one variance.

    Lindon, Ham, Tingley and Bojinov (2022): the t statistic of the slope under a normal prior on its standardised
    effect; one-sided by the share of the posterior above 0.
    """
    n = _count(active)
    z, m = np.cumsum(active, axis=0) / n, np.cumsum(returns, axis=0) / n
    zz = np.cumsum(active**2, axis=0) - n * z**2
    zm = np.cumsum(active * returns, axis=0) - n * z * m
    mm = np.cumsum(returns**2, axis=0) - n * m**2
    nu = np.maximum(n - 2, 1)
    with np.errstate(all="ignore"):
        t = zm / np.sqrt(zz * np.maximum(mm - zm**2 / zz, 0) / nu)
    t = np.where((n > 3) & np.isfinite(t), t, 0.0)
    r = K / (n + K)
    both = 0.5 * np.log(r) + (nu + 1) / 2 * (np.log1p(t**2 / nu) - np.log1p(r * t**2 / nu))
    return np.asarray(both + np.log(2) + log_ndtr(t * np.sqrt(1 - r)))


def rotation(active: Floats, returns: Floats, block: int = 12, strength: float = 3.0) -> Floats:
    """A test martingale by rotation: in each year the position's product against that of its twelve rotations."""
    found, total = np.zeros(active.shape), np.zeros(active.shape[1])
    for first in range(0, active.shape[0] - block + 1, block):
        z, m = active[first : first + block], returns[first : first + block]
        centred = m - m.mean(axis=0)
        unit = np.sqrt(centred.var(axis=0) * np.maximum(z.var(axis=0), 1e-12) * block)
        rotated = np.stack([(z * np.roll(centred, k, axis=0)).sum(axis=0) for k in range(block)]) / unit
        bets = strength * np.sqrt(block / K) * rotated
        total = total + bets[0] - np.log(np.exp(bets).mean(axis=0))
        found[first + block - 1 :] = total
    return found


def _mixture(total: Floats, square: Floats) -> Floats:
    n = _count(total)
    with np.errstate(all="ignore"):
        t = np.where(square > 0, total / np.sqrt(square / n), 0.0)
    return np.asarray(0.5 * np.log(K / (n + K)) + t**2 / (2 * (n + K)) + np.log(2) + log_ndtr(t / np.sqrt(n + K)))


def _count(values: Floats) -> Floats:
    return np.arange(1.0, len(values) + 1)[:, None]
