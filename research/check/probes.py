"""The probes: run the signal on histories whose future differs; what was decided before must not move."""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from research.check import world as worlds
from research.check.causes import Pattern, cause_of, equal
from research.check.cuts import choose_cuts, in_the_middle, year_ends
from research.check.report import CALENDAR, Leak, Probe
from research.check.state import State, same_random_state
from research.check.watch import Watch
from research.check.world import Future, Rewrite, World, rewritten
from research.errors import SignalError
from research.thesis import Strategy

_REWRITES: dict[str, Rewrite] = {
    "raised": worlds.raised,
    "lowered": worlds.lowered,
    "scrambled": worlds.scrambled,
    "scaled": worlds.scaled,
    "dropped": worlds.dropped,
    "revised": worlds.revised,
}
_ENOUGH = 12  # sightings that settle it
_WATCHED_RUNS = 4  # runs whose panel is compared before and after


@dataclass(frozen=True)
class Outcome:
    """Weights by bar, or the error that came instead."""

    weights: np.ndarray | None
    error: Exception | None = None


@dataclass
class Runner:
    """Runs one signal, each time from the state that it had before its first call.

    Attributes
    ----------
    deadline
        ``time.monotonic()`` after which no further probe is begun.
    mutated
        Whether a run changed its panel.
    """

    strategy: Strategy
    parameters: Mapping[str, Any]
    state: State
    watch: Watch
    deadline: float
    n_runs: int = 0
    mutated: bool = False
    cuts: set[int] = field(default_factory=set)

    def run(self, world: World, n_bars: int | None = None, *, forget: bool = True) -> Outcome:
        """Weights on the first ``n_bars`` bars of ``world``."""
        if forget:
            self.state.restore()
        panel = world.panel(n_bars)
        self.n_runs += 1
        before = _fingerprint(panel) if self.n_runs <= _WATCHED_RUNS else None
        try:
            with (
                same_random_state(),
                warnings.catch_warnings(),
                contextlib.redirect_stdout(io.StringIO()),
                self.watch.open(),
            ):
                warnings.simplefilter("ignore")
                weights = self.strategy.decide(panel, self.parameters)
        except Exception as error:  # noqa: BLE001 - whatever a strange history provokes is an outcome
            return Outcome(None, error)
        self.mutated |= before is not None and _fingerprint(panel) != before
        if not isinstance(weights, pd.Series) or not weights.index.equals(panel.index):
            return Outcome(None, SignalError(f"{self.strategy.name}: no Series of weights on panel.index"))
        try:
            return Outcome(weights.to_numpy(dtype="float64", copy=True))
        except (TypeError, ValueError) as error:
            return Outcome(None, error)

    @property
    def out_of_time(self) -> bool:
        """Whether no further probe should begin."""
        return time.monotonic() > self.deadline


@dataclass(frozen=True, eq=False)
class Sighting:
    """A probe that moved something: enough to repeat it, narrower."""

    probe: Probe
    rewrite: str
    base_world: World
    base: np.ndarray
    altered: np.ndarray
    cut: int
    only_calendar: bool = False

    def moved(self, stable: np.ndarray) -> np.ndarray:
        """Positions of the bars that moved."""
        here = slice(0, self.cut + 1)
        return np.flatnonzero(~equal(self.base[here], self.altered[here]) & stable[here])


def find_leaks(runner: Runner, world: World, base: np.ndarray, n_cuts: int) -> list[Leak]:
    """Run every probe at the most telling cuts; one leak per kind of probe, with its culprit found."""
    stable = _stable_bars(runner, world, base)
    found: dict[Probe, list[Sighting]] = {}
    for sighting in _sightings(runner, world, base, n_cuts):
        runner.cuts.add(sighting.cut)
        if len(sighting.moved(stable)):
            found.setdefault(sighting.probe, []).append(sighting)
        if runner.out_of_time or sum(map(len, found.values())) >= _ENOUGH:
            break
    plain = [*found.get("truncation", []), *found.get("perturbation", [])]
    if plain:  # what the true history shows needs no strange one
        for probe in ("gap", "delay", "scale"):
            found.pop(probe, None)
    return [
        _explain(runner, sightings, plain if probe in ("truncation", "perturbation") else sightings, stable)
        for probe, sightings in found.items()
    ]


