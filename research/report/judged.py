"""What pages say of a judged claim and of its rows. Nothing is computed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research.report.columns import p_adjusted, p_shifted, shows
from research.report.study_words import plural
from research.report.words import interval, number, p_value, signed_percent

if TYPE_CHECKING:
    from research.study import Study, TestedClaim, Trial

_SAYS = {
    "supported": "is supported",
    "contradicted": "is contradicted",
    "ruled out": "is ruled out as an effect worth having",
    "undecidable": "cannot be decided",
}

Box = tuple[str, str, str]
"""A name, a number and a note."""


def three_numbers(trial: Trial) -> list[Box]:
    """The three numbers that decided: the timing return and its two p-values, or why there can be no p-value."""
    evidence, rules = trial.evidence, trial.verdict.rules
    gained = signed_percent(evidence.timing_return.value)
    if trial.shows_p_values:
        return [
            ("Timing return a year", gained, f"95 % interval {interval(evidence.timing_return.interval())}"),
            ("p adjusted", p_adjusted(trial), f"evidence at {rules.level:.2f} or less"),
            (
                "p shifted",
                p_shifted(trial),
                f"own weights at other times; detectable: an information ratio of {number(evidence.detectable)}",
            ),
        ]
    found = f"information ratio a year, found {rules.power:.0%} of the time"
    return [
        ("Independent events", str(evidence.events), f"{rules.min_events} are needed for a p-value"),
        ("Timing return a year", gained, "too few events to tell it from luck"),
        ("Detectable", number(evidence.detectable), found),
    ]


def first_numbers(study: Study) -> list[Box]:
    """Of many claims: how many are supported, how near the nearest came, and how many could be judged."""
    claims, rules = list(study.claims.values()), study.rules
    supported = sum(claim.verdict.word == "supported" for claim in claims)
    judged = [claim.evidence.deciding.supporting for claim in claims if shows(claim)]
    enough = f"{len(judged)} of {len(claims)}"
    return [
        ("Supported", f"{supported} of {len(claims)}", "by p adjusted, p shifted and robustness"),
        ("Smallest p adjusted", p_value(min(judged, default=None)), f"evidence at {rules.level:.2f} or less"),
        ("Enough events to judge", enough, f"{rules.min_events} independent ones or more"),
    ]


def quotation(claim: TestedClaim, study: Study) -> str:
    """One sentence to quote, with its date and data; it says no more than the numbers beside it."""
    used = [item for trial in study.trials if trial.claim == claim.id for item in trial.market.datasets.values()]
    publishers = " and ".join(dict.fromkeys(item.publisher for item in used if item.price))
    first = min(timing.dates[0] for timing in claim.timings.values())
    last = max(timing.dates[-1] for timing in claim.timings.values())
    basis = f"on prices from {first:%B %Y} to {last:%B %Y} ({publishers})"
    evidence, rules = claim.evidence, claim.verdict.rules
    head = f"“{claim.short}” {_SAYS[str(claim.verdict.word)]} {basis}"
    if not shows(claim):
        count = (
            "no independent event" if not evidence.events else f"only {plural(evidence.events, 'independent event')}"
        )
        return f"{head}: the record holds {count}, and {rules.min_events} are needed."
    gap = evidence.price_gap
    direction = "more" if gap.value >= 0 else "less"
    return (
        f"{head}: in position the metal returned {abs(gap.value):.1%} a year {direction} than out of it (95 % interval "
        f"{interval(gap.interval())}; {plural(evidence.events, 'independent event')}; p {p_adjusted(claim)} adjusted "
        f"over {evidence.family_size} claims)."
    )


def what_would_change_it(claim: TestedClaim) -> str:
    """What the record would have to bring for another word; of a decided one, its refutation."""
    evidence, rules, verdict = claim.evidence, claim.verdict.rules, str(claim.verdict.word)
    if not shows(claim):
        lacking = rules.min_events - evidence.events
        return f"{plural(lacking, 'more independent event')}, for a test to be made at all."
    ratio, _ = evidence.upper_limits(rules)
    worth = rules.worthwhile_information_ratio
    if verdict == "ruled out":
        return f"A record whose upper limit, now an information ratio of {ratio:.2f}, rises to {worth:g} or more again."
    if verdict == "undecidable":
        year = evidence.decidable.year
        when = f"by about {year:.0f}" if year <= 2200 else "not before the year 2200"
        return (
            f"More events: at the rate of the record it can be decided {when}, by an upper limit of the information "
            f"ratio under {worth:g} (now {ratio:.2f}), or a p adjusted of {rules.level:g} or less (now "
            f"{p_adjusted(claim)})."
        )
    return f"Refutation by its own words: {claim.falsifier}"


def claim_anchor(identity: str) -> str:
    """Where a sentence stands in the page: ``C1+`` is ``claim-C1-for``."""
    sign = {"+": "-for", "-": "-against"}.get(identity[-1:], "")
    return f"claim-{_safe(identity.rstrip('+-'))}{sign}"


def anchor(trial: Trial) -> str:
    """Where a trial stands in the page."""
    return f"trial-{_safe(f'{trial.name}-{trial.metal}')}"


def _safe(text: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in text)
