"""``assay claims``: the ledger of the thesis, each claim with its evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from research.cli.options import Delay, Json, Packs, Storage, check_outputs, execution_of, open_packs
from research.cli.output import print_json


def claims(
    verdicts: Annotated[
        bool, typer.Option("--verdicts", help="Run the whole family on the data at hand and give each test its word.")
    ] = False,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a self-contained page.")] = None,
    findings: Annotated[
        Path | None,
        typer.Option(
            "--findings", metavar="FILE", help="Run the family and its baselines; write every verdict as Markdown."
        ),
    ] = None,
    delay: Delay = None,
    storage: Storage = None,
    as_json: Json = False,
    packs: Packs = None,
) -> None:
    """The claims of the thesis: what the sources say, which strategies test them, and their verdicts."""
    for file in (html, findings):
        check_outputs(file)
    execution = execution_of(delay=delay, storage=storage)
    from research.claims import ledger, load_claims
    from research.discovery import all_strategies

    data = open_packs(packs)
    everything = all_strategies().values()
    found = [item for item in everything if item.role == "thesis"]
    study = None
    if verdicts or findings is not None:
        from research.report.progress import Progress
        from research.study import compare

        with Progress(quiet=as_json) as tell:
            study = compare(found, data, execution=execution, progress=tell)
    entries = ledger(load_claims(), found, data, study)
    if study is None:
        note = "No verdicts were asked for: assay claims --verdicts runs every test on the data at hand."
    else:
        note = f"Verdicts of one family of claims; {study.execution.describe()}."
    from research.datasets.store import write_atomically

    if findings is not None:
        assert study is not None
        from research.claims import load_limits
        from research.report.findings import findings_page
        from research.study.beta_break import real_yield_break

        with Progress(quiet=as_json) as tell:
            baselines = compare(
                [item for item in everything if item.role == "baseline"], data, execution=execution, progress=tell
            )
        breaks = [item for metal in data.metals() if (item := real_yield_break(data, metal)) is not None]
        page = findings_page(study, baselines, entries, breaks, load_limits())
        write_atomically(findings, page.encode("utf-8"))
        typer.echo(f"wrote {findings}", err=True)
        return
    if html is not None:
        from research.report.claims import claims_html

        write_atomically(html, claims_html(entries, note).encode("utf-8"))
        typer.echo(f"wrote {html}", err=True)
    if as_json:
        print_json({"note": note, "claims": [entry.to_json() for entry in entries]})
        return
    from research.report.claims import print_claims

    print_claims(entries, note)
