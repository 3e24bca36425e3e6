"""The report of a study: one HTML file that needs nothing else, no network and no script.

Pictures are inline SVG rather than plotly, whose script alone weighs 4.5 MB: they flow from phone to print
without it, take their colours from the page's light or dark, and carry their description for screen readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from research.datasets.store import write_atomically
from research.diagnostics.finding import Finding
from research.report import charts
from research.report.markup import Markup
from research.report.study_words import findings_of
from research.report.tearsheet import tearsheet
from research.report.template import page
from research.report.words import DASH
from research.study import Study


def write_report(study: Study, path: str | Path, *, appendix: bool = True) -> Path:
    """Write the report of a study; the old file stays until the new one is whole.

    Parameters
    ----------
    study
        What is reported.
    path
        File to write.
    appendix
        With the findings that decide nothing too, which take longer than all the rest.

    Raises
    ------
    OSError
        If the folder is missing or may not be written.
    """
    file = Path(path)
    write_atomically(file, report(study, appendix=appendix).encode("utf-8"))
    return file


def report(study: Study, *, appendix: bool = True) -> Markup:
    """The whole page; without ``appendix`` no finding but those that decide."""
    drawn = {(trial.name, trial.metal): charts.all_charts(trial) for trial in study.trials}
    found = {(trial.name, trial.metal): findings_of(trial, appendix=appendix) for trial in study.trials}
    first, *others = study.trials
    return page(
        "study.html",
        f"{len(study.trials)} trials" if others else f"{first.name} on {first.metal}",
        study=study,
        drawn=drawn,
        tearsheet=tearsheet,
        captions={name: chart.caption for pictures in drawn.values() for name, chart in pictures.items()},
        found=found,
        whole=appendix,
        methods=_methods(found.values()),
        manifest=dict(_flattened(study.manifest)),
    )


def _methods(found: Iterable[Mapping[str, Finding]]) -> dict[str, list[str]]:
    """How findings are made -> which: once, so that no row repeats it."""
    methods: dict[str, list[str]] = {}
    for name, item in {name: item for findings in found for name, item in findings.items()}.items():
        told = f"Null: {item.null}. Method: {item.method}. Source: {item.reference}."
        methods.setdefault(told, []).append(name.replace("_", " "))
    return methods


def _flattened(values: Mapping[str, object], before: str = "") -> Iterable[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{before}{key} ")
        else:
            yield f"{before}{key}", DASH if value is None else str(value)
