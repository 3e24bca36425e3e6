"""CME Group: COMEX warehouse stocks, the latest day only, so that every fetch archives one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd

from research.errors import SourceError
from research.sources.http import Client, Download, base_address
from research.sources.tables import numbers, series, sheet_rows

FILES = {"gold": "Gold_Stocks.xls", "silver": "Silver_stocks.xls"}
SHEET = "Daily Metal Stocks Report"
COLUMNS = ("previous", "received", "withdrawn", "net_change", "adjustment", "today")

_HEADINGS = ("PREV TOT", "RECEIVED", "WITHDRAWN", "NET CHANGE", "ADJUSTMENT", "TOTAL TODAY")
_TOTALS = {"TOTAL REGISTERED": "registered", "TOTAL ELIGIBLE": "eligible", "COMBINED TOTAL": "total"}
_CATEGORIES = ("registered", "pledged", "eligible")


def download(client: Client, wanted: Mapping[str, Any], former: Mapping[str, Any]) -> Download:
    """Download the day's report of one metal."""
    base = base_address("cme", "https://www.cmegroup.com")
    return client.get(
        f"{base}/delivery_reports/{FILES[wanted['metal']]}", what=_what(wanted), kind="excel", former=former
    )


def parse(body: bytes, wanted: Mapping[str, Any], as_of: datetime) -> pd.DataFrame:
    """Read the report: a total (``registered``, ``eligible``, ``total``), or every depository.

    The period is the report's *activity date*. Ounces. ``previous`` is the total of the day before as this report has
    it, to be compared with what is kept.

    Raises
    ------
    SourceError
        If the sheet, the date, a heading or a total is missing, or the parts do not add up to the totals.
    """
    what = _what(wanted)
    rows = sheet_rows(body, what, SHEET)
    activity = _activity_date(rows, what)
    columns = _heading_columns(rows, what)
    depositories, totals = _read(rows, columns, what)
    _refuse_wrong_sums(depositories, totals, what)
    part = str(wanted["part"])
    if part == "depositories":
        return depositories.assign(observed_for=pd.Timestamp(activity).as_unit("us"))[
            ["observed_for", "depository", "category", *COLUMNS]
        ]
    return series([activity], [totals[part]["today"]], what).assign(previous=totals[part]["previous"])


def _activity_date(rows: Sequence[Sequence[Any]], what: str) -> date:
    for row in rows:
        for cell in row:
            found = re.search(r"Activity Date:\s*(\d{1,2})/(\d{1,2})/(\d{4})", str(cell))
            if found:
                month, day, year = map(int, found.groups())
                try:
                    return date(year, month, day)
                except ValueError:
                    break
    raise SourceError(f"{what}: no readable 'Activity Date: m/d/yyyy'; the report's layout has changed")


def _heading_columns(rows: Sequence[Sequence[Any]], what: str) -> dict[str, int]:
    for row in rows:
        cells = [" ".join(str(cell).split()).upper() for cell in row]
        found = [next((at for at, cell in enumerate(cells) if cell.startswith(one)), None) for one in _HEADINGS]
        if None not in found:
            return {name: at for name, at in zip(COLUMNS, found, strict=True) if at is not None}
    raise SourceError(f"{what}: no row with the headings {', '.join(_HEADINGS)}; the report's layout has changed")


def _read(
    rows: Sequence[Sequence[Any]], columns: Mapping[str, int], what: str
) -> tuple[pd.DataFrame, dict[str, dict[str, float]]]:
    found, totals = [], {}
    depository = ""
    for row in rows:
        label = " ".join(str(row[0]).split()) if row else ""
        if label.upper() in _TOTALS:
            totals[_TOTALS[label.upper()]] = _row(row, columns, what)
        elif label.lower() in _CATEGORIES and depository:
            found.append({"depository": depository, "category": label.lower()} | _row(row, columns, what))
        elif label and label.lower() not in ("total", "total pledged") and not _has_numbers(row, columns):
            depository = label
    missing = set(_TOTALS.values()) - set(totals)
    if missing or not found:
        raise SourceError(
            f"{what}: no line for {', '.join(sorted(missing)) or 'any depository'}; the layout has changed"
        )
    return pd.DataFrame(found), totals


def _row(row: Sequence[Any], columns: Mapping[str, int], what: str) -> dict[str, float]:
    cells = [row[column] if column < len(row) else None for column in columns.values()]
    values = numbers(cells, what).fillna(0.0)
    return dict(zip(columns, values.tolist(), strict=True))


def _has_numbers(row: Sequence[Any], columns: Mapping[str, int]) -> bool:
    return any(isinstance(row[column], int | float) for column in columns.values() if column < len(row))


def _refuse_wrong_sums(depositories: pd.DataFrame, totals: Mapping[str, Mapping[str, float]], what: str) -> None:
    whole = totals["total"]["today"]
    parts = totals["registered"]["today"] + totals["eligible"]["today"]
    if abs(parts - whole) > 1 + 1e-6 * whole:
        raise SourceError(f"{what}: registered and eligible add up to {parts:,.0f}, the combined total is {whole:,.0f}")
    for category in ("registered", "eligible"):
        held = depositories.loc[depositories["category"] == category, "today"].sum()
        if abs(held - totals[category]["today"]) > 1 + 1e-6 * whole:
            raise SourceError(
                f"{what}: the depositories' {category} metal adds up to {held:,.0f}, the report's total is "
                f"{totals[category]['today']:,.0f}; the layout has changed"
            )


def _what(wanted: Mapping[str, Any]) -> str:
    return f"cme {FILES[wanted['metal']]}"
