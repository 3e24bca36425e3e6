"""What the providers' parsers share: columns that must be there, numbers, workbooks, months."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from io import BytesIO

import numpy as np
import pandas as pd

from research.datasets.importing.workbooks import sheets
from research.errors import SourceError


def series(observed_for: Iterable[object], values: Iterable[object], what: str) -> pd.DataFrame:
    """Observations of one number per period; missing values dropped, periods in order.

    Raises
    ------
    SourceError
        If nothing is left, or a value is no number.
    """
    periods = pd.to_datetime(pd.Series(list(observed_for)), errors="coerce", format="ISO8601")
    table = pd.DataFrame(
        {"observed_for": periods.astype("datetime64[us]").dt.normalize(), "value": numbers(values, what)}
    )
    if table["observed_for"].isna().any():
        row = int(table["observed_for"].isna().to_numpy().argmax())
        raise SourceError(f"{what}: row {row + 1} has no readable date; the provider changed its format")
    table = table[table["value"].notna()]
    if table.empty:
        raise SourceError(f"{what}: the answer holds no values; try again later, what is kept stays")
    return table.sort_values("observed_for", kind="stable", ignore_index=True)


def numbers(values: Iterable[object], what: str) -> pd.Series:
    """Values as float64; empty, ``.``, ``..``, ``…`` and ``n/a`` are missing, anything else must be a number."""
    raw = pd.Series(list(values), dtype="object")
    words = raw.map(lambda cell: cell.strip() if isinstance(cell, str) else cell)
    missing = words.isna() | words.isin(["", ".", "..", "…", "-", "--", "n/a", "N/A", "NA", "ND", "null"])
    plain = words.map(lambda cell: cell.replace(",", "") if isinstance(cell, str) else cell)
    result = pd.to_numeric(plain.mask(missing), errors="coerce").astype("float64")
    bad = ~np.isfinite(result) & ~missing
    if bad.any():
        raise SourceError(f"{what}: {raw[bad].iloc[0]!r} is no number; the provider changed its format")
    return result.reset_index(drop=True)


def monthly(rows: Iterable[Sequence[object]], column: int, what: str) -> pd.DataFrame:
    """One column of the rows whose first cell names a month; see ``series``."""
    dated = [(month, row[column]) for row in rows if len(row) > column and (month := month_end(row[0])) is not None]
    return series([month for month, _ in dated], [value for _, value in dated], what)


def need_columns(table: pd.DataFrame, columns: Sequence[str], what: str) -> None:
    """Refuse a table that lacks a column, naming those it has."""
    for name in columns:
        if name not in table.columns:
            shown = ", ".join(map(str, table.columns[:8]))
            raise SourceError(f"{what}: no column {name!r} (it has {shown}); the provider renamed its columns")


def csv_table(body: bytes, what: str) -> pd.DataFrame:
    """Read CSV bytes as text columns."""
    try:
        return pd.read_csv(BytesIO(body), dtype="str", keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, UnicodeDecodeError) as error:
        raise SourceError(f"{what}: not readable as CSV ({error}); the provider changed its format") from None


def sheet_rows(body: bytes, what: str, sheet: str | None = None) -> list[list[object]]:
    """Rows of one worksheet of an Excel file, .xls or .xlsx; cells as Python values."""
    try:
        found = sheets(body)
    except ValueError as error:
        raise SourceError(f"{what}: not readable as a workbook ({error}); the provider changed its format") from None
    if sheet is not None and sheet not in found:
        raise SourceError(f"{what}: no sheet {sheet!r} (it has {', '.join(found)}); the provider changed its format")
    return found[sheet] if sheet is not None else next(iter(found.values()))


def month_end(cell: object) -> pd.Timestamp | None:
    """Last day of the month that a cell names (a date in it, ``2024-03``, ``2024M03``, ``2024-M03``), or None."""
    if isinstance(cell, date | datetime):
        return pd.Timestamp(cell) + pd.offsets.MonthEnd(0)
    words = str(cell).strip().upper().replace("-M", "-").replace("M", "-")
    try:
        return pd.Period(words, freq="M").end_time.normalize().as_unit("us") if len(words) == 7 else None
    except ValueError:
        return None
