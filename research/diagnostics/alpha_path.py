"""Does the merit of a strategy last? Its alpha through a moving window, and a test for a break."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import SeriesLike, aligned, by_window, positive, whole
from research.diagnostics.long_run import MINIMUM_OBSERVATIONS, Estimate, cosine_variance, ewc_degrees_of_freedom
from research.diagnostics.performance import NO_TIMING, regress_on_metal, regressions
from research.diagnostics.stability import cusum
from research.engine.regression import is_still
from research.units import Floats


def alpha_path(
    excess_returns: pd.Series,
    metal_excess_returns: pd.Series,
    *,
    window: int,
    periods_per_year: float,
) -> pd.DataFrame:
    r"""Timing alpha over the last ``window`` bars, with its 95 % interval, bar by bar.

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
    half_width = Estimate(0.0, 1.0, degrees).interval()[1]
    alpha, error = by_window(partial(_alphas, degrees=degrees), size, strategy, metal) * year
    rows = {"alpha": alpha, "low": alpha - half_width * error, "high": alpha + half_width * error}
    return pd.DataFrame(rows, index=excess_returns.index[size - 1 :])


def _alphas(strategies: Floats, metals: Floats, *, degrees: int) -> Floats:
    """Alpha and error of each window, (2, n_windows); no alpha of one fixed mix, nor on a metal that hardly moved."""
    with np.errstate(divide="ignore", invalid="ignore"):
        alphas, _, residuals, influence = regressions(strategies, metals)
    timed = ~is_still(metals, strategies) & (residuals.std(axis=1) > NO_TIMING * metals.std(axis=1))
    errors = np.sqrt(cosine_variance(np.where(timed[:, None], influence, 0.0), degrees) / metals.shape[1])
    return np.array([np.where(timed, alphas, np.nan), errors])


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
    strategy, metal = (np.asarray(series, dtype=np.float64) for series in (excess_returns, metal_excess_returns))
    of_all = np.nan if is_still(metal, strategy) else regress_on_metal(strategy, metal)[0] * periods_per_year
    known = path["alpha"].dropna().to_numpy()
    told = known.size > 0
    share, lowest, highest = (np.mean(known * of_all > 0), known.min(), known.max()) if told else (np.nan,) * 3
    n_windows = len(excess_returns) // window
    return Finding(
        name="rolling_alpha",
        estimate=float(share),
        unit="share of windows with the sign of the whole",
        effective_n=float(n_windows),
        method=f"ordinary least squares in windows of {window} bars; no test, the windows overlap",
        reference="Jensen 1968",
        sentence=(
            f"{share:.0%} of the {window}-bar windows have the alpha's sign; it ranged from "
            f"{lowest:+.1%} to {highest:+.1%} a year."
            if told
            else "The strategy held one fixed mix within every window."
        ),
        details={
            "alphas": path["alpha"].tolist(),
            "lowest": float(lowest),
            "highest": float(highest),
            "whole": float(of_all),
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
    residuals = regress_on_metal(strategy, metal)[2]
    unchanged = Finding(
        name="alpha_break",
        estimate=0.0,
        unit="largest excursion, in standard errors of the whole sample",
        null="the timing alpha is the same throughout",
        alternative="it changes once or more",
        effective_n=float(strategy.size),
        method="not tested",
        reference="Ploberger and Krämer (1992)",
        sentence="The strategy held one fixed mix throughout: there is no alpha that could change.",
    )
    if not float(residuals.std()) > NO_TIMING * float(metal.std()):
        return unchanged
    found = cusum(strategy, metal)
    at = int(found.estimate)
    dates = getattr(excess_returns, "index", None)
    label = f"{dates[at]:%Y-%m}" if isinstance(dates, pd.DatetimeIndex) else f"bar {at}"
    return replace(
        unchanged,
        estimate=float(found.statistic or 0.0),
        statistic=found.statistic,
        p_value=found.p_value,
        method=found.method,
        sentence=(
            f"If alpha never changed, luck would make it look this unsteady in {found.p_value:.1%} of histories; the "
            f"largest turn was at {label}."
        ),
        details={**found.details, "position": at, "at": label},
    )
