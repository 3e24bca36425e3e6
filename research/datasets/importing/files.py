"""From a file to a table: rows of cells, each with its line; damage is an error, whatever a reader does.

And where in them the table is: its heading, of one line or of several, what stands above and below, dates across.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from datetime import date
from itertools import groupby, islice
from pathlib import Path

import pandas as pd

from research.datasets.importing.cells import MISSING, Sheet, looks_like_date, looks_like_year
from research.errors import ValidationError, located, need

OLE2, ZIP = b"\xd0\xcf\x11\xe0", b"PK\x03\x04"

_ERROR = re.compile(rb'<c r="([A-Z]+\d+)"[^>]*? t="e"[^>]*>(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)?<v>(#[^<]+)</v>')
_FREE = 0xFFFFFFFF
_HEADER = 512

LARGEST = 256 * 2**20
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}

Row = tuple[object, ...]
# Rows with the line that each stands on.
Numbered = list[tuple[Row, int]]

_ENOUGH = 3
_LONGEST_HEADING = 4


def read_sheet(path: Path, *, sheet: str | None = None, heading_row: int | None = None) -> Sheet:
    """Read CSV (also .gz), Excel (.xls, .xlsx, .xlsm, .xlsb, .ods) or Parquet by what the bytes are.

    ``heading_row`` is the line of the heading, where it is not found by itself.

    Raises
    ------
    ValidationError
        If it is none of these, or not a table.
    """
    content = _read_bytes(path)
    with located(path.name):
        if not content.strip():
            raise ValidationError("the file is empty")
        if content[:2] == b"\x1f\x8b":
            try:
                content = gunzip(content, LARGEST)
            except ValueError as error:
                raise ValidationError(f"the gzip file is {error}; obtain it again") from None
            _refuse_too_big(len(content), "unpacks to over")
        if content[:4] == b"PAR1":
            return sheet_of(_parquet(content), path.name, "Parquet")
        csv_file = content[:4] not in (OLE2, ZIP)
        rows, words = _csv(content) if csv_file else _excel(content, sheet)
        kept = [(row, line) for row, line in rows if filled(row) and not str(row[0]).startswith("#")]
        header, data, left_out = find_table(kept, heading_row, even=csv_file)
    return Sheet(
        file=path.name,
        header=header,
        rows=tuple(row for row, _ in data),
        lines=tuple(line for _, line in data),
        words=words + left_out,
        points_may_group="semicolons" in words,
    )


def _read_bytes(path: Path) -> bytes:
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            what = (
                "a folder; name a file" if path.is_dir() else "a pipe or a device, not a file; save it to a file first"
            )
            raise ValidationError(f"{path}: {what}")
        with located(path.name):
            _refuse_too_big(about.st_size, "over")
        return path.read_bytes()
    except OSError as error:
        raise ValidationError(f"{path}: {error.strerror}; check the name") from None


def _refuse_too_big(size: int, words: str) -> None:
    if size > LARGEST:
        raise ValidationError(f"{words} {LARGEST // 2**20} MB; cut it to the columns that matter")


def gunzip(content: bytes, most: int) -> bytes:
    """What a gzip file holds, to ``most`` bytes and one more.

    Raises
    ------
    ValueError
        If it is damaged or cut short.
    """
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            return stream.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"damaged or cut short ({error})") from None


def _csv(content: bytes) -> tuple[Numbered, str]:
    head = content.lstrip()[:15].lower()
    if head.startswith((b"<!doctype html", b"<html", b"<table", b"<?xml")):
        raise ValidationError("a web page or XML, not a table; save the data itself, as CSV or Excel")
    if head.startswith((b"{", b"[")):
        raise ValidationError("JSON, not a table; save it as CSV")
    text, encoding = _decode(content)
    rows: Numbered = []
    try:
        delimiter = _delimiter(text)
        lines = io.StringIO(text, newline="")
        reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=delimiter == " ")
        for row in reader:
            rows.append((tuple(cell.strip() for cell in row), reader.line_num))
    except csv.Error as error:
        line, told = rows[-1][1] + 1 if rows else 1, "check its quotes, or save it as plain CSV"
        raise ValidationError(f"line {line}: not a table ({error}); {told}") from None
    ending = "" if text.endswith(("\n", "\r")) else ", no line end after the last row: see that it is whole"
    return rows, f"CSV, {encoding}, split at {_DELIMITERS[delimiter]}{ending}"


def _decode(content: bytes) -> tuple[str, str]:
    candidates = ["utf-16"] if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "cp1252"]
    if b"\x00" in content and candidates[0] != "utf-16":
        raise ValidationError("binary, and neither Excel nor Parquet; save it as CSV")
    for encoding in candidates:
        try:
            return content.decode(encoding), "UTF-8" if encoding == "utf-8-sig" else encoding
        except UnicodeDecodeError:
            continue
    raise ValidationError(f"not readable as {' or '.join(candidates)}; save it as UTF-8")


def _delimiter(text: str) -> str:
    """The delimiter that splits most of the first lines, into the same number of cells each."""
    head = [line for line in text.splitlines()[:60] if line.strip() and not line.startswith("#")][:40]

    def agreeing(delimiter: str) -> int:
        widths = [len(row) for row in csv.reader(head, delimiter=delimiter, skipinitialspace=delimiter == " ")]
        typical = max(set(widths), key=widths.count, default=0)
        return widths.count(typical) if typical > 1 else 0

    best = max(",;\t|", key=agreeing)
    best = best if agreeing(best) else " "
    if not agreeing(best):
        raise ValidationError("only one column; it needs a date and a value, split by , ; tab or |")
    return best


def _excel(content: bytes, wanted: str | None) -> tuple[Numbered, str]:
    try:
        found = sheets(content, skip_empty_area=False)
    except ValueError as error:
        raise ValidationError(f"not readable as a workbook ({error}); save it as CSV") from None
    if wanted is not None and wanted not in found:
        raise ValidationError(f"no sheet {wanted!r}; it has {', '.join(found)}")
    found = {wanted: found[wanted]} if wanted is not None else found
    tables = {name: rows for name, rows in found.items() if sum(filled(row) >= 2 for row in rows) >= 2}
    if not tables:
        raise ValidationError("no sheet holds a table")
    if len(tables) > 1:
        raise ValidationError(f"several sheets hold tables ({', '.join(tables)}); pass --sheet NAME")
    name, rows = next(iter(tables.items()))
    stripped = [tuple(cell.strip() if isinstance(cell, str) else cell for cell in row) for row in rows]
    failed = _failed_formulas(content)
    broken = f", {len(failed)} formulas that failed ({', '.join(failed[:3])}) count as no value" if failed else ""
    return [(row, line) for line, row in enumerate(stripped, 1)], f"Excel, sheet {name!r}{broken}"


def _parquet(content: bytes) -> pd.DataFrame:
    try:
        return pd.read_parquet(io.BytesIO(content))
    except (OSError, ValueError) as error:
        words = " ".join(str(error).split())[:100]
        raise ValidationError(f"not readable as Parquet ({words}); obtain it again") from None


def sheet_of(table: pd.DataFrame, file: str, words: str) -> Sheet:
    """A table of pandas as rows of cells; an index that is more than a number without a name is the first column.

    Raises
    ------
    ValidationError
        If it has no rows.
    """
    if isinstance(table.index, pd.PeriodIndex):
        table = table.set_index(table.index.to_timestamp(how="end").normalize())
    if table.index.name or not pd.api.types.is_integer_dtype(table.index):
        table = table.rename_axis(str(table.index.name or "date")).reset_index()
    rows = tuple(tuple(None if cell is pd.NaT else cell for cell in row) for row in table.itertuples(index=False))
    if not rows:
        raise ValidationError("no rows")
    header = tuple(map(str, table.columns))
    return Sheet(file=file, header=header, rows=rows, lines=tuple(range(1, len(rows) + 1)), words=words)


def sheets(content: bytes, *, skip_empty_area: bool = True) -> dict[str, list[list[object]]]:
    """Rows of every sheet by its name; cells as Python values.

    Raises
    ------
    ValueError
        If it is no workbook, or a damaged one.
    """
    calamine = need("python_calamine")
    if content[:4] == OLE2 and len(content) < _declared_size(content):
        raise ValueError("the file is cut short")
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        return {
            name: book.get_sheet_by_name(name).to_python(skip_empty_area=skip_empty_area) for name in book.sheet_names
        }
    except (calamine.CalamineError, OSError) as error:
        raise ValueError(str(error)) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what the reader, which is no Python, does on some damage
            raise
        raise ValueError("damaged") from None


def _failed_formulas(content: bytes) -> list[str]:
    """Cells of an .xlsx that hold an error (but for ``#N/A``), as ``C5 #REF!``: the reader calls them empty."""
    if content[:4] != ZIP:
        return []
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        parts = [book.read(name) for name in book.namelist() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)]
    found = [(cell.decode(), error.decode()) for part in parts for cell, error in _ERROR.findall(part)]
    return [f"{cell} {error}" for cell, error in found if error != "#N/A"]


