"""Claims under test: which accounts answer for which directional sentence, in which family, and what came of it.

Every testable claim of the thesis on these prices, dates and terms is one family, the sceptic's baselines are another,
and strategies of one's own that are asked for together are a third. What a family needs of claims that were not asked
for are a few numbers each; they are kept in a cache by data, code and terms, and made anew where that is cold.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.claims import Kind, Sentence, Thesis
from research.datasets.data import Data
from research.diagnostics.long_run import NOTHING, Estimate
from research.diagnostics.timing import (
    MINIMUM_PERIODS,
    Numbers,
    Timing,
    independent_events,
    n_cosines,
    pooled,
    unit_of_mean,
)
from research.kept import kept
from research.provenance import hash_code, hash_text
from research.study.candidates import CANNOT, Candidate, Terms, candidate
from research.study.judge import ClaimRows, Judged, measure
from research.study.portfolio import ROW, Portfolio
from research.thesis import Strategy
from research.values import Displayed, plain
from research.verdict import Evidence, Rules, Verdict

Bools = NDArray[np.bool_]
Known = Mapping[tuple[str, str], Candidate]

NONE: Known = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Member:
    """A claim of a family with all that tests it.

    Attributes
    ----------
    sentence
        What is claimed: by the thesis, or by a baseline or a strategy of one's own.
    candidates
        Every strategy of the claim on every metal that could be run, asked for or not.
    portfolio
        A row that is no candidate: the thesis as one account, where this is its claim.
    """

    sentence: Sentence
    candidates: tuple[Candidate, ...]
    portfolio: Portfolio | None = None

    @cached_property
    def rows(self) -> ClaimRows:
        """What the judge asks for; a second measure decides nothing unless it is the only one at hand."""
        declared = {} if self.portfolio is None else {ROW: self.portfolio.timing()}
        undeclared: dict[str, Timing] = {}
        for item in self.candidates:
            for name, point in item.points.items():
                if point.timing is not None:
                    counts = point.declared and item.strategy.name not in self.sentence.beside
                    (declared if counts else undeclared)[name] = point.timing
        if not declared:
            declared, undeclared = undeclared, {}
        return ClaimRows(
            id=self.sentence.id,
            sign=self.sentence.sign,
            rows=declared,
            undeclared=undeclared,
            worthwhile_return=self.sentence.worthwhile_return,
            tried=max((item.strategy.tried for item in self.candidates), default=1),
        )


class Families:
    """The families on one set of data, dates and terms."""

    def __init__(
        self, data: Data, terms: Terms, thesis: Thesis, tell: Callable[[str], None] = lambda what: None
    ) -> None:
        self.data, self.terms, self.thesis, self.tell = data, terms, thesis, tell

    def member(self, strategy: Strategy, asked: Iterable[Candidate] = ()) -> Member:
        """The whole claim of a strategy: the candidates that were asked for, and the others that belong to it."""
        strategies = self._of(self.thesis.kind_of(strategy)).get(self.thesis.said(strategy).id, [strategy])
        return self._member(strategies, {(item.strategy.name, item.metal): item for item in asked})

    def whole(self, kind: Kind) -> dict[str, Member]:
        """Every claim of a family with its candidates, by id."""
        return {identity: self._member(strategies) for identity, strategies in self._of(kind).items()}

    def others(self, kind: Kind, here: Collection[str]) -> dict[str, Numbers]:
        """Numbers of the claims of a family that are not ``here``: kept ones, or made now; one's own has no others."""
        claims = {} if kind == "own" else self._of(kind)
        away = {identity: strategies for identity, strategies in claims.items() if identity not in here}
        return {
            identity: self._kept(identity, partial(self._measured, identity, strategies))
            for identity, strategies in away.items()
        }

    def keep(self, kind: Kind, numbers: Mapping[str, Numbers]) -> None:
        """Spare later runs the work: numbers of whole claims, by id; one's own have no such family."""
        for identity, found in numbers.items() if kind != "own" else ():
            self._kept(identity, lambda found=found: found)  # type: ignore[misc]

    def _kept(self, identity: str, make: Callable[[], Numbers]) -> Numbers:
        return kept(f"families/{self._key[:12]}-{hash_text(identity)[:12]}", self._key, make)

    def _of(self, kind: Kind) -> dict[str, list[Strategy]]:
        claims: dict[str, list[Strategy]] = {}
        for item in self.thesis.of_kind(kind):
            claims.setdefault(self.thesis.said(item).id, []).append(item)
        return claims

    def _measured(self, identity: str, strategies: Sequence[Strategy]) -> Numbers:
        self.tell(f"the family: {identity}")
        return measure(self._member(strategies).rows)

    def _member(self, strategies: Sequence[Strategy], here: Known = NONE) -> Member:
        sentence, plan = self.thesis.said(strategies[0]), self.thesis.portfolio
        named = plan.legs if plan is not None and plan.sentence == sentence.id else {}
        legs = {leg: self.thesis.strategies[name] for leg, name in named.items()}
        return Member(sentence, *accounts_of(strategies, legs, self.data, self.terms, here))

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


