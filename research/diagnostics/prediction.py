r"""Does the signal predict the metal? Regressions that know about overlap and persistence.

Timing, as everywhere in the engine: a value known at bar t is filled at t + delay, so over a horizon of J bars it
predicts :math:`r_{t+delay+1} + \dots + r_{t+delay+J}`. Two things fake predictability: overlapping returns make
errors look small (Hodrick 1992), and a persistent predictor whose shocks go with returns has a biased slope
(Stambaugh 1999).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
import pandas as pd

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import FloatArray, SeriesLike, aligned, fraction, whole
from research.diagnostics.long_run import (
    MINIMUM_OBSERVATIONS,
    cosine_variance,
    effective_observations,
    ewc_degrees_of_freedom,
    student_critical_value,
    student_p_value,
)
from research.errors import DataError

MINIMUM_EFFECTIVE = 6
"""Fewest effective observations for a p-value."""


def predictive_regression(
    returns: SeriesLike, predictor: SeriesLike, *, horizon: int, delay: int = 1, level: float = 0.95
) -> Finding:
    r"""Return over the next ``horizon`` bars for one standard deviation of the predictor.

    The slope is the overlapping OLS slope less its small-sample bias (:func:`long_horizon_bias`); its
    error is Hodrick's (1992) 1B, which takes no autocovariance of overlapping sums but uses that, under the
    null, :math:`\sum_t (r_{t+1}+\dots+r_{t+J}) x_t = \sum_t r_{t+1} (x_t + \dots + x_{t-J+1})`.

    Parameters
    ----------
    returns
        Return of the metal per bar, shape (T,).
    predictor
        The signal as known at the end of each bar, on the same index.
    horizon
        J, bars ahead.
    delay
        Bars between knowing and the fill, as in the execution; 0 is the textbook regression on the next return.
    level
        Confidence of the interval.

    Returns
    -------
    Finding
        A fraction over the horizon per standard deviation. No p-value with under 6 effective observations.
        The details hold the naive (i.i.d.) test and Hodrick's without the bias correction.

    Raises
    ------
    DataError
        For missing or misaligned data, a predictor that never moves, or under 24 observations and two horizons.

    References
    ----------
    Hodrick (1992); Stambaugh (1999); Boudoukh, Israel and Richardson (2022) for the bias at long horizons.
    """
    r, x = aligned(returns=returns, predictor=predictor, minimum=MINIMUM_OBSERVATIONS)
    j = whole(horizon, "horizon", minimum=1)
    lag = whole(delay, "delay", minimum=0)
    fraction(level, "level")
    if r.size < lag + 2 * j + 2 or r.size - lag - j < MINIMUM_OBSERVATIONS:
        raise DataError(f"returns: {r.size} observations are too few for a horizon of {j}; use a shorter one")
    spread = _spread(x)
    x = (x - x.mean()) / spread
    n = r.size - lag - j
    ahead = _overlapping_sums(r[1 + lag :], j)
    known = x[:n] - x[:n].mean()
    slope = float(known @ ahead) / float(known @ known)
    dynamics = predictor_dynamics(r, x)
    bias = long_horizon_bias(dynamics, n_observations=n, horizon=j, delay=lag)
    error = _hodrick_error(r, x, horizon=j, delay=lag, sum_of_squares=float(known @ known))
    estimate = slope - bias
    effective = overlap_effective_n(n, horizon=j, persistence=min(max(dynamics.persistence, 0.0), 0.9999))
    judged = effective >= MINIMUM_EFFECTIVE
    degrees = n - 2
    statistic = estimate / error
    half_width = student_critical_value(level, degrees) * error
    residuals = ahead - ahead.mean() - slope * known
    naive = sqrt(float(residuals @ residuals) / degrees / float(known @ known))
    p_value = student_p_value(statistic, degrees)
    direction = "higher" if estimate > 0 else "lower"
    return Finding(
        name="predictive_regression",
        estimate=estimate,
        unit=f"fraction over {j} bars per standard deviation of the predictor",
        null="the predictor says nothing about the return",
        alternative="it does (two-sided)",
        interval=(estimate - half_width, estimate + half_width) if judged else None,
        level=level,
        statistic=statistic if judged else None,
        p_value=p_value if judged else None,
        effective_n=effective,
        method=f"overlapping OLS, delay {lag}, slope less its bias, Hodrick 1B error, t with {degrees} degrees of freedom",
        reference="Hodrick (1992); Stambaugh (1999); Boudoukh, Israel and Richardson (2022)",
        sentence=(
            f"One standard deviation more of the signal went with a {direction} return of {abs(estimate):.2%} over "
            f"{j} bars; a signal that says nothing would show as much in {p_value:.1%} of histories."
            if judged
            else f"{r.size} bars hold {effective:.1f} independent looks at a horizon of {j}: too few for a p-value."
        ),
        details={
            "horizon": j,
            "delay": lag,
            "slope_uncorrected": slope,
            "bias": bias,
            "predictor_standard_deviation": spread,
            "persistence": dynamics.persistence,
            "innovation_slope": dynamics.innovation_slope,
            "standard_error_hodrick": error,
            "p_value_hodrick_uncorrected": student_p_value(slope / error, degrees) if judged else None,
            "standard_error_naive": naive,
            "p_value_naive": student_p_value(slope / naive, degrees) if judged else None,
            "n_observations": n,
        },
    )


def predictive_regressions(
    returns: SeriesLike, predictor: SeriesLike, *, horizons: Iterable[int], delay: int = 1, level: float = 0.95
) -> tuple[Finding, ...]:
    """:func:`predictive_regression` at every horizon, in the order given."""
    return tuple(
        predictive_regression(returns, predictor, horizon=horizon, delay=delay, level=level) for horizon in horizons
    )


def augmented_regression(returns: SeriesLike, predictor: SeriesLike, *, level: float = 0.95) -> Finding:
    r"""Slope of the next bar's return on a persistent predictor, freed of Stambaugh's bias.

    With :math:`\rho^c = \hat\rho + (1+3\hat\rho)/T + 3(1+3\hat\rho)/T^2` and the innovations
    :math:`v^c_{t+1} = x_{t+1} - \theta^c - \rho^c x_t`, regress :math:`r_{t+1}` on :math:`x_t` and :math:`v^c_{t+1}`. The error adds
    the uncertainty of :math:`\rho^c`: :math:`\hat\phi^2 (1 + 3/T + 9/T^2)^2 Var(\hat\rho) + Var(\hat\beta^c)`.

    It explains the return with the next value of the predictor, so it is a test and no trading rule.

    References
    ----------
    Amihud and Hurvich (2004).
    """
    r, x = aligned(returns=returns, predictor=predictor, minimum=MINIMUM_OBSERVATIONS)
    fraction(level, "level")
    spread = _spread(x)
    x = (x - x.mean()) / spread
    n = r.size - 1
    dynamics = predictor_dynamics(r, x)
    innovations = x[1:] - x[1:].mean() - dynamics.persistence_corrected * (x[:-1] - x[:-1].mean())
    design = np.column_stack([np.ones(n), x[:-1], innovations])
    coefficients, residuals, inverse = _ols(design, r[1:])
    estimate, phi = float(coefficients[1]), float(coefficients[2])
    conditional = float(residuals @ residuals) / (n - 3) * float(inverse[1, 1])
    error = sqrt((phi * (1 + 3 / n + 9 / n**2)) ** 2 * dynamics.persistence_variance + conditional)
    statistic = estimate / error
    p_value = student_p_value(statistic, n - 3)
    half_width = student_critical_value(level, n - 3) * error
    plain, plain_residuals, plain_inverse = _ols(design[:, :2], r[1:])
    plain_error = sqrt(float(plain_residuals @ plain_residuals) / (n - 2) * float(plain_inverse[1, 1]))
    return Finding(
        name="augmented_regression",
        estimate=estimate,
        unit="fraction a bar per standard deviation of the predictor",
        null="the predictor says nothing about the next return",
        alternative="it does (two-sided)",
        interval=(estimate - half_width, estimate + half_width),
        level=level,
        statistic=statistic,
        p_value=p_value,
        effective_n=float(n),
        method=f"augmented regression with second-order corrected persistence, t with {n - 3} degrees of freedom",
        reference="Amihud and Hurvich (2004)",
        sentence=(
            f"Freed of the bias that persistence brings, one standard deviation of the signal went with {estimate:+.2%} "
            f"in the next bar; a signal that says nothing would show as much in {p_value:.1%} of histories."
        ),
        details={
            "slope_uncorrected": float(plain[1]),
            "p_value_uncorrected": student_p_value(float(plain[1]) / plain_error, n - 2),
            "standard_error": error,
            "persistence": dynamics.persistence,
            "persistence_corrected": dynamics.persistence_corrected,
            "innovation_slope": phi,
            "predictor_standard_deviation": spread,
        },
    )


def incremental_value(
    returns: SeriesLike,
    predictor: SeriesLike,
    controls: pd.DataFrame | Mapping[str, SeriesLike],
    *,
    delay: int = 1,
    level: float = 0.95,
) -> Finding:
    r"""What the signal adds to things anyone could know: :math:`r_{t+delay+1} = a + b\,x_t + c' z_t + u`.

    All regressors are standardised. The error of b is the equal-weighted-cosine one of its influence, as
    in :func:`~research.diagnostics.performance.timing_alpha`.

    Parameters
    ----------
    returns, predictor
        As in :func:`predictive_regression`.
    controls
        Named series known at the end of each bar on the same index, e.g. :func:`momentum_and_ratio`.

    Raises
    ------
    DataError
        For missing or misaligned data, or a predictor that the controls make up entirely.
    """
    names = [str(name) for name in controls]
    columns = {f"control {name}": controls[name] for name in controls}
    r, x, *rest = aligned(returns=returns, predictor=predictor, minimum=MINIMUM_OBSERVATIONS + 2, **columns)
    lag = whole(delay, "delay", minimum=0)
    fraction(level, "level")
    n = r.size - lag - 1
    if n < MINIMUM_OBSERVATIONS + len(names):
        raise DataError(f"returns: {r.size} observations are too few for {len(names)} controls; use fewer")
    standard = [(column - column.mean()) / _spread(column) for column in (x, *rest)]
    design = np.column_stack([np.ones(n), *(column[:n] for column in standard)])
    target = r[1 + lag :]
    others = np.delete(design, 1, axis=1)
    unexplained = _ols(others, design[:, 1])[1]
    if float(unexplained @ unexplained) <= 1e-10 * n:
        raise DataError("predictor: the controls make it up entirely, so it cannot add to them; drop the one it copies")
    coefficients, residuals, inverse = _ols(design, target)
    estimate = float(coefficients[1])
    influence = n * residuals * (design @ inverse[:, 1])
    degrees = ewc_degrees_of_freedom(n)
    variance = cosine_variance(influence, degrees)
    error = sqrt(variance / n)
    statistic = estimate / error if error > 0 else nan
    p_value = student_p_value(statistic, degrees) if error > 0 else None
    half_width = student_critical_value(level, degrees) * error
    total = float(((target - target.mean()) ** 2).sum())
    without = _ols(others, target)[1]
    listed = " and ".join(names) if names else "nothing else"
    return Finding(
        name="incremental_value",
        estimate=estimate,
        unit="fraction a bar per standard deviation of the predictor",
        null=f"beside {listed}, the predictor adds nothing",
        alternative="it adds something (two-sided)",
        interval=(estimate - half_width, estimate + half_width),
        level=level,
        statistic=statistic,
        p_value=p_value,
        effective_n=effective_observations(influence, variance),
        method=f"OLS, delay {lag}; equal-weighted-cosine error, t with {degrees} degrees of freedom",
        reference="Lazarus, Lewis, Stock and Watson (2018)",
        sentence=(
            f"Beside {listed}, one standard deviation of the signal still went with {estimate:+.2%} in the next bar"
            + (f" (p = {p_value:.3f})." if p_value is not None else ".")
        ),
        details={
            "standard_error": error,
            "degrees_of_freedom": degrees,
            "r_squared": 1 - float(residuals @ residuals) / total,
            "r_squared_controls_only": 1 - float(without @ without) / total,
            "control_slopes": dict(zip(names, coefficients[2:].tolist(), strict=True)),
            "share_explained_by_controls": 1 - float(unexplained @ unexplained) / float(design[:, 1] @ design[:, 1]),
        },
    )


def momentum_and_ratio(
    metal_price: pd.Series, gold_price: pd.Series, silver_price: pd.Series, *, periods_per_year: int
) -> pd.DataFrame:
    r"""The two controls anyone could know: 12-month momentum and the gold/silver ratio, both in logs.

    ``momentum_12m`` is :math:`\ln(P_t / P_{t-q})`, ``gold_silver_ratio`` :math:`\ln(Au_t / Ag_t)`. The first year has no
    momentum and is left out; cut returns and predictor to the same dates.
    """
    metal, gold, silver = aligned(metal_price=metal_price, gold_price=gold_price, silver_price=silver_price)
    q = whole(periods_per_year, "periods_per_year", minimum=1)
    if min(metal.min(), gold.min(), silver.min()) <= 0:
        raise DataError("metal_price: prices must be above 0 for logarithms; check the series")
    if metal.size <= q:
        raise DataError(f"metal_price: {metal.size} prices hold no {q} periods of momentum; use a longer sample")
    return pd.DataFrame(
        {
            "momentum_12m": np.log(metal[q:] / metal[:-q]),
            "gold_silver_ratio": np.log(gold[q:] / silver[q:]),
        },
        index=metal_price.index[q:],
    )


@dataclass(frozen=True, kw_only=True)
class PredictorDynamics:
    r"""The predictor as AR(1), :math:`x_{t+1} = \theta + \rho x_t + v_{t+1}`, beside :math:`r_{t+1} = \alpha + \beta x_t + u_{t+1}`.

    Attributes
    ----------
    persistence
        :math:`\hat\rho`.
    persistence_corrected
        :math:`\rho^c` of Amihud and Hurvich (2004), at most 1.
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
    own, shocks, inverse = _ols(design, predictor[1:])
    residuals = _ols(design, returns[1:])[1]
    rho = float(own[1])
    variation = float(shocks @ shocks)
    corrected = rho + (1 + 3 * rho) / n + 3 * (1 + 3 * rho) / n**2
    return PredictorDynamics(
        persistence=rho,
        persistence_corrected=min(corrected, 1.0),
        persistence_variance=variation / (n - 2) * float(inverse[1, 1]),
        innovation_slope=float(residuals @ shocks) / variation if variation > 0 else 0.0,
    )


