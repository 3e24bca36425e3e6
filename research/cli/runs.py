"""``assay replay`` and ``assay diff``: recorded runs, again and side by side."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from research.cli.options import Json
from research.cli.output import print_json

Run = Annotated[Path, typer.Argument(metavar="RUN", help="A folder written with --run.")]


def replay(run: Run, as_json: Json = False) -> None:
    """Run a recorded run again and prove it identical; exit 1 with what changed."""
    from research.runs import replay as again

    result = again(run)
    if as_json:
        print_json(result.to_json())
    else:
        typer.echo(str(result))
    if not result.identical:
        raise typer.Exit(1)


def diff(
    left: Run,
    right: Annotated[Path, typer.Argument(metavar="RUN", help="Another.")],
    as_json: Json = False,
) -> None:
    """In what two recorded runs differ; exit 1 if they do."""
    from research.runs import diff as compare_runs

    found = compare_runs(left, right)
    if as_json:
        print_json({"left": str(left), "right": str(right), "differences": [asdict(item) for item in found]})
    else:
        typer.echo("\n".join(map(str, found)) or f"{left} and {right} are the same")
    if found:
        raise typer.Exit(1)
