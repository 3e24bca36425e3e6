"""Jensen's alpha over a fixed mix of metal and bills: a description that decides nothing.

It rewards whoever holds in calm months and punishes whoever holds in wild ones, if the metal has a drift: beta weighs
months by their variance. A verdict reads the timing return (``timing``) in its place.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt
import pandas as pd

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import SeriesLike, aligned, by_window, positive, whole
from research.diagnostics.long_run import (
    MINIMUM_OBSERVATIONS,
    Estimate,
    bartlett_variance,
    effective_observations,
    ewc_degrees_of_freedom,
    newey_west_lags,
)
from research.diagnostics.specification import cusum
from research.engine._timing import RISKLESS, STILL
from research.errors import DataError
from research.units import Floats

NO_TIMING = 1e-9  # residual volatility, as a share of the metal's, under which a strategy holds one fixed mix


def jensen_alpha(
    excess_returns: SeriesLike,
    metal_excess_returns: SeriesLike,
    *,
    periods_per_year: float,
) -> Finding:
    r"""Jensen's alpha of a strategy over a fixed mix of metal and bills, :math:`r^s_t = \alpha + \beta r^m_t + u_t`.

    A strategy that holds the metal by a constant share has no alpha whatever the metal did. The error of :math:`\alpha`
    is :math:`\sqrt{\hat\Omega / T}`, where :math:`\hat\Omega` is the equal-weighted-cosine long-run variance of alpha's
    influence, the first row of :math:`(X'X/T)^{-1} x_t u_t`; the statistic is Student with
    :math:`\nu = 0.4\,T^{2/3}` degrees of freedom.

    A signal that answers to the metal's own past biases it (Stambaugh 1999).

    Parameters
    ----------
    excess_returns, metal_excess_returns
        Simple returns less the bill's return of the same period, shape (T,), as fractions.
    periods_per_year
        12 for months, 252 for days; alpha a year is alpha a period times this.

    Returns
    -------
    Finding
        In fractions a year. ``p_value`` is ``None`` when there is nothing to judge: the strategy holds one
        fixed mix throughout, or there are fewer than 24 observations. The details hold beta, the
        residual volatility and the information ratio.

    Raises
    ------
    DataError
        For missing or misaligned returns, fewer than 3, or a metal that hardly moved.

    References
    ----------
    Jensen (1968); Lazarus, Lewis, Stock and Watson (2018).
    """
    strategy, metal = aligned(minimum=3, excess_returns=excess_returns, metal_excess_returns=metal_excess_returns)
    year = positive(periods_per_year, "periods_per_year")
    n = strategy.size
    alpha, beta, residuals, influence = regress_on_metal(strategy, metal)
    found = Estimate.of_influence(alpha, influence, year)
    timed = float(residuals.std()) > NO_TIMING * float(metal.std())
    told = timed and n >= MINIMUM_OBSERVATIONS
    volatility = float(np.sqrt(residuals @ residuals / (n - 2)) * sqrt(year)) if timed else 0.0
    details: dict[str, object] = {
        "beta": beta,
        "n_observations": n,
        "residual_volatility": volatility,
        "information_ratio": found.value / volatility if timed else None,
    }
    if timed:
        details["r_squared"] = 1 - float(residuals.var() / strategy.var())
    if told:
        details |= {
            "standard_error": found.error,
            "degrees_of_freedom": found.degrees_of_freedom,
        }
    return Finding.of(
        "jensen_alpha",
        found if told else found.value if timed else 0.0,
        says="told" if told else "few" if timed else "one_mix",
        effective_n=effective_observations(influence) if told else None,
        details=details,
        nu=ewc_degrees_of_freedom(n),
        year=year,
        did="added" if found.value > 0 else "cost",
        size=abs(found.value),
        needed=MINIMUM_OBSERVATIONS,
    )


def regress_on_metal(strategy: Floats, metal: Floats) -> tuple[float, float, Floats, Floats]:
    """Alpha a period, beta, residuals, and the influence of every period on alpha (mean 0, both (T,)).

    Parameters
    ----------
    strategy
        Excess returns of the strategy, (T,).
    metal
        Those of the metal, (T,).

    Raises
    ------
    DataError
        If the metal hardly moved, by itself or beside the strategy.
    """
    if is_still(metal, strategy):
        raise DataError("metal_excess_returns: the metal hardly moved, so nothing can be timed; check the prices")
    alpha, beta, residuals, influence = regressions(strategy, metal)
    return float(alpha), float(beta), residuals, influence


def regressions(strategy: Floats, metal: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """The same of many samples at once, ``strategy`` and ``metal`` (..., T): alphas and betas (...).

    NaN where a metal never moves.
    """
    centre = metal.mean(axis=-1, keepdims=True)
    deviation = metal - centre
    variance = (deviation**2).mean(axis=-1, keepdims=True)
    beta = (deviation * strategy).mean(axis=-1, keepdims=True) / variance
    alpha = strategy.mean(axis=-1, keepdims=True) - beta * centre
    residuals = strategy - alpha - beta * metal
    return alpha[..., 0], beta[..., 0], residuals, residuals * (1 - deviation * centre / variance)


def rolling_alpha(
    excess_returns: SeriesLike, metal_excess_returns: SeriesLike, *, window: int, periods_per_year: float
) -> Finding:
    """Say how steady alpha is in windows, a description: neighbouring ones share all bars but one.

    Parameters
    ----------
    excess_returns, metal_excess_returns
        As in ``jensen_alpha``.
    window
        Bars of a window.
    periods_per_year
        12 for months, 252 for days.

    Returns
    -------
    Finding
        ``estimate`` is the share of windows whose alpha has the sign of the whole sample's. No p-value. ``details``
        hold ``alphas``, a year, one for each bar from ``window - 1`` on (``nan`` in a window of one fixed mix),
        ``lowest``, ``highest`` and ``separate_windows``.

    Raises
    ------
    DataError
        For missing or misaligned returns, or fewer than ``window`` of them.

    References
    ----------
    Jensen (1968).
    """
    size = whole(window, "window", minimum=MINIMUM_OBSERVATIONS)
    strategy, metal = aligned(excess_returns=excess_returns, metal_excess_returns=metal_excess_returns, minimum=size)
    year = positive(periods_per_year, "periods_per_year")
    alphas = by_window(_alphas, size, strategy, metal) * year
    of_all = np.nan if is_still(metal, strategy) else regress_on_metal(strategy, metal)[0] * year
    known = alphas[~np.isnan(alphas)]
    told = known.size > 0
    share, lowest, highest = (np.mean(known * of_all > 0), known.min(), known.max()) if told else (np.nan,) * 3
    return Finding.of(
        "rolling_alpha",
        float(share),
        says="told" if told else "one_mix",
        effective_n=float(strategy.size // size),
        details={
            "alphas": alphas.tolist(),
            "lowest": float(lowest),
            "highest": float(highest),
            "whole": float(of_all),
            "separate_windows": strategy.size // size,
        },
        window=size,
    )


def _alphas(strategies: Floats, metals: Floats) -> Floats:
    """Alpha of each window, (n_windows,); NaN of one fixed mix, and on a metal that hardly moved."""
    with np.errstate(divide="ignore", invalid="ignore"):
        alphas, _, residuals, _ = regressions(strategies, metals)
    timed = ~is_still(metals, strategies) & (residuals.std(axis=1) > NO_TIMING * metals.std(axis=1))
    return np.where(timed, alphas, np.nan)


def is_still(metal: Floats, account: Floats) -> npt.NDArray[np.bool_]:
    """Whether a ``metal`` hardly moves, by itself or beside the ``account``, (..., T): then there is no alpha."""
    deviation = metal.std(axis=-1)
    return np.asarray((deviation**2 <= RISKLESS) | (deviation <= STILL * account.std(axis=-1)))


def alpha_break(excess_returns: SeriesLike, metal_excess_returns: SeriesLike) -> Finding:
    r"""Test whether the timing alpha kept one value, by the cumulated residuals of its regression (``cusum``).

    Their variance is Newey and West's (1987). Its lags, :math:`\lceil 0.75\,n^{1/3} \rceil`, are few, because a break
    would swell it at long ones and hide itself; without any, the memory of averaged prices is taken for a break.

    ``excess_returns`` and ``metal_excess_returns`` are as in ``jensen_alpha``.

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
    from scipy.special import kolmogorov

    strategy, metal = aligned(
        excess_returns=excess_returns, metal_excess_returns=metal_excess_returns, minimum=MINIMUM_OBSERVATIONS
    )
    n = strategy.size
    residuals = regress_on_metal(strategy, metal)[2]
    if not float(residuals.std()) > NO_TIMING * float(metal.std()):
        return Finding.of("alpha_break", 0.0, says="one_mix", effective_n=float(n))
    lags = newey_west_lags(n)
    at, statistic = cusum(residuals, bartlett_variance(residuals, lags))
    dates = getattr(excess_returns, "index", None)
    return Finding.of(
        "alpha_break",
        statistic,
        says="told",
        statistic=statistic,
        p_value=float(kolmogorov(statistic)),
        effective_n=float(n),
        details={
            "position": at,
            "at": f"{dates[at]:%Y-%m}" if isinstance(dates, pd.DatetimeIndex) else f"bar {at}",
        },
        lags=lags,
    )