def stambaugh_bias(*, innovation_slope: float, persistence: float, n_observations: int) -> float:
    r"""Bias of the one-step slope, :math:`E[\hat\beta - \beta] \approx -\phi (1 + 3\rho) / T` (Stambaugh 1999)."""
    return -innovation_slope * (1 + 3 * persistence) / whole(n_observations, "n_observations", minimum=1)


def long_horizon_bias(dynamics: PredictorDynamics, *, n_observations: int, horizon: int, delay: int = 0) -> float:
    r"""Bias of the J-step slope when the predictor says nothing.

    .. math:: -\frac{\phi}{T} \sum_{k=1+delay}^{J+delay} \left( 1 + \rho + 2\rho^k \right)

    With no delay the sum is :math:`J(1+\rho) + 2\rho(1-\rho^J)/(1-\rho)` (Boudoukh, Israel and Richardson 2022), and at J = 1
    :func:`stambaugh_bias`. The term k is the bias of the slope of a shock k bars ahead:
    :math:`-(1+\rho)/T` from the estimated mean and :math:`-2\rho^k/T` from the estimated variance. The corrected
    persistence, never over 1, stands for :math:`\rho`.
    """
    rho = dynamics.persistence_corrected
    steps = np.arange(1 + delay, 1 + delay + horizon)
    return float(-dynamics.innovation_slope * np.sum(1 + rho + 2 * rho**steps) / n_observations)