def accounts_of(
    strategies: Iterable[Strategy],
    legs: Mapping[str, Strategy],
    data: Data,
    terms: Terms,
    here: Known = NONE,
) -> tuple[tuple[Candidate, ...], Portfolio | None]:
    """Every strategy on each of its metals, and the legs as one account, as far as the data allow; some may be here."""
    candidates, whole = [], None
    for item, metal in [(one, metal) for one in strategies for metal in one.metals]:
        with suppress(*CANNOT):
            candidates.append(here.get((item.name, metal)) or candidate(item, data, metal, None, terms))
    with suppress(*CANNOT):
        whole = Portfolio.assembled(legs, data, terms) if legs else None
    return tuple(candidates), whole


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one part of the record shows of a claim: a description, on which no word rests.

    Attributes
    ----------
    first, last
        Ends of its first and last period; ``None`` of an empty part.
    events
        Independent events that began in it.
    periods
        Periods of the longest row in which the number was known.
    years
        The same in years.
    timing_return
        Mean of the claim's own timing series over it, a fraction a year, after costs.
    """

    first: pd.Timestamp | None
    last: pd.Timestamp | None
    events: int
    periods: int
    years: float
    timing_return: Estimate = NOTHING

    def shows_interval(self, rules: Rules) -> bool:
        """Whether periods and events are enough for an interval.

        Parameters
        ----------
        rules
            Thresholds in force.
        """
        return self.periods >= MINIMUM_PERIODS and self.events >= rules.min_events

    def to_json(self, rules: Rules) -> dict[str, object]:
        """Plain values only.

        Parameters
        ----------
        rules
            Thresholds in force.
        """
        first, last = (None if day is None else f"{day:%Y-%m-%d}" for day in (self.first, self.last))
        low, high = self.timing_return.interval() if self.shows_interval(rules) else (None, None)
        found = {"first": first, "last": last, "events": self.events, "periods": self.periods}
        return {**found, "timing_return": plain(self.timing_return.value), "low": low, "high": high}


@dataclass(frozen=True, kw_only=True, repr=False)
class TestedClaim(Displayed, Sentence):
    """A directional sentence with its verdict; what people quote.

    Attributes
    ----------
    id
        ``"C1+"``: the number of the claim and its sign; or the name of a baseline or of a strategy of one's own.
    strategies, metals
        What tests it.
    evidence, verdict
        Of all rows together.
    rows
        Of each metal at each declared grid point, by label.
    timings
        Timing series of the rows that the verdict rests on, by label.
    published
        When the thesis was published, of a claim of a thesis.
    """

    __test__ = False  # no test class, whatever pytest thinks of its name

    metals: tuple[str, ...]
    evidence: Evidence
    verdict: Verdict
    rows: Mapping[str, Judged] = field(repr=False)
    timings: Mapping[str, Timing] = field(repr=False)
    published: date | None = None

    def __repr__(self) -> str:
        return f"<Claim {self.id}, {self.short}: {self.verdict.word}>"

    def since(self, day: date) -> tuple[Part, Part]:
        """The record before a day, and the periods that opened after it, which alone did not suggest the claim.

        Parameters
        ----------
        day
            The day that parts the record.
        """
        return split(list(self.timings.values()), self.evidence.sign, day)

    def to_json(self) -> dict[str, object]:
        """Plain values only."""
        names = ("id", "short", "sentence", "falsifier", "rests_on", "strategies", "metals", "evidence", "verdict")
        found = {name: plain(getattr(self, name)) for name in names}
        found["rows"] = {
            name: {"evidence": plain(row.evidence), "verdict": plain(row.verdict)} for name, row in self.rows.items()
        }
        if self.published is not None:
            before, after = (part.to_json(self.verdict.rules) for part in self.since(self.published))
            found["publication"] = {"date": self.published.isoformat(), "before": before, "after": after}
        return found


def split(timings: Iterable[Timing], sign: int, day: date) -> tuple[Part, Part]:
    """Two parts of a record: the periods that had opened by a day, and those that opened after it."""
    found = list(timings)
    events = independent_events([item for item in found if item.is_timed])
    later = [item.dates - pd.Timedelta(days=365.25 / item.year) > pd.Timestamp(day) for item in found]
    return _part(found, [~mask for mask in later], sign, events), _part(found, later, sign, events)


def _part(timings: list[Timing], masks: Iterable[Bools], sign: int, events: pd.DatetimeIndex) -> Part:
    parts = [(item, mask) for item, mask in zip(timings, masks, strict=True) if mask.any()]
    if not parts:
        return Part(first=None, last=None, events=0, periods=0, years=0.0)
    dates = [item.dates[mask] for item, mask in parts]
    moved = [(item.series(sign)[mask], item.year) for item, mask in parts if item.is_timed]
    pieces = [(psi, year) for psi, year in moved if psi.std() > 0]
    gain = NOTHING
    if pieces:
        series, years = zip(*pieces, strict=True)
        gain = Estimate.of_numbers(pooled(series, n_cosines(min(map(len, series)))), unit_of_mean(series, years))
    return Part(
        first=min(item[0] for item in dates),
        last=max(item[-1] for item in dates),
        events=int(events.isin(pd.DatetimeIndex([]).append(dates)).sum()),
        periods=max(map(len, dates)),
        years=max(len(when) / item.year for when, (item, _) in zip(dates, parts, strict=True)),
        timing_return=gain,
    )


def tested_claim(member: Member, judged: Judged, published: date) -> TestedClaim:
    """The claim with what the judge made of it."""
    strategies = tuple(dict.fromkeys(item.strategy.name for item in member.candidates))
    return TestedClaim(
        **{**vars(member.sentence), "strategies": strategies},
        metals=tuple(dict.fromkeys(item.metal for item in member.candidates)),
        evidence=judged.evidence,
        verdict=judged.verdict,
        rows=judged.rows,
        timings=member.rows.rows,
        published=published if member.sentence.claim else None,
    )
