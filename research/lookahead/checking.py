"""The question whether a strategy is honest, put in full."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from research.datasets.data import Data
from research.datasets.market import Market
from research.datasets.registry import read_registry
from research.errors import AssayError, NoData, NoDecision, SignalError, UnknownDataset
from research.execution import Execution
from research.home import bundled_folder
from research.lookahead import contract
from research.lookahead.cuts import IN_TURN, choose_cuts, moves_of
from research.lookahead.dates import find_dates
from research.lookahead.explain import explain
from research.lookahead.history import History, history_of, rewritten_whole, scaled
from research.lookahead.pipeline import pipeline_leaks
from research.lookahead.probes import CALLS_A_CUT, CALLS_OF_ALL, Prober, stable_bars
from research.lookahead.report import CheckReport, Coverage, DatedBars, Leak, Violation
from research.lookahead.runner import Cell, Decided, Runner, held, moves
from research.lookahead.state import Reachable, fresh, quiet
from research.lookahead.watch import Watch
from research.many import alike
from research.thesis import Strategy
from research.weights import check_weights

WORK, MOST_WORK = 250, 1_000  # calls of a signal of up to three inputs on one metal: of one group of cells; of many
_CALLS_A_CELL = 16  # of a group that is not alone
_MOST_CELLS = 1_000  # of which the weights are computed at all

Decisions = Sequence[tuple[dict[str, object], np.ndarray]]


@dataclass
class _Findings:
    """What is said of one metal."""

    leaks: list[Leak] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    dated: list[DatedBars] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    coverage: Coverage = field(default_factory=Coverage)
    nothing: str = ""
    random: bool = False


def check(
    strategy: Strategy,
    data: Data,
    *,
    metal: str | None = None,
    parameters: Mapping[str, object] | None = None,
    start: str | None = None,
    end: str | None = None,
    execution: Execution | None = None,
    n_cuts: int | None = None,
    everything: bool = False,
    pipeline: bool = True,
) -> CheckReport:
    """Run a strategy on histories that were changed after a cut; nothing before the cut may move.

    Every declared cell is tested on every claimed metal; one rewritten history serves them all. Besides the leaks, it
    watches how the signal gets its data (files, network, clock, randomness, memory between calls, changes to the
    panel, values made from data at import) and what dates written in the rule decide. The answer is the same on a
    busy machine: what limits the work is a number of calls, never a clock.

    Parameters
    ----------
    strategy
        The strategy.
    data
        What it is run on.
    metal
        One metal; by default every claimed one for which there are data.
    parameters
        One cell of the grid, or any other point; by default the defaults and every declared cell.
    start
        By default the first bar after the years of a fixed price.
    end
        Last bar, ``YYYY`` or ``YYYY-MM-DD``.
    execution
        Terms of trade; by default ``Execution()``.
    n_cuts
        Dates at which the history is cut, for each metal; by default 24.
    everything
        Cut wherever a cell changes its position, and test every cell at every cut, however long that takes.
    pipeline
        Also rewrite the future in the data store and follow it through the panel to the weights.

    Raises
    ------
    NoData, UnknownDataset
        If the data hold no metal's inputs.
    StrategyError
        If a parameter is unknown or the strategy says nothing about the metal.
    """
    execution = execution or Execution()
    strategy.parameters(parameters)
    histories, skipped = _histories(strategy, data, metal, start, end)
    folders = tuple(pack.root for pack in (*data.packs, read_registry(bundled_folder())))
    importing, watch = Watch(folders), Watch(folders)
    with importing.open(), importing.following(set()):
        pristine = fresh(strategy)
    if pristine is not None:
        importing.executed.add(strategy.signal.__module__)
    tested = pristine or strategy
    chosen = tested.parameters(parameters)
    cells = [chosen]
    if parameters is None:
        cells += [values for values in tested.variants() if values != chosen]
    runner = Runner(tested, chosen, Reachable(tested.signal), watch)
    findings: dict[str, _Findings] = {}
    for history in histories:
        others = [other for other in histories if other is not history]
        market = data.market(history.metal, f"{history.index[0]:%Y-%m-%d}", f"{history.index[-1]:%Y-%m-%d}")
        before = runner.n_runs
        with quiet():
            found = _look(strategy, runner, importing, history, others, cells, market, execution, n_cuts, everything)
        if pipeline and not (found.leaks or found.violations or found.nothing):
            found.leaks += pipeline_leaks(tested, chosen, data, history, start, end)
        found.coverage += Coverage(runs=runner.n_runs - before)
        findings[history.metal] = found
        if found.random:  # nothing else can be said
            break
    return CheckReport(
        strategy=strategy.name,
        metals=tuple(name for name, found in findings.items() if not found.nothing),
        skipped={**{name: found.nothing for name, found in findings.items() if found.nothing}, **skipped},
        leaks=tuple(leak for found in findings.values() for leak in found.leaks),
        violations=tuple(_once(item for found in findings.values() for item in found.violations)),
        dated=tuple(dated for found in findings.values() for dated in found.dated),
        notes=tuple(dict.fromkeys(note for found in findings.values() for note in found.notes)),
        coverage=sum((found.coverage for found in findings.values()), Coverage()),
        not_looked_at=_not_looked_at(runner, findings, len(cells), pristine is None),
    )


def _look(
    strategy: Strategy,
    runner: Runner,
    importing: Watch,
    history: History,
    others: list[History],
    cells: list[dict[str, object]],
    market: Market,
    execution: Execution,
    n_cuts: int | None,
    everything: bool,
) -> _Findings:
    """Everything about one metal: randomness first, then the contract, then the future, then the dates."""
    found, metal = _Findings(coverage=Coverage(of_cells=len(cells))), history.metal
    most = len(cells) if everything else _MOST_CELLS
    chosen = [cells[n] for n in dict.fromkeys(np.linspace(0, len(cells) - 1, min(most, len(cells))).astype(int))]
    runner.together = ()
    runner.state.restore()
    with runner.watch.following(runner.state.sources):
        first = runner.run(history)
    try:
        base = _usable(strategy, first, history, execution)
    except NoDecision as error:
        found.nothing = str(error)
        return found
    except SignalError as error:
        what, _, remedy = str(error).partition("; ")
        found.violations = [*contract.touched(runner.watch, metal), contract.violation("weights", metal, what, remedy)]
        return found
    decisions = [(chosen[0], base)]
    for parameters, answer in zip(chosen[1:], runner.run_all(history, chosen[1:]) if chosen[1:] else (), strict=True):
        try:
            decisions.append((parameters, _usable(strategy, answer, history, execution)))
        except AssayError as error:
            found.notes.append(f"{metal}: {_cell(parameters)} cannot be checked: {error}")
    differ = contract.random_cell(runner, history, decisions)
    if differ is not None:
        found.violations, found.random = [contract.violation("randomness", metal, differ)], True
        return found
    found.violations = [*contract.touched(runner.watch, metal), *contract.held_outside(runner, importing, metal)]
    if not any(held(weights).any() for _, weights in decisions):
        found.nothing = f"nothing to check: the weights are 0 at all {len(base)} bars"
        return found
    found.violations += contract.impurities(runner, history, base, others)
    if runner.strategy is not strategy:
        found.violations += contract.used_before(strategy, runner, history, base)
    runner.find_together(history, decisions)
    looked_at = stable_bars(runner, history, decisions)
    _probe(runner, history, looked_at, found, n_cuts, everything)
    kinds = {item.kind for item in found.violations}
    found.violations += [item for item in contract.touched(runner.watch, metal) if item.kind not in kinds]
    if not found.leaks and not found.violations:
        elsewhere = contract.other_process(runner, history, base)
        found.violations += [elsewhere] if elsewhere else []
        _look_at_dates(runner, history, looked_at, market, execution, found)
        found.notes += [note for note in (contract.warm_up(runner, history, looked_at[0]),) if note]
        found.notes += _unit_notes(runner, history, looked_at[0])
    return found


def _probe(
    runner: Runner,
    history: History,
    cells: list[Cell],
    found: _Findings,
    n_cuts: int | None,
    everything: bool,
) -> None:
    """Rewrite the future at the most telling cuts, and count what that exposed."""
    groups = alike([cell.parameters for cell in cells], runner.together)
    moved = [(cell.number, int(bar)) for cell in cells for bar in moves_of(cell.base) if bar <= len(cell.base) - 2]
    work = min(max(WORK, _CALLS_A_CELL * len(groups)), MOST_WORK) // -(-len(history.tables) // 3)
    work = 10**12 if everything else work
    later = (work // len(groups) - CALLS_OF_ALL) // CALLS_A_CUT
    most = IN_TURN + max(0, min(later, len({bar for _, bar in moved})))
    cuts = choose_cuts(history, [cell.base for cell in cells], n_cuts or most)
    calls = len(groups) * (CALLS_OF_ALL * min(1, len(cuts) / IN_TURN) + CALLS_A_CUT * max(0, len(cuts) - IN_TURN))
    prober = Prober(runner, history, cells, cuts, groups, max(1, math.ceil(calls / work)))
    sightings = prober.sightings()
    if sightings:
        differ = contract.random_cell(runner, history, [(cell.parameters, cell.base) for cell in cells])
        if differ is not None:
            found.violations, found.random = [contract.violation("randomness", history.metal, differ)], True
            return
        leak = explain(runner, sightings, len(cells))
        if leak.probe == "delay" and not _used_at_once(history, leak):
            when = f"{leak.input} of {leak.period:%Y-%m-%d} on {leak.moved:%Y-%m-%d}"
            found.notes.append(f"{history.metal}: a lag is assumed and not read off known_at: {when}")
        else:
            found.leaks.append(leak)
    found.coverage += Coverage(
        cells=len({number for number, _ in prober.tried}),
        cuts=len({cut for _, cut in prober.tried}),
        moves=sum(move in prober.tried for move in moved),
        of_moves=len(moved),
    )


def _used_at_once(history: History, leak: Leak) -> bool:
    """Whether a value was used on the bar on which its period ends, right only as long as nothing is published late."""
    return leak.period is None or bool(history.index[history.index >= leak.period][0] >= leak.moved)


def _look_at_dates(
    runner: Runner, history: History, cells: list[Cell], market: Market, execution: Execution, found: _Findings
) -> None:
    dated, split = find_dates(runner, history, cells, market, execution)
    if dated is not None:
        found.dated.append(dated)
        if dated.accused:
            found.violations.append(contract.violation("hindsight", history.metal, str(dated)))
        else:
            found.notes.append(f"{history.metal}: {dated}")
    found.notes += [split] if split else []


def _unit_notes(runner: Runner, history: History, cell: Cell) -> list[str]:
    """What an honest strategy may do and a reader should know: a price level is in the rule."""
    notes = []
    for identity, dataset in history.datasets.items():
        other = runner.run(rewritten_whole(history, scaled, identity)).weights if dataset.price else None
        if other is not None and (moves(cell.base, other) > 0)[cell.stable].any():
            notes.append(f"{history.metal}: the weights hang on the unit of {identity}: a price level is in the rule")
    return notes


def _usable(strategy: Strategy, answer: Decided, history: History, execution: Execution) -> np.ndarray:
    """The weights of a run on the true history, or a SignalError that says why there are none."""
    if answer.weights is None:
        error = answer.error
        if isinstance(error, AssayError):
            raise error
        raise SignalError(f"{strategy.name}: the signal raised {type(error).__name__}: {error}; mend it") from error
    weights = pd.Series(answer.weights, index=history.index)
    check_weights(weights, history.index, execution.max_leverage, strategy.name)
    return answer.weights


def _histories(
    strategy: Strategy, data: Data, metal: str | None, start: str | None, end: str | None
) -> tuple[list[History], dict[str, str]]:
    found, skipped, errors = [], {}, []
    for name in strategy.metals if metal is None else (metal,):
        try:
            since = start or _first_free_bar(data.market(name, end=end).price)
            found.append(history_of(strategy, data, name, since, end))
        except (NoData, UnknownDataset) as error:
            skipped[name] = str(error)
            errors.append(error)
    if not found:
        raise errors[0]
    return found, skipped


def _first_free_bar(price: pd.Series) -> str | None:
    """The first bar after the last year in which the price stayed within a thousandth: it was fixed till then."""
    year = price.rolling("365D")
    fixed = (year.max() < 1.001 * year.min()) & (price.index >= price.index[0] + pd.Timedelta("365D"))
    after = int(np.flatnonzero(fixed)[-1]) + 1 if fixed.any() else 0
    return f"{price.index[after]:%Y-%m-%d}" if 0 < after < len(price) - 24 else None


def _not_looked_at(
    runner: Runner, findings: Mapping[str, _Findings], n_cells: int, as_it_stands: bool
) -> tuple[str, ...]:
    """What no test here can see, or did not."""
    missing = sum(found.coverage.of_cells - found.coverage.cells for found in findings.values() if not found.nothing)
    numbers = list(runner.state.numbers)
    typed = ", ".join(numbers[:8]) + (f" and {len(numbers) - 8} more" if len(numbers) > 8 else "")
    lines = []
    if missing:
        lines.append(f"{missing} cells, past the limit of work (--all tests every one)")
    if numbers:
        lines.append(f"who chose the numbers written in the code, and on which years ({typed})")
    if n_cells > 1:
        lines.append("who chose the grid")
    if contract.hashes(runner.state) and not runner.elsewhere:
        lines.append("another hash seed, in a process of its own")
    if as_it_stands:
        lines.append("what the module did when it was first run")
    return (*lines, "the last bar, after which nothing can be rewritten")


def _cell(parameters: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in parameters.items())


def _once(violations: Iterable[Violation]) -> list[Violation]:
    seen: dict[tuple[str, str], Violation] = {}
    for item in violations:
        seen.setdefault((item.kind, item.what), item)
    return list(seen.values())
