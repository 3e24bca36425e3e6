"""How values show themselves in a notebook cell: the answer first, then one table and one chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research.report.template import Markup, part

if TYPE_CHECKING:
    from research.thesis import Strategy


def in_notebook(macro: str, *values: object) -> Markup:
    """What a notebook shows of a value: a macro of `cells.html`, with its style."""
    return part("cell", part(macro, *values, of="cells.html"), of="cells.html")


def strategy_html(strategy: Strategy) -> str:
    """What is claimed, what would refute it, what it reads and what was tried."""
    return in_notebook("strategy", strategy)
