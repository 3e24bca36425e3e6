"""FRED: the public CSV without a key, the API with ``FRED_API_KEY``, and through it every vintage (ALFRED).

Without a key the server has been seen to leave programs that do not name themselves as browsers do without an answer:
the client calls itself ``Mozilla/5.0 (compatible; assay/…)``. When it stays silent all the same, series of the Federal
Reserve come from DBnomics, which copies the Reserve's own release.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import datetime

import pandas as pd

from research.datasets.user_pack import ManifestLine
from research.errors import SourceError
from research.sources.catalog import Wanted
from research.sources.http import Client, Download, Unreachable, base_address, user_agent
from research.sources.tables import csv_table, need_columns, numbers, series

_RELEASE_TIME = pd.Timedelta(hours=16, minutes=30)


def download(client: Client, wanted: Wanted, former: ManifestLine) -> Download:
    """Download one series: by the API when ``FRED_API_KEY`` is set, else ``fredgraph.csv``, else from DBnomics."""
    what, identity = f"fred {wanted['id']}", wanted["id"]
    key = os.environ.get("FRED_API_KEY")
    if not key:
        url = base_address("fred", "https://fred.stlouisfed.org") + "/graph/fredgraph.csv"
        manners = {"User-Agent": f"Mozilla/5.0 (compatible; {user_agent()})", "Accept": "text/csv,*/*;q=0.8"}
        try:
            return client.get(url, what=what, kind="csv", params={"id": identity}, former=former, headers=manners)
        except Unreachable as silence:
            return _from_dbnomics(client, wanted, former, silence)
    params = {"series_id": identity, "file_type": "json", "api_key": key}
    if wanted.get("vintages"):
        params |= {"realtime_start": "1776-07-04", "realtime_end": "9999-12-31"}
    url = base_address("fred_api", "https://api.stlouisfed.org") + "/fred/series/observations"
    return client.get(url, what=what, kind="json", params=params, former=former)


def _from_dbnomics(client: Client, wanted: Wanted, former: ManifestLine, silence: Unreachable) -> Download:
    """The same series copied from the Federal Reserve, where there is one; else the silence is the answer."""
    copy = wanted.get("dbnomics")
    try:
        if copy:
            url = f"{base_address('dbnomics', 'https://api.db.nomics.world')}/v22/series/{copy}"
            got = client.get(url, what=f"dbnomics {copy}", kind="json", params={"observations": "1"}, former=former)
            return replace(got, second_hand=True, note=f"FRED did not answer: {copy} from DBnomics")
    except SourceError:
        silence.add_note(f"nor did DBnomics give {copy}")
    raise silence


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read ``fredgraph.csv`` (``observation_date,DGS3MO``; ``.`` or empty is missing) or the API's JSON.

    FRED dates a month by its first day; here it is the last. With vintages, ``known_at`` is 16:30 New York on the
    day a value first appeared.
    """
    what = f"fred {wanted['id']}"
    if body.lstrip()[:1] != b"{":
        table = csv_table(body, what)
        date_column = "DATE" if "DATE" in table.columns else "observation_date"
        need_columns(table, [date_column, wanted["id"]], what)
        table = series(table[date_column], table[wanted["id"]], what)
    elif wanted.get("dbnomics") and b'"series"' in body[:100_000]:
        table = _parse_dbnomics(body, wanted["dbnomics"], what)
    else:
        table = _parse_json(body, what, bool(wanted.get("vintages")))
    if wanted.get("period") == "month":
        table["observed_for"] = (table["observed_for"] + pd.offsets.MonthEnd(0)).astype("datetime64[us]")
    return table


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


def _parse_dbnomics(body: bytes, copy: str, what: str) -> pd.DataFrame:
    try:
        (one,) = json.loads(body)["series"]["docs"]
        found = "/".join(str(one[name]) for name in ("provider_code", "dataset_code", "series_code"))
        days, values = one["period_start_day"], one["value"]
    except (ValueError, KeyError, TypeError):
        raise SourceError(f"{what}: not the answer of DBnomics that was agreed; it changed its format") from None
    if found != copy or len(days) != len(values):
        raise SourceError(f"{what}: DBnomics sent {found} where {copy} was asked for; it changed its format")
    return series(days, values, what)
