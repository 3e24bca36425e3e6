"""The stylesheet of every page and notebook cell."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from research.report.markup import Markup, tag


@cache
def stylesheet() -> Markup:
    """The rules of ``style.css``; they hold inside an element of class ``assay`` and touch nothing else."""
    return Markup((files("research.report") / "style.css").read_text(encoding="utf-8"))


def in_notebook(content: Markup) -> Markup:
    """Content with its style, for one cell."""
    return tag("div", tag("style", stylesheet()), content, class_="assay")
