"""``assay sweep``: every variant of a grid, and what may be believed of the best."""

from __future__ import annotations

from typing import Annotated

import typer

from research.cli.options import (
    Borrow,
    Delay,
    End,
    Fees,
    Json,
    Packs,
    Slippage,
    Start,
    Storage,
    execution_of,
    open_packs,
)
from research.errors import ParameterError
from research.sweep.grid import parse_axes


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
    from research.report.progress import Progress
    from research.sweep.sweep import run_sweep

    progress = Progress(quiet=as_json)
    kept = 0

    def tell(done: int, total: int, what: str) -> None:
        nonlocal kept
        kept = done
        progress(done, total, what)

    try:
        with progress:
            found = run_sweep(
                name,
                open_packs(packs),
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
            )
    except KeyboardInterrupt:
        typer.echo(f"assay: interrupted; {kept} variants are kept, the same command goes on from there", err=True)
        raise typer.Exit(130) from None
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
