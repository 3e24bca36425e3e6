"""Claims under test: which accounts answer for which directional sentence, and what the judge made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from research.study.candidates import Candidate
from research.study.judge import ClaimRows, Judged
from research.thesis import Strategy
from research.verdict import Evidence, Verdict


@dataclass(frozen=True, kw_only=True)
class TestedClaim:
    """A directional sentence with its verdict; what people quote.

    Attributes
    ----------
    id
        ``"C1+"``: the number of the claim and its sign; or the name of a baseline or of a strategy of one's own.
    sentence
        The claim as its first strategy words it.
    strategies, metals
        What tests it.
    evidence, verdict
        Of all rows together.
    rows
        Of each metal at each declared grid point, by label.
    """

    __test__ = False  # no test class, whatever pytest thinks of its name

    id: str
    sentence: str
    strategies: tuple[str, ...]
    metals: tuple[str, ...]
    evidence: Evidence
    verdict: Verdict
    rows: Mapping[str, Judged] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Plain values only."""
        return {
            "id": self.id,
            "sentence": self.sentence,
            "strategies": list(self.strategies),
            "metals": list(self.metals),
            "evidence": self.evidence.to_json(),
            "verdict": self.verdict.to_json(),
            "rows": {
                name: {"evidence": row.evidence.to_json(), "verdict": row.verdict.to_json()}
                for name, row in self.rows.items()
            },
        }


def claim_id(strategy: Strategy, *, of_the_thesis: bool) -> str:
    """``C1+`` of a strategy of the thesis, by the first claim that it names; any other answers for itself."""
    if not of_the_thesis or not strategy.claims:
        return strategy.name
    return f"{strategy.claims[0]}{'+' if strategy.expected_sign > 0 else '-'}"


def tested_claim(rows: ClaimRows, members: Iterable[Candidate], judged: Judged) -> TestedClaim:
    """The claim with what the judge made of it."""
    found = list(members)
    return TestedClaim(
        id=rows.id,
        sentence=found[0].strategy.claim,
        strategies=tuple(dict.fromkeys(item.strategy.name for item in found)),
        metals=tuple(dict.fromkeys(item.metal for item in found)),
        evidence=judged.evidence,
        verdict=judged.verdict,
        rows=judged.rows,
    )
