"""Persistent predictors: the bias they bring, and how few looks overlapping windows really are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from research.diagnostics.inputs import FloatArray, whole
from research.errors import DataError


@dataclass(frozen=True, kw_only=True)
class PredictorDynamics:
    r"""The predictor as AR(1), beside the predictive regression.

    :math:`x_{t+1} = \theta + \rho x_t + v_{t+1}` and :math:`r_{t+1} = \alpha + \beta x_t + u_{t+1}`.

    Attributes
    ----------
    persistence
        :math:`\hat\rho`.
    persistence_corrected
        :math:`\rho^c` of Amihud and Hurvich (2004); it may pass 1 and is left there, as capping it
        would leave more of the bias in.
    persistence_variance
        :math:`Var(\hat\rho)`.
    innovation_slope
        :math:`\phi = \sigma_{uv} / \sigma_v^2`.
    """

    persistence: float
    persistence_corrected: float
    persistence_variance: float
    innovation_slope: float


def predictor_dynamics(returns: FloatArray, predictor: FloatArray) -> PredictorDynamics:
    """Estimate the predictor's persistence and how its shocks go with returns."""
    n = predictor.size - 1
    design = np.column_stack([np.ones(n), predictor[:-1]])
    own, shocks, inverse = least_squares(design, predictor[1:])
    residuals = least_squares(design, returns[1:])[1]
    rho = float(own[1])
    variation = float(shocks @ shocks)
    corrected = rho + (1 + 3 * rho) / n + 3 * (1 + 3 * rho) / n**2
    return PredictorDynamics(
        persistence=rho,
        persistence_corrected=corrected,
        persistence_variance=variation / (n - 2) * float(inverse[1, 1]),
        innovation_slope=float(residuals @ shocks) / variation if variation > 0 else 0.0,
    )


def long_horizon_bias(dynamics: PredictorDynamics, *, n_observations: int, horizon: int, delay: int = 0) -> float:
    r"""Bias of the J-step slope when the predictor says nothing.

    :math:`-\frac{\phi}{T} \sum_{k=1+delay}^{J+delay} \left( 1 + \rho + 2\rho^k \right)`

    With no delay the sum is :math:`J(1+\rho) + 2\rho(1-\rho^J)/(1-\rho)` (Boudoukh, Israel and Richardson
    2022), and at J = 1 Stambaugh's (1999) :math:`-\phi(1+3\rho)/T`. The term k is the bias of the slope of a
    shock k bars ahead: :math:`-(1+\rho)/T` from the estimated mean and :math:`-2\rho^k/T` from the estimated
    variance. The corrected persistence, never over 1, stands for :math:`\rho`.
    """
    rho = min(dynamics.persistence_corrected, 1.0)
    steps = np.arange(1 + delay, 1 + delay + horizon)
    return float(-dynamics.innovation_slope * np.sum(1 + rho + 2 * rho**steps) / n_observations)


def overlap_effective_n(n_observations: int, *, horizon: int, persistence: float) -> float:
    r"""Non-overlapping observations to which T overlapping ones amount, with an AR(1) predictor.

    :math:`(T/J) \big/ \left( [J + 2 \sum_{l<J} (J-l) \rho^l] / J^2 \right)` (Boudoukh, Richardson and
    Whitelaw 2008): T for a predictor without memory, near T/J for a persistent one; never more than T.
    """
    t, j = whole(n_observations, "n_observations", minimum=1), whole(horizon, "horizon", minimum=1)
    lags = np.arange(1, j)
    ratio = (j + 2 * float(np.sum((j - lags) * persistence**lags))) / j**2
    return min(float(t), t / j / ratio) if ratio > 0 else float(t)


def least_squares(design: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Coefficients, residuals and (X'X)^-1."""
    inverse = np.asarray(np.linalg.pinv(design.T @ design), dtype=np.float64)
    coefficients = np.asarray(np.linalg.lstsq(design, target, rcond=None)[0], dtype=np.float64)
    return coefficients, target - design @ coefficients, inverse


def spread_of(values: FloatArray) -> float:
    """Standard deviation of a regressor (divisor T); a constant one is an error."""
    spread = float(values.std())
    if spread <= 1e-12 * (1e-12 + float(np.abs(values).max())):
        raise DataError("predictor: it or a control never moves, so it can predict nothing; check the series")
    return spread
