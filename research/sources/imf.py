"""IMF: official gold by country (and the world), monthly, from International Liquidity by SDMX 3.0."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from research.errors import SourceError
from research.sources import tables
from research.sources.catalog import Wanted
from research.units import TROY_OUNCES_PER_TONNE


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read SDMX-JSON 2.0 and convert fine troy ounces to tonnes.

    Raises
    ------
    SourceError
        If the message has another shape, not exactly one series, or another country, unit or frequency.
    """
    asked = {"COUNTRY": wanted["country"], "INDICATOR": "RGV_REVS", "UNIT": "FTO", "FREQUENCY": "M"}

    def pick(answer: tables.Answer) -> tuple[int, str, dict[str, str], list[tuple[str, object]]]:
        data = answer["data"]
        structure, found = data["structures"][0]["dimensions"], data["dataSets"][0]["series"]
        identity = {one["id"]: [value["id"] for value in one["values"]] for one in structure["series"]}
        periods = [value["value"] for value in structure["observation"][0]["values"]]
        key, only = next(iter(found.items()))
        cells = [(periods[int(at)], cells[0]) for at, cells in only["observations"].items()]
        return len(found), key, {name: identity.get(name, [""])[0] for name in asked}, cells

    count, key, chosen, cells = tables.from_json(body, pick, "not the SDMX-JSON message that was agreed")
    if count != 1 or chosen != asked:
        raise SourceError(f"{count} series came, the first {'.'.join(chosen.values())} ({key}); not what was asked for")
    table = tables.monthly(cells, 1)
    return table.assign(value=table["value"] / TROY_OUNCES_PER_TONNE)
