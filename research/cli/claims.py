"""``assay claims``: the claims of the thesis, each with its evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from research.cli.options import (
    Borrow,
    Delay,
    End,
    Fees,
    Json,
    Packs,
    PriceName,
    Slippage,
    Start,
    Storage,
    check_outputs,
    execution_of,
    open_packs,
    thesis_in_force,
)
from research.cli.output import print_json


def claims(
    verdicts: Annotated[
        bool, typer.Option("--verdicts", help="Run the whole family on the data at hand and give each claim its word.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Run it, and write a self-contained page.")
    ] = None,
    findings: Annotated[
        Path | None,
        typer.Option(
            "--findings", metavar="FILE", help="Run the family and its baselines; write every verdict as Markdown."
        ),
    ] = None,
    start: Start = None,
    end: End = None,
    price: PriceName = None,
    delay: Delay = None,
    fees: Fees = None,
    slippage: Slippage = None,
    storage: Storage = None,
    borrow: Borrow = None,
    as_json: Json = False,
    packs: Packs = None,
) -> None:
    """The claims of the thesis: what the sources say, which strategies test them, and their verdicts."""
    for file in (html, findings):
        check_outputs(file)
    execution = execution_of(delay=delay, fees=fees, slippage=slippage, storage=storage, borrow=borrow)
    from research.datasets.store import write_atomically
    from research.report.claims import claims_json, claims_page, print_claims
    from research.report.findings import findings_page
    from research.report.progress import Progress
    from research.study import compare
    from research.study.beta_break import beta_break

    thesis, data = thesis_in_force(), open_packs(packs, price)
    terms = {"start": start, "end": end, "execution": execution, "thesis": thesis}
    study = None
    if verdicts or html is not None or findings is not None:
        with Progress(quiet=as_json) as tell:
            study = compare(thesis.of_kind("thesis"), data, progress=tell, **terms)  # type: ignore[arg-type]
    if study is not None and html is not None:
        write_atomically(html, claims_page(thesis, data, study).encode("utf-8"))
        typer.echo(f"wrote {html}", err=True)
    if study is not None and findings is not None:
        baselines = None
        if thesis.baselines:
            with Progress(quiet=as_json) as tell:
                baselines = compare(thesis.of_kind("baseline"), data, progress=tell, **terms)  # type: ignore[arg-type]
        breaks = [
            (plan, [found for metal in data.metals() if (found := beta_break(data, metal, plan.driver)) is not None])
            for plan in thesis.breaks
        ]
        write_atomically(findings, findings_page(study, baselines, breaks).encode("utf-8"))
        typer.echo(f"wrote {findings}", err=True)
    if as_json:
        print_json(claims_json(thesis, data, study))
    elif html is None and findings is None:
        print_claims(thesis, data, study)
