"""LBMA: gold and silver held in London vaults, month by month, from the newest workbook linked on its data page."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from research.errors import SourceError
from research.sources.catalog import Wanted
from research.sources.tables import heading, month_end, observations, sheet_rows
from research.units import TROY_OUNCES_PER_TONNE


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read one metal, converted from thousands of troy ounces to tonnes.

    Months stand as ``2026-04`` or as a date on their first day. A blank label at the newest end is the month after
    its neighbour, where that month is over at ``as_of``.

    Raises
    ------
    SourceError
        If the metals' headings are missing, or the unit is not thousands of troy ounces.
    """
    rows = sheet_rows(body)
    words = [[str(cell).strip().lower() for cell in row] for row in rows]
    missing = "no headings 'Gold' and 'Silver'; the provider changed its format"
    at = heading(words, lambda row: "gold" in row and "silver" in row, missing)
    column = words[at].index(wanted["metal"])
    above_and_below = " ".join(" ".join(row) for row in words[max(0, at - 1) : at + 2])
    if "ounces" not in above_and_below or "000" not in above_and_below:
        raise SourceError("the unit is not thousands of troy ounces any more; the provider changed it")
    dated = _dated([(row[0], row[column]) for row in rows[at + 1 :] if len(row) > column], as_of)
    table = observations([month for month, _ in dated], value=[value for _, value in dated])
    return table.assign(value=table["value"] * 1000 / TROY_OUNCES_PER_TONNE)


def _dated(cells: list[tuple[object, object]], as_of: datetime) -> list[tuple[pd.Timestamp, object]]:
    """Month and value of each row; one blank label at the newest end is completed from the row beside it."""
    found = [(month_end(label), str(label).strip(), value) for label, value in cells]
    rows = [
        (month, value)
        for month, label, value in found
        if month is not None or (not label and isinstance(value, int | float))
    ]
    dated = [(month, value) for month, value in rows if month is not None]
    blank = [at for at, (month, _) in enumerate(rows) if month is None]
    if not blank or not dated:
        return dated
    newest = max(month for month, _ in dated) + pd.offsets.MonthEnd(1)
    ends = {0: 1, len(rows) - 1: len(rows) - 2}
    beside = rows[ends[blank[0]]][0] if len(blank) == 1 and blank[0] in ends else None
    if beside is None or beside + pd.offsets.MonthEnd(1) != newest or newest > pd.Timestamp(as_of.date()):
        raise SourceError("a row of figures has no month; the provider's workbook is damaged, try again later")
    return [*dated, (newest, rows[blank[0]][1])]
