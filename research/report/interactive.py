"""Draw a Chart with plotly, to zoom into and to hover over in a notebook."""

from __future__ import annotations

import re
from html import escape
from textwrap import wrap
from typing import get_args

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from research.report.chart import Axis, Band, Bars, Cells, Chart, Line, Mark, Role, Rows, Rule, Spans
from research.report.markup import rules

COLOUR = re.compile(rf"--({'|'.join(get_args(Role))}): (#[0-9a-f]{{6}})")
DASHES = {"": "solid", "dash": "dash", "dot": "dot"}


def plotly_figure(chart: Chart, *, dark: bool = False) -> go.Figure:
    """Return the chart as a plotly figure, its panels one below the other on one x."""
    colours = _colours(dark=dark)
    heights = [max(panel.height, 60) for panel in chart.panels]
    figure = make_subplots(
        rows=len(heights),
        shared_xaxes=True,
        row_heights=heights,
        vertical_spacing=min(0.12, 0.24 / len(heights)),
        subplot_titles=[panel.y.title for panel in chart.panels],
    )
    figure.update_annotations(x=0, xanchor="left", font={"size": 12})
    seen: set[str] = set()
    for row, panel in enumerate(chart.panels, start=1):
        for mark in panel.marks:
            for trace in _traces(mark, colours):
                trace.update(showlegend=bool(trace.name) and trace.name not in seen)
                seen.add(trace.name)
                figure.add_trace(trace, row=row, col=1)
            _shapes(figure, mark, colours, row)
        figure.update_yaxes(**_axis(panel.y), row=row, col=1)
        if any(isinstance(mark, Rows) for mark in panel.marks):
            figure.update_yaxes(autorange="reversed", row=row, col=1)
    figure.update_xaxes(**_axis(chart.x))
    figure.update_xaxes(title=chart.x.title, row=len(heights), col=1)
    height = sum(heights) + 50 * len(heights) + 200
    figure.update_layout(
        title=escape(chart.title),
        template="plotly_dark" if dark else "plotly_white",
        height=height,
        hovermode="x unified" if chart.x.scale == "date" else "closest",
        legend={"orientation": "h", "yref": "container", "y": 1 - 50 / height, "yanchor": "top"},
        meta={"description": chart.description},
        margin={"b": 110, "t": 110},
    )
    figure.add_annotation(
        text="<br>".join(escape(line) for line in wrap(chart.caption, 110)),
        xref="paper",
        yref="paper",
        x=0,
        y=0,
        yshift=-50,
        yanchor="top",
        align="left",
        showarrow=False,
        font={"size": 11},
    )
    return figure


def _colours(*, dark: bool) -> dict[str, str]:
    """Those of the page, whose style names the light ones first and the dark ones next."""
    found = COLOUR.findall(rules("chart.css"))
    roles = len(get_args(Role))
    return dict(found[roles : 2 * roles] if dark else found[:roles])


def _axis(axis: Axis) -> dict[str, object]:
    settings: dict[str, object] = {}
    if axis.scale != "linear":
        settings["type"] = axis.scale
    if axis.form == "percent":
        settings["tickformat"] = ".0%" if axis.high is not None else ".1%"
    limits = [limit for limit in (axis.low, axis.high) if limit is not None]
    if limits:
        settings["autorangeoptions"] = {"include": limits}
    return settings


def _traces(mark: Mark, colours: dict[str, str]) -> list[go.Scatter | go.Bar | go.Heatmap]:
    if isinstance(mark, Line):
        style = {"color": colours[mark.role], "dash": DASHES[mark.dash], "width": 1 if mark.thin else 2}
        if mark.step:
            style["shape"] = "hv"
        return [go.Scatter(x=mark.x, y=mark.y, name=mark.label, mode="lines", line=style, legendgroup=mark.label)]
    if isinstance(mark, Band):
        edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        fill = {"fill": "tonexty", "fillcolor": _faint(colours[mark.role])}
        return [
            go.Scatter(x=mark.x, y=mark.low, **edge),
            go.Scatter(x=mark.x, y=mark.high, name=mark.label, **edge, **fill),
        ]
    if isinstance(mark, Bars):
        edges = np.asarray(mark.edges)
        middles, widths = (edges[:-1] + edges[1:]) / 2, np.diff(edges)
        return [go.Bar(x=middles, y=mark.heights, width=widths, name=mark.label, marker_color=colours[mark.role])]
    if isinstance(mark, Rows):
        estimates = np.asarray(mark.estimates, dtype=float)
        spread = {"array": np.asarray(mark.highs) - estimates, "arrayminus": estimates - np.asarray(mark.lows)}
        texts = [f"{label}: {note}" for label, note in zip(mark.labels, mark.notes, strict=True)]
        hidden = {"array": mark.reach, "thickness": 9, "width": 0, "color": _faint(colours["bills"])}
        point = {"color": colours[mark.role], "size": 9}
        return [
            go.Scatter(x=[0.0] * len(texts), y=texts, error_x=hidden, mode="markers", marker={"opacity": 0}),
            go.Scatter(x=estimates, y=texts, error_x=spread, mode="markers", marker=point, name=mark.label),
        ]
    if isinstance(mark, Cells):
        most = float(np.nanmax(np.abs(mark.values)))
        scale = [[0.0, colours["metal"]], [0.5, "rgba(128,128,128,0.1)"], [1.0, colours["strategy"]]]
        return [
            go.Heatmap(
                z=mark.values,
                x=[f"{column} " for column in mark.columns],  # the space keeps plotly from reading numbers
                y=[f"{row} " for row in mark.rows],
                zmin=-most,
                zmax=most,
                colorscale=scale,
                texttemplate="%{z:.1%}",
                showscale=False,
            )
        ]
    return []


def _shapes(figure: go.Figure, mark: Mark, colours: dict[str, str], row: int) -> None:
    if isinstance(mark, Spans):
        for start, end in zip(mark.starts, mark.ends, strict=True):
            figure.add_vrect(
                x0=start,
                x1=end,
                fillcolor=colours[mark.role],
                opacity=0.25,
                line_width=0,
                row=row,
                col=1,
                exclude_empty_subplots=False,
            )
    elif isinstance(mark, Rule):
        style = {"line_color": colours[mark.role], "line_dash": DASHES[mark.dash], "row": row, "col": 1}
        style["exclude_empty_subplots"] = False
        if mark.axis == "y":
            figure.add_hline(y=mark.at, **style)
        else:
            figure.add_vline(x=mark.at, **style)
            figure.add_annotation(
                x=mark.at, y=1, yref="y domain", text=mark.label, showarrow=False, yanchor="bottom", row=row, col=1
            )
    elif isinstance(mark, Cells) and mark.chosen is not None:
        at, column = mark.chosen
        box = {"x0": column - 0.5, "x1": column + 0.5, "y0": at - 0.5, "y1": at + 0.5}
        figure.add_shape(type="rect", **box, line={"color": colours["ink"], "width": 3}, row=row, col=1)


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.2)"
