"""From data to a place between 0 and 1, and the ticks on the way. Both drawings of a chart could use it; SVG does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np
import numpy.typing as npt

from research.report.chart import Axis, Format

Floats = npt.NDArray[np.float64]


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
