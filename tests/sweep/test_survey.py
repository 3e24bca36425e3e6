"""What is said of all variants together, against brute force on the full table of returns."""

import numpy as np
import pytest

from research.diagnostics.selection import (
    deflated_sharpe_ratio,
    overfitting_from_moments,
)
from research.engine.portfolio import run
from research.errors import NoData, NoDecision, ParameterError
from research.ledger import Ledger
from research.sweep import problem as problem_module
from research.sweep.problem import evaluate, excess_returns
from research.sweep.survey import overfitting, survey, walk_forward
from research.sweep.sweep import run_sweep
from research.sweep.windows import SCHEMES, Windows
from tests.diagnostics.test_selection import overfitting_of

from . import ideas

AXES = {"window": [60, 120, 250], "threshold": [0.0, 0.5, 1.0, 1.5, 2.0]}


@pytest.fixture
def problem(problem_of, monkeypatch):
    monkeypatch.setattr(problem_module, "_MOST_ROWS", 4)
    monkeypatch.setattr(problem_module.Problem, "rows_per_block", property(lambda self: 4))
    return problem_of(ideas.surge, AXES)


@pytest.fixture
def records(problem):
    return [(problem.numbers(block).start, evaluate(problem, block)) for block in range(problem.n_blocks)]


@pytest.fixture
def table(problem):
    return excess_returns(problem, range(len(problem.grid))).T


def folds_of(windows, scheme):
    return [fold for fold in windows.folds if fold.scheme == scheme]


def sharpe(returns):
    return returns.mean(axis=0) / returns.std(axis=0, ddof=1)


def test_the_ranking_the_map_and_the_variance(problem, records, table):
    found = survey(problem, records, axes=("threshold", "window"), n_best=4)
    ratios = sharpe(table)
    assert [cell.number for cell in found.ranking] == np.argsort(-ratios)[:4].tolist()
    assert [cell.sharpe for cell in found.ranking] == pytest.approx(np.sort(ratios)[::-1][:4] * np.sqrt(252))
    assert found.trial_variance == pytest.approx(ratios.var(ddof=1), rel=1e-9)
    np.testing.assert_allclose(found.heat.sharpe, ratios.reshape(3, 5).T * np.sqrt(252), rtol=1e-9)
    assert found.n_decided == 15
    over_one = survey(problem, records, axes=("window",), n_best=1).heat
    np.testing.assert_allclose(over_one.sharpe[:, 0], ratios.reshape(3, 5).mean(axis=1) * np.sqrt(252), rtol=1e-9)


def test_the_walk_holds_what_was_best_before_and_nothing_from_after(problem, records, table):
    windows = problem.windows
    found = survey(problem, records, axes=(), n_best=1)
    walks = walk_forward(problem, found.picks)
    for scheme in SCHEMES:
        parts = []
        for step, fold in zip(walks[scheme].steps, folds_of(windows, scheme), strict=True):
            train, test = (
                table[first - windows.start : after - windows.start] for first, after in (fold.train, fold.test)
            )
            best = int(np.nan_to_num(sharpe(train)).argmax())
            assert step.parameters == problem.grid[best]
            assert (step.training, step.test) == (problem.dates(fold.train), problem.dates(fold.test))
            assert step.sharpe_training == pytest.approx(sharpe(train)[best] * np.sqrt(252))
            parts.append(test[:, best])
        np.testing.assert_allclose(walks[scheme].excess_returns, np.concatenate(parts), atol=1e-12)
        assert walks[scheme].excess_returns.index[-1] == problem.market.price.index[-1]
        assert walks[scheme].sharpe.estimate == pytest.approx(sharpe(np.concatenate(parts)) * np.sqrt(252), rel=1e-6)


def test_later_returns_never_change_an_earlier_pick(problem, records):
    windows = problem.windows
    before = survey(problem, records, axes=(), n_best=1).picks
    fold = windows.folds[0]
    late = [edge for edge in windows.edges[:-1] if edge >= fold.train[1]]
    n_intervals = len(windows.edges) - 1
    offset = len(problem_module.STATISTICS)
    changed = []
    for first, block in records:
        block = block.copy()
        for edge in late:
            block[:, offset + windows.edges.index(edge)] += np.arange(len(block)) * 0.1 - first
        changed.append((first, block))
    assert n_intervals > len(late) > 0
    assert survey(problem, changed, axes=(), n_best=1).picks[0] == before[0]
    assert survey(problem, changed, axes=(), n_best=1).picks[-1] != before[-1]


