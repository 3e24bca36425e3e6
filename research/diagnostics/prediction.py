r"""Does the signal predict the metal? Regressions that know about overlap and persistence.

Timing, as everywhere in the engine: a value known at bar t is filled at t + delay, so over a horizon of J
bars it predicts :math:`r_{t+delay+1} + \dots + r_{t+delay+J}`. Two things fake predictability: overlapping
returns make errors look small (Hodrick 1992), and a persistent predictor whose shocks go with returns has a
biased slope (Stambaugh 1999). And a signal that prices forecast, and that does not forecast prices, is only their echo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import SeriesLike, aligned, spread_of, whole
from research.diagnostics.long_run import MINIMUM_OBSERVATIONS, Estimate, effective_observations, student_p_value
from research.errors import DataError
from research.units import Floats

MINIMUM_EFFECTIVE = 6  # fewest effective observations for a p-value


def predictive_regression(returns: SeriesLike, predictor: SeriesLike, *, horizon: int, delay: int = 1) -> Finding:
    r"""Return over the next ``horizon`` bars for one standard deviation of the predictor.

    The slope is the overlapping OLS slope less its small-sample bias (``long_horizon_bias``); its
    error is Hodrick's (1992) 1B, which takes no autocovariance of overlapping sums but uses that, under the
    null, :math:`\sum_t (r_{t+1}+\dots+r_{t+J}) x_t = \sum_t r_{t+1} (x_t + \dots + x_{t-J+1})`.

    What the correction cannot mend is the dispersion of a slope on a predictor near a unit root: with an
    autocorrelation of 0.98 and shocks -0.9 correlated with returns it rejects at 5 % in 6 to 8 % of samples of 480
    bars, the naive test over 12 bars in 59 % (``python -m tests.calibration``).

    Parameters
    ----------
    returns
        Return of the metal per bar, shape (T,).
    predictor
        The signal as known at the end of each bar, on the same index.
    horizon
        J, bars ahead.
    delay
        Bars between knowing and the fill, as in the execution; 0 is the textbook regression on the next
        return.

    Returns
    -------
    Finding
        A fraction over the horizon per standard deviation. No p-value with under 6 effective observations.
        The details hold the naive (i.i.d.) test and Hodrick's without the bias correction.

    Raises
    ------
    DataError
        For missing or misaligned data, a predictor that never moves, or under 24 observations and two
        horizons.

    References
    ----------
    Hodrick (1992); Stambaugh (1999); Boudoukh, Israel and Richardson (2022) for the bias at long horizons.
    """
    r, x = aligned(returns=returns, predictor=predictor, minimum=MINIMUM_OBSERVATIONS)
    j = whole(horizon, "horizon", minimum=1)
    lag = whole(delay, "delay", minimum=0)
    n, degrees = r.size - lag - j, r.size - lag - j - 2
    if r.size < lag + 2 * j + 2 or n < MINIMUM_OBSERVATIONS:
        raise DataError(f"returns: {r.size} observations are too few for a horizon of {j}; use a shorter one")
    spread = spread_of(x, "predictor")
    x = (x - x.mean()) / spread
    known = x[:n] - x[:n].mean()
    naive = ordinary(np.column_stack([np.ones(n), known]), _overlapping_sums(r[1 + lag :], j))
    dynamics = predictor_dynamics(r, x)
    bias = long_horizon_bias(dynamics, n_observations=n, horizon=j, delay=lag)
    error = _hodrick_error(r, x, horizon=j, delay=lag, sum_of_squares=float(known @ known))
    found = Estimate(naive.value - bias, error, degrees)
    effective = overlap_effective_n(n, horizon=j, persistence=min(max(dynamics.persistence, 0.0), 0.9999))
    judged = effective >= MINIMUM_EFFECTIVE
    return Finding.of(
        "predictive_regression",
        found if judged else found.value,
        says="told" if judged else "few",
        effective_n=effective,
        details={
            "horizon": j,
            "delay": lag,
            "slope_uncorrected": naive.value,
            "bias": bias,
            "predictor_standard_deviation": spread,
            "persistence": dynamics.persistence,
            "innovation_slope": dynamics.innovation_slope,
            "standard_error_hodrick": error,
            "p_value_hodrick_uncorrected": student_p_value(naive.value / error, degrees) if judged else None,
            "standard_error_naive": naive.error,
            "p_value_naive": naive.two_sided if judged else None,
            "n_observations": n,
        },
        degrees=degrees,
        direction="higher" if found.value > 0 else "lower",
        size=abs(found.value),
        bars=r.size,
    )


def incremental_value(
    returns: SeriesLike,
    predictor: SeriesLike,
    controls: pd.DataFrame | Mapping[str, SeriesLike],
    *,
    delay: int = 1,
) -> Finding:
    r"""What the signal adds to things anyone could know: :math:`r_{t+delay+1} = a + b\,x_t + c' z_t + u`.

    All regressors are standardised. The error of b is the equal-weighted-cosine one of its influence, as
    in ``jensen_alpha``.

    Parameters
    ----------
    returns, predictor
        As in ``predictive_regression``.
    controls
        Named series known at the end of each bar on the same index, e.g. ``momentum_and_ratio``.
    delay
        Bars between knowing and the fill.

    Raises
    ------
    DataError
        For missing or misaligned data, or a predictor that the controls make up entirely.
    """
    names = [str(name) for name in controls]
    columns = {f"control {name}": series for name, series in controls.items()}
    r, x, *rest = aligned(returns=returns, predictor=predictor, minimum=MINIMUM_OBSERVATIONS + 2, **columns)
    lag = whole(delay, "delay", minimum=0)
    n = r.size - lag - 1
    if n < MINIMUM_OBSERVATIONS + len(names):
        raise DataError(f"returns: {r.size} observations are too few for {len(names)} controls; use fewer")
    named = zip(["predictor", *columns], (x, *rest), strict=True)
    standard = [(column - column.mean()) / spread_of(column, name) for name, column in named]
    design = np.column_stack([np.ones(n), *(column[:n] for column in standard)])
    target = r[1 + lag :]
    others = np.delete(design, 1, axis=1)
    unexplained = least_squares(others, design[:, 1])[1]
    if float(unexplained @ unexplained) <= 1e-10 * n:
        raise DataError("predictor: the controls make it up entirely, so it cannot add to them; drop the one it copies")
    coefficients, residuals, inverse = least_squares(design, target)
    influence = n * residuals * (design @ inverse[:, 1])
    found = Estimate.of_influence(float(coefficients[1]), influence)
    if not found.error > 0:
        raise DataError("returns: the regressors explain them without error; check that none is a copy of them")
    total = float(((target - target.mean()) ** 2).sum())
    without = least_squares(others, target)[1]
    return Finding.of(
        "incremental_value",
        found,
        effective_n=effective_observations(influence),
        details={
            "standard_error": found.error,
            "degrees_of_freedom": found.degrees_of_freedom,
            "r_squared": 1 - float(residuals @ residuals) / total,
            "r_squared_controls_only": 1 - float(without @ without) / total,
        },
        controls=" and ".join(names) if names else "nothing else",
        delay=lag,
    )


def momentum_and_ratio(
    metal_price: pd.Series, gold_price: pd.Series, silver_price: pd.Series, *, periods_per_year: int
) -> pd.DataFrame:
    r"""The two controls anyone could know: 12-month momentum and the gold/silver ratio, both in logs.

    Of ``metal_price``, ``gold_price`` and ``silver_price``, with ``periods_per_year`` bars in one: ``momentum_12m`` is
    :math:`\ln(P_t / P_{t-q})`, ``gold_silver_ratio`` :math:`\ln(Au_t / Ag_t)`. The first year has no momentum and is
    left out; cut returns and predictor to the same dates.
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


