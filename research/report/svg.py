"""Where everything in the drawing of a Chart lies; `templates/chart.html` writes it as SVG that flows with the page.

No script, no fixed width, text of one size everywhere: one drawing serves phone, desk and print.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

import numpy as np
import numpy.typing as npt

from research.report.chart import Axis, Band, Cells, Chart, Format, Line, Mark, Rows, Rule
from research.report.template import Markup, part

Floats = npt.NDArray[np.float64]

WIDTH, FINE = 2000, 8  # of the stretched drawing: units across, and units in one pixel of height
ABOVE, BELOW = 30, 44  # pixels over each panel for its title, and under the last one for the ticks of x
MOST_POINTS = 2000  # a longer line is thinned to the extremes of 1000 stretches
_ON_X = ("x", "edges", "starts", "ends", "estimates", "lows", "highs", "reach")
_ON_Y = ("y", "low", "high", "heights")
_ids = itertools.count(1)


def figure(chart: Chart, heading: str = "h4", *, caption: bool = True) -> Markup:
    """One picture with title, legend and, where nothing else says how it was made, caption, as a ``<figure>``."""
    return part("figure", chart, _layout(chart), heading, caption, of="chart.html")


def drawing(chart: Chart) -> Markup:
    """The picture alone, as an ``<svg>`` that tells its description to those who do not see it."""
    return part("drawing", chart, _layout(chart), of="chart.html")


@dataclass(frozen=True)
class Placed:
    """A panel in its picture: its marks, its height and place in pixels from the top, and its ruler."""

    marks: tuple[Mark, ...]
    height: int
    top: int
    y: Ruler

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """As many as its height has room for."""
        return self.y.ticks(most=max(3, self.height // 35))

    def down(self, values: object) -> Floats:
        """Units from the top in the stretched drawing."""
        return (1 - self.y.place(values)) * self.height * FINE


def _layout(chart: Chart) -> dict[str, object]:
    marks = [mark for panel in chart.panels for mark in panel.marks]
    rows = any(isinstance(mark, Rows) for mark in marks)
    panels, top = [], 0
    for panel in chart.panels:
        top += ABOVE if panel.y.title else 4
        y = ruler(panel.y, _extent(panel.marks, "y", _ON_Y), margin=0.0 if rows else 0.04)
        panels.append(Placed(panel.marks, panel.height, top, y))
        top += panel.height
    x = ruler(chart.x, _extent(marks, "x", _ON_X), margin=0.04 if rows else 0.0)
    kinds = {type(mark).__name__ for mark in marks}
    broad = any(len(mark.columns) > 8 for mark in marks if isinstance(mark, Cells))
    told = {"marks": marks, "kinds": kinds, "broad": broad, "x": x, "panels": panels, "bottom": top}
    return {"id": f"chart-{next(_ids)}", **told}


def _extent(marks: Iterable[Mark], axis: str, names: Iterable[str]) -> Iterable[object]:
    """All that must find place on an axis."""
    for mark in marks:
        yield from (getattr(mark, name) for name in names if hasattr(mark, name))
        if isinstance(mark, Rows) and axis == "x":
            yield -np.asarray(mark.reach, dtype=float)
        elif isinstance(mark, Rule) and mark.axis == axis:
            yield [mark.at]


def is_kind(mark: Mark, *names: str) -> bool:
    """Whether a mark is one of these."""
    return type(mark).__name__ in names


def coloured_cells(mark: Cells) -> Iterable[tuple[int, int, float, float]]:
    """Row, column, value and strength of the colour of each cell that has a value."""
    known = np.abs(mark.values[np.isfinite(mark.values)])
    strong = float(np.quantile(known, 0.95)) if known.size else 0.0
    for (row, column), value in np.ndenumerate(mark.values):
        if isfinite(value):
            yield row, column, value, 0.08 + 0.42 * min(1.0, abs(value) / strong) if strong > 0 else 0.0


def line_path(line: Line, x: Ruler, placed: Placed) -> str:
    """The strokes of a line, thinned to what a screen can show."""
    points = _thinned(x.place(line.x) * WIDTH, placed.down(line.y))
    if line.step:
        points = np.repeat(points[0], 2)[1:], np.repeat(points[1], 2)[:-1]
    return _written(*points)


def band_path(band: Band, x: Ruler, placed: Placed) -> str:
    """The outline of each stretch of a band that is known."""
    across, low, high = x.place(band.x) * WIDTH, placed.down(band.low), placed.down(band.high)
    known = np.flatnonzero(np.isfinite(low) & np.isfinite(high))
    stretches = np.split(known, np.flatnonzero(np.diff(known) > 1) + 1) if known.size else []
    return "".join(
        _written(across[at], high[at]) + _written(across[at][::-1], low[at][::-1]).replace("M", "L", 1) + "Z"
        for at in stretches
    )


def _thinned(across: Floats, down: Floats) -> tuple[Floats, Floats]:
    """Keep the lowest and the highest point of each stretch: what a screen can show of a long line."""
    if across.size <= MOST_POINTS:
        return across, down
    keep: set[int] = {0, across.size - 1}
    for stretch in np.array_split(np.arange(across.size), MOST_POINTS // 2):
        known = stretch[np.isfinite(down[stretch])]
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


@dataclass(frozen=True)
class Ruler:
    """One axis with its range in plain numbers (logarithms on a log axis, days on a date axis)."""

    axis: Axis
    low: float
    high: float

    def place(self, values: object) -> Floats:
        """Share of the way from low to high; NaN where a value has no place (0 on a log axis)."""
        return (plain(values, self.axis) - self.low) / (self.high - self.low)

    def ticks(self, most: int = 6) -> list[tuple[float, str]]:
        """Place and label of each tick, about ``most`` on a linear axis."""
        if self.axis.scale == "date":
            found = _date_ticks(self.low, self.high)
        elif self.axis.scale == "log":
            found = [(log10(value), f"{value:g}") for value in _log_ticks(self.low, self.high)]
        else:
            step = _step(self.low, self.high, most)
            count = range(ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9) + 1)
            found = [(index * step, written(index * step, self.axis.form, step)) for index in count]
        return [((value - self.low) / (self.high - self.low), label) for value, label in found]


def ruler(axis: Axis, values: Iterable[object], margin: float = 0.0) -> Ruler:
    """The range that holds all ``values`` and the axis' own limits; ``margin`` is a share of it on both sides."""
    parts = [plain(part, axis) for part in values]
    limits = [limit for limit in (axis.low, axis.high) if limit is not None]
    together = np.concatenate([*parts, np.array(limits, dtype=float)]) if parts or limits else np.array([0.0])
    together = together[np.isfinite(together)]
    low, high = (float(together.min()), float(together.max())) if together.size else (0.0, 1.0)
    if not high > low:
        low, high = low - 0.5, high + 0.5
    extra = margin * (high - low)
    fixed_low, fixed_high = axis.low is not None and axis.low <= low, axis.high is not None and axis.high >= high
    return Ruler(axis, low if fixed_low else low - extra, high if fixed_high else high + extra)


