"""What pages say of a judged claim and of its rows. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from research.report import charts
from research.report.chart import Chart
from research.report.columns import CLAIM_COLUMNS, p_adjusted, p_shifted, shows
from research.report.markup import Markup, join, tag
from research.report.page import Section
from research.report.study_words import plural, since_words
from research.report.svg import figure
from research.report.tables import anchor, claim_anchor, findings_table, performance_table, verdict_table, word
from research.report.words import interval, number, signed_percent

if TYPE_CHECKING:
    from research.study import Study, TestedClaim, Trial

_SAYS = {
    "supported": "is supported",
    "contradicted": "is contradicted",
    "ruled out": "is ruled out as an effect worth having",
    "undecidable": "cannot be decided",
}


Pictures = Mapping[str, Chart]
"""The charts of one row, by what they show."""


def claim_section(claim: TestedClaim, study: Study, *pictures: Markup, rows: Iterable[Section] = ()) -> Section:
    """A claim, folded: its sentence to quote, why it has its word, and its rows, whose sections are parts of it."""
    parts = tuple(rows)
    trials = [trial for trial in study.trials if trial.claim == claim.id]
    told = [(column.heading, column.cell(claim), "") for column in CLAIM_COLUMNS[:-1]]
    strategies = {trial.name: trial.strategy.claim for trial in trials}
    undecided = claim.verdict.word in ("undecidable", "ruled out")
    return Section(
        title=f"{claim.id} {claim.short}",
        short=f"{claim.id} {claim.short}",
        id=claim_anchor(claim.id),
        folded=True,
        summary=word(claim),
        body=join(
            tag("p", claim.sentence, class_="claim"),
            tag("blockquote", tag("p", quotation(claim, study)), class_="quote"),
            numbers(item for item in told if item[1]),
            figure(charts.verdicts(study, claim), "h4", caption=False) if shows(claim) else None,
            *pictures,
            _told("Why this word", claim.verdict.reason),
            _told("Before and after publication", since_words(claim)),
            _told("What the verdict rests on", claim.rests_on),
            _told("What would change it", what_would_change_it(claim)),
            _told("It would be refuted by", claim.falsifier) if undecided else None,
            *(_told(name, said) for name, said in strategies.items() if said != claim.sentence),
            verdict_table(trials, links=bool(parts), label=f"Rows of {claim.id}"),
        ),
        parts=parts,
    )


def row_section(trial: Trial, pictures: Pictures) -> Section:
    """A row, folded: its accounts, its pictures and every finding."""
    return Section(
        title=f"{trial.name} on {trial.metal}",
        id=anchor(trial),
        folded=True,
        summary=word(trial),
        body=join(
            tag("p", trial.verdict.reason),
            performance_table(trial, f"{trial.name} on {trial.metal}"),
            *(figure(picture, "h5", caption=False) for picture in pictures.values()),
            findings_table(trial),
        ),
    )


def three_numbers(trial: Trial) -> Markup:
    """The three numbers that decided: the timing return and its two p-values, or why there can be no p-value."""
    evidence, rules = trial.evidence, trial.verdict.rules
    gained = signed_percent(evidence.timing_return.value)
    if trial.shows_p_values:
        shown = [
            ("Timing return a year", gained, f"95 % interval {interval(evidence.timing_return.interval())}"),
            ("p adjusted", p_adjusted(trial), f"evidence at {rules.level:.2f} or less"),
            (
                "p shifted",
                p_shifted(trial),
                f"own weights at other times; detectable: an information ratio of {number(evidence.detectable)}",
            ),
        ]
    else:
        shown = [
            ("Independent events", str(evidence.events), f"{rules.min_events} are needed for a p-value"),
            ("Timing return a year", gained, "too few events to tell it from luck"),
            (
                "Detectable",
                number(evidence.detectable),
                f"information ratio a year, found {rules.power:.0%} of the time",
            ),
        ]
    return numbers(shown)


def numbers(shown: Iterable[tuple[str, str, str]]) -> Markup:
    """Boxes of a name, a number and a note each."""
    boxes = (
        tag("div", tag("dt", name), tag("dd", value, tag("small", note) if note else None))
        for name, value, note in shown
    )
    return tag("dl", *boxes, class_="numbers")


def how_made(study: Study, drawn: Iterable[Pictures]) -> Markup:
    """How each picture and each finding is made: once, so that no row repeats it."""
    pictures = {name: chart.caption for charts in drawn for name, chart in charts.items()}
    findings = {
        finding.name: finding for trial in study.trials for finding in {**trial.findings, **trial.appendix}.values()
    }
    methods: dict[str, list[str]] = {}
    for name, item in findings.items():
        told = f"Null: {item.null}. Method: {item.method}. Source: {item.reference}."
        methods.setdefault(told, []).append(name.replace("_", " "))
    return join(
        tag("h3", "The pictures"),
        tag("dl", *(join(tag("dt", name), tag("dd", told)) for name, told in pictures.items())),
        tag("h3", "The findings"),
        tag("dl", *(join(tag("dt", ", ".join(names)), tag("dd", told)) for told, names in methods.items())),
    )


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


def _told(label: str, text: str) -> Markup | None:
    return tag("p", tag("strong", f"{label}: "), text) if text else None
