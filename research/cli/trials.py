"""``assay trials``: what was tried on this machine."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from research.cli.options import Json, thesis_in_force
from research.cli.output import conclude, print_json
from research.errors import RunError, UnknownStrategy, did_you_mean


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
        if strategy is not None and not entries:
            names = {*thesis_in_force().strategies, *(entry.strategy for entry in ledger.entries(kind=None))}
            if strategy not in names:
                raise UnknownStrategy(f"strategy {strategy!r}: neither tried nor known{did_you_mean(strategy, names)}")
    except (sqlite3.Error, OSError) as error:
        raise RunError(f"{ledger.file}: cannot be read as a ledger: {error}; move it away to begin anew") from None
    if as_json:
        print_json({"file": str(ledger.file), "trials": [entry.to_json() for entry in entries]})
        return
    if not entries:
        conclude("no trials.", f"{ledger.file} holds none.", "compare")
        return
    from research.report.terminal import print_trials

    print_trials(entries)
    counted = Counter(entry.strategy for entry in entries)
    short = f"{len(entries)} trials of {len(counted)} strategies, the newest of {entries[-1].at[:10]}."
    conclude(short, f"every one counts: {ledger.file}.", "trials", "--last", "0", "--grid")
