"""LBMA: gold and silver held in London vaults, month by month, from the newest workbook linked on its data page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from research.errors import SourceError
from research.sources import tables
from research.sources.catalog import Wanted
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
    rows = tables.sheet_rows(body)
    words = tables.small_letters(rows)
    missing = "no headings 'Gold' and 'Silver'; the provider changed its format"
    at = tables.heading(words, lambda row: "gold" in row and "silver" in row, missing)
    column = words[at].index(wanted["metal"])
    above_and_below = " ".join(" ".join(row) for row in words[max(0, at - 1) : at + 2])
    if "ounces" not in above_and_below or "000" not in above_and_below:
        raise SourceError("the unit is not thousands of troy ounces any more; the provider changed it")
    cells = [(tables.month_end(row[0]), row[0], row[column]) for row in rows[at + 1 :] if len(row) > column]
    dated = [
        (month, value)
        for month, label, value in cells
        if month is not None or (not str(label).strip() and isinstance(value, int | float))
    ]
    table = tables.monthly([(_labelled(dated, row, as_of), value) for row, (_, value) in enumerate(dated)], 1)
    return table.assign(value=table["value"] * 1000 / TROY_OUNCES_PER_TONNE)


def _labelled(dated: Sequence[tuple[pd.Timestamp | None, object]], row: int, as_of: datetime) -> pd.Timestamp:
    """The month of a row; of the one blank label at the newest end, the month after that of the row beside it."""
    months = [month for month, _ in dated]
    if (month := months[row]) is not None:
        return month
    beside = {0: months[1:2], len(months) - 1: months[-2:-1]}.get(row, [])
    known = [month for month in months if month is not None]
    if len(known) == len(months) - 1 and beside and beside[0] == max(known):
        newest = max(known) + pd.offsets.MonthEnd(1)
        if newest <= pd.Timestamp(as_of.date()):
            return newest
    raise SourceError("a row of figures has no month; the provider's workbook is damaged, try again later")
