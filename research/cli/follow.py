"""``assay follow``: what has come since claims were put on record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from research.cli.options import Json, Packs, check_outputs, open_packs, thesis_in_force
from research.cli.output import print_json


def follow(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...", help="Registrations; default: those here, or the thesis' own where there are none."
        ),
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a self-contained page.")] = None,
    as_json: Json = False,
    packs: Packs = None,
) -> None:
    """What has come since a registration: two running e-values a claim, that may be looked at every month."""
    check_outputs(html)
    from research.registration import follow as run
    from research.report.progress import Progress

    with Progress(quiet=as_json) as tell:
        found = run(files or None, open_packs(packs), thesis=thesis_in_force(), progress=tell)
    if html is not None:
        from research.report.follow import write_following

        typer.echo(f"wrote {write_following(found, html)}", err=True)
    if as_json:
        print_json(found.to_json())
        return
    from research.report.follow import print_following

    print_following(found)
