"""Did the strategy time the metal, and is its Sharpe ratio more than noise?

:func:`timing_alpha` is the primary test of a verdict. Its p-value is two-sided; the direction is read from
the sign of the estimate, apart from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan, sqrt
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import FloatArray, SeriesLike, aligned, fraction, positive, vector, whole
from research.diagnostics.long_run import (
    MINIMUM_OBSERVATIONS,
    LagRule,
    bartlett_variance,
    cosine_variance,
    effective_observations,
    ewc_degrees_of_freedom,
    fixed_b_critical_value,
    fixed_b_p_value,
    newey_west_lags,
    student_critical_value,
    student_p_value,
)
from research.errors import DataError, ParameterError

NO_TIMING = 1e-9
"""Residual volatility, as a share of the metal's, under which a strategy holds one fixed mix."""


def timing_alpha(
    excess_returns: SeriesLike,
    metal_excess_returns: SeriesLike,
    *,
    periods_per_year: float,
    expected_sign: int = 1,
    level: float = 0.95,
) -> Finding:
    r"""Alpha of the strategy over a fixed mix of metal and bills, :math:`r^s_t = \alpha + \beta r^m_t + u_t`.

    A strategy that holds the metal by a constant share has no alpha whatever the metal did, so what is
    left is timing. The error of :math:`\alpha` is :math:`\sqrt{\hat\Omega / T}`, where :math:`\hat\Omega` is the
    equal-weighted-cosine long-run variance of alpha's influence, the first row of
    :math:`(X'X/T)^{-1} x_t u_t`; the statistic is Student with :math:`\nu = 0.4\,T^{2/3}` degrees of freedom.

    Parameters
    ----------
    excess_returns, metal_excess_returns
        Simple returns less the bill's return of the same period, shape (T,), as fractions.
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
        For missing or misaligned returns, fewer than 3, or a metal that never moved.

    References
    ----------
    Jensen (1968); Lazarus, Lewis, Stock and Watson (2018); Kiefer and Vogelsang (2005).
    """
    strategy, metal = aligned(excess_returns=excess_returns, metal_excess_returns=metal_excess_returns, minimum=3)
    year = positive(periods_per_year, "periods_per_year")
    fraction(level, "level")
    if expected_sign not in (1, -1):
        raise ParameterError(f"expected_sign: {expected_sign!r} is not a direction; pass +1 or -1")
    if np.ptp(metal) == 0:
        raise DataError("metal_excess_returns: the metal never moved, so nothing can be timed; check the prices")

    n = strategy.size
    alpha, beta, residuals, influence = regress_on_metal(strategy, metal)
    details: dict[str, object] = {
        "beta": beta,
        "alpha_per_period": alpha,
        "expected_sign": expected_sign,
        "n_observations": n,
    }
    common = {
        "name": "timing_alpha",
        "unit": "fraction a year",
        "null": "the strategy earns no more and no less than a fixed mix of metal and bills (alpha = 0)",
        "alternative": "alpha differs from 0 (two-sided; the direction is read from the sign)",
        "method": (
            f"OLS with intercept; equal-weighted-cosine long-run variance, nu = floor(0.4 T^(2/3)) = "
            f"{ewc_degrees_of_freedom(n)}, t with nu degrees of freedom; alpha a year = {year:g} x alpha a period"
        ),
        "reference": "Lazarus, Lewis, Stock and Watson (2018)",
        "level": level,
    }
    if float(residuals.std()) <= NO_TIMING * float(metal.std()):
        return Finding(
            estimate=0.0,
            sentence="The strategy held one fixed mix of metal and bills all the time: there is no timing to judge.",
            details=details | {"residual_volatility": 0.0, "information_ratio": None},
            **common,
        )
    residual_volatility = float(np.sqrt(residuals @ residuals / (n - 2)) * sqrt(year))
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
        "newey_west": {
            rule: _newey_west(alpha, influence, newey_west_lags(n, rule), year, level) for rule in _LAG_RULES
        },
    }
    verb = "added" if annual_alpha > 0 else "cost"
    return Finding(
        estimate=annual_alpha,
        statistic=statistic,
        p_value=p_value,
        interval=(annual_alpha - half_width, annual_alpha + half_width),
        effective_n=effective_observations(influence, variance),
        sentence=(
            f"Timing {verb} {abs(annual_alpha):.1%} a year over a fixed mix of metal and bills; luck alone "
            f"would move it this far or farther in {p_value:.1%} of histories."
        ),
        details=details,
        **common,
    )


