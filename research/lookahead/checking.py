"""The question whether a strategy looks ahead, put in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pandas as pd

from research.datasets.data import Data
from research.datasets.registry import read_registry
from research.errors import AssayError, NoData, NoDecision, SignalError, UnknownDataset
from research.execution import Execution
from research.home import bundled_folder
from research.lookahead import contract
from research.lookahead.dates import find_dates
from research.lookahead.explain import explain
from research.lookahead.history import History, history_of
from research.lookahead.probes import Prober, stable_bars
from research.lookahead.report import USUAL, CheckReport, Coverage, DatedBars, Leak, Violation, point
from research.lookahead.runner import Cell, Decided, Reachable, Runner, fresh, held
from research.lookahead.watch import Watch
from research.thesis import Strategy
from research.weights import check_weights

_MOST_CELLS = 1_000  # of which the weights are computed at all


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
        Dates at which the history is cut, for each metal; by default the 24 most telling and every other change of
        position, up to 100.
    everything
        No limit, and every cell tested at every cut in every way, however long that takes.

    Raises
    ------
    NoData, UnknownDataset
        If the data hold no metal's inputs.
    StrategyError
        If a parameter is unknown or the strategy says nothing about the metal.
    """
    histories, skipped = _histories(strategy, data, metal, start, end)
    folders = tuple(pack.root for pack in (*data.packs, read_registry(bundled_folder())))
    importing, watch = Watch(folders), Watch(folders)
    with importing.open(), importing.following(set()):
        pristine = fresh(strategy)
    if pristine is not None:
        importing.lines.setdefault(pristine.signal.__code__.co_filename, set())  # all of its lines were seen at work
    tested = pristine or strategy
    chosen = tested.parameters(parameters)
    cells = [chosen]
    if parameters is None:
        cells += [values for values in tested.variants() if values != chosen]
    runner = Runner(tested, chosen, Reachable(tested.signal), watch)
    checked = _Check(strategy, data, execution or Execution(), n_cuts, everything, runner, cells, importing)
    for history in histories:
        checked.look(history, [other for other in histories if other is not history])
        if checked.random:  # nothing else can be said
            break
    else:
        checked.accuse(histories[0], contract.touched(watch))
    runner.state.restore()
    return CheckReport(
        strategy=strategy.name,
        metals=tuple(checked.metals),
        skipped={**checked.nothing, **skipped},
        leaks=tuple(checked.leaks),
        violations=tuple(sorted(checked.violations.values(), key=lambda breach: breach.kind not in watch.seen)),
        dated=tuple(checked.dated),
        notes=tuple(dict.fromkeys(checked.notes)),
        coverage=checked.coverage + Coverage(runs=runner.n_runs),
        not_looked_at=_not_looked_at(checked, as_it_stands=pristine is None),
    )


