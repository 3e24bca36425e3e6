"""The question whether a strategy is honest, put in full."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from research.check import contract
from research.check.pipeline import pipeline_leaks
from research.check.probes import Outcome, Runner, find_leaks
from research.check.report import CheckReport, Leak, Violation
from research.check.state import State, fresh
from research.check.watch import Watch
from research.check.world import World, rewritten_whole, scaled, world_of
from research.datasets.data import Data, bundled_folder
from research.datasets.registry import read_registry
from research.errors import AssayError, NoData, NoDecision, SignalError, UnknownDataset
from research.execution import Execution
from research.thesis import Strategy, check_weights

N_CUTS = 24
N_VARIANTS = 8
SECONDS = 60.0


def check(
    strategy: Strategy,
    data: Data,
    *,
    metal: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    start: str | None = None,
    end: str | None = None,
    execution: Execution | None = None,
    n_cuts: int = N_CUTS,
    seconds: float = SECONDS,
    pipeline: bool = True,
) -> CheckReport:
    """Run a strategy on histories that were changed after a cut; nothing before the cut may move.

    Besides the leaks, it watches how the signal gets its data (files, network, clock, randomness, memory between
    calls, changes to the panel). The other points of the declared grid get a shorter test.

    Parameters
    ----------
    metal
        One metal; by default every claimed one for which there are data.
    n_cuts
        Dates at which the history is cut, for each metal.
    seconds
        After this long for one metal no further probe begins, and a note says so.
    pipeline
        Also rewrite the future in the data store and follow it through the panel and the signal to the ledger.

    Raises
    ------
    NoData, UnknownDataset
        If the data hold no metal's inputs.
    StrategyError
        If a parameter is unknown or the strategy says nothing about the metal.
    """
    execution = execution or Execution()
    strategy.parameters(parameters)
    worlds, skipped = _worlds(strategy, data, metal, start, end)
    folders = tuple(pack.root for pack in (*data.packs, read_registry(bundled_folder())))
    importing, watch = Watch(folders), Watch(folders)
    with importing.open():
        pristine = fresh(strategy)
    tested = pristine or strategy
    chosen = tested.parameters(parameters)
    leaks: list[Leak] = []
    violations: list[Violation] = []
    notes: list[str] = []
    n_runs = n_at_cuts = 0
    for number, world in enumerate(worlds):
        deadline = time.monotonic() + seconds
        runner = Runner(tested, chosen, State(tested.signal), watch, deadline)
        others = [other for other in worlds if other is not world]
        violations += contract.read_at_import(importing, runner, world.metal)
        found = _check_one(strategy, runner, world, others, execution, n_cuts)
        leaks += found[0]
        violations += found[1]
        notes += found[2]
        if number == 0 and not leaks and parameters is None:
            more_leaks, more_runs = _check_grid(runner, world, execution, max(4, n_cuts // 4))
            leaks += more_leaks
            n_runs += more_runs
        if pipeline and not leaks and not violations:
            leaks += pipeline_leaks(tested, chosen, data, world, execution, start, end)
        n_runs += runner.n_runs
        n_at_cuts += len(runner.cuts)
    return CheckReport(
        strategy=strategy.name,
        metals=tuple(world.metal for world in worlds),
        skipped=skipped,
        leaks=tuple(leaks),
        violations=tuple(_once(violations)),
        notes=tuple(dict.fromkeys(notes)),
        n_runs=n_runs,
        n_cuts=n_at_cuts,
    )


def _check_one(
    strategy: Strategy, runner: Runner, world: World, others: list[World], execution: Execution, n_cuts: int
) -> tuple[list[Leak], list[Violation], list[str]]:
    """Leaks, violations and notes about the chosen parameters on one metal."""
    metal = world.metal
    runner.state.restore()
    with runner.watch.following(runner.state.sources):
        first = runner.run(world)
    violations = [*contract.touched(runner.watch, metal), *contract.held(runner, metal)]
    try:
        base = _usable(strategy, first, world, execution)
    except NoDecision as error:
        return [], violations, [str(error)]
    except SignalError as error:
        what, _, remedy = str(error).partition("; ")
        cause = "the signal returns what cannot be traded"
        violations.append(Violation(kind="weights", metal=metal, what=what, cause=cause, remedy=remedy or "see above"))
        return [], violations, []
    violations += contract.impurities(runner, world, base, others)
    if any(violation.kind == "randomness" for violation in violations):
        return [], violations, ["two runs differ, so nothing can be said about leaks"]
    if runner.strategy is not strategy:
        violations += contract.used_before(strategy, runner, world, base)
    leaks = find_leaks(runner, world, base, n_cuts)
    violations += [item for item in contract.touched(runner.watch, metal) if item.kind not in _kinds(violations)]
    if not leaks:
        violations += contract.hindsight(runner, world, base)
    notes = list(_notes(runner, world, base))
    if runner.out_of_time:
        notes.append(f"{metal}: stopped for time after {len(runner.cuts)} cuts; give more with seconds=…")
    return leaks, violations, notes


def _check_grid(runner: Runner, world: World, execution: Execution, n_cuts: int) -> tuple[list[Leak], int]:
    """A shorter search for leaks at the other points of the grid, up to a few."""
    strategy, leaks, n_runs = runner.strategy, [], 0
    variants = [values for values in strategy.variants() if values != dict(runner.parameters)]
    for values in variants[:: max(1, -(-len(variants) // N_VARIANTS))]:
        other = replace(runner, parameters=values, n_runs=0, cuts=set())
        try:
            base = _usable(strategy, other.run(world), world, execution)
        except SignalError:
            continue
        leaks = [replace(leak, parameters=values) for leak in find_leaks(other, world, base, n_cuts)]
        n_runs += other.n_runs
        if leaks or runner.out_of_time:
            break
    return leaks, n_runs


def _usable(strategy: Strategy, outcome: Outcome, world: World, execution: Execution) -> np.ndarray:
    """The weights of a run on the true history, or a SignalError that says why there are none."""
    if outcome.weights is None:
        error = outcome.error
        if isinstance(error, AssayError):
            raise error
        raise SignalError(f"{strategy.name}: the signal raised {type(error).__name__}: {error}; mend it") from error
    checked = check_weights(
        pd.Series(outcome.weights, index=world.index), world.index, execution.max_leverage, strategy.name
    )
    return checked.to_numpy(copy=True)


def _worlds(
    strategy: Strategy, data: Data, metal: str | None, start: str | None, end: str | None
) -> tuple[list[World], dict[str, str]]:
    worlds, skipped, errors = [], {}, []
    for name in strategy.metals if metal is None else (metal,):
        try:
            worlds.append(world_of(strategy, data, name, start, end))
        except (NoData, UnknownDataset) as error:
            skipped[name] = str(error)
            errors.append(error)
    if not worlds:
        raise errors[0]
    return worlds, skipped


def _notes(runner: Runner, world: World, base: np.ndarray) -> list[str]:
    """What an honest strategy may do and a reader should know."""
    notes = []
    for identity, dataset in world.datasets.items():
        if dataset.price:
            other = runner.run(rewritten_whole(world, scaled, identity)).weights
            if other is not None and not contract.same(base, other):
                notes.append(f"{world.metal}: the weights hang on the unit of {identity}: a price level is in the rule")
    return notes


def _kinds(violations: list[Violation]) -> set[str]:
    return {violation.kind for violation in violations}


def _once(violations: list[Violation]) -> list[Violation]:
    seen: dict[tuple[str, str], Violation] = {}
    for violation in violations:
        seen.setdefault((violation.kind, violation.what), violation)
    return list(seen.values())