def overlap_effective_n(n_observations: int, *, horizon: int, persistence: float) -> float:
    r"""Non-overlapping observations to which T overlapping ones amount, with an AR(1) predictor.

    :math:`(T/J) \big/ \left( [J + 2 \sum_{l<J} (J-l) \rho^l] / J^2 \right)` (Boudoukh, Richardson and Whitelaw 2008): T for a predictor
    without memory, near T/J for a persistent one; never more than T.
    """
    t, j = whole(n_observations, "n_observations", minimum=1), whole(horizon, "horizon", minimum=1)
    lags = np.arange(1, j)
    ratio = (j + 2 * float(np.sum((j - lags) * persistence**lags))) / j**2
    return min(float(t), t / j / ratio) if ratio > 0 else float(t)


def _hodrick_error(r: FloatArray, x: FloatArray, *, horizon: int, delay: int, sum_of_squares: float) -> float:
    """Hodrick's 1B: returns, less their mean, times the sum of the predictors whose windows hold them."""
    n_known = r.size - delay - horizon
    centred = x[:n_known] - x[:n_known].mean()
    padded = np.concatenate([np.zeros(horizon - 1), centred, np.zeros(horizon - 1)])
    summed = _overlapping_sums(padded, horizon)
    innovations = (r - r.mean())[1 + delay : 1 + delay + summed.size]
    products = innovations * summed
    n = products.size
    return sqrt(float(products @ products) * n / (n - 2)) / sum_of_squares


def _overlapping_sums(values: FloatArray, length: int) -> FloatArray:
    running = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(running[length:] - running[:-length])


def _ols(design: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    inverse = np.linalg.pinv(design.T @ design)
    coefficients = np.linalg.lstsq(design, target, rcond=None)[0]
    return coefficients, target - design @ coefficients, inverse


def _spread(values: FloatArray) -> float:
    spread = float(values.std())
    if spread <= 1e-12 * (1e-12 + float(np.abs(values).max())):
        raise DataError("predictor: it or a control never moves, so it can predict nothing; check the series")
    return spread
