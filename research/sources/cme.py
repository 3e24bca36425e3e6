"""CME Group: COMEX warehouse stocks, the latest day only, so that every fetch archives one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from research.errors import SourceError
from research.sources import tables
from research.sources.catalog import Wanted

_SHEET = "Daily Metal Stocks Report"
_HEADINGS = ("prev tot", "received", "withdrawn", "net change", "adjustment", "total today")
_COLUMNS = ("previous", "received", "withdrawn", "net_change", "adjustment", "today")  # the same, as columns
_TOTALS = {"total registered": "registered", "total eligible": "eligible", "combined total": "total"}
_CATEGORIES = ("registered", "pledged", "eligible")
_ACTIVITY = re.compile(r"Activity Date:\s*(\d{1,2}/\d{1,2}/\d{4})")


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read the report: a total (``registered``, ``eligible``, ``total``), or every depository.

    The period is the report's *activity date*. Ounces. ``previous`` is the total of the day before as this report has
    it, to be compared with what is kept.

    Raises
    ------
    SourceError
        If the sheet, the date, a heading or a total is missing, or the parts do not add up to the totals.
    """
    part, rows = wanted["part"], tables.sheet_rows(body, _SHEET)
    stated = next((found[1] for row in rows for cell in row if (found := _ACTIVITY.search(str(cell)))), "")
    activity = pd.to_datetime(stated, format="%m/%d/%Y", errors="coerce")
    if pd.isna(activity):
        raise SourceError("no readable 'Activity Date: m/d/yyyy'; the report's layout has changed")
    words = tables.small_letters(rows)
    missing = f"no row with the headings {', '.join(_HEADINGS).upper()}; the report's layout has changed"
    columns = _columns(words[tables.heading(words, _columns, missing)])
    depositories, totals = _stocks(rows, columns)
    _refuse_wrong_sums(depositories, totals["today"])
    if part != "depositories":
        total = totals.loc[[part]]
        return tables.observations([activity], value=total["today"], previous=total["previous"])
    dated = depositories.assign(observed_for=activity.as_unit("us"))
    return dated[["observed_for", "depository", "category", *_COLUMNS]]


def _columns(words: Sequence[str]) -> list[int]:
    """Where each heading stands in a row; empty where one is missing."""
    found = [next((at for at, word in enumerate(words) if word.startswith(one)), -1) for one in _HEADINGS]
    return found if min(found) >= 0 else []


def _stocks(rows: tables.Rows, columns: list[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every depository's lines, and the totals by name."""
    lines: list[dict[str, object]] = []
    depository = ""
    for row in rows:
        label = " ".join(str(row[0]).split()) if row else ""
        name = label.lower()
        cells = [row[column] if column < len(row) else None for column in columns]
        if name in _TOTALS:
            lines.append({"depository": "", "category": _TOTALS[name], **dict(zip(_COLUMNS, cells, strict=True))})
        elif name in _CATEGORIES and depository:
            lines.append({"depository": depository, "category": name, **dict(zip(_COLUMNS, cells, strict=True))})
        elif label and name not in ("total", "total pledged") and not any(isinstance(c, int | float) for c in cells):
            depository = label
    table = pd.DataFrame(lines, columns=["depository", "category", *_COLUMNS])
    table[list(_COLUMNS)] = table[list(_COLUMNS)].apply(lambda column: tables.numbers(column).fillna(0.0))
    single = table["depository"] != ""
    totals = table[~single].drop_duplicates("category", keep="last").set_index("category")
    missing = set(_TOTALS.values()) - set(totals.index)
    if missing or not single.any():
        raise SourceError(f"no line for {', '.join(sorted(missing)) or 'any depository'}; the layout has changed")
    return table[single].reset_index(drop=True), totals


def _refuse_wrong_sums(depositories: pd.DataFrame, totals: pd.Series) -> None:
    whole, parts = totals["total"], totals["registered"] + totals["eligible"]
    if abs(parts - whole) > 1 + 1e-6 * whole:
        raise SourceError(f"registered and eligible add up to {parts:,.0f}, the combined total is {whole:,.0f}")
    for category in ("registered", "eligible"):
        held, told = depositories.loc[depositories["category"] == category, "today"].sum(), totals[category]
        if abs(held - told) > 1 + 1e-6 * whole:
            adds_up = f"the depositories' {category} metal adds up to {held:,.0f}, the report's total is {told:,.0f}"
            raise SourceError(f"{adds_up}; the layout has changed")
