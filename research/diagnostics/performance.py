"""Jensen's alpha over a fixed mix of metal and bills: a description that decides nothing.

It rewards whoever holds in calm months and punishes whoever holds in wild ones, if the metal has a drift: beta weighs
months by their variance. A verdict reads the timing return (``timing``) in its place.
"""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

import numpy as np
import pandas as pd

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import FloatArray, SeriesLike, fraction, positive, with_factors
from research.diagnostics.long_run import (
    MINIMUM_OBSERVATIONS,
    LagRule,
    bartlett_variance,
    cosine_variance,
    effective_observations,
    ewc_degrees_of_freedom,
    fixed_b_p_value,
    newey_west_lags,
    student_critical_value,
    student_p_value,
)
from research.engine.regression import is_still
from research.errors import DataError, ParameterError

NO_TIMING = 1e-9
"""Residual volatility, as a share of the metal's, under which a strategy holds one fixed mix."""


def jensen_alpha(
    excess_returns: SeriesLike,
    metal_excess_returns: SeriesLike | pd.DataFrame,
    *,
    periods_per_year: float,
    expected_sign: int = 1,
    level: float = 0.95,
) -> Finding:
    r"""Jensen's alpha of a strategy over a fixed mix of metal and bills, :math:`r^s_t = \alpha + \beta' r^m_t + u_t`.

    A strategy that holds the metal by a constant share has no alpha whatever the metal did. A portfolio is held against
    all its legs at once: :math:`r^m_t` is then the vector of their returns, and a mix of them in constant shares has no
    alpha. The error of :math:`\alpha` is
    :math:`\sqrt{\hat\Omega / T}`, where :math:`\hat\Omega` is the equal-weighted-cosine long-run variance of
    alpha's influence, the first row of :math:`(X'X/T)^{-1} x_t u_t`; the statistic is Student with
    :math:`\nu = 0.4\,T^{2/3}` degrees of freedom.

    A signal that answers to the metal's own past biases it (Stambaugh 1999).

    Parameters
    ----------
    excess_returns, metal_excess_returns
        Simple returns less the bill's return of the same period, shape (T,), as fractions; for a portfolio a
        table with a column a leg.
    periods_per_year
        12 for months, 252 for days; alpha a year is alpha a period times this.
    expected_sign
        +1 or -1, the direction the strategy claims. It moves neither the estimate nor ``p_value``, only
        ``details["p_value_claimed_direction"]`` (one-sided) and ``details["in_claimed_direction"]``.
    level
        Confidence of the interval.

    Returns
    -------
    Finding
        In fractions a year. ``p_value`` is ``None`` when there is nothing to judge: the strategy holds one
        fixed mix throughout, or there are fewer than 24 observations. The details hold beta, the
        residual volatility, the information ratio, and the Newey-West test with fixed-b p-values.

    Raises
    ------
    DataError
        For missing or misaligned returns, fewer than 3, or a metal that hardly moved.

    References
    ----------
    Jensen (1968); Lazarus, Lewis, Stock and Watson (2018); Kiefer and Vogelsang (2005).
    """
    strategy, metal = with_factors(excess_returns, metal_excess_returns)
    year = positive(periods_per_year, "periods_per_year")
    fraction(level, "level")
    if expected_sign not in (1, -1):
        raise ParameterError(f"expected_sign: {expected_sign!r} is not a direction; pass +1 or -1")

    n = strategy.size
    alpha, beta, residuals, influence = regress_on_metal(strategy, metal)
    mix: str = "fixed mix of metal and bills"
    betas: Any = float(beta[0])
    if isinstance(metal_excess_returns, pd.DataFrame):
        mix, betas = "fixed mix of its legs and bills", dict(zip(metal_excess_returns, beta.tolist(), strict=True))
    details: dict[str, Any] = {
        "beta": betas,
        "alpha_per_period": alpha,
        "expected_sign": expected_sign,
        "n_observations": n,
    }
    common: dict[str, Any] = {
        "name": "jensen_alpha",
        "unit": "fraction a year",
        "null": f"the strategy earns no more and no less than a {mix} (alpha = 0)",
        "alternative": "alpha differs from 0 (two-sided; the direction is read from the sign)",
        "method": (
            f"OLS with intercept; equal-weighted-cosine long-run variance, nu = floor(0.4 T^(2/3)) = "
            f"{ewc_degrees_of_freedom(n)}, t with nu degrees of freedom; alpha a year = {year:g} "
            "x alpha a period"
        ),
        "reference": "Lazarus, Lewis, Stock and Watson (2018)",
        "level": level,
    }
    if float(residuals.std()) <= NO_TIMING * float(metal.std(axis=0).max()):
        return Finding(
            estimate=0.0,
            sentence=f"The strategy held one {mix} all the time: there is no timing to judge.",
            details=details | {"residual_volatility": 0.0, "information_ratio": None},
            **common,
        )
    residual_volatility = float(np.sqrt(residuals @ residuals / (n - 1 - beta.size)) * sqrt(year))
    annual_alpha = alpha * year
    details |= {
        "residual_volatility": residual_volatility,
        "information_ratio": annual_alpha / residual_volatility,
        "r_squared": 1 - float(residuals.var() / strategy.var()),
        "in_claimed_direction": bool(annual_alpha * expected_sign > 0),
    }
    if n < MINIMUM_OBSERVATIONS:
        return Finding(
            estimate=annual_alpha,
            sentence=(
                f"{n} observations are too few to say whether {annual_alpha:+.1%} a year of timing is luck; "
                f"{MINIMUM_OBSERVATIONS} are needed."
            ),
            details=details,
            **common,
        )
    degrees = ewc_degrees_of_freedom(n)
    variance = cosine_variance(influence, degrees)
    error = sqrt(variance / n)
    statistic = alpha / error
    p_value = student_p_value(statistic, degrees)
    half_width = student_critical_value(level, degrees) * error * year
    details |= {
        "standard_error": error * year,
        "degrees_of_freedom": degrees,
        "p_value_claimed_direction": p_value / 2 if annual_alpha * expected_sign > 0 else 1 - p_value / 2,
        "newey_west": {rule: _newey_west(alpha, influence, newey_west_lags(n, rule), year) for rule in _LAG_RULES},
    }
    verb = "added" if annual_alpha > 0 else "cost"
    return Finding(
        estimate=annual_alpha,
        statistic=statistic,
        p_value=p_value,
        interval=(annual_alpha - half_width, annual_alpha + half_width),
        effective_n=effective_observations(influence, variance),
        sentence=(
            f"Timing {verb} {abs(annual_alpha):.1%} a year over a {mix}; luck alone "
            f"would move it this far or farther in {p_value:.1%} of histories."
        ),
        details=details,
        **common,
    )


