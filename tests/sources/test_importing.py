"""Forty spoilt files and as many good ones: each is read as it is meant, or refused with what, where and remedy."""

from __future__ import annotations

import gzip
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.datasets.importing import ImportOptions, understand
from research.datasets.importing.cells import Column, read_numbers
from research.datasets.importing.units import conversion, spoken
from research.datasets.store import observations
from research.errors import AssayError, UnknownDataset, ValidationError
from research.home import user_pack_folder
from research.sources import add, entry
from tests.sources import formats

TODAY = date(2026, 11, 23)


def write(folder: Path, content: str | bytes, name: str = "my.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder: Path, content: str | bytes, identity: str = "dollar_index", name: str = "my.csv", **options):
    return understand(write(folder, content, name), entry(identity), ImportOptions(**options), today=TODAY)


def values(understood) -> dict[str, float]:
    table = understood.observations
    return dict(zip(table["observed_for"].dt.strftime("%Y-%m-%d"), table["value"], strict=True))


JANUARY = {"2024-01-15": 101.5, "2024-01-16": 102.25}

GOOD = {
    "iso": "date,value\n2024-01-15,101.5\n2024-01-16,102.25\n",
    "slashes": "Date,DXY\n2024/1/15,101.5\n2024/1/16,102.25\n",
    "compact": "date,value\n20240115,101.5\n20240116,102.25\n",
    "day first, seen from the days": "date;value\n15/01/2024;101,5\n16/01/2024;102,25\n",
    "month first, seen from the days": "date,value\n01/15/2024,101.5\n01/16/2024,102.25\n",
    "dots": "Datum;Wert\n15.01.2024;101,5\n16.01.2024;102,25\n",
    "names": 'date,value\n"15 Jan 2024",101.5\n"16 January 2024",102.25\n',
    "american names": 'date,value\n"Jan 15, 2024",101.5\n"January 16, 2024",102.25\n',
    "dashed names": "date,value\n15-Jan-2024,101.5\n16-JAN-2024,102.25\n",
    "short years with names": "date,value\n15-Jan-24,101.5\n16-Jan-24,102.25\n",
    "times": "timestamp,value\n2024-01-15T16:00:00Z,101.5\n2024-01-16 16:00:00+00:00,102.25\n",
    "newest first": "date,value\n2024-01-16,102.25\n2024-01-15,101.5\n",
    "tabs": "date\tvalue\n2024-01-15\t101.5\n2024-01-16\t102.25\n",
    "byte order mark": "\ufeffdate,value\n2024-01-15,101.5\n2024-01-16,102.25\n",
    "preamble and comments": "Some vendor\n# exported\n\ndate,value\n2024-01-15,101.5\n2024-01-16,102.25\n",
    "windows line ends": "date,value\r\n2024-01-15,101.5\r\n2024-01-16,102.25\r\n",
    "missing values": "date,value\n2024-01-14,n/a\n2024-01-15,101.5\n2024-01-16,102.25\n2024-01-17,.\n",
    "other columns": "date,open,close\n2024-01-15,90,101.5\n2024-01-16,90,102.25\n",
    "index without a name": ",value\n2024-01-15,101.5\n2024-01-16,102.25\n",
    "currency signs": "date,value\n2024-01-15,$101.50\n2024-01-16,USD 102.25\n",
}


@pytest.mark.parametrize("form", GOOD)
def test_common_forms_are_read(tmp_path, form):
    assert values(read(tmp_path, GOOD[form])) == JANUARY


def test_utf16_gzip_and_old_windows(tmp_path):
    text = GOOD["iso"]
    assert values(read(tmp_path, text.encode("utf-16"))) == JANUARY
    assert values(read(tmp_path, gzip.compress(text.encode()), name="my.csv.gz")) == JANUARY
    assert values(read(tmp_path, text.replace("value", "prix de clôture").encode("cp1252"))) == JANUARY


def test_excel_and_parquet(tmp_path):
    rows = [["Vendor"], ["date", "value"], [datetime(2024, 1, 15), 101.5], [datetime(2024, 1, 16), 102.25]]
    body = formats.workbook({"notes": [["read me"]], "data": rows})
    assert values(read(tmp_path, body, name="my.xlsx")) == JANUARY
    frame = pd.DataFrame({"close": [101.5, 102.25]}, index=pd.DatetimeIndex(["2024-01-15", "2024-01-16"], name="day"))
    frame.to_parquet(tmp_path / "my.parquet")
    understood = understand(tmp_path / "my.parquet", entry("dollar_index"), today=TODAY)
    assert values(understood) == JANUARY


@pytest.mark.parametrize(
    ("cells", "ends"),
    [
        (["2024-01", "2024-02"], ["2024-01-31", "2024-02-29"]),
        (["01/2024", "02/2024"], ["2024-01-31", "2024-02-29"]),
        (["2024M01", "2024M02"], ["2024-01-31", "2024-02-29"]),
        (["Jan 2024", "February 2024"], ["2024-01-31", "2024-02-29"]),
        (["2024-01-01", "2024-02-01"], ["2024-01-31", "2024-02-29"]),
        (["2024-01-31", "2024-02-29"], ["2024-01-31", "2024-02-29"]),
    ],
)
def test_months_end_on_their_last_day(tmp_path, cells, ends):
    text = "month,value\n" + "".join(f"{cell},2000.5\n" for cell in cells)
    assert list(values(read(tmp_path, text, "gold_price"))) == ends


@pytest.mark.parametrize(
    ("first", "second"), [("2024Q1", "2024Q2"), ("Q1 2024", "Q2 2024"), ("2024-03-31", "2024-06-30")]
)
def test_quarters(tmp_path, first, second):
    text = f"quarter,value\n{first},300\n{second},-20\n"
    understood = read(tmp_path, text, "central_bank_net_purchases")
    assert values(understood) == {"2024-03-31": 300.0, "2024-06-30": -20.0}


def test_declared_readings_decide_what_is_ambiguous(tmp_path):
    text = 'date,value\n01/02/2024,"1,234"\n01/03/2024,"1,236"\n'
    understood = read(tmp_path, text, "gold_front_future", dates="dmy", decimal="point")
    assert values(understood) == {"2024-02-01": 1234.0, "2024-03-01": 1236.0}
    understood = read(tmp_path, text, "usdcny", dates="mdy", decimal="comma", accept=True)
    assert values(understood) == {"2024-01-02": 1.234, "2024-01-03": 1.236}


def test_years_of_two_digits_are_read_where_one_order_alone_makes_days(tmp_path):
    text = "date,value\n30/12/98,101.5\n31/12/98,102.25\n"
    assert values(read(tmp_path, text)) == {"1998-12-30": 101.5, "1998-12-31": 102.25}


def test_a_fraction_behind_a_zero_is_never_thousands(tmp_path):
    text = 'date,value\n2024-01-15,"0,123"\n2024-01-16,"0,125"\n'
    assert values(read(tmp_path, text, "sofr", unit="%")) == {"2024-01-15": 0.123, "2024-01-16": 0.125}
    with pytest.raises(ValidationError, match="'0,123' is no number"):
        read(tmp_path, text, "sofr", decimal="point")


def test_units_are_converted_only_when_declared(tmp_path):
    text = "date,value\n2024-01-31,5000\n2024-02-29,5100\n"
    assert values(read(tmp_path, text, "world_official_gold", accept=True))["2024-01-31"] == 5000.0
    understood = read(tmp_path, "date,value\n2024-01-31,1157.4\n2024-02-29,1158\n", "world_official_gold", unit="Moz")
    np.testing.assert_allclose(values(understood)["2024-01-31"], 1157.4e6 * 31.1034768 / 1e6, rtol=1e-12)
    understood = read(tmp_path, "date,value\n2024-01-31,65000\n", "gold_price", unit="USD/kg")
    np.testing.assert_allclose(values(understood)["2024-01-31"], 65000 * 31.1034768 / 1000, rtol=1e-12)
    assert any("USD/kg ×" in line for line in understood.preview)


def test_percent_signs_and_fractions(tmp_path):
    assert values(read(tmp_path, "date,value\n2024-01-15,5.25%\n", "sofr")) == {"2024-01-15": 5.25}
    assert values(read(tmp_path, "date,value\n2024-01-15,0.0525\n", "sofr", unit="fraction")) == {"2024-01-15": 5.25}


def test_rates_that_may_be_fractions_are_asked_about(tmp_path):
    text = "date,value\n2024-01-15,0.0525\n"
    with pytest.raises(ValidationError, match="--unit fraction"):
        read(tmp_path, text, "sofr")
    assert values(read(tmp_path, text, "sofr", unit="%")) == {"2024-01-15": 0.0525}


def test_vintages_in_the_file_are_kept_as_such(tmp_path):
    rows = ("2024-03-31,2024-04-30,290", "2024-03-31,2024-07-30,299.5", "2024-06-30,2024-07-30,180")
    text = "\n".join(["observed_for,known_at,value", *rows, ""])
    table = read(tmp_path, text, "central_bank_net_purchases").observations
    assert table["value"].tolist() == [290.0, 299.5, 180.0]
    assert table["known_at"][0] == pd.Timestamp("2024-04-30 23:59", tz="UTC")


def test_keep_one_of_each(tmp_path):
    text = GOOD["iso"] + "2024-01-16,102.5\n"
    assert values(read(tmp_path, text, keep="last"))["2024-01-16"] == 102.5
    understood = read(tmp_path, text, keep="first")
    assert values(understood)["2024-01-16"] == 102.25
    assert any("1 rows dropped" in line for line in understood.preview)


def test_the_preview_says_what_was_understood(tmp_path):
    text = "date;value\n15.01.2024;101,5\n16.01.2024;101\n16.03.2024;102,25\n17.03.2024;102,5\n"
    said = " | ".join(read(tmp_path, text).preview)
    for words in ("semicolons", "day/month/year", "decimal commas", "4 rows", "2024-01-15 to 2024-03-17"):
        assert words in said
    assert said.endswith("dollar_index: gap (2024-01-16 to 2024-03-16)")
    monthly = "month,value\n2024-01,2000\n2024-02,2050\n2024-05,2100\n2024-06,2100\n"
    assert read(tmp_path, monthly, "gold_price").preview[-1] == "gold_price: gap (2024-02-29 to 2024-05-31)"
    still = "date,value\n2024-01-12,1999\n" + "".join(f"2024-01-{day},2000\n" for day in range(15, 20))
    assert read(tmp_path, still, "gold_spot").preview[-1] == "gold_spot: frozen run (2024-01-15 to 2024-01-19)"


DXY, GOLD, FUTURE = "dollar_index", "gold_price", "gold_front_future"
SPOILT: dict[str, tuple[str | bytes, str, dict[str, object], str]] = {
    "empty": ("", DXY, {}, "is empty"),
    "blank": (" \n\n", DXY, {}, "is empty"),
    "heading only": ("date,value\n", DXY, {}, "no rows"),
    "no heading": ("2024-01-15,101.5\n2024-01-16,102\n", DXY, {}, "line 1 holds data"),
    "one column": ("value\n1\n2\n", DXY, {}, "only one column"),
    "web page": ("<!DOCTYPE html><table>", DXY, {}, "web page"),
    "binary": (b"\x00\x01\x02" * 50, DXY, {}, "binary"),
    "damaged gzip": (gzip.compress(b"date,value\n" * 500)[:40], DXY, {}, "gzip file is damaged"),
    "damaged workbook": (b"PK\x03\x04 not a workbook", DXY, {}, "not readable as a workbook"),
    "damaged parquet": (b"PAR1 not parquet", DXY, {}, "not readable as Parquet"),
    "two readings of a date": ("date,value\n01/02/2024,101\n", DXY, {}, "2024-02-01 or 2024-01-02; pass --dates dmy"),
    "both orders": ("date,value\n13/01/2024,101\n01/14/2024,102\n", DXY, {}, "line 2 ('13/01/2024')"),
    "two-digit years": ("date,value\n01/02/03,101\n", DXY, {}, "2003-02-01 or 2003-01-02 or 2001-02-03; pass --dates"),
    "another order than declared": ("date,value\n13/01/2024,101\n", DXY, {"dates": "ymd"}, "not in the order ymd"),
    "month name or day": ("date,value\nJan-24,101\n", DXY, {}, "Jan 2024 or day 24"),
    "excel day counts": ("date,value\n45292,101\n", DXY, {}, "Excel's count"),
    "unix time": ("date,value\n1705276800,101\n", DXY, {}, "Unix time"),
    "no such day": ("date,value\n2024-02-30,101\n", DXY, {}, "line 2: '2024-02-30' is no day"),
    "words for a date": ("date,value\n2024-01-15,101\nTotal,203\n", DXY, {}, "line 3: 'Total'"),
    "no date": ("date,value\n2024-01-15,101\n,203\n", DXY, {}, "line 3 has no date"),
    "mixed date forms": ("date,value\n2024-01-15,101\n16 Jan 2024,102\n", DXY, {}, "in one form"),
    "future": ("date,value\n2024-01-15,101\n2031-01-16,102\n", DXY, {}, "line 3: the period to 2031-01-16"),
    "month not over": ("month,value\n2026-10,4000\n2026-11,4000\n", GOLD, {}, "has not ended"),
    "months for a daily dataset": ("month,value\n2024-01,101\n", DXY, {}, "one value a month"),
    "days for a monthly dataset": ("date,value\n2024-01-15,2000\n2024-01-16,2001\n", GOLD, {}, "share a period"),
    "duplicate rows": ("date,value\n2024-01-15,101\n2024-01-15,102\n", DXY, {}, "in lines 2, 3"),
    "two readings of a number": ('date,value\n2024-01-15,"1,234"\n', FUTURE, {}, "can be 1234 or 1.234"),
    "both decimal signs": ("date;value\n2024-01-15;101.5\n2024-01-16;102,5\n", DXY, {}, "decimal comma"),
    "unquoted decimal comma": ("date,value\n2024-01-15,101,5\n2024-01-16,102,5\n", DXY, {}, "line 2 has 3 cells"),
    "indian grouping": ('date,value\n2024-01-15,"1,00,000"\n', "comex_gold_total", {}, "is no number"),
    "letters": ("date,value\n2024-01-15,101\n2024-01-16,1O2\n", DXY, {}, "line 3: '1O2' is no number"),
    "infinite": ("date,value\n2024-01-15,inf\n2024-01-16,102\n", DXY, {}, "'inf' is no number"),
    "overflow": ("date,value\n2024-01-15,1e999\n2024-01-16,102\n", DXY, {}, "too large"),
    "nothing known": ("date,value\n2024-01-15,n/a\n2024-01-16,\n", DXY, {}, "no values at all"),
    "half percent": ("date,value\n2024-01-15,5.2%\n2024-01-16,5.3\n", "sofr", {}, "no percent sign"),
    "percent for a price": ("date,value\n2024-01-15,5.2%\n", DXY, {}, "percent signs, but"),
    "negative price": ("date,value\n2024-01-15,-101\n", DXY, {}, "outside 50 to 200"),
    "zero price": ("date,value\n2024-01-15,101\n2024-01-16,0\n", DXY, {}, "outside 50 to 200"),
    "another unit": ("date,value\n2024-01-31,65000\n2024-02-29,66000\n", GOLD, {}, "pass --unit kg"),
    "shifted point": ("date,value\n2024-01-31,2000\n2024-02-29,201.1\n2024-03-31,2020\n", GOLD, {}, "larger than any"),
    "unknown unit": ("date,value\n2024-01-31,2000\n", GOLD, {"unit": "stone"}, "no unit known here"),
    "another currency": ("date,value\n2024-01-31,14000\n", GOLD, {"unit": "CNY"}, "currencies are not converted"),
    "weight for a rate": ("date,value\n2024-01-15,5\n", "sofr", {"unit": "kg"}, "is a weight"),
    "which column": ("date,a,b\n2024-01-15,101,102\n", DXY, {}, "which of a, b is dollar_index"),
    "no such column": ("date,a,b\n2024-01-15,101,102\n", "dollar_index", {"value_column": "aa"}, "did you mean 'a'"),
    "two columns of one name": ("date,a,a\n2024-01-15,101,102\n", DXY, {}, "two columns are called 'a'"),
    "no numbers": ("date,name\n2024-01-15,x\n", DXY, {}, "is no number"),
    "open quote": ('date,value\n2024-01-15,"101\n2024-01-16,102\n', DXY, {}, "check its quotes"),
    "known before it happened": ("observed_for,known_at,value\n2024-01-31,2024-01-10,2000\n", GOLD, {}, "known before"),
    "unreadable known_at": ("observed_for,known_at,value\n2024-01-31,soon,2000\n", GOLD, {}, "'soon' is no moment"),
    "table without its columns": ("date,value\n2024-01-16,5\n", "cot_gold", {}, "needs the column 'open_interest'"),
    "points that may group": ("date;value\n2024-01-15;1.234\n", FUTURE, {}, "can be 1.234 or 1234"),
    "a space in a number": ("date,value\n2024-01-15,10 5\n", DXY, {}, "'10 5' is no number"),
    "data in the heading": ("2024-01-15,n/a\n2024-01-16,102\n", DXY, {}, "line 1 holds data"),
    "a cell without end": ("date,value\n2024-01-15," + "9" * 200_000 + "\n", DXY, {}, "not a table"),
    "before all history": ("date,value\n0204-01-15,101\n", DXY, {}, "is before 1200"),
    "ragged": ("date,value,note\n2024-01-15,101,x\n2024-01-16,102\n", DXY, {}, "line 3 has 2 cells"),
}  # fmt: skip


@pytest.mark.parametrize("fault", SPOILT)
def test_a_spoilt_file_is_refused_in_one_line(tmp_path, fault):
    content, identity, options, words = SPOILT[fault]
    path = write(tmp_path, content)
    with pytest.raises(ValidationError) as caught:
        add(path, identity, ImportOptions(**options))
    line = str(caught.value)
    assert words in line
    assert "\n" not in line
    assert "my.csv" in line
    assert not user_pack_folder().exists()


def test_there_are_at_least_forty():
    assert len(SPOILT) >= 40


def test_several_sheets_must_be_told_apart(tmp_path):
    rows = [["date", "value"], [datetime(2024, 1, 15), 101.5], [datetime(2024, 1, 16), 102.25]]
    body = formats.workbook({"a": rows, "b": rows})
    with pytest.raises(ValidationError, match="--sheet NAME"):
        read(tmp_path, body, name="my.xlsx")
    assert values(read(tmp_path, body, name="my.xlsx", sheet="b")) == JANUARY
    with pytest.raises(ValidationError, match="no sheet 'c'"):
        read(tmp_path, body, name="my.xlsx", sheet="c")


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "nothing.csv", tmp_path):
        with pytest.raises(ValidationError, match=r"check the name|name a file"):
            understand(path, entry("dollar_index"), today=TODAY)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=8),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("\u202f", ","), ("", "."), ("", ",")]),
)
def test_what_is_written_in_a_convention_reads_back(cents, signs):
    """Two decimals with thousands separators: the reader finds the convention by itself."""
    thousands, point = signs
    cells = [f"{one / 100:,.2f}".replace(",", "T").replace(".", point).replace("T", thousands) for one in cents]
    got = read_numbers(Column("x", cells, range(len(cells)))).values
    np.testing.assert_allclose(got, [one / 100 for one in cents], rtol=1e-12)


