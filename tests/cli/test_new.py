"""assay new: what it writes runs as it is, and nothing is ever overwritten."""

from __future__ import annotations

import json
import runpy

import nbformat
import pandas as pd
import pytest

from research import backtest, open_data
from research.cli.new import scaffold
from research.discovery import find_strategy
from research.errors import StrategyError


def test_the_strategy_is_found_and_the_notebook_is_valid_and_clean(tmp_path):
    strategy, test, notebook = scaffold("my_idea", tmp_path)
    assert find_strategy(str(strategy)).name == "my_idea"
    read = nbformat.read(notebook, as_version=4)
    nbformat.validate(read)
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in read.cells)
    compile(test.read_text(encoding="utf-8"), str(test), "exec")


def test_in_a_clone_too_the_files_lie_where_the_next_command_looks_for_them(tmp_path):
    for kind in ("strategies", "tests", "notebooks"):
        (tmp_path / kind).mkdir()
    written = [file.relative_to(tmp_path).as_posix() for file in scaffold("my_idea", tmp_path)]
    assert written == ["my_idea.py", "test_my_idea.py", "my_idea.ipynb"]


def test_its_test_passes_at_once(tmp_path):
    _, test, _ = scaffold("my_idea", tmp_path)
    written = runpy.run_path(str(test))
    tests = [function for name, function in written.items() if name.startswith("test_")]
    assert len(tests) == 3
    for function in tests:
        for end in function.pytestmark[0].args[1] if hasattr(function, "pytestmark") else [None]:
            function(end) if end else function()


def test_its_test_notices_a_strategy_that_looks_ahead(tmp_path):
    strategy, test, _ = scaffold("my_idea", tmp_path)
    honest = strategy.read_text(encoding="utf-8")
    strategy.write_text(honest.replace("lease - average", "lease.shift(-1) - average"), encoding="utf-8")
    replay = runpy.run_path(str(test))["test_the_past_does_not_change_when_more_is_known"]
    caught = 0
    for end in replay.pytestmark[0].args[1]:
        try:
            replay(end)
        except AssertionError:
            caught += 1
    assert caught > 0


def test_the_first_own_verdict_is_no_lucky_one(tmp_path):
    idea = find_strategy(str(scaffold("my_idea", tmp_path)[0]))
    for parameters in idea.variants():
        trial = backtest(idea, open_data(), ledger=None, **parameters)
        assert trial.verdict.word == "ruled out"  # as the template's first lines say
        assert trial.timing.dates[0] >= pd.Timestamp("1975")
        assert len(trial.verdict.reason) > 40


def test_nothing_is_overwritten_and_nothing_half_done(tmp_path):
    (tmp_path / "test_my_idea.py").write_text("mine")
    with pytest.raises(StrategyError, match=r"test_my_idea\.py: is there already"):
        scaffold("my_idea", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["test_my_idea.py"]


@pytest.mark.parametrize("name", ["My_Idea", "2fast", "my-idea", "../up", "class", "", "a b", "lease_rate_spike"])
def test_bad_and_taken_names_are_refused(name, tmp_path):
    with pytest.raises(StrategyError, match="name"):
        scaffold(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_it_wrote(tmp_path, monkeypatch, capsys):
    from research.cli import main

    monkeypatch.chdir(tmp_path)
    assert main(["new", "my_idea", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["written"] == ["my_idea.py", "test_my_idea.py", "my_idea.ipynb"]
    assert main(["new", "my_idea"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
