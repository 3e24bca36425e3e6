"""``assay seal`` and ``assay verify``: a verdict that a stranger can recheck."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from research.cli.options import Json, Packs, check_writable, takes_groups, thesis_in_force
from research.cli.output import conclude, print_json, print_lines
from research.cli.runs import Run
from research.errors import ParameterError


def seal(
    run: Run,
    file: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where.")],
    as_json: Json = False,
) -> None:
    """Seal a recorded run: its words and figures, with hashes of all that they were made from."""
    check_writable(file)
    from research.sealing import seal as write

    digest = write(run, file)
    if as_json:
        print_json({"file": str(file), "digest": digest})
    else:
        conclude(f"{file} seals {run}.", f"publish its digest with the verdict: {digest}", "verify", str(file))


@takes_groups
def verify(
    file: Annotated[Path, typer.Argument(metavar="SEAL", help="A file written by assay seal.")],
    strategies: Annotated[
        list[str] | None,
        typer.Option("--strategy", metavar="NAME=FILE", help="One that is not in the package; repeatable."),
    ] = None,
    *,
    asked: Packs,
) -> None:
    """Compute a sealed verdict again, from the bundled data and --data; exit 1 with the part that differs."""
    from research.datasets.data import open_data
    from research.sealing import verify as compute

    files = [word.partition("=") for word in strategies or ()]
    if not all(path for _, _, path in files):
        raise ParameterError(f"--strategy {strategies}: write NAME=FILE, e.g. --strategy my_idea=my_idea.py")
    data, named = open_data(*(asked.packs or ()), user=False), {name: path for name, _, path in files}
    found = compute(file, data, strategies=named, thesis=thesis_in_force())
    if asked.as_json:
        print_json(found.to_json())
    else:
        print_lines([*(f"{who}: {word}" for who, word in found.words.items()), *map(str, found.differences)], asked)
        short = f"{file} {'holds' if found.holds else 'does NOT hold'}; its digest is {found.digest}."
        why = "words and figures are computed again as sealed." if found.holds else f"{found.differences[0]}."
        conclude(short, why, "strategies")
    if not found.holds:
        raise typer.Exit(1)
