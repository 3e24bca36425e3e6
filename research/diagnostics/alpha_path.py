"""Does the merit of a strategy last? Its alpha through a moving window, and a test for a break."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pandas as pd

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import FloatArray, SeriesLike, aligned, fraction, positive, whole
from research.diagnostics.long_run import (
    MINIMUM_OBSERVATIONS,
    cosine_variance,
    ewc_degrees_of_freedom,
    student_critical_value,
)
from research.diagnostics.performance import NO_TIMING, regress_on_metal
from research.errors import DataError


def alpha_path(
    excess_returns: pd.Series,
    metal_excess_returns: pd.Series,
    *,
    window: int,
    periods_per_year: float,
    level: float = 0.95,
) -> pd.DataFrame:
    r"""Timing alpha over the last ``window`` bars, with its interval, bar by bar.

    In each window :math:`r^s_t = \alpha + \beta r^m_t + u_t`, with the error of
    :func:`~research.diagnostics.performance.timing_alpha`. Neighbouring windows share nearly all their bars, so
    the band is that of one window looked at alone: some window will leave it by luck.

    Returns
    -------
    DataFrame
        ``alpha``, ``low`` and ``high``, fractions a year, indexed by the last bar of each window; NaN in a
        window in which the strategy held one fixed mix.

    Raises
    ------
    DataError
        For missing or misaligned returns, or fewer than ``window`` of them.
    """
    size = whole(window, "window", minimum=MINIMUM_OBSERVATIONS)
    strategy, metal = aligned(excess_returns=excess_returns, metal_excess_returns=metal_excess_returns, minimum=size)
    year = positive(periods_per_year, "periods_per_year")
    degrees = ewc_degrees_of_freedom(size)
    critical = student_critical_value(fraction(level, "level"), degrees)
    rows = np.full((strategy.size - size + 1, 3), np.nan)
    for row, start in zip(rows, range(strategy.size - size + 1), strict=True):
        part, moved = strategy[start : start + size], metal[start : start + size]
        if np.ptp(moved) == 0:
            continue
        alpha, _, residuals, influence = regress_on_metal(part, moved)
        if float(residuals.std()) > NO_TIMING * float(moved.std()):
            error = sqrt(cosine_variance(influence, degrees) / size)
            row[:] = alpha, alpha - critical * error, alpha + critical * error
    return pd.DataFrame(rows * year, columns=["alpha", "low", "high"], index=excess_returns.index[size - 1 :])


def alpha_break(excess_returns: SeriesLike, metal_excess_returns: SeriesLike) -> Finding:
    r"""Test whether the timing alpha kept one value, by the cumulated residuals of its regression.

    :math:`S = \max_k |\sum_{t \le k} u_t| / (\hat\omega \sqrt T)`, with :math:`\hat\omega^2` the equal-weighted-cosine
    long-run variance of :math:`u`; under a constant alpha S is the largest excursion of a Brownian bridge.

    Returns
    -------
    Finding
        ``estimate`` and ``statistic`` are S; ``details["at"]`` is the bar (position, and date where the input has
        dates) of the excursion. A single window at the break that a reader chose by eye has no p-value.

    Raises
    ------
    DataError
        For missing or misaligned returns, or fewer than 24 of them.

    References
    ----------
    Ploberger and Krämer (1992).
    """
    from scipy.special import kolmogorov

    strategy, metal = aligned(
        excess_returns=excess_returns, metal_excess_returns=metal_excess_returns, minimum=MINIMUM_OBSERVATIONS
    )
    if np.ptp(metal) == 0:
        raise DataError("metal_excess_returns: the metal never moved, so nothing can be timed; check the prices")
    _, _, residuals, _ = regress_on_metal(strategy, metal)
    n = residuals.size
    timed = float(residuals.std()) > NO_TIMING * float(metal.std())
    degrees = ewc_degrees_of_freedom(n)
    statistic, at = _excursion(residuals, cosine_variance(residuals, degrees)) if timed else (0.0, 0)
    p_value = float(kolmogorov(statistic))
    label = _label(excess_returns, at)
    return Finding(
        name="alpha_break",
        estimate=statistic,
        unit="largest excursion, in standard errors of the whole sample",
        statistic=statistic if timed else None,
        p_value=p_value if timed else None,
        null="the timing alpha is the same throughout",
        alternative="it changes once or more",
        effective_n=float(n),
        method=f"OLS-CUSUM with an equal-weighted-cosine long-run variance ({degrees} cosines); Brownian bridge",
        reference="Ploberger and Krämer (1992)",
        sentence=(
            f"If alpha never changed, luck would make it look this unsteady in {p_value:.1%} of histories; the largest "
            f"turn was at {label}."
            if timed
            else "The strategy held one fixed mix throughout: there is no alpha that could change."
        ),
        details={"position": at, "at": label},
    )


def _excursion(residuals: FloatArray, variance: float) -> tuple[float, int]:
    """Largest excursion of the cumulated residuals in units of ``sqrt(n * variance)``, and its position."""
    path = np.abs(np.cumsum(residuals))
    at = int(np.argmax(path))
    return float(path[at] / sqrt(residuals.size * variance)), at


def _label(values: SeriesLike, at: int) -> str:
    if isinstance(values, pd.Series) and isinstance(values.index, pd.DatetimeIndex):
        return f"{values.index[at]:%Y-%m}"
    return f"bar {at}"
