"""National Bank of Poland: its price of gold, zlotys a gram, each working day since 2013."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import pandas as pd

from research.sources import tables
from research.sources.catalog import Wanted
from research.sources.http import Client, Download, base_address

_FIRST_LIST = date(2013, 1, 2)
_LONGEST_QUERY = timedelta(days=92)  # the service has a limit of 93 days
_AGAIN = timedelta(days=30)
_NO_LIST = "the answer is no list of prices"


def download(client: Client, wanted: Wanted, last: date | None) -> Download:
    """Download the price list in spans of 92 days, back to 30 days before the last one kept."""
    base = base_address("national_bank_of_poland", "https://api.nbp.pl") + "/api/cenyzlota"
    end = client.now().date()
    start = max(_FIRST_LIST, last - _AGAIN) if last else _FIRST_LIST
    rows: list[object] = []
    while end >= start:  # backwards in whole spans: one without a working day would be answered by 404
        begin = max(_FIRST_LIST, end - _LONGEST_QUERY)
        part = client.get(f"{base}/{begin}/{end}/", kind="json", params={"format": "json"})
        rows += tables.from_json(part.body, list, _NO_LIST)
        end = begin - timedelta(days=1)
    return Download(body=json.dumps(rows).encode(), address=base, retrieved_at=client.now())


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read ``[{"data": "2013-01-02", "cena": 165.83}, …]``: date, and the price of a gram of pure gold in zlotys."""
    table = tables.json_table(body, _NO_LIST, "data", "cena")
    return tables.observations(table["data"], value=table["cena"])
