"""Candidates: a strategy on a metal with every decision of its declared grid, before anything is judged.

What was tried is written down with its timing series, so that a later family can pay for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Protocol, TypeVar

import numpy as np
import pandas as pd

from research.claims import Thesis
from research.datasets.data import Data
from research.datasets.market import Market
from research.diagnostics.timing import Effects, Numbers, Timing, independent_events, n_cosines
from research.discovery import distinct, find_strategy
from research.engine.exposure import Exposure
from research.engine.kernel import TradedMarket, paths
from research.engine.legs import Legs
from research.errors import AssayError, NoData, NoDecision, StrategyError, UnknownDataset
from research.execution import Execution
from research.ledger import Entry, Ledger, Series
from research.provenance import hash_text, versions
from research.study.judge import ClaimRows, Judged, judge
from research.thesis import Provenance, Strategy
from research.verdict import Rules
from research.weights import UNKNOWN, in_bills

MOST_SERIES = 1_000  # of one grid
NOT_RECORDED = "not recorded (--no-ledger)"

Key = TypeVar("Key")
Made = TypeVar("Made")

CANNOT = (NoData, UnknownDataset, NoDecision)
"""What says that something cannot be tried on the data that are here."""


@dataclass(frozen=True)
class Terms:
    """Under which terms and between which dates something is tried."""

    execution: Execution
    start: str | None = None
    end: str | None = None

    def to_json(self) -> dict[str, object]:
        """Plain values only."""
        return {**asdict(self.execution), "start": self.start, "end": self.end}


@dataclass(frozen=True, kw_only=True, eq=False)
class Point:
    """One trial: a strategy on a metal with one set of parameters.

    Attributes
    ----------
    key
        What makes it one for the ledger: ``keys``.
    declared
        Whether it is a point of the declared grid.
    decided
        Decided weights on every bar of the market.
    timing
        Its timing series; ``None`` where it never earns.
    """

    key: str
    declared: bool
    decided: pd.Series
    timing: Timing | None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A strategy on a metal with the parameters chosen for it.

    Attributes
    ----------
    label
        Of the chosen trial.
    grid
        Parameters of every declared point and of the chosen one, by label.
    points
        Those of them that decide, by label.
    signals
        Each input that is a series, as known at each bar, by alias; its name says what it is and its unit.
    prices
        Reads every metal's price as known at each bar, by metal, which few ask for.
    provenance
        What its account is made from: ``research.thesis.Strategy.provenance``.
    """

    strategy: Strategy
    metal: str
    inputs: Mapping[str, str]
    market: Market
    label: str
    grid: Mapping[str, Mapping[str, object]]
    points: Mapping[str, Point]
    signals: Mapping[str, pd.Series] = field(repr=False)
    prices: Callable[[], pd.DataFrame] = field(repr=False, compare=False)
    provenance: Provenance = field(repr=False)

    @property
    def chosen(self) -> Point:
        """The chosen trial."""
        return self.points[self.label]


