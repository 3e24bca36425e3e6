"""``assay trials``: what was tried on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from research.cli.options import Json
from research.cli.output import print_json
from research.errors import RunError


def trials(
    strategy: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Of one strategy only.")] = None,
    last: Annotated[int, typer.Option("--last", metavar="N", min=0, help="Only the newest; 0 for all.")] = 20,
    grid: Annotated[bool, typer.Option("--grid", help="Also the other points of the declared grids.")] = False,
    as_json: Json = False,
) -> None:
    """The ledger: every trial on this machine, which the statistics count."""
    import sqlite3

    from research.ledger import Ledger

    ledger = Ledger()
    try:
        entries = ledger.entries(kind=None if grid else "chosen", strategy=strategy, last=last)
    except (sqlite3.Error, OSError) as error:
        raise RunError(f"{ledger.file}: cannot be read as a ledger: {error}; move it away to begin anew") from None
    if as_json:
        print_json({"file": str(ledger.file), "trials": [entry.to_json() for entry in entries]})
        return
    if not entries:
        typer.echo(f"no trials in {ledger.file}; assay compare makes the first")
        return
    from research.report.terminal import print_trials

    print_trials(entries)
