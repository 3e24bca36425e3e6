"""``assay compare`` and ``assay backtest``: strategies judged; and ``assay strategies``: which there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import click

from research.cli.options import (
    Judged,
    Packs,
    Strategies,
    StudyFiles,
    Variant,
    kept_with_thesis,
    strategy_named,
    thesis_in_force,
)
from research.cli.output import answer, print_lines, written
from research.errors import StrategyError

if TYPE_CHECKING:
    from research.datasets.data import Data
    from research.study import Study


def compare(
    *, chosen: Strategies, verbose: Annotated[bool, "--verbose", "-v"] = False, asked: Judged, files: StudyFiles
) -> None:
    """Every thesis signal against buy-and-hold: the verdict table.

    Parameters
    ----------
    verbose
        Every account, reason and finding, on the page of ``--html`` too.
    """
    thesis, names = thesis_in_force(), chosen.names
    strategies = chosen.of(thesis)
    data = asked.open()
    study = asked.study(strategies, data, thesis, chosen.metals)
    from research.registration import line_since
    from research.report.study_words import nearest

    trial = nearest(study)
    typed = dict(zip((item.name for item in strategies), names or (), strict=False))
    following = "backtest", typed.get(trial.name, trial.name), "--metal", trial.metal
    since = None if names else partial(line_since, data, thesis)
    _give(study, data, asked, files, *following, verbose=verbose, since=since)


def backtest(
    name: Annotated[str | None, click.Argument] = None,
    *,
    variant: Variant,
    demo: bool = False,
    verbose: Annotated[bool, "--verbose", "-v"] = False,
    asked: Judged,
    files: StudyFiles,
) -> None:
    """One strategy against buy-and-hold: its verdict, its accounts, and the findings that matter.

    Parameters
    ----------
    name : NAME|FILE
        One strategy, by name or by file.
    demo
        Judge a rule that knows only the past.
    verbose
        Every account, reason and finding.
    """
    if (name is None) is not demo:
        raise StrategyError("backtest: name one strategy; write assay backtest NAME or FILE, or --demo alone")
    parameters = variant.parameters
    thesis = thesis_in_force()
    if demo:
        from research.lookahead.demo import looks_one_month_back as chosen

        asked = replace(asked, no_ledger=True, start=asked.start or "1975")
    else:
        chosen = strategy_named(str(name), thesis)
    chosen.parameters(parameters)
    data = asked.open()
    study = asked.study([chosen], data, thesis, variant.metals, parameters)
    following = ("compare",) if demo else ("check", str(name))
    _give(study, data, asked, files, *following, findings=True, verbose=verbose)


def strategies(*, asked: Packs) -> None:
    """What there is, what each claims, which data it needs and whether they are here."""
    from research.home import shadows
    from research.report.datasets import strategy_rows
    from research.report.terminal import print_strategies

    for line in shadows():
        click.echo(f"note: {line}", err=True)
    rows = kept_with_thesis("strategies", asked, lambda: strategy_rows(thesis_in_force(), asked.open()))
    missing = {identity for row in rows for identity in row["missing"]}
    runs = [row["name"] for row in rows if not row["missing"]]
    short = f"{len(rows)} strategies, {len(runs)} of them with all their data here."
    why = f"missing are {', '.join(sorted(missing))}." if missing else "all that they need is here."
    following = ["backtest", runs[0]] if runs else ["data", "sources"]
    answer(asked, lambda: rows, partial(print_strategies, rows), short, why, *following)


def _give(
    study: Study,
    data: Data,
    asked: Judged,
    files: StudyFiles,
    *following: str,
    findings: bool = False,
    verbose: bool = False,
    since: Callable[[], str | None] | None = None,
) -> None:
    """Write what was asked for and print the study, which is printed too if it cannot be written."""
    from research.report.datasets import overdue
    from research.report.study_words import study_short, study_why
    from research.report.terminal import print_study

    shown = _with_dates(study, data) if findings or verbose or files.html is not None else study

    def show() -> None:
        print_study(shown, findings=findings or verbose, verbose=verbose, overdue=overdue(study))
        print_lines(filter(None, [since()]) if since else ())

    try:
        _write(study, shown, data, files, appendix=findings or verbose)
    finally:
        said = replace(asked, config="")  # the study says it
        ending = study_short(study), study_why(study), *following
        answer(said, lambda: shown.to_json(appendix=verbose), show, *ending)


def _write(study: Study, shown: Study, data: Data, files: StudyFiles, *, appendix: bool) -> None:
    from research.runs import save
    from research.study.exports import export

    if files.html is not None:
        written(files.html, partial(shown.report, files.html, appendix=appendix))
    if files.run is not None:
        written(files.run, partial(save, study, files.run, data))
    if files.out is not None:
        paths = partial(export, study, files.out, "parquet" if files.parquet else "csv")
        written(files.out, lambda: f"{len(paths())} files into {files.out}")


def _with_dates(study: Study, data: Data) -> Study:
    """The study with a line for each row that decides by the dates of one history: which bars, and what they carry."""
    from research.lookahead import dated_bars

    priced = data.priced(study.manifest["price"])
    between = {"start": study.manifest["start"], "end": study.manifest["end"], "execution": study.execution}
    found = {
        f"{trial.name} on {trial.metal}": dated_bars(
            trial.strategy, priced, trial.metal, parameters=trial.parameters, decided=trial.decided, **between
        )
        for trial in study.trials
    }
    dated = {name: str(bars) for name, bars in found.items() if bars is not None}
    return replace(study, manifest={**study.manifest, "dated": dated}) if dated else study
