"""The grid of a sweep: parameter values, walked through without ever being listed."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import floor, isfinite, prod
from typing import TYPE_CHECKING

from research.errors import ParameterError, did_you_mean

if TYPE_CHECKING:
    from research.thesis import Strategy

MAX_VALUES = 100_000
_MOST_CELLS = 4_000_000  # of a heat map


@dataclass(frozen=True)
class Grid:
    """The product of the values of each axis, the last axis turning fastest.

    Attributes
    ----------
    axes
        Parameter -> its values.
    fixed
        Value of every other parameter.
    """

    axes: Mapping[str, tuple[object, ...]]
    fixed: Mapping[str, object]

    def __len__(self) -> int:
        return prod(len(values) for values in self.axes.values())

    def __getitem__(self, number: int) -> dict[str, object]:
        """Parameters of one variant, by its number."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        import numpy as np

        places = np.unravel_index(number, tuple(map(len, self.axes.values())))
        return {**self.fixed} | {name: self.axes[name][at] for name, at in zip(self.axes, places, strict=True)}

    def __iter__(self) -> Iterator[dict[str, object]]:
        return (self[number] for number in range(len(self)))

    def describe(self, parameters: Mapping[str, object]) -> str:
        """``threshold=2.0, hold_days=183``: what tells a variant from the others."""
        return ", ".join(f"{name}={parameters[name]!r}" for name in self.axes) or "the only variant"


def grid_of(strategy: Strategy, axes: Mapping[str, Iterable[object]] | None = None) -> Grid:
    """The declared grid of a strategy, or the given axes with every other parameter at its default.

    Parameters
    ----------
    strategy
        The strategy.
    axes
        Parameter -> values other than the declared ones.

    Raises
    ------
    ParameterError
        If an axis is no parameter of the strategy, or empty.
    """
    values = {name: tuple(given) for name, given in (strategy.grid if axes is None else axes).items()}
    defaults = strategy.parameters({name: given[0] for name, given in values.items() if given})
    for name, given in values.items():
        if not given:
            raise ParameterError(f"{strategy.name}: no value of {name!r} is given; list those to try")
        for value in {type(value): value for value in given}.values():
            strategy.parameters({name: value})
    if prod(len(given) for given in values.values()) > sys.maxsize:
        raise ParameterError(f"{strategy.name}: more variants than can be numbered; take wider steps")
    return Grid(values, {name: value for name, value in defaults.items() if name not in values})


def mapped_axes(grid: Grid, by: Iterable[str] | None) -> tuple[str, ...]:
    """Axes of the heat map: those that are asked for, or the first two with several values, as far as it can hold."""
    several = [name for name, values in grid.axes.items() if len(values) > 1] or list(grid.axes)
    chosen = tuple(several[:2] if by is None else dict.fromkeys(by))
    for name in chosen:
        if name not in grid.axes:
            raise ParameterError(f"heat map: {name!r} is no axis of the grid{did_you_mean(name, grid.axes)}")
    if by is not None and not 1 <= len(chosen) <= 2:
        raise ParameterError(f"heat map: {len(chosen)} parameters; name one or two")
    cells = prod(len(grid.axes[name]) for name in chosen)
    if cells > _MOST_CELLS and by is None:
        return chosen[:1]
    if cells > _MOST_CELLS:
        raise ParameterError(f"heat map: {cells:,} cells; name one axis, --by {chosen[0]}, or take wider steps")
    return chosen


def parse_axes(words: Iterable[str]) -> dict[str, tuple[object, ...]]:
    """``["threshold=1,1.5,2", "hold_days=30:180:30"]`` -> the values of each parameter.

    A range ``first:last:step`` includes its last value. What is no number stays a word.

    Raises
    ------
    ParameterError
        If a word is no axis, or names a parameter twice or a value twice.
    """
    axes: dict[str, tuple[object, ...]] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not (name and equals and text):
            raise ParameterError(f"--grid {word!r}: write NAME=VALUE,VALUE or NAME=FIRST:LAST:STEP")
        if name in axes:
            raise ParameterError(f"--grid {word!r}: {name} is given twice; put all its values into one --grid")
        values = tuple(value for part in text.split(",") for value in _values(part, word))
        if len(set(map(repr, values))) < len(values):
            raise ParameterError(f"--grid {word!r}: a value stands there twice; every variant counts as a trial")
        axes[name] = values
    return axes


def _values(part: str, word: str) -> tuple[object, ...]:
    ends = part.split(":")
    if len(ends) != 3:
        return (_value(part.strip()),)
    numbers = [end for end in map(_value, ends) if isinstance(end, int | float) and isfinite(end)]
    first, last, step = numbers if len(numbers) == 3 else (0, 0, 0)
    if step <= 0 or last < first:
        raise ParameterError(f"--grid {word!r}: a range is FIRST:LAST:STEP, rising numbers, e.g. 30:180:30")
    steps = floor((last - first) / step + 1e-9)
    if steps >= MAX_VALUES:
        raise ParameterError(f"--grid {word!r}: {steps + 1} values of one parameter; take a wider step")
    values = (first + number * step for number in range(steps + 1))
    return tuple(value if isinstance(value, int) else round(value, 12) for value in values)


def _value(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
