"""ECB: euro reference rates, and from them crosses such as yuan per dollar."""

from __future__ import annotations

import zipfile
from datetime import datetime
from io import BytesIO

import pandas as pd

from research.errors import SourceError
from research.sources import tables
from research.sources.catalog import Wanted

_LARGEST_CSV = 32 * 2**20


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
    table = tables.need_columns(tables.csv_table(content).rename(columns=str.strip), "Date", over, under)
    return tables.observations(table["Date"], value=tables.numbers(table[over]) / tables.numbers(table[under]))
