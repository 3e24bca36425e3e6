"""``assay sweep``: every variant of a grid, and what may be believed of the best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from research.cli.options import (
    Borrow,
    Delay,
    End,
    Fees,
    Json,
    NoLedger,
    Packs,
    PriceName,
    Slippage,
    Start,
    Storage,
    execution_of,
    open_packs,
    strategy_named,
    thesis_in_force,
)
from research.errors import ParameterError
from research.sweep.grid import parse_axes

if TYPE_CHECKING:
    from research.sweep.grid import Grid
    from research.thesis import Strategy


def sweep(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="One strategy, by name or by file.")],
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--grid",
            metavar="NAME=VALUES",
            help="threshold=1,1.5 or hold_days=30:180:30; repeatable. Default: declared.",
        ),
    ] = None,
    metal: Annotated[str | None, typer.Option("--metal", metavar="METAL", help="Default: the first claimed.")] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME,NAME", help="Axes of the heat map.")] = None,
    start: Start = None,
    end: End = None,
    price: PriceName = None,
    delay: Delay = None,
    fees: Fees = None,
    slippage: Slippage = None,
    storage: Storage = None,
    borrow: Borrow = None,
    folds: Annotated[int, typer.Option("--folds", metavar="N", help="Tests of the walk forward.")] = 5,
    memory: Annotated[
        int | None,
        typer.Option("--memory", metavar="BARS", help="Gap between training and test. Default: measured."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", help="Dask worker processes on this machine.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDRESS", help="A running Dask cluster, tcp://host:port.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what an earlier run has finished.")] = False,
    no_ledger: NoLedger = False,
    as_json: Json = False,
    packs: Packs = None,
) -> None:
    """Every variant of a grid: map, walk forward, and the odds that the best is luck."""
    axes = parse_axes(grid) if grid else None
    _check_counts(folds=folds, workers=workers)
    if memory is not None and memory < 0:
        raise ParameterError(f"--memory {memory}: a number of bars, 0 or more")
    if workers is not None and scheduler is not None:
        raise ParameterError("--workers and --scheduler exclude each other; give one")
    execution = execution_of(delay=delay, fees=fees, slippage=slippage, storage=storage, borrow=borrow)
    from research.ledger import Ledger
    from research.report.progress import Progress
    from research.study.record import Terms, record_grid
    from research.sweep.sweep import run_sweep

    available = open_packs(packs, price)
    problem = ""

    def record(strategy: Strategy, metal: str, variants: Grid) -> None:
        nonlocal problem
        ledger = None if no_ledger else Ledger()
        problem = record_grid(strategy, metal, list(variants), ledger, available, Terms(execution, start, end))

    progress = Progress(quiet=as_json)
    kept = 0

    def tell(done: int, total: int, what: str) -> None:
        nonlocal kept
        kept = done
        progress(done, total, what)

    try:
        with progress:
            found = run_sweep(
                strategy_named(name, thesis_in_force()),
                available,
                metal=metal,
                axes=axes,
                by=by.split(",") if by else None,
                start=start,
                end=end,
                execution=execution,
                n_folds=folds,
                memory=memory,
                workers=workers,
                scheduler=scheduler,
                fresh=fresh,
                progress=tell,
                record=record,
            )
    except KeyboardInterrupt:
        typer.echo(f"assay: interrupted; {kept} variants are kept, the same command goes on from there", err=True)
        raise typer.Exit(130) from None
    if no_ledger or problem:
        typer.echo(f"trials not recorded: {problem or '--no-ledger'}", err=True)
    if as_json:
        from research.cli.output import print_json

        print_json(found.to_json())
        return
    from research.report.sweep import print_sweep

    print_sweep(found)


def _check_counts(**counts: int | None) -> None:
    for name, count in counts.items():
        if count is not None and count < 1:
            raise ParameterError(f"--{name} {count}: use 1 or more")
