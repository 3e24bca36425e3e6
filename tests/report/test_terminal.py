"""The terminal: short by default, everything with --verbose, and nothing said twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from research.report.study_words import a_few, counted_words, not_run
from research.report.terminal import print_study
from research.study.study import Skipped


@pytest.fixture
def printed(study, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")

    def show(**options):
        print_study(study, **options)
        return capsys.readouterr().out

    return show


def test_one_line_a_strategy_holds_its_account_and_the_metal_held(study, trial, printed):
    rows = [line for line in printed().splitlines() if line.startswith("lease_rate_spike")]
    assert len(rows) == 2 * 2, "a verdict and an account for each metal"
    own, hold = trial.performance["strategy"], trial.performance["buy_and_hold"]
    account = next(row for row in rows if f"{trial.result.first_fill:%Y-%m}" in row)
    for number in (f"{own.cagr:.1%}", f"{hold.cagr:.1%}", f"{own.max_drawdown:.0%}", f"{hold.max_drawdown:.0%}"):
        assert number.replace("%", " %") in account


def test_verbose_adds_every_account_reason_and_finding(study, trial, printed):
    short, long = printed(), " ".join(printed(verbose=True).split())
    assert trial.verdict.reason[:60] not in " ".join(short.split())
    assert trial.verdict.reason[:60] in long
    assert "matched exposure" in long
    assert "sharpe_ratio" in long


def test_what_was_not_run_is_grouped_by_its_reason(study):
    skipped = [
        Skipped(strategy=name, metal=metal, reason="no x") for name in ("a", "b") for metal in ("gold", "silver")
    ]
    told = replace(study, skipped=(*skipped, Skipped(strategy="c", metal="gold", reason="no y")))
    assert not_run(told) == {"no x": ["a (gold, silver)", "b (gold, silver)"], "no y": ["c (gold)"]}


def test_counts_name_every_word(study):
    assert counted_words(study).startswith("4 trials: 0 supported, 0 contradicted, ")


def test_many_names_are_cut_to_a_few():
    assert a_few(["a", "b", "c", "d"]) == "a, b, c, d"
    assert a_few(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
