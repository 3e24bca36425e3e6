"""The report of a study: one HTML file that needs nothing else, no network and no script.

Pictures are inline SVG: they flow from phone to print, take their colours from the page's light or dark, and carry
their description for screen readers.
"""

from __future__ import annotations

from research.report import charts
from research.report.study_words import findings_of
from research.report.tearsheet import tearsheet
from research.report.template import Markup, page
from research.study import Study


def report(study: Study, *, appendix: bool = True) -> Markup:
    """The whole page; without ``appendix`` no finding but those that decide."""
    drawn = {(trial.name, trial.metal): charts.all_charts(trial) for trial in study.trials}
    found = {(trial.name, trial.metal): findings_of(trial, appendix=appendix) for trial in study.trials}
    first, *others = study.trials
    title = f"{len(study.trials)} trials" if others else f"{first.name} on {first.metal}"
    return page("study.html", title, study=study, drawn=drawn, found=found, whole=appendix, tearsheet=tearsheet)
