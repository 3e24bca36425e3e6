"""What was tried: every trial is written down with its timing series, so that a later family can pay for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Protocol

import numpy as np
import pandas as pd

from research.datasets.data import Data
from research.datasets.market import Market
from research.diagnostics.timing import Effects, Numbers, Timing, independent_events, n_cosines
from research.engine.legs import Legs
from research.ledger import Entry, Ledger, Series
from research.provenance import versions
from research.study.candidates import Candidate, Terms, keys, label, prices_of, since, timing_of
from research.thesis import Strategy

MOST_SERIES = 1_000  # of one grid
MOST_ENTRIES = 100_000  # of one grid
NOT_RECORDED = "not recorded (--no-ledger)"


class Variants(Protocol):
    """Points of a grid by number, which need not all be in memory."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Mapping[str, object]: ...


def recorded_on(
    ledger: Ledger | None, prices: Iterable[str], year: float, own: Iterable[str]
) -> tuple[list[Numbers], str]:
    """Numbers of what else was tried on these prices, without the keys in ``own``; and a status in words."""
    if ledger is None:
        return [], NOT_RECORDED
    here = set(own)
    kept, problem = ledger.kept(prices, float(year))
    return [numbers for key, numbers in kept.items() if key not in here], problem or "recorded"


def series_of(
    timings: Iterable[tuple[str, Timing]],
    key: Callable[[str], str],
    prices: str,
    sign: int,
    known: Mapping[str, Numbers | None] | None = None,
) -> Iterator[Series]:
    """Timing series of the trials that have one, as they are kept; ``known`` are numbers that the judge has made."""
    for name, timing in timings:
        if not timing.is_timed:
            continue
        net, gross = timing.series(sign), sign * timing.gross
        numbers = (known or {}).get(name)
        if numbers is None:
            nu = n_cosines(timing.n_periods, timing.year)
            numbers = Numbers.of([net], [gross], len(independent_events([timing])), nu, Effects.of([timing], nu))
        yield Series(
            key=key(name),
            prices=prices,
            year=float(timing.year),
            label=name,
            numbers=numbers,
            dates=timing.dates.as_unit("ns").asi8,
            timing=np.stack([net, gross]).astype(np.float32),
        )


def entries_of(item: Candidate, numbers: Mapping[str, object], terms: Terms) -> list[Entry]:
    """A candidate's trials as the ledger lists them: the chosen with its main numbers, and the rest of its grid."""
    entry = _entry(item.strategy, item.market, item.provenance["data"], terms)
    return [
        entry(
            kind="chosen" if name == item.label else "grid",
            parameters=item.grid[name],
            label=point.key,
            numbers=numbers if name == item.label else {},
        )
        for name, point in item.points.items()
    ]


def record_grid(
    strategy: Strategy, metal: str, variants: Variants, ledger: Ledger | None, data: Data, terms: Terms
) -> str:
    """Write down every variant that a sweep tried; return a problem in words.

    Timing series are kept of all, or of so many spread evenly over a larger grid: what lies between them is a near-copy
    of its neighbours, and a copy costs nothing. So are the entries of a grid beyond ``MOST_ENTRIES``, each of which
    says of how many it is one.
    """
    if ledger is None:
        return ""
    market, whole = (data.market(metal, start, terms.end) for start in (terms.start, None))
    inputs = strategy.inputs_for(metal, data)
    entry = _entry(strategy, market, {identity: data[identity].sha256 for identity in inputs.values()}, terms)
    if len(variants) > MOST_ENTRIES:
        entry = partial(entry, numbers={"variants_of_grid": len(variants)})
    key = keys(strategy, market, terms)
    problem = ledger.record(
        entry(kind="grid", parameters=values, label=key(label(strategy.name, metal, values)))
        for values in (strategy.parameters(variants[n]) for n in _spread(len(variants), MOST_ENTRIES))
    )
    some = [strategy.parameters(variants[n]) for n in _spread(len(variants), MOST_SERIES)]
    panel = data.panel(metal, inputs, whole)
    table = strategy.weight_table(panel, some, max_leverage=terms.execution.max_leverage)
    opening, legs = pd.Timestamp(market.price.index[0]), Legs.of(market)

    def timings() -> Iterator[tuple[str, Timing]]:  # one at a time: a thousand of many bars are a gigabyte
        for values, weights in zip(some, table, strict=True):
            decided = since(pd.Series(weights, index=panel.index), opening)
            timing = timing_of(decided, market, terms.execution, legs)
            if timing is not None:
                yield label(strategy.name, metal, values), timing

    return problem or ledger.keep(series_of(timings(), key, prices_of(market), strategy.expected_sign))


def _entry(strategy: Strategy, market: Market, inputs: Mapping[str, str], terms: Terms) -> partial[Entry]:
    """What all trials of a strategy on a market have in common."""
    return partial(
        Entry,
        strategy=strategy.name,
        source=strategy.source_hash,
        metal=market.metal,
        prices=prices_of(market),
        data=dict(sorted({**inputs, **{name: item.sha256 for name, item in market.datasets.items()}}.items())),
        execution=terms.to_json(),
        versions=versions(),
    )


def _spread(count: int, most: int) -> list[int]:
    """All numbers below ``count``, or ``most`` of them at even distances."""
    return sorted(set(np.linspace(0, count - 1, min(most, count), dtype=int).tolist()))
