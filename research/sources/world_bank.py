"""World Bank: the Pink Sheet's monthly averages; the workbook's address changes, so it is looked up first."""

from __future__ import annotations

import re
from datetime import datetime

import pandas as pd

from research.datasets.user_pack import ManifestLine
from research.errors import SourceError
from research.sources.catalog import Wanted
from research.sources.http import Client, Download, base_address
from research.sources.tables import monthly, sheet_rows

PAGE = "/en/research/commodity-markets"
SHEET = "Monthly Prices"

_LINK = re.compile(r"""href=["']([^"']*CMO-Historical-Data-Monthly[^"']*\.xlsx)["']""", re.IGNORECASE)


def download(client: Client, wanted: Wanted, former: ManifestLine) -> Download:
    """Find the workbook's present address on the commodity page, then download it."""
    base = base_address("world_bank", "https://www.worldbank.org")
    return client.linked(base + PAGE, _LINK, what="world_bank Pink Sheet", former=former)


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read one column of the sheet ``Monthly Prices``: names in one row, units below, months as ``1960M01``.

    Raises
    ------
    SourceError
        If the sheet or column is missing, or the unit is not dollars per troy ounce.
    """
    name = wanted["column"]
    what = f"world_bank Pink Sheet {name}"
    rows = sheet_rows(body, what, SHEET)
    cells = [[str(cell).strip().rstrip("*").strip().lower() for cell in row] for row in rows]
    header = next((at for at, row in enumerate(cells) if name.lower() in row), None)
    if header is None:
        raise SourceError(f"{what}: no column {name!r} in {SHEET!r}; the provider renamed its columns")
    column = cells[header].index(name.lower())
    unit = cells[header + 1][column] if header + 1 < len(cells) else ""
    if unit not in ("($/troy oz)", "$/troy oz"):
        raise SourceError(f"{what}: the unit under the column is {unit!r}, not $/troy oz; the provider changed it")
    return monthly(rows[header + 2 :], column, what)
