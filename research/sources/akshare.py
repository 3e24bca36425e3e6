"""Shanghai prices and receipts, and a copy of the COMEX totals, through the optional package akshare."""

from __future__ import annotations

import re
from datetime import date, datetime

import pandas as pd

from research.errors import SourceError
from research.sources import tables
from research.sources.catalog import Wanted
from research.sources.http import Client, Download, asked_quietly

# Releases before do not read the receipts of Shanghai's present page.
INSTALL = "pip install --upgrade 'akshare>=1.18.98'"

_CLOSE = ("Asia/Shanghai", 17)
_RECEIPTS = "futures_shfe_warehouse_receipt"


def download(client: Client, wanted: Wanted, last: date | None) -> Download:
    """Call one function of akshare and keep its table as CSV bytes.

    Raises
    ------
    SourceError
        If akshare is not installed, lacks the function, or fails.
    """
    name = wanted["function"]
    try:
        import akshare
    except ImportError:
        raise SourceError(f"the package akshare is not installed; {INSTALL}") from None
    if tuple(int(part) for part in re.findall(r"\d+", akshare.__version__)[:3]) < (1, 18, 98):
        raise SourceError(f"akshare {akshare.__version__} does not read the exchanges' present pages; {INSTALL}")
    function = getattr(akshare, name, None)
    if function is None:
        raise SourceError(f"akshare {akshare.__version__} has no {name}; it is too old or renamed it, {INSTALL}")
    day = _last_weekday(client.now())
    asked = {"date": f"{day:%Y%m%d}"} if name == _RECEIPTS else {"symbol": wanted["argument"]}
    answer = client.patiently(lambda: asked_quietly("akshare", lambda: function(**asked)), f"akshare {name}")
    if name == _RECEIPTS:
        if not isinstance(answer, dict) or wanted["variety"] not in answer:
            when = "on that day (a holiday, or renamed); try again later"
            raise SourceError(f"no table for {wanted['variety']} {when}")
        answer = answer[wanted["variety"]].assign(day=f"{day:%Y-%m-%d}")
    if not isinstance(answer, pd.DataFrame) or answer.empty:
        raise SourceError("akshare gave no rows; try again later, what is kept stays")
    return Download(body=answer.to_csv(index=False).encode(), address=f"akshare:{name}", retrieved_at=client.now())


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read the table: a date and a value column, or one day's warehouse receipts, summed over warehouses.

    A day that is not complete (17:00 Shanghai) is dropped.
    """
    table = tables.csv_table(body)
    if wanted["function"] == _RECEIPTS:
        tables.need_columns(table, "day", "WHABBRNAME", "WRTWGHTS")
        return tables.observations(table["day"].iloc[:1], value=[_total(table)])
    tables.need_columns(table, wanted["date"], wanted["value"])
    found = tables.observations(table[wanted["date"]], value=table[wanted["value"]])
    return found[found["observed_for"] <= _last_weekday(as_of)].reset_index(drop=True)


def _total(table: pd.DataFrame) -> float:
    """The grand total as printed, checked against the warehouses' sum."""
    names = table["WHABBRNAME"].str.strip()
    weights = tables.numbers(table["WRTWGHTS"])
    grand = weights[names.str.contains("总计")]
    single = weights[~names.str.contains("总计|合计|小计")].sum()
    if len(grand) and abs(float(grand.iloc[-1]) - single) > 0.5:
        raise SourceError(f"warehouses add up to {single:,.0f}, the table's total is {grand.iloc[-1]:,.0f}")
    return float(single)


def _last_weekday(moment: datetime) -> pd.Timestamp:
    day = tables.last_complete_day(moment, *_CLOSE)
    return day - pd.Timedelta(days=max(0, day.weekday() - 4))
