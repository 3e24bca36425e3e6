"""What has come since claims were put on record, for the terminal, pages and notebooks. Nothing is computed here."""

from __future__ import annotations

from math import log10
from pathlib import Path
from typing import TYPE_CHECKING

from research.datasets.store import write_atomically
from research.report.chart import Axis, Chart, Line, Panel, Rule
from research.report.console import plain_console, print_table, say
from research.report.markup import Markup
from research.report.template import in_notebook, page

if TYPE_CHECKING:
    from research.registration.counting import Followed, Following

HEADINGS = ("Registered", "Months", "For", "Against", "Needed", "Word")
KINDS = "lrrrrl"
NOTE = (
    "For: the e-value against 'holding at these times earns nothing more'. Against: that against 'it earns at least "
    "what is worth having'. Each starts at 1, moves with every month that comes, and is ever as high as needed with a "
    "chance of at most the level if its opponent is right, however often one looks. Nothing before the registration "
    "counts."
)


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
    looks, name = claim.evidence, claim.registration.name
    now = looks.iloc[-1]
    return Chart(
        title=f"{name}: {claim.registration.claim}",
        description=f"{claim.word}. At the last look, {looks.index[-1]:%Y-%m-%d}, the e-value for it is "
        f"{now.supporting:.3g} and that against it {now.opposing:.3g}; {claim.threshold:g} is needed.",
        caption=f"Registered {claim.registration.registered[:10]}; looked at every month.",
        x=Axis(title="", scale="date", form="date"),
        panels=(
            Panel(
                y=Axis(title="e-value (log)", scale="log", low=-1, high=log10(2 * claim.threshold)),
                marks=(
                    Rule(at=claim.threshold, axis="y", label="needed", role="ink"),
                    Line(x=looks.index, y=looks["supporting"], label="for", role="strategy"),
                    Line(x=looks.index, y=looks["opposing"], label="against", role="metal", dash="dash"),
                ),
            ),
        ),
    )


def correction(found: Following) -> str:
    """How several claims at once are paid for."""
    shared = [len(found.claims), *(claim.registration.registered_with for claim in found.claims)]
    n, level = max(shared), found.claims[0].registration.level
    if n == 1:
        return f"One claim: a word at {1 / level:g}, and it is ever false with a chance of at most {level:.0%}."
    return (
        f"Bonferroni: {n} claims are on record together, so a word needs {n} x {1 / level:g} = {n / level:g}, and the "
        f"chance that any of them is ever falsely supported is at most {level:.0%}."
    )


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
    return [NOTE, correction(found), *(f"{', '.join(who)}: {note}" for note, who in names.items())]


def _shown(found: Following) -> tuple[object, ...]:
    return HEADINGS, [(claim, _cells(claim)) for claim in found.claims], KINDS, _notes(found)


def _charts(found: Following) -> list[Chart]:
    return [chart(claim) for claim in found.claims if len(claim.evidence)]
