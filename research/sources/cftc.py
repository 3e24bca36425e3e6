"""CFTC: Commitments of Traders, futures only, disaggregated and legacy, from the public reporting API."""

from __future__ import annotations

import json
from datetime import datetime

import pandas as pd

from research.datasets.user_pack import ManifestLine
from research.errors import SourceError
from research.sources.catalog import Wanted
from research.sources.http import Client, Download, base_address
from research.sources.tables import need_columns, numbers

RESOURCES = {"disaggregated": "72hh-3qpy", "legacy": "6dca-aqww"}

_DATE, _CONTRACT = "report_date_as_yyyy_mm_dd", "cftc_contract_market_code"

_COLUMNS = {
    "disaggregated": {
        "open_interest": "open_interest_all",
        "producer_long": "prod_merc_positions_long",
        "producer_short": "prod_merc_positions_short",
        "swap_long": "swap_positions_long_all",
        "swap_short": "swap__positions_short_all",
        "swap_spread": "swap__positions_spread_all",
        "managed_money_long": "m_money_positions_long_all",
        "managed_money_short": "m_money_positions_short_all",
        "managed_money_spread": "m_money_positions_spread",
        "other_long": "other_rept_positions_long",
        "other_short": "other_rept_positions_short",
        "other_spread": "other_rept_positions_spread",
        "nonreportable_long": "nonrept_positions_long_all",
        "nonreportable_short": "nonrept_positions_short_all",
    },
    "legacy": {
        "open_interest": "open_interest_all",
        "noncommercial_long": "noncomm_positions_long_all",
        "noncommercial_short": "noncomm_positions_short_all",
        "noncommercial_spread": "noncomm_positions_spread_all",
        "commercial_long": "comm_positions_long_all",
        "commercial_short": "comm_positions_short_all",
        "nonreportable_long": "nonrept_positions_long_all",
        "nonreportable_short": "nonrept_positions_short_all",
    },
}
"""The API's names of the columns of *all* futures. Their namesakes are others: ``noncomm_positions_spread`` is of the
old crop year, ``…_old``, ``…_other``, ``…_1`` and ``…_2`` are parts."""

_SPELT = {
    "noncomm_positions_spread_all": "noncomm_postions_spread_all",
    "swap__positions_short_all": "swap_positions_short_all",
    "swap__positions_spread_all": "swap_positions_spread_all",
}
"""How the API spells a column, should it not be as above: it has one misspelt, and two with a second underscore."""


def download(client: Client, wanted: Wanted, former: ManifestLine) -> Download:
    """Download every week of one contract's report, as JSON."""
    base = base_address("cftc", "https://publicreporting.cftc.gov")
    return client.get(
        f"{base}/resource/{RESOURCES[wanted['report']]}.json",
        what=_what(wanted),
        kind="json",
        params={_CONTRACT: wanted["contract"], "$order": _DATE, "$limit": "50000"},
        former=former,
    )


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read the API's rows; ``wanted["column"]`` picks one column as a series.

    A week in which a number is missing is left out: null is no value.

    Raises
    ------
    SourceError
        If a column is gone, another contract came, or long and short sides do not each add up to the open interest.
    """
    what = _what(wanted)
    try:
        rows = pd.DataFrame(json.loads(body))
    except ValueError:
        raise SourceError(f"{what}: the answer is no table of rows; the provider changed its format") from None
    if rows.empty:
        raise SourceError(f"{what}: the answer holds no weeks; try again later, what is kept stays")
    columns = _COLUMNS[wanted["report"]]
    for name in columns.values():
        if name not in rows and _SPELT.get(name) in rows:
            rows[name] = rows[_SPELT[name]]
    need_columns(rows, [_DATE, _CONTRACT, *columns.values()], what)
    others = set(rows[_CONTRACT].str.strip()) - {wanted["contract"]}
    if others:
        raise SourceError(f"{what}: rows of contract {sorted(others)[0]} came too; the provider changed its filter")
    dates = pd.to_datetime(rows[_DATE], errors="coerce", format="ISO8601").astype("datetime64[us]")
    if dates.isna().any():
        raise SourceError(f"{what}: {rows[_DATE][dates.isna()].iloc[0]!r} is no date; the provider changed its format")
    table = pd.DataFrame({"observed_for": dates.dt.normalize()})
    for name, column in columns.items():
        table[name] = numbers(rows[column], what)
    table = table.dropna(ignore_index=True)
    if table.empty:
        raise SourceError(f"{what}: no week is complete; try again later, what is kept stays")
    _refuse_wrong_sums(table, wanted["report"], what)
    table = table.sort_values("observed_for", ignore_index=True)
    if picked := wanted.get("column"):
        return table[["observed_for", picked]].rename(columns={picked: "value"})
    return table


def _what(wanted: Wanted) -> str:
    return f"cftc {wanted['report']} {wanted['contract']}"


def _refuse_wrong_sums(table: pd.DataFrame, report: str, what: str) -> None:
    groups = [name.removesuffix("_long") for name in table.columns if name.endswith("_long")]
    for side in ("long", "short"):
        names = [f"{group}_{side}" for group in groups] + [name for name in table.columns if name.endswith("_spread")]
        total = table[names].sum(axis=1)
        off = (total - table["open_interest"]).abs() > 0.02 * table["open_interest"] + 5
        if off.any():
            row = table[off].iloc[0]
            raise SourceError(
                f"{what}: on {row['observed_for']:%Y-%m-%d} the {side} side adds up to {total[off].iloc[0]:,.0f} and "
                f"open interest is {row['open_interest']:,.0f}; the {report} report has changed"
            )