def granger_causality(
    cause: SeriesLike,
    effect: SeriesLike,
    *,
    lags: int,
    cause_name: str = "the signal",
    effect_name: str = "the price",
) -> Finding:
    r"""Whether ``lags`` past values of ``cause`` help to forecast ``effect`` beside its own past.

    :math:`y_t = a + \sum_{k=1}^{p} b_k y_{t-k} + \sum_{k=1}^{p} c_k x_{t-k} + u_t, \qquad H_0: c_1 = \dots = c_p = 0 .`

    The p-value is that of the Wald F-test robust to heteroskedasticity (HC1), because the volatility of
    metals comes in clusters; the classical F-test of sums of squares is in the details. Both series must be
    stationary: use changes.

    Parameters
    ----------
    cause, effect
        Series on one calendar, shape (T,).
    lags
        p, chosen before the test.
    cause_name, effect_name
        What the sentence calls them.

    Returns
    -------
    Finding
        ``estimate`` is the share of the effect's forecast error variance that the cause removes.

    Raises
    ------
    DataError
        For missing or misaligned data, constant series, or too few observations for the lags.

    References
    ----------
    Granger (1969); White (1980).
    """
    from scipy.special import fdtrc

    p = whole(lags, "lags", minimum=1)
    x, y = aligned(cause=cause, effect=effect)
    n, width = y.size - p, 1 + 2 * p
    degrees = n - width
    if n < 2 * width:
        raise DataError(f"effect: {y.size} observations are too few for {p} lags of both series; use fewer lags")
    columns = [np.ones(n)]
    for name, series in (("effect", y), ("cause", x)):
        scaled = (series - series.mean()) / spread_of(series, name)
        columns += [scaled[p - k : y.size - k] for k in range(1, p + 1)]
    design, target, tested = np.column_stack(columns), y[p:], slice(1 + p, width)
    if np.linalg.matrix_rank(design) < width:
        raise DataError("cause: its past repeats that of the effect exactly; pass two different series")
    coefficients, residuals, inverse = least_squares(design, target)
    restricted = least_squares(np.delete(design, tested, axis=1), target)[1]
    full, short = float(residuals @ residuals), float(restricted @ restricted)
    if full <= 1e-20 * float(target @ target):
        raise DataError("effect: its own past forecasts it without error, so nothing is left to explain")
    scores = design * residuals[:, None]
    covariance = inverse @ (scores.T @ scores) @ inverse * n / degrees
    picked = coefficients[tested]
    robust = float(picked @ np.linalg.solve(covariance[tested, tested], picked)) / p
    classical = (short - full) / (full / degrees) / p
    p_value = float(fdtrc(p, degrees, robust))
    return Finding.of(
        "granger_causality",
        1 - full / short,
        says="helps" if p_value < 0.05 else "no_help",
        statistic=robust,
        p_value=p_value,
        effective_n=float(n),
        details={
            "lags": p,
            "statistic_classical": classical,
            "p_value_classical": float(fdtrc(p, degrees, classical)),
        },
        degrees=degrees,
        cause=cause_name,
        effect=effect_name,
    )


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
    innovation_slope
        :math:`\phi = \sigma_{uv} / \sigma_v^2`.
    """

    persistence: float
    persistence_corrected: float
    innovation_slope: float


def predictor_dynamics(returns: Floats, predictor: Floats) -> PredictorDynamics:
    """Estimate the persistence of a ``predictor`` and how its shocks go with ``returns``, (T,) both."""
    n = predictor.size - 1
    design = np.column_stack([np.ones(n), predictor[:-1]])
    (_, rho), shocks, _ = least_squares(design, predictor[1:])
    residuals = least_squares(design, returns[1:])[1]
    variation = float(shocks @ shocks)
    return PredictorDynamics(
        persistence=float(rho),
        persistence_corrected=float(rho + (1 + 3 * rho) / n + 3 * (1 + 3 * rho) / n**2),
        innovation_slope=float(residuals @ shocks) / variation if variation > 0 else 0.0,
    )


def long_horizon_bias(dynamics: PredictorDynamics, *, n_observations: int, horizon: int, delay: int = 0) -> float:
    r"""Bias of the J-step slope when the predictor says nothing, of its ``dynamics`` and the terms of the regression.

    ``horizon`` is J and ``n_observations`` T; the first of the J returns comes ``delay`` bars late.

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

    ``n_observations`` is T, ``horizon`` J and ``persistence`` the predictor's rho.

    :math:`(T/J) \big/ \left( [J + 2 \sum_{l<J} (J-l) \rho^l] / J^2 \right)` (Boudoukh, Richardson and
    Whitelaw 2008): T for a predictor without memory, near T/J for a persistent one; never more than T.
    """
    t, j = whole(n_observations, "n_observations", minimum=1), whole(horizon, "horizon", minimum=1)
    lags = np.arange(1, j)
    ratio = (j + 2 * float(np.sum((j - lags) * persistence**lags))) / j**2
    return min(float(t), t / j / ratio) if ratio > 0 else float(t)


def least_squares(design: Floats, target: Floats) -> tuple[Floats, Floats, Floats]:
    """Coefficients, residuals and (X'X)^-1 of a ``target``, (T,), on a ``design``, (T, k)."""
    inverse = np.asarray(np.linalg.pinv(design.T @ design), dtype=np.float64)
    coefficients = np.asarray(np.linalg.lstsq(design, target, rcond=None)[0], dtype=np.float64)
    return coefficients, target - design @ coefficients, inverse


def ordinary(design: Floats, target: Floats) -> Estimate:
    """Coefficient of the second column of a ``design`` for a ``target``, with the error of independent residuals."""
    coefficients, residuals, inverse = least_squares(design, target)
    degrees = target.size - design.shape[1]
    error = sqrt(float(residuals @ residuals) / degrees * float(inverse[1, 1]))
    return Estimate(float(coefficients[1]), error, degrees)


def _hodrick_error(r: Floats, x: Floats, *, horizon: int, delay: int, sum_of_squares: float) -> float:
    """Hodrick's 1B: returns, less their mean, times the sum of the predictors whose windows hold them."""
    n_known = r.size - delay - horizon
    centred = x[:n_known] - x[:n_known].mean()
    padded = np.concatenate([np.zeros(horizon - 1), centred, np.zeros(horizon - 1)])
    summed = _overlapping_sums(padded, horizon)
    innovations = (r - r.mean())[1 + delay : 1 + delay + summed.size]
    products = innovations * summed
    n = products.size
    return sqrt(float(products @ products) * n / (n - 2)) / sum_of_squares


def _overlapping_sums(values: Floats, length: int) -> Floats:
    running = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(running[length:] - running[:-length])
