"""The pictures of a real trial: the right numbers, a unit on every axis, a source in every caption."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from research.diagnostics.timing import independent_events
from research.errors import DataError
from research.report import charts
from research.report.chart import Bars, Cells, Chart, Line, Rows, Rule, Spans
from research.report.sentences import plural
from research.report.svg import drawing
from research.study import exhibits


def marks(chart: Chart, kind: type) -> list:
    return [mark for panel in chart.panels for mark in panel.marks if isinstance(mark, kind)]


def test_all_pictures_can_be_drawn(trial):
    found = list(charts.all_charts(trial).values())
    assert len(found) == 7
    for chart in found:
        assert 'role="img"' in drawing(chart)


def test_the_signal_stands_under_the_price_with_its_episodes_and_units(trial):
    chart = charts.signal(trial)
    svg = drawing(chart)
    (spans,) = [mark for mark in chart.panels[0].marks if isinstance(mark, Spans)]
    assert svg.count('class="span ') == len(spans.starts) * (len(chart.panels) - 1)
    (price,) = marks(replace(chart, panels=chart.panels[:1]), Line)
    np.testing.assert_array_equal(price.y, trial.market.price)
    assert all(panel.y.title in svg for panel in chart.panels)
    assert chart.panels[0].y.scale == "log"


def test_every_axis_has_a_title_with_its_unit_and_every_caption_a_source_and_a_date(trial, study):
    for chart in [*charts.all_charts(trial).values(), charts.verdicts(study), charts.overlay(study)]:
        assert chart.x.title
        assert f"Data to {trial.equity.index[-1]:%Y-%m}" in chart.caption
        assert "World Bank" in chart.caption
        for panel in chart.panels:
            if not marks(chart, Cells) and not marks(chart, Rows):
                assert "(" in panel.y.title, panel.y.title


def test_equity_shows_the_accounts_of_the_trial(trial):
    chart = charts.equity(trial)
    lines = {line.label: line for line in chart.panels[0].marks}
    assert set(lines) == {"Strategy", "Buy and hold", "Matched exposure", "Treasury bills"}
    assert lines["Strategy"].y[-1] == pytest.approx((1 + trial.returns).prod())
    held = trial.benchmarks["buy_and_hold"]
    assert lines["Buy and hold"].y[-1] == pytest.approx(held.equity.iloc[-1] / held.capital)
    assert chart.panels[0].y.scale == "log"
    assert len({(line.role, line.dash) for line in lines.values()}) == 4


def test_episodes_are_those_that_the_verdict_counts(trial):
    (spans,) = [mark for mark in charts.signal(trial).panels[0].marks if isinstance(mark, Spans)]
    assert len(spans.starts) >= trial.evidence.events
    active = pd.Series(trial.timing.active, index=trial.timing.dates)
    inside = pd.concat([active.loc[start:end] for start, end in zip(spans.starts, spans.ends, strict=True)])
    assert (inside > 0).all()
    assert len(inside) == (active > 0).sum()


def test_what_the_strategy_saw_is_shown_with_its_unit(trial):
    (known,) = trial.signals.values()
    panel = charts.signal(trial).panels[1]
    assert panel.y.title == known.name
    assert "% a year" in panel.y.title
    (line,) = [mark for mark in panel.marks if isinstance(mark, Line)]
    np.testing.assert_array_equal(line.y, known.loc[trial.market.price.index[0] :])
    assert np.isfinite(line.y).any()


def test_the_picture_of_shifts_repeats_the_verdict_s_own_draws(trial):
    draws = exhibits.moved_histories(trial)
    as_good = np.isnan(draws.shifted) | (draws.shifted >= draws.observed - 1e-9)
    share = (1 + as_good.sum()) / (1 + as_good.size)
    assert share == pytest.approx(trial.evidence.p_shifted.supporting, abs=0.1), (
        "alone, not with its claim's other rows"
    )
    (bars,) = marks(charts.circular_shifts(trial), Bars)
    assert sum(bars.heights) == np.isfinite(draws.shifted).sum()


def test_the_grid_shows_every_declared_point_and_frames_the_chosen_one(trial):
    (cells,) = marks(charts.grid(trial), Cells)
    assert sorted(cells.values.ravel()) == sorted(point.timing_return for point in trial.grid)
    assert len(trial.grid) == len(trial.strategy.variants())
    assert cells.values[cells.chosen] == pytest.approx(trial.evidence.timing_return.value, rel=1e-6)


def test_the_power_curve_passes_through_the_detectable_ratio(trial):
    curve = exhibits.chance_of_finding(trial)
    least = trial.evidence.detectable
    assert np.interp(least, curve["ratio"], curve["power"]) == pytest.approx(trial.verdict.rules.power, abs=0.01)
    places = {rule.label: rule.at for rule in marks(charts.power(trial), Rule)}
    assert places["Seen in this record"] == pytest.approx(max(trial.evidence.information_ratio.value, 0))


def test_too_few_events_show_no_p_value_and_no_interval(too_few, study):
    for chart in charts.all_charts(too_few).values():
        assert "(p " not in chart.description
        assert "luck would make" not in chart.description
    (rows,) = marks(charts.verdicts(study), Rows)
    few = [name for name, claim in study.claims.items() if claim.evidence.events < 6]
    for name in few:
        place = list(rows.labels).index(name)
        assert np.isnan([rows.estimates[place], rows.lows[place], rows.highs[place]]).all()


def test_the_mean_path_and_its_band_are_those_of_moved_dates(trial):
    found = exhibits.paths_after_events(trial)
    moved = trial.result.metal_excess_returns.to_numpy()
    starts = trial.result.metal_excess_returns.index.get_indexer(independent_events([trial.timing]))
    starts = [start for start in starts if start + 12 <= moved.size]
    by_hand = np.mean([moved[start : start + 12].sum() for start in starts])
    assert found.mean[-1] == pytest.approx(by_hand)
    everywhere = [
        np.mean([sum(moved[(start + shift + step) % moved.size] for step in range(12)) for start in starts])
        for shift in range(moved.size)
    ]
    assert found.shifted_high[-1] == pytest.approx(np.quantile(everywhere, 0.95))


def test_what_cannot_be_drawn_says_why(trial, too_few):
    with pytest.raises(DataError, match="independent events are under 6"):
        charts.circular_shifts(too_few)
    with pytest.raises(DataError, match="complete window"):
        exhibits.paths_after_events(trial, horizon=10_000)


def test_lines_of_the_fan_are_one_an_event(trial):
    single = [line for line in marks(charts.event_study(trial), Line) if line.label == "Each episode"]
    assert len(single) == len(exhibits.paths_after_events(trial).paths)


def test_what_is_uncertain_is_drawn_so(too_few, study):
    (mean,) = [line for line in marks(charts.event_study(too_few), Line) if line.label.startswith("Mean")]
    assert mean.dash == "dot"
    assert "too few to tell from luck" in mean.label
    assert "Seen in this record" not in {rule.label for rule in marks(charts.power(too_few), Rule)}
    assert "This one shows" not in charts.power(too_few).description
    with pytest.raises(DataError, match="independent events are under 6"):
        charts.rolling(too_few)
    (rows,) = marks(charts.verdicts(study), Rows)
    for claim, note in zip(study.claims.values(), rows.notes, strict=True):
        few = claim.evidence.events < 6
        assert note == (f"undecidable, {plural(claim.evidence.events, 'event')}" if few else str(claim.verdict.word))


def test_all_accounts_of_a_metal_stand_in_one_picture(study):
    chart = charts.overlay(study)
    for panel, metal in zip(chart.panels, dict.fromkeys(trial.metal for trial in study.trials), strict=True):
        lines = [mark for mark in panel.marks if isinstance(mark, Line)]
        trials = [trial for trial in study.trials if trial.metal == metal]
        own = [line for line in lines if line.label == "Each strategy"]
        assert {line.about for line in own} == {trial.name for trial in trials}
        ends = {trial.name: trial.equity.iloc[-1] / 100 for trial in trials}
        assert all(line.y.iloc[-1] == pytest.approx(ends[line.about]) for line in own)
        assert [line.label for line in lines].count("Buy and hold") == 1
