"""National Bank of Poland: its price of gold, zlotys a gram, each working day since 2013."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import pandas as pd

from research.errors import SourceError
from research.sources.catalog import Wanted
from research.sources.http import Client, Download, base_address
from research.sources.tables import NOTHING, changed, from_json, need_columns, observations

_FIRST = date(2013, 1, 2)
_LONGEST_QUERY = timedelta(days=92)  # the service's limit is 93 days
_AGAIN = timedelta(days=30)
_NO_LIST = "the answer is no list of prices"


def download(client: Client, wanted: Wanted, last: date | None) -> Download:
    """Download the price list in spans of 92 days, back to 30 days before the last one kept."""
    base = base_address("national_bank_of_poland", "https://api.nbp.pl") + "/api/cenyzlota"
    end = client.now().date()
    start = max(_FIRST, last - _AGAIN) if last else _FIRST
    rows: list[object] = []
    while end >= start:  # backwards in whole spans: one without a working day would be answered by 404
        begin = max(_FIRST, end - _LONGEST_QUERY)
        part = client.get(f"{base}/{begin}/{end}/", kind="json", params={"format": "json"})
        rows += from_json(part.body, list, _NO_LIST)
        end = begin - timedelta(days=1)
    return Download(body=json.dumps(rows).encode(), address=base, retrieved_at=client.now())


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read ``[{"data": "2013-01-02", "cena": 165.83}, …]``: date, and the price of a gram of pure gold in zlotys."""
    rows: list[object] = from_json(body, list, _NO_LIST)
    if not all(isinstance(row, dict) for row in rows):
        raise changed(_NO_LIST)
    if not rows:
        raise SourceError(NOTHING)
    table = need_columns(pd.DataFrame(rows), "data", "cena")
    return observations(table["data"], value=table["cena"])
