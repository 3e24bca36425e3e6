"""``assay data sources`` and ``assay data archive``; and what claims the data at hand allow to test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from research.cli.options import Json, Packs, takes_groups, thesis_in_force
from research.cli.output import conclude, print_json, print_lines
from research.errors import IntegrityError

if TYPE_CHECKING:
    from research.datasets.data import Data
    from research.sources.archive import ArchiveReport


@takes_groups
def sources(asked: Packs) -> None:
    """Everything that can be fetched: provider, span, terms, whether it is here and how old, the claims it opens."""
    rows = source_rows(asked.open())
    if asked.as_json:
        print_json(rows)
        return
    lines = []
    for row in rows:
        serves = [claim for claim in row["claims"] if claim not in row["opens"]]
        words = [f"opens {', '.join(row['opens'])}"] if row["opens"] else []
        words += [f"serves {', '.join(serves)}"] if serves else []
        lines += [f"{row['id']}: {row['title']}", f"    {row['publisher']}, {row['history']}; {row['allows']}"]
        lines.append("; ".join([f"    {row['state']}", *words]))
    print_lines(lines, asked)
    opening = [row for row in rows if row["opens"] and not row["here"]]
    short = f"{len(rows)} datasets can be had, {sum(row['here'] for row in rows)} of them are here."
    why = f"{len(opening)} of the others open claims that no data here can test."
    conclude(short, why, "data", "fetch", *(row["id"] for row in opening[:1]), source=asked)


def source_rows(available: Data) -> list[dict[str, Any]]:
    """One row a dataset of the catalogue, as plain values."""
    import pandas as pd

    from research.datasets.staleness import staleness
    from research.sources import entries
    from research.sources.fetching import needed_package

    now, used, open_already = pd.Timestamp.now("UTC"), claims_by_dataset(available), claims_at_hand(available)
    rows = []
    for identity, one in entries().items():
        first = last = None
        late = 0
        if identity in available:
            first, last, _ = available.coverage(identity)
            late = staleness(available[identity], last, now).overdue.days
        package = needed_package(one)
        how = f"assay data add FILE --as {identity}" if one.by_hand else f"assay data fetch {identity}"
        state = f"not here: {f'{package}, then ' if package else ''}{how}"
        if last is not None:
            state = f"here, {first:%Y-%m-%d} to {last:%Y-%m-%d}" + (f", newer for {late} days: {how}" if late else "")
        rows.append(
            {
                "id": identity,
                "title": one.fields["title"],
                "unit": one.unit,
                "frequency": one.frequency,
                "publisher": one.fields["publisher"],
                "history": one.fields["history"],
                "licence": one.fields["licence"],
                "allows": one.fields["allows"],
                "here": last is not None,
                "first": None if first is None else f"{first:%Y-%m-%d}",
                "last": None if last is None else f"{last:%Y-%m-%d}",
                "overdue_days": late,
                "state": state,
                "claims": used.get(identity, []),
                "opens": [claim for claim in used.get(identity, []) if claim not in open_already],
            }
        )
    return rows


def claims_by_dataset(available: Data) -> dict[str, list[str]]:
    """For each dataset the claims that a strategy tests with it."""
    found: dict[str, dict[str, None]] = {}
    for numbers, ids in _tests(available):
        for identity in ids:
            found.setdefault(identity, {}).update(dict.fromkeys(numbers))
    return {identity: sorted(claims, key=_by_number) for identity, claims in found.items()}


def claims_at_hand(available: Data) -> set[str]:
    """The claims of which at least one strategy has all its data here."""
    return {claim for numbers, ids in _tests(available) if all(i in available for i in ids) for claim in numbers}


def opened(before: set[str], available: Data) -> str:
    """What can be tested now that could not before, in one line; empty when nothing was opened."""
    more = sorted(claims_at_hand(available) - before, key=_by_number)
    if not more:
        return ""
    many = "1 more claim" if len(more) == 1 else f"{len(more)} more claims"
    return f"{many} can be tested: {', '.join(more)}; type: assay compare"


def archive(
    verify: Annotated[bool, typer.Option("--verify", help="Check every day; exit 2 when one is off.")] = False,
    merge: Annotated[Path | None, typer.Option(metavar="DIR", help="Take over what another archive has more.")] = None,
    as_json: Json = False,
) -> None:
    """Keep what shows its latest day only; for cron, e.g. 30 22 * * 1-5, and silent when all is well."""
    from research.sources.archive import archive as run
    from research.sources.archive import archive_folder, merge_archives, verify_archive

    if verify:
        problems = verify_archive(archive_folder())
        if as_json:
            print_json({"folder": str(archive_folder()), "problems": problems})
        if problems:
            for problem in [] if as_json else problems[1:]:
                typer.echo(problem, err=True)
            raise IntegrityError(problems[0])
        if not as_json:
            conclude("every day is as it was kept.", f"the hashes in {archive_folder()} match.", "data", "archive")
        return
    report = run() if merge is None else merge_archives(merge)
    _tell(report, as_json=as_json, quiet=merge is None)
    raise typer.Exit(report.exit_code)


def _tell(report: ArchiveReport, *, as_json: bool, quiet: bool) -> None:
    import sys

    if as_json:
        print_json(report.to_json())
        return
    for line in report.failed:
        typer.echo(line, err=True)
    if not quiet or report.failed or sys.stdout.isatty():
        why = f"{report.failed[0]}." if report.failed else "all that is shown for one day only is kept."
        conclude(report.summary, why, "data", "archive", "--verify")


def _tests(available: Data) -> list[tuple[tuple[str, ...], list[str]]]:
    """Of each strategy of the thesis on each of its metals the claims that it speaks to, and the datasets it needs."""
    thesis = thesis_in_force()
    return [
        (thesis.claims_of(item), list(item.inputs_for(metal, available).values()))
        for item in thesis.of_kind("thesis")
        for metal in item.metals
    ]


def _by_number(claim: str) -> tuple[int, str]:
    digits = "".join(sign for sign in claim if sign.isdigit())
    return int(digits or 0), claim
