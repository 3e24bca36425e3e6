"""One small thesis for every command, and each expensive answer computed once."""

from __future__ import annotations

from pathlib import Path

import pytest

import research.datasets.data
import research.lookahead
import research.runs  # before anything of the study is replaced
import research.study
import research.sweep.sweep
from research.cli import main
from tests.copper.made_up import copper

EXPENSIVE = (
    (research.study, "compare"),
    (research.lookahead, "check"),
    (research.sweep.sweep, "run_sweep"),
    (research.runs, "replay"),
)
UNASKED = ("thesis", "progress", "ledger", "record", "agree")
KEPT: dict[object, object] = {}


@pytest.fixture(scope="session")
def thesis(tmp_path_factory) -> Path:
    """The folder of the thesis of copper; nothing of it is true."""
    return copper(tmp_path_factory.mktemp("copper") / "copper", effect=0.04)


@pytest.fixture(scope="session")
def place(tmp_path_factory) -> Path:
    """A working folder with a home of its own."""
    return tmp_path_factory.mktemp("place")


def once(name, function):
    """The function; asked again with strategies of the same names and the same terms it gives what it gave."""

    def kept(first, data, **how):
        names = (
            str(first)
            if isinstance(first, Path)
            else [item.name for item in (first if isinstance(first, list) else [first])]
        )
        terms = {key: value for key, value in how.items() if key not in UNASKED}
        key = (name, *names, str(terms), str([pack.folder for pack in data.packs] if data else None))
        if key not in KEPT:
            KEPT[key] = function(first, data, **how)
        return KEPT[key]

    return kept


@pytest.fixture
def told(capsys, monkeypatch):
    """Run one command: status, stdout, stderr. What was computed before is not computed again."""
    for module, name in EXPENSIVE:
        monkeypatch.setattr(module, name, once(name, getattr(module, name)))

    opened = research.datasets.data.open_data

    def open_data(*packs, **how):
        key = (packs, str(how))
        if key not in KEPT:
            KEPT[key] = opened(*packs, **how)
        return KEPT[key]

    monkeypatch.setattr(research.datasets.data, "open_data", open_data)

    def run(*words: str) -> tuple[int, str, str]:
        status = main(list(map(str, words)))
        out, err = capsys.readouterr()
        return status, out, err

    return run
