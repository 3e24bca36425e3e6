"""Providers reached through a package, Yahoo and akshare: read, and each way in which they may change is noticed."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from research.errors import SourceError
from research.sources import akshare, yahoo
from tests.sources import formats
from tests.sources.conftest import NOW
from tests.sources.test_providers import fault, values

# --- Yahoo through yfinance


@pytest.fixture
def yfinance(monkeypatch):
    import yfinance

    asked: dict[str, object] = {}

    def install(answer):
        def download(tickers, **options):
            asked.update(options, tickers=tickers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(yfinance, "download", download)
        return asked

    return install


def yahoo_fetch(client, wanted):
    return yahoo.parse(yahoo.download(client, wanted, None).body, wanted, NOW)


def test_yahoo_is_asked_for_unadjusted_prices(client, yfinance):
    asked = yfinance(formats.yahoo_frame({"GC=F": {"2026-11-19": 4000.1, "2026-11-20": 4010.123456789}}))
    assert values(yahoo_fetch(client, {"symbol": "GC=F"})) == {"2026-11-19": 4000.1, "2026-11-20": 4010.123456789}
    assert asked["auto_adjust"] is False
    assert asked["multi_level_index"] is True
    assert asked["period"] == "max"


@pytest.mark.parametrize(
    ("hour", "days"), [(20, ["2026-11-20"]), (23, ["2026-11-20", "2026-11-23"])]
)  # 15:00 and 18:00 in New York
def test_yahoo_half_filled_bar_is_dropped(hour, days):
    body = formats.yahoo_frame({"GC=F": {"2026-11-20": 4000.0, "2026-11-23": 4001.0}}).to_csv().encode()
    table = yahoo.parse(body, {"symbol": "GC=F"}, datetime(2026, 11, 23, hour, 5, tzinfo=UTC))
    assert list(values(table)) == days


def test_yahoo_days_without_a_close_are_dropped(client, yfinance):
    yfinance(formats.yahoo_frame({"^IRX": {"2026-11-19": 3.7, "2026-11-20": None}}))
    assert list(values(yahoo_fetch(client, {"symbol": "^IRX"}))) == ["2026-11-19"]


def test_yahoo_contracts(client, yfinance):
    closes = {"SIZ26.CMX": {"2026-11-19": 50.0, "2026-11-20": 50.5}, "SIH27.CMX": {"2026-11-20": 51.0}}
    asked = yfinance(formats.yahoo_frame(closes))
    table = yahoo_fetch(client, {"root": "SI", "months": "HKNUZ", "contracts": 2})
    assert asked["tickers"] == ["SIZ26.CMX", "SIH27.CMX"]
    assert set(zip(table["contract"], table["close"], strict=True)) == {
        ("202612", 50.0),
        ("202612", 50.5),
        ("202703", 51.0),
    }


@pytest.mark.parametrize("answer", [None, pd.DataFrame(), RuntimeError("Too Many Requests\nrate limited")])
def test_yahoo_empty_or_raising(client, yfinance, answer):
    yfinance(answer)
    with pytest.raises(SourceError, match="try again later") as caught:
        yahoo_fetch(client, {"symbol": "GC=F"})
    assert "\n" not in str(caught.value)


def test_yahoo_changed(client, yfinance):
    frame = formats.yahoo_frame({"GC=F": {"2026-11-19": 4000.0}})
    wanted = {"symbol": "GC=F"}
    assert "renamed" in fault(yahoo, frame.rename(columns={"Close": "Last"}).to_csv().encode(), wanted)
    assert "no column for GC=F" in fault(yahoo, frame.rename(columns={"GC=F": "GCX"}).to_csv().encode(), wanted)
    assert "split" in fault(
        yahoo, formats.yahoo_frame({"GC=F": {"2026-11-19": 4000.0}}, splits={"GC=F": 10}).to_csv().encode(), wanted
    )
    flat = frame.droplevel("Ticker", axis=1)
    assert fault(yahoo, flat.to_csv().encode(), wanted)
    assert "no values" in fault(yahoo, formats.yahoo_frame({"GC=F": {"2026-11-19": None}}).to_csv().encode(), wanted)


# --- akshare


@pytest.fixture
def package(monkeypatch):
    """A stand-in for the optional package: the functions' names, arguments and columns are akshare's own."""
    import sys
    from types import ModuleType

    module = ModuleType("akshare")
    module.__version__ = "1.19.5"
    monkeypatch.setitem(sys.modules, "akshare", module)
    return module


def test_akshare_prices(client, package):
    frame = pd.DataFrame(
        {
            "date": ["2026-11-20", "2026-11-23", "2026-11-24"],
            "open": [940.0, 941, 942],
            "close": [940.5, 941.5, 942.5],
            "low": 1.0,
            "high": 1.0,
        }
    )
    package.spot_hist_sge = lambda symbol: frame if symbol == "Au99.99" else None
    wanted = {"function": "spot_hist_sge", "argument": "Au99.99", "date": "date", "value": "close"}
    got = akshare.download(client, wanted, None)
    assert values(akshare.parse(got.body, wanted, NOW)) == {"2026-11-20": 940.5, "2026-11-23": 941.5}


def test_akshare_receipts_are_summed_and_checked(client, package):
    rows = pd.DataFrame(
        {
            "VARNAME": "白银",
            "WHABBRNAME": ["甲仓库", "乙仓库", "合计", "总计"],
            "WRTWGHTS": [700_000, 300_000, 1_000_000, 1_000_000],
            "WRTCHANGE": 0,
        }
    )
    package.futures_shfe_warehouse_receipt = lambda date: {"白银": rows}
    wanted = {"function": "futures_shfe_warehouse_receipt", "variety": "白银"}
    got = akshare.download(client, wanted, None)
    assert values(akshare.parse(got.body, wanted, NOW)) == {"2026-11-23": 1_000_000.0}
    rows.loc[0, "WRTWGHTS"] = 70_000
    with pytest.raises(SourceError, match="add up"):
        akshare.parse(akshare.download(client, wanted, None).body, wanted, NOW)
    with pytest.raises(SourceError, match="no table for 黄金"):
        akshare.download(client, wanted | {"variety": "黄金"}, None)


def test_akshare_is_quiet_and_patient(client, clock, package, capfd):
    import warnings

    tries = []

    def chatty(symbol):
        tries.append(symbol)
        print("0%|          |")
        warnings.warn("DataFrame is fragmented", stacklevel=1)
        if len(tries) < 2:
            raise ConnectionError("reset")
        return pd.DataFrame({"date": ["2026-11-20"], "close": [940.5]})

    package.spot_hist_sge = chatty
    wanted = {"function": "spot_hist_sge", "argument": "Au99.99", "date": "date", "value": "close"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        akshare.download(client, wanted, None)
    assert capfd.readouterr() == ("", "")
    assert clock.slept == [1.0]


def test_akshare_faults(client, package, monkeypatch):
    wanted = {"function": "spot_hist_sge", "argument": "Au99.99", "date": "date", "value": "close"}
    with pytest.raises(SourceError, match="renamed"):
        akshare.download(client, wanted, None)
    for version, fits in (("1.18.97", False), ("1.18.98", True)):
        package.__version__ = version
        with pytest.raises(SourceError, match="renamed" if fits else "present pages; pip install --upgrade 'akshare>="):
            akshare.download(client, wanted, None)
    package.spot_hist_sge = lambda symbol: pd.DataFrame()
    with pytest.raises(SourceError, match="no rows"):
        akshare.download(client, wanted, None)

    def broken(symbol):
        raise KeyError("time")

    package.spot_hist_sge = broken
    with pytest.raises(SourceError, match="akshare failed"):
        akshare.download(client, wanted, None)
    import sys

    monkeypatch.setitem(sys.modules, "akshare", None)
    with pytest.raises(SourceError, match="not installed"):
        akshare.download(client, wanted, None)


def test_yahoo_high_and_low_exchanged(client, yfinance):
    days = formats.business_days("2026-10-01", 30)
    frame = formats.yahoo_frame({"GC=F": {day: 4000.0 + at for at, day in enumerate(days)}})
    frame[("High", "GC=F")] *= 1.01
    frame[("Low", "GC=F")] *= 0.99
    assert len(yahoo.parse(frame.to_csv().encode(), {"symbol": "GC=F"}, NOW)) == 30
    exchanged = frame.rename(columns={"High": "Low", "Low": "High"}, level=0)
    assert "30 of 30 bars" in fault(yahoo, exchanged.to_csv().encode(), {"symbol": "GC=F"})
