"""FRED: the public CSV without a key, the API with ``FRED_API_KEY``, and DBnomics where FRED is silent."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date, datetime

import pandas as pd

from research.errors import SourceError
from research.sources import tables
from research.sources.catalog import Wanted
from research.sources.http import Client, Download, Unreachable, base_address, user_agent


def download(client: Client, wanted: Wanted, last: date | None) -> Download:
    """Download one series: by the API when ``FRED_API_KEY`` is set, else ``fredgraph.csv``, else from DBnomics.

    Without a key the server has been seen to leave programs that do not name themselves as browsers do without an
    answer: the client calls itself ``Mozilla/5.0 (compatible; assay/…)``. When it stays silent all the same, series of
    the Federal Reserve come from DBnomics, which copies the Reserve's own release.
    """
    if key := os.environ.get("FRED_API_KEY"):
        params = {"series_id": wanted["id"], "file_type": "json", "api_key": key}
        url = base_address("fred_api", "https://api.stlouisfed.org") + "/fred/series/observations"
        return client.get(url, kind="json", params=params)
    url = base_address("fred", "https://fred.stlouisfed.org") + "/graph/fredgraph.csv"
    manners = {"User-Agent": f"Mozilla/5.0 (compatible; {user_agent()})", "Accept": "text/csv,*/*;q=0.8"}
    try:
        return client.get(url, kind="csv", params={"id": wanted["id"]}, headers=manners)
    except Unreachable as silence:
        if not (copy := wanted.get("dbnomics")):
            raise
        url = f"{base_address('dbnomics', 'https://api.db.nomics.world')}/v22/series/{copy}"
        try:
            got = client.get(url, kind="json", params={"observations": "1"})
        except SourceError:
            silence.add_note(f"nor did DBnomics give {copy}")
            raise silence from None
        return replace(got, second_hand=f"FRED did not answer: {copy} from DBnomics")


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read ``fredgraph.csv`` (``observation_date,DGS3MO``; ``.`` or empty is missing) or the API's JSON.

    FRED dates a month by its first day; here it is the last.
    """
    if body.lstrip()[:1] != b"{":
        table = tables.csv_table(body)
        date_column = "DATE" if "DATE" in table.columns else "observation_date"
        tables.need_columns(table, date_column, wanted["id"])
        table = tables.observations(table[date_column], value=table[wanted["id"]])
    elif wanted.get("dbnomics") and b'"series"' in body[:100_000]:
        table = _dbnomics(body, wanted["dbnomics"])
    else:
        table = _api(body)
    if wanted.get("period") == "month":
        table["observed_for"] = (table["observed_for"] + pd.offsets.MonthEnd(0)).astype("datetime64[us]")
    return table


def _api(body: bytes) -> pd.DataFrame:
    def pick(answer: tables.Answer) -> pd.DataFrame:
        return pd.DataFrame(answer["observations"]).assign(count=answer.get("count", 0))

    rows = tables.json_table(body, "no observations in the API's answer", "date", "value", pick=pick)
    if (count := int(rows["count"].iloc[0])) > len(rows):
        raise SourceError(f"only {len(rows)} of {count} rows came; the API's limit has changed")
    return tables.observations(rows["date"], value=rows["value"])


def _dbnomics(body: bytes, copy: str) -> pd.DataFrame:
    def pick(answer: tables.Answer) -> tuple[str, list[object], list[object]]:
        (one,) = answer["series"]["docs"]
        found = "/".join(str(one[name]) for name in ("provider_code", "dataset_code", "series_code"))
        return found, one["period_start_day"], one["value"]

    found, days, values = tables.from_json(body, pick, "not the answer of DBnomics that was agreed")
    if found != copy or len(days) != len(values):
        raise tables.changed(f"DBnomics sent {found} where {copy} was asked for")
    return tables.observations(days, value=values)
