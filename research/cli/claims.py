"""``assay claims``: the claims of the thesis, each with its evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from research.cli.options import Judged, check_writable, takes_groups, thesis_in_force
from research.cli.output import conclude, print_json, print_lines
from research.errors import ExecutionError

FILE = "claims.html"


@takes_groups
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
    *,
    asked: Judged,
) -> None:
    """The claims of the thesis: what the sources say, which strategies test them, and their verdicts."""
    for file in (html, findings):
        check_writable(file)
    if html is not None and html == findings:
        raise ExecutionError(f"{html}: the page and the findings cannot be one file; name two")
    from research.datasets.store import write_atomically
    from research.report.claims import claims_json, claims_page, print_claims
    from research.report.findings import findings_page
    from research.report.study_words import study_short, study_why
    from research.study.beta_break import beta_break

    thesis, data = thesis_in_force(), asked.open()
    wanted = verdicts or html is not None or findings is not None
    study = asked.study(thesis.of_kind("thesis"), data, thesis) if wanted else None
    if study is not None and html is not None:
        write_atomically(html, claims_page(thesis, data, study).encode("utf-8"))
        typer.echo(f"wrote {html}", err=True)
    if study is not None and findings is not None:
        baselines = asked.study(thesis.of_kind("baseline"), data, thesis) if thesis.baselines else None
        breaks = [
            (plan, [found for metal in data.metals() if (found := beta_break(data, metal, plan.driver)) is not None])
            for plan in thesis.breaks
        ]
        write_atomically(findings, findings_page(study, baselines, breaks).encode("utf-8"))
        typer.echo(f"wrote {findings}", err=True)
    if asked.as_json:
        print_json(claims_json(thesis, data, study))
        return
    print_lines((), asked)
    if html is None and findings is None:
        print_claims(thesis, data, study)
    if study is not None:
        words = ("claims", "--html", FILE) if html is None else ("compare", "--verbose")
        conclude(study_short(study), study_why(study), *words, source=asked)
    else:
        testable = sum(claim.testable for claim in thesis.claims)
        short = f"{len(thesis.claims)} claims, {testable} of them testable in {len(thesis.sentences)} sentences."
        conclude(short, "no verdicts were asked for.", "claims", "--verdicts", source=asked)
