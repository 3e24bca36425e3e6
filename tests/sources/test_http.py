"""The client is polite, patient within bounds, and answers every fault with one line."""

from __future__ import annotations

import re

import pytest

from research.errors import SourceError
from research.sources.http import Client, base_address
from tests.sources.conftest import new_client
from tests.sources.server import Answer

CSV = b"observation_date,DGS3MO\n2024-01-02,5.46\n"


def fault(client: Client, url: str, kind: str = "csv") -> str:
    with pytest.raises(SourceError) as caught:
        client.get(url, kind=kind)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_a_whole_body_comes_as_it_is(vendor, client, clock):
    vendor.put("/a", Answer(CSV))
    got = client.get(vendor.url + "/a", kind="csv")
    assert (got.body, got.address) == (CSV, vendor.url + "/a")
    assert got.retrieved_at == clock.now()
    assert re.match(r"assay/", vendor.requests[0].headers["user-agent"])


def test_gzip_is_decoded(vendor, client):
    vendor.put("/a", Answer(CSV * 1000, compress=True))
    assert client.get(vendor.url + "/a", kind="csv").body == CSV * 1000


def test_one_address_is_asked_once(vendor, client):
    vendor.put("/a", Answer(CSV))
    for _ in range(3):
        client.get(vendor.url + "/a", kind="csv")
    assert len(vendor.requests) == 1


@pytest.mark.parametrize(("status", "words"), [(404, "is gone"), (403, "assay data add"), (401, "a key")])
def test_final_refusals_are_not_repeated(vendor, client, clock, status, words):
    vendor.put("/a", Answer(b"no", status=status))
    line = fault(client, vendor.url + "/a")
    assert str(status) in line
    assert words in line
    assert len(vendor.requests) == 1
    assert clock.slept == []


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_passing_faults_are_tried_again_with_backoff(vendor, client, clock, status):
    vendor.put("/a", Answer(b"no", status=status), Answer(b"no", status=status), Answer(CSV))
    assert client.get(vendor.url + "/a", kind="csv").body == CSV
    assert clock.slept == [1.0, 2.0]


def test_patience_ends(vendor, client, clock):
    vendor.put("/a", Answer(b"no", status=500))
    assert "500" in fault(client, vendor.url + "/a")
    assert len(vendor.requests) == 3


@pytest.mark.parametrize("header", ["7", "Mon, 23 Nov 2026 23:30:07 GMT"])
def test_retry_after_is_obeyed(vendor, client, clock, header):
    vendor.put("/a", Answer(b"slow down", status=429, headers={"Retry-After": header}), Answer(CSV))
    client.get(vendor.url + "/a", kind="csv")
    assert clock.slept == [7.0]


def test_retry_after_beyond_patience_gives_up_at_once(vendor, client, clock):
    vendor.put("/a", Answer(b"slow down", status=429, headers={"Retry-After": "86400"}))
    assert "86400 s" in fault(client, vendor.url + "/a")
    assert clock.slept == []


@pytest.mark.parametrize("header", ["soon", "-5", "Mon, 99 Foo 2026"])
def test_nonsense_in_retry_after_means_the_usual_backoff(vendor, client, clock, header):
    vendor.put("/a", Answer(b"slow down", status=503, headers={"Retry-After": header}), Answer(CSV))
    client.get(vendor.url + "/a", kind="csv")
    assert clock.slept == [1.0]


def test_timeout(vendor, clock):
    vendor.put("/a", Answer(CSV, stall=0.6))
    with new_client(clock, read=0.2, tries=2) as client:
        assert "no answer" in fault(client, vendor.url + "/a")


def test_a_silent_host_is_left_alone(vendor, clock):
    vendor.put("/a", Answer(CSV, stall=0.6))
    with new_client(clock, read=0.2, tries=2) as client:
        fault(client, vendor.url + "/a")
        assert "no answer" in fault(client, vendor.url + "/b")
    assert {request.path for request in vendor.requests} == {"/a"}


