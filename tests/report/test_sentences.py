"""The tables of sentences and of columns: nothing in them is left over, and what they ask for must be given."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from research.report import sentences as told
from research.report.columns import columns
from research.report.sentences import sentence, sentences, written

REPORT = Path(told.__file__).parent
CODE = "\n".join(file.read_text(encoding="utf-8") for file in [*REPORT.glob("*.py"), *(REPORT / "templates").iterdir()])


def table(name):
    return tomllib.loads((REPORT / name).read_text(encoding="utf-8"))


def test_every_sentence_and_every_table_is_shown_somewhere():
    names = {
        of if name in ("title", "description", "caption") else f"{of}.{name}"
        for of, texts in table("sentences.toml").items()
        for name in texts
    }
    names |= set(table("tables.toml"))  # of which `shown` names columns of `judged`
    assert [name for name in sorted(names) if f'"{name}"' not in CODE] == []


def test_every_column_of_what_is_judged_is_drawn():
    tables = table("tables.toml")
    assert set(tables["judged"]) == {name for names in tables["shown"].values() for name in names}


def test_a_text_is_one_line_and_a_list_has_an_item_a_hyphen():
    assert written("{{ n|plural('event') }}\n  of two - or more ", n=1) == "1 event of two - or more"
    lines = sentences("sweep.plain", **sweep(walks={}))
    assert lines == ["4 variants were tried; the best over the whole history is months=3."]


def sweep(**found):
    return {"count": "4", "best": "months=3", "found": {"overfitting": None, "deflated": None, **found}}


def test_what_a_sentence_asks_for_must_be_given():
    with pytest.raises(UndefinedError, match="level"):
        sentence("notes.correction", n=1)


def test_columns_come_in_their_order_or_as_named():
    assert [column.heading for column in columns("accounts")][:2] == ["CAGR", "Volatility"]
    ratio, events = columns("judged", "detectable", "events")
    assert (ratio.heading, events.heading, events.align) == ("Detectable", "Events", "r")
    with pytest.raises(KeyError):
        columns("judged", "detectible")
