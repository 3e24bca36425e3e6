"""A chart as an SVG file of its own, for the pictures of README and docs."""

from __future__ import annotations

import re

from research.report.chart import Chart
from research.report.markup import Markup, join, rules, tag
from research.report.svg import ABOVE, figure


def standalone(chart: Chart) -> Markup:
    """The whole figure as an SVG file that needs no page around it, 760 pixels wide; the same bytes every time."""
    space = 'xmlns="http://www.w3.org/2000/svg"'
    height = 170 + sum(panel.height + ABOVE for panel in chart.panels)
    inside = re.sub(r"chart-\d+", "chart", figure(chart)).replace("<svg ", f"<svg {space} ")
    page = tag(
        "div",
        tag("style", rules("chart.css")),
        Markup(inside),
        class_="assay alone",
        xmlns="http://www.w3.org/1999/xhtml",
    )
    whole = tag("foreignObject", page, width=760, height=height)
    return join(tag("svg", whole, width=760, height=height, xmlns="http://www.w3.org/2000/svg"), "\n")
