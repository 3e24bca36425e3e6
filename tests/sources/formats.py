"""Small files in the vendors' real formats, with invented numbers."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date, datetime

import numpy as np
import pandas as pd


def fred_csv(identity: str, values: dict[str, float | str], *, date_name: str = "observation_date") -> bytes:
    return "\n".join([f"{date_name},{identity}", *(f"{day},{value}" for day, value in values.items()), ""]).encode()


def fred_json(rows: list[tuple[str, str, str]]) -> bytes:
    return json.dumps(
        {
            "realtime_start": "1776-07-04",
            "count": len(rows),
            "observations": [
                {"realtime_start": start, "realtime_end": "9999-12-31", "date": day, "value": value}
                for start, day, value in rows
            ],
        }
    ).encode()


DISAGGREGATED = {
    "open_interest_all": 1000,
    "prod_merc_positions_long": 100,
    "prod_merc_positions_short": 400,
    "swap_positions_long_all": 200,
    "swap__positions_short_all": 210,
    "swap__positions_spread_all": 50,
    "m_money_positions_long_all": 300,
    "m_money_positions_short_all": 100,
    "m_money_positions_spread": 60,
    "other_rept_positions_long": 140,
    "other_rept_positions_short": 80,
    "other_rept_positions_spread": 40,
    "nonrept_positions_long_all": 110,
    "nonrept_positions_short_all": 60,
}
LEGACY = {
    "open_interest_all": 1000,
    "noncomm_positions_long_all": 500,
    "noncomm_positions_short_all": 100,
    "noncomm_postions_spread_all": 150,
    "comm_positions_long_all": 240,
    "comm_positions_short_all": 690,
    "nonrept_positions_long_all": 110,
    "nonrept_positions_short_all": 60,
}


def _others(template: dict[str, int]) -> dict[str, str]:
    """The API's further columns: parts by crop year, changes, shares, numbers of traders, concentration, names."""
    stems = [name.removesuffix("_all") for name in template]
    groups = ("noncomm", "comm") if template is LEGACY else ("prod_merc", "swap", "m_money", "other_rept")
    found = dict.fromkeys((f"{stem}_{part}" for stem in stems for part in ("old", "other", "1", "2")), "7")
    found |= (
        dict.fromkeys(("noncomm_positions_spread", "noncomm_positions_spread_1"), "7") if "noncomm" in groups else {}
    )
    found |= {"tot_rept_positions_long_all": "9", "tot_rept_positions_short": "9", "tot_rept_positions_short_1": "9"}
    for side in ("long", "short", "spread"):
        for group in (*groups, "tot_rept", "nonrept"):
            found |= {f"change_in_{group}_{side}_all": "-3", f"pct_of_oi_{group}_{side}_all": "12.5"}
            found |= {f"traders_{group}_{side}_{part}": "21" for part in ("all", "old", "other")}
    found |= {"change_in_open_interest_all": "-3", "pct_of_open_interest_all": "100", "traders_tot_all": "300"}
    found |= {"change_in_noncomm_spead_all": "-3", "traders_noncomm_spead_old": "21"}
    for measure in ("gross_le_4_tdr", "gross_le_8_tdr", "net_le_4_tdr", "net_le_8_tdr"):
        found |= {
            f"conc_{measure}_{side}{end}": "33.1" for side in ("long", "short") for end in ("", "_1", "_2", "_all")
        }
    names = {
        **{"id": "260804F", "yyyy_report_week_ww": "2026 Report Week 46", "contract_market_name": "GOLD"},
        **{"cftc_market_code": "CMX ", "cftc_region_code": "1", "cftc_commodity_code": "88 ", "commodity_name": "GOLD"},
        **{"contract_units": "(CONTRACTS OF 100 TROY OUNCES)", "cftc_subgroup_code": "M90", "commodity": "GOLD"},
        **{"commodity_subgroup_name": "PRECIOUS METALS", "commodity_group_name": "NATURAL RESOURCES"},
        **{"futonly_or_combined": "FutOnly"},
    }
    return found | names


def cot(
    template: dict[str, int],
    days: list[str],
    *,
    contract: str = "088691",
    scale: int = 400,
    null: tuple[int, str] | None = None,
) -> bytes:
    """``null``: row and column in which the API has nothing."""
    rows = [
        _others(template)
        | {
            "report_date_as_yyyy_mm_dd": f"{day}T00:00:00.000",
            "cftc_contract_market_code": contract,
            "market_and_exchange_names": "GOLD - COMMODITY EXCHANGE INC.",
        }
        | {name: str(value * (scale + at)) for name, value in template.items()}
        for at, day in enumerate(days)
    ]
    if null:
        rows[null[0]][null[1]] = None
    return json.dumps(rows).encode()


