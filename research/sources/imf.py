"""IMF: official gold by country (and the world), monthly, from International Liquidity by SDMX 3.0."""

from __future__ import annotations

import json
from datetime import datetime

import pandas as pd

from research.datasets.user_pack import ManifestLine
from research.errors import SourceError
from research.sources.catalog import Wanted
from research.sources.http import Client, Download, base_address
from research.sources.tables import monthly
from research.units import TROY_OUNCES_PER_TONNE


def download(client: Client, wanted: Wanted, former: ManifestLine) -> Download:
    """Download ``COUNTRY.RGV_REVS.FTO.M``: gold reserves, volume, fine troy ounces, monthly.

    Unasked the service may send XML, so JSON is asked for.
    """
    base = base_address("imf", "https://api.imf.org")
    key = f"{wanted['country']}.RGV_REVS.FTO.M"
    return client.get(
        f"{base}/external/sdmx/3.0/data/dataflow/IMF.STA/IL/+/{key}",
        what=_what(wanted),
        kind="json",
        former=former,
        headers={"Accept": "application/vnd.sdmx.data+json;version=2.0.0, application/json;q=0.9"},
    )


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read SDMX-JSON 2.0 and convert fine troy ounces to tonnes.

    Raises
    ------
    SourceError
        If the message has another shape, not exactly one series, or another country, unit or frequency.
    """
    what = _what(wanted)
    try:
        data = json.loads(body)["data"]
        structure = data["structures"][0]["dimensions"]
        found = data["dataSets"][0]["series"]
        identity = {one["id"]: [value["id"] for value in one["values"]] for one in structure["series"]}
        periods = [value["value"] for value in structure["observation"][0]["values"]]
        key, only = next(iter(found.items()))
        observations = {periods[int(at)]: cells[0] for at, cells in only["observations"].items()}
    except (ValueError, KeyError, IndexError, TypeError, StopIteration):
        raise SourceError(
            f"{what}: not the SDMX-JSON message that was agreed; the provider changed its format"
        ) from None
    asked = {"COUNTRY": wanted["country"], "INDICATOR": "RGV_REVS", "UNIT": "FTO", "FREQUENCY": "M"}
    chosen = {name: identity.get(name, [""])[0] for name in asked}
    if len(found) != 1 or chosen != asked:
        raise SourceError(
            f"{what}: {len(found)} series came, the first {'.'.join(chosen.values())} ({key}); not what was asked for"
        )
    table = monthly(list(observations.items()), 1, what)
    return table.assign(value=table["value"] / TROY_OUNCES_PER_TONNE)


def _what(wanted: Wanted) -> str:
    return f"imf gold {wanted['country']}"