def plain(values: object, axis: Axis) -> Floats:
    """Values as floats in the axis' own measure."""
    if axis.scale == "date":
        return np.atleast_1d(np.asarray(values, dtype="datetime64[D]")).astype(np.float64)
    numbers = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if axis.scale == "log":
        return np.log10(np.where(numbers > 0, numbers, np.nan))
    return numbers


def written(value: float, form: Format, step: float) -> str:
    """A tick's number with as many digits as its step needs."""
    if form == "percent":
        value, step = value * 100, step * 100
    elif abs(value) >= 1e6 or step >= 1e6:
        return f"{value / 1e6:g} M" if value else "0"
    digits = max(0, -floor(log10(step) + 1e-9))
    return f"{round(value, digits) + 0.0:,.{digits}f}{' %' if form == 'percent' else ''}"


def _step(low: float, high: float, most: int) -> float:
    """The widest of 1, 2 and 5 times a power of ten under which ``most`` ticks fit, and three at least."""
    rough = (high - low) / max(most - 1, 1)
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    narrower = (size * unit for unit in (power, power / 10) for size in (5, 2, 1))
    while floor(high / step + 1e-9) - ceil(low / step - 1e-9) < 2:
        step = next(size for size in narrower if size < step * 0.999)
    return step


def _log_ticks(low: float, high: float) -> list[float]:
    for factors in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8)):
        found = [
            factor * 10.0**power
            for power in range(floor(low), ceil(high) + 1)
            for factor in factors
            if low <= log10(factor * 10.0**power) <= high
        ]
        if len(found) >= 4:
            break
    return found


def _date_ticks(low: float, high: float) -> list[tuple[float, str]]:
    months = (high - low) / 30.44
    step = next((size for size in (1, 3, 6, 12, 24, 60, 120, 240) if months / size <= 10), 600)
    begin, end = np.array([floor(low), floor(high)], dtype="datetime64[D]").astype("datetime64[M]").astype(int)
    numbers = np.arange(begin, end + 1)  # since 1970
    marked = numbers[numbers % step == 0].astype("datetime64[M]")
    starts = marked.astype("datetime64[D]").astype(int)
    words = np.datetime_as_string(marked, unit="M" if step < 12 else "Y")
    return [(float(day), str(word)) for day, word in zip(starts, words, strict=True) if low <= day <= high]
