"""``assay today``: what each strategy wants now."""

from __future__ import annotations

from typing import Annotated

import typer

from research.cli.options import Json, Packs, open_packs, strategy_named, thesis_in_force
from research.cli.output import print_json


def today(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME|FILE]...", help="Strategies; default: the whole thesis.")
    ] = None,
    as_json: Json = False,
    packs: Packs = None,
) -> None:
    """What each strategy wants now, on which number, known when, and when that may change."""
    from research.study import today as ask

    thesis = thesis_in_force()
    chosen = [strategy_named(name, thesis) for name in names] if names else None
    found = ask(chosen, open_packs(packs), thesis=thesis)
    if as_json:
        print_json(found.to_json())
        return
    from research.report.today import print_today

    print_today(found)