def regress_on_metal(strategy: FloatArray, metal: FloatArray) -> tuple[float, FloatArray, FloatArray, FloatArray]:
    """Alpha a period, betas (K,), residuals, and the influence of every period on alpha (mean 0, both (T,)).

    ``metal`` is (T,) or, for several, (T, K).

    Parameters
    ----------
    strategy
        Excess returns of the strategy, (T,).

    Raises
    ------
    DataError
        If one of them hardly moved, by itself or beside the strategy.
    """
    several = metal.reshape(len(metal), -1)
    if any(is_still(column, strategy) for column in several.T):
        raise DataError("metal: it hardly moved, so nothing can be timed; check the prices")
    centre = several.mean(axis=0)
    deviation = several - centre
    covariance = deviation.T @ deviation / len(metal)
    beta: FloatArray = np.linalg.solve(covariance, deviation.T @ strategy / len(metal))
    alpha = float(strategy.mean() - beta @ centre)
    residuals: FloatArray = strategy - alpha - several @ beta
    influence: FloatArray = residuals * (1 - deviation @ np.linalg.solve(covariance, centre))
    return alpha, beta, residuals, influence


_LAG_RULES: tuple[LagRule, ...] = ("lazarus 2018", "textbook", "newey-west 1994")


def _newey_west(alpha: float, influence: FloatArray, lags: int, year: float) -> dict[str, float]:
    n = influence.size
    error = sqrt(bartlett_variance(influence, lags) / n)
    b = (lags + 1) / n
    statistic = alpha / error
    return {
        "lags": lags,
        "standard_error": error * year,
        "statistic": statistic,
        "p_value_fixed_b": fixed_b_p_value(statistic, b),
        "p_value_normal": student_p_value(statistic, inf),
    }
