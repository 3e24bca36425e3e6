"""The claims of a thesis for the terminal and as a page to publish. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from research.report import charts
from research.report.columns import CLAIM_COLUMNS
from research.report.console import plain_console, said, say
from research.report.judged import claim_section, quotation
from research.report.markup import Markup, join, tag
from research.report.page import Section, page
from research.report.study_words import counted_words, day_words, not_run, note, study_lines
from research.report.svg import figure
from research.report.tables import claim_anchor, claim_table, data_table, word

if TYPE_CHECKING:
    from research.claims import Claim, Sentence, Thesis
    from research.datasets.data import Data
    from research.study import Study, Trial

NO_VERDICTS = "No verdicts were asked for: assay claims --verdicts runs every test on the data at hand."
MOST_PICTURES = 2


def claims_json(thesis: Thesis, data: Data, study: Study | None) -> dict[str, object]:
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
    table = join(
        claim_table(study.claims.values(), links=True),
        tag("p", note(CLAIM_COLUMNS), class_="soft"),
        figure(charts.verdicts(study), "h3"),
    )
    limits = tag("ul", *(tag("li", item) for item in thesis.limits))
    terms = join(tag("ul", *(tag("li", line) for line in study_lines(study))), *_gaps(study))
    return page(
        f"Assay: {thesis.title}",
        top,
        [
            Section(title="The verdicts", id="evidence", body=table),
            Section(
                title="Claim by claim",
                id="claims",
                parts=tuple(_claim(claim, thesis, data, study) for claim in thesis.claims),
            ),
            Section(title="What the data cannot say", id="limits", body=limits),
            Section(title="Terms", id="terms", folded=True, body=terms),
            Section(title="Data", id="data", folded=True, body=data_table(study)),
        ],
    )


_WORDS = (
    (
        "supported",
        "holding metal at these times earned more than holding as much on average, beyond what luck explains",
    ),
    ("contradicted", "it cost, beyond what luck explains"),
    ("ruled out", "an effect worth having is excluded by the record"),
    ("undecidable", "neither nothing nor an effect worth having is excluded, or events are too few to tell"),
)


def _claim(claim: Claim, thesis: Thesis, data: Data, study: Study) -> Section:
    """What is said, what the sources say, how it is tested, and each sentence with its verdict."""
    shown = [join(tag("a", identity, href=f"#{claim_anchor(identity)}"), " ") for identity in claim.shown]
    label = "It is tested by: " if claim.testable else "It cannot be tested: "
    found = [study.claims[s.id] for s in claim.sentences if s.id in study.claims]
    return Section(
        title=f"{claim.number} · {claim.claim}",
        id=claim.number,
        folded=True,
        summary=join(*(join(word(item), " ") for item in found)) or "not tested",
        body=join(
            tag("p", tag("strong", "The sources say: "), claim.evidence),
            tag("p", tag("strong", label), claim.form or claim.why_not),
            tag("p", tag("strong", "Known: "), claim.known) if claim.known else None,
            tag("p", tag("strong", "See also " if claim.testable else "The nearest proxy is "), *shown)
            if shown
            else None,
            tag("p", f"Sources: {'; '.join(claim.sources)}.", class_="soft"),
        ),
        parts=tuple(_sentence(sentence, thesis, data, study) for sentence in claim.sentences),
    )


def _sentence(sentence: Sentence, thesis: Thesis, data: Data, study: Study) -> Section:
    found = study.claims.get(sentence.id)
    if found is None:
        missing = f"Not run: {_missing_words(sentence, thesis, data)}."
        return Section(
            title=f"{sentence.id} {sentence.short}",
            id=claim_anchor(sentence.id),
            body=join(tag("p", sentence.text, class_="claim"), tag("p", missing)),
        )
    trials = [trial for trial in study.trials if trial.claim == sentence.id]
    return claim_section(found, study, *(figure(charts.signal(trial), "h4") for trial in _pictured(sentence, trials)))


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


def _sentence_json(sentence: Sentence, thesis: Thesis, data: Data, study: Study | None) -> dict[str, object]:
    found = None if study is None else study.claims.get(sentence.id)
    plain: dict[str, object] = {
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
