"""The evidence of a claim or of a row as findings, each with its null, its method, its source and a sentence."""

from __future__ import annotations

from math import isfinite, isnan, nan

from research.diagnostics.finding import Finding
from research.diagnostics.long_run import Estimate
from research.diagnostics.outlook import PRIOR_SCALE
from research.diagnostics.rotation import N_ROTATIONS, monte_carlo_error
from research.verdict import Evidence, Rules


def deciding_findings(evidence: Evidence, rules: Rules) -> dict[str, Finding]:
    """By name, what decides first; no p-value and no interval where events are too few."""
    told = evidence.shows_p_values(rules)
    found = (*_estimates(evidence, told), *_adjusted(evidence, told), *_outlook(evidence, rules))
    return {finding.name: finding for finding in found}


def _estimates(evidence: Evidence, told: bool) -> tuple[Finding, ...]:
    """What the record says, with its error where it is told."""
    gain, ratio, gap = evidence.timing_return, evidence.information_ratio, evidence.price_gap
    low, high = gain.interval()
    return (
        Finding.of(
            "timing_return",
            gain.value,
            says="told" if told else "few",
            interval=(low, high) if told else None,
            statistic=_known(gain.t, told),
            details={"gross": evidence.return_before_costs.value, "standard_error": gain.error},
            cosines=_cosines(gain),
            low=low,
            high=high,
        ),
        Finding.of(
            "information_ratio",
            ratio.value,
            interval=ratio.interval() if told else None,
            statistic=_known(ratio.t, told),
            p_value=_known(evidence.p_value.supporting, told),
            effective_n=float(evidence.events),
            cosines=_cosines(ratio),
        ),
        Finding.of("price_gap", gap.value, interval=gap.interval() if told else None, cosines=_cosines(gap)),
    )


def _adjusted(evidence: Evidence, told: bool) -> tuple[Finding, ...]:
    """The two p-values that decide."""
    deciding, shifted = evidence.deciding, evidence.p_shifted
    recorded = evidence.n_recorded if evidence.decided_by == "p_with_record" else 0
    error = monte_carlo_error(deciding.supporting)
    return (
        Finding.of(
            evidence.decided_by,
            evidence.information_ratio.value,
            says="told" if told and not isnan(deciding.supporting) else "few",
            p_value=_known(deciding.supporting, told),
            effective_n=float(evidence.family_size + recorded),
            details={"p_value_opposite": _known(deciding.opposing, told), "monte_carlo_error": _known(error, told)},
            family=evidence.family_size,
            recorded=recorded,
            rotations=N_ROTATIONS,
            error=error,
        ),
        Finding.of(
            "p_shifted",
            shifted.supporting if told else nan,
            says="told" if told and not isnan(shifted.supporting) else "few",
            p_value=_known(shifted.supporting, told),
            details={"p_value_opposite": _known(shifted.opposing, told)},
        ),
    )


def _outlook(evidence: Evidence, rules: Rules) -> tuple[Finding, ...]:
    """What is excluded, what would be found, and when."""
    low, high = evidence.information_ratio.interval()
    worth, when = rules.worthwhile_information_ratio, evidence.decidable
    bounded = isfinite(when.latest)
    return (
        Finding.of("upper_limit", evidence.upper_limits(rules)[0], level=1 - rules.level, worth=worth),
        Finding.of(
            "weight_of_evidence", evidence.bayes_factor, scale=PRIOR_SCALE, odds=evidence.odds, low=low, high=high
        ),
        Finding.of("detectable", evidence.detectable, power=rules.power),
        Finding.of(
            "decidable_by",
            when.year,
            says="never" if not isfinite(when.year) else "between" if bounded else "or_later",
            interval=(when.earliest, when.latest) if bounded else None,
            level=0.8,
            min_events=rules.min_events,
            worth=worth,
            power=rules.power,
            earliest=when.earliest,
            latest=when.latest,
        ),
    )


def _cosines(estimate: Estimate) -> str:
    return f"equal-weighted cosines, Student's t with {estimate.degrees_of_freedom:.1f} degrees of freedom"


def _known(p: float, told: bool) -> float | None:
    return p if told and not isnan(p) else None
