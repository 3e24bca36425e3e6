"""World Gold Council: workbooks behind a free login whose terms forbid automatic download, so added by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from research.errors import SourceError
from research.sources import tables
from research.sources.catalog import Wanted

_SHEET = "Monthly"
_AGGREGATES = ("world", "total", "all countries", "euro area", "advanced", "emerging")


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Sum the countries of ``Changes_latest_as_of_…_IFS.xlsx``, sheet ``Monthly``, by month, in tonnes.

    The sheet has one row per country and one column per month (dates in its heading). These are *reported* changes,
    without the estimate of unreported buying.

    Raises
    ------
    SourceError
        If another workbook is asked for, or the sheet has no heading with at least twelve months.
    """
    if wanted["sheet"] != "official changes":
        raise SourceError("this workbook is not read as it is; save date and value as CSV")
    rows = tables.sheet_rows(body, _SHEET)
    missing = f"no row of months in the sheet {_SHEET!r}; the provider changed its format"
    at = tables.heading(rows, lambda row: len(_months(row)) >= 12, missing)
    months = _months(rows[at])
    countries = [row for row in rows[at + 1 :] if _is_country(row[: min(months)])]
    sums = {
        month: tables.numbers(row[column] if column < len(row) else None for row in countries).sum(min_count=1)
        for column, month in months.items()
    }
    return tables.observations(sums, value=sums.values())


def _months(row: Sequence[object]) -> dict[int, pd.Timestamp]:
    """Column -> last day of the month, for the cells that are dates."""
    dated = {column: tables.month_end(cell) for column, cell in enumerate(row) if hasattr(cell, "year")}
    return {column: month for column, month in dated.items() if month is not None}


def _is_country(names: Sequence[object]) -> bool:
    words = " ".join(str(cell) for cell in names).strip().lower()
    return bool(words) and not any(name in words for name in _AGGREGATES)
