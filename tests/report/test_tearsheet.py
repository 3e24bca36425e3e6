"""The tearsheet shows the frames that it is drawn from, beside buy and hold and matched exposure."""

from __future__ import annotations

import re

import numpy as np

from research.diagnostics import metrics as frames
from research.report import tearsheet
from research.report.chart import Cells, Line
from research.report.sentences import sentence


def test_the_heat_map_has_every_month_and_every_year_of_all_three(trial):
    chart = tearsheet.months(trial)
    (cells,) = chart.panels[0].marks
    assert isinstance(cells, Cells)
    own = frames.monthly_returns(trial.returns)
    np.testing.assert_array_equal(cells.values[:, :13], own)
    held = frames.by_period(trial.benchmarks["buy_and_hold"].returns, "Y")
    np.testing.assert_array_equal(cells.values[:, 13], held)
    assert f"{(own['year'].to_numpy() > held.to_numpy()).sum()} of them better" in chart.description
    assert list(cells.rows) == [str(year) for year in own.index]


def test_the_windows_are_drawn_for_all_three(trial):
    sharpe, volatility = tearsheet.rolling(trial).panels
    for panel, column in ((sharpe, "sharpe"), (volatility, "volatility")):
        lines = {mark.label: mark for mark in panel.marks if isinstance(mark, Line)}
        assert set(lines) == {"Strategy", "Buy and hold", "Matched exposure"}
        np.testing.assert_array_equal(lines["Strategy"].y, frames.rolling(trial.result)[column])


def test_the_tables_have_a_row_an_account_a_fall_and_a_round_trip(trial):
    risk, falls, trades = tearsheet.risk_table(trial), tearsheet.drawdown_table(trial, 3), tearsheet.trade_table(trial)
    assert [table.count("<tr>") - 1 for table in (risk, falls)] == [3, 6]
    assert trades.count("<tr>") - 1 == len(trial.trades)
    deepest = frames.worst_drawdowns(trial.returns, 1, start=trial.result.first_fill).iloc[0]
    assert f"{100 * deepest['depth']:+.1f} %" in falls
    assert f"{deepest['trough']:%Y-%m}" in falls
    won = (trial.trades["profit"] > 0).sum()
    assert f"{len(trial.trades)} round trips, {won} with a profit" in trades
    assert "open" not in re.sub(r"<[^>]*>|Still open", "", trades), "all seven are closed"


def test_the_whole_sheet_says_what_its_ratios_are(trial):
    whole = tearsheet.tearsheet(trial)
    assert sentence("notes.ratios") in whole
    assert whole.count('role="img"') == 2
