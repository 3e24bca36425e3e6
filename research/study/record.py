"""What was tried: every trial is written down with its timing series, so that a later family can pay for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from research.datasets.data import Data
from research.diagnostics.timing import Effects, Numbers, Timing, independent_events, n_cosines
from research.execution import Execution
from research.ledger import Entry, Series
from research.provenance import hash_text, versions
from research.study.candidates import Candidate, label, since, timing_of
from research.thesis import Strategy

MOST_SERIES = 1_000  # of one grid
MOST_ENTRIES = 100_000  # of one grid
NOT_RECORDED = "not recorded (--no-ledger)"

Kept = Mapping[str, tuple[int, np.ndarray, np.ndarray]]


class Recorder(Protocol):
    """What a study needs of a ledger."""

    def kept(self, prices: Iterable[str], year: float) -> tuple[Kept, str]:
        """Events and numbers of every trial on these prices by key, and a problem in words."""

    def keep(self, series: Iterable[Series]) -> str:
        """Keep timing series; return a problem in words."""

    def record(self, entries: Iterable[Entry]) -> str:
        """Write trials down; return a problem in words."""


class Variants(Protocol):
    """Points of a grid by number, which need not all be in memory."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Mapping[str, object]: ...


@dataclass(frozen=True, kw_only=True)
class Count:
    """Number of trials that ``p_with_record`` accounts for.

    Attributes
    ----------
    declared
        Strategies x metals x declared grid, in this study.
    before
        Further ones that the ledger holds on the same prices.
    status
        ``"recorded"``, ``"not recorded (--no-ledger)"``, or why the ledger failed.
    """

    declared: int
    before: int
    status: str

    @property
    def total(self) -> int:
        """All distinct trials: declared here or recorded earlier."""
        return self.declared + self.before

    def to_json(self) -> dict[str, object]:
        """Plain values only."""
        return {"declared": self.declared, "recorded_before": self.before, "counted": self.total, "status": self.status}


@dataclass(frozen=True)
class Terms:
    """Under which terms and between which dates something was tried."""

    execution: Execution
    start: str | None = None
    end: str | None = None

    def to_json(self) -> dict[str, object]:
        """Plain values only."""
        return {**asdict(self.execution), "start": self.start, "end": self.end}


def trial_key(strategy: Strategy, metal: str, parameters: Mapping[str, object], prices: str, terms: Terms) -> str:
    """What makes a trial one: code, metal, parameters, prices, terms and dates. A rerun has the same key."""
    parts = [strategy.source_hash, strategy.name, label("", metal, parameters), prices, terms.to_json()]
    return hash_text(json.dumps(parts, sort_keys=True, default=str))


def portfolio_key(legs: Mapping[str, Strategy], prices: str, terms: Terms) -> str:
    """As ``trial_key``, of several strategies in one account."""
    parts = [{leg: item.source_hash for leg, item in legs.items()}, prices, terms.to_json()]
    return hash_text(json.dumps(parts, sort_keys=True, default=str))


def keys_of(item: Candidate, terms: Terms) -> dict[str, str]:
    """Key of every trial of a candidate, by label."""
    points = {item.label: item.parameters}
    points |= {label(item.strategy.name, item.metal, values): values for values in item.strategy.variants()}
    prices = prices_of(item)
    return {name: trial_key(item.strategy, item.metal, points[name], prices, terms) for name in item.decisions}


def prices_of(item: Candidate) -> str:
    """SHA-256 of the price history that a candidate trades."""
    return next(dataset.sha256 for dataset in item.market.datasets.values() if dataset.price)


def recorded_on(
    ledger: Recorder | None, prices: Iterable[str], year: float, own: Iterable[str]
) -> tuple[list[Numbers], str]:
    """Numbers of what else was tried on these prices, without the keys in ``own``; and a status in words."""
    if ledger is None:
        return [], NOT_RECORDED
    here = set(own)
    kept, problem = ledger.kept(prices, float(year))
    return [
        Numbers(supporting=supporting, opposing=opposing, events=events)
        for key, (events, supporting, opposing) in kept.items()
        if key not in here
    ], problem or "recorded"