def test_overfitting_from_sums_is_overfitting_from_returns(problem, records, table):
    found = overfitting(problem, records)
    n_blocks = problem.windows.n_blocks
    expected = overfitting_of(table, n_blocks=n_blocks)
    assert found.estimate == expected.estimate
    assert found.details == pytest.approx(expected.details)
    assert found.method == expected.method


def test_overfitting_does_not_depend_on_how_variants_are_grouped():
    rng = np.random.default_rng(5)
    returns = rng.normal(0.0, 0.01, (160, 30))
    returns[:, 7] = returns[:, 3]
    returns[:, 20:] = 0.0
    whole = overfitting_of(returns, n_blocks=8)

    def parts():
        for low in range(0, 30, 7):
            blocks = returns[:, low : low + 7].reshape(8, 20, -1)
            yield blocks.sum(axis=1), (blocks**2).sum(axis=1)

    split = overfitting_from_moments(parts, rows_per_block=20)
    assert split.estimate == whole.estimate
    assert split.details == pytest.approx(whole.details)


def test_the_best_is_deflated_by_everything_that_was_tried(data, problem, table, tmp_path):
    ledger = Ledger(tmp_path / "trials.sqlite")
    found = run_sweep(ideas.surge, data, axes=AXES, n_folds=3, memory=20, cache=tmp_path, ledger=ledger)
    ratios = sharpe(table)
    best = int(ratios.argmax())
    assert found.best.number == best
    expected = deflated_sharpe_ratio(table[:, best], n_trials=15, trial_variance=ratios.var(ddof=1))
    assert found.deflated.estimate == pytest.approx(expected.estimate, abs=1e-9)
    weights = ideas.surge.weights(problem.panel, problem.grid[best])
    again = run(weights, problem.market, problem.execution, name="x")
    assert found.result.equity.equals(again.equity)
    assert found.disagreement < 1e-12
    (entry,) = ledger.entries()
    assert (entry.kind, entry.strategy, entry.metal, entry.parameters) == ("sweep", "surge", "silver", {"variants": 15})
    assert found.unrecorded == ""
    nowhere = Ledger(tmp_path)  # a folder is no file
    again = run_sweep(ideas.surge, data, axes={"window": [250]}, memory=20, cache=tmp_path, ledger=nowhere)
    assert "could not be written" in again.unrecorded


@pytest.mark.parametrize(("memory", "gap"), [(0, 0), (37, 37), (5_000, 200), (None, 200)])
def test_training_ends_a_memory_before_the_test(memory, gap):
    windows = Windows.cut(30, 830, n_folds=4, memory=memory, n_variants=10)
    assert windows.gap == gap
    for scheme in SCHEMES:
        folds = folds_of(windows, scheme)
        assert [fold.test[0] for fold in folds[1:]] == [fold.test[1] for fold in folds[:-1]]
        assert (folds[0].test[0], folds[-1].test[1]) == (430, 830)
        for fold in folds:
            assert fold.train[1] == fold.test[0] - gap
            assert fold.train[0] >= 30
    lengths = {fold.train[1] - fold.train[0] for fold in folds_of(windows, "rolling")}
    assert lengths == {400 - gap}
    assert {fold.train[0] for fold in folds_of(windows, "anchored")} == {30}
    assert windows.block_edges[-1] == 830
    assert set(np.diff(windows.block_edges)) == {windows.rows_per_block}


def test_windows_that_cannot_be_cut_are_refused():
    with pytest.raises(NoData, match="too few"):
        Windows.cut(0, 60, n_folds=5, memory=10, n_variants=3)


def test_more_variants_are_halved_in_fewer_ways():
    counts = [Windows.cut(0, 6_000, n_folds=5, memory=0, n_variants=n).n_blocks for n in (10, 10_000, 1_000_000)]
    assert counts[0] == 16
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] >= 4


def test_a_grid_in_which_nothing_ever_trades_says_so(data, tmp_path):
    with pytest.raises(NoDecision, match="none of 2 variants ever trades"):
        run_sweep(ideas.surge, data, axes={"window": [3, 4]}, memory=5, cache=tmp_path)


def test_a_heat_map_over_an_unknown_axis_names_the_nearest(data, tmp_path):
    with pytest.raises(ParameterError, match="did you mean 'window'"):
        run_sweep(ideas.surge, data, by=["windw"], cache=tmp_path)
