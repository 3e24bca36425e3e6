"""From a file to rows of cells, each with the line it stands on."""

from __future__ import annotations

import csv
import gzip
import io
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path

from research.datasets.importing.column import Column
from research.datasets.importing.headings import Numbered, filled, find_table
from research.datasets.importing.workbooks import OLE2, ZIP, failed_formulas, sheets
from research.errors import ValidationError, did_you_mean

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
    if content[:2] == b"\x1f\x8b":
        content = _gunzip(content, path)
    if content[:4] == b"PAR1":
        return _parquet(content, path)
    if content[:4] in (OLE2, ZIP):
        return _excel(content, path, sheet, heading_row)
    head = content.lstrip()[:15].lower()
    if head.startswith((b"<!doctype html", b"<html", b"<table", b"<?xml")):
        raise ValidationError(f"{path.name}: a web page or XML, not a table; save the data itself, as CSV or Excel")
    if head.startswith((b"{", b"[")):
        raise ValidationError(f"{path.name}: JSON, not a table; save it as CSV")
    return _csv(content, path, heading_row)


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise ValidationError(f"{path}: a folder; name a file")
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValidationError(f"{path}: a pipe or a device, not a file; save it to a file first")
        if path.stat().st_size > LARGEST:
            raise ValidationError(f"{path.name}: over {LARGEST // 2**20} MB; cut it to the columns that matter")
        content = path.read_bytes()
    except OSError as error:
        raise ValidationError(f"{path}: {error.strerror}; check the name") from None
    if not content.strip():
        raise ValidationError(f"{path.name}: the file is empty")
    return content


def _gunzip(content: bytes, path: Path) -> bytes:
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            plain = stream.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValidationError(f"{path.name}: the gzip file is damaged ({error}); obtain it again") from None
    if len(plain) > LARGEST:
        raise ValidationError(f"{path.name}: unpacks to over {LARGEST // 2**20} MB; cut it to the columns that matter")
    return plain


def _csv(content: bytes, path: Path, heading_row: int | None) -> Sheet:
    text, encoding = _decode(content, path)
    rows: Numbered = []
    line = 0
    try:
        delimiter = _delimiter(text, path)
        stream = io.StringIO(text, newline="")
        reader = csv.reader(stream, delimiter=delimiter, strict=True, skipinitialspace=delimiter == " ")
        for row in reader:
            line = reader.line_num
            rows.append((tuple(cell.strip() for cell in row), line))
    except csv.Error as error:
        raise ValidationError(
            f"{path.name}: line {line + 1}: not a table ({error}); check its quotes, or save it as plain CSV"
        ) from None
    ending = "" if text.endswith(("\n", "\r")) else ", no line end after the last row: see that it is whole"
    words = f"CSV, {encoding}, split at {_DELIMITERS[delimiter]}{ending}"
    return _with_header(rows, path, words, heading_row)


def _decode(content: bytes, path: Path) -> tuple[str, str]:
    candidates = ["utf-16"] if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "cp1252"]
    if b"\x00" in content and candidates[0] != "utf-16":
        raise ValidationError(f"{path.name}: binary, and neither Excel nor Parquet; save it as CSV")
    for encoding in candidates:
        try:
            return content.decode(encoding), "UTF-8" if encoding == "utf-8-sig" else encoding
        except UnicodeDecodeError:
            continue
    raise ValidationError(f"{path.name}: not readable as {' or '.join(candidates)}; save it as UTF-8")


def _delimiter(text: str, path: Path) -> str:
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
        raise ValidationError(f"{path.name}: only one column; it needs a date and a value, split by , ; tab or |")
    return best


def _excel(content: bytes, path: Path, wanted: str | None, heading_row: int | None) -> Sheet:
    try:
        found = sheets(content, skip_empty_area=False)
    except ValueError as error:
        raise ValidationError(f"{path.name}: not readable as a workbook ({error}); save it as CSV") from None
    if wanted is not None and wanted not in found:
        raise ValidationError(f"{path.name}: no sheet {wanted!r}; it has {', '.join(found)}")
    found = {wanted: found[wanted]} if wanted is not None else found
    tables = {name: rows for name, rows in found.items() if sum(filled(row) >= 2 for row in rows) >= 2}
    if not tables:
        raise ValidationError(f"{path.name}: no sheet holds a table")
    if len(tables) > 1:
        raise ValidationError(f"{path.name}: several sheets hold tables ({', '.join(tables)}); pass --sheet NAME")
    name, rows = next(iter(tables.items()))
    stripped = [tuple(cell.strip() if isinstance(cell, str) else cell for cell in row) for row in rows]
    failed = failed_formulas(content)
    broken = f", {len(failed)} formulas that failed ({', '.join(failed[:3])}) count as no value" if failed else ""
    numbered = [(row, line) for line, row in enumerate(stripped, 1)]
    return _with_header(numbered, path, f"Excel, sheet {name!r}{broken}", heading_row)


def _parquet(content: bytes, path: Path) -> Sheet:
    import pandas as pd

    try:
        table = pd.read_parquet(io.BytesIO(content))
    except (OSError, ValueError) as error:
        words = " ".join(str(error).split())[:100]
        raise ValidationError(f"{path.name}: not readable as Parquet ({words}); obtain it again") from None
    if isinstance(table.index, pd.DatetimeIndex | pd.PeriodIndex) or table.index.name:
        if isinstance(table.index, pd.PeriodIndex):
            table.index = table.index.to_timestamp(how="end").normalize()
        table = table.rename_axis(str(table.index.name or "date")).reset_index()
    rows = tuple(tuple(None if cell is pd.NaT else cell for cell in row) for row in table.itertuples(index=False))
    if not rows:
        raise ValidationError(f"{path.name}: no rows")
    header = tuple(str(name) for name in table.columns)
    return Sheet(file=path.name, header=header, rows=rows, lines=tuple(range(1, len(rows) + 1)), words="Parquet")


def _with_header(rows: Numbered, path: Path, words: str, heading_row: int | None) -> Sheet:
    kept = [(row, line) for row, line in rows if filled(row) and not str(row[0]).startswith("#")]
    header, data, left_out = find_table(kept, path.name, heading_row, even=words.startswith("CSV"))
    return Sheet(
        file=path.name,
        header=header,
        rows=tuple(row for row, _ in data),
        lines=tuple(line for _, line in data),
        words=words + left_out,
        points_may_group="semicolons" in words,
    )
