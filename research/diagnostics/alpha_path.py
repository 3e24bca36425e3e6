"""Does the merit of a strategy last? Its alpha through a moving window, and a test for a break."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import SeriesLike, aligned, fraction, label_of, positive, whole
from research.diagnostics.long_run import (
    MINIMUM_OBSERVATIONS,
    cosine_variance,
    ewc_degrees_of_freedom,
    student_critical_value,
)
from research.diagnostics.performance import NO_TIMING, regress_on_metal
from research.diagnostics.stability import cusum
from research.engine.regression import is_still
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
    ``jensen_alpha``. Neighbouring windows share nearly all their bars, so
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
        if is_still(moved, part):
            continue
        alpha, _, residuals, influence = regress_on_metal(part, moved)
        if float(residuals.std()) > NO_TIMING * float(moved.std()):
            error = sqrt(cosine_variance(influence, degrees) / size)
            row[:] = alpha, alpha - critical * error, alpha + critical * error
    return pd.DataFrame(rows * year, columns=["alpha", "low", "high"], index=excess_returns.index[size - 1 :])


def rolling_alpha(
    excess_returns: pd.Series, metal_excess_returns: pd.Series, *, window: int, periods_per_year: float
) -> Finding:
    """Say how steady the ``alpha_path`` is, a description: neighbouring windows share all bars but one.

    Returns
    -------
    Finding
        ``estimate`` is the share of windows whose alpha has the sign of the whole sample's. No p-value. ``details``
        hold ``alphas``, a year, one for each bar from ``window - 1`` on (``nan`` in a window of one fixed mix),
        ``lowest``, ``highest`` and ``separate_windows``.

    Raises
    ------
    DataError
        As ``alpha_path``.

    References
    ----------
    Jensen (1968).
    """
    path = alpha_path(excess_returns, metal_excess_returns, window=window, periods_per_year=periods_per_year)
    whole_sample = np.column_stack([excess_returns, metal_excess_returns]).astype(np.float64).T
    moved = not is_still(*whole_sample[::-1])
    whole_alpha = regress_on_metal(*whole_sample)[0] * periods_per_year if moved else float("nan")
    known = path["alpha"].dropna().to_numpy()
    share = float(np.mean(known * whole_alpha > 0)) if known.size else float("nan")
    n_windows = len(excess_returns) // window
    return Finding(
        name="rolling_alpha",
        estimate=share,
        unit="share of windows with the sign of the whole",
        null="",
        alternative="",
        effective_n=float(n_windows),
        method=f"ordinary least squares in windows of {window} bars; no test, the windows overlap",
        reference="Jensen 1968",
        sentence=(
            f"{share:.0%} of the {window}-bar windows have the alpha's sign; it ranged from "
            f"{known.min():+.1%} to {known.max():+.1%} a year."
            if known.size
            else "The strategy held one fixed mix within every window."
        ),
        details={
            "alphas": path["alpha"].tolist(),
            "lowest": float(known.min()) if known.size else float("nan"),
            "highest": float(known.max()) if known.size else float("nan"),
            "whole": whole_alpha,
            "separate_windows": n_windows,
        },
    )


def alpha_break(excess_returns: SeriesLike, metal_excess_returns: SeriesLike) -> Finding:
    """Test whether the timing alpha kept one value, by the cumulated residuals of its regression.

    It is the ``cusum`` of the strategy on the metal.

    Returns
    -------
    Finding
        ``estimate`` and ``statistic`` are the largest excursion; ``details["at"]`` is its bar (position, and date where
        the input has dates). A single window at the break that a reader chose by eye has no p-value.

    Raises
    ------
    DataError
        For missing or misaligned returns, or fewer than 24 of them.

    References
    ----------
    Ploberger and Krämer (1992).
    """
    strategy, metal = aligned(
        excess_returns=excess_returns, metal_excess_returns=metal_excess_returns, minimum=MINIMUM_OBSERVATIONS
    )
    if is_still(metal, strategy):
        raise DataError("metal_excess_returns: the metal hardly moved, so nothing can be timed; check the prices")
    question: dict[str, Any] = {
        "name": "alpha_break",
        "unit": "largest excursion, in standard errors of the whole sample",
        "null": "the timing alpha is the same throughout",
        "alternative": "it changes once or more",
        "reference": "Ploberger and Krämer (1992)",
    }
    residuals = regress_on_metal(strategy, metal)[2]
    if not float(residuals.std()) > NO_TIMING * float(metal.std()):
        return Finding(
            estimate=0.0,
            effective_n=float(strategy.size),
            method="not tested",
            sentence="The strategy held one fixed mix throughout: there is no alpha that could change.",
            **question,
        )
    found = cusum(strategy, metal)
    at = int(found.estimate)
    label = label_of(excess_returns, at)
    return replace(
        found,
        estimate=float(found.statistic or 0.0),
        sentence=(
            f"If alpha never changed, luck would make it look this unsteady in {found.p_value:.1%} of histories; the "
            f"largest turn was at {label}."
        ),
        details={**found.details, "position": at, "at": label},
        **question,
    )
