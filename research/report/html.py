"""The report of a study: one HTML file that needs nothing else, no network and no script.

Pictures are inline SVG rather than plotly, whose script alone weighs 4.5 MB: they flow from phone to print
without it, take their colours from the page's light or dark, and carry their description for screen readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path

from research.datasets.store import write_atomically
from research.execution import Execution
from research.report import charts
from research.report.chart import Chart
from research.report.columns import CLAIM_COLUMNS, ROW_COLUMNS, shows
from research.report.judged import claim_section, how_made, numbers, row_section, three_numbers
from research.report.markup import Markup, join, tag
from research.report.page import Section, page
from research.report.portfolio import portfolio_section
from research.report.study_words import PERFORMANCE_NOTE, counted_words, note, study_lines
from research.report.svg import figure
from research.report.tables import (
    claim_table,
    data_table,
    findings_table,
    performance_table,
    table,
    verdict_table,
    word,
)
from research.report.tearsheet import tearsheet
from research.report.words import DASH, p_value, signed_percent
from research.study import Study, Trial
from research.verdict import Rules


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
    drawn = {(trial.name, trial.metal): charts.all_charts(trial) for trial in study.trials}
    if alone:
        (trial,) = study.trials
        title = f"{trial.name} on {trial.metal}"
        top = _first_screen(trial)
        sections = list(_of_one(trial, drawn[trial.name, trial.metal]))
    else:
        title = f"{len(study.trials)} trials"
        top = _first_screen_of_many(study)
        sections = list(_of_many(study, drawn))
    if study.portfolio:
        sections.append(portfolio_section(study.portfolio))
    sections += [
        Section(title="Terms", id="terms", body=tag("ul", *(tag("li", line) for line in study_lines(study)))),
        Section(title="Rules and costs", id="rules", folded=True, body=join(*_assumptions(study))),
        Section(title="How each number is made", id="methods", folded=True, body=how_made(study, drawn.values())),
        Section(
            title="Data", id="data", folded=True, summary=f"{len(study.datasets)} datasets", body=data_table(study)
        ),
        _trials_counted(study),
        Section(title="Run manifest", id="manifest", folded=True, body=_manifest(study)),
    ]
    return page(f"Assay: {title}", top, sections)


def _first_screen(trial: Trial) -> Markup:
    return join(
        tag("h1", f"{trial.name} on {trial.metal}"),
        tag("p", trial.strategy.claim, class_="claim"),
        tag("p", word(trial), ". ", trial.verdict.reason, class_="verdict"),
        three_numbers(trial),
        tag("p", trial.result.ruin, class_="bad") if trial.result.ruin else None,
        figure(charts.equity(trial), "h2"),
    )


def _of_one(trial: Trial, pictures: Mapping[str, Chart]) -> Iterable[Section]:
    yield Section(
        title="Evidence",
        id="evidence",
        body=join(
            tag("p", tag("strong", "It would be refuted by: "), trial.strategy.falsifier),
            verdict_table([trial]),
            tag("p", note(ROW_COLUMNS), class_="soft"),
            performance_table(trial, f"{trial.name} on {trial.metal}"),
            tag("p", PERFORMANCE_NOTE, class_="soft"),
        ),
    )
    further = list(pictures.values())[1:]
    yield Section(
        title="Pictures",
        id="pictures",
        body=join(*(figure(picture, "h3") for picture in further[:2])),
    )
    yield Section(
        title="More pictures",
        id="more-pictures",
        folded=True,
        summary=", ".join(list(pictures)[3:]),
        body=join(*(figure(picture, "h3") for picture in further[2:])),
    )
    yield Section(
        title="Tearsheet",
        id="tearsheet",
        folded=True,
        summary="months and years, risk, drawdowns, round trips",
        body=tearsheet(trial),
    )
    yield Section(
        title="Every finding",
        id="findings",
        folded=True,
        summary=f"{len(trial.findings) + len(trial.appendix)} findings in plain words",
        body=findings_table(trial),
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
    )


def _of_many(study: Study, drawn: Mapping[tuple[str, str], Mapping[str, Chart]]) -> Iterable[Section]:
    claims = study.claims.values()
    yield Section(
        title="Verdicts",
        id="evidence",
        body=join(claim_table(claims, links=True), tag("p", note(CLAIM_COLUMNS), class_="soft")),
    )
    yield Section(title="Every account", id="accounts", body=figure(charts.overlay(study), "h3"))
    yield Section(
        title="Claim by claim",
        id="claims",
        parts=tuple(
            claim_section(
                claim,
                study,
                rows=[
                    row_section(trial, drawn[trial.name, trial.metal])
                    for trial in study.trials
                    if trial.claim == claim.id
                ],
            )
            for claim in claims
        ),
    )
    yield Section(
        title="Every row",
        id="rows",
        folded=True,
        summary=f"{len(study.trials)} strategies and metals in one table",
        body=join(
            verdict_table(study.trials, links=True),
            tag("p", note(ROW_COLUMNS), " ", PERFORMANCE_NOTE, class_="soft"),
        ),
    )


def _assumptions(study: Study) -> Iterable[Markup]:
    captions: dict[str, Execution | Rules] = {
        "Terms of trade (bars; fractions of the value traded or held)": study.execution,
        "Rules of the verdict": study.rules,
    }
    for caption, values in captions.items():
        rows = [(item.name.replace("_", " "), f"{getattr(values, item.name):g}") for item in fields(values)]
        yield table(caption, ("Name", "Value"), rows, "hr")
    if study.skipped:
        rows = [(f"{item.strategy}, {item.metal}", item.reason) for item in study.skipped]
        yield table("Not run", ("Trial", "Reason"), rows, "ht")


def _trials_counted(study: Study) -> Section:
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
    headings = ("Strategy, metal", "Parameters", "Role", "Timing return a year")
    return Section(
        title="Trials counted",
        id="trials",
        folded=True,
        summary=f"{len(rows)} points of the declared grids",
        body=join(
            tag("p", "Every strategy counts on every metal and at every point of its declared grid."),
            table("Every trial of the family", headings, rows, "htlr"),
        ),
    )


def _manifest(study: Study) -> Markup:
    rows = [(name, tag("code", value)) for name, value in _flattened(study.manifest)]
    return table("What it takes to run this again", ("What", "Value"), rows, "ht")


def _flattened(values: Mapping[str, object], before: str = "") -> Iterable[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{before}{key} ")
        else:
            yield f"{before}{key}", DASH if value is None else str(value)