def regress_on_metal(strategy: FloatArray, metal: FloatArray) -> tuple[float, float, FloatArray, FloatArray]:
    deviation = metal - metal.mean()
    variance = float(deviation @ deviation) / metal.size
    beta = float(deviation @ strategy) / (metal.size * variance)
    alpha = float(strategy.mean() - beta * metal.mean())
    residuals = strategy - alpha - beta * metal
    influence = residuals * (1 - metal.mean() * deviation / variance)
    return alpha, beta, residuals, influence


_LAG_RULES: tuple[LagRule, ...] = ("lazarus 2018", "textbook", "newey-west 1994")


def _newey_west(alpha: float, influence: FloatArray, lags: int, year: float, level: float) -> dict[str, float]:
    n = influence.size
    error = sqrt(bartlett_variance(influence, lags) / n)
    b = (lags + 1) / n
    statistic = alpha / error
    half_width = fixed_b_critical_value(level, b) * error * year
    return {
        "lags": lags,
        "standard_error": error * year,
        "statistic": statistic,
        "p_value_fixed_b": fixed_b_p_value(statistic, b),
        "p_value_normal": student_p_value(statistic, inf),
        "low": alpha * year - half_width,
        "high": alpha * year + half_width,
    }


@dataclass(frozen=True, kw_only=True)
class SharpeMoments:
    """What the error of a Sharpe ratio depends on; everything per period, never annualised.

    Attributes
    ----------
    sharpe
        Mean excess return over its standard deviation (divisor T - 1).
    n_observations
        T.
    skewness, kurtosis
        Standardised third and fourth moments (divisor T). The kurtosis is raw: 3 for a normal.
    """

    sharpe: float
    n_observations: int
    skewness: float = 0.0
    kurtosis: float = 3.0

    def __post_init__(self) -> None:
        whole(self.n_observations, "n_observations", minimum=2)
        if self.kurtosis < 1 + self.skewness**2 - 1e-9:
            raise ParameterError(
                f"kurtosis: {self.kurtosis:g} cannot go with a skewness of {self.skewness:g}; "
                f"pass the raw kurtosis, 3 for a normal"
            )

    @property
    def variance(self) -> float:
        r"""Mertens (2002): :math:`1 + SR^2/2 - \gamma_3 SR + (\gamma_4 - 3) SR^2 / 4`, to be divided by T."""
        return 1 - self.skewness * self.sharpe + (self.kurtosis - 1) / 4 * self.sharpe**2

    @property
    def standard_error(self) -> float:
        """Mertens (2002) standard error, right for independent returns of any shape."""
        return sqrt(self.variance / self.n_observations)

    @property
    def standard_error_normal(self) -> float:
        r"""Lo (2002) standard error for independent normal returns, :math:`\sqrt{(1 + SR^2/2) / T}`."""
        return sqrt((1 + self.sharpe**2 / 2) / self.n_observations)


MomentsLike: TypeAlias = SeriesLike | SharpeMoments


def sharpe_moments(excess_returns: MomentsLike) -> SharpeMoments:
    """Moments of a return series; moments already computed pass through.

    Raises
    ------
    DataError
        For missing values, fewer than 3 returns, or returns that never vary.
    """
    if isinstance(excess_returns, SharpeMoments):
        return excess_returns
    returns = vector(excess_returns, "excess_returns", minimum=3)
    deviation = returns - returns.mean()
    spread = float(np.sqrt(np.mean(deviation**2)))
    if spread <= 1e-15 + 1e-12 * abs(float(returns.mean())):
        raise DataError("excess_returns: they never vary, so they have no Sharpe ratio; check the weights")
    return SharpeMoments(
        sharpe=float(returns.mean() / returns.std(ddof=1)),
        n_observations=returns.size,
        skewness=float(np.mean((deviation / spread) ** 3)),
        kurtosis=float(np.mean((deviation / spread) ** 4)),
    )


