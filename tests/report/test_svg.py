"""The drawing: points where the numbers say, extremes kept, words escaped, everything labelled."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from research.report.chart import Axis, Band, Cells, Chart, Line, Panel, Rule
from research.report.svg import FINE, WIDTH, drawing, figure, ruler
from research.report.template import Markup, part


def chart(*marks, scale="linear", x="linear", **y) -> Chart:
    panel = Panel(y=Axis(title="Height (m)", scale=scale, **y), marks=marks, height=100)
    axis = Axis(title="Time", scale=x, form="date" if x == "date" else "number")
    return Chart(title="A & B", description="Up < down", caption="C", x=axis, panels=(panel,))


def points(svg: str) -> list[list[tuple[int, int]]]:
    """The strokes of the first path, in absolute units."""
    path = re.search(r'<path d="([^"]*)"', svg)[1]
    strokes: list[list[tuple[int, int]]] = []
    for kind, across, down in re.findall(r"([Ml])(-?\d+)\s?(-?\d+)", path):
        here = int(across), int(down)
        if kind == "M":
            strokes.append([here])
        else:
            before = strokes[-1][-1]
            strokes[-1].append((before[0] + here[0], before[1] + here[1]))
    return strokes


def test_a_line_goes_where_its_numbers_say():
    svg = drawing(chart(Line(x=[0, 5, 10], y=[0.0, 1.0, 4.0], label="h", role="ink"), low=0.0, high=4.0))
    assert points(svg) == [[(0, 100 * FINE), (WIDTH // 2, 75 * FINE), (WIDTH, 0)]]


def test_a_log_axis_gives_equal_steps_to_equal_ratios_and_no_place_to_zero():
    svg = drawing(chart(Line(x=[0, 1, 2, 3], y=[1, 10, 100, 0], label="h", role="ink"), scale="log", low=None))
    (stroke,) = points(svg)
    assert len(stroke) == 3
    assert stroke[0][1] - stroke[1][1] == pytest.approx(stroke[1][1] - stroke[2][1], abs=1)


def test_missing_values_break_lines_and_bands():
    gap = [1.0, 2.0, np.nan, 3.0, 2.0]
    assert [len(stroke) for stroke in points(drawing(chart(Line(x=range(5), y=gap, label="h", role="ink"))))] == [2, 2]
    low = np.array(gap) - 1
    assert drawing(chart(Band(x=range(5), low=low, high=gap, label="h", role="ink"))).count("Z") == 2


def test_a_lone_point_is_seen_as_a_dot():
    (stroke,) = points(drawing(chart(Line(x=range(3), y=[np.nan, 2.0, np.nan], label="h", role="ink"))))
    assert len(stroke) == 2
    assert stroke[0] == stroke[1]


def test_a_long_line_is_thinned_but_keeps_its_highest_and_lowest_point():
    values = np.random.default_rng(1).normal(size=20_000)
    values[7_777], values[12_345] = 40.0, -40.0
    svg = drawing(chart(Line(x=np.arange(20_000), y=values, label="h", role="ink"), low=-40.0, high=40.0))
    (stroke,) = points(svg)
    assert len(stroke) <= 2_002
    assert {down for _, down in stroke} >= {0, 100 * FINE}


def test_dates_stand_at_their_day():
    days = pd.to_datetime(["2000-01-01", "2000-07-01", "2001-01-01"])
    (stroke,) = points(drawing(chart(Line(x=days, y=[1, 2, 3], label="h", role="ink"), x="date")))
    assert stroke[1][0] == round(WIDTH * 182 / 366)


def test_every_picture_is_well_formed_and_tells_its_description():
    values = np.array([[0.01, -0.02]])
    cells = Cells(rows=["r"], columns=["<b>", "2"], values=values, chosen=(0, 1))
    for mark in (Line(x=[1, 2], y=[1, 2], label="<i>", role="ink"), cells, Rule(at=1, axis="x", label="", role="ink")):
        root = ElementTree.fromstring(drawing(chart(mark)))
        names = root.get("aria-labelledby").split()
        assert root.get("role") == "img"
        told = {element.get("id"): element.text for element in root if element.get("id")}
        assert [told[name] for name in names] == ["A & B", "Up < down"]
    assert "<i>" not in figure(chart(Line(x=[1, 2], y=[1, 2], label="<i>", role="ink")))


def test_ids_differ_between_pictures():
    one = chart(Line(x=[1, 2], y=[1, 2], label="h", role="ink"))
    assert re.search(r'id="([^"]+)"', drawing(one))[1] != re.search(r'id="([^"]+)"', drawing(one))[1]


@pytest.mark.parametrize(
    ("axis", "values", "labels"),
    [
        (Axis(title=""), [0.0, 10.0], ["0", "2", "4", "6", "8", "10"]),
        (Axis(title="", form="percent"), [-0.011, 0.012], ["-1.0 %", "-0.5 %", "0.0 %", "0.5 %", "1.0 %"]),
        (Axis(title=""), [0, 2e7], ["0", "5 M", "10 M", "15 M", "20 M"]),
        (Axis(title="", form="percent"), [-0.41, 0.0], ["-40 %", "-30 %", "-20 %", "-10 %", "0 %"]),
        (Axis(title="", scale="log"), [1, 1000], ["1", "10", "100", "1000"]),
        (Axis(title="", scale="date"), ["2000-02-01", "2004-02-01"], ["2001", "2002", "2003", "2004"]),
    ],
)
def test_ticks_are_round_and_inside(axis, values, labels):
    found = ruler(axis, [values]).ticks()
    shown = [label for _, label in found]
    assert shown == labels or (axis.scale == "date" and set(labels) <= {label[:4] for label in shown})
    assert all(-1e-9 <= place <= 1 + 1e-9 for place, _ in found)


@pytest.mark.parametrize("most", [2, 3, 4, 6, 9])
def test_there_are_never_fewer_than_three_ticks_nor_many_more_than_asked_for(most):
    for low, high in ((0, 1), (-0.41, 0.02), (-13.1, 0.9), (0.999, 1.001), (-7e6, 9e6), (0, 3.0001)):
        found = ruler(Axis(title=""), [[low, high]]).ticks(most=most)
        assert 3 <= len(found) <= max(6, most + 1)


def test_a_flat_or_empty_series_still_has_an_axis():
    for values in ([3.0, 3.0], [np.nan, np.nan]):
        assert "<path" in drawing(chart(Line(x=[1, 2], y=values, label="h", role="ink")))


def test_templates_escape_everything_but_markup():
    told = part("bullets", ["<b>", Markup("<i/>"), "&", Markup("&amp;")], '"')
    assert told == '<ul class="&#34;"><li>&lt;b&gt;</li><li><i/></li><li>&amp;</li><li>&amp;</li></ul>'
