"""FRED: the public CSV without a key, the API with ``FRED_API_KEY``, and through it every vintage (ALFRED)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from research.errors import SourceError
from research.sources.http import Client, Download, base_address
from research.sources.tables import csv_table, need_columns, numbers, series

_RELEASE_TIME = pd.Timedelta(hours=16, minutes=30)


def download(client: Client, wanted: Mapping[str, Any], former: Mapping[str, Any]) -> Download:
    """Download one series: by the API when ``FRED_API_KEY`` is set, else ``fredgraph.csv``."""
    what, identity = f"fred {wanted['id']}", str(wanted["id"])
    key = os.environ.get("FRED_API_KEY")
    if not key:
        url = base_address("fred", "https://fred.stlouisfed.org") + "/graph/fredgraph.csv"
        return client.get(url, what=what, kind="csv", params={"id": identity}, former=former)
    params = {"series_id": identity, "file_type": "json", "api_key": key}
    if wanted.get("vintages"):
        params |= {"realtime_start": "1776-07-04", "realtime_end": "9999-12-31"}
    url = base_address("fred_api", "https://api.stlouisfed.org") + "/fred/series/observations"
    return client.get(url, what=what, kind="json", params=params, former=former)


def parse(body: bytes, wanted: Mapping[str, Any], as_of: datetime) -> pd.DataFrame:
    """Read ``fredgraph.csv`` (``observation_date,DGS3MO``; ``.`` or empty is missing) or the API's JSON.

    FRED dates a month by its first day; here it is the last. With vintages, ``known_at`` is 16:30 New York on the
    day a value first appeared.
    """
    what = f"fred {wanted['id']}"
    if body.lstrip()[:1] == b"{":
        table = _parse_json(body, what, bool(wanted.get("vintages")))
        return _end_of_months(table) if wanted.get("period") == "month" else table
    table = csv_table(body, what)
    date_column = "DATE" if "DATE" in table.columns else "observation_date"
    need_columns(table, [date_column, str(wanted["id"])], what)
    read = series(table[date_column], table[str(wanted["id"])], what)
    return _end_of_months(read) if wanted.get("period") == "month" else read


def _parse_json(body: bytes, what: str, vintages: bool) -> pd.DataFrame:
    try:
        answer = json.loads(body)
        rows = pd.DataFrame(answer["observations"])
    except (ValueError, KeyError, TypeError):
        raise SourceError(f"{what}: no observations in the API's answer; the provider changed its format") from None
    if rows.empty:
        raise SourceError(f"{what}: the answer holds no values; try again later, what is kept stays")
    if int(answer.get("count", len(rows))) > len(rows):
        raise SourceError(f"{what}: only {len(rows)} of {answer['count']} rows came; the API's limit has changed")
    need_columns(rows, ["date", "value"], what)
    if not vintages:
        return series(rows["date"], rows["value"], what)
    need_columns(rows, ["realtime_start"], what)
    rows["value"] = numbers(rows["value"], what)
    rows = rows[rows["value"].notna()]
    local = pd.to_datetime(rows["realtime_start"]) + _RELEASE_TIME
    table = pd.DataFrame(
        {
            "observed_for": pd.to_datetime(rows["date"]).astype("datetime64[us]"),
            "value": rows["value"],
            "known_at": local.dt.tz_localize("America/New_York").dt.tz_convert("UTC").astype("datetime64[us, UTC]"),
        }
    )
    return table.sort_values(["observed_for", "known_at"], ignore_index=True)


def _end_of_months(table: pd.DataFrame) -> pd.DataFrame:
    ends = table["observed_for"] + pd.offsets.MonthEnd(0)
    return table.assign(observed_for=ends.astype("datetime64[us]"))
