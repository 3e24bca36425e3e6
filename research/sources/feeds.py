"""Providers that answer with CSV, JSON or XML: FRED, ECB, IMF, CFTC, and the banks of Poland and of Russia.

Each has a pure ``parse_…(body, wanted, as_of)``, as the catalogue names the provider, and a ``download_…`` where one
address does not say what to ask for.
"""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import replace
from datetime import date, datetime, timedelta
from io import BytesIO
from xml.etree import ElementTree

import pandas as pd

from research.errors import SourceError
from research.sources import tables
from research.sources.catalog import Wanted, spellings
from research.sources.http import Client, Download, Unreachable, base_address, user_agent
from research.units import GRAMS_PER_TROY_OUNCE, TROY_OUNCES_PER_TONNE

_LARGEST_CSV = 32 * 2**20

_DATE, _CONTRACT = "report_date_as_yyyy_mm_dd", "cftc_contract_market_code"

_FIRST_LIST = date(2013, 1, 2)
_LONGEST_QUERY = timedelta(days=92)  # Poland's service has a limit of 93 days
_AGAIN = timedelta(days=30)
_NO_LIST = "the answer is no list of prices"

_CODES = {"gold": "1", "silver": "2", "platinum": "3", "palladium": "4"}
_DOLLAR = "R01235"
_RATE_WITHIN = pd.Timedelta(days=14)  # the holidays of January
_DECIMALS = {"silver": 3}


def download_fred(client: Client, wanted: Wanted, last: date | None) -> Download:
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


def parse_fred(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
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
        table = _fred_api(body)
    if wanted.get("period") == "month":
        table["observed_for"] = (table["observed_for"] + pd.offsets.MonthEnd(0)).astype("datetime64[us]")
    return table


def _fred_api(body: bytes) -> pd.DataFrame:
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


def parse_ecb(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
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


def parse_imf(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
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


def parse_cftc(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read the rows of the Commitments of Traders, futures only; ``wanted["column"]`` picks one column as a series.

    The catalogue has the API's names of the columns of *all* futures. Their namesakes are others:
    ``noncomm_positions_spread`` is of the old crop year, ``…_old``, ``…_other``, ``…_1`` and ``…_2`` are parts. A week
    in which a number is missing is left out: null is no value.

    Raises
    ------
    SourceError
        If a column is gone, another contract came, or long and short sides do not each add up to the open interest.
    """
    rows = tables.json_table(body, "the answer is no table of rows", _DATE, _CONTRACT)
    names = spellings(wanted["report"])
    columns = {name: next((one for one in spelt if one in rows), spelt[0]) for name, spelt in names.items()}
    tables.need_columns(rows, *columns.values())
    if others := set(rows[_CONTRACT].str.strip()) - {wanted["contract"]}:
        raise SourceError(f"rows of contract {min(others)} came too; the provider changed its filter")
    table = tables.observations(rows[_DATE], **{name: rows[column] for name, column in columns.items()})
    _refuse_wrong_sums(table, wanted["report"])
    picked = wanted.get("column")
    return table[["observed_for", picked]].rename(columns={picked: "value"}) if picked else table


def _refuse_wrong_sums(table: pd.DataFrame, report: str) -> None:
    for side in ("long", "short"):
        total = table[[name for name in table.columns if name.endswith((f"_{side}", "_spread"))]].sum(axis=1)
        off = (total - table["open_interest"]).abs() > 0.02 * table["open_interest"] + 5
        if off.any():
            row = table[off].iloc[0]
            raise SourceError(
                f"on {row['observed_for']:%Y-%m-%d} the {side} side adds up to {total[off].iloc[0]:,.0f} and "
                f"open interest is {row['open_interest']:,.0f}; the {report} report has changed"
            )


def download_national_bank_of_poland(client: Client, wanted: Wanted, last: date | None) -> Download:
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


def parse_national_bank_of_poland(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read ``[{"data": "2013-01-02", "cena": 165.83}, …]``: date, and the price of a gram of pure gold in zlotys."""
    table = tables.json_table(body, _NO_LIST, "data", "cena")
    return tables.observations(table["data"], value=table["cena"])


def download_bank_of_russia(client: Client, wanted: Wanted, last: date | None) -> Download:
    """Download all prices of all four metals, and the official rates of the dollar, as one body."""
    base = base_address("bank_of_russia", "https://www.cbr.ru") + "/scripts/"
    span = {"date_req1": "01/07/2008", "date_req2": f"{client.now():%d/%m/%Y}"}
    later = {"date_req2": f"{client.now() + _RATE_WITHIN:%d/%m/%Y}", "VAL_NM_RQ": _DOLLAR}
    prices = client.get(base + "xml_metall.asp", kind="xml", params=span)
    rates = client.get(base + "XML_dynamic.asp", kind="xml", params=span | later)
    body = prices.body.rstrip() + b"\n" + rates.body.rstrip() + b"\n"
    return Download(body=body, address=prices.address, retrieved_at=rates.retrieved_at)


def parse_bank_of_russia(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
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
