"""The report of a study: one HTML file that needs nothing else, no network and no script.

Pictures are inline SVG: they flow from phone to print, take their colours from the page's light or dark, and carry
their description for screen readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from research.datasets.store import write_atomically
from research.report import charts
from research.report.sentences import DASH
from research.report.study_words import every_finding
from research.report.tearsheet import tearsheet
from research.report.template import Markup, page
from research.study import Study, Trial


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
    drawn = {(trial.name, trial.metal): charts.all_charts(trial) for trial in study.trials}
    first, *others = study.trials
    return page(
        "study.html",
        f"{len(study.trials)} trials" if others else f"{first.name} on {first.metal}",
        study=study,
        drawn=drawn,
        tearsheet=tearsheet,
        captions={name: chart.caption for pictures in drawn.values() for name, chart in pictures.items()},
        methods=_methods(study.trials),
        manifest=dict(_flattened(study.manifest)),
    )


def _methods(trials: Iterable[Trial]) -> dict[str, list[str]]:
    """How findings are made -> which: once, so that no row repeats it."""
    methods: dict[str, list[str]] = {}
    for name, item in {name: item for trial in trials for name, item in every_finding(trial).items()}.items():
        told = f"Null: {item.null}. Method: {item.method}. Source: {item.reference}."
        methods.setdefault(told, []).append(name.replace("_", " "))
    return methods


def _flattened(values: Mapping[str, object], before: str = "") -> Iterable[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{before}{key} ")
        else:
            yield f"{before}{key}", DASH if value is None else str(value)
