"""``assay sweep``: every variant of a grid, and what may be believed of the best."""

from __future__ import annotations

import shutil
import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import click

from research.cli.options import Files, Terms, strategy_named, thesis_in_force
from research.cli.output import answer, written
from research.errors import ParameterError

if TYPE_CHECKING:
    from research.sweep.sweep import Estimate

MOST_VARIANTS, MOST_SECONDS = 1_000_000, 600.0
"""What is asked about before it starts."""


def sweep(
    name: Annotated[str, click.Argument],
    grid: list[str] | None = None,
    metal: str | None = None,
    by: str | None = None,
    folds: Annotated[int, click.IntRange(min=1)] = 5,
    memory: Annotated[int | None, click.IntRange(min=0)] = None,
    workers: Annotated[int | None, click.IntRange(min=1)] = None,
    scheduler: str | None = None,
    fresh: bool = False,
    yes: bool = False,
    *,
    asked: Terms,
    files: Files,
) -> None:
    """Every variant of a grid: map, walk forward, and the odds that the best is luck.

    Parameters
    ----------
    name : NAME|FILE
        One strategy, by name or by file.
    grid : NAME=VALUES
        threshold=1,1.5 or hold_days=30:180:30; repeatable. Default: declared.
    metal : METAL
        Default: the first claimed.
    by : NAME,NAME
        Axes of the heat map.
    folds : N
        Tests of the walk forward.
    memory : BARS
        Gap between training and test. Default: measured.
    workers : N
        Dask worker processes on this machine.
    scheduler : ADDRESS
        A running Dask cluster, tcp://host:port.
    fresh
        Forget what an earlier run has finished.
    yes
        Start a large grid without being asked.
    """
    from research.sweep.grid import parse_axes

    axes = parse_axes(grid) if grid else None
    from research.report.progress import Progress
    from research.sweep.sweep import run_sweep

    available = asked.open()
    try:
        with Progress(quiet=asked.as_json) as progress:
            found = run_sweep(
                strategy_named(name, thesis_in_force()),
                available,
                metal=metal,
                axes=axes,
                by=by.split(",") if by else None,
                start=asked.start,
                end=asked.end,
                execution=asked.execution,
                n_folds=folds,
                memory=memory,
                workers=workers,
                scheduler=scheduler,
                fresh=fresh,
                progress=progress,
                ledger=asked.ledger,
                agree=lambda estimate: _agree(estimate, yes=yes),
            )
    except KeyboardInterrupt:
        click.echo(f"assay: interrupted; {progress.done} variants are kept, the same command goes on there", err=True)
        raise click.exceptions.Exit(130) from None
    if asked.no_ledger or found.unrecorded:
        click.echo(f"trials not recorded: {found.unrecorded or '--no-ledger'}", err=True)
    from research.datasets.store import write_atomically
    from research.report.sweep import print_sweep, sweep_page
    from research.sweep.sweep import save_sweep

    best = found.best.parameters
    words = [word for axis in found.grid.axes for word in ("--param", f"{axis}={best[axis]!r}")]
    short = f"the best of {len(found.grid)} variants is {found.grid.describe(best)}."
    why = found.deflated.sentence if found.deflated is not None else "one variant alone was tried."
    following = "backtest", name, "--metal", found.metal, *words
    try:
        if files.run is not None:
            written(files.run, partial(save_sweep, found, files.run, available, asked.start, asked.end))
        if files.html is not None:
            written(files.html, partial(write_atomically, files.html, sweep_page(found).encode("utf-8")))
    finally:
        answer(asked, found.to_json, partial(print_sweep, found), short, why, *following)


def _agree(estimate: Estimate, *, yes: bool) -> None:
    """Tell how much it is; ask, or refuse where nobody can answer, when that is much."""
    free = shutil.disk_usage(estimate.folder).free
    if estimate.bytes > free:
        raise ParameterError(
            f"sweep: {estimate}, and {estimate.folder} has room for {free / 1e9:,.1f} GB; "
            "take wider steps, or name another folder with ASSAY_HOME"
        )
    large = estimate.missing > MOST_VARIANTS or estimate.seconds > MOST_SECONDS
    if large and not yes and not sys.stdin.isatty():
        raise ParameterError(f"sweep: {estimate}; take wider steps, or start it with --yes")
    click.echo(str(estimate), err=True)
    if large and not yes and not click.confirm("Start?", err=True):
        raise click.exceptions.Exit(130)