def test_truncated_gzip_is_never_taken_for_whole(vendor, client):
    vendor.put("/a", Answer(CSV * 5000, compress=True, cut=40, honest_length=False))
    assert "cut short" in fault(client, vendor.url + "/a")


def test_damaged_gzip(vendor, client):
    vendor.put("/a", Answer(b"this is no gzip at all", headers={"Content-Encoding": "gzip"}))
    assert "damaged" in fault(client, vendor.url + "/a")


def test_body_shorter_than_its_length(vendor, client):
    vendor.put("/a", Answer(CSV * 100, cut=500))
    assert "broke" in fault(client, vendor.url + "/a")


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><html>", b"\n  <html><body>consent", b"<script>go()</script>"])
def test_a_web_page_in_place_of_data(vendor, client, page):
    vendor.put("/a", Answer(page, headers={"Content-Type": "text/csv"}))
    assert "web page instead of csv" in fault(client, vendor.url + "/a")


@pytest.mark.parametrize(("kind", "body"), [("excel", b"date,value"), ("zip", b"date"), ("json", b"date,value\n")])
def test_another_kind_of_file(vendor, client, kind, body):
    vendor.put("/a", Answer(body))
    assert "changed its format" in fault(client, vendor.url + "/a", kind)


def test_empty_body(vendor, client):
    vendor.put("/a", Answer(b" \n"))
    assert "empty" in fault(client, vendor.url + "/a")


def test_redirect_is_followed_and_a_loop_is_not(vendor, client):
    vendor.put("/a", Answer(status=302, headers={"Location": "/b"}))
    vendor.put("/b", Answer(CSV))
    vendor.put("/c", Answer(status=302, headers={"Location": "/c"}))
    assert client.get(vendor.url + "/a", kind="csv").body == CSV
    assert "redirects" in fault(client, vendor.url + "/c")


def test_two_gigabytes_are_refused_before_they_come(vendor, client):
    vendor.put("/a", Answer(CSV, headers={"Content-Length": str(2 * 2**30)}))
    assert "2,048 MB" in fault(client, vendor.url + "/a")


def test_an_endless_body_is_cut_off(vendor, clock):
    vendor.put("/a", Answer(endless=True))
    with new_client(clock, max_bytes=2**20) as client:
        assert "expected" in fault(client, vendor.url + "/a")


def test_a_gzip_bomb_is_cut_off(vendor, clock):
    vendor.put("/a", Answer(bytes(8 * 2**20), compress=True))
    with new_client(clock, max_bytes=2**20) as client:
        assert "expected" in fault(client, vendor.url + "/a")


def test_no_connection_is_said_once_and_not_tried_again(client, clock):
    assert "no connection to 127.0.0.1" in fault(client, "http://127.0.0.1:9/a")
    assert "no connection to 127.0.0.1" in fault(client, "http://127.0.0.1:9/b")
    assert clock.slept == []


def test_keys_are_in_no_message_and_no_address(vendor, client):
    vendor.put("/a", Answer(b"{}"))
    got = client.get(vendor.url + "/a", kind="json", params={"api_key": "s3cret", "id": "A"})
    assert "s3cret" not in got.address
    assert vendor.requests[0].query == {"api_key": "s3cret", "id": "A"}
    vendor.put("/b", Answer(b"no", status=400))
    with pytest.raises(SourceError) as caught:
        client.get(vendor.url + "/b", kind="json", params={"api_key": "s3cret"})
    assert "s3cret" not in str(caught.value)


def test_base_address_by_environment(monkeypatch):
    monkeypatch.setenv("ASSAY_FRED_URL", "http://127.0.0.1:1/")
    assert base_address("fred", "https://x") == "http://127.0.0.1:1"
    assert base_address("nobody", "https://x") == "https://x"


def test_an_address_without_scheme(client):
    assert "no address" in fault(client, "ftp://127.0.0.1/a")
