"""Providers that publish Excel workbooks: World Bank, LBMA, World Gold Council and CME Group.

Each has a pure ``parse_…(body, wanted, as_of)``, as the catalogue names the provider.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from research.errors import SourceError
from research.sources.catalog import Wanted
from research.sources.tables import Rows, heading, month_end, monthly, numbers, observations, sheet_rows
from research.units import TROY_OUNCES_PER_TONNE

# Sheets that are read.
PINK_SHEET, CHANGES, STOCKS = "Monthly Prices", "Monthly", "Daily Metal Stocks Report"

# Numbers of a line of the warehouse stocks, in the order of their headings.
COLUMNS = ("previous", "received", "withdrawn", "net_change", "adjustment", "today")

_HEADINGS = ("prev tot", "received", "withdrawn", "net change", "adjustment", "total today")
_TOTALS = {"total registered": "registered", "total eligible": "eligible", "combined total": "total"}
_CATEGORIES = ("registered", "pledged", "eligible")
_ACTIVITY = re.compile(r"Activity Date:\s*(\d{1,2}/\d{1,2}/\d{4})")
_AGGREGATES = ("world", "total", "all countries", "euro area", "advanced", "emerging")


def parse_world_bank(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read one column of the Pink Sheet: names in one row, units below, months as ``1960M01``.

    Raises
    ------
    SourceError
        If the sheet or column is missing, or the unit is not dollars per troy ounce.
    """
    name, rows = wanted["column"], sheet_rows(body, PINK_SHEET)
    words = _words(rows)
    missing = f"no column {name!r} in {PINK_SHEET!r}; the provider renamed its columns"
    at = heading(words, lambda row: name.lower() in row, missing)
    column = words[at].index(name.lower())
    unit = words[at + 1][column] if at + 1 < len(words) else ""
    if unit not in ("($/troy oz)", "$/troy oz"):
        raise SourceError(f"the unit under the column is {unit!r}, not $/troy oz; the provider changed it")
    return monthly(rows[at + 2 :], column)


def parse_lbma(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read what lies in London's vaults of one metal, converted from thousands of troy ounces to tonnes.

    Months stand as ``2026-04`` or as a date on their first day. A blank label at the newest end is the month after
    its neighbour, where that month is over at ``as_of``.

    Raises
    ------
    SourceError
        If the metals' headings are missing, or the unit is not thousands of troy ounces.
    """
    rows = sheet_rows(body)
    words = _words(rows)
    missing = "no headings 'Gold' and 'Silver'; the provider changed its format"
    at = heading(words, lambda row: "gold" in row and "silver" in row, missing)
    column = words[at].index(wanted["metal"])
    above_and_below = " ".join(" ".join(row) for row in words[max(0, at - 1) : at + 2])
    if "ounces" not in above_and_below or "000" not in above_and_below:
        raise SourceError("the unit is not thousands of troy ounces any more; the provider changed it")
    cells = [(month_end(row[0]), row[0], row[column]) for row in rows[at + 1 :] if len(row) > column]
    dated = [
        (month, value)
        for month, label, value in cells
        if month is not None or (not str(label).strip() and isinstance(value, int | float))
    ]
    table = monthly([(_labelled(dated, row, as_of), value) for row, (_, value) in enumerate(dated)], 1)
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


def parse_world_gold_council(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Sum the countries of ``Changes_latest_as_of_…_IFS.xlsx``, sheet ``Monthly``, by month, in tonnes.

    The workbook is behind a free login whose terms forbid automatic download, so it is added by hand. The sheet has
    one row per country and one column per month (dates in its heading). These are *reported* changes, without the
    estimate of unreported buying.

    Raises
    ------
    SourceError
        If another workbook is asked for, or the sheet has no heading with at least twelve months.
    """
    if wanted["sheet"] != "official changes":
        raise SourceError("this workbook is not read as it is; save date and value as CSV")
    rows = sheet_rows(body, CHANGES)
    missing = f"no row of months in the sheet {CHANGES!r}; the provider changed its format"
    at = heading(rows, lambda row: len(_months(row)) >= 12, missing)
    months = _months(rows[at])
    countries = [row for row in rows[at + 1 :] if _is_country(row[: min(months)])]
    sums = {
        month: numbers(row[column] if column < len(row) else None for row in countries).sum(min_count=1)
        for column, month in months.items()
    }
    return observations(sums, value=sums.values())


def _months(row: Sequence[object]) -> dict[int, pd.Timestamp]:
    """Column -> last day of the month, for the cells that are dates."""
    dated = {column: month_end(cell) for column, cell in enumerate(row) if hasattr(cell, "year")}
    return {column: month for column, month in dated.items() if month is not None}


def _is_country(names: Sequence[object]) -> bool:
    words = " ".join(str(cell) for cell in names).strip().lower()
    return bool(words) and not any(name in words for name in _AGGREGATES)


def parse_cme(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read COMEX's stocks: a total (``registered``, ``eligible``, ``total``), or every depository.

    The report has the latest day only, so that every fetch archives one. The period is its *activity date*. Ounces.
    ``previous`` is the total of the day before as this report has it, to be compared with what is kept.

    Raises
    ------
    SourceError
        If the sheet, the date, a heading or a total is missing, or the parts do not add up to the totals.
    """
    part, rows = wanted["part"], sheet_rows(body, STOCKS)
    stated = next((found[1] for row in rows for cell in row if (found := _ACTIVITY.search(str(cell)))), "")
    activity = pd.to_datetime(stated, format="%m/%d/%Y", errors="coerce")
    if pd.isna(activity):
        raise SourceError("no readable 'Activity Date: m/d/yyyy'; the report's layout has changed")
    words = _words(rows)
    missing = f"no row with the headings {', '.join(_HEADINGS).upper()}; the report's layout has changed"
    columns = _columns(words[heading(words, _columns, missing)])
    depositories, totals = _stocks(rows, columns)
    _refuse_wrong_sums(depositories, totals["today"])
    if part != "depositories":
        return observations([activity], value=totals.loc[[part], "today"], previous=totals.loc[[part], "previous"])
    dated = depositories.assign(observed_for=activity.as_unit("us"))
    return dated[["observed_for", "depository", "category", *COLUMNS]]


def _columns(words: Sequence[str]) -> list[int]:
    """Where each heading stands in a row; empty where one is missing."""
    found = [next((at for at, word in enumerate(words) if word.startswith(one)), -1) for one in _HEADINGS]
    return found if min(found) >= 0 else []


def _stocks(rows: Rows, columns: list[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every depository's lines, and the totals by name."""
    lines: list[dict[str, object]] = []
    depository = ""
    for row in rows:
        label = " ".join(str(row[0]).split()) if row else ""
        name = label.lower()
        cells = [row[column] if column < len(row) else None for column in columns]
        if name in _TOTALS:
            lines.append({"depository": "", "category": _TOTALS[name], **dict(zip(COLUMNS, cells, strict=True))})
        elif name in _CATEGORIES and depository:
            lines.append({"depository": depository, "category": name, **dict(zip(COLUMNS, cells, strict=True))})
        elif label and name not in ("total", "total pledged") and not any(isinstance(c, int | float) for c in cells):
            depository = label
    table = pd.DataFrame(lines, columns=["depository", "category", *COLUMNS])
    table[list(COLUMNS)] = table[list(COLUMNS)].apply(lambda column: numbers(column).fillna(0.0))
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


def _words(rows: Rows) -> list[list[str]]:
    """Cells as small letters, without the stars of footnotes."""
    return [[" ".join(str(cell).split()).rstrip("*").rstrip().lower() for cell in row] for row in rows]
