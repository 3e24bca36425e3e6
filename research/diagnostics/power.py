"""What could this sample have found? Asked before the result is looked at.

A test that cannot see an effect says nothing by not seeing it. Everything here is for two-sided tests.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf, sqrt

import numpy as np
import pandas as pd

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import FloatArray, SeriesLike, fraction, positive, whole, with_factors
from research.diagnostics.long_run import (
    MINIMUM_OBSERVATIONS,
    cosine_variance,
    effective_observations,
    ewc_degrees_of_freedom,
)
from research.diagnostics.performance import NO_TIMING, regress_on_metal

WORTHWHILE_INFORMATION_RATIO = 0.5
"""Alpha over residual volatility, a year, that would be worth having."""


def power_of_t_test(effect: float, degrees_of_freedom: float, *, significance: float = 0.05) -> float:
    """Probability that a two-sided t-test rejects, for an effect measured in its standard errors.

    The square of the noncentral t is a noncentral F with 1 and ``degrees_of_freedom``; infinite degrees of
    freedom are the normal test.
    """
    from scipy.special import ncfdtr, ndtr, stdtrit

    fraction(significance, "significance")
    shift = abs(effect)
    if degrees_of_freedom == inf:
        critical = float(stdtrit(inf, 1 - significance / 2))
        return float(ndtr(shift - critical) + ndtr(-shift - critical))
    df = positive(degrees_of_freedom, "degrees_of_freedom")
    critical = float(stdtrit(df, 1 - significance / 2))
    return float(1 - ncfdtr(1, df, shift**2, critical**2))


def minimum_detectable_shift(degrees_of_freedom: float, *, significance: float = 0.05, power: float = 0.8) -> float:
    """Smallest effect, in standard errors of the estimate, found with probability ``power``.

    2.80 for a normal test at 5 % and 80 %; more when the error itself is estimated from little.
    """
    from scipy.optimize import brentq

    fraction(power, "power")

    def shortfall(effect: float) -> float:
        return power_of_t_test(effect, degrees_of_freedom, significance=significance) - power

    if shortfall(0.0) >= 0:
        return 0.0
    upper = 4.0
    while shortfall(upper) < 0:
        upper *= 2
    return float(brentq(shortfall, 0.0, upper, xtol=1e-10))


def minimum_detectable_effect(n_observations: float, *, significance: float = 0.05, power: float = 0.8) -> float:
    r"""Cohen's d that a one-sample t-test finds: mean over standard deviation, :math:`\delta_{n-1}/\sqrt n`.

    ``n_observations`` may be an effective number and so a fraction. Below 2 the test is taken at one
    degree of freedom, the least a t-test has.
    """
    n = positive(n_observations, "n_observations")
    shift = minimum_detectable_shift(max(1.0, n - 1), significance=significance, power=power)
    return shift / sqrt(n)


def years_to_detect(annual_sharpe: float, *, significance: float = 0.05, power: float = 0.8) -> float:
    r"""Years until a Sharpe or information ratio stands out, :math:`((z_{1-a/2} + z_{power}) / SR)^2`."""
    shift = minimum_detectable_shift(inf, significance=significance, power=power)
    return (shift / positive(annual_sharpe, "annual_sharpe")) ** 2


def minimum_detectable_alpha(
    excess_returns: SeriesLike,
    metal_excess_returns: SeriesLike | pd.DataFrame,
    *,
    periods_per_year: float,
    significance: float = 0.05,
    power: float = 0.8,
) -> Finding:
    """Smallest timing alpha a year that this sample would have found, whatever it did find.

    The error and the degrees of freedom are those of :func:`~research.diagnostics.performance.timing_alpha`;
    the alpha itself plays no part.

    Parameters
    ----------
    excess_returns, metal_excess_returns
        Simple returns less the bill's, shape (T,), as fractions; for a portfolio a table with a column a leg.
    periods_per_year
        12 for months, 252 for days.
    significance, power
        Level of the two-sided test, and the probability with which it is to find the effect.

    Returns
    -------
    Finding
        In fractions a year; infinite when there are fewer than 24 observations, ``nan`` when the strategy
        held one fixed mix and timed nothing. The details hold the information ratio it amounts to, the years
        needed for information ratios of 0.3, 0.5 and 1, and the power curve.

    Raises
    ------
    DataError
        For missing or misaligned returns, fewer than 3, or a metal that hardly moved.
    """
    strategy, metal = with_factors(excess_returns, metal_excess_returns)
    year = positive(periods_per_year, "periods_per_year")
    n = strategy.size
    degrees = ewc_degrees_of_freedom(n)
    shift = minimum_detectable_shift(degrees, significance=significance, power=power)
    _, beta, residuals, influence = regress_on_metal(strategy, metal)
    volatility = sqrt(float(residuals @ residuals) / (n - 1 - beta.size) * year)
    variance = cosine_variance(influence, degrees)
    error = sqrt(variance / n) * year
    timed = float(residuals.std()) > NO_TIMING * float(metal.std(axis=0).max())
    if not timed:
        estimate, sentence = (
            float("nan"),
            "The strategy held one fixed mix all the time: there is no alpha to find.",
        )
    elif n < MINIMUM_OBSERVATIONS:
        estimate, sentence = inf, f"{n} observations could not have found an effect of any size."
    else:
        estimate = shift * error
        sentence = (
            f"This sample of {n / year:.0f} years could have found a timing alpha of {estimate:.1%} a year "
            f"or more, {power:.0%} of the time; a smaller one would have gone unseen."
        )
    ratio = estimate / volatility if timed else float("nan")
    return Finding(
        name="minimum_detectable_alpha",
        estimate=estimate,
        unit="fraction a year",
        null="alpha = 0",
        alternative="alpha of this size, either way",
        effective_n=effective_observations(influence, variance) if timed else None,
        method=(
            f"noncentral t with {degrees} degrees of freedom, two-sided test at "
            f"{significance:.0%}, power {power:.0%}, "
            f"equal-weighted-cosine error of alpha"
        ),
        reference="Lazarus, Lewis, Stock and Watson (2018)",
        sentence=sentence,
        details={
            "minimum_detectable_information_ratio": ratio,
            "could_find_worthwhile": bool(ratio <= WORTHWHILE_INFORMATION_RATIO),
            "worthwhile_information_ratio": WORTHWHILE_INFORMATION_RATIO,
            "residual_volatility": volatility,
            "standard_error": error,
            "years": n / year,
            "years_needed": _years_needed(significance, power),
            "power_curve": power_curve(error, degrees, significance=significance) if timed else None,
        },
    )


def minimum_detectable_information_ratio(
    excess_returns: SeriesLike,
    metal_excess_returns: SeriesLike | pd.DataFrame,
    *,
    periods_per_year: float,
    significance: float = 0.05,
    power: float = 0.8,
) -> Finding:
    """The :func:`minimum_detectable_alpha` over its residual volatility: what a verdict's power step reads.

    Same arguments and errors. The details add the ``level`` and ``power`` it was computed for, and keep the
    alpha as ``minimum_detectable_alpha``.
    """
    found = minimum_detectable_alpha(
        excess_returns,
        metal_excess_returns,
        periods_per_year=periods_per_year,
        significance=significance,
        power=power,
    )
    ratio = float(found.details["minimum_detectable_information_ratio"])
    return replace(
        found,
        name="minimum_detectable_information_ratio",
        estimate=ratio,
        unit="a year (alpha over residual volatility)",
        details={
            **found.details,
            "minimum_detectable_alpha": found.estimate,
            "level": significance,
            "power": power,
        },
    )


def minimum_detectable_sharpe(
    n_observations: int, *, periods_per_year: float, significance: float = 0.05, power: float = 0.8
) -> Finding:
    """Smallest Sharpe ratio a year that a sample of this length finds, for independent returns."""
    n = whole(n_observations, "n_observations", minimum=2)
    year = positive(periods_per_year, "periods_per_year")
    estimate = minimum_detectable_effect(n, significance=significance, power=power) * sqrt(year)
    return Finding(
        name="minimum_detectable_sharpe",
        estimate=estimate,
        unit="a year (excess return over its volatility)",
        null="the expected excess return is 0",
        alternative="a Sharpe ratio of this size, either way",
        effective_n=float(n),
        method=(f"noncentral t with {n - 1} degrees of freedom, two-sided at {significance:.0%}, power {power:.0%}"),
        reference="Student (1908); noncentral t",
        sentence=(
            f"{n / year:.0f} years can find a Sharpe ratio of {estimate:.2f} a year or more, {power:.0%} of the time."
        ),
        details={
            "years": n / year,
            "years_needed": _years_needed(significance, power),
        },
    )


def power_curve(
    standard_error: float, degrees_of_freedom: float, *, significance: float = 0.05, n_points: int = 13
) -> dict[str, list[float]]:
    """Power against the effect, from none to six standard errors, as ``{"effect": […], "power": […]}``."""
    effects: FloatArray = np.linspace(0, 6, whole(n_points, "n_points", minimum=2))
    return {
        "effect": [float(effect * standard_error) for effect in effects],
        "power": [power_of_t_test(float(effect), degrees_of_freedom, significance=significance) for effect in effects],
    }


def _years_needed(significance: float, power: float) -> dict[str, float]:
    return {str(ratio): years_to_detect(ratio, significance=significance, power=power) for ratio in (0.3, 0.5, 1.0)}
