"""The terminal: short by default, everything with --verbose, and nothing said twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from research.report.columns import CLAIM_COLUMNS, ROW_COLUMNS
from research.report.console import fitted
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


def test_the_first_table_is_the_claims_and_then_one_line_a_strategy(study, trial, printed):
    out = printed()
    assert out.index("C1+") < out.index("lease_rate_spike")
    rows = [line for line in out.splitlines() if line.startswith("lease_rate_spike")]
    assert len(rows) == 2, "one for each metal"
    long = printed(verbose=True).splitlines()
    title = f"lease_rate_spike, silver: after costs, from {trial.result.first_fill:%Y-%m}"
    below = long[long.index(title) :]
    for label, name in (("strategy", "strategy"), ("buy_and_hold", "buy and hold")):
        row, own = next(line for line in below if line.startswith(name)), trial.performance[label]
        for number in (f"{own.cagr:.1%}", f"{own.max_drawdown:.1%}", f"{own.exposure:.0%}", f"{own.sharpe:.2f}"):
            assert number.replace("%", " %") in row


@pytest.mark.parametrize(("width", "lines"), [(120, 1), (80, 2)])
def test_a_claim_takes_one_line_at_120_columns_and_two_at_80(study, capsys, monkeypatch, width, lines):
    monkeypatch.setenv("COLUMNS", str(width))
    print_study(replace(study, claims={"C1+": study.claims["C1+"]}))
    printed = capsys.readouterr().out.splitlines()
    at = next(i for i, line in enumerate(printed) if line.startswith("C1+"))
    assert str(study.claims["C1+"].verdict.word) in printed[at + lines - 1]
    assert max(map(len, printed)) <= width


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 120])
def test_no_figure_is_ever_cut(study, capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    print_study(study)
    out = capsys.readouterr().out
    for judged, columns in [(c, CLAIM_COLUMNS) for c in study.claims.values()] + [
        (t, ROW_COLUMNS) for t in study.trials
    ]:
        for column in columns:
            assert column.cell(judged) in out


def test_a_table_stacks_where_nothing_else_fits():
    lines = [str(line) for line in fitted("T", ("One", "Two three"), "rl", [("name", ("1.0", "supported"))], 14)]
    assert lines == ["T", "name", "  One: 1.0", "  Two three: supported"]


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
    assert not_run(told.skipped) == {"no x": ["a (gold, silver)", "b (gold, silver)"], "no y": ["c (gold)"]}


def test_counts_name_every_word(study):
    assert counted_words(study).startswith("2 claims: 0 supported, 0 contradicted, ")


def test_many_names_are_cut_to_a_few():
    assert a_few(["a", "b", "c", "d"]) == "a, b, c, d"
    assert a_few(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
