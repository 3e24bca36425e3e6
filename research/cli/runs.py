"""``assay replay`` and ``assay diff``: recorded runs, again and side by side."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import click

from research.cli.command import argument
from research.cli.options import THESIS, Packs, Plain, thesis_in_force
from research.cli.output import answer

Run = Annotated[Path, argument(metavar="RUN", help="A folder written with --run.")]
Other = Annotated[Path, argument(metavar="RUN", help="Another.")]
SAME = "every byte is the same."


def replay(run: Run, *, asked: Packs) -> None:
    """Run a recorded run again and prove it identical; exit 1 with what changed."""
    from research.runs import holds_a_sweep
    from research.runs import replay as again

    data = asked.open() if asked.packs else None
    if holds_a_sweep(run):
        from research.sweep.run import replay_sweep

        result = replay_sweep(run, data)
    else:
        result = again(run, data, thesis=None if THESIS.get() is None else thesis_in_force())
    short = f"{run}: {'identical' if result.identical else 'not identical'}."
    why = f"{result.differences[0]}." if result.differences else SAME
    answer(asked, result.to_json, str(result).splitlines(), short, why, "trials", same_data=False)
    if not result.identical:
        raise click.exceptions.Exit(1)


def diff(left: Run, right: Other, *, asked: Plain) -> None:
    """In what two recorded runs differ; exit 1 if they do."""
    from research.runs import diff as compare_runs

    found = compare_runs(left, right)
    document = {"left": str(left), "right": str(right), "differences": [asdict(item) for item in found]}
    short = f"{left} and {right} {'differ' if found else 'are the same'}."
    answer(asked, lambda: document, map(str, found), short, f"{found[0]}." if found else SAME, "replay", str(right))
    if found:
        raise click.exceptions.Exit(1)
