"""What has come since claims were put on record, for the terminal, pages and notebooks. Nothing is computed here."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING

from research.report.chart import DATE, Axis, Chart, Line, Panel, Rule
from research.report.columns import columns
from research.report.console import plain_console, print_rows, say
from research.report.notebook import in_notebook
from research.report.sentences import sentence
from research.report.template import Markup, page

if TYPE_CHECKING:
    from research.registration.counting import Followed, Following


def print_following(found: Following) -> None:
    """One line a claim, then what the numbers mean."""
    console = plain_console()
    named = [(f"{claim.registration.name}  {claim.registration.claim}", claim) for claim in found.claims]
    print_rows(console, "Since the registration", named, columns("followed"))
    for text in _notes(found):
        say(console, text, "dim")


def following_html(found: Following) -> Markup:
    """The same for a notebook cell, with a picture of each claim that has a month behind it."""
    return in_notebook("following", found.claims, _notes(found), _charts(found))


def following_page(found: Following) -> Markup:
    """The same as a page that needs nothing else."""
    return page("follow.html", "what has come since", found=found, notes=_notes(found), charts=_charts(found))


def chart(claim: Followed) -> Chart:
    """Both running e-values of a claim, and what they must reach."""
    looks = claim.evidence
    marks = (
        Rule(at=claim.threshold, axis="y", label="needed", role="ink"),
        Line(x=looks.index, y=looks["supporting"], label="for", role="strategy"),
        Line(x=looks.index, y=looks["opposing"], label="against", role="metal", dash="dash"),
    )
    panel = Panel(y=Axis(title="e-value (log)", scale="log", low=-1, high=log10(2 * claim.threshold)), marks=marks)
    return Chart.worded("e_values", x=DATE, panels=[panel], claim=claim, now=looks.iloc[-1])


def _notes(found: Following) -> list[str]:
    """What the numbers mean, how they are corrected, and what is not as it was."""
    names: dict[str, list[str]] = {}
    for claim in found.claims:
        for note in claim.notes:
            names.setdefault(note, []).append(claim.registration.name)
    shared = [len(found.claims), *(claim.registration.registered_with for claim in found.claims)]
    correction = sentence("notes.correction", n=max(shared), level=found.claims[0].registration.level)
    return [sentence("notes.following"), correction, *(f"{', '.join(who)}: {note}" for note, who in names.items())]


def _charts(found: Following) -> list[Chart]:
    return [chart(claim) for claim in found.claims if len(claim.evidence)]