def bank_of_russia(
    prices: dict[str, float], rates: dict[str, float], *, code: str = "1", others: bool = True
) -> tuple[bytes, bytes]:
    """The two feeds: prices by day (dd.mm.yyyy) and the official dollar by the day on which it takes effect."""
    head, records = '<?xml version="1.0" encoding="windows-1251"?>', []
    for day, price in prices.items():
        for number in ("1", "2", "3", "4") if others else (code,):
            cell = f"{price if number == code else 33.5:.2f}".replace(".", ",")
            records.append(f'<Record Date="{day}" Code="{number}"><Buy>{cell}</Buy><Sell>{cell}</Sell></Record>')
    dates = 'FromDate="20190801" ToDate="20190831" name="Precious metals quotations"'
    metals = f"{head}<Metall {dates}>{''.join(records)}</Metall>"
    dollars = "".join(
        f'<Record Date="{day}" Id="R01235"><Nominal>1</Nominal><Value>{f"{rate:.4f}".replace(".", ",")}</Value>'
        f"<VunitRate>{f'{rate:.4f}'.replace('.', ',')}</VunitRate></Record>"
        for day, rate in rates.items()
    )
    span = 'ID="R01235" DateRange1="01.08.2019" DateRange2="31.08.2019" name="Foreign Currency Market Dynamic"'
    return metals.encode("cp1251"), f"{head}<ValCurs {span}>{dollars}</ValCurs>".encode("cp1251")


def nbp_gold(prices: dict[str, float]) -> bytes:
    return json.dumps([{"data": day, "cena": price} for day, price in prices.items()]).encode()


def dbnomics(code: str, values: dict[str, float | str]) -> bytes:
    provider, dataset, series = code.split("/")
    one = {
        **{"@frequency": "daily", "provider_code": provider, "dataset_code": dataset, "series_code": series},
        **{"dataset_name": "Selected Interest Rates", "indexed_at": "2026-11-20T00:00:00Z", "series_name": "x"},
        **{"period": list(values), "period_start_day": list(values), "value": list(values.values())},
    }
    return json.dumps({"_meta": {"version": "22"}, "series": {"docs": [one], "limit": 1, "num_found": 1}}).encode()


def cme_xls(
    activity: str = "11/19/2026",
    *,
    exchanged: bool = False,
    sheet: str = "Daily Metal Stocks Report",
    eligible_total: float | None = None,
    headings: tuple[str, ...] = ("PREV TOTAL", "RECEIVED", "WITHDRAWN", "NET CHANGE", "ADJUSTMENT", "TOTAL TODAY"),
    metal: str = "GOLD",
) -> bytes:
    import xlwt

    book = xlwt.Workbook()
    page = book.add_sheet(sheet)
    page.write(3, 0, "COMMODITY EXCHANGE, INC.")
    page.write(4, 0, "METAL DEPOSITORY STATISTICS")
    page.write(7, 0, metal)
    page.write(7, 6, "Report Date: 11/20/2026")
    page.write(8, 0, "Troy Ounce")
    page.write(8, 6, f"Activity Date: {activity}")
    page.write(10, 0, "DEPOSITORY")
    for column, heading in enumerate(headings, 2):
        page.write(10, column, heading)
    vaults = {
        "ASAHI DEPOSITORY LLC": {"Registered": (1000.5, 0, 0, 0, -100.5), "Eligible": (2000, 50, 0, 50, 100.5)},
        "BRINK'S, INC.": {
            "Registered": (8_000_000, 0, 0, 0, 0),
            "Pledged": (500_000, 0, 0, 0, 0),
            "Eligible": (9_000_000, 0, 1000, -1000, 0),
        },
    }
    row, sums = 12, {"Registered": np.zeros(6), "Pledged": np.zeros(6), "Eligible": np.zeros(6)}
    for name, parts in vaults.items():
        page.write(row, 0, name)
        row += 1
        whole = np.zeros(6)
        if exchanged:
            parts = parts | {"Registered": parts["Eligible"], "Eligible": parts["Registered"]}
        for category, (previous, received, withdrawn, net, adjustment) in parts.items():
            today = previous + received - withdrawn + adjustment
            cells = np.array([previous, received, withdrawn, net, adjustment, today])
            sums[category] += cells
            whole += cells if category != "Pledged" else 0
            _write(page, row, f"  {category}", cells)
            row += 1
        _write(page, row, "  Total", whole)
        row += 2
    if eligible_total is not None:
        sums["Eligible"][5] = eligible_total
    _write(page, row, "TOTAL REGISTERED", sums["Registered"])
    _write(page, row + 1, "TOTAL PLEDGED", sums["Pledged"])
    _write(page, row + 2, "TOTAL ELIGIBLE", sums["Eligible"])
    _write(page, row + 3, "COMBINED TOTAL", sums["Registered"] + sums["Eligible"])
    page.write(row + 5, 0, "The information in this report is taken from sources believed to be reliable.")
    return _saved(book)


