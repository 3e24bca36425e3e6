"""What the tables of claims and of rows show, described once: every display draws these columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Protocol

from research.report.words import number, p_value, short_interval, signed_percent

if TYPE_CHECKING:
    from research.verdict import Evidence, PValues, Verdict


class Answered(Protocol):
    """What has a verdict: a claim, a row or a portfolio."""

    @property
    def evidence(self) -> Evidence:
        """What decides."""

    @property
    def verdict(self) -> Verdict:
        """The word and why."""


@dataclass(frozen=True)
class Column:
    """One column: its heading, the text of a cell, what it means, and ``r`` for right or ``l`` for left."""

    heading: str
    cell: Callable[[Answered], str]
    meaning: str
    align: str = "r"


def shows(judged: Answered) -> bool:
    """Whether events are enough for p-values and intervals."""
    return judged.evidence.shows_p_values(judged.verdict.rules)


def p_adjusted(judged: Answered) -> str:
    """The p that decides, in the direction that the word speaks of."""
    return _p(judged, judged.evidence.deciding)


def p_shifted(judged: Answered) -> str:
    """The share of circular shifts that do as well, likewise."""
    return _p(judged, judged.evidence.p_shifted)


def open_until(judged: Answered) -> str:
    """``2041``; nothing for what is decided, or where no year can be given."""
    year = judged.evidence.decidable.year
    if judged.verdict.word != "undecidable" or not isfinite(year):
        return ""
    return ">2200" if year > 2200 else f"{year:.0f}"


def known(judged: Answered) -> str:
    """``180 of 211``: periods at which the number was known, of those since it first was."""
    evidence = judged.evidence
    return f"{evidence.periods} of {evidence.periods + evidence.unknown_periods}"


def _p(judged: Answered, p: PValues) -> str:
    against = judged.verdict.word == "contradicted"
    return p_value(p.opposing if against else p.supporting) if shows(judged) else ""


_EVENTS = Column(
    "Events",
    lambda judged: str(judged.evidence.events),
    "independent entries into the position; under six there is neither p-value nor interval",
)
_P_ADJUSTED = Column("p adjusted", p_adjusted, "over the whole family of claims; of a row, within its claim too")
_P_SHIFTED = Column("p shifted", p_shifted, "share of the own weights, moved in time, that do as well")
_VERDICT = Column("Verdict", lambda judged: str(judged.verdict.word), "one of four words", "l")

CLAIM_COLUMNS = (
    _EVENTS,
    Column(
        "In less out",
        lambda judged: signed_percent(judged.evidence.price_gap.value) if judged.evidence.events else "",
        "the metal's return a year in position less that out of it",
    ),
    Column(
        "95 % interval",
        lambda judged: short_interval(judged.evidence.price_gap.interval()) if shows(judged) else "",
        "of the figure before it",
    ),
    _P_ADJUSTED,
    _P_SHIFTED,
    Column("Odds become", lambda judged: judged.evidence.odds, "what the record makes of even odds"),
    Column("Open until", open_until, "the year by which it can be decided, if events go on as they came"),
    _VERDICT,
)

ROW_COLUMNS = (
    _EVENTS,
    Column("Known", known, "periods at which the number that the row rests on was known; the others take no part"),
    Column(
        "Timing return",
        lambda judged: signed_percent(judged.evidence.timing_return.value) if judged.evidence.events else "",
        "what holding at these times earned a year, after costs, beyond holding as much on average",
    ),
    Column(
        "95 % interval",
        lambda judged: short_interval(judged.evidence.timing_return.interval()) if shows(judged) else "",
        "of the figure before it",
    ),
    _P_ADJUSTED,
    _P_SHIFTED,
    Column(
        "Detectable",
        lambda judged: number(judged.evidence.detectable),
        "information ratio a year that the deciding rules find four times in five",
    ),
    _VERDICT,
)
