r"""Long-run variance: how uncertain a mean is when its terms remember each other.

Two estimators that Lazarus, Lewis, Stock and Watson (2018) recommend, each with the distribution that
belongs to it (the normal one rejects too often):

- *equal-weighted cosine* (EWC): :math:`\Omega = \nu^{-1} \sum_{j=1}^{\nu} \Lambda_j^2`,
  :math:`\Lambda_j = \sqrt{2/T} \sum_t z_t \cos(\pi j (t - 1/2) / T)`, with :math:`\nu = 0.4\,T^{2/3}`;
  the t-statistic is Student with :math:`\nu` degrees of freedom.
- *Newey-West* with a long lag, :math:`L + 1 = 1.3 \sqrt T`, and fixed-b critical values.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, floor, pi, sqrt
from typing import Literal

import numpy as np

from research.diagnostics.inputs import FloatArray, whole
from research.errors import ParameterError

LagRule = Literal["newey-west 1994", "textbook", "lazarus 2018"]

MINIMUM_OBSERVATIONS = 24
"""Fewest observations for a p-value: EWC then has three degrees of freedom."""


def newey_west_lags(n_observations: int, rule: LagRule = "lazarus 2018") -> int:
    r"""Lag truncation L of the Bartlett kernel, weights :math:`1 - j/(L+1)`.

    ``"newey-west 1994"``: :math:`\lfloor 4 (T/100)^{2/9} \rfloor`; ``"textbook"``:
    :math:`\lceil 0.75\,T^{1/3} \rceil` (Stock and Watson); ``"lazarus 2018"``: :math:`\lceil 1.3 \sqrt T
    \rceil - 1`.

    Raises
    ------
    ParameterError
        For an unknown rule or fewer than 2 observations.
    """
    n = whole(n_observations, "n_observations", minimum=2)
    if rule == "newey-west 1994":
        lags = floor(4 * (n / 100) ** (2 / 9))
    elif rule == "textbook":
        lags = ceil(0.75 * n ** (1 / 3))
    elif rule == "lazarus 2018":
        lags = ceil(1.3 * sqrt(n)) - 1
    else:
        raise ParameterError(f"rule: {rule!r} is unknown; there are: newey-west 1994, textbook, lazarus 2018")
    return int(min(lags, n - 1))


def ewc_degrees_of_freedom(n_observations: int) -> int:
    r"""Number of cosines, :math:`\nu = \lfloor 0.4\,T^{2/3} \rfloor` and at least 1 (Lazarus et al. 2018)."""
    return max(1, int(0.4 * whole(n_observations, "n_observations", minimum=2) ** (2 / 3)))


def bartlett_variance(scores: FloatArray, lags: int) -> float:
    r"""Newey-West (1987) long-run variance of a mean-zero series.

    :math:`\Gamma_0 + 2 \sum_{j \le L} (1 - j/(L+1)) \Gamma_j`.
    """
    n = scores.size
    autocovariances = [float(scores[j:] @ scores[: n - j]) / n for j in range(lags + 1)]
    return autocovariances[0] + 2 * sum((1 - j / (lags + 1)) * autocovariances[j] for j in range(1, lags + 1))


def cosine_variance(scores: FloatArray, degrees_of_freedom: int) -> float:
    """Equal-weighted-cosine long-run variance of a series (a constant in it drops out)."""
    from scipy.fft import dct

    projections = dct(scores, type=2, norm="ortho")[1 : degrees_of_freedom + 1]
    return float(projections @ projections) / degrees_of_freedom


def effective_observations(scores: FloatArray, long_run_variance: float) -> float:
    """Independent observations that would give the mean the same error; never more than there are."""
    if long_run_variance <= 0:
        return float(scores.size)
    return min(float(scores.size), scores.size * float(np.var(scores)) / long_run_variance)


def student_p_value(statistic: float, degrees_of_freedom: float) -> float:
    """Two-sided p-value of a t-statistic."""
    from scipy.special import stdtr

    return float(2 * stdtr(degrees_of_freedom, -abs(statistic)))


def student_critical_value(level: float, degrees_of_freedom: float) -> float:
    """Half-width, in standard errors, of a two-sided interval at ``level``."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees_of_freedom, (1 + level) / 2))


def fixed_b_p_value(statistic: float, b: float) -> float:
    r"""Two-sided p-value of a Bartlett t-statistic under fixed-b asymptotics (Kiefer and Vogelsang 2005).

    The limit is :math:`W(1)/\sqrt{Q_b}` with :math:`Q_b = \sum_i \lambda_i \chi^2_{1,i}` independent of
    :math:`W(1)`, where :math:`\lambda_i` are the eigenvalues of the Bartlett kernel between demeaned times.
    Craig's form of the normal tail makes the p-value one smooth integral, so nothing is simulated or
    tabulated:

    :math:`p = \frac{2}{\pi} \int_0^{\pi/2} \prod_i (1 + t^2 \lambda_i / \sin^2\theta)^{-1/2} d\theta .`

    With 400 times and 64 angles a p-value near 5 % is right to 0.3 % of itself.

    Parameters
    ----------
    statistic
        The t-statistic.
    b
        Share of the sample in the kernel's window, :math:`(L + 1)/T`, in (0, 1].
    """
    if not 0 < b <= 1:
        raise ParameterError(f"b: {b!r} is not in (0, 1]; it is the lag window as a share of the sample")
    nodes = (np.arange(_THETA_NODES) + 0.5) * pi / (2 * _THETA_NODES)
    scaled = statistic**2 * _bartlett_eigenvalues(round(b, 6))
    logs = np.log1p(scaled[None, :] / np.sin(nodes)[:, None] ** 2).sum(axis=1)
    return float(min(1.0, np.exp(-0.5 * logs).mean()))


_THETA_NODES = 64
_TIME_NODES = 400


@lru_cache(maxsize=64)
def _bartlett_eigenvalues(b: float) -> FloatArray:
    times = (np.arange(_TIME_NODES) + 0.5) / _TIME_NODES
    kernel = np.maximum(0.0, 1 - np.abs(times[:, None] - times[None, :]) / b)
    kernel -= kernel.mean(axis=0)
    kernel -= kernel.mean(axis=1)[:, None]
    eigenvalues = np.linalg.eigvalsh(kernel) / _TIME_NODES
    eigenvalues.flags.writeable = False
    return np.maximum(eigenvalues, 0.0)
