"""The claims of a thesis in the terminal, as a page to publish, as findings in Markdown. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from research.report.console import plain_console, said, say
from research.report.study_words import quotation

if TYPE_CHECKING:
    from research.claims import BreakPlan, Sentence, Thesis
    from research.datasets.data import Data
    from research.report.template import Markup
    from research.study import Study, Trial
    from research.study.appendix import BetaBreak

NO_VERDICTS = "No verdicts were asked for: assay claims --verdicts runs every test on the data at hand."
OF_CLAIM = ("number", "claim", "evidence", "testable", "form", "why_not", "known", "sources", "shown")
OF_SENTENCE = ("id", "short", "sentence", "strategies", "beside")
MOST_PICTURES = 2


def claims_json(thesis: Thesis, data: Data, study: Study | None) -> dict[str, object]:
    """Each claim with what its sources say and, of each sentence, what the study says or which data are missing."""
    return {
        "title": thesis.title,
        "published": thesis.published.isoformat(),
        "note": NO_VERDICTS if study is None else f"Verdicts of one family of claims; {study.execution.describe()}.",
        "claims": [
            {
                **{name: getattr(claim, name) for name in OF_CLAIM},
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
    from research.report import charts
    from research.report.template import page

    last = max(trial.equity.index[-1] for trial in study.trials)
    return page(
        "claims.html",
        thesis.title,
        thesis=thesis,
        study=study,
        last=f"{last:%B %Y}",
        pictured=lambda sentence: [charts.signal(trial) for trial in _pictured(sentence, study)],
        missing=lambda sentence: _missing_words(sentence, thesis, data),
    )


def findings_page(
    thesis: Study, baselines: Study | None, breaks: Sequence[tuple[BreakPlan, Sequence[BetaBreak]]]
) -> str:
    """One Markdown document: the claims first, then rows, portfolio, what cannot be tested, limits, and terms.

    No sentence of it says more than a number beside it.
    """
    from research.report.template import render

    return render("findings.md", study=thesis, baselines=baselines, breaks=breaks).rstrip() + "\n"


def _pictured(sentence: Sentence, study: Study) -> list[Trial]:
    """The rows with most events, one a metal, of those that the verdict rests on."""
    best: dict[str, Trial] = {}
    rows = [trial for trial in study.trials if trial.claim == sentence.id and trial.name not in sentence.beside]
    for trial in sorted(rows, key=lambda trial: trial.evidence.events, reverse=True):
        if trial.evidence.events > 0:
            best.setdefault(trial.metal, trial)
    return list(best.values())[:MOST_PICTURES]


def _sentence_json(sentence: Sentence, thesis: Thesis, data: Data, study: Study | None) -> dict[str, object]:
    found = None if study is None else study.claims.get(sentence.id)
    plain: dict[str, object] = {name: getattr(sentence, name) for name in OF_SENTENCE}
    plain["missing"] = _missing(sentence, thesis, data)
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
