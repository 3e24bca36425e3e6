r"""Long-run variance: how uncertain a mean is when its terms remember each other.

Errors are of *equal-weighted cosines* (EWC), which Lazarus, Lewis, Stock and Watson (2018) recommend:
:math:`\Omega = \nu^{-1} \sum_{j=1}^{\nu} \Lambda_j^2`,
:math:`\Lambda_j = \sqrt{2/T} \sum_t z_t \cos(\pi j (t - 1/2) / T)`, with :math:`\nu = 0.4\,T^{2/3}`; the t-statistic is
Student with :math:`\nu` degrees of freedom (the normal distribution rejects too often). The variance of a path that
may break is Newey and West's (1987) with few lags.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil, nan, sqrt

import numpy as np

from research.diagnostics.inputs import whole
from research.units import Floats

MINIMUM_OBSERVATIONS = 24  # fewest observations for a p-value: EWC then has three degrees of freedom


def newey_west_lags(n_observations: int) -> int:
    r"""Lags L of the Bartlett kernel, :math:`\lceil 0.75\,T^{1/3} \rceil` (Stock and Watson)."""
    n = whole(n_observations, "n_observations", minimum=2)
    return int(min(ceil(0.75 * n ** (1 / 3)), n - 1))


def ewc_degrees_of_freedom(n_observations: int) -> int:
    r"""Number of cosines, :math:`\nu = \lfloor 0.4\,T^{2/3} \rfloor` and at least 1 (Lazarus et al. 2018)."""
    return max(1, int(0.4 * whole(n_observations, "n_observations", minimum=2) ** (2 / 3)))


def bartlett_variance(scores: Floats, lags: int) -> float:
    r"""Newey-West (1987) long-run variance of a mean-zero series.

    :math:`\Gamma_0 + 2 \sum_{j \le L} (1 - j/(L+1)) \Gamma_j`.
    """
    n = scores.size
    autocovariances = [float(scores[j:] @ scores[: n - j]) / n for j in range(lags + 1)]
    return autocovariances[0] + 2 * sum((1 - j / (lags + 1)) * autocovariances[j] for j in range(1, lags + 1))


def cosines(series: Floats) -> Floats:
    r"""Orthonormal cosines of each series, (..., T): root T times the mean, then the others from the lowest.

    :math:`\sqrt{2/T} \sum_t x_t \cos(\pi j (t + 1/2) / T)`: of the Fourier transform of the series and its mirror.
    """
    n = series.shape[-1]
    both = np.fft.rfft(np.concatenate([series, series[..., ::-1]], axis=-1))[..., :n]
    numbers = (both * np.exp(-0.5j * np.pi * np.arange(n) / n)).real / np.sqrt(2 * n)
    numbers[..., 0] /= np.sqrt(2)
    return np.asarray(numbers)


def cosine_variance(scores: Floats, degrees_of_freedom: int) -> Floats:
    """Equal-weighted-cosine long-run variance of each series, (..., T), (a constant in it drops out)."""
    projections = cosines(scores)[..., 1 : degrees_of_freedom + 1]
    return np.asarray((projections**2).sum(axis=-1) / degrees_of_freedom)


def effective_observations(scores: Floats) -> float:
    """Independent observations that would give the mean the same error; never more than there are."""
    n = scores.size
    variance = float(cosine_variance(scores, ewc_degrees_of_freedom(n)))
    return min(float(n), n * float(np.var(scores)) / variance) if variance > 0 else float(n)


def student_p_value(statistic: float, degrees_of_freedom: float) -> float:
    """Two-sided p-value of a t-statistic."""
    from scipy.special import stdtr

    return float(2 * stdtr(degrees_of_freedom, -abs(statistic)))


@dataclass(frozen=True)
class Estimate:
    """A number with its error: Student's t around it has so many degrees of freedom.

    NaN where the sample cannot give it.

    Attributes
    ----------
    value
        The number.
    error
        Its standard error.
    degrees_of_freedom
        Of the t around it.
    """

    value: float
    error: float
    degrees_of_freedom: float

    @classmethod
    def of_numbers(cls, numbers: Floats, unit: float = 1.0, degrees_of_freedom: float | None = None) -> Estimate:
        """The first number, and the root mean square of the others, both times ``unit``.

        Without other ``degrees_of_freedom`` it has as many as there are others.
        """
        nu = numbers.size - 1
        error = sqrt(float(numbers[1:] @ numbers[1:]) / nu) * abs(unit)
        return cls(float(numbers[0]) * unit, error, nu if degrees_of_freedom is None else degrees_of_freedom)

    @classmethod
    def of_influence(cls, value: float, influence: Floats, unit: float = 1.0) -> Estimate:
        """A ``value`` to which each period adds its ``influence`` (mean 0) over their number, both times ``unit``.

        Its error is that of equal-weighted cosines.
        """
        degrees = ewc_degrees_of_freedom(influence.size)
        return cls(value * unit, sqrt(cosine_variance(influence, degrees) / influence.size) * unit, degrees)

    @property
    def t(self) -> float:
        """The number over its error."""
        return self.value / self.error if self.error > 0 else nan

    @property
    def p_value(self) -> float:
        """Probability of such a t or a higher one where the truth is 0."""
        from scipy.special import stdtr

        return float(stdtr(self.degrees_of_freedom, -self.t))

    @property
    def two_sided(self) -> float:
        """Probability of a t as far from 0, or farther, where the truth is 0."""
        return student_p_value(self.t, self.degrees_of_freedom)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Bounds that hold the truth in ``level`` of cases, as many misses on either side."""
        half = self._quantile((1 + level) / 2)
        return self.value - half, self.value + half

    def upper_limit(self, level: float = 0.95) -> float:
        """One-sided: the truth lies under it in ``level`` of cases."""
        return self.value + self._quantile(level)

    def to_json(self) -> dict[str, float]:
        """With the 95 % interval."""
        low, high = self.interval()
        return {**asdict(self), "low": low, "high": high}

    def _quantile(self, probability: float) -> float:
        from scipy.special import stdtrit

        return float(stdtrit(self.degrees_of_freedom, probability)) * self.error


NOTHING = Estimate(nan, nan, 8)
