"""The terminal itself: its width, its colours, its prose, its tables, and the three lines that end every answer."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from research.report.fitted import Row, broken, coloured, fitted

if TYPE_CHECKING:
    from research.report.columns import Column

WIDTH = 120
"""Columns of a table that is not printed to a terminal."""


def plain_console() -> Console:
    """A console as wide as the terminal, or as ``COLUMNS`` says; under ``NO_COLOR`` nothing but text."""
    console = Console(highlight=False, color_system=None if os.environ.get("NO_COLOR") else "auto")
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 0:
        console.width = int(columns)
    elif not console.is_terminal:
        console.width = WIDTH
    return console


def say(console: Console, text: str | Text, style: str = "") -> None:
    """One paragraph, broken between words where the width is somebody's; a pipe gets one line."""
    paragraph = Text(text, style=style) if isinstance(text, str) else text
    for line in [paragraph] if _is_pipe(console) else broken(paragraph, console.width):
        _put(console, line)


def said(label: str, text: str) -> Text:
    """A paragraph with what it is about before it; a verdict's word at its beginning in its colour."""
    return Text.assemble((f"{label}: ", "bold"), coloured(text))


def print_table(console: Console, title: str, headings: Sequence[str], aligns: str, rows: Iterable[Row]) -> None:
    """One table, as wide as the terminal allows (``fitted``)."""
    for line in fitted(title, headings, aligns, list(rows), console.width):
        _put(console, line)


def print_rows(console: Console, title: str, named: Sequence[tuple[str, object]], columns: Sequence[Column]) -> None:
    """One table of rows in these columns, each under its name."""
    headings, aligns = [column.heading for column in columns], "".join(column.align for column in columns)
    print_table(console, title, headings, aligns, [(name, [c.cell(row) for c in columns]) for name, row in named])


def print_ending(console: Console, short: str, why: str, command: Sequence[str]) -> None:
    """The answer, its reason, and a command that can be typed, one line each."""
    console.print()
    say(console, said("In short", short))
    say(console, said("Why", why))
    words = (shlex.quote(word).replace(" ", "\u00a0") for word in ("assay", *command))  # no break in quotes
    typed = said("Next", " ".join(words))
    lines = [typed] if _is_pipe(console) else broken(typed, console.width - 2)
    for at, line in enumerate(lines, 1):
        line.plain = line.plain.replace("\u00a0", " ")
        _put(console, line if at == len(lines) else line + " \\")  # as a shell goes on in the next line


def _is_pipe(console: Console) -> bool:
    return not console.is_terminal and "COLUMNS" not in os.environ


def _put(console: Console, line: Text) -> None:
    console.print(line, no_wrap=True, overflow="ignore", crop=False, soft_wrap=True)
