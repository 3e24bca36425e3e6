"""CME Group: COMEX warehouse stocks, the latest day only, so that every fetch archives one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from research.errors import SourceError
from research.sources.catalog import Wanted
from research.sources.tables import Rows, heading, numbers, observations, sheet_rows

SHEET = "Daily Metal Stocks Report"
COLUMNS = ("previous", "received", "withdrawn", "net_change", "adjustment", "today")

_HEADINGS = ("PREV TOT", "RECEIVED", "WITHDRAWN", "NET CHANGE", "ADJUSTMENT", "TOTAL TODAY")
_TOTALS = {"TOTAL REGISTERED": "registered", "TOTAL ELIGIBLE": "eligible", "COMBINED TOTAL": "total"}
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
    part, rows = wanted["part"], sheet_rows(body, SHEET)
    stated = next((found[1] for row in rows for cell in row if (found := _ACTIVITY.search(str(cell)))), "")
    activity = pd.to_datetime(stated, format="%m/%d/%Y", errors="coerce")
    if pd.isna(activity):
        raise SourceError("no readable 'Activity Date: m/d/yyyy'; the report's layout has changed")
    words = [[" ".join(str(cell).split()).upper() for cell in row] for row in rows]
    missing = f"no row with the headings {', '.join(_HEADINGS)}; the report's layout has changed"
    columns = _columns(words[heading(words, _columns, missing)])
    depositories, totals = _read(rows, columns)
    _refuse_wrong_sums(depositories, totals["today"])
    if part != "depositories":
        return observations([activity], value=totals.loc[[part], "today"], previous=totals.loc[[part], "previous"])
    dated = depositories.assign(observed_for=activity.as_unit("us"))
    return dated[["observed_for", "depository", "category", *COLUMNS]]


def _columns(words: Sequence[object]) -> list[int]:
    """Where each heading stands in a row; empty where one is missing."""
    found = [[at for at, word in enumerate(words) if str(word).startswith(one)][:1] for one in _HEADINGS]
    return [at for places in found for at in places] if all(found) else []


def _read(rows: Rows, columns: list[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every depository's lines, and the totals by name."""
    labels: list[tuple[str, str]] = []
    cells: list[list[object]] = []
    depository = ""
    for row in rows:
        label = " ".join(str(row[0]).split()) if row else ""
        own = [row[column] if column < len(row) else None for column in columns]
        if label.upper() in _TOTALS:
            labels.append(("", _TOTALS[label.upper()]))
        elif label.lower() in _CATEGORIES and depository:
            labels.append((depository, label.lower()))
        else:
            filled = any(isinstance(cell, int | float) for cell in own)
            depository = depository if not label or label.lower() in ("total", "total pledged") or filled else label
            continue
        cells.append(own)
    table = pd.DataFrame(labels, columns=["depository", "category"])
    for at, name in enumerate(COLUMNS):
        table[name] = numbers(row[at] for row in cells).fillna(0.0)
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
