"""Yahoo behind the real yfinance: retried, capped, and each failure said for what it is."""

from __future__ import annotations

import json

import pytest

from research.errors import SourceError
from research.sources import yahoo
from research.sources.http import Unreachable
from tests.sources.conftest import NOW, new_client
from tests.sources.server import Answer

CHART = "/v8/finance/chart/GLD"


def chart(closes: list[float]) -> bytes:
    first = 1_763_562_600  # 2025-11-19 14:30 UTC
    days = [first + 86_400 * at for at in range(len(closes))]
    quote = dict.fromkeys(("open", "high", "low", "close"), closes) | {"volume": [100] * len(closes)}
    meta = {
        **{"currency": "USD", "symbol": "GLD", "exchangeTimezoneName": "America/New_York", "instrumentType": "ETF"},
        **{"timezone": "EST", "gmtoffset": -18000, "validRanges": ["1d", "max"], "dataGranularity": "1d"},
    }
    result = {"meta": meta, "timestamp": days, "indicators": {"quote": [quote], "adjclose": [{"adjclose": closes}]}}
    return json.dumps({"chart": {"result": [result], "error": None}}).encode()


@pytest.fixture
def yahoos(vendor, monkeypatch):
    """The local server in Yahoo's place; cookies are not to be had."""
    import yfinance.base
    import yfinance.data
    import yfinance.scrapers.history

    monkeypatch.setattr(yfinance.base, "_BASE_URL_", vendor.url)
    monkeypatch.setattr(yfinance.scrapers.history, "_BASE_URL_", vendor.url)
    monkeypatch.setattr(yfinance.data.YfData, "_get_cookie_and_crumb", lambda *_, **__: (None, "basic"))
    vendor.put(CHART, Answer(chart([370.0, 371.5])))
    return vendor


def fault(client) -> str:
    with pytest.raises(SourceError) as caught:
        yahoo.download(client, {"symbol": "GLD"}, None)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_whole_way(yahoos, client, capfd):
    got = yahoo.parse(yahoo.download(client, {"symbol": "GLD"}, None).body, {"symbol": "GLD"}, NOW)
    assert got["value"].tolist() == [370.0, 371.5]
    assert capfd.readouterr() == ("", "")


def test_a_passing_fault_is_tried_again(yahoos, client, clock):
    # the first answers are those of the time zone and of one try
    yahoos.put(CHART, *[Answer(b"no", status=500)] * 3, Answer(chart([370.0])))
    assert b"370.0" in yahoo.download(client, {"symbol": "GLD"}, None).body
    assert clock.slept


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(b"no", status=500), "500 from Yahoo (throttled, renamed, or refused from here) in 3 tries"),
        (Answer(b"no", status=404), "404 from Yahoo"),
        (Answer(b'{"chart": {"result": null, "error": null}}'), "no rows"),
    ],
)
def test_each_failure_is_said_for_what_it_is(yahoos, client, capfd, answer, words):
    yahoos.put(CHART, answer)
    assert words in fault(client)
    assert capfd.readouterr() == ("", "")


def test_an_endless_body_is_cut_off(yahoos, clock):
    yahoos.put(CHART, Answer(endless=True))
    with new_client(clock, max_bytes=2**20) as client:
        assert "far more than a history" in fault(client)


def test_a_silent_yahoo_is_left_alone(yahoos, clock):
    yahoos.put(CHART, Answer(chart([370.0]), stall=1.5))
    with new_client(clock, read=0.3) as client:
        for _ in range(2):
            with pytest.raises(Unreachable):
                yahoo.download(client, {"symbol": "GLD"}, None)
        asked = len(yahoos.requests)
        with pytest.raises(Unreachable):
            yahoo.download(client, {"symbol": "GLD"}, None)
        assert len(yahoos.requests) == asked
