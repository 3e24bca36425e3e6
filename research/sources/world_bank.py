"""World Bank: the Pink Sheet's monthly averages; the workbook's address changes, so it is looked up on its page."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from research.errors import SourceError
from research.sources import tables
from research.sources.catalog import Wanted

_SHEET = "Monthly Prices"


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read one column of the sheet ``Monthly Prices``: names in one row, units below, months as ``1960M01``.

    Raises
    ------
    SourceError
        If the sheet or column is missing, or the unit is not dollars per troy ounce.
    """
    name, rows = wanted["column"], tables.sheet_rows(body, _SHEET)
    words = tables.small_letters(rows)
    missing = f"no column {name!r} in {_SHEET!r}; the provider renamed its columns"
    at = tables.heading(words, lambda row: name.lower() in row, missing)
    column = words[at].index(name.lower())
    unit = words[at + 1][column] if at + 1 < len(words) else ""
    if unit not in ("($/troy oz)", "$/troy oz"):
        raise SourceError(f"the unit under the column is {unit!r}, not $/troy oz; the provider changed it")
    return tables.monthly(rows[at + 2 :], column)
