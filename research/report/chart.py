"""Chart: a picture as a value, which `svg.py` draws for pages and notebooks.

Colours are named by role, so that light and dark can each choose their own; they are those of Okabe and Ito
(2008), which the colour-blind can tell apart, and lines differ by their dashes besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from research.report.sentences import sentence
from research.values import Displayed

Role = Literal["strategy", "metal", "matched", "bills", "bad", "ink"]
Format = Literal["percent", "number", "date"]
Scale = Literal["linear", "log", "date"]
Dash = Literal["", "dash", "dot"]
Values = npt.NDArray[np.generic] | pd.Series | pd.Index | Sequence[float]  # a column


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Title with its unit, scale, and how its numbers are written; ``low`` and ``high`` widen it."""

    title: str
    scale: Scale = "linear"
    form: Format = "number"
    low: float | None = None
    high: float | None = None


DATE = Axis(title="Year", scale="date", form="date")


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """What the legend calls a mark, and the role whose colour it has."""

    label: str
    role: Role


@dataclass(frozen=True, kw_only=True)
class Line(Labelled):
    """A line through points; NaN breaks it. ``step`` keeps each value until the next; ``thin`` is for the many.

    ``about`` names it to whoever points at it, where many lines share one label.
    """

    x: Values
    y: Values
    dash: Dash = ""
    step: bool = False
    thin: bool = False
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Band(Labelled):
    """The area between two lines."""

    x: Values
    low: Values
    high: Values


@dataclass(frozen=True, kw_only=True)
class Spans(Labelled):
    """Stretches of x, shaded from top to bottom."""

    starts: Values
    ends: Values


@dataclass(frozen=True, kw_only=True)
class Bars(Labelled):
    """A histogram: ``len(edges) == len(heights) + 1``."""

    edges: Values
    heights: Values


@dataclass(frozen=True, kw_only=True)
class Rule(Labelled):
    """A straight line across the panel at one x or one y."""

    at: float
    axis: Literal["x", "y"]
    dash: Dash = "dash"


@dataclass(frozen=True, kw_only=True)
class Rows(Labelled):
    """Estimates with their intervals, one below the other, each under its label.

    ``reach`` is half the width of a grey bar around 0: what could not have been told from 0.
    """

    labels: Sequence[str]
    notes: Sequence[str]
    estimates: Values
    lows: Values
    highs: Values
    reach: Values


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A table of coloured numbers; ``chosen`` is ``(row, column)`` of the one with a frame."""

    rows: Sequence[str]
    columns: Sequence[str]
    values: np.ndarray
    chosen: tuple[int, int] | None


Mark = Line | Band | Spans | Bars | Rule | Rows | Cells


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One coordinate system; the panels of a chart share x. ``height`` is in pixels."""

    y: Axis
    marks: tuple[Mark, ...]
    height: int = 220


@dataclass(frozen=True, kw_only=True, repr=False)
class Chart(Displayed):
    """A picture: what it shows, in words too, and where its numbers come from.

    Attributes
    ----------
    title
        What is to be seen.
    description
        The same for those who do not see it, with its main numbers.
    caption
        Source, last date, and how it was made.
    """

    title: str
    description: str
    caption: str
    x: Axis
    panels: tuple[Panel, ...]

    @classmethod
    def worded(cls, name: str, *, x: Axis, panels: Iterable[Panel], **about: object) -> Chart:
        """A chart with the words that `sentences.toml` has for it, over the values that they are about."""
        title, description, caption = (
            sentence(f"{name}.{part}", **about) for part in ("title", "description", "caption")
        )
        return cls(title=title, description=description, caption=caption, x=x, panels=tuple(panels))

    def __repr__(self) -> str:
        return f"<Chart: {self.title}. {self.description}>"
