"""A planted memory is found; one without end is admitted."""

import pytest

from research import strategy
from research.signals.series import hold_after
from research.sweep.grid import grid_of
from research.sweep.windows import strategy_memory

from . import ideas


def memory(problem_of, idea):
    problem = problem_of(ideas.surge)
    return strategy_memory(idea, problem.panel, grid_of(idea), 50, max_leverage=1.0)


def test_a_trailing_window_is_remembered_for_its_length(problem_of):
    assert memory(problem_of, ideas.above_twenty_bars) == 19


def test_a_strategy_that_looks_at_today_only_remembers_nothing(problem_of):
    @strategy(**ideas.DECLARED)
    def today(panel):
        return (panel["demand"] > 0).astype(float)

    assert memory(problem_of, today) == 0


def test_an_expanding_mean_never_forgets(problem_of):
    assert memory(problem_of, ideas.above_all_history) is None


def test_the_longest_holding_period_of_the_grid_counts(problem_of):
    @strategy(**ideas.DECLARED, grid={"hold_days": [7, 70]})
    def held(panel, hold_days=7):
        return hold_after(panel["demand"] > 1.0, f"{hold_days}D")

    found = memory(problem_of, held)
    assert 30 < found <= 50
    assert found == pytest.approx(70 * 5 / 7, abs=15)


def test_a_kept_position_is_remembered_until_the_next_signal(problem_of):
    @strategy(**ideas.DECLARED)
    def kept(panel):
        demand = panel["demand"]
        return (demand > 0).astype(float).where(demand.abs() > 1.0)

    assert memory(problem_of, kept) >= 3
