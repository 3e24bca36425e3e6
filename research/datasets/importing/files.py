"""From a file to rows of cells, each with the line it stands on; damage is an error, whatever a reader does."""

from __future__ import annotations

import csv
import gzip
import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from research.datasets.importing.headings import Numbered, filled, find_table
from research.datasets.importing.numerals import Column
from research.datasets.optional import need
from research.errors import ValidationError, did_you_mean, located

OLE2, ZIP = b"\xd0\xcf\x11\xe0", b"PK\x03\x04"

_ERROR = re.compile(rb'<c r="([A-Z]+\d+)"[^>]*? t="e"[^>]*>(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)?<v>(#[^<]+)</v>')
_FREE = 0xFFFFFFFF
_HEADER = 512

LARGEST = 256 * 2**20
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Rows of a file.

    Attributes
    ----------
    file
        Name of the file.
    header
        Column names, stripped.
    rows
        Cells: text from CSV; dates, numbers and text from Excel and Parquet.
    lines
        Line (or sheet row) of each row, counted from 1.
    words
        How the file was read.
    points_may_group
        The file is split at semicolons, as where the decimal sign is a comma.
    """

    file: str
    header: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    lines: tuple[int, ...]
    words: str
    points_may_group: bool = False

    def find(self, names: Iterable[str]) -> str:
        """The heading that is the first of some names, whatever its signs and capitals; empty where none is."""
        here = {_letters(name): name for name in reversed(self.header)}
        return next((here[_letters(name)] for name in names if _letters(name) in here), "")

    def column(self, name: str) -> Column:
        """One column.

        Raises
        ------
        ValidationError
            If there is none of that name.
        """
        if name not in self.header:
            raise ValidationError(f"{self.file}: no column {name!r}{did_you_mean(name, self.header)}")
        at = self.header.index(name)
        return Column(f"{self.file}: column {name!r}", [row[at] for row in self.rows], self.lines)


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
            if len(content) > LARGEST:
                raise ValidationError(f"unpacks to over {LARGEST // 2**20} MB; cut it to the columns that matter")
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


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise ValidationError(f"{path}: a folder; name a file")
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValidationError(f"{path}: a pipe or a device, not a file; save it to a file first")
        if path.stat().st_size > LARGEST:
            raise ValidationError(f"{path.name}: over {LARGEST // 2**20} MB; cut it to the columns that matter")
        return path.read_bytes()
    except OSError as error:
        raise ValidationError(f"{path}: {error.strerror}; check the name") from None


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
    line = 0
    try:
        delimiter = _delimiter(text)
        reader = csv.reader(
            io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=delimiter == " "
        )
        for row in reader:
            line = reader.line_num
            rows.append((tuple(cell.strip() for cell in row), line))
    except csv.Error as error:
        told = "check its quotes, or save it as plain CSV"
        raise ValidationError(f"line {line + 1}: not a table ({error}); {told}") from None
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
    best, score = "", 0
    for delimiter in _DELIMITERS:
        if delimiter == " " and best:
            break
        widths = [len(row) for row in csv.reader(head, delimiter=delimiter, skipinitialspace=delimiter == " ")]
        typical = max(set(widths), key=widths.count)
        agreeing = widths.count(typical) if typical > 1 else 0
        if agreeing > score:
            best, score = delimiter, agreeing
    if not best:
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