@settings(max_examples=100, deadline=None)
@given(st.floats(1e-6, 1e9), st.sampled_from(["oz", "koz", "Moz", "g", "kg", "t"]))
def test_mass_conversions_agree_with_their_inverse(amount, unit):
    there, _ = conversion(unit, "tonnes")
    per, _ = conversion(f"USD/{unit}", "USD per tonne")
    np.testing.assert_allclose(amount * there * per, amount, rtol=1e-12)


def test_a_heading_that_names_millions_of_ounces():
    assert spoken("Supply, million troy ounces") == ("", "moz")
    assert conversion("ozt", "kilograms")[0] == pytest.approx(0.0311034768)


@pytest.mark.parametrize("text", ["(1,234.50)", "1,234.50-", "\u22121,234.50"])
def test_accounting_negatives(text):
    assert read_numbers(Column("x", [text, "2.5"], [1, 2])).values.tolist() == [-1234.5, 2.5]


# --- adding


def test_add_keeps_what_was_shown(tmp_path):
    path = write(tmp_path, GOOD["iso"])
    dry = add(path, "gold_front_future", dry_run=True)
    assert not dry.kept
    assert not user_pack_folder().exists()
    report = add(path, "gold_front_future")
    assert report.kept
    assert report.preview == dry.preview
    assert report.added == 2
    table = observations(user_pack_folder(), "gold_front_future")
    assert table["value"].tolist() == [101.5, 102.25]
    assert f"{table['known_at'][0]:%Y-%m-%d %H:%M}" == "2024-01-15 23:00"