def _sightings(runner: Runner, world: World, base: np.ndarray, n_cuts: int) -> Iterator[Sighting]:
    """Every probe, the strongest first."""
    cuts = choose_cuts(world, base, n_cuts)
    few = cuts[: max(2, n_cuts // 6)]
    for number, cut in enumerate(cuts):
        yield from _truncation(runner, world, base, cut)
        for rewrite in ("raised", "lowered") if number < n_cuts // 2 else (("raised", "lowered")[number % 2],):
            yield from _repeat(runner, "perturbation", rewrite, world, base, cut)
    for cut in few:
        yield from _repeat(runner, "perturbation", "scrambled", world, base, cut)
        yield from _repeat(runner, "scale", "scaled", world, base, cut)
        yield from _repeat(runner, "vintage", "revised", world, base, cut)
    middle = in_the_middle(world, max(2, n_cuts // 6))
    for cut in middle:
        yield from _repeat(runner, "vintage", "revised", world, base, cut)
        hole = worlds.with_hole(world, cut)
        with_hole = runner.run(hole)
        if with_hole.weights is not None:
            for rewrite in ("raised", "lowered", "dropped"):
                yield from _repeat(runner, "gap", rewrite, hole, with_hole.weights, cut)
    late = worlds.delayed(world)
    when_late = runner.run(late)
    if when_late.weights is not None:
        for cut in (*middle, *few):
            for rewrite in ("raised", "lowered"):
                yield from _repeat(runner, "delay", rewrite, late, when_late.weights, cut)


def _truncation(runner: Runner, world: World, base: np.ndarray, cut: int) -> Iterator[Sighting]:
    """End the history at a bar.

    What only the end of the calendar moves, and not the end of the data, is judged at the ends of years: that a
    month has ended is public knowledge, that the sample has is not.
    """
    short = runner.run(world, cut + 1)
    if short.weights is None:
        return
    here = slice(0, cut + 1)
    sighting = Sighting("truncation", "dropped", world, base, short.weights, cut)
    if equal(base[here], short.weights).all():
        yield sighting
        return
    silent = runner.run(rewritten(world, worlds.dropped, Future(world.decisions.iloc[cut])))
    if silent.weights is None or not equal(base[here], silent.weights[here]).all():
        yield sighting
        return
    for end in year_ends(world, 6):
        closed = runner.run(world, end + 1)
        if closed.weights is not None and equal(base[: end + 1], closed.weights).all():
            return
    yield Sighting("truncation", "dropped", world, base, short.weights, cut, only_calendar=True)


def _repeat(runner: Runner, probe: Probe, rewrite: str, world: World, base: np.ndarray, cut: int) -> Iterator[Sighting]:
    altered = runner.run(rewritten(world, _REWRITES[rewrite], Future(world.decisions.iloc[cut])))
    if altered.weights is not None:
        yield Sighting(probe, rewrite, world, base, altered.weights, cut)


def _stable_bars(runner: Runner, world: World, base: np.ndarray) -> np.ndarray:
    """Bars whose weight does not hang on the twelfth digit of an input.

    Rounding may break a tie either way, so those few are not judged. A signal that trembles all over is.
    """
    stable = np.ones(len(base), dtype=bool)
    shaken = runner.run(worlds.rewritten_whole(world, worlds.jittered))
    if shaken.weights is not None:
        with np.errstate(invalid="ignore"):
            near = np.abs(base - shaken.weights) <= 1e-6 * np.maximum(1, np.abs(base))
        stable = near | (np.isnan(base) & np.isnan(shaken.weights))
    return stable if stable.mean() > 0.98 else np.ones(len(base), dtype=bool)


def _explain(runner: Runner, sightings: list[Sighting], alike: list[Sighting], stable: np.ndarray) -> Leak:
    """Find the input and the nearest later observation that moved something, and say what is usual.

    The pattern is read off all sightings that are ``alike``.
    """
    sighting = min(sightings, key=lambda s: (s.only_calendar, len(s.moved(stable))))
    world, cut = sighting.base_world, sighting.cut
    moved = sighting.moved(stable)
    first = int(moved[0])
    index = world.index
    culprit = None if sighting.only_calendar else _culprit(runner, sighting, stable)
    row = None if culprit is None else _nearest_row(runner, sighting, culprit, stable)
    starts = [int(s.moved(stable)[0]) for s in alike]
    horizons = [s.cut + 1 - start for s, start in zip(alike, starts, strict=True)]
    pattern = Pattern(
        probe=sighting.probe,
        horizon=int(max(horizons)),
        whole_past=any(horizon > max(24, 0.4 * s.cut) for horizon, s in zip(horizons, alike, strict=True)),
        dated_by_period=row is not None and bool(row["observed_for"] <= index[first]),
        only_calendar=sighting.only_calendar,
        within_period=_within_period(index, starts, [s.cut for s in alike]),
        nothing_known=_nothing_known(world, culprit, first),
    )
    cause, remedy = cause_of(pattern)
    with np.errstate(invalid="ignore"):
        sizes = np.abs(sighting.base[moved] - sighting.altered[moved])
    return Leak(
        probe=sighting.probe,
        metal=world.metal,
        input=culprit or (CALENDAR if sighting.only_calendar else ", ".join(sorted(world.tables))),
        moved=pd.Timestamp(index[first]),
        knowing=float(sighting.base[first]),
        unknowing=float(sighting.altered[first]),
        largest=float(np.nanmax(sizes)) if not np.isnan(sizes).all() else float("nan"),
        n_moved=len(moved),
        cut=pd.Timestamp(index[cut]),
        learned_from=None if row is None else pd.Timestamp(row["known_at"]),
        period=None if row is None else pd.Timestamp(row["observed_for"]),
        value=None if row is None else _value(row, world, culprit or ""),
        n_cuts=len({s.cut for s in sightings}),
        cause=cause,
        remedy=remedy,
    )


def _culprit(runner: Runner, sighting: Sighting, stable: np.ndarray) -> str | None:
    """The one input whose future alone moves something; ``None`` if it takes several."""
    world, future = sighting.base_world, Future(sighting.base_world.decisions.iloc[sighting.cut])
    ids = sorted(world.tables)
    for identity in ids if len(ids) > 1 else ():
        for rewrite in dict.fromkeys((sighting.rewrite, "raised", "lowered")):
            if _moves(runner, sighting, rewritten(world, _REWRITES[rewrite], future, only=identity), stable):
                return identity
    return ids[0] if len(ids) == 1 else None


def _nearest_row(runner: Runner, sighting: Sighting, identity: str, stable: np.ndarray) -> pd.Series | None:
    """The first later row that moves something when the rows up to it are rewritten: found by bisection."""
    world = sighting.base_world
    after = world.decisions.iloc[sighting.cut]
    if sighting.rewrite == "revised":
        known = world.tables[identity][lambda table: table["known_at"] <= after]
        return None if known.empty else known.iloc[-1].copy()
    later = world.tables[identity][lambda table: table["known_at"] > after]
    moments = later["known_at"].drop_duplicates().tolist()
    for rewrite in dict.fromkeys((sighting.rewrite, "raised", "lowered", "scrambled")):
        low, high = 0, len(moments) - 1
        if not moments or not _moves_until(runner, sighting, identity, rewrite, moments[high], stable):
            continue
        while low < high:
            middle = (low + high) // 2
            if _moves_until(runner, sighting, identity, rewrite, moments[middle], stable):
                high = middle
            else:
                low = middle + 1
        return later[later["known_at"] == moments[low]].iloc[-1]
    return None


def _moves_until(
    runner: Runner, sighting: Sighting, identity: str, rewrite: str, until: pd.Timestamp, stable: np.ndarray
) -> bool:
    world = sighting.base_world
    future = Future(world.decisions.iloc[sighting.cut], until)
    return _moves(runner, sighting, rewritten(world, _REWRITES[rewrite], future, only=identity), stable)


def _moves(runner: Runner, sighting: Sighting, altered: World, stable: np.ndarray) -> bool:
    weights = runner.run(altered).weights
    here = slice(0, sighting.cut + 1)
    return weights is not None and bool((~equal(sighting.base[here], weights[here]) & stable[here]).any())


def _within_period(index: pd.DatetimeIndex, starts: list[int], cuts: list[int]) -> bool:
    """Whether what moved always lies in the month, or always in the quarter, or always in the year of the cut."""
    return len(cuts) > 2 and any(bool((span[starts] == span[cuts]).all()) for span in map(index.to_period, "MQY"))


def _nothing_known(world: World, culprit: str | None, bar: int) -> bool:
    """Whether the input had no usable value where an output moved."""
    if culprit is None or world.datasets[culprit].kind != "series":
        return False
    return bool(np.isnan(world.panel()[culprit].iloc[bar]))


def _value(row: pd.Series, world: World, identity: str) -> float:
    columns = worlds.value_columns(world.tables[identity], world.datasets[identity])
    return float(row[columns[0]]) if columns else float("nan")


def _fingerprint(panel: Any) -> tuple[Any, ...]:
    """What a panel would serve, as hashes."""
    columns = [column for _, table in sorted(panel._tables.items()) for _, column in sorted(table.items())]
    return (panel.metal, tuple(sorted(panel._inputs.items())), *map(_hash, [panel._decisions, *columns]))


def _hash(column: pd.Series) -> int:
    if pd.api.types.is_datetime64_any_dtype(column):
        return hash(column.to_numpy(dtype="datetime64[us]").tobytes())
    if pd.api.types.is_numeric_dtype(column):
        return hash(column.to_numpy().tobytes())
    return hash(tuple(column))