def candidate(
    strategy: Strategy, data: Data, metal: str, parameters: Mapping[str, object] | None, terms: Terms
) -> Candidate:
    """Decide the chosen weights and those of the declared grid.

    Signals see all history up to ``terms.end``, so that a start costs no warm-up; accounts open there with the target
    in force.

    Raises
    ------
    NoData, NoDecision, StrategyError
        If the range holds no prices, or the strategy never decides in it, or cannot run at all.
    """
    chosen = strategy.parameters(parameters)
    market, whole = (data.market(metal, start, terms.end) for start in (terms.start, None))
    panel = data.panel(metal, strategy.inputs_for(metal, data), whole)
    opening = pd.Timestamp(market.price.index[0])
    grid = {label(strategy.name, metal, values): values for values in strategy.variants()}
    declared, name_of_chosen = frozenset(grid), label(strategy.name, metal, chosen)
    grid[name_of_chosen] = chosen  # in one order, whichever was chosen: sums round alike
    key, points, legs = keys(strategy, market, terms), {}, Legs.of(market)
    for name, values in grid.items():
        try:
            weights = strategy.weights(panel, values, max_leverage=terms.execution.max_leverage)
        except NoDecision:
            if name == name_of_chosen:
                raise
            continue  # another point of the grid that never decides is no trial
        decided = since(weights, opening)
        timing = timing_of(decided, market, terms.execution, legs)
        points[name] = Point(key=key(name), declared=name in declared, decided=decided, timing=timing)
    mine = points[name_of_chosen]
    if not decides(mine.decided):
        raise NoDecision(f"{strategy.name}: does not decide on {metal} after {opening:%Y-%m-%d}; start earlier")
    if mine.timing is None or not decides(mine.decided.iloc[: -terms.execution.delay - 2]):
        raise NoDecision(f"{strategy.name}: decides on {metal} too late to earn two returns; give it a longer history")
    return Candidate(
        strategy=strategy,
        metal=metal,
        inputs=panel.inputs,
        market=market,
        label=name_of_chosen,
        grid=grid,
        points=points,
        signals={
            alias: panel[alias].loc[opening:].rename(f"{data[identity].title} ({data[identity].unit})")
            for alias, identity in panel.inputs.items()
            if data[identity].kind == "series"
        },
        prices=partial(_prices, data, metal, whole, opening),
        provenance=strategy.provenance(metal, chosen, data),
    )


def pairs_of(
    strategies: Iterable[Strategy | str], metals: Iterable[str] | None, data: Data, terms: Terms, thesis: Thesis
) -> list[tuple[Strategy, str]]:
    """Each strategy, be it a name or a file, with each of its metals that is asked for.

    Raises
    ------
    AssayError
        If a name is unknown, a metal has no prices, or nothing claims anything about the metals.
    """
    chosen = distinct(find_strategy(item, thesis.strategies) for item in strategies)
    wanted = None if metals is None else list(dict.fromkeys(metals))
    for metal in wanted or []:
        data.market(metal, terms.start, terms.end)
    pairs = [(item, metal) for item in chosen for metal in item.metals if wanted is None or metal in wanted]
    if not pairs:
        names = ", ".join(item.name for item in chosen[:3]) + (f" and {len(chosen) - 3} more" if chosen[3:] else "")
        raise StrategyError(f"{names}: claims nothing about {', '.join(wanted or [])}; see assay strategies")
    return pairs


def attempted(wanted: Iterable[Key], make: Callable[[Key], Made]) -> tuple[dict[Key, Made], dict[Key, str]]:
    """What could be made on the data that are here, and the reason of each that could not.

    Raises
    ------
    AssayError
        If nothing could: the reason of the first.
    """
    made: dict[Key, Made] = {}
    failed: dict[Key, str] = {}
    first: AssayError | None = None
    for item in wanted:
        try:
            made[item] = make(item)
        except CANNOT as error:
            first = first or error
            failed[item] = str(error)
    if first is not None and not made:
        raise first
    return made, failed


def timing_of(decided: pd.Series, market: Market, execution: Execution, legs: Legs | None = None) -> Timing | None:
    """Timing series of decided weights on a market, whose ``legs`` many may share; ``None`` where they never earn."""
    try:
        closed = ruined_at(decided, market, execution)
        return Timing.of(Exposure.of_metal(decided, market, execution, closed=closed, legs=legs))
    except NoDecision:
        return None


def label(strategy: str, metal: str, parameters: Mapping[str, object]) -> str:
    """``lease_rate_spike/silver/hold_days=183,threshold=2.0``."""
    values = ",".join(f"{key}={parameters[key]!r}" for key in sorted(parameters))
    return f"{strategy}/{metal}/{values}"


def keys(strategy: Strategy, market: Market, terms: Terms) -> Callable[[str], str]:
    """What makes a trial one, by its label: code, metal, parameters, prices, terms and dates. A rerun has the same."""
    before, after = [strategy.source_hash, strategy.name], [prices_of(market), terms.to_json()]

    def key(name: str) -> str:
        parts = [*before, name.removeprefix(strategy.name), *after]
        return hash_text(json.dumps(parts, sort_keys=True, default=str))

    return key


