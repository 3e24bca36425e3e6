"""LBMA: gold and silver held in London vaults, month by month, from the workbook linked on its data page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

import pandas as pd

from research.errors import SourceError
from research.sources.http import Client, Download, base_address
from research.sources.tables import TROY_OUNCES_PER_TONNE, month_end, series, sheet_rows

PAGE = "/prices-and-data/london-vault-data"

_LINK = re.compile(r"""href=["']([^"']*vault[^"']*\.xlsx)["']""", re.IGNORECASE)


def download(client: Client, wanted: Mapping[str, Any], former: Mapping[str, Any]) -> Download:
    """Find the newest workbook on the vault page (the first linked), then download it."""
    base = base_address("lbma", "https://www.lbma.org.uk")
    page = client.get(base + PAGE, what="lbma vault page", kind="html")
    link = _LINK.search(page.body.decode("utf-8", errors="replace"))
    if link is None:
        raise SourceError(
            f"lbma vaults: no workbook is linked on {page.address}; download it by hand and use `assay data add`"
        )
    return client.get(urljoin(page.address, link.group(1)), what="lbma vaults", kind="excel", former=former)


def parse(body: bytes, wanted: Mapping[str, Any], as_of: datetime) -> pd.DataFrame:
    """Read one metal, converted from thousands of troy ounces to tonnes.

    Months stand as ``2026-04`` or as a date on their first day.

    Raises
    ------
    SourceError
        If the metals' headings are missing, or the unit is not thousands of troy ounces.
    """
    metal = str(wanted["metal"])
    what = f"lbma vault {metal}"
    rows = sheet_rows(body, what)
    headings = [[str(cell).strip().lower() for cell in row] for row in rows]
    at = next((number for number, row in enumerate(headings) if "gold" in row and "silver" in row), None)
    if at is None:
        raise SourceError(f"{what}: no headings 'Gold' and 'Silver'; the provider changed its format")
    column = headings[at].index(metal)
    above_and_below = " ".join(" ".join(row) for row in headings[max(0, at - 1) : at + 2])
    if "ounces" not in above_and_below or "000" not in above_and_below:
        raise SourceError(f"{what}: the unit is not thousands of troy ounces any more; the provider changed it")
    months = [(month_end(row[0]), row[column]) for row in rows[at + 1 :] if row and len(row) > column]
    dated = [(month, value) for month, value in months if month is not None]
    table = series([month for month, _ in dated], [value for _, value in dated], what)
    return table.assign(value=table["value"] * 1000 / TROY_OUNCES_PER_TONNE)
