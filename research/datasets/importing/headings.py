"""Where in a sheet the table is: its heading, of one line or of several, what stands above and below, dates across."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from research.datasets.importing.dates import looks_like_date, looks_like_year
from research.datasets.importing.numerals import MISSING
from research.errors import ValidationError

Row = tuple[object, ...]
Numbered = list[tuple[Row, int]]
"""Rows with the line that each stands on."""

_ENOUGH = 3
_LONGEST_HEADING = 4


def find_table(rows: Numbered, heading_row: int | None, *, even: bool) -> tuple[tuple[str, ...], Numbered, str]:
    """Heading, rows below it, and words about what was left out or turned.

    Parameters
    ----------
    rows
        Rows that are not empty, with their lines.
    heading_row
        Line of the heading, where the user says it.
    even
        Every row must have as many cells as the heading, as in a CSV.

    Raises
    ------
    ValidationError
        If there is no heading, or it names two columns alike.
    """
    start = min((at for row, _ in rows for at, cell in enumerate(row) if not _empty(cell)), default=0)  # often column B
    width = max((len(row) for row, _ in rows), default=0)
    rows = [((*row, *[None] * (width - len(row)))[start:], line) for row, line in rows]  # None: no cell at all
    cells = [row for row, _ in rows]
    first = first_data_row(cells)
    if heading_row is None and first is None and (turned := _dates_across(rows)):
        return turned
    top = _line(rows, heading_row) if heading_row is not None else _heading(rows, first)
    below = top + 1
    while first is not None and top < below <= first and below < first and not _has_data(cells[below]):
        below += 1
    header = _names(cells, top, below, alone=heading_row is not None)
    if twice := sorted({column for column in header if header.count(column) > 1 and column}):
        cure = "rename one, or pass --heading-row N"
        raise ValidationError(f"line {rows[top][1]}: two columns are called {twice[0]!r}; {cure}")
    data, notes = _without_footnotes(rows[below:])
    left_out = [f"{top} lines above the heading left out"] if top else []
    left_out += [f"{notes} lines of text below the table left out"] if notes else []
    return header, _fitted(data, header, even), "".join(f", {words}" for words in left_out)


def first_data_row(rows: Sequence[Row]) -> int | None:
    """Where the first run of three rows with a date and a number begins; without one, the longest run."""
    best, length, start = None, 0, None
    for at, row in enumerate([*rows, ()]):
        if _is_data_row(row):
            start = at if start is None else start
            continue
        if start is not None and at - start > length:
            best, length = start, at - start
            if length >= _ENOUGH:
                return best
        start = None
    return best


def filled(row: Sequence[object]) -> int:
    """Number of cells that are not empty."""
    return sum(not _empty(cell) for cell in row)


def _heading(rows: Numbered, first: int | None) -> int:
    if first is None:
        at = next((at for at, (row, _) in enumerate(rows) if _could_be_heading(row)), None)
        if at is None:
            raise ValidationError("no row has both a date and a value")
        if _has_data(rows[at][0]):
            raise ValidationError(_no_heading(rows[at][1]))
        return at
    above = [at for at in range(first) if not _has_data(rows[at][0]) and _could_be_heading(rows[at][0])]
    if not above:
        raise ValidationError(_no_heading(rows[0][1] if _has_data(rows[0][0]) else rows[first][1]))
    top = above[-1]
    width = max((at + 1 for at, cell in enumerate(rows[first][0]) if not _empty(cell)), default=2)
    for at in reversed(above[:-1]):
        if top - at != 1 or above[-1] - at >= _LONGEST_HEADING or not _lacks_names(rows[top : above[-1] + 1], width):
            break
        top = at
    return top


def _could_be_heading(row: Row) -> bool:
    """Two names; or one of them over a column (a unit, a merged cell), or over the dates alone, as yfinance has it."""
    return filled(row) >= 2 or (filled(row) == 1 and (_empty(row[0]) or str(row[0]).lower() == "date"))


def _lacks_names(block: Numbered, width: int) -> bool:
    """Whether the heading so far leaves a column without a name, or two with one."""
    names = [_joined([row for row, _ in block], column) for column in range(width)]
    others = names[1:]
    return not all(others) or len(set(others)) < len(others) or (_empty(block[0][0][0]) and not names[0])


def _names(cells: Sequence[Row], top: int, below: int, *, alone: bool) -> tuple[str, ...]:
    block = [_spread(row) if below - top > 1 else row for row in cells[top:below]]
    width = max((at + 1 for row in block for at, cell in enumerate(row) if not _empty(cell)), default=1)
    if len(block) > 1:  # a line that says the same of every column tells nothing apart
        telling = [row for row in block if len({cell for cell in row[1:] if not _empty(cell)}) > 1]
        if telling and len({_joined(telling, at) for at in range(1, width)}) == width - 1:
            block = [row for row in block if row in telling or not filled(row[1:])]
    lowest = next((str(row[0]).strip() for row in reversed(block) if not _empty(row[0])), "")
    names = [lowest.strip("<> ") or "date", *(_joined(block, column) for column in range(1, width))]
    return tuple(column or f"column {at + 1}" for at, column in enumerate(names)) if alone else tuple(names)


def _joined(block: Sequence[Row], column: int) -> str:
    words = [str(row[column]).strip().strip("<>").strip() for row in block if not _empty(row[column])]
    return " ".join(dict.fromkeys(words))


def _spread(row: Row) -> Row:
    """Merged cells hold their text in the first one only."""
    if not filled(row[1:]) or "" not in row[1:]:
        return row
    result, last = [row[0]], None
    for cell in row[1:]:
        last = cell if not _empty(cell) else last
        result.append(last if cell is not None else None)
    return tuple(result)


def _fitted(data: Numbered, header: tuple[str, ...], even: bool) -> Numbered:
    for row, number in data if even else []:
        given = sum(cell is not None for cell in row)
        while given > len(header) and row[given - 1] == "":
            given -= 1
        if given != len(header):
            raise ValidationError(
                f"line {number} has {given} cells, the heading has {len(header)}; quote cells that contain "
                "the delimiter (a decimal comma?), or name the heading's line with --heading-row N"
            )
    if not data:
        raise ValidationError("a heading but no rows")
    return [(row[: len(header)], number) for row, number in data]


def _without_footnotes(rows: Numbered) -> tuple[Numbered, int]:
    end = len(rows)
    while end and filled(rows[end - 1][0]) == 1 and re.search(r"[^\W\d_]{3}", str(rows[end - 1][0][0])):
        if _has_data(rows[end - 1][0]) or looks_like_date(rows[end - 1][0][0]):
            break
        end -= 1
    return rows[:end], len(rows) - end


def _dates_across(rows: Numbered) -> tuple[tuple[str, ...], Numbered, str] | None:
    """A sheet with one date a column, turned; None when it is not one."""
    for at, (row, line) in enumerate(rows[:-1]):
        columns = [column for column, cell in enumerate(row) if column and looks_like_date(cell)]
        if len(columns) < _ENOUGH:
            columns = [column for column, cell in enumerate(row) if column and looks_like_year(cell)]
        if len(columns) < _ENOUGH or len(columns) < 0.6 * filled(row[1:]):
            continue
        series = [(below, number) for below, number in rows[at + 1 :] if any(_is_number(below[c]) for c in columns)]
        if not series:
            continue
        labels: list[str] = []
        for below, number in series:
            words = [str(cell).strip() for cell in below[: columns[0]] if not _empty(cell)]
            label = " ".join(words) or f"row {number}"
            labels.append(label if label not in labels else f"{label} (row {number})")
        turned = [((row[c], *[below[c] for below, _ in series]), c + 1) for c in columns]
        return ("date", *labels), turned, f", dates across in line {line}: turned, so that lines below are columns"
    return None


def _line(rows: Numbered, wanted: int) -> int:
    at = next((at for at, (_, line) in enumerate(rows) if line == wanted), None)
    if at is None:
        raise ValidationError(f"--heading-row {wanted}: there is nothing in that line; count from 1")
    return at


def _no_heading(line: int) -> str:
    cure = "add a heading such as date,value above it, or name its line with --heading-row N"
    return f"line {line} holds data already; {cure}"


def _is_data_row(row: Row) -> bool:
    dated = [column for column, cell in enumerate(row) if looks_like_date(cell)]
    return any(_is_number(cell) for column, cell in enumerate(row) if dated and column != dated[0])


def _is_number(cell: object) -> bool:
    if isinstance(cell, str):
        text = cell.strip().lower()
        if looks_like_date(text) and not text.isdigit():
            return False
        return (bool(text) and text in MISSING) or (
            any(sign.isdigit() for sign in text) and not re.search(r"[a-df-z]{2}", text)
        )
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _has_data(row: Row) -> bool:
    return any(_is_data(cell) for cell in row)


def _is_data(cell: object) -> bool:
    """Whether a cell is a number or a date, as headings are not (but a year may be one)."""
    if isinstance(cell, str):
        bare = re.sub(r"[-+.,%()/:T\s]", "", cell)
        return (bare.isdigit() and len(cell) != 4) or looks_like_date(cell)
    return isinstance(cell, int | float | date) and not isinstance(cell, bool)


def _empty(cell: object) -> bool:
    return cell is None or cell == ""
