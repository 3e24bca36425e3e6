"""Families: which claims are judged together, whatever was asked for.

Every testable claim of the thesis on these prices, dates and terms is one family, the sceptic's baselines are another,
and strategies of one's own that are asked for together are a third. What a family needs of claims that were not asked
for are a few numbers each; they are kept in a cache by data, code and terms, and made anew where that is cold.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from research.claims import Kind, Sentence, Thesis
from research.datasets.data import Data
from research.datasets.store import write_atomically
from research.diagnostics.timing import Numbers, Timing
from research.errors import NoData, NoDecision, UnknownDataset
from research.home import home_folder
from research.provenance import hash_code, hash_text
from research.study.candidates import Candidate, candidate
from research.study.judge import ClaimRows, measure
from research.study.portfolio import ROW, Portfolio, portfolio_of_claim
from research.study.record import Terms
from research.thesis import Strategy

Tell = Callable[[str], None]


@dataclass(eq=False)
class Member:
    """A claim of a family with its candidates.

    Attributes
    ----------
    candidates
        Every strategy of the claim on every metal that could be run, asked for or not.
    timings
        Timing series by candidate, in their order.
    sentence
        What the thesis says; ``None`` of a baseline or of a strategy of one's own.
    portfolio
        A row that is no candidate: the thesis as one account, where this is its claim.
    """

    id: str
    sign: int
    sentence: Sentence | None = None
    candidates: list[Candidate] = field(default_factory=list)
    timings: list[dict[str, Timing]] = field(default_factory=list)
    portfolio: Portfolio | None = None

    def rows(self) -> ClaimRows:
        """What the judge asks for; a second measure decides nothing unless it is the only one at hand."""
        beside = self.sentence.beside if self.sentence else ()
        declared: dict[str, Timing] = {}
        undeclared: dict[str, Timing] = {}
        if self.portfolio is not None:
            declared[ROW] = self.portfolio.timing()
        for item, timings in zip(self.candidates, self.timings, strict=True):
            for name, timing in timings.items():
                counts = name in item.declared and item.strategy.name not in beside
                (declared if counts else undeclared)[name] = timing
        if not declared:
            declared, undeclared = undeclared, {}
        terms = {"worthwhile_return": self.sentence.worthwhile_return} if self.sentence else {}
        tried = max((item.strategy.tried for item in self.candidates), default=1)
        return ClaimRows(id=self.id, sign=self.sign, rows=declared, undeclared=undeclared, tried=tried, **terms)


class Families:
    """The families on one set of data, dates and terms."""

    def __init__(self, data: Data, terms: Terms, thesis: Thesis, tell: Tell = lambda what: None) -> None:
        self.data, self.terms, self.thesis, self.tell = data, terms, thesis, tell

    def kind_of(self, strategy: Strategy) -> Kind:
        """Which family a strategy belongs to."""
        return self.thesis.kind_of(strategy)

    def id_of(self, strategy: Strategy) -> str:
        """The claim that a strategy is counted under."""
        sentence = self.thesis.sentence_of(strategy)
        return strategy.name if sentence is None else sentence.id

    def member(self, strategy: Strategy, asked: Iterable[Candidate]) -> Member:
        """The whole claim of a strategy: the candidates that were asked for, and the others that belong to it."""
        identity, kind = self.id_of(strategy), self.kind_of(strategy)
        of_claim = self._of(kind).get(identity, [strategy])
        here = {(item.strategy.name, item.metal): item for item in asked if self.id_of(item.strategy) == identity}
        return self._member(identity, of_claim, here)

    def whole(self, kind: Kind) -> dict[str, Member]:
        """Every claim of a family with its candidates, by id."""
        found = {}
        for identity, strategies in self._of(kind).items():
            self.tell(f"the family: {identity}")
            found[identity] = self._member(identity, strategies, {})
        return found

    def others(self, kind: Kind, here: Collection[str]) -> dict[str, Numbers]:
        """Numbers of the claims of a family that are not ``here``: kept ones, or made now."""
        if kind == "own":
            return {}
        known = _read(self._file(kind))
        found = {}
        for identity, strategies in self._of(kind).items():
            if identity in here:
                continue
            if identity not in known:
                self.tell(f"the family: {identity}")
                known[identity] = measure(self._member(identity, strategies, {}).rows())
            found[identity] = known[identity]
        return found

    def keep(self, kind: Kind, numbers: Mapping[str, Numbers]) -> None:
        """Spare later runs the work: numbers of every claim of a family; a strategy of one's own has no such family."""
        file = self._file(kind)
        if kind != "own" and numbers.keys() - _read(file).keys():
            _write(file, numbers)

    def _of(self, kind: Kind) -> dict[str, list[Strategy]]:
        claims: dict[str, list[Strategy]] = {}
        for item in self.thesis.of_kind(kind):
            claims.setdefault(self.id_of(item), []).append(item)
        return claims

    def _member(
        self, identity: str, strategies: Sequence[Strategy], here: Mapping[tuple[str, str], Candidate]
    ) -> Member:
        sentence = self.thesis.sentence_of(strategies[0])
        member = Member(id=identity, sign=strategies[0].expected_sign, sentence=sentence)
        for item in strategies:
            for metal in item.metals:
                found = here.get((item.name, metal)) or self._candidate(item, metal)
                if found is not None:
                    member.candidates.append(found)
                    member.timings.append(found.timings(self.terms.execution))
        member.portfolio = portfolio_of_claim(identity, self.data, self.terms, self.thesis)
        return member

    def _candidate(self, strategy: Strategy, metal: str) -> Candidate | None:
        try:
            return candidate(
                strategy, self.data, metal, None, self.terms.execution, start=self.terms.start, end=self.terms.end
            )
        except (NoData, UnknownDataset, NoDecision):
            return None

    def _file(self, kind: Kind) -> Path:
        parts = {
            "code": hash_code(),
            "thesis": self.thesis.sha256,
            "strategies": {name: item.source_hash for name, item in self.thesis.strategies.items()},
            "data": {identity: self.data[identity].sha256 for identity in self.data},
            "price": self.data.price.name,
            "terms": self.terms.to_json(),
        }
        key = hash_text(json.dumps(parts, sort_keys=True))[:32]
        return home_folder() / "families" / f"{kind}-{key}.json"


def _read(file: Path) -> dict[str, Numbers]:
    try:
        return {
            identity: Numbers(np.array(item["supporting"]), np.array(item["opposing"]), int(item["events"]))
            for identity, item in json.loads(file.read_text(encoding="utf-8")).items()
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # cold, or damaged: it is made anew


def _write(file: Path, numbers: Mapping[str, Numbers]) -> None:
    plain = {
        identity: {"supporting": item.supporting.tolist(), "opposing": item.opposing.tolist(), "events": item.events}
        for identity, item in numbers.items()
    }
    with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, json.dumps(plain).encode("utf-8"))
