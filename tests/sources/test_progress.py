"""What a fetch prints while it runs."""

from __future__ import annotations

import io
import sys

from research.cli.data import _teller
from research.sources import Outcome


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_one_line_a_dataset_its_id_first_and_on_a_terminal_the_time_left(monkeypatch):
    moments = iter([0.0, 300.0])
    monkeypatch.setattr("research.cli.data.time.monotonic", lambda: next(moments))
    done = Outcome(id="sofr", status="updated", line="sofr: 3 new, to 2026-11-20")
    for stream, expected in ((Terminal(), "cpi … (2 of 3, about 10 min left)"), (io.StringIO(), "")):
        moments = iter([0.0, 300.0])
        monkeypatch.setattr(sys, "stderr", stream)
        tell = _teller()
        tell(1, 3, "sofr", done)
        tell(1, 3, "cpi", None)
        lines = stream.getvalue().split("\n")
        assert lines[0] == done.line
        assert lines[1].startswith(expected)
        assert bool(lines[1]) == bool(expected)
