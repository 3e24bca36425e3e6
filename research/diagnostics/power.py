"""What could this sample have found? Asked before the result is looked at.

A test that cannot see an effect says nothing by not seeing it. Everything here is for two-sided tests.
"""

from __future__ import annotations

from math import inf, sqrt

from research.diagnostics.inputs import positive

SIGNIFICANCE = 0.05  # probability of an error of the first kind, two-sided

POWER = 0.8  # probability with which an effect is found


def power_of_t_test(effect: float, degrees_of_freedom: float) -> float:
    """Probability that a two-sided t-test rejects, for an effect measured in its standard errors.

    The square of the noncentral t is a noncentral F with 1 and ``degrees_of_freedom``; infinite degrees of
    freedom are the normal test.

    Parameters
    ----------
    effect
        In standard errors.
    """
    from scipy.special import ncfdtr, ndtr, stdtrit

    shift = abs(effect)
    if degrees_of_freedom == inf:
        critical = float(stdtrit(inf, 1 - SIGNIFICANCE / 2))
        return float(ndtr(shift - critical) + ndtr(-shift - critical))
    df = positive(degrees_of_freedom, "degrees_of_freedom")
    critical = float(stdtrit(df, 1 - SIGNIFICANCE / 2))
    return float(1 - ncfdtr(1, df, shift**2, critical**2))


def minimum_detectable_shift(degrees_of_freedom: float) -> float:
    """Smallest effect, in standard errors of the estimate, found four times in five.

    2.80 for a normal test at 5 % and 80 %; more when the error itself is estimated from little.

    Parameters
    ----------
    degrees_of_freedom
        Of the t.
    """
    from scipy.optimize import brentq

    def shortfall(effect: float) -> float:
        return power_of_t_test(effect, degrees_of_freedom) - POWER

    upper = 4.0
    while shortfall(upper) < 0:
        upper *= 2
    return float(brentq(shortfall, 0.0, upper, xtol=1e-10))


def minimum_detectable_effect(n_observations: float) -> float:
    r"""Cohen's d that a one-sample t-test finds: mean over standard deviation, :math:`\delta_{n-1}/\sqrt n`.

    ``n_observations`` may be an effective number and so a fraction. Below 2 the test is taken at one
    degree of freedom, the least a t-test has.
    """
    n = positive(n_observations, "n_observations")
    shift = minimum_detectable_shift(max(1.0, n - 1))
    return shift / sqrt(n)


def years_to_detect(annual_sharpe: float) -> float:
    r"""Years until a Sharpe or information ratio stands out, :math:`((z_{1-a/2} + z_{power}) / SR)^2`.

    Parameters
    ----------
    annual_sharpe
        The effect, a Sharpe or information ratio a year.
    """
    shift = minimum_detectable_shift(inf)
    return (shift / positive(annual_sharpe, "annual_sharpe")) ** 2