def _declared_size(content: bytes) -> int:
    """Bytes that an OLE2 file must have, by the last sector that its allocation table uses (MS-CFB 2.2, 2.3)."""
    try:
        (shift,) = struct.unpack_from("<H", content, 30)
        (count,) = struct.unpack_from("<I", content, 44)
        size, last = int(1 << shift), 0
        tables = struct.unpack_from("<109I", content, 76)[: min(count, 109)]
        for at, sector in enumerate(tables):
            entries = struct.unpack_from(f"<{size // 4}I", content, _HEADER + sector * size)
            used = max((number for number, entry in enumerate(entries) if entry != _FREE), default=-1)
            last = max(last, at * (size // 4) + used)
    except struct.error:
        return len(content) + 1
    return _HEADER + (last + 1) * size


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
    """Where the first run of three rows with a date and a number begins; without one, a run of two, or of one."""
    best: list[int] = []
    for data, run in groupby(range(len(rows)), key=lambda at: _is_data_row(rows[at])):
        places = list(islice(run, _ENOUGH))
        if data and len(places) > len(best):
            best = places
        if len(best) == _ENOUGH:
            break
    return best[0] if best else None


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
    width = _width([rows[first][0]])
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
    width = _width(block)
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


def _width(rows: Sequence[Row]) -> int:
    """Number of columns to the last cell that is not empty."""
    return max((at + 1 for row in rows for at, cell in enumerate(row) if not _empty(cell)), default=1)


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
