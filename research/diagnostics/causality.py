"""Which came first? Whether one series helps to forecast another, asked both ways.

A signal that prices forecast, and that does not forecast prices, is only their echo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import FloatArray, SeriesLike, aligned, whole
from research.diagnostics.persistence import least_squares
from research.errors import DataError


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
    stationary: use changes, or ``toda_yamamoto`` on levels.

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
    x, y = aligned(cause=cause, effect=effect)
    p = whole(lags, "lags", minimum=1)
    design = _design(x, y, p)
    tested = np.arange(1 + p, 1 + 2 * p)
    fit = _wald(design, y[p:], tested)
    from scipy.special import fdtrc

    statistic = fit.robust / p
    p_value = float(fdtrc(p, fit.degrees_of_freedom, statistic))
    classical = fit.classical / p
    return Finding(
        name="granger_causality",
        estimate=1 - fit.sum_of_squares / fit.sum_of_squares_restricted,
        unit="share of forecast error variance removed",
        null=f"the past of {cause_name} does not help to forecast {effect_name}",
        alternative="it helps",
        statistic=statistic,
        p_value=p_value,
        effective_n=float(y.size - p),
        method=f"{p} lags of both; heteroskedasticity-robust (HC1) F({p}, {fit.degrees_of_freedom})",
        reference="Granger (1969); White (1980)",
        sentence=_sentence(cause_name, effect_name, p_value),
        details={
            "lags": p,
            "statistic_classical": classical,
            "p_value_classical": float(fdtrc(p, fit.degrees_of_freedom, classical)),
        },
    )


def toda_yamamoto(
    cause: SeriesLike,
    effect: SeriesLike,
    *,
    lags: int,
    integration_order: int = 1,
    cause_name: str = "the signal",
    effect_name: str = "the price",
) -> Finding:
    r"""Granger's question for levels that may wander together or apart.

    The regression has p + d lags of both and tests only the first p of the cause: the d extra ones, d the
    highest order of integration, make the Wald statistic :math:`\chi^2_p` whether or not the series are
    cointegrated.

    Parameters
    ----------
    cause, effect
        Levels (not changes) on one calendar, shape (T,).
    lags
        p, chosen before the test.
    integration_order
        d, 1 for prices and stocks.
    cause_name, effect_name
        What the sentence calls them.

    Returns
    -------
    Finding
        The statistic is the classical Wald one, for which the result was proved; the robust one is in
        the details.

    References
    ----------
    Toda and Yamamoto (1995).
    """
    x, y = aligned(cause=cause, effect=effect)
    p = whole(lags, "lags", minimum=1)
    order = p + whole(integration_order, "integration_order", minimum=0)
    design = _design(x, y, order)
    tested = np.arange(1 + order, 1 + order + p)
    fit = _wald(design, y[order:], tested)
    from scipy.special import chdtrc

    p_value = float(chdtrc(p, fit.classical))
    return Finding(
        name="toda_yamamoto",
        estimate=1 - fit.sum_of_squares / fit.sum_of_squares_restricted,
        unit="share of forecast error variance removed",
        null=f"the past of {cause_name} does not help to forecast {effect_name}",
        alternative="it helps",
        statistic=fit.classical,
        p_value=p_value,
        effective_n=float(y.size - order),
        method=f"levels, {p} + {order - p} lags of both, Wald test of the first {p}, chi-squared({p})",
        reference="Toda and Yamamoto (1995)",
        sentence=_sentence(cause_name, effect_name, p_value),
        details={
            "lags": p,
            "integration_order": order - p,
            "statistic_robust": fit.robust,
            "p_value_robust": float(chdtrc(p, fit.robust)),
        },
    )


@dataclass(frozen=True)
class _Wald:
    degrees_of_freedom: int
    sum_of_squares: float
    sum_of_squares_restricted: float
    classical: float
    robust: float


def _wald(design: FloatArray, target: FloatArray, tested: npt.NDArray[np.intp]) -> _Wald:
    """OLS of ``target`` on ``design`` and the Wald statistics of the ``tested`` columns being 0."""
    n, width = design.shape
    coefficients, residuals, inverse = least_squares(design, target)
    restricted = least_squares(np.delete(design, tested, axis=1), target)[1]
    full, short = float(residuals @ residuals), float(restricted @ restricted)
    if full <= 1e-20 * float(target @ target):
        raise DataError("effect: its own past forecasts it without error, so nothing is left to explain")
    scores = design * residuals[:, None]
    covariance = inverse @ (scores.T @ scores) @ inverse * n / (n - width)
    picked = coefficients[tested]
    return _Wald(
        degrees_of_freedom=n - width,
        sum_of_squares=full,
        sum_of_squares_restricted=short,
        classical=(short - full) / (full / (n - width)),
        robust=float(picked @ np.linalg.solve(covariance[np.ix_(tested, tested)], picked)),
    )


def _design(cause: FloatArray, effect: FloatArray, lags: int) -> FloatArray:
    """Intercept, the effect's lags, the cause's lags; each series scaled to a standard deviation of 1."""
    n = effect.size
    if n - lags < 2 * (1 + 2 * lags):
        raise DataError(f"effect: {n} observations are too few for {lags} lags of both series; use fewer lags")
    columns = [np.ones(n - lags)]
    for name, series in (("effect", effect), ("cause", cause)):
        spread = float(series.std())
        if spread <= 1e-12 * (1e-12 + float(np.abs(series).max())):
            raise DataError(f"{name}: it never moves, so it forecasts nothing; check the series")
        scaled = (series - series.mean()) / spread
        columns += [scaled[lags - k : n - k] for k in range(1, lags + 1)]
    design = np.column_stack(columns)
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise DataError("cause: its past repeats that of the effect exactly; pass two different series")
    return design


def _sentence(cause_name: str, effect_name: str, p_value: float) -> str:
    verb = "helps" if p_value < 0.05 else "does not visibly help"
    return f"The past of {cause_name} {verb} to forecast {effect_name} (p = {p_value:.3f})."
