"""``assay seal`` and ``assay verify``: a verdict that a stranger can recheck."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from research.cli.command import argument, option
from research.cli.options import Packs, Plain, check_writable, thesis_in_force
from research.cli.output import answer
from research.cli.runs import Run
from research.errors import ParameterError


def seal(
    run: Run,
    file: Annotated[Path, option("--output", "-o", metavar="FILE", help="Where.")],
    *,
    asked: Plain,
) -> None:
    """Seal a recorded run: its words and figures, with hashes of all that they were made from."""
    check_writable(file)
    from research.sealing import seal as write

    digest = write(run, file)
    why = f"publish its digest with the verdict: {digest}"
    answer(asked, lambda: {"file": str(file), "digest": digest}, (), f"{file} seals {run}.", why, "verify", str(file))


def verify(
    file: Annotated[Path, argument(metavar="SEAL", help="A file written by assay seal.")],
    strategies: Annotated[
        list[str] | None,
        option("--strategy", metavar="NAME=FILE", help="One that is not in the package; repeatable."),
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
    lines = [*(f"{who}: {word}" for who, word in found.words.items()), *map(str, found.differences)]
    short = f"{file} {'holds' if found.holds else 'does NOT hold'}; its digest is {found.digest}."
    why = "words and figures are computed again as sealed." if found.holds else f"{found.differences[0]}."
    answer(asked, found.to_json, lines, short, why, "strategies", same_data=False)
    if not found.holds:
        raise click.exceptions.Exit(1)
