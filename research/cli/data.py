"""``assay data``: what there is, whether it is whole, and how more comes in."""

from __future__ import annotations

from typing import Annotated

import typer

from research.cli.options import Json, Packs, open_packs
from research.cli.output import print_json
from research.errors import IntegrityError

app = typer.Typer(help="Datasets: coverage, age, source, licence, release rule.", invoke_without_command=True)


@app.callback()
def listing(context: typer.Context, as_json: Json = False, packs: Packs = None) -> None:
    """Datasets: coverage, source, licence, release rule."""
    if context.invoked_subcommand is not None:
        return
    available = open_packs(packs)
    from research.report.datasets import dataset_rows

    rows = dataset_rows(available)
    if as_json:
        print_json(rows)
        return
    from research.report.terminal import print_datasets

    print_datasets(rows)


@app.command()
def verify(
    as_json: Json = False,
    packs: Packs = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing when all is well.")] = False,
) -> None:
    """Every file against its hash; exit 2 when one is missing or changed."""
    available = open_packs(packs)
    problems = available.verify()
    n_files = sum(len(pack.files) for pack in available.packs)
    if as_json:
        print_json({"files": n_files, "problems": problems})
    if problems:
        raise IntegrityError(problems[0] + (f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""))
    if not quiet and not as_json:
        typer.echo(f"{n_files} files in {len(available.packs)} packs match their SHA-256")
