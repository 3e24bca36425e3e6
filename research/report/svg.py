"""Draw a Chart as SVG that flows with the page: no script, no fixed width, text of one size everywhere.

The outer ``<svg>`` is the plotting area itself. Words and ticks stand in it at percentages of its width, and lines
lie in an inner ``<svg>`` that is stretched to fit, so one drawing serves phone, desk and print.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from math import isfinite
from typing import Literal

import numpy as np

from research.report.chart import Band, Bars, Cells, Chart, Line, Mark, Panel, Rows, Rule, Spans
from research.report.markup import Markup, join, tag, void
from research.report.scales import Floats, Ruler, ruler
from research.report.words import number, signed_percent

WIDTH, FINE = 2000, 8  # of the stretched drawing: units across, and units in one pixel of height
ABOVE, BELOW = 30, 44  # pixels over each panel for its title, and under the last one for the ticks of x
MOST_POINTS = 2000  # a longer line is thinned to the extremes of 1000 stretches
_EXTENT: dict[type[Mark], dict[str, tuple[str, ...]]] = {
    Line: {"x": ("x",), "y": ("y",)},
    Band: {"x": ("x",), "y": ("low", "high")},
    Bars: {"x": ("edges",), "y": ("heights",)},
    Spans: {"x": ("starts", "ends")},
    Rows: {"x": ("estimates", "lows", "highs", "reach")},
}
_ids = itertools.count(1)


def figure(chart: Chart, heading: str = "h4", *, caption: bool = True) -> Markup:
    """One picture with title, legend and, where nothing else says how it was made, caption, as a ``<figure>``."""
    style = "plot wide" if any(isinstance(mark, Rows) for mark in _marks(chart)) else "plot"
    picture = tag("div", drawing(chart), class_=style)
    if max((len(mark.columns) for mark in _marks(chart) if isinstance(mark, Cells)), default=0) > 8:
        broad = tag("div", picture, class_="broad")
        picture = tag("div", broad, class_="scroll", role="region", tabindex="0", aria_label=chart.title)
    return tag(
        "figure",
        tag("figcaption", tag(heading, chart.title)),
        _legend(chart),
        picture,
        tag("p", chart.caption, class_="caption") if caption else None,
        class_="chart",
    )


def drawing(chart: Chart) -> Markup:
    """The picture alone, as an ``<svg>`` that tells its description to those who do not see it."""
    marks = list(_marks(chart))
    rows = any(isinstance(mark, Rows) for mark in marks)
    x = ruler(chart.x, _extent(marks, "x"), margin=0.04 if rows else 0.0)
    cells = any(isinstance(mark, Cells) for mark in marks)
    parts: list[Markup] = []
    top = 0
    for panel in chart.panels:
        top += ABOVE if panel.y.title else 4
        parts.append(_panel(panel, x, top, ticks=not cells))
        top += panel.height
    if not cells:
        parts += _x_axis(x, top)
    parts.append(tag("text", chart.x.title, x="100%", y=top + BELOW - 6, text_anchor="end", class_="axis-title"))
    name = f"chart-{next(_ids)}"
    return tag(
        "svg",
        tag("title", chart.title, id=f"{name}-title"),
        tag("desc", chart.description, id=f"{name}-desc"),
        *parts,
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        width="100%",
        height=top + BELOW,
    )


def _panel(panel: Panel, x: Ruler, top: int, *, ticks: bool) -> Markup:
    parts = []
    if panel.y.title:
        parts.append(tag("text", panel.y.title, x=-48, y=top - 10, class_="axis-title"))
    table = next((mark for mark in panel.marks if isinstance(mark, Cells)), None)
    if table is not None:
        write = signed_percent if panel.y.form == "percent" else number
        return join(*parts, *_cells(table, top, panel.height, write))
    rows = any(isinstance(mark, Rows) for mark in panel.marks)
    y = ruler(panel.y, _extent(panel.marks, "y"), margin=0.0 if rows else 0.04)
    under = [] if rows else list(_y_axis(y, top, panel.height))
    if ticks:
        under += [_upright(at, top, panel.height, "grid") for at, _ in x.ticks()]
    flat: list[Markup] = []
    stretched: list[Markup] = []
    for mark in panel.marks:
        if isinstance(mark, Line | Band):
            stretched.append(_path(mark, x, y, panel.height))
        else:
            flat += _flat(mark, x, y, top, panel.height)
    inner = tag(
        "svg",
        *stretched,
        x=0,
        y=top,
        width="100%",
        height=panel.height,
        viewBox=f"0 0 {WIDTH} {panel.height * FINE}",
        preserveAspectRatio="none",
        overflow="visible",
    )
    return join(*parts, *under, *flat, inner if stretched else None)


def _flat(mark: Mark, x: Ruler, y: Ruler, top: int, height: int) -> Iterable[Markup]:
    """What must not be stretched, at percentages of the width."""
    if isinstance(mark, Spans):
        for a, b in zip(x.place(mark.starts), x.place(mark.ends), strict=True):
            yield _box(a, max(b, a + 0.003), top, height, f"span {mark.role}")
    elif isinstance(mark, Bars):
        edges = x.place(mark.edges)
        for a, b, share in zip(edges[:-1], edges[1:], y.place(mark.heights), strict=True):
            yield _box(a, a + (b - a) * 0.92, top + height * (1 - share), height * share, f"bar {mark.role}")
    elif isinstance(mark, Rule):
        style = f"line {mark.role} {mark.dash}".strip()
        if mark.axis == "x":
            yield _upright(x.place(mark.at)[0], top, height, style)
        else:
            yield _level(top + height * (1 - y.place(mark.at)[0]), style)
    elif isinstance(mark, Rows):
        yield from _rows(mark, x, top, height)


def _rows(mark: Rows, x: Ruler, top: int, height: int) -> Iterable[Markup]:
    each = height / max(len(mark.labels), 1)
    columns = (mark.labels, mark.notes, mark.estimates, mark.lows, mark.highs, mark.reach)
    for index, (label, note, estimate, low, high, reach) in enumerate(zip(*columns, strict=True)):
        middle = top + each * index + each * 0.68
        if isfinite(reach):
            left, right = x.place([-reach, reach])
            yield _box(left, right, middle - 5, 10, "span bills")
        if isfinite(low) and isfinite(high):
            yield _level(middle, f"line {mark.role}", *x.place([low, high]))
        if isfinite(estimate):
            yield void("circle", cx=_percent(x.place(estimate)[0]), cy=_pixel(middle), r=5, class_=f"dot {mark.role}")
        yield tag("text", label, x=0, y=_pixel(middle - 12), class_="row halo")
        yield tag("text", note, x="100%", y=_pixel(middle - 12), text_anchor="end", class_="row halo strong")


def _cells(mark: Cells, top: int, height: int, write: Callable[[float], str]) -> Iterable[Markup]:
    tall, broad = height / len(mark.rows), 1 / len(mark.columns)
    known = np.abs(mark.values[np.isfinite(mark.values)])
    strong = float(np.quantile(known, 0.95)) if known.size else 0.0
    for (row, column), value in np.ndenumerate(mark.values):
        if not isfinite(value):
            continue
        left, above, chosen = column * broad, top + row * tall, mark.chosen == (row, column)
        strength = 0.08 + 0.42 * min(1.0, abs(value) / strong) if strong > 0 else 0.0
        style = f"cell {'strategy' if value >= 0 else 'metal'}{' chosen' if chosen else ''}"
        fill = f"fill-opacity:{strength:.2f}"
        yield _box(left + 0.004, left + broad - 0.004, above + 2, tall - 4, style, style=fill)
        yield _centred(write(value), left + broad / 2, above + tall / 2 + 5, "row strong" if chosen else "row")
    for row, label in enumerate(mark.rows):
        yield _beside(label, top + (row + 0.5) * tall)
    for column, label in enumerate(mark.columns):
        yield _centred(label, (column + 0.5) * broad, top + height + 18, "tick")


def _y_axis(y: Ruler, top: int, height: int) -> Iterable[Markup]:
    for share, label in y.ticks(most=max(3, height // 35)):
        level = top + height * (1 - share)
        yield _level(level, "grid")
        yield _beside(label, level)


def _x_axis(x: Ruler, top: int) -> Iterable[Markup]:
    yield _level(top, "axis")
    for index, (at, label) in enumerate(x.ticks()):
        yield _centred(label, at, top + 18, "tick minor" if index % 2 else "tick")


def _box(left: float, right: float, top: float, height: float, kind: str, *, style: str | None = None) -> Markup:
    size = {"x": _percent(left), "width": _percent(right - left), "y": _pixel(top), "height": _pixel(height)}
    return void("rect", class_=kind, style=style, **size)


def _level(at: float, kind: str, left: float = 0.0, right: float = 1.0) -> Markup:
    return void("line", x1=_percent(left), x2=_percent(right), y1=_pixel(at), y2=_pixel(at), class_=kind)


def _upright(at: float, top: float, height: float, kind: str) -> Markup:
    return void("line", x1=_percent(at), x2=_percent(at), y1=_pixel(top), y2=_pixel(top + height), class_=kind)


def _beside(label: str, level: float) -> Markup:
    """At the left of the plot, on a level."""
    return tag("text", label, x=-8, y=_pixel(level + 4), text_anchor="end", class_="tick")


def _centred(label: str, at: float, level: float, kind: str) -> Markup:
    return tag("text", label, x=_percent(at), y=_pixel(level), text_anchor="middle", class_=kind)


def _path(mark: Line | Band, x: Ruler, y: Ruler, height: int) -> Markup:
    across = x.place(mark.x) * WIDTH
    tall = height * FINE

    def down(values: object) -> Floats:
        return (1 - y.place(values)) * tall

    if isinstance(mark, Band):
        low, high = down(mark.low), down(mark.high)
        known = np.flatnonzero(np.isfinite(low) & np.isfinite(high))
        stretches = np.split(known, np.flatnonzero(np.diff(known) > 1) + 1) if known.size else []
        outline = "".join(
            _written(across[part], high[part])
            + _written(across[part][::-1], low[part][::-1]).replace("M", "L", 1)
            + "Z"
            for part in stretches
        )
        return void("path", d=outline, class_=f"band {mark.role}")
    points = _thinned(across, down(mark.y))
    if mark.step:
        points = np.repeat(points[0], 2)[1:], np.repeat(points[1], 2)[:-1]
    style = f"line {mark.role} {mark.dash}{' thin' if mark.thin else ''}"
    named = tag("title", mark.about) if mark.about else None
    return tag("path", named, d=_written(*points), class_=" ".join(style.split()))


def _thinned(across: Floats, down: Floats) -> tuple[Floats, Floats]:
    """Keep the lowest and the highest point of each stretch: what a screen can show of a long line."""
    if across.size <= MOST_POINTS:
        return across, down
    keep: set[int] = {0, across.size - 1}
    for part in np.array_split(np.arange(across.size), MOST_POINTS // 2):
        known = part[np.isfinite(down[part])]
        if known.size:
            keep |= {int(known[np.argmin(down[known])]), int(known[np.argmax(down[known])])}
    chosen = np.array(sorted(keep))
    return across[chosen], down[chosen]


def _written(across: Floats, down: Floats) -> str:
    """A path in whole numbers, each point relative to the last; NaN starts a new stroke, a lone point is a dot."""
    known = np.isfinite(across) & np.isfinite(down)
    first = known & ~np.append(False, known[:-1])
    alone = first & ~np.append(known[1:], False)
    x, y = (np.rint(np.where(known, values, 0.0)).astype(int) for values in (across, down))
    steps = zip(np.diff(x, prepend=0).tolist(), np.diff(y, prepend=0).tolist(), strict=True)
    words = [f"l{right} {below}" for right, below in steps]
    for at in np.flatnonzero(first):
        words[at] = f"M{x[at]} {y[at]}{'l0 0' if alone[at] else ''}"
    return "".join(itertools.compress(words, known.tolist())).replace(" -", "-")


def _legend(chart: Chart) -> Markup | None:
    entries: dict[str, Markup] = {}
    for mark in _marks(chart):
        if isinstance(mark, Cells) or not mark.label or mark.label in entries:
            continue
        kind = "line" if isinstance(mark, Line | Rule | Rows) else "bar" if isinstance(mark, Bars) else "band"
        dash = mark.dash if isinstance(mark, Line | Rule) else ""
        swatch = (
            void("line", x1=0, x2=24, y1=6, y2=6, class_=f"line {mark.role} {dash}".strip())
            if kind == "line"
            else void("rect", x=0, y=0, width=24, height=12, class_=f"{kind} {mark.role}")
        )
        entries[mark.label] = tag("li", tag("svg", swatch, width=24, height=12, aria_hidden="true"), mark.label)
    return tag("ul", *entries.values(), class_="legend") if len(entries) > 1 else None


def _marks(chart: Chart) -> Iterable[Mark]:
    return (mark for panel in chart.panels for mark in panel.marks)


def _extent(marks: Iterable[Mark], axis: Literal["x", "y"]) -> Iterable[object]:
    """All that must find place on an axis."""
    for mark in marks:
        yield from (getattr(mark, name) for name in _EXTENT.get(type(mark), {}).get(axis, ()))
        if isinstance(mark, Rows) and axis == "x":
            yield -np.asarray(mark.reach, dtype=float)
        elif isinstance(mark, Rule) and mark.axis == axis:
            yield [mark.at]


def _percent(share: float) -> str:
    return f"{share * 100:.2f}%"


def _pixel(value: float) -> str:
    return f"{value:.1f}"
