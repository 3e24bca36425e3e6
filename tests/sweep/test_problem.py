"""One variant's record, against the engine of record and plain numpy."""

import numpy as np
import pandas as pd
import pytest

from research import Execution, strategy
from research.engine.portfolio import run
from research.errors import SignalError
from research.sweep.grid import grid_of
from research.sweep.problem import STATISTICS, evaluate, excess_returns, metal_excess_returns, sharpe

from . import ideas


def excess_by_vectorbt(problem, number):
    """Excess returns over the common history from the engine of record, 0 before the first fill."""
    weights = problem.strategy.weights(problem.panel, problem.grid[number]).iloc[problem.opening :]
    result = run(weights, problem.market, problem.execution, name="x")
    dates = problem.market.price.index[problem.windows.start : problem.windows.end]
    return result, result.excess_returns.reindex(dates).fillna(0.0)


@pytest.mark.parametrize("idea", [ideas.surge, ideas.surge_at_once, ideas.surge_and_hold])
def test_records_hold_what_vectorbt_says_of_each_variant(problem_of, idea):
    problem = problem_of(idea)
    records = evaluate(problem, 0)
    assert records.shape == (len(problem.grid), problem.n_columns)
    windows = problem.windows
    spans = [(windows.start, windows.end)] + [span for fold in windows.folds for span in (fold.train, fold.test)]
    for number in range(len(problem.grid)):
        result, excess = excess_by_vectorbt(problem, number)
        total = records[number, STATISTICS.index("total_return")]
        assert total == pytest.approx(result.equity.iloc[-1] / result.capital - 1, abs=1e-10)
        np.testing.assert_allclose(excess_returns(problem, [number])[0], excess, atol=1e-12)
        for span in spans:
            part = excess.to_numpy()[span[0] - windows.start : span[1] - windows.start]
            expected = part.mean() / part.std(ddof=1) if part.std() > 0 else 0.0
            assert sharpe(problem, records, span)[number] == pytest.approx(expected, abs=1e-9)
    np.testing.assert_allclose(
        metal_excess_returns(problem)[-len(result.metal_excess_returns) :],
        result.metal_excess_returns.to_numpy()[-len(metal_excess_returns(problem)) :],
        atol=1e-14,
    )


def test_vectorised_parameters_decide_the_same_weights(problem_of):
    one, other = problem_of(ideas.surge), problem_of(ideas.surge_at_once)
    variants = list(one.grid)
    table = ideas.surge_at_once.weight_table(other.panel, variants)
    for row, variant in zip(table, variants, strict=True):
        np.testing.assert_array_equal(row, ideas.surge.weights(one.panel, variant))
        np.testing.assert_array_equal(row, ideas.surge_at_once.weights(other.panel, variant))


def test_a_vectorised_signal_of_the_wrong_shape_is_told_the_right_one(problem_of):
    @strategy(**ideas.DECLARED, vectorised=["threshold"])
    def flat(panel, threshold=1.0):
        return np.zeros(len(panel.index))

    with pytest.raises(SignalError, match=r"return \(900, 1\)"):
        flat.weights(problem_of(ideas.surge).panel)


def test_a_variant_beyond_the_leverage_is_named(problem_of):
    @strategy(**ideas.DECLARED, grid={"scale": [1.0, 3.0]})
    def levered(panel, scale=1.0):
        return pd.Series(scale, index=panel.index)

    panel = problem_of(ideas.surge).panel
    with pytest.raises(SignalError, match=r"levered\(scale=3.0\): weight 3"):
        levered.weight_table(panel, list(grid_of(levered)))


def test_accounts_open_at_the_start_with_the_target_in_force(problem_of):
    problem = problem_of(ideas.surge_and_hold, start="2001")
    assert problem.opening > 200
    records = evaluate(problem, 0)
    whole = problem.strategy.weights(problem.panel, problem.grid[0])
    weights = whole.iloc[problem.opening :].copy()
    weights.iloc[0] = whole.iloc[: problem.opening + 1].ffill().iloc[-1]
    result = run(weights, problem.market, problem.execution, name="x")
    total = records[0, STATISTICS.index("total_return")]
    assert total == pytest.approx(result.equity.iloc[-1] / 100 - 1, abs=1e-10)
    assert records[0, STATISTICS.index("first_fill")] == problem.execution.delay


def test_a_variant_that_never_decides_is_a_record_of_nothing(problem_of):
    problem = problem_of(ideas.surge, {"window": [5, 250], "threshold": [1.0]})
    records = evaluate(problem, 0)
    assert records[0, STATISTICS.index("first_fill")] == -1
    assert (records[0, len(STATISTICS) :] == 0).all()
    assert sharpe(problem, records, (problem.windows.start, problem.windows.end))[0] == 0


def test_ruin_costs_everything_once_and_earns_no_bills(problem_of):
    @strategy(**ideas.DECLARED, grid={"scale": [40.0]})
    def reckless(panel, scale=40.0):
        return pd.Series(scale, index=panel.index)

    problem = problem_of(reckless, execution=Execution(max_leverage=100.0))
    excess = excess_returns(problem, [0])[0]
    bills = problem.market.bill_accrual.to_numpy()[problem.windows.start :]
    ruin = int(np.argmin(excess))
    assert excess[ruin] == pytest.approx(-1 - bills[ruin])
    np.testing.assert_allclose(excess[ruin + 1 :], -bills[ruin + 1 :], atol=1e-15)
