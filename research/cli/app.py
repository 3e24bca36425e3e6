"""The commands. Each parses, calls one function of the house, and prints what it returns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from research.cli import check as check_command
from research.cli import data as data_commands
from research.cli import new as new_command
from research.cli import runs as run_commands
from research.cli import sweep as sweep_command
from research.cli import trials as trials_command
from research.cli.claims import claims
from research.cli.follow import follow
from research.cli.options import (
    THESIS,
    Borrow,
    Delay,
    End,
    Fees,
    Json,
    Level,
    Metals,
    MinEvents,
    NoLedger,
    Packs,
    PriceName,
    Slippage,
    Start,
    Storage,
    check_outputs,
    execution_of,
    open_packs,
    parameters_of,
    rules_of,
    strategy_named,
    thesis_in_force,
)
from research.cli.output import print_json
from research.cli.register import register
from research.cli.today import today
from research.errors import AssayError, ExecutionError

if TYPE_CHECKING:
    from research.datasets.data import Data
    from research.study import Study

app = typer.Typer(
    name="assay",
    help="Put an investment thesis about metals on trial.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="All findings, not only those that decided.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a self-contained report.")]
RunFolder = Annotated[Path | None, typer.Option("--run", metavar="DIR", help="Write a run folder, for assay replay.")]


@app.callback()
def assay(
    thesis: Annotated[
        Path | None,
        typer.Option("--thesis", metavar="DIR", help="Another thesis: a folder with thesis.toml and its strategies."),
    ] = None,
) -> None:
    """Put an investment thesis about metals on trial."""
    THESIS.set(thesis)


@app.command()
def compare(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME|FILE]...", help="Strategies; default: the whole thesis.")
    ] = None,
    metals: Metals = None,
    start: Start = None,
    end: End = None,
    price: PriceName = None,
    delay: Delay = None,
    fees: Fees = None,
    slippage: Slippage = None,
    storage: Storage = None,
    borrow: Borrow = None,
    level: Level = None,
    min_events: MinEvents = None,
    html: Html = None,
    verbose: Verbose = False,
    run_folder: RunFolder = None,
    no_ledger: NoLedger = False,
    as_json: Json = False,
    packs: Packs = None,
) -> None:
    """Every thesis signal against buy-and-hold: the verdict table."""
    execution = execution_of(delay=delay, fees=fees, slippage=slippage, storage=storage, borrow=borrow)
    rules = rules_of(level=level, min_events=min_events)
    check_outputs(html, run_folder)
    from research.study import LEDGER
    from research.study import compare as run

    thesis = thesis_in_force()
    chosen = [strategy_named(name, thesis) for name in names] if names else thesis.of_kind("thesis")
    data = open_packs(packs, price)
    with _progress(as_json) as tell:
        study = run(
            chosen,
            data,
            metals=metals,
            start=start,
            end=end,
            execution=execution,
            rules=rules,
            progress=tell,
            ledger=None if no_ledger else LEDGER,
            thesis=thesis,
        )
    _give(study, data, as_json=as_json, verbose=verbose, html=html, run_folder=run_folder)
    if not names and not as_json:
        from research.registration import line_since

        if line := line_since(data, thesis):
            typer.echo(line)


@app.command()
def backtest(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="One strategy, by name or by file.")],
    metals: Metals = None,
    param: Annotated[list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="Repeatable.")] = None,
    start: Start = None,
    end: End = None,
    price: PriceName = None,
    delay: Delay = None,
    fees: Fees = None,
    slippage: Slippage = None,
    storage: Storage = None,
    borrow: Borrow = None,
    level: Level = None,
    min_events: MinEvents = None,
    html: Html = None,
    run_folder: RunFolder = None,
    no_ledger: NoLedger = False,
    as_json: Json = False,
    packs: Packs = None,
) -> None:
    """One strategy against buy-and-hold, with every finding."""
    execution = execution_of(delay=delay, fees=fees, slippage=slippage, storage=storage, borrow=borrow)
    rules = rules_of(level=level, min_events=min_events)
    check_outputs(html, run_folder)
    parameters = parameters_of(param)
    from research.study import LEDGER
    from research.study import compare as run

    thesis = thesis_in_force()
    chosen = strategy_named(name, thesis)
    chosen.parameters(parameters)
    data = open_packs(packs, price)
    with _progress(as_json) as tell:
        study = run(
            [chosen],
            data,
            metals=metals,
            parameters={chosen.name: parameters},
            start=start,
            end=end,
            execution=execution,
            rules=rules,
            progress=tell,
            ledger=None if no_ledger else LEDGER,
            thesis=thesis,
        )
    _give(study, data, as_json=as_json, verbose=True, html=html, run_folder=run_folder)


@app.command()
def strategies(as_json: Json = False, packs: Packs = None) -> None:
    """What there is, what each claims, which data it needs and whether they are here."""
    from research.discovery import shadows

    for line in shadows():
        typer.echo(f"note: {line}", err=True)
    thesis = thesis_in_force()
    available = open_packs(packs)
    if as_json:
        print_json([strategy_json(item, thesis, available) for item in thesis.strategies.values()])
        return
    from research.report.terminal import print_strategies

    print_strategies(thesis, available)


app.add_typer(data_commands.app, name="data")
app.command()(check_command.check)
app.command()(sweep_command.sweep)
app.command()(claims)
app.command()(today)
app.command()(register)
app.command()(follow)
app.command()(trials_command.trials)
app.command()(run_commands.replay)
app.command()(run_commands.diff)
app.command()(new_command.new)


def strategy_json(item: Any, thesis: Any, available: Any) -> dict[str, Any]:
    """One strategy as plain values."""
    sentence = thesis.sentence_of(item)
    ids = {metal: item.inputs_for(metal) for metal in item.metals}
    return {
        "name": item.name,
        "claim": item.claim,
        "tests": sentence.id if sentence else None,
        "family": thesis.kind_of(item),
        "metals": list(item.metals),
        "inputs": ids,
        "missing": sorted(
            {i for m in item.metals for i in item.inputs_for(m, available).values() if i not in available}
        ),
        "expected_sign": item.expected_sign,
        "falsifier": item.falsifier,
        "grid": {name: list(values) for name, values in item.grid.items()},
        "defaults": item.defaults,
    }


def _give(
    study: Study, data: Data, *, as_json: bool, verbose: bool, html: Path | None, run_folder: Path | None
) -> None:
    """Write what was asked for and print the study; one that cannot be written is printed all the same."""
    failed: AssayError | None = None
    shown = _with_dates(study, data) if verbose or html is not None else study
    try:
        if html is not None:
            typer.echo(f"wrote {shown.report(html)}", err=True)
        if run_folder is not None:
            from research.runs import save

            typer.echo(f"wrote {save(study, run_folder, data)}", err=True)
    except AssayError as error:
        failed = error
    except OSError as error:
        failed = ExecutionError(f"{html}: cannot be written: {error.strerror}; name another file")
    _show(shown, as_json=as_json, verbose=verbose)
    if failed is not None:
        raise failed


def _with_dates(study: Study, data: Data) -> Study:
    """The study with a line for each row that decides by the dates of one history: which bars, and what they carry."""
    from dataclasses import replace

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


def _show(study: Study, *, as_json: bool, verbose: bool) -> None:
    if as_json:
        print_json(study.to_json())
        return
    import pandas as pd

    from research.report.datasets import overdue
    from research.report.terminal import print_study

    late = overdue(study.datasets, study.manifest["coverage"], pd.Timestamp.now("UTC"))
    print_study(study, verbose=verbose, overdue=late)


def _progress(quiet: bool) -> Any:
    from research.report.progress import Progress

    return Progress(quiet=quiet)
