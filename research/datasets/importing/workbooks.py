"""Excel and OpenDocument workbooks as rows of cells; a damaged one is an error, whatever the reader does."""

from __future__ import annotations

import re
import struct
import zipfile
from io import BytesIO

from research.datasets.optional import need

OLE2, ZIP = b"\xd0\xcf\x11\xe0", b"PK\x03\x04"

_ERROR = re.compile(rb'<c r="([A-Z]+\d+)"[^>]*? t="e"[^>]*>(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)?<v>(#[^<]+)</v>')
_FREE = 0xFFFFFFFF
_HEADER = 512


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
        book = calamine.CalamineWorkbook.from_filelike(BytesIO(content))
        return {
            name: book.get_sheet_by_name(name).to_python(skip_empty_area=skip_empty_area) for name in book.sheet_names
        }
    except (calamine.CalamineError, OSError) as error:
        raise ValueError(str(error)) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what the reader, which is no Python, does on some damage
            raise
        raise ValueError("damaged") from None


def failed_formulas(content: bytes) -> list[str]:
    """Cells of an .xlsx that hold an error (but for ``#N/A``), as ``C5 #REF!``: the reader calls them empty."""
    if content[:4] != ZIP:
        return []
    with zipfile.ZipFile(BytesIO(content)) as book:
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
