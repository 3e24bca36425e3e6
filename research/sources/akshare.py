"""Shanghai prices and receipts, and a copy of the COMEX totals, through the optional package akshare."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from research.datasets.user_pack import ManifestLine
from research.errors import SourceError
from research.sources.catalog import Wanted
from research.sources.http import Client, Download, Passing
from research.sources.packaged import one_line, quietly
from research.sources.tables import csv_table, need_columns, numbers, series

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_DAY_IS_COMPLETE = 17
_RECEIPTS = "futures_shfe_warehouse_receipt"

NEEDED = "pip install --upgrade 'akshare>=1.18.98'"
"""Releases before do not read the receipts of Shanghai's present page."""


def download(client: Client, wanted: Wanted, former: ManifestLine) -> Download:
    """Call one function of akshare and keep its table as CSV bytes.

    Raises
    ------
    SourceError
        If akshare is not installed, lacks the function, or fails.
    """
    what, name = _what(wanted), wanted["function"]
    try:
        import akshare
    except ImportError:
        raise SourceError(f"{what}: the package akshare is not installed; {NEEDED}") from None
    if tuple(int(part) for part in re.findall(r"\d+", akshare.__version__)[:3]) < (1, 18, 98):
        raise SourceError(f"{what}: akshare {akshare.__version__} does not read the exchanges' present pages; {NEEDED}")
    function = getattr(akshare, name, None)
    if function is None:
        raise SourceError(f"{what}: akshare {akshare.__version__} has no {name}; it is too old or renamed it, {NEEDED}")
    day = _last_complete_day(client.now())

    def ask() -> object:
        try:
            with quietly("akshare"):
                return function(date=f"{day:%Y%m%d}") if name == _RECEIPTS else function(symbol=wanted["argument"])
        except Exception as error:  # noqa: BLE001 - akshare lets through whatever the page or pandas raised
            raise Passing(f"akshare failed ({type(error).__name__}: {one_line(error)})") from None

    answer = client.patiently(ask, what, f"akshare {name}")
    if name == _RECEIPTS:
        if not isinstance(answer, dict) or wanted["variety"] not in answer:
            line = f"no table for {wanted['variety']} on that day (a holiday, or renamed); try again later"
            raise SourceError(f"{what}: {line}")
        answer = answer[wanted["variety"]].assign(day=f"{day:%Y-%m-%d}")
    if not isinstance(answer, pd.DataFrame) or answer.empty:
        raise SourceError(f"{what}: akshare gave no rows; try again later, what is kept stays")
    return Download(body=answer.to_csv(index=False).encode(), address=f"akshare:{name}", retrieved_at=client.now())


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read the table: a date and a value column, or one day's warehouse receipts, summed over warehouses.

    A day that is not complete (17:00 Shanghai) is dropped.
    """
    what = _what(wanted)
    table = csv_table(body, what)
    if wanted["function"] == _RECEIPTS:
        need_columns(table, ["day", "WHABBRNAME", "WRTWGHTS"], what)
        return series(table["day"].iloc[:1], [_total(table, what)], what)
    need_columns(table, [wanted["date"], wanted["value"]], what)
    found = series(table[wanted["date"]], table[wanted["value"]], what)
    complete = found[found["observed_for"] <= pd.Timestamp(_last_complete_day(as_of).date())]
    return complete.reset_index(drop=True)


def _total(table: pd.DataFrame, what: str) -> float:
    """The grand total as printed, checked against the warehouses' sum."""
    names = table["WHABBRNAME"].str.strip()
    weights = numbers(table["WRTWGHTS"], what)
    grand = weights[names.str.contains("总计")]
    single = weights[~names.str.contains("总计|合计|小计")].sum()
    if len(grand) and abs(float(grand.iloc[-1]) - single) > 0.5:
        raise SourceError(f"{what}: warehouses add up to {single:,.0f}, the table's total is {grand.iloc[-1]:,.0f}")
    return float(single)


def _last_complete_day(moment: datetime) -> datetime:
    local = moment.astimezone(_SHANGHAI)
    day = local if local.hour >= _DAY_IS_COMPLETE else local - timedelta(days=1)
    return day - timedelta(days=max(0, day.weekday() - 4))


def _what(wanted: Wanted) -> str:
    return f"akshare {wanted['function']} {wanted.get('argument') or wanted.get('variety')}"
