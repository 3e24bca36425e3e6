"""A sweep in the terminal and as a page: heat map, ranking, walk forward, odds of luck. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.text import Text

from research.report.chart import DATE, Axis, Cells, Chart, Dash, Line, Panel, Role, Rule
from research.report.columns import Column, columns
from research.report.console import Row, plain_console, print_rows, print_table, say
from research.report.sentences import sentence, sentences
from research.report.template import Markup, page

if TYPE_CHECKING:
    from research.sweep.survey import Cell, HeatMap, Walk
    from research.sweep.sweep import Sweep

Table = tuple[str, str, list[tuple[str, object]], Sequence[Column]]
"""Caption, what heads a row, and the rows, each under its name, in these columns."""

MOST_ROWS, MOST_COLUMNS = 24, 12
N_RANKED = 10
_COLD_TO_WARM = ("blue", "cyan", "white", "yellow", "red")


def print_sweep(found: Sweep) -> None:
    """Print everything that was found."""
    console = plain_console()
    for line in sweep_lines(found):
        say(console, line, "dim")
    console.print()
    if found.heat.axes:
        say(console, heat_title(found.heat), "bold")
        print_table(console, *heat_table(found.heat))
    console.print()
    _print(console, _ranking(found, found.ranking[:N_RANKED]))
    for walk in found.walks.values():
        console.print()
        _print(console, _walk(found, walk))
        for finding in (walk.sharpe, walk.alpha):
            if finding is not None:
                say(console, f"{walk.scheme}: {finding.sentence}", "dim")
    say(console, sentence("notes.walk"), "dim")
    console.print()
    for line in sentences("sweep.ends", found=found, best=found.grid.describe(found.best.parameters)):
        say(console, line)


def sweep_page(found: Sweep) -> Markup:
    """One page: in plain words, heat map, best variants, walk forward, the odds of luck, and the terms."""
    return page(
        "sweep.html",
        f"{found.strategy.name} on {found.metal}: {len(found.grid):,} variants",
        found=found,
        plain_words=sentences(
            "sweep.plain", found=found, count=f"{len(found.grid):,}", best=found.grid.describe(found.best.parameters)
        ),
        walk_chart=_walk_chart(found),
        heat_chart=_heat_chart(found) if found.heat.axes else None,
        ranking=_ranking(found, found.ranking),
        walks={name: _walk(found, walk) for name, walk in found.walks.items()},
        lines=sweep_lines(found),
    )


def sweep_lines(found: Sweep) -> list[str]:
    """What was tried, on which history and terms, one line each."""
    first, last = found.history
    return sentences("sweep.lines", found=found, windows=found.windows, first=first, last=last)


def heat_title(heat: HeatMap) -> str:
    """Which axes are shown, and whether in groups."""
    grouped = len(heat.rows) > MOST_ROWS or len(heat.columns) > MOST_COLUMNS
    return f"Sharpe ratio: {' by '.join(heat.axes)}{' (groups, named by their first value)' if grouped else ''}"


def heat_table(heat: HeatMap) -> tuple[str, Sequence[str], str, list[Row]]:
    """The Sharpe ratio over two axes; an axis too long for the terminal is shown in groups, each by its mean."""
    rows, headings, cells = _grouped(heat)
    known = cells[np.isfinite(cells)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 0.0)
    drawn: list[Row] = [
        (row, [_coloured(value, low, high) for value in line]) for row, line in zip(rows, cells.tolist(), strict=True)
    ]
    return heat.axes[0], headings, "r" * len(headings), drawn


def _grouped(heat: HeatMap) -> tuple[list[str], list[str], np.ndarray]:
    """Rows, columns and cells of a heat map, in groups where an axis is long."""
    rows, columns = _groups(len(heat.rows), MOST_ROWS), _groups(max(len(heat.columns), 1), MOST_COLUMNS)
    cells = np.array([[_mean(heat.sharpe[np.ix_(row, column)]) for column in columns] for row in rows])
    headings = [str(heat.columns[column[0]]) if heat.columns else "Sharpe" for column in columns]
    return [str(heat.rows[row[0]]) for row in rows], headings, cells


def _heat_chart(found: Sweep) -> Chart:
    heat = found.heat
    rows, columns, cells = _grouped(heat)
    titles = [*heat.axes, ""]
    known = cells[np.isfinite(cells)]
    marks = Cells(rows=rows, columns=columns, values=cells, chosen=None)
    panel = Panel(y=Axis(title=titles[0]), marks=(marks,), height=44 * len(rows))
    about = {"title": heat_title(heat), "known": known, "history": sweep_lines(found)[1]}
    return Chart.worded("heat", x=Axis(title=titles[1]), panels=[panel], **about)


def _walk_chart(found: Sweep) -> Chart:
    """Excess returns of the walks, added up."""
    looks: dict[str, tuple[Role, Dash]] = {"anchored": ("strategy", ""), "rolling": ("metal", "dash")}
    lines = tuple(
        Line(x=returns.index, y=returns.cumsum(), label=f"{scheme} training", role=role, dash=dash)
        for scheme, (role, dash) in looks.items()
        for returns in [found.walks[scheme].excess_returns]  # type: ignore[index]
    )
    ends = [(line.label, float(np.asarray(line.y)[-1])) for line in lines]
    zero = Rule(at=0.0, axis="y", label="", role="ink")
    panel = Panel(y=Axis(title="Sum of excess returns", form="percent"), marks=(*lines, zero))
    return Chart.worded("walk", x=DATE, panels=[panel], ends=ends, windows=sweep_lines(found)[3])


def _print(console: Console, table: Table) -> None:
    caption, heads, named, shown = table
    print_rows(console, f"{caption}: {heads.lower()}", named, shown)


def _ranking(found: Sweep, cells: Iterable[Cell]) -> Table:
    named = [(f"{place}. {found.grid.describe(cell.parameters)}", cell) for place, cell in enumerate(cells, 1)]
    return "Best variants, by Sharpe ratio over the common history", "Variant", [*named], columns("variants")


def _walk(found: Sweep, walk: Walk) -> Table:
    named: list[tuple[str, object]] = []
    for step in walk.steps:
        training, test = (f"{first[:7]} to {last[:7]}" for first, last in (step.training, step.test))
        named.append((training, {"test": test, "picked": found.grid.describe(step.parameters), "step": step}))
    return f"Walk forward, {walk.scheme}", "Training", named, columns("walk")


def _groups(count: int, most: int) -> list[np.ndarray]:
    return [group for group in np.array_split(np.arange(count), min(count, most)) if group.size]


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _coloured(value: float, low: float, high: float) -> Text:
    if not np.isfinite(value):
        return Text("·", style="dim")
    share = (value - low) / (high - low) if high > low else 0.5
    return Text(f"{value:.2f}", style=_COLD_TO_WARM[min(int(share * len(_COLD_TO_WARM)), len(_COLD_TO_WARM) - 1)])
