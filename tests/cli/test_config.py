"""The config file: what it may say, that the line overrides it, and that every answer says that it was used."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from research.report.study_words import head_lines


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


TERMS = "[terms]\nfees = 0.002\ndelay = 2\n[rules]\nmin_events = 7\n"
ASKED = ("backtest", "drained", "--no-ledger")


def test_it_fills_what_the_line_leaves_open_and_every_display_says_so(told, thesis):
    Path("assay.toml").write_text(TERMS)
    study = json.loads(told("--thesis", thesis, *ASKED, "--json", "--fees", "0.003")[1])
    assert (study["execution"]["fees"], study["execution"]["delay"]) == (0.003, 2)
    assert study["rules"]["min_events"] == 7
    line = "config: assay.toml: delay 2, min_events 7; --no-config leaves it out"
    assert study["manifest"]["config"] == line
    assert told("--thesis", thesis, *ASKED, "--fees", "0.003")[1].splitlines()[0] == line
    assert head_lines(SimpleNamespace(manifest=study["manifest"]))[0] == line, "as every page has it"
    study = json.loads(told("--thesis", thesis, *ASKED, "--no-config", "--json")[1])
    assert (study["execution"]["fees"], "config" in study["manifest"]) == (0.001, False)


@pytest.mark.parametrize(
    "words", [("strategies",), ("data",), ("data", "verify"), ("data", "sources"), ("today",), ("claims",)]
)
def test_a_table_over_other_packs_says_so(told, thesis, words):
    Path("pyproject.toml").write_text(f"[tool.other]\nx = 1\n[tool.assay]\ndata = ['{thesis}']\n")
    status, out, error = told(*words, "--thesis", thesis)
    assert status == 0, error
    assert " ".join(out.split()).startswith(f"config: [tool.assay] in pyproject.toml: data {thesis};")
    assert "config" not in told(*words, "--thesis", thesis, "--no-config")[1].splitlines()[0]
    assert json.loads(told(*words, "--thesis", thesis, "--json")[1])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("fee = 0.1", "assay.toml: fee: no such key; there are: data, price, rules, terms"),
        ("[terms]\nfee = 0.1", "assay.toml: terms.fee: no such key; did you mean 'fees'?"),
        ("[term]\nfees = 0.1", "term: no such key; did you mean 'terms'?"),
        ("[terms]\nfees = 'low'", "terms.fees = 'low': write a number"),
        ("[terms]\ndelay = 1.5", "terms.delay = 1.5: write a whole number"),
        ("[terms]\nfees = true", "terms.fees = True: write a number"),
        ("terms = 3", "write [terms] and its keys under it"),
        ("data = 'one'", 'write a list of folders, ["…"]'),
        ("data = [1]", 'write a list of folders, ["…"]'),
        ("price = 3", 'write a text, "…"'),
        ("price = 'sopt'", "no such choice here"),
        ("data = ['nowhere']", "nowhere: no registry.toml"),
        ("[rules]\nlevel = 0.5", "looser than 0.05"),
        ("[terms]\nfees = -1", "0 or more"),
        ("x = [", "assay.toml: cannot be read"),
    ],
)
def test_a_wrong_config_is_one_line(told, thesis, text, says):
    Path("assay.toml").write_text(text)
    status, out, error = told("--thesis", thesis, *ASKED)
    assert (status, out, error.count("\n")) == (2, "", 1)
    assert says in error


def test_what_reads_no_data_reads_no_config(told):
    Path("assay.toml").write_text("x = [")
    assert told("trials")[0] == 0
    assert told("compare", "--help")[0] == 0