def series_of(
    timings: Mapping[str, Timing],
    keys: Mapping[str, str],
    prices: str,
    sign: int,
    known: Mapping[str, Numbers | None] | None = None,
) -> list[Series]:
    """Timing series of the trials that have one, as they are kept; ``known`` are numbers that the judge has made."""
    found = []
    for name, timing in timings.items():
        if not timing.is_timed:
            continue
        net, gross = timing.series(sign), sign * timing.gross
        numbers = (known or {}).get(name)
        if numbers is None:
            nu = n_cosines(timing.n_periods, timing.year)
            numbers = Numbers.of([net], [gross], len(independent_events([timing])), nu, Effects.of([timing], nu))
        found.append(
            Series(
                key=keys[name],
                prices=prices,
                year=float(timing.year),
                label=name,
                events=numbers.events,
                supporting=numbers.supporting,
                opposing=numbers.opposing,
                dates=timing.dates.as_unit("ns").asi8,
                timing=np.stack([net, gross]).astype(np.float32),
            )
        )
    return found


def entries_of(
    item: Candidate, keys: Mapping[str, str], numbers: Mapping[str, object], terms: Terms, data: Mapping[str, str]
) -> list[Entry]:
    """A candidate's trials as the ledger lists them: the chosen with its main numbers, and the rest of its grid."""
    known = versions()
    points = {item.label: item.parameters}
    points |= {label(item.strategy.name, item.metal, values): values for values in item.strategy.variants()}
    return [
        Entry(
            kind="chosen" if name == item.label else "grid",
            strategy=item.strategy.name,
            source=item.strategy.source_hash,
            metal=item.metal,
            parameters=points[name],
            label=keys[name],
            prices=prices_of(item),
            data=data,
            execution=terms.to_json(),
            versions={"assay": known["assay"], "python": known["python"], **known["versions"]},
            numbers=numbers if name == item.label else {},
        )
        for name in item.decisions
    ]


def record_grid(
    strategy: Strategy,
    metal: str,
    variants: Variants,
    ledger: Recorder | None,
    data: Data,
    terms: Terms,
) -> str:
    """Write down every variant that a sweep tried; return a problem in words.

    Timing series are kept of all, or of so many spread evenly over a larger grid: what lies between them is a near-copy
    of its neighbours, and a copy costs nothing. So are the entries of a grid beyond ``MOST_ENTRIES``, each of which
    says of how many it is one.
    """
    if ledger is None:
        return ""
    market, whole = (data.market(metal, start, terms.end) for start in (terms.start, None))
    prices = next(dataset.sha256 for dataset in market.datasets.values() if dataset.price)
    used = sorted({*strategy.inputs_for(metal, data).values(), *market.datasets})
    known = versions()
    common: dict[str, Any] = {
        "kind": "grid",
        "strategy": strategy.name,
        "source": strategy.source_hash,
        "metal": metal,
        "prices": prices,
        "data": {identity: data[identity].sha256 for identity in used},
        "execution": terms.to_json(),
        "versions": {"assay": known["assay"], "python": known["python"], **known["versions"]},
    }
    if len(variants) > MOST_ENTRIES:
        common["numbers"] = {"variants_of_grid": len(variants)}
    problem = ledger.record(
        Entry(parameters=values, label=trial_key(strategy, metal, values, prices, terms), **common)
        for values in (strategy.parameters(variants[n]) for n in _spread(len(variants), MOST_ENTRIES))
    )
    some = [strategy.parameters(variants[n]) for n in _spread(len(variants), MOST_SERIES)]
    panel = data.panel(metal, strategy.inputs_for(metal, data), whole)
    table = strategy.weight_table(panel, some, max_leverage=terms.execution.max_leverage)
    timings, keys = {}, {}
    for values, weights in zip(some, table, strict=True):
        name = label(strategy.name, metal, values)
        timing = timing_of(since(pd.Series(weights, index=panel.index), market.price.index[0]), market, terms.execution)
        if timing is not None:
            timings[name], keys[name] = timing, trial_key(strategy, metal, values, prices, terms)
    return problem or ledger.keep(series_of(timings, keys, prices, strategy.expected_sign))


def _spread(count: int, most: int) -> list[int]:
    """All numbers below ``count``, or ``most`` of them at even distances."""
    return sorted(set(np.linspace(0, count - 1, min(most, count), dtype=int).tolist()))
