"""The stylesheet of every page and notebook cell."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from research.report.markup import Markup, tag


@cache
def rules(*names: str) -> Markup:
    """Style files of this package, one after the other."""
    return Markup("".join((files("research.report") / name).read_text(encoding="utf-8") for name in names))


def stylesheet() -> Markup:
    """The rules of every page and cell; they hold inside an element of class ``assay`` and touch nothing else."""
    return rules("chart.css", "style.css")


def in_notebook(content: Markup) -> Markup:
    """Content with its style, for one cell."""
    return tag("div", tag("style", stylesheet()), content, class_="assay")
