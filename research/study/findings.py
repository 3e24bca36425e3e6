"""The evidence of a claim or of a row as findings, each with its null, its method, its source and a sentence."""

from __future__ import annotations

from math import isfinite, isnan, nan

from research.diagnostics.finding import Finding
from research.diagnostics.long_run import Estimate
from research.diagnostics.outlook import PRIOR_SCALE
from research.diagnostics.rotation import N_ROTATIONS, monte_carlo_error
from research.verdict import Evidence, Rules

_NULL = "the weights carry no information about when the metal pays"
_LAZARUS = "Lazarus, Lewis, Stock and Watson 2018"


def deciding_findings(evidence: Evidence, rules: Rules) -> dict[str, Finding]:
    """By name, what decides first; no p-value and no interval where events are too few."""
    told = evidence.shows_p_values(rules)
    found = (*_estimates(evidence, told), *_adjusted(evidence, told), *_outlook(evidence, rules))
    return {finding.name: finding for finding in found}


def _estimates(evidence: Evidence, told: bool) -> tuple[Finding, ...]:
    """What the record says, with its error where it is told."""
    gain, ratio, gap = evidence.timing_return, evidence.information_ratio, evidence.price_gap
    low, high = gain.interval()
    span = f", 95 % interval {low:+.2%} to {high:+.2%}" if told else ""
    return (
        Finding(
            name="timing_return",
            estimate=gain.value,
            unit="fraction a year",
            null=_NULL,
            alternative="holding at these times pays what is claimed",
            interval=gain.interval() if told else None,
            statistic=_known(gain.t, told),
            method=f"mean of the timing series, after costs; {_cosines(gain)}",
            reference=f"Grinblatt and Titman 1993; {_LAZARUS}",
            sentence=(
                f"Holding at these times earned {gain.value:+.2%} a year beyond holding as much on average{span}; "
                "it is not the gap between two equity curves."
            ),
            details={"gross": evidence.return_before_costs.value, "standard_error": gain.error},
        ),
        Finding(
            name="information_ratio",
            estimate=ratio.value,
            unit="a year",
            null=_NULL,
            alternative="it is above 0 in the claimed direction",
            interval=ratio.interval() if told else None,
            statistic=_known(ratio.t, told),
            p_value=_known(evidence.p_value.supporting, told),
            effective_n=float(evidence.events),
            method=f"timing return over its own standard deviation; {_cosines(ratio)}",
            reference=_LAZARUS,
            sentence=f"The timing return is {ratio.value:+.2f} times its own volatility a year; alone, not adjusted.",
        ),
        Finding(
            name="price_gap",
            estimate=gap.value,
            unit="fraction a year",
            null=_NULL,
            alternative="the metal's return differs in position and out of it",
            interval=gap.interval() if told else None,
            method=f"cov(z, m) / cov(z, w), before costs; {_cosines(gap)}",
            reference="Cumby and Modest 1987",
            sentence=f"In position the metal returned {gap.value:+.1%} a year more than out of it.",
        ),
    )


