"""Draw a Chart as SVG that flows with the page: no script, no fixed width, text of one size everywhere.

The outer ``<svg>`` is the plotting area itself. Words and ticks stand in it at percentages of its width, and lines
lie in an inner ``<svg>`` that is stretched to fit, so one drawing serves phone, desk and print.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from itertools import pairwise
from math import isfinite

import numpy as np

from research.report.chart import Band, Bars, Cells, Chart, Line, Mark, Panel, Rows, Rule, Spans
from research.report.markup import Markup, join, tag, void
from research.report.scales import Floats, Ruler, ruler
from research.report.words import number, signed_percent

WIDTH, FINE = 2000, 8  # of the stretched drawing: units across, and units in one pixel of height
ABOVE, BELOW = 30, 44  # pixels over each panel for its title, and under the last one for the ticks of x
MOST_POINTS = 2000  # a longer line is thinned to the extremes of 1000 stretches
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
    x = ruler(chart.x, _x_values(marks), margin=0.04 if rows else 0.0)
    cells = any(isinstance(mark, Cells) for mark in marks)
    parts: list[Markup] = []
    top = 0
    for panel in chart.panels:
        top += ABOVE if panel.y.title else 4
        parts.append(_panel(panel, x, top, ticks=not cells))
        top += panel.height
    if not cells:
        parts.append(_x_axis(x, top))
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
        return join(*parts, _cells(table, top, panel.height, signed_percent if panel.y.form == "percent" else number))
    rows = any(isinstance(mark, Rows) for mark in panel.marks)
    y = ruler(panel.y, _y_values(panel.marks), margin=0.0 if rows else 0.04)
    under = [] if rows else [_y_axis(y, top, panel.height)]
    if ticks:
        under += [
            void("line", x1=_percent(at), x2=_percent(at), y1=top, y2=top + panel.height, class_="grid")
            for at, _ in x.ticks()
        ]
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


def _flat(mark: Mark, x: Ruler, y: Ruler, top: int, height: int) -> list[Markup]:
    """What must not be stretched, at percentages of the width."""
    if isinstance(mark, Spans):
        return [
            void(
                "rect",
                x=_percent(a),
                width=_percent(max(b - a, 0.003)),
                y=top,
                height=height,
                class_=f"span {mark.role}",
            )
            for a, b in zip(x.place(mark.starts), x.place(mark.ends), strict=True)
        ]
    if isinstance(mark, Bars):
        edges, tops = x.place(mark.edges), y.place(mark.heights)
        return [
            void(
                "rect",
                x=_percent(a),
                width=_percent((b - a) * 0.92),
                y=_pixel(top + height * (1 - share)),
                height=_pixel(height * share),
                class_=f"bar {mark.role}",
            )
            for a, b, share in zip(edges[:-1], edges[1:], tops, strict=True)
        ]
    if isinstance(mark, Rule):
        style = f"line {mark.role} {mark.dash}".strip()
        if mark.axis == "x":
            at = _percent(x.place(mark.at)[0])
            return [void("line", x1=at, x2=at, y1=top, y2=top + height, class_=style)]
        level = _pixel(top + height * (1 - y.place(mark.at)[0]))
        return [void("line", x1=0, x2="100%", y1=level, y2=level, class_=style)]
    assert isinstance(mark, Rows)
    return list(_rows(mark, x, top, height))


def _rows(mark: Rows, x: Ruler, top: int, height: int) -> Iterable[Markup]:
    each = height / max(len(mark.labels), 1)
    columns = (mark.labels, mark.notes, mark.estimates, mark.lows, mark.highs, mark.reach)
    for index, (label, note, estimate, low, high, reach) in enumerate(zip(*columns, strict=True)):
        middle = top + each * index + each * 0.68
        if isfinite(reach):
            left, right = x.place([-reach, reach])
            yield void(
                "rect",
                x=_percent(left),
                width=_percent(right - left),
                y=_pixel(middle - 5),
                height=10,
                class_="span bills",
            )
        if isfinite(low) and isfinite(high):
            ends = x.place([low, high])
            yield void(
                "line",
                x1=_percent(ends[0]),
                x2=_percent(ends[1]),
                y1=_pixel(middle),
                y2=_pixel(middle),
                class_=f"line {mark.role}",
            )
        if isfinite(estimate):
            yield void("circle", cx=_percent(x.place(estimate)[0]), cy=_pixel(middle), r=5, class_=f"dot {mark.role}")
        yield tag("text", label, x=0, y=_pixel(middle - 12), class_="row halo")
        yield tag("text", note, x="100%", y=_pixel(middle - 12), text_anchor="end", class_="row halo strong")


def _cells(mark: Cells, top: int, height: int, write: Callable[[float], str]) -> Markup:
    tall, broad = height / len(mark.rows), 1 / len(mark.columns)
    known = np.abs(mark.values[np.isfinite(mark.values)])
    strong = float(np.quantile(known, 0.95)) if known.size else 0.0
    parts: list[Markup] = []
    for row, column in np.ndindex(*mark.values.shape):
        value = float(mark.values[row, column])
        if not isfinite(value):
            continue
        strength = 0.08 + 0.42 * min(1.0, abs(value) / strong) if strong > 0 else 0.0
        chosen = mark.chosen == (row, column)
        parts.append(
            void(
                "rect",
                x=_percent(column * broad + 0.004),
                width=_percent(broad - 0.008),
                y=_pixel(top + row * tall + 2),
                height=_pixel(tall - 4),
                class_=f"cell {'strategy' if value >= 0 else 'metal'}{' chosen' if chosen else ''}",
                style=f"fill-opacity:{strength:.2f}",
            )
        )
        middle = {"x": _percent((column + 0.5) * broad), "y": _pixel(top + (row + 0.5) * tall + 5)}
        parts.append(
            tag("text", write(value), text_anchor="middle", class_="row strong" if chosen else "row", **middle)
        )
    for row, label in enumerate(mark.rows):
        parts.append(tag("text", label, x=-8, y=_pixel(top + (row + 0.5) * tall + 4), text_anchor="end", class_="tick"))
    for column, label in enumerate(mark.columns):
        at = _percent((column + 0.5) * broad)
        parts.append(tag("text", label, x=at, y=top + height + 18, text_anchor="middle", class_="tick"))
    return join(*parts)


def _y_axis(y: Ruler, top: int, height: int) -> Markup:
    parts = []
    for share, label in y.ticks(most=max(3, height // 35)):
        level = _pixel(top + height * (1 - share))
        parts.append(void("line", x1=0, x2="100%", y1=level, y2=level, class_="grid"))
        parts.append(
            tag("text", label, x=-8, y=_pixel(top + height * (1 - share) + 4), text_anchor="end", class_="tick")
        )
    return join(*parts)


def _x_axis(x: Ruler, top: int) -> Markup:
    return join(
        void("line", x1=0, x2="100%", y1=top, y2=top, class_="axis"),
        *(
            tag(
                "text",
                label,
                x=_percent(at),
                y=top + 18,
                text_anchor="middle",
                class_="tick" if index % 2 == 0 else "tick minor",
            )
            for index, (at, label) in enumerate(x.ticks())
        ),
    )


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
    words: list[str] = []
    before: tuple[int, int] | None = None
    for horizontal, vertical in zip(across, down, strict=True):
        if not (isfinite(horizontal) and isfinite(vertical)):
            before = None
            continue
        here = round(horizontal), round(vertical)
        if before is None:
            words.append(f"M{here[0]} {here[1]}")
        else:
            words.append(f"l{here[0] - before[0]} {here[1] - before[1]}")
        before = here
    dots = (word if follower.startswith("l") else f"{word}l0 0" for word, follower in pairwise([*words, "M"]))
    return "".join(dot if word[0] == "M" else word for word, dot in zip(words, dots, strict=True)).replace(" -", "-")


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


def _x_values(marks: Iterable[Mark]) -> Iterable[object]:
    for mark in marks:
        if isinstance(mark, Line | Band):
            yield mark.x
        elif isinstance(mark, Bars):
            yield mark.edges
        elif isinstance(mark, Spans):
            yield from (mark.starts, mark.ends)
        elif isinstance(mark, Rows):
            yield from (mark.estimates, mark.lows, mark.highs, mark.reach, -np.asarray(mark.reach, dtype=float))
        elif isinstance(mark, Rule) and mark.axis == "x":
            yield [mark.at]


def _y_values(marks: Iterable[Mark]) -> Iterable[object]:
    for mark in marks:
        if isinstance(mark, Line):
            yield mark.y
        elif isinstance(mark, Band):
            yield from (mark.low, mark.high)
        elif isinstance(mark, Bars):
            yield mark.heights
        elif isinstance(mark, Rule) and mark.axis == "y":
            yield [mark.at]


def _percent(share: float) -> str:
    return f"{share * 100:.2f}%"


def _pixel(value: float) -> str:
    return f"{value:.1f}"
