"""What a command prints while it runs."""

from __future__ import annotations

import io
import sys

import pytest

import research.sources
from research.cli import main
from research.report.progress import Progress
from research.sources import Outcome


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_line_says_what_is_done_and_what_is_left(monkeypatch):
    moments = iter([0.0, 300.0, 84.0])
    monkeypatch.setattr("research.report.progress.time.monotonic", lambda: next(moments))
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Progress(quiet=False) as progress:
        progress(1, 3, "cpi " * 40)
        progress(2, 3, "sofr")
    first, second, end = sys.stderr.getvalue().split("\r")[1:4]
    assert first.startswith("1/3 cpi cpi")
    assert first.endswith(", about 10 min left")
    assert len(first) == 78
    assert second.rstrip() == "2/3 sofr, about 42 s left"
    assert len(second) == 78, "what stood there before is gone"
    assert not end.strip()


@pytest.mark.parametrize(("stream", "more"), [(Terminal, True), (io.StringIO, False)])
def test_a_fetch_prints_one_line_a_dataset_its_id_first(monkeypatch, stream, more):
    done = Outcome(id="sofr", status="updated", line="sofr: 3 new, to 2026-11-20")

    def fetch(ids, *, accept, anew, progress):
        progress(0, 1, "sofr", None)
        progress(1, 1, "sofr", done)
        raise KeyboardInterrupt

    monkeypatch.setattr(research.sources, "fetch", fetch)
    monkeypatch.setattr(sys, "stderr", stream())
    assert main(["data", "fetch"]) == 130
    told = sys.stderr.getvalue()
    assert f"{done.line}\n" in told
    assert ("0/1 sofr" in told) == more
