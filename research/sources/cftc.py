"""CFTC: Commitments of Traders, futures only, disaggregated and legacy, from the public reporting API."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from research.errors import SourceError
from research.sources import tables
from research.sources.catalog import Wanted, spellings

_DATE, _CONTRACT = "report_date_as_yyyy_mm_dd", "cftc_contract_market_code"


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read the API's rows; ``wanted["column"]`` picks one column as a series.

    A week in which a number is missing is left out: null is no value.

    Raises
    ------
    SourceError
        If a column is gone, another contract came, or long and short sides do not each add up to the open interest.
    """
    rows = tables.json_table(body, "the answer is no table of rows", _DATE, _CONTRACT)
    names = spellings(wanted["report"])
    columns = {name: next((one for one in spelt if one in rows), spelt[0]) for name, spelt in names.items()}
    tables.need_columns(rows, *columns.values())
    if others := set(rows[_CONTRACT].str.strip()) - {wanted["contract"]}:
        raise SourceError(f"rows of contract {min(others)} came too; the provider changed its filter")
    table = tables.observations(rows[_DATE], **{name: rows[column] for name, column in columns.items()})
    _refuse_wrong_sums(table, wanted["report"])
    picked = wanted.get("column")
    return table[["observed_for", picked]].rename(columns={picked: "value"}) if picked else table


def _refuse_wrong_sums(table: pd.DataFrame, report: str) -> None:
    for side in ("long", "short"):
        total = table[[name for name in table.columns if name.endswith((f"_{side}", "_spread"))]].sum(axis=1)
        off = (total - table["open_interest"]).abs() > 0.02 * table["open_interest"] + 5
        if off.any():
            row = table[off].iloc[0]
            raise SourceError(
                f"on {row['observed_for']:%Y-%m-%d} the {side} side adds up to {total[off].iloc[0]:,.0f} and "
                f"open interest is {row['open_interest']:,.0f}; the {report} report has changed"
            )
