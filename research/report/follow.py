"""What has come since claims were put on record, for the terminal, pages and notebooks. Nothing is computed here."""

from __future__ import annotations

from math import log10
from pathlib import Path
from typing import TYPE_CHECKING

from research.datasets.store import write_atomically
from research.report.chart import Axis, Chart, Line, Panel, Rule
from research.report.console import plain_console, print_table, say
from research.report.markup import Markup
from research.report.sentences import sentence
from research.report.template import in_notebook, page

if TYPE_CHECKING:
    from research.registration.counting import Followed, Following

HEADINGS = ("Registered", "Months", "For", "Against", "Needed", "Word")
KINDS = "lrrrrl"


def print_following(found: Following) -> None:
    """One line a claim, then what the numbers mean."""
    console = plain_console()
    rows = [(f"{claim.registration.name}  {claim.registration.claim}", _cells(claim)) for claim in found.claims]
    print_table(console, "Since the registration", HEADINGS, KINDS, rows)
    for text in _notes(found):
        say(console, text, "dim")


def following_html(found: Following) -> Markup:
    """The same for a notebook cell, with a picture of each claim that has a month behind it."""
    return in_notebook("following", *_shown(found), _charts(found))


def write_following(found: Following, path: Path) -> Path:
    """Write it as a page that needs nothing else."""
    shown = page("follow.html", "what has come since", found=found, shown=_shown(found), charts=_charts(found))
    write_atomically(path, shown.encode("utf-8"))
    return path


def chart(claim: Followed) -> Chart:
    """Both running e-values of a claim, and what they must reach."""
    looks = claim.evidence
    marks = (
        Rule(at=claim.threshold, axis="y", label="needed", role="ink"),
        Line(x=looks.index, y=looks["supporting"], label="for", role="strategy"),
        Line(x=looks.index, y=looks["opposing"], label="against", role="metal", dash="dash"),
    )
    panel = Panel(y=Axis(title="e-value (log)", scale="log", low=-1, high=log10(2 * claim.threshold)), marks=marks)
    x = Axis(title="", scale="date", form="date")
    return Chart.worded("e_values", x=x, panels=[panel], claim=claim, now=looks.iloc[-1])


def _cells(claim: Followed) -> tuple[str, ...]:
    looks = claim.evidence
    now = [f"{looks[side].iloc[-1] if len(looks) else 1:.3g}" for side in ("supporting", "opposing")]
    return (claim.registration.registered[:10], str(len(looks)), *now, f"{claim.threshold:g}", claim.word)


def _notes(found: Following) -> list[str]:
    """What the numbers mean, how they are corrected, and what is not as it was."""
    names: dict[str, list[str]] = {}
    for claim in found.claims:
        for note in claim.notes:
            names.setdefault(note, []).append(claim.registration.name)
    shared = [len(found.claims), *(claim.registration.registered_with for claim in found.claims)]
    correction = sentence("notes.correction", n=max(shared), level=found.claims[0].registration.level)
    return [sentence("notes.following"), correction, *(f"{', '.join(who)}: {note}" for note, who in names.items())]


def _shown(found: Following) -> tuple[object, ...]:
    return HEADINGS, [(claim, _cells(claim)) for claim in found.claims], KINDS, _notes(found)


def _charts(found: Following) -> list[Chart]:
    return [chart(claim) for claim in found.claims if len(claim.evidence)]
