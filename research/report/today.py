"""What strategies want now, for the terminal and for notebooks. Nothing is computed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research.report.console import plain_console, print_table, say
from research.report.sentences import sentence
from research.report.study_words import not_run
from research.report.words import DASH, percent

if TYPE_CHECKING:
    from research.study.today import Today, Want

HEADINGS = ("Wants", "Since", "Number", "Rule", "Known", "May change")


def print_today(found: Today) -> None:
    """What is stale first, then one line a strategy and metal."""
    console = plain_console()
    for late in stale_lines(found):
        say(console, late, "red")
    print_table(console, f"{found.now:%Y-%m-%d %H:%M} UTC", HEADINGS, "llrlll", _rows(found))
    say(console, sentence("notes.today"), "dim")
    for reason, names in not_run(found.skipped).items():
        say(console, f"not asked: {', '.join(names)}: {reason}", "dim")


def today_html(found: Today) -> str:
    """The same for a notebook cell."""
    from research.report.template import in_notebook

    rows = [(name, *cells) for name, cells in _rows(found)]
    caption = f"What strategies want at {found.now:%Y-%m-%d %H:%M} UTC"
    return in_notebook("today", caption, ("Strategy, metal", *HEADINGS), rows, stale_lines(found))


def stale_lines(found: Today) -> list[str]:
    """One line a dataset of which newer releases are out, and what hangs on it."""
    late = {item.dataset: item for want in found.wants for item in want.inputs if item.dataset in want.stale}
    lines = [
        f"stale: {name} ends {item.observed_for:%Y-%m-%d}; newer data have been out for {item.overdue_days} days"
        for name, item in sorted(late.items())
    ]
    if lines:
        lines.append("What rests on these is not known now; the last position that was is named. assay data fetch")
    return lines


def _rows(found: Today) -> list[tuple[str, tuple[str, ...]]]:
    return [(f"{want.strategy}, {want.metal}", _cells(want)) for want in found.wants]


def _cells(want: Want) -> tuple[str, ...]:
    newest = max(item.known_at for item in want.inputs)
    return (
        _wants(want),
        "" if want.since is None else f"{want.since:%Y-%m-%d}",
        "" if want.number is None else f"{want.number:.4g}",
        DASH if want.threshold is None else f"{'above' if want.sign == 1 else 'below'} {want.threshold:g}",
        f"{newest:%Y-%m-%d}",
        "" if want.may_change is None else f"{want.may_change:%Y-%m-%d}",
    )


def _wants(want: Want) -> str:
    if want.position is not None:
        return percent(want.position, 0)
    if want.last_position is None or want.last_known is None:
        return "not known"
    return f"not known; {percent(want.last_position, 0)} on {want.last_known:%Y-%m-%d}"
