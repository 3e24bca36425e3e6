"""Every remedy that is printed is typed here as it stands, and works."""

from __future__ import annotations

import json
import re
import shlex
from datetime import datetime
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from research.cli import main
from research.cli.sources import claims_at_hand
from research.datasets.data import open_data
from research.datasets.store import observations
from research.errors import DataError, need
from research.home import user_pack_folder
from research.sources import akshare, entries
from tests.sources import formats
from tests.sources.server import Answer

DAYS = formats.business_days("2026-08-03", 75)
RATES = {day: round(4 + at / 100, 2) for at, day in enumerate(DAYS)}
GRAPH = "/graph/fredgraph.csv"


@pytest.fixture(autouse=True)
def _here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def typed(capsys, *words: str) -> tuple[int, str]:
    status = main(list(words))
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return status, out + err


def command_in(text: str) -> list[str]:
    """The last ``assay …`` of the text, to the end of its line, without the program's name."""
    found = re.findall(r"(?:type: |If it is true: |here: )assay (.+)", text)
    assert found, text
    return shlex.split(found[-1].split(";")[0])


# --- what only a browser gets


def cme_says_no(vendor):
    vendor.put("/delivery_reports/Gold_Stocks.xls", Answer(b"no", status=403))
    return "comex_gold_registered", "Gold_Stocks.xls", formats.cme_xls()


def fred_shows_a_page(vendor):
    vendor.put(GRAPH, Answer(b"<!DOCTYPE html><title>Just a moment</title>\n"))
    return "bill_rate_daily", "DTB3.csv", formats.fred_csv("DTB3", RATES)


def no_workbook_is_linked(vendor):
    vendor.put("/prices-and-data/london-vault-data", Answer(b"<html>nothing here"))
    months = [f"{year}-{month:02d}" for year in range(2017, 2026) for month in range(1, 13)]
    return "london_vault_gold", "FILE", formats.lbma_xlsx([[month, 300_000, 900_000] for month in months])


def the_terms_forbid_it(vendor):
    months = [datetime(2025, month, 1) for month in range(1, 13)]
    return "central_bank_reported_purchases", "FILE", formats.wgc_changes({"Poland": [5.0] * 12}, months)


@pytest.mark.parametrize("case", [cme_says_no, fred_shows_a_page, no_workbook_is_linked, the_terms_forbid_it])
def test_a_file_saved_in_a_browser_is_added_by_the_line_shown(capsys, vendor, monkeypatch, case):
    for provider in ("CME", "FRED", "LBMA"):
        monkeypatch.setenv(f"ASSAY_{provider}_URL", vendor.url)
    identity, name, body = case(vendor)
    status, said = typed(capsys, "data", "fetch", identity)
    assert status == 4
    assert f"{identity}: " in said
    words = command_in(said)
    assert words == ["data", "add", name, "--as", identity]
    Path(name).write_bytes(body)
    status, said = typed(capsys, *words)
    assert status == 0, said
    assert observations(user_pack_folder(), identity) is not None


def test_accept_is_a_line_to_type_for_fetch_and_for_add(capsys, vendor, monkeypatch):
    monkeypatch.setenv("ASSAY_FRED_URL", vendor.url)
    vendor.put(GRAPH, Answer(formats.fred_csv("DTB3", RATES)))
    assert typed(capsys, "data", "fetch", "bill_rate_daily")[0] == 0
    vendor.put(GRAPH, Answer(formats.fred_csv("DTB3", {day: value + 0.02 for day, value in RATES.items()})))
    status, said = typed(capsys, "data", "fetch", "bill_rate_daily")
    assert status == 4
    assert typed(capsys, *command_in(said))[0] == 0
    Path("my own.csv").write_text(
        "date;value\n" + "".join(f"{day};{4.5 + at / 100:.2f}\n" for at, day in enumerate(DAYS))
    )
    status, said = typed(capsys, "data", "add", "my own.csv", "--as", "bill_rate_daily", "--decimal", "point")
    assert status == 2
    assert typed(capsys, *command_in(said))[0] == 0


