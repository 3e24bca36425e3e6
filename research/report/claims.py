"""The claims of a thesis for the terminal and as a page to publish. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from research.report import charts
from research.report.columns import CLAIM_COLUMNS, p_adjusted, shows
from research.report.console import plain_console, said, say
from research.report.html import document, numbers
from research.report.markup import Markup, join, tag
from research.report.study_words import counted_words, day_words, not_run, note, plural, since_words, study_lines
from research.report.svg import figure
from research.report.tables import claim_anchor, claim_table, data_table, verdict_table, word
from research.report.words import interval

if TYPE_CHECKING:
    from research.claims import Claim, Sentence, Thesis
    from research.datasets.data import Data
    from research.study import Study, TestedClaim, Trial

NO_VERDICTS = "No verdicts were asked for: assay claims --verdicts runs every test on the data at hand."
MOST_PICTURES = 2


def claims_json(thesis: Thesis, data: Data, study: Study | None) -> dict[str, Any]:
    """Each claim with what its sources say and, of each sentence, what the study says or which data are missing."""
    return {
        "title": thesis.title,
        "published": thesis.published.isoformat(),
        "note": NO_VERDICTS if study is None else f"Verdicts of one family of claims; {study.execution.describe()}.",
        "claims": [
            {
                **{key: getattr(claim, key) for key in ("number", "claim", "evidence", "testable", "form", "why_not")},
                "known": claim.known,
                "sources": list(claim.sources),
                "shown": list(claim.shown),
                "sentences": [_sentence_json(sentence, thesis, data, study) for sentence in claim.sentences],
            }
            for claim in thesis.claims
        ],
        "limits": list(thesis.limits),
    }


def print_claims(thesis: Thesis, data: Data, study: Study | None) -> None:
    """Number, claim, what the sources say, how it is tested or why it cannot be, and its sentences."""
    console = plain_console()
    for claim in thesis.claims:
        say(console, f"{claim.number:4}{claim.claim}", "bold")
        _paragraph(console, "Sources say", claim.evidence)
        _paragraph(console, "Tested by" if claim.testable else "Not testable", claim.form or claim.why_not)
        for sentence in claim.sentences:
            found = None if study is None else study.claims.get(sentence.id)
            state = _missing_words(sentence, thesis, data) if found is None else str(found.verdict)
            say(console, Text("    ") + said(f"{sentence.id} {sentence.short}", state))
        if claim.shown:
            _paragraph(console, "See also" if claim.testable else "Nearest proxy", ", ".join(claim.shown))
        _paragraph(console, "Source", "; ".join(claim.sources))
        console.print()
    if study is None:
        say(console, NO_VERDICTS, "dim")


def claims_page(thesis: Thesis, data: Data, study: Study) -> Markup:
    """One self-contained page: no script, no font and no picture from elsewhere."""
    last = max(trial.equity.index[-1] for trial in study.trials)
    top = join(
        tag("h1", thesis.title),
        tag(
            "p",
            f"{len(thesis.claims)} claims published on {day_words(thesis.published)}, each tried against holding as "
            f"much metal on average. Data to {last:%B %Y}.",
            class_="claim",
        ),
        tag("p", tag("strong", f"{counted_words(study)}."), class_="verdict"),
        tag("ul", *(tag("li", f"{name}: {told}") for name, told in _WORDS), class_="soft"),
    )
    table = tag(
        "section",
        tag("h2", "The verdicts"),
        claim_table(study.claims.values(), links=True),
        tag("p", note(CLAIM_COLUMNS), class_="soft"),
        figure(charts.verdicts(study), "h3"),
        id="evidence",
    )
    return document(
        f"Assay: {thesis.title}",
        top,
        _contents(thesis, study),
        table,
        *(_claim(claim, thesis, data, study) for claim in thesis.claims),
        tag("section", tag("h2", "What the data cannot say"), tag("ul", *(tag("li", item) for item in thesis.limits))),
        tag("section", tag("h2", "Terms"), tag("ul", *(tag("li", line) for line in study_lines(study))), *_gaps(study)),
        tag("section", tag("h2", "Data"), data_table(study)),
    )


def quotation(claim: TestedClaim, study: Study) -> str:
    """One sentence to quote, with its date and data; it says no more than the numbers beside it."""
    used = [
        item for trial in study.trials if trial.claim == claim.id for item in trial.accounts.market.datasets.values()
    ]
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
    """What the record would have to bring for another word."""
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


_WORDS = (
    (
        "supported",
        "holding metal at these times earned more than holding as much on average, beyond what luck explains",
    ),
    ("contradicted", "it cost, beyond what luck explains"),
    ("ruled out", "an effect worth having is excluded by the record"),
    ("undecidable", "neither nothing nor an effect worth having is excluded, or events are too few to tell"),
)
_SAYS = {
    "supported": "is supported",
    "contradicted": "is contradicted",
    "ruled out": "is ruled out as an effect worth having",
    "undecidable": "cannot be decided",
}


def _contents(thesis: Thesis, study: Study) -> Markup:
    items = []
    for claim in thesis.claims:
        found = [study.claims[s.id] for s in claim.sentences if s.id in study.claims]
        words = join(*(join(" ", word(item)) for item in found)) if found else tag("span", " not tested", class_="soft")
        items.append(tag("li", tag("a", f"{claim.number} {claim.claim}", href=f"#{claim.number}"), words))
    return tag("nav", tag("h2", "Contents"), tag("ul", *items), class_="contents", aria_label="Contents")


def _claim(claim: Claim, thesis: Thesis, data: Data, study: Study) -> Markup:
    """What is said, what the sources say, how it is tested, and each sentence with its verdict."""
    shown = [join(tag("a", identity, href=f"#{claim_anchor(identity)}"), " ") for identity in claim.shown]
    label = "It is tested by: " if claim.testable else "It cannot be tested: "
    return tag(
        "section",
        tag("h2", f"{claim.number} · {claim.claim}"),
        tag("p", tag("strong", "The sources say: "), claim.evidence),
        tag("p", tag("strong", label), claim.form or claim.why_not),
        tag("p", tag("strong", "Known: "), claim.known) if claim.known else None,
        tag("p", tag("strong", "See also " if claim.testable else "The nearest proxy is "), *shown) if shown else None,
        *(_sentence(sentence, thesis, data, study) for sentence in claim.sentences),
        tag(
            "p",
            f"Sources: {'; '.join(claim.sources)}. ",
            tag("a", "Back to the verdicts", href="#evidence"),
            class_="soft",
        ),
        id=claim.number,
    )


def _sentence(sentence: Sentence, thesis: Thesis, data: Data, study: Study) -> Markup:
    heading = tag("h3", f"{sentence.id} {sentence.short}", id=claim_anchor(sentence.id))
    found = study.claims.get(sentence.id)
    if found is None:
        return join(
            heading,
            tag("p", sentence.text, class_="claim"),
            tag("p", f"Not run: {_missing_words(sentence, thesis, data)}."),
        )
    trials = [trial for trial in study.trials if trial.claim == sentence.id]
    evidence = [(column.heading, column.cell(found), column.meaning) for column in CLAIM_COLUMNS[:-1]]
    return join(
        heading,
        tag("p", sentence.text, class_="claim"),
        tag("p", word(found), class_="verdict"),
        tag("blockquote", tag("p", quotation(found, study)), class_="quote"),
        numbers(item for item in evidence if item[1]),
        figure(charts.verdicts(study, found), "h4") if shows(found) else None,
        *(figure(charts.signal(trial), "h4") for trial in _pictured(sentence, trials)),
        tag("p", tag("strong", "Why this word: "), found.verdict.reason),
        tag("p", tag("strong", "Before and after publication: "), since_words(found)),
        tag("p", tag("strong", "What the verdict rests on: "), found.rests_on) if found.rests_on else None,
        tag("p", tag("strong", "What would change it: "), what_would_change_it(found)),
        verdict_table(trials, label=f"Rows of {sentence.id}"),
    )


def _pictured(sentence: Sentence, trials: Iterable[Trial]) -> list[Trial]:
    """The rows with most events, one a metal, of those that the verdict rests on."""
    best: dict[str, Trial] = {}
    for trial in trials:
        if trial.name not in sentence.beside and trial.evidence.events > 0:
            kept = best.get(trial.metal)
            if kept is None or trial.evidence.events > kept.evidence.events:
                best[trial.metal] = trial
    return list(best.values())[:MOST_PICTURES]


def _gaps(study: Study) -> Iterable[Markup]:
    if study.skipped:
        told = (f"{', '.join(names)}: {reason}" for reason, names in not_run(study.skipped).items())
        yield tag("h3", "Not run")
        yield tag("ul", *(tag("li", line) for line in told))


def _sentence_json(sentence: Sentence, thesis: Thesis, data: Data, study: Study | None) -> dict[str, Any]:
    found = None if study is None else study.claims.get(sentence.id)
    plain: dict[str, Any] = {
        "id": sentence.id,
        "short": sentence.short,
        "sentence": sentence.text,
        "strategies": list(sentence.strategies),
        "beside": list(sentence.beside),
        "missing": _missing(sentence, thesis, data),
    }
    if found is not None and study is not None:
        plain |= {**found.to_json(), "quotation": quotation(found, study)}
    return plain


def _missing(sentence: Sentence, thesis: Thesis, data: Data) -> list[str]:
    """Datasets that no pack at hand holds."""
    strategies = [thesis.strategies[name] for name in sentence.strategies]
    needed = {i for item in strategies for metal in item.metals for i in item.inputs_for(metal, data).values()}
    return sorted(identity for identity in needed if identity not in data)


def _missing_words(sentence: Sentence, thesis: Thesis, data: Data) -> str:
    missing = _missing(sentence, thesis, data)
    return f"needs {', '.join(missing)}, which no pack here has" if missing else "data at hand"


def _paragraph(console: Console, label: str, text: str) -> None:
    say(console, Text.assemble("    ", (f"{label}: ", "dim"), text))
