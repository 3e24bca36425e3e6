"""Fetches against vendors that speak truly and then lie: nothing lost, nothing silently wrong, one clear line each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from research.datasets.data import open_data
from research.datasets.store import manifest, observations, verify_pack
from research.datasets.vintages import latest
from research.errors import SourceError, UnknownDataset
from research.home import user_pack_folder
from research.sources import add, fetch
from research.sources.catalog import entries
from tests.sources import formats
from tests.sources.conftest import NOW, Clock, new_client
from tests.sources.server import Answer, serving

GRAPH = "/graph/fredgraph.csv"
DAYS = formats.business_days("2026-08-03", 75)  # to 2026-11-13
RATES = {day: round(4.0 + 0.3 * np.sin(at / 11), 2) for at, day in enumerate(DAYS)}
BILLS = formats.fred_csv("DTB3", RATES)


@pytest.fixture
def fred(vendor, monkeypatch):
    monkeypatch.setenv("ASSAY_FRED_URL", vendor.url)
    vendor.put(GRAPH, Answer(BILLS))
    return vendor


@pytest.fixture(scope="module")
def fetched_once(tmp_path_factory):
    """A pack that holds the bills, to be copied by those that begin with it."""
    home = tmp_path_factory.mktemp("fetched")
    with serving() as vendor, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_FRED_URL", vendor.url)
        vendor.put(GRAPH, Answer(BILLS))
        assert run("bill_rate_daily", home=home).exit_code == 0
    return user_pack_folder(home)


def run(*ids: str, at: datetime = NOW, clock: Clock | None = None, read: float = 5.0, **options):
    return fetch(ids, client=new_client(clock or Clock(at), read=read), **options)


def kept(identity: str = "bill_rate_daily") -> pd.DataFrame:
    table = observations(user_pack_folder(), identity)
    assert table is not None
    return table


def refused(report) -> str:
    (outcome,) = report.outcomes
    assert outcome.status == "failed"
    assert "\n" not in outcome.line
    assert report.exit_code == 4
    assert verify_pack(report.folder) == []
    return outcome.line


def test_a_first_fetch_is_read_by_open_data(fred):
    report = run("bill_rate_daily")
    (outcome,) = report.outcomes
    assert (outcome.status, outcome.added, report.exit_code) == ("updated", 75, 0)
    table = open_data(report.folder, bundled=False).observations("bill_rate_daily")
    assert table["value"].tolist() == list(RATES.values())
    # two business days later, 09:00 New York: Monday 3 August is known on Wednesday the 5th at 13:00 UTC
    assert table["known_at"][0] == pd.Timestamp("2026-08-05 13:00", tz="UTC")
    line = manifest(report.folder)["bill_rate_daily"]
    assert (line["source"], line["bytes"], line["rows"]) == ("fred", len(BILLS), 75)


def test_yesterdays_data_again_is_unchanged(fred):
    run("bill_rate_daily")
    later = datetime(2026, 11, 24, 22, tzinfo=UTC)
    report = run("bill_rate_daily", at=later)
    assert report.outcomes[0].status == "unchanged"
    assert report.exit_code == 0
    assert manifest(report.folder)["bill_rate_daily"]["retrieved_at"] == later
    assert "nothing new, to 2026-11-13" in report.outcomes[0].line


def test_a_history_that_ends_before_the_kept_one_is_refused(fred):
    run("bill_rate_daily")
    fred.put(GRAPH, Answer(formats.fred_csv("DTB3", dict(list(RATES.items())[:70]))))
    assert "it ends 2026-11-06 where what is here ends 2026-11-13" in refused(run("bill_rate_daily"))
    assert run("bill_rate_daily", accept=["bill_rate_daily"]).outcomes[0].status == "unchanged"
    assert len(kept()) == 75


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 40])
def test_a_body_cut_with_a_fitting_length_is_refused(fred, cut):
    run("bill_rate_daily")
    before = kept()
    fred.put(GRAPH, Answer(BILLS[:-cut]))
    assert "cut" in refused(run("bill_rate_daily"))
    pd.testing.assert_frame_equal(kept(), before)


def test_a_stump_of_the_last_value_is_refused(fred):
    run("bill_rate_daily")
    stump = float(f"{RATES[DAYS[-1]]}"[:-1])
    fred.put(GRAPH, Answer(formats.fred_csv("DTB3", RATES | {DAYS[-1]: stump})))
    assert "is the beginning of the one kept" in refused(run("bill_rate_daily"))


def test_more_than_a_few_rewritten_values_are_asked_about_whatever_their_size(fred):
    run("bill_rate_daily")
    nearly = {day: value + 0.01 for day, value in RATES.items()}
    fred.put(GRAPH, Answer(formats.fred_csv("DTB3", nearly)))
    line = refused(run("bill_rate_daily"))
    assert "75 of 75 past values would be rewritten, the first that of 2026-08-03" in line
    assert line.endswith("assay data fetch bill_rate_daily --accept bill_rate_daily")
    fred.put(GRAPH, Answer(formats.fred_csv("DTB3", RATES | {day: nearly[day] for day in DAYS[:5]})))
    assert run("bill_rate_daily").outcomes[0].revised == 5


def test_another_frequency_is_asked_about(fred):
    months = {f"2026-{month:02d}-01": 4.0 + month / 100 for month in range(1, 11)}
    fred.put(GRAPH, Answer(formats.fred_csv("DTB3", months)))
    assert "a month apart where the dataset has one value a day" in refused(run("bill_rate_daily"))


def test_a_history_that_ended_years_ago_is_asked_about(fred):
    days = formats.business_days("2003-08-01", 100)
    fred.put(GRAPH, Answer(formats.fred_csv("DTB3", dict.fromkeys(days, 1.0))))
    assert "years ago" in refused(run("bill_rate_daily"))


def test_a_silent_fred_is_replaced_by_its_sources_copy(fred, monkeypatch):
    monkeypatch.setenv("ASSAY_FRED_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ASSAY_DBNOMICS_URL", fred.url)
    code = "FED/H15/RIFSGFSM03_N.B"
    fred.put(f"/v22/series/{code}", Answer(formats.dbnomics(code, RATES | {"2026-11-16": "NA"})))
    (outcome,) = run("bill_rate_daily").outcomes
    assert (outcome.status, outcome.added) == ("updated", 75)
    assert "from DBnomics" in outcome.line
    assert manifest(user_pack_folder())["bill_rate_daily"]["address"].startswith(fred.url)
    fred.put(f"/v22/series/{code}", Answer(formats.dbnomics(code, dict(list(RATES.items())[:-1]))))
    assert run("bill_rate_daily").outcomes[0].status == "unchanged", "a copy may lag"
    fred.put(f"/v22/series/{code}", Answer(formats.dbnomics("FED/H15/OTHER", RATES)))
    assert "OTHER where" in refused(run("bill_rate_daily"))
    fred.put(f"/v22/series/{code}", Answer(status=404))
    assert "no connection to 127.0.0.1" in refused(run("bill_rate_daily"))


def test_fred_is_asked_as_its_server_wants(fred):
    run("bill_rate_daily")
    assert fred.requests[0].headers["user-agent"].startswith("Mozilla/5.0 (compatible; assay/")


def test_new_and_revised_values_are_appended(fred):
    run("bill_rate_daily")
    later = datetime(2026, 11, 24, 22, tzinfo=UTC)
    fred.put(GRAPH, Answer(formats.fred_csv("DTB3", RATES | {DAYS[10]: 4.21, "2026-11-16": 3.9})))
    (outcome,) = run("bill_rate_daily", at=later).outcomes
    assert (outcome.added, outcome.revised) == (1, 1)
    both = kept()[lambda table: table["observed_for"] == DAYS[10]]
    assert both["value"].tolist() == [RATES[DAYS[10]], 4.21]
    assert both["known_at"].iloc[1] == pd.Timestamp(later)


LIES = {
    "not found": (Answer(b"no", status=404), "404"),
    "too many requests": (Answer(b"no", status=429, headers={"Retry-After": "3600"}), "3600 s"),
    "server error": (Answer(b"no", status=500), "500"),
    "timeout": (Answer(BILLS, stall=0.6), "no answer"),
    "truncated gzip": (Answer(BILLS, compress=True, cut=30, honest_length=False), "cut short"),
    "web page": (Answer(b"<!DOCTYPE html><title>Just a moment</title>"), "web page instead of csv"),
    "renamed columns": (Answer(BILLS.replace(b"DTB3", b"RATE")), "renamed"),
    "all points shifted": (Answer(formats.fred_csv("DTB3", {d: v * 10 for d, v in RATES.items()})), "outside -1 to 25"),
    "all points shifted down": (
        Answer(formats.fred_csv("DTB3", {d: v / 10 for d, v in RATES.items()})),
        "factor 0.1",
    ),
    "one point shifted": (Answer(formats.fred_csv("DTB3", RATES | {DAYS[-1]: 0.39})), "a move from"),
    "dates in the future": (Answer(formats.fred_csv("DTB3", RATES | {"2027-03-01": 4.0})), "in the future"),
    "empty frame": (Answer(b"observation_date,DTB3\n"), "no values"),
    "empty body": (Answer(b""), "empty body"),
    "only a few rows": (Answer(formats.fred_csv("DTB3", dict(list(RATES.items())[:3]))), "only 3 of the 75"),
    "redirect loop": (Answer(status=302, headers={"Location": GRAPH}), "redirects"),
    "two gigabytes": (Answer(BILLS, headers={"Content-Length": str(2**31)}), "2,048 MB"),
    "twice the same day": (Answer(BILLS + f"{DAYS[-1]},4.5\n".encode()), "two rows"),
    "binary rubbish": (Answer(bytes(range(256)) * 20), "fred DTB3"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused_in_one_line_and_nothing_is_lost(fred, lie, fetched_once):
    shutil.copytree(fetched_once, user_pack_folder())
    before = kept()
    answer, words = LIES[lie]
    fred.put(GRAPH, answer)
    assert words in refused(run("bill_rate_daily", read=0.2 if lie == "timeout" else 5.0))
    pd.testing.assert_frame_equal(kept(), before)
    fred.put(GRAPH, Answer(BILLS))
    assert run("bill_rate_daily").outcomes[0].status == "unchanged"


FIRST_LIES = (
    "web page",
    "renamed columns",
    "all points shifted",
    "one point shifted",
    "dates in the future",
    "empty frame",
)


@pytest.mark.parametrize("lie", FIRST_LIES)
def test_a_lie_at_the_first_fetch_leaves_no_pack(fred, lie):
    answer, words = LIES[lie]
    fred.put(GRAPH, answer)
    assert words in refused(run("bill_rate_daily"))
    assert observations(user_pack_folder(), "bill_rate_daily") is None


def test_what_is_true_can_be_accepted(fred):
    run("bill_rate_daily")
    fred.put(GRAPH, Answer(formats.fred_csv("DTB3", RATES | {DAYS[-1]: 0.39})))
    assert "--accept bill_rate_daily" in refused(run("bill_rate_daily"))
    assert run("bill_rate_daily", accept=["bill_rate_daily"]).outcomes[0].revised == 1
    assert latest(kept())["value"].iloc[-1] == 0.39
    assert run("bill_rate_daily").outcomes[0].status == "unchanged"


def test_the_future_is_never_accepted(fred):
    fred.put(GRAPH, *[LIES["dates in the future"][0]])
    assert "future" in refused(run("bill_rate_daily", accept=["bill_rate_daily"]))


def test_partial_success_is_kept_and_reported(fred):
    def by_series(request):
        return Answer(BILLS) if request.query["id"] == "DTB3" else Answer(b"no", status=404)

    fred.put(GRAPH, by_series)
    seen = []
    report = run("bill_rate_daily", "sofr", progress=lambda *step: seen.append(step[:3]))
    assert [outcome.status for outcome in report.outcomes] == ["updated", "failed"]
    assert report.exit_code == 3
    assert "1 updated, 1 failed" in report.summary
    assert seen == [(0, 2, "bill_rate_daily"), (1, 2, "bill_rate_daily"), (1, 2, "sofr"), (2, 2, "sofr")]
    assert report.to_json()["outcomes"][1]["status"] == "failed"
    assert len(kept()) == 75


def test_without_a_connection_one_line_says_so(clock):
    ids = ["bill_rate_daily", "sofr", "cot_gold", "comex_gold_total"]
    report = run(*ids, clock=clock)
    assert report.exit_code == 4
    assert report.summary.startswith("no connection: nothing fetched")
    assert clock.slept == []


def test_a_word_brings_the_ids_that_have_it_prices_first(fred):
    with pytest.raises(UnknownDataset, match="there are: silver_price, silver_") as caught:
        run("silver")
    assert str(caught.value).endswith("assay data sources")


def test_unknown_ids_are_refused_before_anything(fred):
    with pytest.raises(UnknownDataset, match="did you mean 'sofr'"):
        run("bill_rate_daily", "soffr")
    assert fred.requests == []


def test_a_providers_surprise_does_not_lose_the_others(fred, monkeypatch):
    from research.sources import yahoo

    def surprise(*_: object):
        raise ZeroDivisionError("what\nnow")

    monkeypatch.setattr(yahoo, "download", surprise)
    report = run("gld_price", "bill_rate_daily")
    assert [outcome.status for outcome in report.outcomes] == ["failed", "updated"]
    assert "please report" in report.outcomes[0].line
    assert "\n" not in report.outcomes[0].line


def test_damaged_data_are_not_written_over_but_can_be_begun_anew(fred):
    folder = run("bill_rate_daily").folder
    next(folder.glob("bill_rate_daily-*.parquet")).write_bytes(b"rubbish")
    (outcome,) = run("bill_rate_daily").outcomes
    assert outcome.status == "failed"
    assert "SHA-256" in outcome.line
    assert run("bill_rate_daily", anew=["bill_rate_daily"]).outcomes[0].added == 75
    assert verify_pack(folder) == []


def test_one_download_serves_all_datasets_of_a_file(vendor, monkeypatch):
    monkeypatch.setenv("ASSAY_CME_URL", vendor.url)
    vendor.put("/delivery_reports/Gold_Stocks.xls", Answer(formats.cme_xls()))
    report = run("comex_gold_registered", "comex_gold_eligible", "comex_gold_total", "comex_gold_stocks")
    assert report.exit_code == 0, report.outcomes
    assert len(vendor.requests) == 1


def test_comex_days_pile_up_on_the_bundled_history(vendor, monkeypatch):
    monkeypatch.setenv("ASSAY_CME_URL", vendor.url)
    bundled = open_data().observations("comex_gold_registered")
    for number, day in enumerate(("11/18/2026", "11/19/2026")):
        vendor.put("/delivery_reports/Gold_Stocks.xls", Answer(formats.cme_xls(day)))
        report = run("comex_gold_registered", "comex_gold_stocks")
        assert report.exit_code == 0, report.outcomes
        assert len(kept("comex_gold_registered")) == len(bundled) + number + 1
        assert kept("comex_gold_stocks")["observed_for"].nunique() == number + 1
    newest = latest(kept("comex_gold_registered")).iloc[-1]
    assert (newest["value"], f"{newest['known_at']:%Y-%m-%d %H:%M}") == (8_000_900.0, "2026-11-23 14:30")


def test_registered_and_eligible_exchanged_contradict_yesterdays_totals(vendor, monkeypatch):
    monkeypatch.setenv("ASSAY_CME_URL", vendor.url)
    path, ids = "/delivery_reports/Gold_Stocks.xls", ("comex_gold_registered", "comex_gold_stocks")
    vendor.put(path, Answer(formats.cme_xls("11/18/2026")))
    assert run(*ids).exit_code == 0
    for day in ("11/19/2026", "11/24/2026"):
        vendor.put(path, Answer(formats.cme_xls(day, exchanged=True)))
        report = run(ids[0], at=datetime(2026, 11, 25, 23, tzinfo=UTC))
        if day == "11/19/2026":
            line = refused(report)
            assert "gives 9,002,000 as the total before, kept for 2026-11-18 is 8,000,900" in line
    vendor.put(path, Answer(formats.cme_xls("11/19/2026", exchanged=True)))
    assert "ASAHI" in refused(run(ids[1])) or "BRINK" in refused(run(ids[1]))


def test_a_null_is_no_value(vendor, monkeypatch):
    monkeypatch.setenv("ASSAY_CFTC_URL", vendor.url)
    days = ["2026-11-03", "2026-11-10", "2026-11-17"]
    path = "/resource/6dca-aqww.json"
    vendor.put(path, Answer(formats.cot(formats.LEGACY, days, contract="084691", null=(2, "open_interest_all"))))
    ids = ("comex_silver_open_interest", "cot_silver_legacy")
    for outcome in run(*ids).outcomes:
        assert (outcome.status, f"{outcome.last}") == ("updated", "2026-11-10")
    for identity in ids:
        assert kept(identity).notna().all().all()


def test_a_slow_host_is_left_alone_after_the_first(vendor, monkeypatch):
    monkeypatch.setenv("ASSAY_FRED_URL", vendor.url)

    monkeypatch.setattr("tests.sources.server.DRIP", (b"2020-01-01,1.0\n", 0.05))
    vendor.put(GRAPH, Answer(endless=True))
    report = run("bill_rate_daily", "sofr", "cpi", read=0.3)
    assert len(vendor.requests) == 1
    assert ["was not complete after" in outcome.line for outcome in report.outcomes] == [True] * 3
    assert [outcome.line.split(":")[0] for outcome in report.outcomes] == ["bill_rate_daily", "sofr", "cpi"]


def test_a_file_saved_in_a_browser_is_checked_against_yesterday_too(vendor, monkeypatch, tmp_path):
    monkeypatch.setenv("ASSAY_CME_URL", vendor.url)
    vendor.put("/delivery_reports/Gold_Stocks.xls", Answer(formats.cme_xls("11/18/2026")))
    assert run("comex_gold_registered").exit_code == 0
    file = tmp_path / "Gold_Stocks.xls"
    file.write_bytes(formats.cme_xls("11/19/2026", exchanged=True))
    with pytest.raises(SourceError, match="columns or rows were exchanged"):
        add(file, "comex_gold_registered")
    file.write_bytes(formats.cme_xls("11/19/2026"))
    assert add(file, "comex_gold_registered").added == 1


def test_late_reports_of_a_shutdown_are_known_late(vendor, monkeypatch):
    monkeypatch.setenv("ASSAY_CFTC_URL", vendor.url)
    days = ["2025-09-23", "2025-09-30", "2025-10-07"]
    vendor.put("/resource/72hh-3qpy.json", Answer(formats.cot(formats.DISAGGREGATED, days)))
    assert run("cot_gold").exit_code == 0
    table = open_data(user_pack_folder(), bundled=False).observations("cot_gold")
    dates = table["known_at"].dt.tz_convert("America/New_York").dt.strftime("%Y-%m-%d %H:%M").tolist()
    assert dates == ["2025-09-26 15:30", "2025-11-19 15:30", "2025-11-21 15:30"]


def test_two_fetches_at_once(fred):
    ids = ["bill_rate_daily", "sofr"]

    def by_series(request):
        return Answer(formats.fred_csv(request.query["id"], RATES))

    fred.put(GRAPH, by_series)
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: run(*ids), range(4)))
    assert [report.exit_code for report in reports] == [0] * 4
    assert verify_pack(user_pack_folder()) == []
    for identity in ids:
        assert len(kept(identity)) == 75


@pytest.mark.slow
def test_two_processes_at_once(fred, tmp_path):
    script = (
        "import sys; from research.sources import fetch; r = fetch(['bill_rate_daily']); print(r.outcomes[0].line); "
        "sys.exit(r.exit_code)"
    )
    crowd = [
        subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[2], env=os.environ.copy())
        for _ in range(2)
    ]
    assert [one.wait(60) for one in crowd] == [0, 0]
    assert len(kept()) == 75
    assert verify_pack(user_pack_folder()) == []


def test_a_split_is_seen_as_a_factor(monkeypatch):
    import yfinance

    closes = {day: 70.0 + at % 5 for at, day in enumerate(DAYS)}
    frames = iter(
        [formats.yahoo_frame({"SLV": closes}), formats.yahoo_frame({"SLV": {d: c / 10 for d, c in closes.items()}})]
    )
    monkeypatch.setattr(yfinance, "download", lambda *_, **__: next(frames))
    assert run("slv_price").exit_code == 0
    assert "all by the factor 0.1: a changed unit, a split" in refused(run("slv_price"))


def test_what_needs_hands_is_not_fetched_unasked(monkeypatch):
    from research.sources import fetching

    names = {one.id for one in fetching.fetchable()}
    assert not {one.id for one in entries().values() if one.by_hand} & names
    report = run("gold_etf_holdings")
    assert refused(report).endswith("type: assay data add FILE --as gold_etf_holdings")


def test_a_first_fetch_in_another_unit_is_seen_by_the_bundled_history(vendor, monkeypatch):
    monkeypatch.setenv("ASSAY_FRED_URL", vendor.url)
    bills = open_data().observations("bill_rate").tail(60)
    months = {
        f"{day:%Y-%m}-01": round(value / 10, 3) for day, value in zip(bills.observed_for, bills.value, strict=True)
    }
    vendor.put(GRAPH, Answer(formats.fred_csv("TB3MS", months)))
    assert "past values" in refused(run("bill_rate")) or "periods already kept" in refused(run("bill_rate"))
