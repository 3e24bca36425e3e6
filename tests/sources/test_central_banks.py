"""Two keyless daily prices: the Bank of Russia's, back in dollars, and the National Bank of Poland's."""

from __future__ import annotations

from datetime import date

import pytest

from research.datasets.store import observations
from research.errors import SourceError
from research.home import user_pack_folder
from research.sources import bank_of_russia, fetch, national_bank_of_poland
from tests.sources import formats
from tests.sources.conftest import NOW, new_client
from tests.sources.server import Answer

AUGUST = {"22.08.2019": 3195.02, "23.08.2019": 3154.36}
RATES = {"22.08.2019": 66.2020, "23.08.2019": 65.8080, "24.08.2019": 65.6046}


def both(prices=None, rates=None, **options) -> bytes:
    return b"\n".join(formats.bank_of_russia(prices or AUGUST, rates or RATES, **options))


def fault(module, body: bytes, metal: str = "gold") -> str:
    with pytest.raises(SourceError) as caught:
        module.parse(body, {"metal": metal}, NOW)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_dollars_come_back_to_the_cent_at_the_rate_of_the_next_day():
    table = bank_of_russia.parse(both(), {"metal": "gold"}, NOW)
    assert table["value"].iloc[-1] == 1495.50  # 23 August 2019, 3,154.36 rubles a gram at 65.6046
    assert table["value"].iloc[0] == round(3195.02 * 31.1034768 / 65.8080, 2)
    assert f"{table['observed_for'].iloc[-1]:%Y-%m-%d}" == "2019-08-23"


def test_each_metal_has_its_code_and_the_weekend_no_price():
    friday = {"23.08.2019": 36.10}
    rates = {"24.08.2019": 65.6046, "27.08.2019": 66.0}
    table = bank_of_russia.parse(both(friday, rates, code="2"), {"metal": "silver"}, NOW)
    assert table["value"].tolist() == [round(36.10 * 31.1034768 / 65.6046, 3)]


def test_a_price_waits_for_its_rate_and_a_hole_in_the_rates_is_refused():
    early = {day: rate for day, rate in RATES.items() if day != "24.08.2019"}
    assert len(bank_of_russia.parse(both(rates=early), {"metal": "gold"}, NOW)) == 1
    assert "no official rate follows" in fault(
        bank_of_russia, both({"22.07.2019": 2950.0} | AUGUST, RATES | {"24.08.2019": 65.6046})
    )


def test_the_bank_of_russia_changed():
    whole = both()
    assert "1 parts came" in fault(bank_of_russia, whole[: whole.index(b"<?xml", 5)])
    assert "cut" in fault(bank_of_russia, whole[:-20])
    assert "differ" in fault(bank_of_russia, whole.replace(b"<Sell>3154,36", b"<Sell>3160,00"))
    assert "no rates of the dollar" in fault(bank_of_russia, whole.replace(b'Id="R01235"', b'Id="R01239"'))
    assert "no number" in fault(bank_of_russia, whole.replace(b"3154,36", b"soon"))
    prices, rates = formats.bank_of_russia(AUGUST, RATES)
    assert "<ValCurs> came where <Metall>" in fault(bank_of_russia, rates + b"\n" + prices)


def test_four_metals_in_one_visit(vendor, monkeypatch, clock):
    monkeypatch.setenv("ASSAY_BANK_OF_RUSSIA_URL", vendor.url)
    prices, rates = formats.bank_of_russia(
        {"20.11.2026": 10450.25, "23.11.2026": 10500.5}, {"21.11.2026": 78.1, "24.11.2026": 78.2}
    )
    vendor.put("/scripts/xml_metall.asp", Answer(prices))
    vendor.put("/scripts/XML_dynamic.asp", Answer(rates))
    report = fetch(["gold_spot"], client=new_client(clock))
    assert report.exit_code == 0, report.outcomes
    assert len(vendor.requests) == 2
    assert vendor.requests[0].query["date_req1"] == "01/07/2008"
    kept = observations(user_pack_folder(), "gold_spot")
    assert kept["value"].tolist() == [round(10450.25 * 31.1034768 / 78.1, 2), round(10500.5 * 31.1034768 / 78.2, 2)]
    assert f"{kept['known_at'].iloc[-1]:%Y-%m-%d %H:%M}" == "2026-11-23 17:00"


def test_poland_in_spans_the_service_allows(vendor, client, monkeypatch):
    monkeypatch.setenv("ASSAY_NATIONAL_BANK_OF_POLAND_URL", vendor.url)
    spans = []

    def answer(request):
        start, end = (date.fromisoformat(part) for part in request.path.strip("/").split("/")[-2:])
        spans.append((start, end))
        return Answer(formats.nbp_gold({f"{end}": 480.5}))

    monkeypatch.setattr(vendor, "answer", answer)
    got = national_bank_of_poland.download(client, {"metal": "gold"}, date(2026, 8, 1))
    assert spans == [(date(2026, 8, 23), date(2026, 11, 23)), (date(2026, 5, 22), date(2026, 8, 22))]
    assert len(national_bank_of_poland.parse(got.body, {"metal": "gold"}, NOW)) == 2
    spans.clear()
    national_bank_of_poland.download(client, {"metal": "gold"}, None)
    assert spans[-1][0] == date(2013, 1, 2)
    assert all((end - start).days <= 92 for start, end in spans)


def test_poland_is_read_and_its_changes_noticed():
    body = formats.nbp_gold({"2013-01-02": 165.83, "2013-01-03": 166.97})
    assert national_bank_of_poland.parse(body, {"metal": "gold"}, NOW)["value"].tolist() == [165.83, 166.97]
    assert "no list" in fault(national_bank_of_poland, body[:-4])
    assert "no list" in fault(national_bank_of_poland, b'{"data": "2013-01-02"}')
    assert "renamed" in fault(national_bank_of_poland, body.replace(b"cena", b"price"))