def annualisation_factor(periods: int, autocorrelations: npt.ArrayLike = ()) -> float:
    r"""Lo (2002): :math:`\eta(q) = q / \sqrt{q + 2 \sum_{k<q} (q-k) \rho_k}`; :math:`\sqrt q` without memory.

    Parameters
    ----------
    periods
        q, periods in a year.
    autocorrelations
        :math:`\rho_1, \rho_2, \dots`; those not given are 0, those past q - 1 play no part.

    Raises
    ------
    ParameterError
        If the autocorrelations cannot belong to any series.
    """
    q = whole(periods, "periods", minimum=1)
    rho = np.zeros(q - 1)
    given = np.asarray(autocorrelations, dtype=np.float64).ravel()[: q - 1]
    rho[: given.size] = given
    variance = q + 2 * float((q - np.arange(1, q)) @ rho)
    if not variance > 0:
        raise ParameterError("autocorrelations: the sum would have a negative variance; pass fewer lags")
    return q / sqrt(variance)


def sharpe_ratio(excess_returns: SeriesLike, *, periods_per_year: int, level: float = 0.95) -> Finding:
    r"""Sharpe ratio a year, :math:`\sqrt q\,\bar r / s`, with an error that allows for fat tails and memory.

    The error is Lo's (2002) for dependent returns: the delta method on mean and variance, whose
    influence is :math:`z_t - \tfrac12 SR (z_t^2 - 1)` with :math:`z_t = (r_t - \bar r)/s`, and the
    equal-weighted-cosine long-run variance. For independent returns it is Mertens' (2002).

    Returns
    -------
    Finding
        Per square root of a year. The details hold Lo's and Mertens' standard errors for independent returns
        and the ratio by Lo's annualisation with a first-order autocorrelation.

    Raises
    ------
    DataError
        As :func:`sharpe_moments`.
    """
    returns = vector(excess_returns, "excess_returns", minimum=3)
    year = whole(periods_per_year, "periods_per_year", minimum=1)
    fraction(level, "level")
    moments = sharpe_moments(returns)
    scale = sqrt(year)
    n = moments.n_observations
    degrees = ewc_degrees_of_freedom(n)
    score = (returns - returns.mean()) / returns.std()
    influence = score - moments.sharpe / 2 * (score**2 - 1)
    variance = cosine_variance(influence, degrees)
    enough = n >= MINIMUM_OBSERVATIONS
    error = sqrt(variance / n)
    statistic = moments.sharpe / error if enough else None
    half_width = student_critical_value(level, degrees) * error
    memory = float(score[1:] @ score[:-1]) / n
    estimate = moments.sharpe * scale
    return Finding(
        name="sharpe_ratio",
        estimate=estimate,
        unit="a year (excess return over its volatility)",
        null="the expected excess return is 0",
        alternative="it is not 0 (two-sided)",
        interval=((moments.sharpe - half_width) * scale, (moments.sharpe + half_width) * scale) if enough else None,
        level=level,
        statistic=statistic,
        p_value=None if statistic is None else student_p_value(statistic, degrees),
        effective_n=effective_observations(influence, variance),
        method=(
            f"mean over standard deviation (divisor T - 1), times sqrt({year}); delta method with an "
            f"equal-weighted-cosine long-run variance, t with {degrees} degrees of freedom"
        ),
        reference="Lo (2002); Mertens (2002); Lazarus, Lewis, Stock and Watson (2018)",
        sentence=(
            f"The Sharpe ratio was {estimate:.2f} a year, give or take {half_width * scale:.2f}."
            if enough
            else f"{n} observations are too few to judge a Sharpe ratio of {estimate:.2f} a year."
        ),
        details={
            "sharpe_per_period": moments.sharpe,
            "standard_error": error * scale if enough else nan,
            "standard_error_lo_normal": moments.standard_error_normal * scale,
            "standard_error_mertens": moments.standard_error * scale,
            "skewness": moments.skewness,
            "kurtosis": moments.kurtosis,
            "autocorrelation": memory,
            "sharpe_lo_annualised": moments.sharpe * annualisation_factor(year, memory ** np.arange(1, year)),
            "n_observations": n,
        },
    )