def _adjusted(evidence: Evidence, told: bool) -> tuple[Finding, ...]:
    """The two p-values that decide."""
    deciding, shifted = evidence.deciding, evidence.p_shifted
    recorded = evidence.n_recorded if evidence.decided_by == "p_with_record" else None
    tests = f"{evidence.family_size} tests" + ("" if recorded is None else f" and {recorded} recorded trials")
    error = monte_carlo_error(deciding.supporting)
    return (
        Finding(
            name=evidence.decided_by,
            estimate=evidence.information_ratio.value,
            unit="information ratio a year",
            null=f"{_NULL}, whatever is true of the others",
            alternative="it pays what is claimed",
            p_value=_known(deciding.supporting, told),
            effective_n=float(evidence.family_size + (recorded or 0)),
            method="step-down over the largest t, its null by rotation of the low frequencies",
            reference="Langsrud 2005; Westfall and Young 1993",
            sentence=(
                f"Adjusted over {tests}; counted in {N_ROTATIONS:,} rotations, so right to ± {error:.3f}."
                if told and not isnan(deciding.supporting)
                else "Too few events for a p-value."
            ),
            details={
                "p_value_opposite": _known(deciding.opposing, told),
                "monte_carlo_error": _known(error, told),
            },
        ),
        Finding(
            name="p_shifted",
            estimate=shifted.supporting if told else nan,
            unit="share of circular shifts",
            null=_NULL,
            alternative="the timing of the weights pays what is claimed",
            p_value=_known(shifted.supporting, told),
            method=(
                "the own weights moved in a circle, all rows together, same costs; White's t; p = (1 + count) / (1 + n)"
            ),
            reference="Phipson and Smyth 2010",
            sentence=(
                f"{shifted.supporting:.1%} of the claim's own histories, moved in time, do at least as well."
                if told and not isnan(shifted.supporting)
                else "No share of circular shifts is given."
            ),
            details={"p_value_opposite": _known(shifted.opposing, told)},
        ),
    )


def _outlook(evidence: Evidence, rules: Rules) -> tuple[Finding, ...]:
    """What is excluded, what would be found, and when."""
    limit, _ = evidence.upper_limits(rules)
    low, high = evidence.information_ratio.interval()
    worth, level, when = rules.worthwhile_information_ratio, 1 - rules.level, evidence.decidable
    span = f"{when.earliest:.0f} to {when.latest:.0f}" if isfinite(when.latest) else f"{when.earliest:.0f} or later"
    return (
        Finding(
            name="upper_limit",
            estimate=limit,
            unit="information ratio a year",
            null=f"an information ratio of {worth:g} or more",
            alternative="a smaller one, none, or one against the claim",
            level=level,
            method=f"one-sided {level:.0%} limit before costs",
            reference="Schuirmann 1987",
            sentence=f"Information ratios above {limit:.2f} are excluded; {worth:g} would be worth having.",
        ),
        Finding(
            name="weight_of_evidence",
            estimate=evidence.bayes_factor,
            unit="odds of an effect of the size worth having against none",
            null="no effect",
            alternative=f"an information ratio from a half-normal of scale {PRIOR_SCALE:g}",
            method="Bayes factor from the estimate and its error",
            reference="Jeffreys 1961",
            sentence=(
                f"The record moves even odds to {evidence.odds}; 95 % interval of the ratio {low:+.2f} to {high:+.2f}."
            ),
        ),
        Finding(
            name="detectable",
            estimate=evidence.detectable,
            unit="information ratio a year",
            null=_NULL,
            alternative="an effect of this size",
            method=f"noncentral t at the family's critical value, {rules.power:.0%} of cases",
            reference="Johnson and Welch 1940",
            sentence=(
                f"The deciding rules find an information ratio of {evidence.detectable:.2f} "
                f"in {rules.power:.0%} of cases."
            ),
        ),
        Finding(
            name="decidable_by",
            estimate=when.year,
            unit="calendar year",
            null="events go on at the rate of the record",
            alternative="none",
            interval=(when.earliest, when.latest) if isfinite(when.latest) else None,
            level=0.8,
            method=(
                f"{rules.min_events} events, and an error that finds an information ratio of {worth:g} "
                f"with {rules.power:.0%}"
            ),
            reference="chi-square of the error, gamma of the rate",
            sentence=(
                f"At this rate it can be decided by {when.year:.0f} ({span})."
                if isfinite(when.year)
                else "No year can be given."
            ),
        ),
    )


def _cosines(estimate: Estimate) -> str:
    return f"equal-weighted cosines, Student's t with {estimate.degrees_of_freedom:.1f} degrees of freedom"


def _known(p: float, told: bool) -> float | None:
    return p if told and not isnan(p) else None
