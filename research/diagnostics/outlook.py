"""What a claim that is not decided still tells: the weight of the evidence, what would be found, and by when."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, isfinite, log, nan, sqrt

import numpy as np

from research.diagnostics.long_run import Estimate

# Scale of the half-normal prior of the information ratio a year, if there is an effect: what is worth having
PRIOR_SCALE = 0.5


def bayes_factor(ratio: Estimate, scale: float = PRIOR_SCALE) -> float:
    r"""Odds that the record gives to an effect in the claimed direction against none.

    With the information ratio :math:`r` and its error :math:`e`, a half-normal prior of scale :math:`\sigma_0` against
    0: :math:`2\,\Phi(\mu/\sigma)\,N(r; 0, \sigma_0^2 + e^2) / N(r; 0, e^2)`, with
    :math:`\mu = \sigma_0^2 r / (\sigma_0^2 + e^2)` and :math:`\sigma^2 = \sigma_0^2 e^2 / (\sigma_0^2 + e^2)`.

    Parameters
    ----------
    ratio
        Information ratio with its error.
    scale
        Of the half-normal prior, an information ratio a year.
    """
    from scipy.special import ndtr

    r, e = ratio.value, ratio.error
    if not (isfinite(r) and e > 0):
        return nan
    total = scale**2 + e**2
    mean, deviation = scale**2 * r / total, scale * e / sqrt(total)
    logarithm = log(2 * max(float(ndtr(mean / deviation)), 1e-300)) + _log_normal(r, total) - _log_normal(r, e**2)
    return exp(min(logarithm, 700.0))


def odds_words(factor: float) -> str:
    """``1 in 3``: what the record makes of even odds; ``2.4 to 1`` where it speaks for the claim.

    Parameters
    ----------
    factor
        Odds, from ``bayes_factor``.
    """
    if not isfinite(factor):
        return "unknown"
    return f"{_figure(factor)} to 1" if factor >= 1 else f"1 in {_figure(1 + 1 / factor)}"


@dataclass(frozen=True)
class Delayed:
    """One more bar of delay: the share of an effect that it leaves, and how alike chance is in both accounts.

    Attributes
    ----------
    share
        Of an effect that is left after one more bar.
    correlation
        Of chance in both accounts.
    """

    share: float = 1.0
    correlation: float = 1.0


def detectable(
    estimate: Estimate, critical_value: float, degrees_of_freedom: float, power: float, delayed: Delayed | None = None
) -> float:
    """Smallest true effect that the deciding rules find with this probability, in the unit of the estimate.

    Its t must reach the critical value, and its sign survive one more bar of delay. The critical value, of a t with
    ``degrees_of_freedom``, becomes that of the estimate's own t with the same tail; the t of an effect of so many
    errors is noncentral; given that it is high enough, the delayed return, which has a share of the effect, is above 0
    as two correlated normal errors say. Infinite where no effect is found so often.

    Parameters
    ----------
    estimate
        With its error.
    critical_value
        What its t must reach.
    power
        Probability with which it is found.
    delayed
        What one more bar of delay leaves; ``None`` for all.
    """
    from scipy.special import nctdtr, nctdtrinc, ndtri, stdtr, stdtrit

    if not (isfinite(estimate.error) and isfinite(critical_value)):
        return nan
    own = estimate.degrees_of_freedom
    critical = -float(stdtrit(own, stdtr(degrees_of_freedom, -critical_value)))
    least = float(nctdtrinc(own, 1 - power, critical))
    if delayed is None:
        return least * estimate.error

    def found(effect: float) -> float:
        missed = float(nctdtr(own, effect, critical))
        reached = 1 - missed if missed > 0 else 1.0  # far out the distribution is not computed, and nothing is missed
        return reached * _survives(-float(ndtri(reached)), -delayed.share * effect, delayed.correlation)

    most = 8 * least
    if found(least) >= power - 1e-3:
        return least * estimate.error
    if not found(most) > power:
        return inf
    for _ in range(40):  # by halves: scipy.optimize takes a third of a second to import
        middle = (least + most) / 2
        least, most = (middle, most) if found(middle) < power else (least, middle)
    return most * estimate.error


def _survives(low: float, delayed_low: float, correlation: float) -> float:
    """Probability that one of two standard normal errors is above ``delayed_low`` where the other is above ``low``."""
    from scipy.special import ndtr

    if not isfinite(low):
        return float(ndtr(-delayed_low))
    x = np.linspace(low, abs(low) + 8, 1000)
    density = np.exp(-0.5 * x**2)
    spread = sqrt(max(1 - correlation**2, 1e-12))
    return float((density * ndtr((correlation * x - delayed_low) / spread)).sum() / density.sum())


@dataclass(frozen=True)
class Decidable:
    """When a claim can be decided if events go on as they came: ``year``, and 80 % bounds of that guess.

    Years are those of the calendar; infinite where nothing ever happens.

    Attributes
    ----------
    earliest
        10 % bound.
    latest
        90 % bound.
    """

    year: float
    earliest: float
    latest: float


def decidable(
    *,
    detectable_ratio: float,
    worthwhile_ratio: float,
    events: int,
    minimum_events: int,
    years: float,
    now: float,
    nu: float,
) -> Decidable:
    r"""When what is worth having is what would be found, and events suffice.

    The error falls with the root of the years, so :math:`years \cdot (detectable / worthwhile)^2` are needed in all;
    the k-th event is due after :math:`k / rate` years. The later of the two decides. The bounds are the 10 % and 90 %
    quantiles of the error's chi-square and of the rate's gamma distribution (Jeffreys' prior), whichever is later.

    Parameters
    ----------
    detectable_ratio
        What is found four times in five, an information ratio.
    worthwhile_ratio
        What would be worth having, likewise.
    events
        Independent events so far.
    minimum_events
        Fewest that can be judged.
    years, now
        Length of the record, and the calendar year of its end.
    nu
        Degrees of freedom of the error.
    """
    from scipy.special import chdtri, gammaincinv

    if not isfinite(detectable_ratio):
        return Decidable(inf if events == 0 else nan, nan, inf)
    needed = years * (detectable_ratio / worthwhile_ratio) ** 2
    missing = max(minimum_events - events, 0)

    def when(error_factor: float, rate: float) -> float:
        waiting = missing / rate if missing else 0.0
        return now + max(needed * error_factor - years, waiting, 0.0)

    slow, fast = (float(gammaincinv(events + 0.5, p)) / years for p in (0.1, 0.9))
    return Decidable(
        year=when(1.0, max(events, 0.5) / years),
        earliest=when(nu / float(chdtri(nu, 0.1)), fast),
        latest=when(nu / float(chdtri(nu, 0.9)), slow),
    )


def _log_normal(x: float, variance: float) -> float:
    """But for what two of them have in common."""
    return -0.5 * (x * x / variance + log(variance))


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"
