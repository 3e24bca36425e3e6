"""A chart as an SVG file of its own, for the pictures of README and docs."""

from __future__ import annotations

import re

from research.report.chart import Chart
from research.report.svg import ABOVE, figure
from research.report.template import Markup, rules


def standalone(chart: Chart) -> Markup:
    """The whole figure as an SVG file that needs no page around it, 760 pixels wide; the same bytes every time."""
    space = 'xmlns="http://www.w3.org/2000/svg"'
    height = 170 + sum(panel.height + ABOVE for panel in chart.panels)
    inside = re.sub(r"chart-\d+", "chart", figure(chart)).replace("<svg ", f"<svg {space} ")
    style = f"<style>{rules('chart.css')}</style>"
    page = f'<div class="assay alone" xmlns="http://www.w3.org/1999/xhtml">{style}{inside}</div>'
    size = f'width="760" height="{height}"'
    return Markup(f"<svg {size} {space}><foreignObject {size}>{page}</foreignObject></svg>\n")