def _write(page, row: int, label: str, cells: np.ndarray) -> None:
    page.write(row, 0, label)
    for column, cell in enumerate(cells, 2):
        page.write(row, column, float(cell))


def _saved(book) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def workbook(sheets: dict[str, list[list[object]]]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    return _saved(book)


def pink_sheet(gold: dict[str, float | str], silver: dict[str, float | str], *, unit: str = "($/troy oz)") -> bytes:
    rows: list[list[object]] = [
        ["World Bank Commodity Price Data (The Pink Sheet)"],
        ["monthly prices in nominal US dollars, 1960 to present"],
        [None, "Updated on November 03, 2026"],
        [None],
        [None, "Crude oil, average", "Gold", "Platinum", "Silver"],
        [None, "($/bbl)", unit, "($/troy oz)", unit],
    ]
    rows += [[month, 60.0, gold[month], 900.0, silver[month]] for month in gold]
    return workbook({"AFOSHEET": [[""]], "Monthly Prices": rows, "Monthly Indices": [["x"]]})


def lbma_xlsx(rows: list[list[object]], *, unit: str = "Troy Ounces ('000s)") -> bytes:
    return workbook({"London Vault Holdings": [["Month End", "Gold", "Silver"], [None, unit, unit], *rows]})


def imf_json(country: str, periods: dict[str, str | None], *, unit: str = "FTO") -> bytes:
    dimensions = {"COUNTRY": country, "INDICATOR": "RGV_REVS", "UNIT": unit, "FREQUENCY": "M"}
    return json.dumps(
        {
            "meta": {"schema": "sdmx-json-data-schema 2.0.0"},
            "data": {
                "dataSets": [
                    {
                        "series": {
                            "0:0:0:0": {
                                "observations": {str(at): [value, None, 0] for at, value in enumerate(periods.values())}
                            }
                        }
                    }
                ],
                "structures": [
                    {
                        "dimensions": {
                            "series": [{"id": name, "values": [{"id": one}]} for name, one in dimensions.items()],
                            "observation": [{"id": "TIME_PERIOD", "values": [{"value": one} for one in periods]}],
                        }
                    }
                ],
            },
        }
    ).encode()


def ecb_zip(rates: dict[str, tuple[object, object]]) -> bytes:
    lines = ["Date,USD,JPY,CNY,", *(f"{day},{usd},170.1,{cny}," for day, (usd, cny) in rates.items()), ""]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("eurofxref-hist.csv", "\n".join(lines))
    return buffer.getvalue()


def wgc_changes(countries: dict[str, list[float | None]], months: list[datetime]) -> bytes:
    rows: list[list[object]] = [["Changes in World Official Gold Reserves"], ["tonnes"], [None, "Country", *months]]
    rows += [[None, name, *values] for name, values in countries.items()]
    return workbook({"Cover": [["x"]], "Monthly": rows})


def yahoo_frame(closes: dict[str, dict[str, float | None]], *, splits: dict[str, float] | None = None) -> pd.DataFrame:
    """What ``yfinance.download(auto_adjust=False, actions=True)`` returns: columns (Price, Ticker)."""
    symbols = list(closes)
    days = sorted({day for values in closes.values() for day in values})
    index = pd.DatetimeIndex(days, name="Date")
    names = ["Adj Close", "Close", "High", "Low", "Open", "Volume", "Dividends", "Stock Splits"]
    columns = pd.MultiIndex.from_product([names, symbols], names=["Price", "Ticker"])
    frame = pd.DataFrame(np.nan, index=index, columns=columns)
    for symbol, values in closes.items():
        for day, close in values.items():
            price = np.nan if close is None else close
            for name in names[:5]:
                frame.loc[day, (name, symbol)] = price
            frame.loc[day, ("Volume", symbol)] = 100.0
        frame[("Dividends", symbol)] = 0.0
        frame[("Stock Splits", symbol)] = 0.0
    for symbol in splits or {}:
        frame.loc[frame.index[0], ("Stock Splits", symbol)] = splits[symbol]
    return frame


def business_days(start: str, number: int) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in pd.bdate_range(start, periods=number)]


def month_texts(first: date, number: int) -> list[str]:
    return [f"{month:%YM%m}" for month in pd.period_range(first, periods=number, freq="M").to_timestamp()]
