"""Which came first? Whether one series helps to forecast another, asked both ways.

A signal that prices forecast, and that does not forecast prices, is only their echo.
"""

from __future__ import annotations

import numpy as np

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import SeriesLike, aligned, spread_of, whole
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
