"""What the providers' parsers share: columns that must be there, numbers, workbooks, months.

What is refused is said without the provider and the series: whoever asked for them puts those in front.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from research.datasets.importing.cells import last_days
from research.datasets.importing.files import sheets
from research.errors import SourceError

T = TypeVar("T")
Rows = Sequence[Sequence[object]]

# A JSON object that is yet to be found of the shape agreed.
Answer = Mapping[str, Any]

NOTHING = "the answer holds no values; try again later, what is kept stays"


def changed(words: str) -> SourceError:
    """An answer that is not what was agreed."""
    return SourceError(f"{words}; the provider changed its format")


def observations(observed_for: Iterable[object], **columns: Iterable[object]) -> pd.DataFrame:
    """Numbers by period; rows in which one is missing are dropped, periods in order.

    Raises
    ------
    SourceError
        If nothing is left, a period is no date, or a value no number.
    """
    periods = pd.to_datetime(pd.Series(list(observed_for)), errors="coerce", format="ISO8601")
    table = pd.DataFrame({"observed_for": periods.astype("datetime64[us]").dt.normalize()})
    for name, values in columns.items():
        table[name] = numbers(values)
    if (lacking := table["observed_for"].isna()).any():
        raise changed(f"row {int(lacking.to_numpy().argmax()) + 1} has no readable date")
    table = table.dropna()
    if table.empty:
        raise SourceError(NOTHING)
    return table.sort_values("observed_for", kind="stable", ignore_index=True)


def numbers(values: Iterable[object]) -> pd.Series:
    """Values as float64; empty, ``.``, ``..``, ``…`` and ``n/a`` are missing, anything else must be a number."""
    raw = pd.Series(list(values), dtype="object")
    words = raw.map(lambda cell: cell.strip().replace(",", "") if isinstance(cell, str) else cell)
    missing = words.isna() | words.isin(["", ".", "..", "…", "-", "--", "n/a", "N/A", "NA", "ND", "null"])
    result = pd.to_numeric(words.mask(missing), errors="coerce").astype("float64")
    bad = ~np.isfinite(result) & ~missing
    if bad.any():
        raise changed(f"{raw[bad].iloc[0]!r} is no number")
    return result


def monthly(rows: Rows, column: int) -> pd.DataFrame:
    """One column of the rows whose first cell names a month; see ``observations``."""
    dated = [(month, row[column]) for row in rows if len(row) > column and (month := month_end(row[0])) is not None]
    return observations([month for month, _ in dated], value=[value for _, value in dated])


def need_columns(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The table, refused where it lacks a column, with those it has."""
    for name in columns:
        if name not in table.columns:
            shown = ", ".join(map(str, table.columns[:8]))
            raise SourceError(f"no column {name!r} (it has {shown}); the provider renamed its columns")
    return table


def csv_table(body: bytes) -> pd.DataFrame:
    """Read CSV bytes as text columns."""
    try:
        return pd.read_csv(BytesIO(body), dtype="str", keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, UnicodeDecodeError) as error:
        raise changed(f"not readable as CSV ({error})") from None


def from_json(body: bytes, pick: Callable[..., T], words: str) -> T:
    """What ``pick`` takes from a JSON answer; ``words`` say what is wrong where it is not there."""
    try:
        return pick(json.loads(body))
    except (ValueError, LookupError, TypeError, AttributeError, StopIteration):
        raise changed(words) from None


def json_table(
    body: bytes, words: str, *columns: str, pick: Callable[..., pd.DataFrame] = pd.DataFrame
) -> pd.DataFrame:
    """The rows of a JSON answer, with these columns among others; refused where none came."""
    table = from_json(body, pick, words)
    if table.empty:
        raise SourceError(NOTHING)
    return need_columns(table, *columns)


def sheet_rows(body: bytes, sheet: str | None = None) -> Rows:
    """Rows of one worksheet of an Excel file, .xls or .xlsx; cells as Python values."""
    try:
        found = sheets(body)
    except ValueError as error:
        raise changed(f"not readable as a workbook ({error})") from None
    if sheet is not None and sheet not in found:
        raise changed(f"no sheet {sheet!r} (it has {', '.join(found)})")
    return found[sheet] if sheet is not None else next(iter(found.values()))


def small_letters(rows: Rows) -> list[list[str]]:
    """Cells as words in small letters, without the stars of footnotes."""
    return [[" ".join(str(cell).split()).rstrip("*").rstrip().lower() for cell in row] for row in rows]


def heading(rows: Sequence[Sequence[T]], fits: Callable[[Sequence[T]], object], words: str) -> int:
    """Where the first row stands that ``fits``; ``words`` say what is missing where none does."""
    at = next((at for at, row in enumerate(rows) if fits(row)), None)
    if at is None:
        raise SourceError(words)
    return at


def month_end(cell: object) -> pd.Timestamp | None:
    """Last day of the month that a cell names (a date in it, ``2024-03``, ``2024M03``, ``2024-M03``), or None."""
    if isinstance(cell, date):  # a datetime too
        return pd.Timestamp(cell) + pd.offsets.MonthEnd(0)
    return last_days(str(cell).strip(), ["month"]).get("month")


def last_complete_day(moment: datetime, timezone: str, hour: int) -> pd.Timestamp:
    """The day whose bar is complete at a moment: the local one from ``hour`` on, else the one before."""
    local = moment.astimezone(ZoneInfo(timezone))
    return pd.Timestamp(local.date()) - pd.Timedelta(days=int(local.hour < hour))
