"""The thesis, one strategy of it, or what is brought from elsewhere, judged; and what strategies want now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import click

from research.cli.options import (
    Judged,
    Packs,
    Reading,
    Source,
    Strategies,
    StudyFiles,
    Variant,
    check_writable,
    kept_with_thesis,
    strategy_named,
    thesis_in_force,
)
from research.cli.output import answer, print_lines, written
from research.cli.sources import to_fetch
from research.errors import ExecutionError, StrategyError

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


def judge(
    file: Annotated[Path, click.Argument],
    metal: str,
    trials: int | None = None,
    kind: Annotated[Literal["weights", "returns", "equity", "trades"] | None, "--as"] = None,
    claims: list[str] | None = None,
    unit: Literal["percent", "fraction"] | None = None,
    *,
    reading: Reading,
    asked: Judged,
) -> None:
    """A backtest made elsewhere, by the same rules: weights and trades in our account, returns as they are.

    Parameters
    ----------
    file : FILE
        Weights, returns, equity or trades, as a table.
    metal : METAL
        What was traded.
    trials : N
        Variants that were looked at, this one among them.
    kind
        What it holds.
    claims : FIGURE
        'Sharpe 1.8', 'CAGR 22 %'; repeatable.
    unit
        Of weights or returns.
    """
    from research.brought import judge as run
    from research.datasets.importing import ImportOptions
    from research.report.terminal import print_brought

    found = run(
        file,
        metal=metal,
        data=asked.open(),
        trials=trials,
        kind=kind,
        claims=claims or (),
        options=ImportOptions(**asdict(reading), unit=unit),
        start=asked.start,
        end=asked.end,
        execution=asked.execution,
        rules=asked.rules,
        ledger=asked.ledger,
    )
    short = f"{found.name} on {metal}: {found.verdict.word}."
    ending = short, found.verdict.reason, "new", "my_idea"  # as code it can be checked for look-ahead
    answer(asked, found.to_json, partial(print_brought, found), *ending, same_data=False)


def claims(verdicts: bool = False, html: Path | None = None, findings: Path | None = None, *, asked: Judged) -> None:
    """The claims of the thesis: what the sources say, which strategies test them, and their verdicts.

    Parameters
    ----------
    verdicts
        Run the whole family on the data at hand and give each claim its word.
    html : FILE
        Run it, and write a self-contained page.
    findings : FILE
        Run the family and its baselines; write every verdict as Markdown.
    """
    for file in (html, findings):
        check_writable(file)
    if html is not None and html == findings:
        raise ExecutionError(f"{html}: the page and the findings cannot be one file; name two")
    from research.datasets.store import write_atomically
    from research.report.claims import claims_json, claims_page, findings_page, print_claims
    from research.report.study_words import study_short, study_why

    thesis, data = thesis_in_force(), asked.open()
    wanted = verdicts or html is not None or findings is not None
    study = asked.study(thesis.of_kind("thesis"), data, thesis) if wanted else None
    pages: dict[Path, str] = {}
    if study is not None and html is not None:
        pages[html] = claims_page(thesis, data, study)
    if study is not None and findings is not None:
        from research.study.appendix import beta_break

        baselines = asked.study(thesis.of_kind("baseline"), data, thesis) if thesis.baselines else None
        breaks = [
            (plan, [found for metal in data.metals() if (found := beta_break(data, metal, plan.driver)) is not None])
            for plan in thesis.breaks
        ]
        pages[findings] = findings_page(study, baselines, breaks)
    for file, text in pages.items():
        written(file, partial(write_atomically, file, text.encode("utf-8")))
    testable = sum(claim.testable for claim in thesis.claims)
    short = f"{len(thesis.claims)} claims, {testable} of them testable in {len(thesis.sentences)} sentences."
    ending = [short, "no verdicts were asked for.", "claims", "--verdicts"]
    if study is not None:
        following = ("claims", "--html", "claims.html") if html is None else ("compare", "--verbose")
        ending = [study_short(study), study_why(study), *following]
    shown = () if pages else partial(print_claims, thesis, data, study)
    answer(asked, lambda: claims_json(thesis, data, study), shown, *ending)


def today(*, chosen: Strategies, asked: Source) -> None:
    """What each strategy wants now, on which number, known when, and when that may change."""
    from research.report.study_words import a_few
    from research.report.terminal import print_today
    from research.study import today as ask

    thesis = thesis_in_force()
    found = ask(chosen.of(thesis), asked.open(), metals=chosen.metals, thesis=thesis)
    known = [f"{want.strategy}, {want.metal}: {want.position:.0%}" for want in found.wants if want.position is not None]
    stale = sorted({name for want in found.wants for name in want.stale})
    short = f"{len(known)} of {len(found.wants)} positions are known" + (f": {a_few(known)}." if known else ".")
    why = f"newer data are out of {a_few(stale)}." if stale else "no newer data are out."
    answer(asked, found.to_json, partial(print_today, found), short, why, *(to_fetch(stale) or ("compare",)))


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