@dataclass
class _Check:
    """A strategy under examination, and what is said of it."""

    strategy: Strategy
    data: Data
    execution: Execution
    n_cuts: int | None
    everything: bool
    runner: Runner
    parameters: list[dict[str, object]]
    importing: Watch
    metals: list[str] = field(default_factory=list)
    nothing: dict[str, str] = field(default_factory=dict)  # metal -> why there is nothing to check
    leaks: list[Leak] = field(default_factory=list)
    violations: dict[tuple[str, str], Violation] = field(default_factory=dict)
    dated: list[DatedBars] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    coverage: Coverage = field(default_factory=Coverage)
    random: bool = False

    def look(self, history: History, others: list[History]) -> None:
        """Examine one metal."""
        try:
            self._examine(history, others)
        except NoDecision as error:
            self.nothing[history.metal] = str(error)
        except SignalError as error:
            self.accuse(history, [("weights", str(error))])
        if history.metal not in self.nothing:
            self.metals.append(history.metal)
            self.coverage += Coverage(of_cells=len(self.parameters))

    def _examine(self, history: History, others: list[History]) -> None:
        """Randomness first, then the contract, then the future, then the dates."""
        runner = self.runner
        runner.together = ()
        runner.state.restore()
        with runner.watch.following({function.__code__.co_filename for function in runner.state.functions}):
            first = runner.run(history)
        base = self._usable(history, first)
        decisions = [(self.parameters[0], base), *self._others_decided(history)]
        runner.find_together(history, decisions)
        if self._accuse_if_random(history, decisions):
            return
        self.accuse(history, contract.held_outside(runner, self.importing))
        if not any(held(weights).any() for _, weights in decisions):
            raise NoDecision(f"nothing to check: the weights are 0 at all {len(base)} bars")
        self.accuse(history, contract.impurities(runner, history, base, others))
        if runner.strategy is not self.strategy:
            self.accuse(history, contract.used_before(self.strategy, runner, history, base))
        cells = stable_bars(runner, history, decisions)
        self._probe(history, cells)
        if not (self.leaks or self.violations or runner.watch.seen):
            self.accuse(history, islice(contract.other_process(runner, history, base), 1))
            self._look_at_dates(history, cells)
            self.notes += contract.warm_up(runner, history, cells[0])

    def _others_decided(self, history: History) -> Iterator[tuple[dict[str, object], np.ndarray]]:
        """The weights of every other point of the grid, evenly chosen ones where there are too many."""
        most = len(self.parameters) if self.everything else min(_MOST_CELLS, len(self.parameters))
        chosen = [self.parameters[n] for n in np.linspace(0, len(self.parameters) - 1, most).astype(int)[1:]]
        for parameters, answer in zip(chosen, self.runner.run_all(history, chosen), strict=True):
            try:
                yield parameters, self._usable(history, answer)
            except AssayError as error:
                self.notes.append(f"{history.metal}: {point(parameters)} cannot be checked: {error}")

    def _probe(self, history: History, cells: list[Cell]) -> None:
        """Rewrite the future at the most telling cuts, and say what that showed."""
        prober = Prober(self.runner, history, cells, self.n_cuts, everything=self.everything)
        if sightings := prober.sightings():
            if self._accuse_if_random(history, [(cell.parameters, cell.base) for cell in cells]):
                return
            leak = explain(self.runner, sightings, len(cells))
            # a value that was not used at once is right as long as nothing is published later than the author thinks
            if leak.probe == "delay" and leak.period and history.index[history.index >= leak.period][0] < leak.moved:
                when = f"{leak.input} of {leak.period:%Y-%m-%d} on {leak.moved:%Y-%m-%d}"
                self.notes.append(f"{history.metal}: a lag is assumed and not read off known_at: {when}")
            else:
                self.leaks.append(leak)
        self.coverage += prober.coverage()

    def _accuse_if_random(self, history: History, decisions: Sequence[tuple[Mapping[str, object], np.ndarray]]) -> bool:
        differ = next(contract.random_cell(self.runner, history, decisions), None)
        if differ is not None:
            self.random = True
            self.violations.clear()
            self.accuse(history, [differ])
        return self.random

    def _look_at_dates(self, history: History, cells: list[Cell]) -> None:
        dated, split = find_dates(self.runner, history, cells, self.data, self.execution)
        self.notes += [split] if split else []
        if dated is not None:
            self.dated.append(dated)
            if dated.accused:
                self.accuse(history, [("hindsight", str(dated))])
            else:
                self.notes.append(f"{history.metal}: {dated}")

    def _usable(self, history: History, answer: Decided) -> np.ndarray:
        """The weights of a run on the true history, or an error that says why there are none."""
        if answer.weights is None:
            raise answer.error or SignalError("no weights")
        weights = pd.Series(answer.weights, index=history.index)
        check_weights(weights, history.index, self.execution.max_leverage, self.strategy.name)
        return answer.weights

    def accuse(self, history: History, breaches: Iterable[contract.Breach]) -> None:
        """Each breach once, with its usual cause and remedy."""
        for kind, what in breaches:
            breach = Violation(kind=kind, metal=history.metal, what=what, **USUAL[kind])
            self.violations.setdefault((kind, what), breach)


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


def _not_looked_at(checked: _Check, *, as_it_stands: bool) -> tuple[str, ...]:
    """What no test here can see, or did not."""
    runner = checked.runner
    missing = checked.coverage.of_cells - checked.coverage.cells
    numbers = list(runner.state.numbers)
    typed = ", ".join(numbers[:8]) + (f" and {len(numbers) - 8} more" if len(numbers) > 8 else "")
    lines = {
        f"{missing} cells, past the limit of work (--all tests every one)": missing > 0,
        f"who chose the numbers written in the code, and on which years ({typed})": bool(numbers),
        "who chose the grid": len(checked.parameters) > 1,
        "another hash seed, in a process of its own": contract.hashes(runner.state) and not runner.elsewhere,
        "what the module did when it was first run": as_it_stands,
        "the last bar, after which nothing can be rewritten": True,
    }
    return tuple(line for line, so in lines.items() if so)
