"""What commands print: one JSON document, or prose and tables that end in three lines."""

from __future__ import annotations

import json
from collections.abc import Iterable

import typer

from research.cli.options import Packs
from research.values import plain


def print_json(document: object) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(plain(document), indent=2, allow_nan=False))


def print_lines(lines: Iterable[str], source: Packs | None = None) -> None:
    """Paragraphs on stdout, under the config that was used."""
    from research.report.console import plain_console, say

    console = plain_console()
    for line in lines if source is None or not source.config else (source.config, *lines):
        say(console, line)


def conclude(short: str, why: str, *command: str, source: Packs | None = None) -> None:
    """The three lines that end every answer: what came out, why, and what to type next on the same data."""
    from research.report.console import plain_console, print_ending

    print_ending(plain_console(), short, why, [*command, *(source.words if source else ())])
