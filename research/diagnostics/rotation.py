r"""Many claims at once: p-values by rotation of their low frequencies, step-down.

A claim is :math:`\nu + 1` numbers (``timing``): the first is its mean, the others tell its
error. Under the null the rows of the matrix :math:`M` of a family, one column a claim, are for long samples independent
draws of one normal vector over the claims, however these correlate. So a family turned by a random unit vector
:math:`u` is as likely as the one seen, its means are :math:`u' M` and

:math:`t^* = u' M / \sqrt{(\sum_j M_j^2 - (u' M)^2) / \nu}`

has the very degrees of freedom of the single t. The largest over the claims gives the adjusted p of the largest seen,
the largest over the rest that of the next, and so on down; none is smaller than one before it. No block length is
chosen, and a copy of a claim costs nothing.

References: Langsrud (2005) for rotation tests; Westfall and Young (1993) for the step-down.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np

from research.units import Floats

N_ROTATIONS = 9_999
SEED = 20251201
AT_ONCE = 256  # claims in memory at one time


@dataclass(frozen=True, eq=False)
class Family:
    """A family of claims in one direction.

    Attributes
    ----------
    statistics
        t of each, ``(n_claims,)``.
    p_values
        Adjusted, one-sided, ``(n_claims,)``.
    largest
        Largest t of all claims in each rotation, ``(n_rotations,)``.
    degrees_of_freedom
        Common to all: those of the shortest claim.
    """

    statistics: Floats
    p_values: Floats
    largest: Floats
    degrees_of_freedom: int

    def critical_value(self, level: float) -> float:
        """What the largest t must reach.

        Parameters
        ----------
        level
            Of the whole family.
        """
        return float(np.quantile(self.largest, 1 - level))


def rotate(numbers: Floats, *, n_rotations: int = N_ROTATIONS, seed: int = SEED) -> Family:
    """Judge a family.

    Parameters
    ----------
    numbers
        ``(nu + 1, n_claims)``, of one common nu; no column is all zero.
    n_rotations, seed
        Of the draws, which are the same for every family of one nu.
    """
    nu, n_claims = numbers.shape[0] - 1, numbers.shape[1]
    squares = (numbers**2).sum(axis=0)
    seen = _t(numbers[0], squares, nu)
    directions = _directions(nu, n_rotations, seed)
    ascending = np.argsort(seen, kind="stable")
    exceeded, largest = np.empty(n_claims), np.full(n_rotations, -np.inf)
    for first in range(0, n_claims, AT_ONCE):
        claims = ascending[first : first + AT_ONCE]
        rotated = _t(directions @ numbers[:, claims], squares[claims], nu)
        np.maximum(rotated[:, 0], largest, out=rotated[:, 0])
        np.maximum.accumulate(rotated, axis=1, out=rotated)  # over each claim and those below it
        exceeded[claims] = (rotated >= seen[claims]).sum(axis=0)
        largest = rotated[:, -1].copy()
    p_values = (1 + exceeded) / (n_rotations + 1)
    p_values[ascending] = np.maximum.accumulate(p_values[ascending][::-1])[::-1]
    return Family(seen, p_values, largest, nu)


def monte_carlo_error(p_value: float, n_rotations: int = N_ROTATIONS) -> float:
    """Standard error of a p-value that was counted.

    Parameters
    ----------
    p_value
        As counted.
    n_rotations
        Of how many.
    """
    return sqrt(p_value * (1 - p_value) / n_rotations)


@lru_cache(maxsize=4)
def _directions(nu: int, n_rotations: int, seed: int) -> Floats:
    """Random unit vectors, ``(n_rotations, nu + 1)``."""
    found = np.random.default_rng(seed).standard_normal((n_rotations, nu + 1))
    found /= np.linalg.norm(found, axis=1)[:, None]
    return found


def _t(means: Floats, squares: Floats, nu: int) -> Floats:
    return np.asarray(means / np.sqrt(np.maximum(squares - means**2, 1e-300) / nu))
