"""Every command at every width: no figure is cut, and it ends in three lines, of which the last can be typed."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.report.console import fitted

WIDTHS = (40, 80, 100, 160)
WIDE = 1000
OWN = ["--title", "Stock", "--unit", "t", "--frequency", "day", "--release", "lag 1 day 18:00 UTC"]
COMMANDS = {
    "compare": ["compare"],
    "compare, all of it": ["compare", "--verbose"],
    "backtest": ["backtest", "drained"],
    "backtest, all of it": ["backtest", "drained", "--verbose"],
    "check": ["check", "drained", "--cuts", "2"],
    "check all": ["check", "all", "--cuts", "2"],
    "sweep": ["sweep", "drained", "--memory", "12", "--folds", "2"],
    "claims": ["claims"],
    "claims, judged": ["claims", "--verdicts"],
    "today": ["today"],
    "strategies": ["strategies"],
    "data": ["data"],
    "data verify": ["data", "verify"],
    "data sources": ["data", "sources"],
    "data archive": ["data", "archive", "--verify"],
    "data add": ["data", "add", "stock.csv", "--as", "my_stock", "--dry-run", *OWN],
    "data fetch": ["data", "fetch", "real_yield_10y"],
    "trials": ["trials", "--last", "3"],
    "replay": ["replay", "run"],
    "diff": ["diff", "run", "run"],
}
STATUS = {"data fetch": 4}
SAID: dict[tuple[str, int], str] = {}


@pytest.fixture
def answer(place, thesis, told, monkeypatch):
    """What a command prints at a width, in a folder with a file of one's own, and without a connection."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("ASSAY_HOME", str(place / "home"))
    monkeypatch.setenv("ASSAY_FRED_URL", "http://127.0.0.1:9")
    days = "\n".join(f"2024-01-{day:02d},{day + 0.5}" for day in range(2, 6))
    Path("stock.csv").write_text(f"date,tonnes\n{days}\n")

    if not Path("run").is_dir():
        assert told("--thesis", thesis, "backtest", "copper_momentum", "--run", "run")[0] == 0

    def give(name, width):
        if (name, width) not in SAID:
            monkeypatch.setenv("COLUMNS", str(width))
            status, out, err = told("--thesis", thesis, *COMMANDS[name])
            assert status == STATUS.get(name, 0), err
            SAID[name, width] = out
        return SAID[name, width]

    return give


def figures(text):
    """Words with a digit, but for the time of day."""
    return Counter(word for word in text.split() if re.search(r"\d", word) and not re.fullmatch(r"\d\d:\d\d", word))


@pytest.mark.parametrize("name", COMMANDS)
def test_no_figure_is_cut_at_any_width(answer, name):
    whole = figures(answer(name, WIDE))
    for width in WIDTHS:
        out = answer(name, width)
        assert whole - figures(out) == Counter(), width
        for line in out.splitlines():
            assert len(line) <= width or max(map(len, line.split())) > width - 8, (width, line)


def test_the_wide_terminal_is_used(answer):
    for name in ("strategies", "data"):
        assert max(map(len, answer(name, 160).splitlines())) > 120
    assert len(answer("compare", 160).splitlines()) < len(answer("compare", 80).splitlines())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_answer_ends_in_three_lines_of_which_the_last_can_be_typed(answer, told, name):
    out = answer(name, 100)
    short, why, following = re.search(r"\nIn short: (.+?)\nWhy: (.+?)\nNext: (.+)\Z", out, re.DOTALL).groups()
    assert short.strip().endswith(".")
    assert len(why.split()) > 2
    words = shlex.split(following.replace("\\\n", " "))
    assert words[0] == "assay"
    status, _, error = told(*words[1:])
    assert status != 2, error


def test_the_three_lines_of_a_new_strategy_are_typed(told, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    status, out, _ = told("new", "my_idea")
    assert status == 0
    assert out.splitlines()[-1].startswith("Next: assay ")
    assert told(*shlex.split(out.splitlines()[-1])[2:], "--end", "nonsense")[2].startswith("assay: end: 'nonsense'")


WORDS = st.text("abc 0123456789.-", min_size=0, max_size=60).map(lambda text: " ".join(text.split()))
FIGURES = st.floats(-1e6, 1e6).map(lambda value: f"{value:+.2f} %")


@settings(max_examples=80, deadline=None)
@given(
    aligns=st.text("lrt", min_size=1, max_size=8),
    width=st.sampled_from((20, *WIDTHS, 300)),
    data=st.data(),
)
def test_a_table_of_anything_shows_every_figure_whole(aligns, width, data):
    headings = [data.draw(st.sampled_from(("Sharpe", "95 % interval", "In plain words", ""))) for _ in aligns]
    row = st.tuples(WORDS, st.tuples(*(WORDS if align == "t" else FIGURES for align in aligns)))
    rows = data.draw(st.lists(row, min_size=1, max_size=5))
    lines = [str(line) for line in fitted("Title", headings, aligns, rows, width)]
    shown = Counter(" ".join(lines).split())
    assert Counter(" ".join(" ".join((name, *cells)) for name, cells in rows).split()) - shown == Counter()
    for line in lines:
        assert not line.lstrip().startswith("%"), "a per cent sign stands by its number"
        assert len(line) <= width or max(map(len, line.split())) + 24 > width
