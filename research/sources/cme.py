"""CME Group: COMEX warehouse stocks, the latest day only, so that every fetch archives one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from research.datasets.user_pack import ManifestLine
from research.errors import SourceError
from research.sources.catalog import Wanted
from research.sources.http import Client, Download, base_address
from research.sources.tables import numbers, series, sheet_rows

FILES = {"gold": "Gold_Stocks.xls", "silver": "Silver_stocks.xls"}
SHEET = "Daily Metal Stocks Report"
COLUMNS = ("previous", "received", "withdrawn", "net_change", "adjustment", "today")

_HEADINGS = ("PREV TOT", "RECEIVED", "WITHDRAWN", "NET CHANGE", "ADJUSTMENT", "TOTAL TODAY")
_TOTALS = {"TOTAL REGISTERED": "registered", "TOTAL ELIGIBLE": "eligible", "COMBINED TOTAL": "total"}
_CATEGORIES = ("registered", "pledged", "eligible")
_ACTIVITY = re.compile(r"Activity Date:\s*(\d{1,2}/\d{1,2}/\d{4})")

Rows = Sequence[Sequence[object]]


def download(client: Client, wanted: Wanted, former: ManifestLine) -> Download:
    """Download the day's report of one metal."""
    base = base_address("cme", "https://www.cmegroup.com")
    return client.get(
        f"{base}/delivery_reports/{FILES[wanted['metal']]}", what=_what(wanted), kind="excel", former=former
    )


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read the report: a total (``registered``, ``eligible``, ``total``), or every depository.

    The period is the report's *activity date*. Ounces. ``previous`` is the total of the day before as this report has
    it, to be compared with what is kept.

    Raises
    ------
    SourceError
        If the sheet, the date, a heading or a total is missing, or the parts do not add up to the totals.
    """
    what, part = _what(wanted), wanted["part"]
    rows = sheet_rows(body, what, SHEET)
    activity = _activity_date(rows, what)
    depositories, totals = _read(rows, _heading_columns(rows, what), what)
    _refuse_wrong_sums(depositories, totals["today"], what)
    if part == "depositories":
        return depositories.assign(observed_for=activity)[["observed_for", "depository", "category", *COLUMNS]]
    return series([activity], totals.loc[[part], "today"], what).assign(
        previous=totals.loc[[part], "previous"].to_numpy()
    )


def _activity_date(rows: Rows, what: str) -> pd.Timestamp:
    cells = (str(cell) for row in rows for cell in row)
    found = next((match for cell in cells if (match := _ACTIVITY.search(cell))), None)
    day = pd.to_datetime(found[1] if found else "", format="%m/%d/%Y", errors="coerce")
    if pd.isna(day):
        raise SourceError(f"{what}: no readable 'Activity Date: m/d/yyyy'; the report's layout has changed")
    return pd.Timestamp(day).as_unit("us")


def _heading_columns(rows: Rows, what: str) -> list[int]:
    for row in rows:
        cells = [" ".join(str(cell).split()).upper() for cell in row]
        found = [next((at for at, cell in enumerate(cells) if cell.startswith(one)), -1) for one in _HEADINGS]
        if -1 not in found:
            return found
    raise SourceError(f"{what}: no row with the headings {', '.join(_HEADINGS)}; the report's layout has changed")


def _read(rows: Rows, columns: list[int], what: str) -> tuple[pd.DataFrame, pd.DataFrame]:
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
        table[name] = numbers([row[at] for row in cells], what).fillna(0.0)
    single = table["depository"] != ""
    totals = table[~single].drop_duplicates("category", keep="last").set_index("category")
    missing = set(_TOTALS.values()) - set(totals.index)
    if missing or not single.any():
        raise SourceError(
            f"{what}: no line for {', '.join(sorted(missing)) or 'any depository'}; the layout has changed"
        )
    return table[single].reset_index(drop=True), totals


def _refuse_wrong_sums(depositories: pd.DataFrame, totals: pd.Series, what: str) -> None:
    whole, parts = totals["total"], totals["registered"] + totals["eligible"]
    if abs(parts - whole) > 1 + 1e-6 * whole:
        raise SourceError(f"{what}: registered and eligible add up to {parts:,.0f}, the combined total is {whole:,.0f}")
    for category in ("registered", "eligible"):
        held = depositories.loc[depositories["category"] == category, "today"].sum()
        if abs(held - totals[category]) > 1 + 1e-6 * whole:
            raise SourceError(
                f"{what}: the depositories' {category} metal adds up to {held:,.0f}, the report's total is "
                f"{totals[category]:,.0f}; the layout has changed"
            )


def _what(wanted: Wanted) -> str:
    return f"cme {FILES[wanted['metal']]}"
