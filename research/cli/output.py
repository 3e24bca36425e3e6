"""What commands print: one JSON document, or prose and tables that end in three lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from research.errors import ExecutionError, reason
from research.values import plain

if TYPE_CHECKING:
    from research.cli.options import Plain


def answer(
    asked: Plain,
    document: Callable[[], object],
    shown: Callable[[], None] | Iterable[str],
    short: str,
    why: str,
    *command: str,
    same_data: bool = True,
    status: int = 0,
) -> None:
    """One JSON document, or what is shown and three lines: what came out, why, and what to type next; then exit.

    Parameters
    ----------
    same_data
        Whether the command that comes next is to be typed with the same packs.
    status
        With which status the command ends.
    """
    if asked.as_json:
        print_json(document())
    else:
        from research.report.console import plain_console, print_ending

        print_lines(() if callable(shown) else shown, asked)
        if callable(shown):
            shown()
        print_ending(plain_console(), short, why, [*command, *(asked.words if same_data else ())])
    if status:
        raise click.exceptions.Exit(status)


def written(file: Path, write: Callable[[], object]) -> None:
    """Write what was asked for, and say on stderr what that is.

    Raises
    ------
    ExecutionError
        If it cannot be written.
    """
    try:
        click.echo(f"wrote {write() or file}", err=True)
    except OSError as error:
        where = error.filename or file
        raise ExecutionError(f"{where}: cannot be written: {reason(error)}; name another place") from None


def print_json(document: object) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(plain(document), indent=2, allow_nan=False))


def print_lines(lines: Iterable[str], source: Plain | None = None) -> None:
    """Paragraphs on stdout, under the config that was used."""
    from research.report.console import plain_console, say

    console = plain_console()
    for line in lines if source is None or not source.config else (source.config, *lines):
        say(console, line)
