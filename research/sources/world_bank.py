"""World Bank: the Pink Sheet's monthly averages; the workbook's address changes, so it is looked up on its page."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from research.errors import SourceError
from research.sources.catalog import Wanted
from research.sources.tables import heading, monthly, sheet_rows

SHEET = "Monthly Prices"


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read one column of the sheet ``Monthly Prices``: names in one row, units below, months as ``1960M01``.

    Raises
    ------
    SourceError
        If the sheet or column is missing, or the unit is not dollars per troy ounce.
    """
    name, rows = wanted["column"], sheet_rows(body, SHEET)
    cells = [[str(cell).strip().rstrip("*").strip().lower() for cell in row] for row in rows]
    missing = f"no column {name!r} in {SHEET!r}; the provider renamed its columns"
    at = heading(cells, lambda row: name.lower() in row, missing)
    column = cells[at].index(name.lower())
    unit = cells[at + 1][column] if at + 1 < len(cells) else ""
    if unit not in ("($/troy oz)", "$/troy oz"):
        raise SourceError(f"the unit under the column is {unit!r}, not $/troy oz; the provider changed it")
    return monthly(rows[at + 2 :], column)