def utc(moment: pd.Timestamp | str) -> pd.Timestamp:
    """A moment in UTC, which is what one without a time zone is in."""
    stamp = pd.Timestamp(moment)
    return stamp.tz_localize("UTC") if stamp.tz is None else stamp.tz_convert("UTC")


def prices_of(market: Market) -> str:
    """SHA-256 of the price history that is traded."""
    return next(dataset.sha256 for dataset in market.datasets.values() if dataset.price)


def since(weights: pd.Series, first: pd.Timestamp) -> pd.Series:
    """Target weights from one bar on; the first is the target in force there."""
    at = int(weights.index.searchsorted(first))
    known = np.flatnonzero(weights.iloc[: at + 1].notna())
    part = weights.iloc[at:].copy()
    part.iloc[0] = weights.iloc[known[-1]] if known.size else np.nan
    return part


def decides(weights: pd.Series) -> bool:
    """Whether any weight is a number to hold."""
    return bool((weights.notna() & (weights != UNKNOWN)).any())


def ruined_at(decided: pd.Series, market: Market, execution: Execution) -> pd.Timestamp | None:
    """Bar at which an account that is short or borrows has lost everything; ``None`` for any other."""
    held = in_bills(decided).to_numpy()
    if np.isnan(held).all() or not (np.nanmin(held) < 0 or np.nanmax(held) > 1):
        return None
    value = paths(held, TradedMarket.of(market, execution))[0]
    lost = np.flatnonzero(value <= 0)
    return pd.Timestamp(market.price.index[lost[0]]) if lost.size else None


def _prices(data: Data, metal: str, market: Market, opening: pd.Timestamp) -> pd.DataFrame:
    panel = data.panel(metal, {name: f"{name}_price" for name in dict.fromkeys([*data.metals(), metal])}, market)
    return pd.DataFrame({name: panel[name] for name in panel.inputs}).loc[opening:]


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


def judged_alone(
    claim: ClaimRows, prices: str, made_from: Sequence[object], rules: Rules, ledger: Ledger | None
) -> tuple[Judged, str]:
    """A claim of one account, in a family with all that was tried on its prices, and written down; and a problem."""
    key = hash_text(json.dumps(made_from, sort_keys=True, default=str))
    ((row, timing),) = claim.rows.items()
    record, _ = recorded_on(ledger, [prices], timing.year, [key])
    judged = judge([claim], rules, record=record, decided_by="p_with_record")[claim.id]
    series = series_of([(row, timing)], lambda _: key, prices, claim.sign, {row: judged.numbers})
    return judged, ledger.keep(series) if ledger else ""


def entry_of(item: Candidate, numbers: Mapping[str, object], terms: Terms) -> Entry:
    """A candidate's chosen trial with its main numbers, as the ledger lists it."""
    entry = _entry(item.strategy, item.market, item.provenance["data"], terms)
    return entry(kind="chosen", parameters=item.grid[item.label], label=item.chosen.key, numbers=numbers)


def record_grid(
    strategy: Strategy, metal: str, variants: Variants, ledger: Ledger | None, data: Data, terms: Terms
) -> str:
    """Write down what a sweep tried, in one entry; return a problem in words.

    Timing series are kept of all variants, or of so many spread evenly over a larger grid: what lies between them is a
    near-copy of its neighbours, and a copy costs nothing.
    """
    if ledger is None:
        return ""
    market, whole = (data.market(metal, start, terms.end) for start in (terms.start, None))
    inputs = strategy.inputs_for(metal, data)
    entry = _entry(strategy, market, {identity: data[identity].sha256 for identity in inputs.values()}, terms)
    key, count = keys(strategy, market, terms), len(variants)
    problem = ledger.record([entry(kind="sweep", parameters={"variants": count}, label=key(f"{count} variants"))])
    spread = np.unique(np.linspace(0, count - 1, min(MOST_SERIES, count), dtype=int))
    some = [strategy.parameters(variants[n]) for n in spread.tolist()]
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
