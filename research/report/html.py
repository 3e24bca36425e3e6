"""The report: one HTML file that needs nothing else, no network and no script.

Pictures are inline SVG rather than plotly, whose script alone weighs 4.5 MB: they flow from phone to print
without it, take their colours from the page's light or dark, and carry their description for screen readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from research.datasets.store import write_atomically
from research.report import charts
from research.report.columns import CLAIM_COLUMNS, ROW_COLUMNS, p_adjusted, p_shifted, shows
from research.report.markup import Markup, join, tag
from research.report.portfolio import portfolio_section
from research.report.study_words import PERFORMANCE_NOTE, counted_words, family_line, note, study_lines
from research.report.style import stylesheet
from research.report.svg import figure
from research.report.tables import (
    anchor,
    claim_table,
    data_table,
    findings_table,
    performance_table,
    table,
    verdict_table,
    word,
)
from research.report.words import DASH, interval, number, p_value, signed_percent
from research.study import Study, Trial

PAGE_STYLE = Markup(
    """
body { margin: 0; }
main { max-width: 62rem; margin: 0 auto; padding: 1rem; }
section { border-top: 1px solid var(--faint); margin-top: 2.2rem; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: .5em; }
html { background: #fff; } @media (prefers-color-scheme: dark) { html { background: #0f1318; } }
@media print {
  body.assay { --paper: #fff; --ink: #000; --soft: #333; --faint: #bbb; --raised: #fff; font-size: 10.5pt; }
  body.assay {
    --strategy: #0072b2; --metal: #d55e00; --mix: #00795a; --bills: #6e7781; --bad: #a4278a;
    --supported: #00694e; --contradicted: #a33b00; --ruled-out: #6d5500; --undecidable: #0b5c8a;
  }
  html { background: #fff; }
  .skip { display: none; } main { max-width: none; padding: 0; }
  .assay .scroll { overflow: visible; } .assay table { font-size: 7.5pt; } .assay .text { min-width: 0; }
  .assay .right, .assay .nowrap { white-space: normal; }
  .assay h2, .assay h3 { break-after: avoid; } tr, .numbers { break-inside: avoid; }
}
"""
)


def write_report(study: Study, path: str | Path) -> Path:
    """Write the report of a study; the old file stays until the new one is whole.

    Raises
    ------
    OSError
        If the folder is missing or may not be written.
    """
    file = Path(path)
    write_atomically(file, report(study).encode("utf-8"))
    return file


def report(study: Study) -> Markup:
    """The whole page."""
    alone = len(study.trials) == 1
    title = f"{study.trials[0].name} on {study.trials[0].metal}" if alone else f"{len(study.trials)} trials"
    top = _first_screen(study.trials[0]) if alone else _first_screen_of_many(study)
    return document(
        f"Assay: {title}",
        top,
        tag("section", tag("h2", "Evidence"), *_evidence(study, alone), id="evidence"),
        *([portfolio_section(study.portfolio)] if study.portfolio else []),
        tag("section", tag("h2", "Assumptions"), *_assumptions(study)),
        tag("section", tag("h2", "Data"), data_table(study)),
        tag("section", tag("h2", "Trials counted"), *_trials_counted(study)),
        tag("section", tag("h2", "Run manifest"), _manifest(study)),
    )


def document(title: str, *parts: Markup) -> Markup:
    """A page that needs nothing else; one of its parts has the id ``evidence``."""
    page = tag(
        "html",
        tag(
            "head",
            Markup('<meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/>'),
            Markup('<meta name="color-scheme" content="light dark"/>'),
            tag("title", title),
            tag("style", stylesheet(), PAGE_STYLE),
        ),
        tag(
            "body",
            tag("a", "Skip to the evidence", href="#evidence", class_="skip"),
            tag("main", *parts),
            class_="assay",
        ),
        lang="en",
    )
    return join(Markup("<!DOCTYPE html>\n"), page, "\n")


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


def _first_screen(trial: Trial) -> Markup:
    return join(
        tag("h1", f"{trial.name} on {trial.metal}"),
        tag("p", trial.strategy.claim, class_="claim"),
        tag("p", word(trial), ". ", trial.verdict.reason, class_="verdict"),
        three_numbers(trial),
        figure(charts.equity(trial), "h2"),
    )


def _first_screen_of_many(study: Study) -> Markup:
    claims = list(study.claims.values())
    supported = sum(claim.verdict.word == "supported" for claim in claims)
    names = list(dict.fromkeys(trial.name for trial in study.trials))
    metals = " and ".join(dict.fromkeys(trial.metal for trial in study.trials))
    judged = [claim for claim in claims if shows(claim)]
    smallest = min((claim.evidence.deciding.supporting for claim in judged), default=None)
    claim = (
        study.trials[0].strategy.claim
        if len(names) == 1
        else f"{len(claims)} claims about {metals}, each tried against holding as much metal on average."
    )
    return join(
        tag("h1", names[0] if len(names) == 1 else "The thesis on trial"),
        tag("p", claim, class_="claim"),
        tag("p", tag("strong", f"{counted_words(study)}."), class_="verdict"),
        numbers(
            [
                ("Supported", f"{supported} of {len(claims)}", "by timing return, moved histories and robustness"),
                ("Smallest p adjusted", p_value(smallest), f"evidence at {study.rules.level:.2f} or less"),
                (
                    "Enough events to judge",
                    f"{len(judged)} of {len(claims)}",
                    f"{study.rules.min_events} independent ones or more",
                ),
            ]
        ),
        figure(charts.verdicts(study), "h2"),
        claim_table(claims),
        tag("p", note(CLAIM_COLUMNS), class_="soft"),
        verdict_table(study.trials, links=True),
        tag("p", note(ROW_COLUMNS), class_="soft"),
    )


def _evidence(study: Study, alone: bool) -> Iterable[Markup]:
    yield tag("p", PERFORMANCE_NOTE, class_="soft")
    for trial in study.trials:
        pictures = charts.all_charts(trial)
        if alone:
            yield join(verdict_table([trial]), tag("p", note(ROW_COLUMNS), class_="soft"))
            pictures = pictures[1:]
        else:
            yield tag("h3", f"{trial.name} on {trial.metal}", id=anchor(trial))
            yield tag("p", trial.strategy.claim, class_="claim")
            yield tag("p", word(trial), ". ", trial.verdict.reason, class_="verdict")
            yield three_numbers(trial)
        yield tag("p", tag("strong", "It would be refuted by: "), trial.strategy.falsifier)
        yield performance_table(trial)
        yield from (figure(picture, "h3" if alone else "h4") for picture in pictures)
        yield findings_table(trial)


def _assumptions(study: Study) -> Iterable[Markup]:
    yield tag("ul", *(tag("li", line) for line in study_lines(study)))
    shown = [
        (item.name.replace("_", " "), f"{getattr(study.execution, item.name):g}") for item in fields(study.execution)
    ]
    yield table("Terms of trade (bars; fractions of the value traded or held)", ("Term", "Value"), shown, "hr")
    rules = [(item.name.replace("_", " "), f"{getattr(study.rules, item.name):g}") for item in fields(study.rules)]
    yield table("Rules of the verdict", ("Rule", "Value"), rules, "hr")
    if study.skipped:
        rows = [(f"{item.strategy}, {item.metal}", item.reason) for item in study.skipped]
        yield table("Not run", ("Trial", "Reason"), rows, "ht")


def _trials_counted(study: Study) -> Iterable[Markup]:
    yield tag(
        "p",
        f"{family_line(study)}. Every strategy counts on every metal and at every point of its declared grid.",
    )
    rows = [
        (
            f"{trial.name}, {trial.metal}",
            ", ".join(f"{name} = {value}" for name, value in point.parameters.items()) or DASH,
            "chosen" if point.chosen else "variant",
            signed_percent(point.timing_return),
        )
        for trial in study.trials
        for point in trial.grid
    ]
    yield table(
        "Every trial of the family", ("Strategy, metal", "Parameters", "Role", "Timing return a year"), rows, "htlr"
    )


def _manifest(study: Study) -> Markup:
    rows = [(name, tag("code", value)) for name, value in _flattened(study.manifest)]
    return table("What it takes to run this again", ("What", "Value"), rows, "ht")


def _flattened(values: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{before}{key} ")
        else:
            yield f"{before}{key}", DASH if value is None else str(value)


def numbers(shown: Iterable[tuple[str, str, str]]) -> Markup:
    """Boxes of a name, a number and a note each."""
    boxes = (tag("div", tag("dt", name), tag("dd", value, tag("small", note))) for name, value, note in shown)
    return tag("dl", *boxes, class_="numbers")
