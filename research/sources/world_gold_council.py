"""World Gold Council: workbooks behind a free login whose terms forbid automatic download, so added by hand."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from research.datasets.user_pack import ManifestLine
from research.errors import SourceError
from research.sources.catalog import Wanted
from research.sources.http import ByHand, Client, Download
from research.sources.tables import month_end, numbers, series, sheet_rows

PAGES = {
    "gold demand trends": "https://www.gold.org/goldhub/data/gold-demand-by-country",
    "official changes": "https://www.gold.org/goldhub/data/gold-reserves-by-country",
    "etf holdings": "https://www.gold.org/goldhub/data/gold-etfs-holdings-and-flows",
}
SHEET = "Monthly"


def download(client: Client, wanted: Wanted, former: ManifestLine) -> Download:
    """Say where to get the file: the terms allow people to download it, not programs."""
    page = PAGES[wanted["sheet"]]
    raise ByHand(f"world_gold_council {wanted['sheet']}: no automatic download (login, terms of use)", page)


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Sum the countries of ``Changes_latest_as_of_…_IFS.xlsx``, sheet ``Monthly``, by month, in tonnes.

    The sheet has one row per country and one column per month (dates in its heading). These are *reported* changes,
    without the estimate of unreported buying.

    Raises
    ------
    SourceError
        If another workbook is asked for, or the sheet has no heading with at least twelve months.
    """
    what = f"world_gold_council {wanted['sheet']}"
    if wanted["sheet"] != "official changes":
        raise SourceError(f"{what}: this workbook is not read as it is; save date and value as CSV")
    rows = sheet_rows(body, what, SHEET)
    heading = next((at for at, row in enumerate(rows) if len(_months(row)) >= 12), None)
    if heading is None:
        raise SourceError(f"{what}: no row of months in the sheet {SHEET!r}; the provider changed its format")
    months = _months(rows[heading])
    names = slice(0, min(months))
    countries = [row for row in rows[heading + 1 :] if _is_country(row[names])]
    sums = {
        month: numbers([row[column] if column < len(row) else None for row in countries], what).sum(min_count=1)
        for column, month in months.items()
    }
    monthly = pd.Series(sums).dropna()
    return series(monthly.index, monthly, what)


def _months(row: list[object]) -> dict[int, pd.Timestamp]:
    """Column -> last day of the month, for the cells that are dates."""
    dated = {column: month_end(cell) for column, cell in enumerate(row) if hasattr(cell, "year")}
    return {column: month for column, month in dated.items() if month is not None}


def _is_country(names: list[object]) -> bool:
    words = " ".join(str(cell) for cell in names).strip().lower()
    aggregates = ("world", "total", "all countries", "euro area", "advanced", "emerging")
    return bool(words) and not any(name in words for name in aggregates)
