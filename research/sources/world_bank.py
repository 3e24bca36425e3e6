"""World Bank: the Pink Sheet's monthly averages; the workbook's address changes, so it is looked up first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

import pandas as pd

from research.errors import SourceError
from research.sources.http import ByHand, Client, Download, base_address
from research.sources.tables import month_end, series, sheet_rows

PAGE = "/en/research/commodity-markets"
SHEET = "Monthly Prices"

_LINK = re.compile(r"""href=["']([^"']*CMO-Historical-Data-Monthly[^"']*\.xlsx)["']""", re.IGNORECASE)


def download(client: Client, wanted: Mapping[str, Any], former: Mapping[str, Any]) -> Download:
    """Find the workbook's present address on the commodity page, then download it."""
    base = base_address("world_bank", "https://www.worldbank.org")
    page = client.get(base + PAGE, what="world_bank commodity page", kind="html")
    link = _LINK.search(page.body.decode("utf-8", errors="replace"))
    if link is None:
        raise ByHand(
            f"world_bank Pink Sheet: no link to CMO-Historical-Data-Monthly.xlsx on {page.address}", base + PAGE
        )
    return client.get(urljoin(page.address, link.group(1)), what="world_bank Pink Sheet", kind="excel", former=former)


def parse(body: bytes, wanted: Mapping[str, Any], as_of: datetime) -> pd.DataFrame:
    """Read one column of the sheet ``Monthly Prices``: names in one row, units below, months as ``1960M01``.

    Raises
    ------
    SourceError
        If the sheet or column is missing, or the unit is not dollars per troy ounce.
    """
    name = str(wanted["column"])
    what = f"world_bank Pink Sheet {name}"
    rows = sheet_rows(body, what, SHEET)
    for at, row in enumerate(rows):
        cells = [str(cell).strip().rstrip("*").strip().lower() for cell in row]
        if name.lower() in cells:
            column, header = cells.index(name.lower()), at
            break
    else:
        raise SourceError(f"{what}: no column {name!r} in {SHEET!r}; the provider renamed its columns")
    unit = str(rows[header + 1][column]).strip().lower() if header + 1 < len(rows) else ""
    if unit not in ("($/troy oz)", "$/troy oz"):
        raise SourceError(f"{what}: the unit under the column is {unit!r}, not $/troy oz; the provider changed it")
    months = [(month_end(row[0]), row[column]) for row in rows[header + 2 :] if row and len(row) > column]
    dated = [(month, value) for month, value in months if month is not None]
    return series([month for month, _ in dated], [value for _, value in dated], what)
