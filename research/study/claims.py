"""Claims under test: which accounts answer for which directional sentence, and what the judge made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from research.claims import Sentence
from research.diagnostics.long_run import NOTHING, Estimate
from research.diagnostics.timing import (
    MINIMUM_PERIODS,
    Timing,
    independent_events,
    mean_of_rows,
    n_cosines,
)
from research.study.candidates import Candidate
from research.study.judge import ClaimRows, Judged
from research.verdict import Evidence, Rules, Verdict


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
        found = self.timing_return
        low, high = found.interval()
        told = self.shows_interval(rules)
        return {
            "first": None if self.first is None else f"{self.first:%Y-%m-%d}",
            "last": None if self.last is None else f"{self.last:%Y-%m-%d}",
            "events": self.events,
            "periods": self.periods,
            "timing_return": found.value if found.value == found.value else None,
            "low": low if told else None,
            "high": high if told else None,
        }


@dataclass(frozen=True, kw_only=True, repr=False)
class TestedClaim:
    """A directional sentence with its verdict; what people quote.

    Attributes
    ----------
    id
        ``"C1+"``: the number of the claim and its sign; or the name of a baseline or of a strategy of one's own.
    short, sentence
        In six or seven words, and in full.
    falsifier
        What would refute it.
    rests_on
        Which of several measures the verdict rests on, and why; empty where there is one.
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

    id: str
    short: str
    sentence: str
    falsifier: str
    rests_on: str
    strategies: tuple[str, ...]
    metals: tuple[str, ...]
    evidence: Evidence
    verdict: Verdict
    rows: Mapping[str, Judged] = field(repr=False)
    timings: Mapping[str, Timing] = field(repr=False)
    published: date | None = None

    def __repr__(self) -> str:
        return f"<Claim {self.id}, {self.short}: {self.verdict.word}>"

    def _repr_html_(self) -> str:
        from research.report.notebook import claim_html

        return claim_html(self)

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
        plain = {name: getattr(self, name) for name in ("id", "short", "sentence", "falsifier", "rests_on")} | {
            "strategies": list(self.strategies),
            "metals": list(self.metals),
            "evidence": self.evidence.to_json(),
            "verdict": self.verdict.to_json(),
            "rows": {
                name: {"evidence": row.evidence.to_json(), "verdict": row.verdict.to_json()}
                for name, row in self.rows.items()
            },
        }
        if self.published is not None:
            before, after = (part.to_json(self.verdict.rules) for part in self.since(self.published))
            plain["publication"] = {"date": self.published.isoformat(), "before": before, "after": after}
        return plain


def split(timings: Iterable[Timing], sign: int, day: date) -> tuple[Part, Part]:
    """Two parts of a record: the periods that had opened by a day, and those that opened after it."""
    found = list(timings)
    timed = [item for item in found if item.is_timed]
    events = independent_events(timed)
    later = [item.dates - pd.Timedelta(days=365.25 / item.year) > pd.Timestamp(day) for item in found]
    parts = []
    for after in (False, True):
        masks = [late == after for late in later]
        dates = [item.dates[mask] for item, mask in zip(found, masks, strict=True)]
        here = [item for item in dates if len(item)]
        pieces = [
            (item.series(sign)[mask], item.year)
            for item, mask in zip(found, masks, strict=True)
            if item.is_timed and mask.any() and item.series(sign)[mask].std() > 0
        ]
        inside = events[events.isin(pd.DatetimeIndex([]).append(here))] if here else events[:0]
        nu = n_cosines(min((len(psi) for psi, _ in pieces), default=0))
        parts.append(
            Part(
                first=min((item[0] for item in here), default=None),
                last=max((item[-1] for item in here), default=None),
                events=len(inside),
                periods=max(map(len, here), default=0),
                years=max((len(when) / item.year for item, when in zip(found, dates, strict=True)), default=0.0),
                timing_return=mean_of_rows([psi for psi, _ in pieces], nu, [year for _, year in pieces])
                if pieces
                else NOTHING,
            )
        )
    return parts[0], parts[1]


def tested_claim(
    rows: ClaimRows, members: Iterable[Candidate], judged: Judged, sentence: Sentence | None, published: date | None
) -> TestedClaim:
    """The claim with what the judge made of it; without a sentence of a thesis it is its first strategy's."""
    found = list(members)
    first = found[0].strategy
    return TestedClaim(
        id=rows.id,
        short=sentence.short if sentence else first.claim,
        sentence=sentence.text if sentence else first.claim,
        falsifier=sentence.falsifier if sentence else first.falsifier,
        rests_on=sentence.rests_on if sentence else "",
        strategies=tuple(dict.fromkeys(item.strategy.name for item in found)),
        metals=tuple(dict.fromkeys(item.metal for item in found)),
        evidence=judged.evidence,
        verdict=judged.verdict,
        rows=judged.rows,
        timings=rows.rows,
        published=published if sentence else None,
    )
