"""Families: which claims are judged together, whatever was asked for.

Every testable claim of the thesis on these prices, dates and terms is one family, the sceptic's baselines are another,
and strategies of one's own that are asked for together are a third. What a family needs of claims that were not asked
for are a few numbers each; they are kept in a cache by data, code and terms, and made anew where that is cold.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from types import MappingProxyType

import numpy as np

from research.claims import Kind, Thesis
from research.datasets.data import Data
from research.diagnostics.timing import Numbers
from research.kept import read_kept, write_kept
from research.provenance import hash_code, hash_text
from research.study.candidates import CANNOT, Candidate, Terms, candidate
from research.study.claims import Member
from research.study.judge import measure
from research.study.portfolio import portfolio_of_claim
from research.thesis import Strategy
from research.values import plain

Tell = Callable[[str], None]


class Families:
    """The families on one set of data, dates and terms."""

    def __init__(self, data: Data, terms: Terms, thesis: Thesis, tell: Tell = lambda what: None) -> None:
        self.data, self.terms, self.thesis, self.tell = data, terms, thesis, tell

    def member(self, strategy: Strategy, asked: Iterable[Candidate] = ()) -> Member:
        """The whole claim of a strategy: the candidates that were asked for, and the others that belong to it."""
        sentence = self.thesis.said(strategy)
        here = {(item.strategy.name, item.metal): item for item in asked}
        return self._member(self._of(self.thesis.kind_of(strategy)).get(sentence.id, [strategy]), here)

    def whole(self, kind: Kind) -> dict[str, Member]:
        """Every claim of a family with its candidates, by id."""
        found = {}
        for identity, strategies in self._of(kind).items():
            self.tell(f"the family: {identity}")
            found[identity] = self._member(strategies)
        return found

    def others(self, kind: Kind, here: Collection[str]) -> dict[str, Numbers]:
        """Numbers of the claims of a family that are not ``here``: kept ones, or made now."""
        if kind == "own":
            return {}
        known = self._kept(kind)
        found = {}
        for identity, strategies in self._of(kind).items():
            if identity in here:
                continue
            if identity not in known:
                self.tell(f"the family: {identity}")
                known[identity] = measure(self._member(strategies).rows)
            found[identity] = known[identity]
        return found

    def keep(self, kind: Kind, numbers: Mapping[str, Numbers]) -> None:
        """Spare later runs the work: numbers of every claim of a family; a strategy of one's own has no such family."""
        if kind != "own" and numbers.keys() - self._kept(kind).keys():
            write_kept(self._file(kind), self._key, json.dumps(plain(numbers)).encode())

    def _kept(self, kind: Kind) -> dict[str, Numbers]:
        return {
            identity: Numbers(np.array(item["supporting"]), np.array(item["opposing"]), item["events"])
            for identity, item in json.loads(read_kept(self._file(kind), self._key) or b"{}").items()
        }

    def _file(self, kind: Kind) -> str:
        return f"families/{kind}-{self._key[:12]}.json"

    def _of(self, kind: Kind) -> dict[str, list[Strategy]]:
        claims: dict[str, list[Strategy]] = {}
        for item in self.thesis.of_kind(kind):
            claims.setdefault(self.thesis.said(item).id, []).append(item)
        return claims

    def _member(
        self, strategies: Sequence[Strategy], here: Mapping[tuple[str, str], Candidate] = MappingProxyType({})
    ) -> Member:
        candidates = []
        for item, metal in [(one, metal) for one in strategies for metal in one.metals]:
            with suppress(*CANNOT):
                known = here.get((item.name, metal))
                candidates.append(known or candidate(item, self.data, metal, None, self.terms))
        sentence = self.thesis.said(strategies[0])
        portfolio = portfolio_of_claim(sentence.id, self.data, self.terms, self.thesis, candidates)
        return Member(sentence, tuple(candidates), portfolio)

    @cached_property
    def _key(self) -> str:
        parts = {
            "code": hash_code(),
            "thesis": self.thesis.sha256,
            "strategies": {name: item.source_hash for name, item in self.thesis.strategies.items()},
            "data": {identity: self.data[identity].sha256 for identity in self.data},
            "price": self.data.price.name,
            "terms": self.terms.to_json(),
        }
        return hash_text(json.dumps(parts, sort_keys=True))
