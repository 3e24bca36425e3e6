"""``assay replay`` and ``assay diff``: recorded runs, again and side by side."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from research.cli.options import THESIS, Json, Packs, takes_groups, thesis_in_force
from research.cli.output import conclude, print_json, print_lines

Run = Annotated[Path, typer.Argument(metavar="RUN", help="A folder written with --run.")]
Other = Annotated[Path, typer.Argument(metavar="RUN", help="Another.")]


@takes_groups
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
    if asked.as_json:
        print_json(result.to_json())
    else:
        print_lines(str(result).splitlines(), asked)
        short, why = f"{run}: {'identical' if result.identical else 'not identical'}.", "every byte is the same."
        if result.differences:
            why = f"{result.differences[0]}."
        conclude(short, why, "trials")
    if not result.identical:
        raise typer.Exit(1)


def diff(left: Run, right: Other, as_json: Json = False) -> None:
    """In what two recorded runs differ; exit 1 if they do."""
    from research.runs import diff as compare_runs

    found = compare_runs(left, right)
    if as_json:
        print_json({"left": str(left), "right": str(right), "differences": [asdict(item) for item in found]})
    else:
        print_lines(map(str, found))
        short = f"{left} and {right} {'differ' if found else 'are the same'}."
        conclude(short, f"{found[0]}." if found else "every byte is the same.", "replay", str(right))
    if found:
        raise typer.Exit(1)
