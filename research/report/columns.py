"""The tables that displays draw, as `tables.toml` describes them: every display draws these columns."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeAlias

from research.report.sentences import p_value, written

if TYPE_CHECKING:
    from research.brought import Brought
    from research.study import PortfolioTrial, TestedClaim, Trial
    from research.verdict import PValues

    Answered: TypeAlias = TestedClaim | Trial | PortfolioTrial | Brought


@dataclass(frozen=True)
class Column:
    """One column: its heading, the text of a cell, what it means, and ``r`` for right, ``l`` left or ``t`` a text."""

    heading: str
    text: str
    meaning: str = ""
    align: str = "r"

    def cell(self, row: object) -> str:
        """What it shows of one row."""
        return written(self.text, row=row, shows=shows, p_adjusted=p_adjusted, p_shifted=p_shifted)


def shows(judged: Answered) -> bool:
    """Whether events are enough for p-values and intervals."""
    return judged.evidence.shows_p_values(judged.verdict.rules)


def p_adjusted(judged: Answered) -> str:
    """The p that decides, in the direction that the word speaks of."""
    return _p(judged, judged.evidence.deciding)


def p_shifted(judged: Answered) -> str:
    """The share of circular shifts that do as well, likewise."""
    return _p(judged, judged.evidence.p_shifted)


def _p(judged: Answered, p: PValues) -> str:
    against = judged.verdict.word == "contradicted"
    return p_value(p.opposing if against else p.supporting) if shows(judged) else ""


def columns(table: str, *names: str) -> tuple[Column, ...]:
    """All columns of a table, or those that are named."""
    described = _tables()[table]
    return tuple(Column(**{"heading": name, **described[name]}) for name in names or described)


@cache
def _tables() -> dict[str, dict[str, Any]]:
    return tomllib.loads((files("research.report") / "tables.toml").read_text(encoding="utf-8"))


CLAIM_COLUMNS = columns("judged", *_tables()["shown"]["claim"])
ROW_COLUMNS = columns("judged", *_tables()["shown"]["row"])
