"""Tables for a terminal of any width: one line a row, else two, else a line a figure; none is ever cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap

from rich.text import Text

COLOURS = {"supported": "green", "contradicted": "red", "ruled out": "yellow", "undecidable": "cyan"}
INDENT = "    "

Row = tuple[str, Sequence[str]]
"""What heads a row, and its cells."""


def fitted(title: str, headings: Sequence[str], aligns: str, rows: Sequence[Row], width: int) -> list[Text]:
    """Lines of a table.

    Parameters
    ----------
    headings, aligns
        Of the cells, ``r`` or ``l`` each; what heads a row has no heading of its own but the title.
    width
        Columns of the terminal.
    """
    columns = [[cells[i] for _, cells in rows] for i in range(len(headings))]
    widths = [
        max([max(map(len, heading.split())), *map(len, column)])
        for heading, column in zip(headings, columns, strict=True)
    ]
    figures = sum(widths) + len(widths) - 1
    lead = max((len(name) for name, _ in rows), default=0)
    if lead + 1 + figures <= width:
        return _table(title, headings, aligns, rows, widths, lead)
    if len(INDENT) + figures <= width:
        return _table(title, headings, aligns, rows, widths, len(INDENT) - 1, width)
    return [Text(title, style="bold"), *_stacked(headings, rows, width)]


def coloured(text: str) -> Text:
    """A text that begins with a verdict's word, in its colour."""
    word = next((word for word in COLOURS if text.startswith(word)), "")
    result = Text(text)
    if word:
        result.stylize(f"bold {COLOURS[word]}", 0, len(word))
    return result


def _table(
    title: str,
    headings: Sequence[str],
    aligns: str,
    rows: Sequence[Row],
    widths: Sequence[int],
    lead: int,
    width: int = 0,
) -> list[Text]:
    """One line a row; two with a ``width``, to which what heads the row is wrapped."""
    wrapped = [wrap(heading, size) for heading, size in zip(headings, widths, strict=True)]
    depth = max(map(len, wrapped))
    padded = [[""] * (depth - len(lines)) + lines for lines in wrapped]
    fits = not width and len(title) <= lead
    heads = [title if fits and i == depth - 1 else "" for i in range(depth)]
    lines = [] if fits else [Text(title, style="bold")]
    lines += [
        Text.assemble((head.ljust(lead + 1), "bold"), *_cells([column[i] for column in padded], widths, aligns))
        for i, head in enumerate(heads)
    ]
    lines.append(Text("─" * (lead + 1 + sum(widths) + len(widths) - 1)))
    for name, cells in rows:
        lines += [Text(line) for line in wrap(name, width)] if width else []
        line = Text.assemble(("" if width else name).ljust(lead + 1), *_cells(cells, widths, aligns))
        line.rstrip()
        lines.append(line)
    return lines


def _cells(cells: Sequence[str], widths: Sequence[int], aligns: str) -> Iterable[Text]:
    for i, (cell, size, align) in enumerate(zip(cells, widths, aligns, strict=True)):
        gap = " " * (size - len(cell))
        yield (
            Text(f"{' ' if i else ''}{gap if align == 'r' else ''}")
            + coloured(cell)
            + Text(gap if align == "l" else "")
        )


def _stacked(headings: Sequence[str], rows: Sequence[Row], width: int) -> Iterable[Text]:
    for name, cells in rows:
        yield from (Text(line) for line in wrap(name, width))
        for heading, cell in zip(headings, cells, strict=True):
            if cell:
                yield Text.assemble(f"  {heading}: ", coloured(cell))
