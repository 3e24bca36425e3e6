"""Exports as vendors, brokers and packages write them: read as they are meant, or refused with advice that works."""

from __future__ import annotations

import os
import re
import shlex
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest

from research.datasets.importing import ImportOptions, understand
from research.datasets.store import observations
from research.errors import AssayError, SourceError, ValidationError
from research.home import user_pack_folder
from research.sources import add, entry
from tests.sources import formats

TODAY = date(2026, 11, 23)
DAYS = [f"{day:%Y-%m-%d}" for day in pd.bdate_range("2024-01-15", periods=6)]
PRICES = [2000.0, 2001.0, 2002.0, 2003.0, 2004.0, 2005.0]


def table(form: str, days=DAYS) -> str:
    return "".join(
        form.format(day=day, dot=day.replace("-", "."), value=2000 + at) + "\n" for at, day in enumerate(days)
    )


def days_of(start: str, periods: int, freq: str = "D") -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in pd.date_range(start, periods=periods, freq=freq)]


def write(folder: Path, content: str | bytes, name: str = "my.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder: Path, content: str | bytes, name: str = "my.csv", identity: str = "gold_front_future", **options):
    return understand(write(folder, content, name), entry(identity), ImportOptions(**options), today=TODAY)


YFINANCE = "Price,Adj Close,Close,High\nTicker,GC=F,GC=F,GC=F\nDate,,,\n" + table("{day},1990,{value},2100")
HOURS = [f"2024-01-{15 + at // 4} {9 + at % 4:02d}:00" for at in range(24)]
EXPORTS = {
    "Bloomberg": "Security,XAU Curncy,\nStart Date,2024-01-15,\nEnd Date,2024-01-22,\nPeriod,D,\nCurrency,USD,\n,,\n"
    "Date,PX_LAST,\n" + table("{day},{value},"),
    "a broker": "Account,123,Name,Jo Doe,Currency,USD\nReport date,2024-05-01,Rows,6\n\nDate,Open,High,Low,Close\n"
    + table("{day},1,1,1,{value}"),
    "yfinance": YFINANCE,
    "yfinance of before": ",Adj Close,Close\n,GC=F,GC=F\nDate,,\n" + table("{day},1990,{value}"),
    "yfinance, one price": "Price,Close\nTicker,GC=F\nDate,\n" + table("{day},{value}"),
    "MetaTrader": "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<CLOSE>,<VOL>\n" + table("XAU,D,{dot},000000,1,{value},0"),
    "MetaTrader, tabs": "<DATE>\t<OPEN>\t<CLOSE>\n" + table("{dot}\t1\t{value}"),
    "MetaTrader, spaces": "<DATE> <CLOSE>\n" + table("{dot} {value}"),
    "dates across": "Series," + ",".join(DAYS) + "\nGold," + ",".join(f"{price:g}" for price in PRICES) + "\n",
    "a line of units": "Date,Gold\n,($/troy oz)\n" + table("{day},{value}"),
    "a footnote": "Date,Gold\n" + table("{day},{value}") + "\nSource: somebody\n",
}


@pytest.mark.parametrize("vendor", EXPORTS)
def test_an_export_is_read_as_it_is(tmp_path, vendor):
    understood = read(tmp_path, EXPORTS[vendor])
    assert understood.observations["value"].tolist() == PRICES
    assert understood.observations["observed_for"].dt.strftime("%Y-%m-%d").tolist() == DAYS


@pytest.mark.parametrize("heading", ["Datum;Hoch;Schlusskurs;Volumen", "Date;bid;US dollar (USD);Euro (EUR)"])
def test_the_price_is_known_by_its_name_or_its_currency(tmp_path, heading):
    assert read(tmp_path, heading + "\n" + table("{day};1;{value};2")).observations["value"].tolist() == PRICES


def test_a_sheet_that_begins_in_column_b_and_failed_formulas(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    for row in [
        [None, "Date", "Close"],
        *([None, datetime.fromisoformat(day), price] for day, price in zip(DAYS, PRICES, strict=True)),
    ]:
        book.active.append(row)
    book.save(tmp_path / "b.xlsx")
    assert (
        understand(tmp_path / "b.xlsx", entry("gold_front_future"), today=TODAY).observations["value"].tolist()
        == PRICES
    )
    book.active["C5"].value, book.active["C5"].data_type = "#REF!", "e"
    book.save(tmp_path / "b.xlsx")
    understood = understand(tmp_path / "b.xlsx", entry("gold_front_future"), today=TODAY)
    assert "1 formulas that failed (C5 #REF!) count as no value" in understood.preview[0]
    assert len(understood.observations) == len(PRICES) - 1


@pytest.mark.parametrize(
    ("content", "words"), [("<table><tr><td>1</td></tr></table>", "a web page"), ('[{"a": 1}]', "JSON")]
)
def test_another_format_is_called_what_it_is(tmp_path, content, words):
    with pytest.raises(ValidationError, match=words):
        read(tmp_path, content)


def merged() -> bytes:
    rows = [["Prices"], [None, "Gold", None, "Silver", None], ["Date", "Open", "Close", "Open", "Close"]]
    rows += [[datetime.fromisoformat(day), 1.0, 2000.0 + at, 24.0, 25.0] for at, day in enumerate(DAYS)]
    return formats.workbook({"a": rows})


def test_what_has_several_series_is_asked_about_by_names_that_work(tmp_path):
    two = {
        "my.xlsx": (merged(), "Gold Close"),
        "yf.csv": ("Price,Close,Close\nTicker,GC=F,SI=F\nDate,,\n" + table("{day},{value},25"), "GC=F"),
        "wide.csv": (EXPORTS["dates across"] + "Silver," + ",".join(["25"] * 6) + "\n", "Gold"),
    }
    for name, (content, column) in two.items():
        with pytest.raises(ValidationError, match="pass --value-column NAME") as caught:
            read(tmp_path, content, name)
        assert column in str(caught.value)
        assert read(tmp_path, content, name, value_column=column).observations["value"].tolist() == PRICES


def test_hourly_bars_keep_the_last_of_the_day_however_they_are_sorted(tmp_path):
    rows = [f"{hour},{2000 + at}" for at, hour in enumerate(HOURS)]
    apart = [row.replace(" ", ",") for row in rows]
    for heading, lines in (("date,close", rows), ("date,close", rows[::-1]), ("date,time,close", apart[::-1])):
        text = "\n".join([heading, *lines, ""])
        with pytest.raises(ValidationError, match="pass --keep last for the last of each day"):
            read(tmp_path, text)
        got = read(tmp_path, text, keep="last").observations
        assert got["value"].tolist() == [2003.0, 2007.0, 2011.0, 2015.0, 2019.0, 2023.0][: len(got)]


def test_a_heading_can_be_pointed_at(tmp_path):
    text = "Day,Px\n2023-01-02,1\n2023-01-03,2\n2023-01-04,3\nDay,Px\n" + table("{day},{value}")
    with pytest.raises(ValidationError, match="line 5"):
        read(tmp_path, text)
    assert read(tmp_path, text, heading_row=5).observations["value"].tolist() == PRICES
    with pytest.raises(ValidationError, match="--heading-row 99"):
        read(tmp_path, text, heading_row=99)


def test_no_row_is_lost_to_a_stray_line_of_text(tmp_path):
    text = (
        "date,close\n" + table("{day},{value}") + "Page 2,continued\n" + table("{day},{value}").replace("-01-", "-03-")
    )
    with pytest.raises(ValidationError, match="line 8: 'Page 2'"):
        read(tmp_path, text)


LIES = {
    "a currency sign": ("date,close\n" + table("{day},€{value}"), "the sign '€' says EUR"),
    "a currency in the heading": ("Datum;Kurs in €/oz\n" + table("{day};{value}"), "says EUR"),
    "a column of currencies": ("date,close,currency\n" + table("{day},{value},GBP"), "the column 'currency' says GBP"),
    "two units": ("date,close,unit\n2024-01-15,2000,oz\n2024-01-16,64000,kg\n", "says 'oz' and 'kg'"),
    "a formula that failed": ("date,close\n" + table("{day},{value}") + "2024-01-23,#REF!\n", "formula that failed"),
    "one value for years": ("date,close\n" + table("{day},1800", days_of("2020-01-01", 900, "B")), "all 900 values"),
    "a price that stands still": (
        "date,close\n" + table("{day},{value}", days_of("2020-01-01", 9, "B"))
        + table("{day},1809", days_of("2020-02-03", 120, "B")),
        "stands at 1809 for 120 rows",
    ),
    "weekends": ("date,close\n" + table("{day},{value}", days_of("2020-01-01", 40)), "is a Saturday"),
    "weeks": ("date,close\n" + table("{day},{value}", days_of("2020-01-03", 9, "7D")), "the dates are a week apart"),
    "months": ("date,close\n" + table("{day},{value}", days_of("2020-01-31", 9, "ME")), "the dates are a month apart"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_what_the_file_says_of_itself_is_believed_or_refused(tmp_path, lie):
    content, words = LIES[lie]
    path = write(tmp_path, content)
    with pytest.raises(ValidationError, match=re.escape(words)) as caught:
        add(path, "gold_front_future")
    assert "\n" not in str(caught.value)
    assert not user_pack_folder().exists()


@pytest.mark.parametrize(
    "content",
    [
        "date,close,unit\n" + table("{day},{value},kg"),
        "date,Gold (USD/kg)\n" + table("{day},{value}"),
        "date,Gold per kilogram\n" + table("{day},{value}"),
    ],
)
def test_a_weight_that_the_file_names_is_converted_and_said(tmp_path, content):
    content = content.replace(",20", ",640")
    understood = read(tmp_path, content)
    assert understood.observations["value"].iloc[0] == pytest.approx(64000 * 31.1034768 / 1000, rel=1e-12)
    assert "says kg" in " ".join(understood.preview)


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValidationError, match="a pipe or a device"):
        add(tmp_path / "pipe", "gold_front_future")


# --- when the file says that a value was known


QUARTERS = "observed_for,{name},value\n2024-03-31,{known},290\n"


@pytest.mark.parametrize("name", ["known_at", "Known_At", "release_date", "Published on", "released"])
def test_other_spellings_of_known_at_are_read(tmp_path, name):
    rows = read(tmp_path, QUARTERS.format(name=name, known="2024-07-30"), identity="central_bank_net_purchases")
    assert f"{rows.observations['known_at'][0]:%Y-%m-%d}" == "2024-07-30"


def test_known_earlier_than_the_rule_needs_a_yes(tmp_path):
    path = write(tmp_path, QUARTERS.format(name="known_at", known="2024-03-31"))
    with pytest.raises(
        SourceError, match=r"the first that for 2024-03-31, on 2024-03-31 instead of 2024-05-02"
    ) as caught:
        add(path, "central_bank_net_purchases")
    assert observations(user_pack_folder(), "central_bank_net_purchases") is None
    command = shlex.split(str(caught.value).split("If it is true: ")[1])
    assert command == ["assay", "data", "add", str(path), "--as", "central_bank_net_purchases", "--accept"]
    assert add(path, "central_bank_net_purchases", ImportOptions(accept=True)).kept


def test_the_listing_tells_the_truth_of_the_rows(tmp_path):
    from research.datasets.data import open_data
    from research.report.datasets import dataset_rows

    text = QUARTERS.format(name="known_at", known="2024-07-30").replace("290", "3200")
    add(write(tmp_path, text), "gold_etf_holdings")
    rows = dataset_rows(open_data(user_pack_folder(), bundled=False))
    (row,) = (row for row in rows if row["id"] == "gold_etf_holdings")
    assert "the user's file says" in row["release_note"]


def test_a_second_vendors_file_is_asked_about_with_the_line_to_type(tmp_path):
    add(write(tmp_path, "date,close\n" + table("{day},{value}")), "gold_front_future")
    before = observations(user_pack_folder(), "gold_front_future")
    other = write(tmp_path, "date,close\n" + table("{day},{value}.5"), "other vendor.csv")
    with pytest.raises(AssayError, match="6 of 6 past values would be rewritten") as caught:
        add(other, "gold_front_future", ImportOptions(decimal="point"))
    pd.testing.assert_frame_equal(observations(user_pack_folder(), "gold_front_future"), before)
    command = shlex.split(str(caught.value).split("If it is true: ")[1])
    assert command[3:] == [str(other), "--as", "gold_front_future", "--decimal", "point", "--accept"]
