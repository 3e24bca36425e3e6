"""``assay trials``: what was tried on this machine."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from research.cli.command import argument, option
from research.cli.options import Plain, thesis_in_force
from research.cli.output import answer
from research.errors import RunError, UnknownStrategy, did_you_mean


def trials(
    strategy: Annotated[str | None, argument(metavar="[NAME]", help="Of one strategy only.")] = None,
    last: Annotated[int, option(metavar="N", least=0, help="Only the newest; 0 for all.")] = 20,
    grid: Annotated[bool, option(help="Also the other points of the declared grids.")] = False,
    *,
    asked: Plain,
) -> None:
    """The ledger: every trial on this machine, which the statistics count."""
    import sqlite3

    from research.ledger import Ledger
    from research.report.terminal import print_trials

    ledger = Ledger()
    try:
        entries = ledger.entries(kind=None if grid else "chosen", strategy=strategy, last=last)
        if strategy is not None and not entries:
            names = {*thesis_in_force().strategies, *(entry.strategy for entry in ledger.entries(kind=None))}
            if strategy not in names:
                raise UnknownStrategy(f"strategy {strategy!r}: neither tried nor known{did_you_mean(strategy, names)}")
    except (sqlite3.Error, OSError) as error:
        raise RunError(f"{ledger.file}: cannot be read as a ledger: {error}; move it away to begin anew") from None
    ending = ["no trials.", f"{ledger.file} holds none.", "compare"]
    if entries:
        tried = len({entry.strategy for entry in entries})
        short = f"{len(entries)} trials of {tried} strategies, the newest of {entries[-1].at[:10]}."
        ending = [short, f"every one counts: {ledger.file}.", "trials", "--last", "0", "--grid"]
    document = {"file": str(ledger.file), "trials": [entry.to_json() for entry in entries]}
    answer(asked, lambda: document, partial(print_trials, entries) if entries else (), *ending)
