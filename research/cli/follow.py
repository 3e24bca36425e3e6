"""``assay follow``: what has come since claims were put on record."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import click

from research.cli.command import argument, option
from research.cli.options import Packs, check_writable, thesis_in_force
from research.cli.output import answer


def follow(
    files: Annotated[
        list[Path] | None,
        argument(metavar="[FILE]...", help="Registrations; default: those here, or the thesis' own where none are."),
    ] = None,
    html: Annotated[Path | None, option(metavar="FILE", help="Write a self-contained page.")] = None,
    *,
    asked: Packs,
) -> None:
    """What has come since a registration: two running e-values a claim, that may be looked at every month."""
    check_writable(html)
    from research.registration import follow as run
    from research.report.follow import print_following, write_following
    from research.report.progress import Progress

    with Progress(quiet=asked.as_json) as tell:
        found = run(files or None, asked.open(), thesis=thesis_in_force(), progress=tell)
    if html is not None:
        click.echo(f"wrote {write_following(found, html)}", err=True)
    why = f"{found.claims[0].threshold:g} is needed for a word, and each false one has its chance once, over all looks."
    answer(asked, found.to_json, partial(print_following, found), f"{found.line}.", why, "data", "fetch")
