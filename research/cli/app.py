"""The commands. Each parses, calls one function of the house, prints what it returns, and says what to type next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from research.cli import data as data_commands
from research.cli.check import check
from research.cli.claims import claims
from research.cli.config import NO_CONFIG
from research.cli.follow import follow
from research.cli.judge import judge
from research.cli.mcp import mcp
from research.cli.new import new
from research.cli.options import (
    THESIS,
    Judged,
    Metals,
    Names,
    Packs,
    Params,
    StudyFiles,
    kept_with_thesis,
    parameters_of,
    strategy_named,
    takes_groups,
    thesis_in_force,
)
from research.cli.output import conclude, print_json, print_lines
from research.cli.register import register
from research.cli.runs import diff, replay
from research.cli.seal import seal, verify
from research.cli.sweep import sweep
from research.cli.today import today
from research.cli.trials import trials
from research.errors import AssayError, ExecutionError, StrategyError

if TYPE_CHECKING:
    from research.datasets.data import Data
    from research.study import Study

app = typer.Typer(
    name="assay",
    help="Put an investment thesis about metals on trial.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

GREETING = """\
assay puts an investment thesis about gold and silver on trial: is it true, or only told well?
  a leak, rejected:          assay check --demo
  an honest rule, judged:    assay backtest --demo
  the whole thesis:          assay compare
  an idea of your own:       assay new my_idea       (all commands: assay --help)"""

Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Every account, reason and finding.")]


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"assay {version('assay')}")
        raise typer.Exit


@app.callback()
def assay(
    context: typer.Context,
    thesis: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Another thesis: a folder with thesis.toml and its strategies. Anywhere on the line."
        ),
    ] = None,
    no_config: Annotated[
        bool, typer.Option("--no-config", help="Do not read assay.toml or pyproject.toml. Anywhere on the line.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Put an investment thesis about metals on trial."""
    THESIS.set(thesis)
    NO_CONFIG.set(no_config)
    if context.invoked_subcommand is None:
        typer.echo(GREETING)


@app.command()
@takes_groups
def compare(
    names: Names = None, metals: Metals = None, *, asked: Judged, files: StudyFiles, verbose: Verbose = False
) -> None:
    """Every thesis signal against buy-and-hold: the verdict table."""
    thesis = thesis_in_force()
    chosen = [strategy_named(name, thesis) for name in names] if names else thesis.of_kind("thesis")
    data = asked.open()
    study = asked.study(chosen, data, thesis, metals)
    _give(study, data, asked, files, verbose=verbose)
    if not asked.as_json:
        if not names:
            from research.registration import line_since

            print_lines(filter(None, [line_since(data, thesis)]))
        from research.report.study_words import nearest, study_short, study_why

        trial = nearest(study)
        typed = dict(zip((item.name for item in chosen), names or (), strict=False))
        words = ("backtest", typed.get(trial.name, trial.name), "--metal", trial.metal)
        conclude(study_short(study), study_why(study), *words, source=asked)


@app.command()
@takes_groups
def backtest(
    name: Annotated[str | None, typer.Argument(metavar="NAME|FILE", help="One strategy, by name or by file.")] = None,
    metals: Metals = None,
    param: Params = None,
    *,
    asked: Judged,
    files: StudyFiles,
    demo: Annotated[bool, typer.Option("--demo", help="Judge a rule that knows only the past.")] = False,
    verbose: Verbose = False,
) -> None:
    """One strategy against buy-and-hold: its verdict, its accounts, and the findings that matter."""
    if (name is None) is not demo:
        raise StrategyError("backtest: name one strategy; write assay backtest NAME or FILE, or --demo alone")
    parameters = parameters_of(param)
    thesis = thesis_in_force()
    if demo:
        from research.lookahead.demo import looks_one_month_back as chosen

        asked = replace(asked, no_ledger=True, start=asked.start or "1975")
    else:
        chosen = strategy_named(str(name), thesis)
    chosen.parameters(parameters)
    data = asked.open()
    study = asked.study([chosen], data, thesis, metals, parameters)
    _give(study, data, asked, files, findings=True, verbose=verbose)
    if not asked.as_json:
        from research.report.study_words import study_short, study_why

        words = ("compare",) if demo else ("check", str(name))
        conclude(study_short(study), study_why(study), *words, source=asked)


@app.command()
@takes_groups
def strategies(asked: Packs) -> None:
    """What there is, what each claims, which data it needs and whether they are here."""
    from research.home import shadows
    from research.report.datasets import strategy_rows

    for line in shadows():
        typer.echo(f"note: {line}", err=True)
    rows = kept_with_thesis("strategies", asked, lambda: strategy_rows(thesis_in_force(), asked.open()))
    if asked.as_json:
        print_json(rows)
        return
    from research.report.terminal import print_strategies

    print_lines((), asked)
    print_strategies(rows)
    missing = {identity for row in rows for identity in row["missing"]}
    runs = [row["name"] for row in rows if not row["missing"]]
    short = f"{len(rows)} strategies, {len(runs)} of them with all their data here."
    why = f"missing are {', '.join(sorted(missing))}." if missing else "all that they need is here."
    conclude(short, why, *(("backtest", runs[0]) if runs else ("data", "sources")), source=asked)


app.add_typer(data_commands.app, name="data")
for command in (check, sweep, claims, today, register, follow, trials, replay, diff, judge, seal, verify, mcp, new):
    app.command()(command)


def _give(
    study: Study, data: Data, asked: Judged, files: StudyFiles, *, findings: bool = False, verbose: bool = False
) -> None:
    """Write what was asked for and print the study; one that cannot be written is printed all the same."""
    failed: AssayError | None = None
    shown = _with_dates(study, data) if findings or verbose or files.html is not None else study
    try:
        if files.html is not None:
            typer.echo(f"wrote {shown.report(files.html)}", err=True)
        if files.run is not None:
            from research.runs import save

            typer.echo(f"wrote {save(study, files.run, data)}", err=True)
        if files.out is not None:
            from research.study.exports import export

            written = export(study, files.out, "parquet" if files.parquet else "csv")
            typer.echo(f"wrote {len(written)} files into {files.out}", err=True)
    except AssayError as error:
        failed = error
    except OSError as error:
        failed = ExecutionError(
            f"{error.filename or files.html}: cannot be written: {error.strerror}; name another place"
        )
    if asked.as_json:
        print_json(shown.to_json(appendix=verbose))
    else:
        import pandas as pd

        from research.report.datasets import overdue
        from research.report.terminal import print_study

        late = overdue(study.datasets, study.manifest["coverage"], pd.Timestamp.now("UTC"))
        print_study(shown, findings=findings or verbose, verbose=verbose, overdue=late)
    if failed is not None:
        raise failed


def _with_dates(study: Study, data: Data) -> Study:
    """The study with a line for each row that decides by the dates of one history: which bars, and what they carry."""
    from research.lookahead import dated_bars

    priced = data.priced(study.manifest["price"])
    between = {"start": study.manifest["start"], "end": study.manifest["end"], "execution": study.execution}
    found = {
        f"{trial.name} on {trial.metal}": dated_bars(
            trial.strategy, priced, trial.metal, parameters=trial.parameters, **between
        )
        for trial in study.trials
    }
    dated = {name: str(bars) for name, bars in found.items() if bars is not None}
    return replace(study, manifest={**study.manifest, "dated": dated}) if dated else study
