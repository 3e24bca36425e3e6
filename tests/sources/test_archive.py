"""Days kept one by one in a chain: nothing altered, removed or slipped in without its day being named."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from research.datasets.store import observations
from research.errors import IntegrityError
from research.home import user_pack_folder
from research.sources import entry
from research.sources.archive import archive, archive_folder, merge_archives, verify_archive
from tests.sources import formats
from tests.sources.conftest import Clock, new_client
from tests.sources.server import Answer, serving

GOLD, SILVER = "/delivery_reports/Gold_Stocks.xls", "/delivery_reports/Silver_stocks.xls"


@pytest.fixture
def exchange(vendor, monkeypatch):
    monkeypatch.setenv("ASSAY_CME_URL", vendor.url)
    monkeypatch.setenv("ASSAY_LBMA_URL", vendor.url)
    vendor.put("/prices-and-data/london-vault-data", Answer(b'<html><a href="/d/vault-holdings.xlsx">x</a>'))
    months = [f"{year}-{month:02d}" for year in range(2017, 2026) for month in range(1, 13)]
    rows = [[month, 250_000 + 100 * at, 900_000] for at, month in enumerate(months)]
    vendor.put("/d/vault-holdings.xlsx", Answer(formats.lbma_xlsx(rows)))
    return vendor


def keep(exchange, day: int, home: Path | None = None):
    exchange.put(GOLD, Answer(formats.cme_xls(f"11/{day}/2026")))
    exchange.put(SILVER, Answer(status=403))
    at = datetime(2026, 11, day + 1, 22, tzinfo=UTC)
    return archive(client=new_client(Clock(at)), home=home)


def test_a_day_is_kept_once_and_merged_into_the_pack(exchange):
    report = keep(exchange, 17)
    assert len(report.kept) == 2  # one gold report for four datasets, one workbook for two
    assert {line.split(":")[0] for line in report.failed if "403" in line} == {
        f"comex_silver_{part}" for part in ("registered", "eligible", "total", "stocks")
    }
    assert report.failed[0].endswith("type: assay data add Silver_stocks.xls --as comex_silver_registered")
    assert report.exit_code == 3
    assert "2026-11-18/comex_gold_registered-" in report.kept[0]
    assert observations(user_pack_folder(), "comex_gold_stocks") is not None
    again = keep(exchange, 17)
    assert (again.kept, len(again.known), again.lines, again.head) == ((), 2, 2, report.head)
    keep(exchange, 18)
    assert observations(user_pack_folder(), "comex_gold_stocks")["observed_for"].nunique() == 2
    assert verify_archive(archive_folder()) == []


def test_an_unreadable_report_is_kept_all_the_same(exchange):
    exchange.put(GOLD, Answer(formats.cme_xls(headings=("A", "B", "C", "D", "E", "F"))))
    exchange.put(SILVER, Answer(status=404))
    report = archive(client=new_client(Clock(datetime(2026, 11, 20, 22, tzinfo=UTC))))
    assert any("comex_gold_registered-" in file for file in report.kept)
    assert any(line.startswith("comex_gold_registered: ") and "layout has changed" in line for line in report.failed)


def tampered(folder: Path, how) -> list[str]:
    chain = folder / "chain.jsonl"
    lines = chain.read_text().splitlines()
    how(folder, lines)
    chain.write_text("".join(line + "\n" for line in lines))
    return verify_archive(folder)


def altered(folder, lines):
    path = folder / json.loads(lines[1])["file"]
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def deleted(folder, lines):
    (folder / json.loads(lines[1])["file"]).unlink()


def rewritten(folder, lines):
    lines[1] = lines[1].replace('"bytes": ', '"bytes": 1')


def removed(folder, lines):
    del lines[1]


def shortened(folder, lines):
    del lines[-1]


def exchanged(folder, lines):
    lines[1], lines[2] = lines[2], lines[1]


@pytest.fixture(scope="module")
def three_days(tmp_path_factory):
    """An archive of one dataset on three days, to be copied by those that spoil it."""
    home = tmp_path_factory.mktemp("kept")
    with serving() as vendor, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_CME_URL", vendor.url)
        patch.setattr("research.sources.archive.fetchable", lambda: [entry("comex_gold_stocks")])
        for day in (17, 18, 19):
            keep(vendor, day, home)
    return archive_folder(home)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (altered, "the day 2026-11-19 differs from its SHA-256"),
        (deleted, "the day 2026-11-19 is lost"),
        (rewritten, "line 2, 2026-11-19: altered"),
        (removed, "line 2, 2026-11-20: what stood before it is missing"),
        (shortened, "what came after 2026-11-19 is missing"),
        (exchanged, "what stood before it is missing or altered"),
    ],
)
def test_an_altered_or_missing_day_is_named(three_days, tmp_path, how, words):
    folder = shutil.copytree(three_days, tmp_path / "archive")
    assert verify_archive(folder) == []
    lines = [json.loads(line) for line in (folder / "chain.jsonl").read_text().splitlines()]
    assert [line["day"] for line in lines] == ["2026-11-18", "2026-11-19", "2026-11-20"]
    assert words in " | ".join(tampered(folder, how))


def test_two_archives_are_merged(exchange, monkeypatch, tmp_path):
    monkeypatch.setattr("research.sources.archive.fetchable", lambda: [entry("comex_gold_stocks")])
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for day in (16, 18):
        keep(exchange, day, mine)
    for day in (16, 17, 19):
        keep(exchange, day, theirs)
    report = merge_archives(archive_folder(theirs), home=mine)
    assert (len(report.kept), report.failed) == (2, ())
    assert verify_archive(archive_folder(mine)) == []
    days = observations(user_pack_folder(mine), "comex_gold_stocks")["observed_for"].dt.day
    assert sorted(set(days)) == [16, 17, 18, 19]
    assert merge_archives(archive_folder(theirs), home=mine).kept == ()
    last = json.loads((archive_folder(mine) / "chain.jsonl").read_text().splitlines()[-1])
    assert last["merged_from"]
    altered(archive_folder(theirs), (archive_folder(theirs) / "chain.jsonl").read_text().splitlines())
    with pytest.raises(IntegrityError, match="nothing was merged"):
        merge_archives(archive_folder(theirs), home=mine)
    with pytest.raises(IntegrityError, match="no archive"):
        merge_archives(tmp_path, home=mine)


def test_a_file_outside_the_archive_is_never_written(exchange, tmp_path):
    keep(exchange, 16, tmp_path / "theirs")
    folder = archive_folder(tmp_path / "theirs")
    shutil.copy(next(folder.glob("2026*/*")), tmp_path / "out.xls")
    (chain := folder / "chain.jsonl").write_text(chain.read_text().replace("2026-11-17/comex_gold", "../../comex_gold"))
    assert any("is no file of an archive" in line for line in verify_archive(folder))
