"""Each vendor's real format is read, and each way in which it may change is noticed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from research.errors import SourceError
from research.sources import cftc, cme, ecb, fred, imf, lbma, world_bank, world_gold_council
from research.sources.catalog import entry
from research.sources.fetching import download_of
from tests.sources import formats
from tests.sources.conftest import NOW

TONNE = 31.1034768 / 1e6  # tonnes in a troy ounce


def values(table: pd.DataFrame) -> dict[str, float]:
    return dict(zip(table["observed_for"].dt.strftime("%Y-%m-%d"), table["value"], strict=True))


def fault(module, body: bytes, wanted) -> str:
    with pytest.raises(SourceError) as caught:
        module.parse(body, wanted, NOW)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- FRED

DAILY, MONTHLY = {"id": "DGS3MO"}, {"id": "TB3MS", "period": "month"}


@pytest.mark.parametrize("date_name", ["observation_date", "DATE"])
def test_fred_csv(date_name):
    body = formats.fred_csv("DGS3MO", {"2024-01-01": ".", "2024-01-02": 5.46, "2024-01-03": ""}, date_name=date_name)
    assert values(fred.parse(body, DAILY, NOW)) == {"2024-01-02": 5.46}


def test_fred_dates_months_by_their_first_day_we_by_their_last():
    body = formats.fred_csv("TB3MS", {"2024-01-01": 5.22, "2024-02-01": 5.24})
    assert values(fred.parse(body, MONTHLY, NOW)) == {"2024-01-31": 5.22, "2024-02-29": 5.24}


def test_fred_key_goes_to_the_api(vendor, client, monkeypatch):
    monkeypatch.setenv("FRED_API_KEY", "k3y")
    monkeypatch.setenv("ASSAY_FRED_API_URL", vendor.url)
    vendor.put("/fred/series/observations", formats_answer(formats.fred_json([("2024-01-03", "2024-01-02", "5.46")])))
    got = fred.download(client, DAILY, None)
    assert vendor.requests[0].query["api_key"] == "k3y"
    assert "k3y" not in got.address
    assert values(fred.parse(got.body, DAILY, NOW)) == {"2024-01-02": 5.46}


def formats_answer(body: bytes):
    from tests.sources.server import Answer

    return Answer(body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (formats.fred_csv("OTHER", {"2024-01-02": 5}), "renamed"),
        (b"date;DGS3MO\n2024-01-02;5\n", "renamed"),
        (formats.fred_csv("DGS3MO", {"2024-01-02": "five"}), "no number"),
        (formats.fred_csv("DGS3MO", {"soon": 5}), "no readable date"),
        (formats.fred_csv("DGS3MO", {}), "no values"),
        (formats.fred_csv("DGS3MO", {"2024-01-02": "inf"}), "no number"),
        (b'{"error_message": "Bad Request"}', "no observations"),
        (b'{"observations": []}', "no values"),
        (b'{"observations', "no observations"),
    ],
)
def test_fred_changed(body, words):
    assert words in fault(fred, body, DAILY)


# --- CFTC

GOLD = {"report": "disaggregated", "contract": "088691"}
TUESDAYS = ["2026-11-03", "2026-11-10", "2026-11-17"]


def test_cftc_disaggregated_with_the_apis_odd_names():
    table = cftc.parse(formats.cot(formats.DISAGGREGATED, TUESDAYS), GOLD, NOW)
    assert table["open_interest"].tolist() == [400_000, 401_000, 402_000]
    assert table["swap_short"].tolist()[0] == 210 * 400
    assert table["managed_money_spread"].tolist()[0] == 60 * 400
    assert table["observed_for"].dt.day_of_week.eq(1).all()


def test_cftc_legacy_and_one_column_of_it():
    body = formats.cot(formats.LEGACY, TUESDAYS)
    wanted = {"report": "legacy", "contract": "088691"}
    assert cftc.parse(body, wanted, NOW)["noncommercial_spread"].tolist()[0] == 150 * 400
    assert list(cftc.parse(body, wanted | {"column": "open_interest"}, NOW).columns) == ["observed_for", "value"]


def test_cftc_asks_for_one_contract(vendor, client, monkeypatch):
    monkeypatch.setenv("ASSAY_CFTC_URL", vendor.url)
    vendor.put("/resource/72hh-3qpy.json", formats_answer(formats.cot(formats.DISAGGREGATED, TUESDAYS)))
    download_of(client, entry("cot_gold"), None)
    assert vendor.requests[0].query["cftc_contract_market_code"] == "088691"


def test_cftc_changed():
    body = formats.cot(formats.DISAGGREGATED, TUESDAYS)
    assert "renamed" in fault(cftc, body.replace(b"m_money_positions_long_all", b"mm_long"), GOLD)
    assert "no values" in fault(cftc, b"[]", GOLD)
    assert "contract 084691" in fault(cftc, body.replace(b"088691", b"084691", 1), GOLD)
    assert "adds up" in fault(
        cftc, body.replace(b'"prod_merc_positions_long": "40000"', b'"prod_merc_positions_long": "4000"'), GOLD
    )
    assert "no readable date" in fault(cftc, body.replace(b"2026-11-03T", b"someday T"), GOLD)
    assert "no table" in fault(cftc, b"[{", GOLD)


# --- CME

REGISTERED = {"metal": "gold", "part": "registered"}


def test_cme_totals_are_those_of_the_activity_date():
    body = formats.cme_xls()
    assert values(cme.parse(body, REGISTERED, NOW)) == {"2026-11-19": 8_000_900.0}
    assert values(cme.parse(body, {"metal": "gold", "part": "eligible"}, NOW)) == {"2026-11-19": 9_001_150.5}
    assert values(cme.parse(body, {"metal": "gold", "part": "total"}, NOW)) == {"2026-11-19": 17_002_050.5}


def test_cme_depositories():
    table = cme.parse(formats.cme_xls(), {"metal": "gold", "part": "depositories"}, NOW)
    assert len(table) == 5
    asahi = table[(table["depository"] == "ASAHI DEPOSITORY LLC") & (table["category"] == "registered")].iloc[0]
    assert (asahi["previous"], asahi["adjustment"], asahi["today"]) == (1000.5, -100.5, 900.0)
    assert set(table["category"]) == {"registered", "pledged", "eligible"}


def test_cme_changed():
    assert "no sheet" in fault(cme, formats.cme_xls(sheet="Sheet1"), REGISTERED)
    assert "headings" in fault(cme, formats.cme_xls(headings=("PREV", "REC", "WD", "NET", "ADJ", "TODAY")), REGISTERED)
    assert "adds up" in fault(cme, formats.cme_xls(eligible_total=90_011_505.0), REGISTERED)
    assert "Activity Date" in fault(cme, formats.cme_xls(activity="yesterday"), REGISTERED)
    assert "workbook" in fault(cme, b"\xd0\xcf\x11\xe0 and then nothing", REGISTERED)


# --- World Bank

MONTHS = formats.month_texts(datetime(2026, 7, 1), 4)


def test_pink_sheet():
    body = formats.pink_sheet(dict(zip(MONTHS, [4000.5, 4100, "…", 4200], strict=True)), dict.fromkeys(MONTHS, 50.25))
    assert values(world_bank.parse(body, {"column": "Gold"}, NOW)) == {
        "2026-07-31": 4000.5,
        "2026-08-31": 4100.0,
        "2026-10-31": 4200.0,
    }
    assert len(world_bank.parse(body, {"column": "Silver"}, NOW)) == 4


def test_pink_sheet_moves_every_month_and_is_found(vendor, client, monkeypatch):
    monkeypatch.setenv("ASSAY_WORLD_BANK_URL", vendor.url)
    link = b'<a href="/docs/9f/CMO-Historical-Data-Monthly.xlsx">Monthly prices</a>'
    body = formats.pink_sheet(dict.fromkeys(MONTHS, 4000.0), dict.fromkeys(MONTHS, 50.0))
    vendor.put(entry("gold_price").fields["ask"]["path"], formats_answer(b"<html>" + link))
    vendor.put("/docs/9f/CMO-Historical-Data-Monthly.xlsx", formats_answer(body))
    got = download_of(client, entry("gold_price"), None)
    assert got.address.endswith("/docs/9f/CMO-Historical-Data-Monthly.xlsx")
    assert got.body == body


def test_pink_sheet_page_without_a_link(vendor, client, monkeypatch):
    monkeypatch.setenv("ASSAY_WORLD_BANK_URL", vendor.url)
    vendor.put(entry("gold_price").fields["ask"]["path"], formats_answer(b"<html>nothing here"))
    with pytest.raises(SourceError, match="assay data add"):
        download_of(client, entry("gold_price"), None)


def test_pink_sheet_changed():
    gold = dict.fromkeys(MONTHS, 4000.0)
    assert "unit" in fault(world_bank, formats.pink_sheet(gold, gold, unit="($/kg)"), {"column": "Gold"})
    assert "no column" in fault(world_bank, formats.pink_sheet(gold, gold), {"column": "Rhodium"})
    assert "no sheet" in fault(world_bank, formats.workbook({"Other": [["x"]]}), {"column": "Gold"})


# --- LBMA

ROWS = [["2026-10", 300_000, 900_000], [datetime(2026, 9, 1), 299_000, 890_000.5]]


def test_lbma_is_read_in_tonnes():
    table = lbma.parse(formats.lbma_xlsx(ROWS), {"metal": "silver"}, NOW)
    assert table["observed_for"].dt.strftime("%Y-%m-%d").tolist() == ["2026-09-30", "2026-10-31"]
    np.testing.assert_allclose(table["value"], [890_000.5e3 * TONNE, 900_000e3 * TONNE], rtol=1e-12)


@pytest.mark.parametrize("blank", [None, ""])
def test_lbma_newest_month_with_a_blank_label(blank):
    rows = [[blank, 301_000, 901_000], *ROWS]
    november = datetime(2026, 12, 8, tzinfo=UTC)
    for ordered in (rows, rows[::-1]):
        table = lbma.parse(formats.lbma_xlsx(ordered), {"metal": "silver"}, november)
        assert table["observed_for"].dt.strftime("%Y-%m-%d").tolist() == ["2026-09-30", "2026-10-31", "2026-11-30"]
    assert "no month" in fault(lbma, formats.lbma_xlsx(rows), {"metal": "silver"}), "November is not over"
    inside = [ROWS[0], [blank, 301_000, 901_000], ROWS[1]]
    with pytest.raises(SourceError, match="no month"):
        lbma.parse(formats.lbma_xlsx(inside), {"metal": "silver"}, november)


def test_lbma_takes_the_first_workbook_linked(vendor, client, monkeypatch):
    monkeypatch.setenv("ASSAY_LBMA_URL", vendor.url)
    links = b"".join(
        b'<a href="/d/LBMA-London-Vault-Holdings-Data-%s-2026.xlsx">x</a>' % month for month in (b"October", b"May")
    )
    vendor.put(entry("london_vault_gold").fields["ask"]["path"], formats_answer(b"<html>" + links))
    vendor.put("/d/LBMA-London-Vault-Holdings-Data-October-2026.xlsx", formats_answer(formats.lbma_xlsx(ROWS)))
    assert "October" in download_of(client, entry("london_vault_gold"), None).address


def test_lbma_changed():
    assert "unit" in fault(lbma, formats.lbma_xlsx(ROWS, unit="Tonnes"), {"metal": "gold"})
    assert "headings" in fault(lbma, formats.workbook({"a": [["Month", "Au", "Ag"]]}), {"metal": "gold"})


# --- IMF

CHINA = {"country": "CHN"}


def test_imf_is_read_in_tonnes():
    body = formats.imf_json("CHN", {"2026-M08": "74000000", "2026-M09": None, "2026-M10": "74100000"})
    table = imf.parse(body, CHINA, NOW)
    assert table["observed_for"].dt.strftime("%Y-%m-%d").tolist() == ["2026-08-31", "2026-10-31"]
    np.testing.assert_allclose(table["value"], [74e6 * TONNE, 74.1e6 * TONNE], rtol=1e-12)


def test_imf_is_asked_for_json(vendor, client, monkeypatch):
    monkeypatch.setenv("ASSAY_IMF_URL", vendor.url)
    path = "/external/sdmx/3.0/data/dataflow/IMF.STA/IL/+/CHN.RGV_REVS.FTO.M"
    vendor.put(path, formats_answer(formats.imf_json("CHN", {"2026-M08": "74000000"})))
    download_of(client, entry("pboc_gold_reserves"), None)
    assert "application/vnd.sdmx.data+json" in vendor.requests[0].headers["accept"]


def test_imf_changed():
    assert "not what was asked for" in fault(imf, formats.imf_json("USA", {"2026-M08": "1"}), CHINA)
    assert "not what was asked for" in fault(imf, formats.imf_json("CHN", {"2026-M08": "1"}, unit="USD"), CHINA)
    assert "SDMX" in fault(imf, b'{"data": {}}', CHINA)
    assert "SDMX" in fault(imf, json.dumps({"data": {"dataSets": [{"series": {}}], "structures": []}}).encode(), CHINA)


# --- ECB

YUAN = {"numerator": "CNY", "denominator": "USD"}


def test_ecb_cross_rate():
    body = formats.ecb_zip({"2026-11-20": (1.16, 8.24), "2026-11-19": (1.1588, 8.2472), "1999-01-04": (1.1789, "N/A")})
    table = ecb.parse(body, YUAN, NOW)
    assert list(values(table)) == ["2026-11-19", "2026-11-20"]
    np.testing.assert_allclose(table["value"], [8.2472 / 1.1588, 8.24 / 1.16], rtol=1e-15)


def test_ecb_changed():
    assert "damaged" in fault(ecb, formats.ecb_zip({"2026-11-20": (1.16, 8.24)})[:60], YUAN)
    assert "renamed" in fault(ecb, formats.ecb_zip({"2026-11-20": (1.16, 8.24)}), YUAN | {"numerator": "CNH"})


# --- World Gold Council


def test_wgc_is_not_downloaded_and_says_where_it_is(client):
    with pytest.raises(SourceError, match=r"gold\.org.*assay data add"):
        download_of(client, entry("central_bank_reported_purchases"), None)


def test_wgc_workbook_is_summed_over_countries_only():
    months = [datetime(2025, month, 1) for month in range(1, 13)]
    body = formats.wgc_changes(
        {"Poland": [5.0] * 12, "Turkey": [-1.0] * 11 + [None], "World total": [99.0] * 12}, months
    )
    table = world_gold_council.parse(body, {"sheet": "official changes"}, NOW)
    assert values(table)["2025-01-31"] == 4.0
    assert values(table)["2025-12-31"] == 5.0
