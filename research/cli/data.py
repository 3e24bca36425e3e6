"""``assay data``: what there is, whether it is whole, and how more comes in."""

from __future__ import annotations

import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import click

from research.cli.command import Commands
from research.cli.options import TYPED, Packs, Plain, Reading
from research.cli.output import answer, print_json, print_lines
from research.cli.sources import claims_at_hand, opened, to_fetch
from research.errors import IntegrityError, RegistryError, reason

if TYPE_CHECKING:
    from research.sources.fetching import Outcome


def listing(*, asked: Packs) -> None:
    """Datasets: coverage, age, source, licence, release rule."""
    if click.get_current_context().invoked_subcommand is not None:
        return
    from research.kept import kept_list
    from research.report.datasets import as_of, dataset_rows
    from research.report.study_words import a_few
    from research.report.terminal import print_datasets

    rows = as_of(kept_list("data", asked.folders, lambda: dataset_rows(asked.open())))
    late = [row["id"] for row in rows if row["overdue_days"]]
    why = f"newer releases are out of {a_few(late)}." if late else "no newer release is out."
    following = to_fetch(late) or ["data", "verify"]
    answer(asked, lambda: rows, partial(print_datasets, rows), f"{len(rows)} datasets.", why, *following)


def fetch(
    ids: Annotated[list[str] | None, click.Argument] = None,
    accept: list[str] | None = None,
    anew: list[str] | None = None,
    *,
    asked: Plain,
) -> None:
    """Live data into the user's pack; exit 0 when all came, 3 when some did, 4 when none did.

    Parameters
    ----------
    ids : [ID]...
        Default: all that can be fetched.
    accept : ID
        Believe values that look implausible; repeatable.
    anew : ID
        Start again, dropping the vintages kept; repeatable.
    """
    from research.report.progress import Progress
    from research.sources import fetch as run

    own = Packs()
    before = claims_at_hand(own.open())
    with Progress(quiet=asked.as_json) as progress:

        def tell(done: int, total: int, identity: str, outcome: Outcome | None) -> None:
            if outcome is None:
                progress(done, total, identity)
            elif not asked.as_json:
                progress.say(outcome.line)

        report = run(ids or None, accept=accept or (), anew=anew or (), progress=tell)
    news = opened(before, own.open()) if any(one.added for one in report.outcomes) else ""
    failed = [one for one in report.outcomes if one.status == "failed"]
    short = f"{len(report.outcomes) - len(failed)} of {len(report.outcomes)} datasets came."
    why = f"{failed[0].line}." if failed else f"{sum(one.added for one in report.outcomes)} values are new."
    following = ["data", "sources"] if failed else ["compare"]
    lines = [report.summary, news] if news else [report.summary]
    answer(asked, lambda: report.to_json() | {"opened": news}, lines, short, why, *following, status=report.exit_code)


def add(
    file: Annotated[Path, click.Argument],
    identity: Annotated[str, "--as"],
    *,
    unit: str | None = None,
    title: str | None = None,
    frequency: str | None = None,
    release: str | None = None,
    describe: Path | None = None,
    keep: Literal["first", "last"] | None = None,
    accept: bool = False,
    dry_run: bool = False,
    yes: bool = False,
    reading: Reading,
    asked: Plain,
) -> None:
    """A user's own file into the user's pack, after a look at what was understood.

    Parameters
    ----------
    file : FILE
        CSV, Excel or Parquet.
    identity : ID
        Dataset that the file holds.
    unit : UNIT
        Of the file: oz, kg, g, t, …; converted. Of an ID of your own.
    title : TEXT
        Of an ID of your own: what it is.
    frequency : day|week|month|quarter|year
        Of an ID of your own.
    release : RULE
        Of an ID of your own: when known, 'lag 1 day 18:00 UTC'.
    describe : FILE.toml
        Descriptions of IDs of your own, a table each.
    keep
        Of several rows for one period.
    accept
        Believe values that look implausible.
    dry_run
        Show what is understood, keep nothing.
    yes
        Keep it without asking.
    """
    from research.datasets.importing import ImportOptions
    from research.sources import add as run

    options = ImportOptions(**asdict(reading), unit=unit, keep=keep, accept=accept)
    said = {"title": title, "unit": unit, "frequency": frequency, "release": release}
    about = _described(describe, identity) | {name: text for name, text in said.items() if text is not None}
    shown = not (yes or asked.as_json or dry_run) and sys.stdin.isatty()
    if shown:
        print_lines(run(file, identity, options, describe=about, dry_run=True).preview)
        if not click.confirm("keep it?"):
            raise click.exceptions.Exit(1)
    report = run(file, identity, options, describe=about, dry_run=dry_run)
    lines = [*(() if shown else report.preview), report.line]
    short = f"{report.added} values are new, {report.revised} revised." if report.kept else "nothing is kept."
    again = ["data", "verify"] if report.kept else [word for word in TYPED.get() if word != "--dry-run"]
    why = report.preview[0] if report.preview else report.line
    answer(asked, lambda: report, lines, short, why, *again)


def verify(*, asked: Packs) -> None:
    """Every file against its hash, and each price looked over; exit 2 when a file is missing or changed."""
    available = asked.open()
    from research.datasets.store import verify_pack
    from research.home import user_pack_folder

    problems = list(dict.fromkeys([*available.verify(), *verify_pack(user_pack_folder())]))
    n_files = sum(len(pack.files) for pack in available.packs)
    doubts = [] if problems else [found.line for found in available.prices_looked_over() if found.line]
    document = {"files": n_files, "problems": problems, "prices": doubts}
    if problems:
        if asked.as_json:
            print_json(document)
        raise IntegrityError(problems[0] + (f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""))
    lines = [f"{n_files} files in {len(available.packs)} packs match their SHA-256", *doubts]
    why = f"{len(doubts)} of the prices look doubtful; " if doubts else ""
    answer(asked, lambda: document, lines, "the data are whole.", f"{why}each file has its pinned hash.", "compare")


def _described(file: Path | None, identity: str) -> dict[str, object]:
    """The table of one id in a file of descriptions."""
    if file is None:
        return {}
    import tomllib

    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise RegistryError(
            f"{file}: {reason(error)}; write [{identity}] and its title, unit, frequency, release"
        ) from None
    if not isinstance(tables.get(identity), dict):
        raise RegistryError(f"{file}: no table [{identity}]; it has {', '.join(tables) or 'none'}")
    return dict(tables[identity])


data = Commands(
    "data",
    listing,
    {"fetch": "data", "add": "data", "verify": "data", "sources": "sources", "archive": "sources"},
)