def test_not_run_names_the_command(capsys, vendor, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    monkeypatch.setenv("ASSAY_FRED_URL", vendor.url)
    status, said = typed(capsys, "compare", "shanghai_premium", "--metal", "gold", "--json", "--no-ledger")
    (skipped,) = json.loads(said)["skipped"] if status == 0 else ({"reason": said},)
    words = command_in(skipped["reason"])
    assert words[:2] == ["data", "fetch"]
    assert set(words[2:]) <= set(entries())


# --- options to put behind the line


ROWS = "2024-01-15,2000\n2024-01-16,2001\n"
SHEET = [["date", "value"], [datetime(2024, 1, 15), 2000.0], [datetime(2024, 1, 16), 2001.0]]
TWO_HEADINGS = "Day,Px\n2023-01-02,1\n2023-01-03,2\n2023-01-04,3\nDay,Px\n"
FORMS: dict[str, tuple[str | bytes, str, str]] = {
    "order of day and month": ("date,value\n01/02/2024,2000\n02/02/2024,2001\n", "gold_front_future", "--dates dmy"),
    "decimal sign": ('date,value\n2024-01-15,"2,001"\n2024-01-16,"2,002"\n', "gold_front_future", "--decimal point"),
    "unit": ("date,value\n2024-01-15,64000\n2024-01-16,64100\n", "gold_front_future", "--unit kg"),
    "currency after all": ("date,value (EUR/oz)\n" + ROWS, "gold_front_future", "--unit USD/oz"),
    "fraction": ("date,value\n2024-01-15,0.0525\n2024-01-16,0.0526\n", "sofr", "--unit fraction"),
    "no fraction": ("date,value\n2024-01-15,0.05\n2024-01-16,0.06\n", "sofr", "--unit %"),
    "one of each": ("date,value\n" + ROWS + "2024-01-16,2002\n", "gold_front_future", "--keep last"),
    "hourly bars": ("date,value\n2024-01-15 09:00,2000\n2024-01-15 10:00,2001\n", "gold_front_future", "--keep last"),
    "which column": ("date,bid,ask\n2024-01-15,2000,2001\n", "gold_front_future", "--value-column bid"),
    "a step too large": ("date,value\n2024-01-15,2000\n2024-01-16,4000\n", "gold_front_future", "--accept"),
    "out of range": ("date,value\n2024-01-15,40000\n2024-01-16,41000\n", "gold_front_future", "--accept"),
    "another heading": (
        TWO_HEADINGS.replace(",3\nDay,Px", ",3,4\nDay,Px") + ROWS,
        "gold_front_future",
        "--heading-row 5",
    ),
    "sheets": (formats.workbook({"a": SHEET, "b": SHEET}), "gold_front_future", "--sheet a"),
    "weeks": ("date,value\n2024-01-05,2000\n2024-01-12,2001\n2024-01-19,2002\n", "gold_front_future", "--accept"),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_option_that_is_asked_for_works_behind_the_same_line(capsys, form):
    content, identity, wanted = FORMS[form]
    file = Path("my.xlsx" if isinstance(content, bytes) else "my.csv")
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    line = ("data", "add", str(file), "--as", identity)
    status, said = typed(capsys, *line)
    assert status == 2
    option = shlex.split(wanted)
    assert option[0] in said
    asked = re.findall(r"(--[a-z-]+)(?: (NAME|N\b|first\|last))?", said)
    assert wanted in said or any(name == option[0] and value for name, value in asked)
    status, said = typed(capsys, *line, *option)
    assert status == 0, (option, said)


def test_packages_to_install_are_named_as_pip_knows_them():
    with pytest.raises(DataError, match="pip install no-such-package") as caught:
        need("no_such_package")
    for line in (str(caught.value), akshare.INSTALL):
        (requirement,) = shlex.split(line.split("pip install ")[1].replace("--upgrade ", ""))
        assert Requirement(requirement).name in ("no-such-package", "akshare")


def test_sources_show_every_dataset_with_a_command_that_parses(capsys):
    status, said = typed(capsys, "data", "sources", "--json")
    rows = {row["id"]: row for row in json.loads(said)}
    assert status == 0
    assert set(rows) == set(entries())
    for row in rows.values():
        assert row["allows"]
        if not row["here"]:
            words = shlex.split(row["state"].split("assay ")[1])
            assert words[:2] in (["data", "fetch"], ["data", "add"])
            assert row["id"] in words
    assert rows["sge_gold_price"]["claims"] == ["C13"]
    assert rows["comex_gold_open_interest"]["opens"] == ["C3", "C8"] or rows["comex_gold_open_interest"]["here"]
    assert rows["gold_price"]["here"]
    status, said = typed(capsys, "data", "sources")
    assert status == 0
    assert "datasets can be had" in said


def test_a_fetch_says_what_is_now_possible(capsys, vendor, monkeypatch):
    monkeypatch.setenv("ASSAY_CFTC_URL", vendor.url)
    tuesdays = [f"2026-{month:02d}-{day:02d}" for month, day in ((10, 20), (10, 27), (11, 3), (11, 10))]
    body = formats.cot(formats.LEGACY, tuesdays, contract="084691")
    vendor.put("/resource/6dca-aqww.json", Answer(body))
    before = claims_at_hand(open_data()) - {"C3", "C8"}
    monkeypatch.setattr("research.cli.data.claims_at_hand", lambda _: before)
    assert main(["data", "fetch", "comex_silver_open_interest"]) == 0
    out, err = capsys.readouterr()
    assert err == "comex_silver_open_interest: 4 new, to 2026-11-10\n"
    assert "2 more claims can be tested: C3, C8; type: assay compare" in out.splitlines()


def test_archive_is_silent_when_all_is_well_and_verifies(capsys, vendor, monkeypatch, tmp_path):
    monkeypatch.setattr("research.sources.archive.fetchable", lambda: [entries()["comex_gold_stocks"]])
    monkeypatch.setenv("ASSAY_CME_URL", vendor.url)
    vendor.put("/delivery_reports/Gold_Stocks.xls", Answer(formats.cme_xls()))
    assert typed(capsys, "data", "archive") == (0, "")
    status, said = typed(capsys, "data", "archive", "--verify")
    assert (status, "every day is as it was kept" in said) == (0, True)
    status, said = typed(capsys, "data", "archive", "--merge", str(tmp_path))
    assert (status, "no archive" in said) == (2, True)
    folder = user_pack_folder().parent / "archive"
    next(folder.glob("20*/*")).write_bytes(b"x")
    status, said = typed(capsys, "data", "archive", "--verify")
    assert (status, "altered" in said) == (2, True)
