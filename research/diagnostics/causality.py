"""Which came first? Whether one series helps to forecast another, asked both ways.

A signal that prices forecast, and that does not forecast prices, is only their echo.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import SeriesLike, aligned, whole
from research.diagnostics.prediction import least_squares
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
    from scipy.special import fdtrc

    asked, classical, robust, degrees = _wald(cause, effect, whole(lags, "lags", minimum=1), 0, cause_name, effect_name)
    p_value = float(fdtrc(lags, degrees, robust / lags))
    return replace(
        asked,
        name="granger_causality",
        statistic=robust / lags,
        p_value=p_value,
        method=f"{lags} lags of both; heteroskedasticity-robust (HC1) F({lags}, {degrees})",
        reference="Granger (1969); White (1980)",
        sentence=_sentence(cause_name, effect_name, p_value),
        details={
            "lags": lags,
            "statistic_classical": classical / lags,
            "p_value_classical": float(fdtrc(lags, degrees, classical / lags)),
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
    from scipy.special import chdtrc

    extra = whole(integration_order, "integration_order", minimum=0)
    asked, classical, robust, _ = _wald(cause, effect, whole(lags, "lags", minimum=1), extra, cause_name, effect_name)
    p_value = float(chdtrc(lags, classical))
    return replace(
        asked,
        name="toda_yamamoto",
        statistic=classical,
        p_value=p_value,
        method=f"levels, {lags} + {extra} lags of both, Wald test of the first {lags}, chi-squared({lags})",
        reference="Toda and Yamamoto (1995)",
        sentence=_sentence(cause_name, effect_name, p_value),
        details={
            "lags": lags,
            "integration_order": extra,
            "statistic_robust": robust,
            "p_value_robust": float(chdtrc(lags, robust)),
        },
    )


def _wald(
    cause: SeriesLike, effect: SeriesLike, lags: int, extra: int, cause_name: str, effect_name: str
) -> tuple[Finding, float, float, int]:
    """OLS of the effect on its lags and the cause's, and what it says of the cause's first ``lags`` being 0.

    What was asked, the classical and the robust Wald statistic, and the degrees of freedom that are left.
    """
    x, y = aligned(cause=cause, effect=effect)
    order = lags + extra
    n, width = y.size - order, 1 + 2 * order
    if n < 2 * width:
        raise DataError(f"effect: {y.size} observations are too few for {order} lags of both series; use fewer lags")
    columns = [np.ones(n)]
    for name, series in (("effect", y), ("cause", x)):
        spread = float(series.std())
        if spread <= 1e-12 * (1e-12 + float(np.abs(series).max())):
            raise DataError(f"{name}: it never moves, so it forecasts nothing; check the series")
        scaled = (series - series.mean()) / spread
        columns += [scaled[order - k : y.size - k] for k in range(1, order + 1)]
    design, target, tested = np.column_stack(columns), y[order:], slice(1 + order, 1 + order + lags)
    if np.linalg.matrix_rank(design) < width:
        raise DataError("cause: its past repeats that of the effect exactly; pass two different series")
    coefficients, residuals, inverse = least_squares(design, target)
    restricted = least_squares(np.delete(design, tested, axis=1), target)[1]
    full, short = float(residuals @ residuals), float(restricted @ restricted)
    if full <= 1e-20 * float(target @ target):
        raise DataError("effect: its own past forecasts it without error, so nothing is left to explain")
    scores = design * residuals[:, None]
    covariance = inverse @ (scores.T @ scores) @ inverse * n / (n - width)
    picked = coefficients[tested]
    asked = Finding(
        name="",
        estimate=1 - full / short,
        unit="share of forecast error variance removed",
        null=f"the past of {cause_name} does not help to forecast {effect_name}",
        alternative="it helps",
        effective_n=float(n),
        method="",
        reference="",
        sentence="",
    )
    classical = (short - full) / (full / (n - width))
    return asked, classical, float(picked @ np.linalg.solve(covariance[tested, tested], picked)), n - width


def _sentence(cause_name: str, effect_name: str, p_value: float) -> str:
    verb = "helps" if p_value < 0.05 else "does not visibly help"
    return f"The past of {cause_name} {verb} to forecast {effect_name} (p = {p_value:.3f})."