def test_adding_again_revises_and_appends(tmp_path):
    add(write(tmp_path, GOOD["iso"]), "gold_front_future")
    report = add(write(tmp_path, "date,value\n2024-01-16,102.3\n2024-01-17,102.4\n"), "gold_front_future")
    assert (report.added, report.revised) == (1, 1)
    assert len(observations(user_pack_folder(), "gold_front_future")) == 4


def test_a_few_values_go_on_from_the_bundled_history(tmp_path):
    add(write(tmp_path, "date,value\n2026-11-19,18500000\n"), "comex_gold_registered")
    assert len(observations(user_pack_folder(), "comex_gold_registered")) > 20


def test_the_vendors_own_file_is_added_as_it_is(tmp_path):
    report = add(write(tmp_path, formats.cme_xls(), "Gold_Stocks.xls"), "comex_gold_stocks")
    assert "as CME Group" in report.preview[0]
    assert report.added == 5
    months = [datetime(2025, month, 1) for month in range(1, 13)]
    body = formats.wgc_changes({"Poland": [5.0] * 12}, months)
    assert add(write(tmp_path, body, "Changes_latest.xlsx"), "central_bank_reported_purchases").kept


OWN = {
    "title": "Swiss exports",
    "unit": "tonnes",
    "frequency": "month",
    "release": {"rule": "calendar_day", "day": 27, "months_after": 1, "time": "09:00", "timezone": "Europe/Zurich"},
}


def test_an_id_of_ones_own(tmp_path):
    path = write(tmp_path, "month,value\n2024-01,120\n2024-02,90\n")
    with pytest.raises(UnknownDataset, match="describe it"):
        add(path, "swiss_exports")
    assert add(path, "swiss_exports", describe=OWN).kept
    for field in OWN:
        with pytest.raises(UnknownDataset, match=rf"describe it \({field} is missing"):
            add(path, "swiss_imports", describe={key: value for key, value in OWN.items() if key != field})


@settings(max_examples=120, deadline=None)
@given(content=st.binary(max_size=200))
def test_rubbish_is_an_error_of_ours_never_a_traceback(content, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "rubbish.csv"
    path.write_bytes(b"date,value\n" + content)
    with pytest.raises(AssayError) as caught:
        understand(path, entry("dollar_index"), today=TODAY)
    assert "\n" not in str(caught.value)
