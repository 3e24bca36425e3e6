"""Bank of Russia: accounting prices of gold, silver, platinum and palladium, from July 2008, and back in dollars."""

from __future__ import annotations

from datetime import date, datetime
from xml.etree import ElementTree

import pandas as pd

from research.errors import SourceError
from research.sources import tables
from research.sources.catalog import Wanted
from research.sources.http import Client, Download, base_address
from research.units import GRAMS_PER_TROY_OUNCE

_CODES = {"gold": "1", "silver": "2", "platinum": "3", "palladium": "4"}
_DOLLAR = "R01235"
_RATE_WITHIN = pd.Timedelta(days=14)  # the holidays of January
_DECIMALS = {"silver": 3}


def download(client: Client, wanted: Wanted, last: date | None) -> Download:
    """Download all prices of all four metals, and the official rates of the dollar, as one body."""
    base = base_address("bank_of_russia", "https://www.cbr.ru") + "/scripts/"
    span = {"date_req1": "01/07/2008", "date_req2": f"{client.now():%d/%m/%Y}"}
    later = {"date_req2": f"{client.now() + _RATE_WITHIN:%d/%m/%Y}", "VAL_NM_RQ": _DOLLAR}
    prices = client.get(base + "xml_metall.asp", kind="xml", params=span)
    rates = client.get(base + "XML_dynamic.asp", kind="xml", params=span | later)
    body = prices.body.rstrip() + b"\n" + rates.body.rstrip() + b"\n"
    return Download(body=body, address=prices.address, retrieved_at=rates.retrieved_at)


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read one metal in dollars a troy ounce; a price that no official rate follows yet is left out.

    The price of a day is London's of that day, turned into rubles a gram at the official rate that is set on that day
    and takes effect on the next. So, with the first official rate *after* the price's own day::

        dollars an ounce = rubles a gram · 31.1034768 / rubles a dollar

    23 August 2019: 3,154.36 · 31.1034768 / 65.6046 = 1,495.50, London's price to the cent.

    Raises
    ------
    SourceError
        If either part is cut or of another form, buying and selling prices differ, or a price has no rate.
    """
    metal, halves = wanted["metal"], body.strip().split(b"<?xml")[1:]
    if len(halves) != 2:
        raise SourceError(f"{len(halves)} parts came, not prices and rates; try again later")
    prices, rates = _records(halves[0], "Metall", "Code"), _records(halves[1], "ValCurs", "Id")
    prices = prices[prices["Code"] == _CODES[metal]]
    if prices.empty or rates.empty or set(rates["Id"]) != {_DOLLAR}:
        raise tables.changed("no prices, or no rates of the dollar")
    rubles, rate = _decimals(prices["Buy"]), _decimals(rates["Value"]) / _decimals(rates["Nominal"])
    if not rubles.equals(_decimals(prices["Sell"])):
        raise SourceError("buying and selling prices differ, as they have not since July 2008")
    left, right = prices[["observed_for"]].assign(rubles=rubles), rates[["observed_for"]].assign(rate=rate)
    table = pd.merge_asof(
        left.dropna().sort_values("observed_for"),
        right.dropna().sort_values("observed_for"),
        on="observed_for",
        direction="forward",
        allow_exact_matches=False,
        tolerance=_RATE_WITHIN,
    )
    lacking = table["rate"].isna()
    if (lacking & (table["observed_for"] < right["observed_for"].max())).any():
        day = table.loc[lacking, "observed_for"].iloc[0]
        raise SourceError(f"no official rate follows the price of {day:%Y-%m-%d}; the rates came with a hole")
    table = table[~lacking].reset_index(drop=True)
    if table.empty:
        raise SourceError("no price has a rate yet; try again later, what is kept stays")
    dollars = table["rubles"] * GRAMS_PER_TROY_OUNCE / table["rate"]
    return table[["observed_for"]].assign(value=dollars.round(_DECIMALS.get(metal, 2)))


def _records(half: bytes, root: str, name: str) -> pd.DataFrame:
    """The feed's ``<Record Date="dd.mm.yyyy" …>``: ``observed_for``, and attributes and children as columns of text."""
    try:
        tree = ElementTree.fromstring(b"<?xml" + half.rstrip())
        rows = [one.attrib | {child.tag: child.text or "" for child in one} for one in tree.iter("Record")]
        days = pd.to_datetime(pd.Series([row["Date"] for row in rows]), format="%d.%m.%Y")
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise SourceError(f"the XML is cut or changed ({error}); try again later") from None
    if tree.tag != root:
        raise tables.changed(f"<{tree.tag}> came where <{root}> was asked for")
    table = pd.DataFrame(rows, columns=[name, "Buy", "Sell", "Nominal", "Value"])
    return table.assign(observed_for=days.astype("datetime64[us]"))


def _decimals(cells: pd.Series) -> pd.Series:
    plain = tables.numbers(cells.map(lambda cell: cell.replace("\xa0", "").replace(",", ".") if cell else None))
    return plain.set_axis(cells.index)
