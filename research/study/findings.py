"""The evidence of a claim or of a row as findings, each with its null, its method, its source and a sentence."""

from __future__ import annotations

from math import isfinite, isnan
from typing import Any

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
    found = (
        _timing_return(evidence, told),
        _ratio(evidence, told),
        _price_gap(evidence, told),
        _adjusted(evidence, told),
        _shifted(evidence, told),
        _upper_limit(evidence, rules),
        _weight(evidence),
        _detectable(evidence, rules),
        _decidable(evidence, rules),
    )
    return {finding.name: finding for finding in found}


def _of(estimate: Estimate, told: bool, *, method: str, **more: Any) -> Finding:
    """What an estimate of the record says, with its error where it is told."""
    cosines = f"equal-weighted cosines, Student's t with {estimate.degrees_of_freedom:.1f} degrees of freedom"
    found: dict[str, Any] = {
        "estimate": estimate.value,
        "null": _NULL,
        "interval": estimate.interval() if told else None,
        "statistic": _known(estimate.t, told),
        "method": f"{method}; {cosines}",
    }
    return Finding(**{**found, **more})


def _timing_return(evidence: Evidence, told: bool) -> Finding:
    estimate = evidence.timing_return
    low, high = estimate.interval()
    span = f", 95 % interval {low:+.2%} to {high:+.2%}" if told else ""
    return _of(
        estimate,
        told,
        name="timing_return",
        unit="fraction a year",
        alternative="holding at these times pays what is claimed",
        method="mean of the timing series, after costs",
        reference=f"Grinblatt and Titman 1993; {_LAZARUS}",
        sentence=(
            f"Holding at these times earned {estimate.value:+.2%} a year beyond holding as much on average{span}; "
            "it is not the gap between two equity curves."
        ),
        details={"gross": evidence.return_before_costs.value, "standard_error": estimate.error},
    )


def _ratio(evidence: Evidence, told: bool) -> Finding:
    estimate = evidence.information_ratio
    return _of(
        estimate,
        told,
        name="information_ratio",
        unit="a year",
        alternative="it is above 0 in the claimed direction",
        p_value=_known(evidence.p_value.supporting, told),
        effective_n=float(evidence.events),
        method="timing return over its own standard deviation",
        reference=_LAZARUS,
        sentence=f"The timing return is {estimate.value:+.2f} times its own volatility a year; alone, not adjusted.",
    )


def _price_gap(evidence: Evidence, told: bool) -> Finding:
    estimate = evidence.price_gap
    return _of(
        estimate,
        told,
        name="price_gap",
        unit="fraction a year",
        alternative="the metal's return differs in position and out of it",
        statistic=None,
        method="cov(z, m) / cov(z, w), before costs",
        reference="Cumby and Modest 1987",
        sentence=f"In position the metal returned {estimate.value:+.1%} a year more than out of it.",
    )


def _adjusted(evidence: Evidence, told: bool) -> Finding:
    p = evidence.deciding
    with_record = evidence.decided_by == "p_with_record"
    error = monte_carlo_error(p.supporting)
    tests = f"{evidence.family_size} tests" + (f" and {evidence.n_recorded} recorded trials" if with_record else "")
    return Finding(
        name=evidence.decided_by,
        estimate=evidence.information_ratio.value,
        unit="information ratio a year",
        null=f"{_NULL}, whatever is true of the others",
        alternative="it pays what is claimed",
        p_value=_known(p.supporting, told),
        effective_n=float(evidence.family_size + (evidence.n_recorded if with_record else 0)),
        method="step-down over the largest t, its null by rotation of the low frequencies",
        reference="Langsrud 2005; Westfall and Young 1993",
        sentence=(
            f"Adjusted over {tests}; counted in {N_ROTATIONS:,} rotations, so right to ± {error:.3f}."
            if told and not isnan(p.supporting)
            else "Too few events for a p-value."
        ),
        details={"p_value_opposite": _known(p.opposing, told), "monte_carlo_error": _known(error, told)},
    )


def _shifted(evidence: Evidence, told: bool) -> Finding:
    p = evidence.p_shifted
    return Finding(
        name="p_shifted",
        estimate=p.supporting if told else float("nan"),
        unit="share of moved histories",
        null=_NULL,
        alternative="the timing of the weights pays what is claimed",
        p_value=_known(p.supporting, told),
        method="the own weights moved in a circle, all rows together, same costs; White's t; p = (1 + count) / (1 + n)",
        reference="Phipson and Smyth 2010",
        sentence=(
            f"{p.supporting:.1%} of the claim's own histories, moved in time, do at least as well."
            if told and not isnan(p.supporting)
            else "No share of moved histories is given."
        ),
        details={"p_value_opposite": _known(p.opposing, told)},
    )


def _upper_limit(evidence: Evidence, rules: Rules) -> Finding:
    ratio, _ = evidence.upper_limits(rules)
    worth = rules.worthwhile_information_ratio
    return Finding(
        name="upper_limit",
        estimate=ratio,
        unit="information ratio a year",
        null=f"an information ratio of {worth:g} or more",
        alternative="a smaller one, none, or one against the claim",
        level=1 - rules.level,
        method=f"one-sided {1 - rules.level:.0%} limit before costs",
        reference="Schuirmann 1987",
        sentence=f"Information ratios above {ratio:.2f} are excluded; {worth:g} would be worth having.",
    )


def _weight(evidence: Evidence) -> Finding:
    low, high = evidence.information_ratio.interval()
    return Finding(
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
    )


def _detectable(evidence: Evidence, rules: Rules) -> Finding:
    return Finding(
        name="detectable",
        estimate=evidence.detectable,
        unit="information ratio a year",
        null=_NULL,
        alternative="an effect of this size",
        method=f"noncentral t at the family's critical value, {rules.power:.0%} of cases",
        reference="Johnson and Welch 1940",
        sentence=(
            f"The deciding rules find an information ratio of {evidence.detectable:.2f} in {rules.power:.0%} of cases."
        ),
    )


def _decidable(evidence: Evidence, rules: Rules) -> Finding:
    when = evidence.decidable
    known = isfinite(when.year)
    span = f"{when.earliest:.0f} to {when.latest:.0f}" if isfinite(when.latest) else f"{when.earliest:.0f} or later"
    return Finding(
        name="decidable_by",
        estimate=when.year,
        unit="calendar year",
        null="events go on at the rate of the record",
        alternative="none",
        interval=(when.earliest, when.latest) if isfinite(when.latest) else None,
        level=0.8,
        method=(
            f"{rules.min_events} events, and an error that finds an information ratio of "
            f"{rules.worthwhile_information_ratio:g} with {rules.power:.0%}"
        ),
        reference="chi-square of the error, gamma of the rate",
        sentence=f"At this rate it can be decided by {when.year:.0f} ({span})." if known else "No year can be given.",
    )


def _known(p: float, told: bool) -> float | None:
    return p if told and not isnan(p) else None
