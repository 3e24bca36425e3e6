"""What strategies want now, for the terminal and for notebooks. Nothing is computed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research.report.columns import columns
from research.report.console import plain_console, print_rows, say
from research.report.sentences import sentence
from research.report.study_words import not_run

if TYPE_CHECKING:
    from research.study.today import Today, Want


def print_today(found: Today) -> None:
    """What is stale first, then one line a strategy and metal."""
    console = plain_console()
    for late in stale_lines(found):
        say(console, late, "red")
    print_rows(console, f"{found.now:%Y-%m-%d %H:%M} UTC", _named(found), columns("today"))
    say(console, sentence("notes.today"), "dim")
    for reason, names in not_run(found.skipped).items():
        say(console, f"not asked: {', '.join(names)}: {reason}", "dim")


def today_html(found: Today) -> str:
    """The same for a notebook cell."""
    from research.report.notebook import in_notebook

    caption = f"What strategies want at {found.now:%Y-%m-%d %H:%M} UTC"
    return in_notebook("today", caption, _named(found), stale_lines(found))


def stale_lines(found: Today) -> list[str]:
    """One line a dataset of which newer releases are out, and what hangs on it."""
    late = {item.dataset: item for want in found.wants for item in want.inputs if item.dataset in want.stale}
    lines = [
        f"stale: {name} ends {item.observed_for:%Y-%m-%d}; newer data have been out for {item.overdue_days} days"
        for name, item in sorted(late.items())
    ]
    if lines:
        lines.append("What rests on these is not known now. assay data fetch")
    return lines


def _named(found: Today) -> list[tuple[str, Want]]:
    return [(f"{want.strategy}, {want.metal}", want) for want in found.wants]
