"""``assay data sources`` and ``assay data archive``; and what claims the data at hand allow to test."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from research.cli.options import Packs, Plain, kept_with_thesis, thesis_in_force
from research.cli.output import answer, print_json
from research.errors import IntegrityError

if TYPE_CHECKING:
    from research.datasets.data import Data
    from research.report.datasets import Row


def sources(*, asked: Packs) -> None:
    """Everything that can be fetched: provider, span, terms, whether it is here and how old, the claims it opens."""
    rows = _as_of(kept_with_thesis("sources", asked, lambda: source_rows(asked.open())))
    lines = []
    for row in rows:
        serves = [claim for claim in row["claims"] if claim not in row["opens"]]
        words = [f"opens {', '.join(row['opens'])}"] if row["opens"] else []
        words += [f"serves {', '.join(serves)}"] if serves else []
        lines += [f"{row['id']}: {row['title']}", f"    {row['publisher']}, {row['history']}; {row['allows']}"]
        lines.append("; ".join([f"    {row['state']}", *words]))
    opening = [row for row in rows if row["opens"] and not row["here"]]
    short = f"{len(rows)} datasets can be had, {sum(row['here'] for row in rows)} of them are here."
    opens = f"{len(opening)} of the others open claims that no data here can test."
    why = opens if opening else "every claim that one of the others could open has data here already."
    first = next(iter(opening or [row for row in rows if not row["here"]] or rows))
    answer(asked, lambda: rows, lines, short, why, "data", "fetch", first["id"])


def source_rows(available: Data) -> list[Row]:
    """One row a dataset of the catalogue; how late it is, is told when it is shown."""
    from research.report.datasets import covered
    from research.sources import entries
    from research.sources.fetching import needed_package

    tested, open_already = _tests(available), claims_at_hand(available)
    rows = []
    for identity, one in entries().items():
        claims = sorted({claim for numbers, ids in tested if identity in ids for claim in numbers}, key=_by_number)
        how = f"assay data add FILE --as {identity}" if one.by_hand else f"assay data fetch {identity}"
        package = needed_package(one)
        row: Row = {"id": identity, "unit": one.unit, "frequency": one.frequency}
        row |= {name: str(one.fields[name]) for name in ("title", "publisher", "history", "licence", "allows")}
        row |= {"here": identity in available, "state": f"{package}, then {how}" if package else how}
        row |= {"claims": claims, "opens": [claim for claim in claims if claim not in open_already]}
        row |= dict.fromkeys(("first", "last", "rows", "next_due"))
        rows.append(row | covered(available, identity) if row["here"] else row)
    return rows


def _as_of(rows: list[Row]) -> list[Row]:
    """The rows as late as they are now, with the command that brings each in a sentence about its state."""
    from research.report.datasets import as_of

    told = as_of(rows)
    for row in told:
        late, how = row["overdue_days"], row["state"]
        newer = f", newer for {late} days: {how}" if late else ""
        row["state"] = f"here, {row['first']} to {row['last']}{newer}" if row["here"] else f"not here: {how}"
    return told


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


def to_fetch(ids: Iterable[str]) -> list[str]:
    """The command that brings what can be fetched of these datasets; empty where nothing can."""
    from research.home import fetchable

    found = [identity for identity in ids if identity in fetchable()]
    return ["data", "fetch", *found] if found else []


def archive(verify: bool = False, merge: Path | None = None, *, asked: Plain) -> None:
    """Keep what shows its latest day only; for cron, e.g. 30 22 * * 1-5, and silent when all is well.

    Parameters
    ----------
    verify
        Check every day; exit 2 when one is off.
    merge : DIR
        Take over what another archive has more.
    """
    from research.sources.archive import archive as run
    from research.sources.archive import archive_folder, merge_archives, verify_archive

    if verify:
        folder, problems = archive_folder(), verify_archive(archive_folder())
        if not problems:
            short, why = "every day is as it was kept.", f"the hashes in {folder} match."
            answer(asked, lambda: {"folder": str(folder), "problems": []}, (), short, why, "data")
            return
        if asked.as_json:
            print_json({"folder": str(folder), "problems": problems})
        else:
            click.echo("\n".join(problems[1:]), err=True, nl=len(problems) > 1)
        raise IntegrityError(problems[0])
    report = run() if merge is None else merge_archives(merge)
    for line in () if asked.as_json else report.failed:
        click.echo(line, err=True)
    if asked.as_json or merge is not None or report.failed or sys.stdout.isatty():
        why = f"{report.failed[0]}." if report.failed else "all that is shown for one day only is kept."
        answer(asked, report.to_json, (), report.summary, why, "data", "archive", "--verify")
    raise click.exceptions.Exit(report.exit_code)


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
