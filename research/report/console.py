"""The terminal itself: its width, its colours, its prose, the three lines that end every answer, and its tables.

A table fits a terminal of any width: one line a row, else two, else a line a figure; none is ever cut.
"""

from __future__ import annotations

import os
import re
import shlex
import textwrap
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from research.report.columns import Column

WIDTH = 120
"""Columns of a table that is not printed to a terminal."""
COLOURS = {
    "supported": "bold green",
    "contradicted": "bold red",
    "ruled out": "bold yellow",
    "undecidable": "bold cyan",
    "overdue by": "red",
}
_COLOURED = re.compile("|".join(COLOURS))
_BLANKS = str.maketrans("\n\t\u00a0", "   ")
_PER_CENT = re.compile(r"(?<=\d) (?=%)")
INDENT = "    "
TEXT_WIDTH = 16
"""Columns that a text needs, to be read in a table."""

Cell = str | Text
Row = tuple[str, Sequence[Cell]]
"""What heads a row, and its cells."""


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


def fitted(title: str, headings: Sequence[str], aligns: str, rows: Sequence[Row], width: int) -> list[Text]:
    """Lines of a table.

    Parameters
    ----------
    headings, aligns
        Of the cells: ``r`` right, ``l`` left, ``t`` a text, which is wrapped to what the figures leave. What heads a
        row has no heading of its own but the title.
    width
        Columns of the terminal.
    """
    lead = max((len(name) for name, _ in rows), default=0)
    sizes = _sizes(headings, aligns, rows, width - lead - 1)
    if sizes:
        return _table(title, headings, aligns, rows, sizes, lead)
    sizes = _sizes(headings, aligns, rows, width - len(INDENT))
    if sizes:
        return _table(title, headings, aligns, rows, sizes, len(INDENT) - 1, width)
    return [*(Text(line, style="bold") for line in wrapped(title, width)), *_stacked(headings, rows, width)]


def coloured(text: str) -> Text:
    """A text that begins with a verdict's word, in its colour."""
    found = _COLOURED.match(text)
    result = Text(text)
    if found:
        result.stylize(COLOURS[found[0]], 0, found.end())
    return result


def wrapped(text: str, width: int) -> list[str]:
    """Lines of a text, broken between words alone and never before a per cent sign; at least one."""
    bound = _PER_CENT.sub("\u00a0", text)
    lines = textwrap.wrap(bound, max(width, 1), break_long_words=False, break_on_hyphens=False, expand_tabs=False)
    return [line.replace("\u00a0", " ") for line in lines] or [""]


def broken(text: Text, width: int) -> list[Text]:
    """The same of a text with styles."""
    lines, at = [], 0
    plain = text.plain.translate(_BLANKS)
    for line in wrapped(text.plain, width):
        at = plain.index(line, at)
        lines.append(text[at : at + len(line)])
        at += len(line)
    return lines


def _sizes(headings: Sequence[str], aligns: str, rows: Sequence[Row], width: int) -> list[int]:
    """Width of each column, one space between; empty where they do not fit."""
    natural, least = [], []
    for i, (heading, align) in enumerate(zip(headings, aligns, strict=True)):
        column = [str(cells[i]) for _, cells in rows]
        head = max(map(len, heading.split()), default=0)
        whole = max([head, *(len(line) for cell in column for line in cell.split("\n"))])
        word = max([head, TEXT_WIDTH, *(len(word) for cell in column for word in cell.split())])
        natural.append(whole)
        least.append(min(whole, word) if align == "t" else whole)
    spare = width - sum(least) - len(least) + 1
    if spare < 0:
        return []
    wanted = sum(natural) - sum(least)
    share = min(1.0, spare / wanted) if wanted else 0.0
    return [low + int((high - low) * share) for low, high in zip(least, natural, strict=True)]


def _table(
    title: str,
    headings: Sequence[str],
    aligns: str,
    rows: Sequence[Row],
    sizes: Sequence[int],
    lead: int,
    width: int = 0,
) -> list[Text]:
    """A line a row, or as many as its texts take; one more with a ``width``, to which what heads the row is wrapped."""
    heads = [wrapped(heading, size) for heading, size in zip(headings, sizes, strict=True)]
    depth = max(map(len, heads), default=1)
    fits = not width and len(title) <= lead
    whole = lead + sum(sizes) + len(sizes)
    lines = [] if fits else [Text(line, style="bold") for line in wrapped(title, max(width, whole))]
    for i in range(depth):
        above = [Text(([""] * (depth - len(head)) + head)[i], style="bold") for head in heads]
        lines.append(_line(Text(title if fits and i == depth - 1 else "", style="bold"), above, sizes, aligns, lead))
    lines.append(Text("─" * whole))
    for name, cells in rows:
        lines += [Text(line) for line in wrapped(name, width)] if width else []
        parts = [_parts(cell, size) for cell, size in zip(cells, sizes, strict=True)]
        for i, line in enumerate(zip_longest(*parts, fillvalue=Text())):
            lines.append(_line(Text("" if width or i else name), line, sizes, aligns, lead))
    return lines


def _parts(cell: Cell, size: int) -> list[Text]:
    if isinstance(cell, Text):
        return [cell]
    parts = (wrapped(part, size) for part in cell.split("\n"))
    return [Text(line) if at else coloured(line) for lines in parts for at, line in enumerate(lines)]


def _line(head: Text, cells: Sequence[Text], sizes: Sequence[int], aligns: str, lead: int) -> Text:
    head.pad_right(lead - len(head))
    line = head
    for cell, size, align in zip(cells, sizes, aligns, strict=True):
        gap = " " * (size - len(cell))
        line = line + Text(f" {gap if align == 'r' else ''}") + cell + Text("" if align == "r" else gap)
    line.rstrip()
    return line


def _stacked(headings: Sequence[str], rows: Sequence[Row], width: int) -> Iterable[Text]:
    for name, cells in rows:
        yield from (Text(line) for line in wrapped(name, width))
        for heading, cell in zip(headings, cells, strict=True):
            label = f"  {heading}: " if heading else "  "
            parts = _parts(cell, width - len(INDENT))
            if len(parts) > 1 or (" " in parts[0] and len(label) + len(parts[0]) > width):
                yield Text(label.rstrip())
                yield from (Text(INDENT) + part for part in parts)
            elif cell:
                yield Text(label) + parts[0]
