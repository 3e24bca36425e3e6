"""The whole sweep: every variant of a grid on one metal, what may be believed of the best, and its run folder.

A run folder holds ``manifest.json`` (with ``"kind": "sweep"``), ``environment.json``, ``sweep.json`` with everything
that was printed, ``equity.csv`` of the best variant's account, and the strategy's source. Run again, it gives the same
bytes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.filesize import decimal

from research.datasets.data import Data, open_data
from research.datasets.market import Market
from research.datasets.panel import Panel
from research.diagnostics.finding import Finding
from research.diagnostics.selection import deflated_sharpe_ratio
from research.differences import Difference, Document, by_year
from research.discovery import find_strategy
from research.engine import kernel
from research.engine.portfolio import run
from research.engine.result import Result
from research.errors import ExecutionError, NoDecision, ParameterError, RunError
from research.execution import Execution
from research.ledger import Ledger
from research.provenance import hash_code, versions
from research.runs import FORMAT, environment, json_text, replayed, source_text, table_text, where_found, write_folder
from research.study.candidates import Terms, record_grid
from research.sweep.blocks import BlockStore, evaluate_blocks
from research.sweep.grid import Grid, grid_of, mapped_axes
from research.sweep.problem import Dates, Floats, Problem, decide, evaluate, records_of
from research.sweep.survey import Cell, Survey, Walk, asked, overfitting, survey, walk_forward
from research.sweep.windows import Scheme, Windows, strategy_memory
from research.thesis import Strategy
from research.values import plain_dict

Progress = Callable[[int, int, str], None]

AGREEMENT = 1e-8
N_BEST = 20
_BYTES = 8


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a sweep will take, told before it starts.

    Attributes
    ----------
    variants, missing
        Of the grid, and of them those that no earlier run has left on disk.
    seconds
        For the missing ones, at the pace of a first block of them here, and shared by the workers.
    bytes
        That their records take on disk.
    folder
        Where they are kept.
    """

    variants: int
    missing: int
    seconds: float
    bytes: int
    folder: Path

    def __str__(self) -> str:
        kept = f" ({self.variants - self.missing:,} are kept from before)" if self.missing < self.variants else ""
        return f"{self.variants:,} variants{kept}: about {_clock(self.seconds)} and {decimal(self.bytes)} on disk"


@dataclass(frozen=True, kw_only=True)
class Sweep(Survey):
    """Every variant that was tried, and what is left of the best one after that is taken into account.

    Attributes
    ----------
    strategy
        What was swept.
    metal
        On which metal.
    execution
        Terms of trade.
    windows
        Bars of the common history, and the gap between training and test.
    history
        Dates of the first and the last return of the common history.
    periods_per_year
        Bars a year.
    walks
        Walk forward by scheme.
    overfitting
        Probability of backtest overfitting; ``None`` for a single variant.
    deflated
        Deflated Sharpe ratio of the best; ``None`` without risk.
    result
        The best variant run through the engine of record.
    disagreement
        Largest relative difference between its equity there and on the fast path.
    folder
        Where its progress is kept.
    unrecorded
        Why its trials could not be written down; empty where they were, or were not meant to be.
    """

    strategy: Strategy
    metal: str
    grid: Grid
    execution: Execution
    windows: Windows
    history: Dates
    periods_per_year: int
    walks: Mapping[Scheme, Walk]
    overfitting: Finding | None
    deflated: Finding | None
    result: Result
    disagreement: float
    folder: Path
    unrecorded: str

    @property
    def best(self) -> Cell:
        """The variant with the highest Sharpe ratio over the common history."""
        return self.ranking[0]

    def to_json(self) -> dict[str, object]:
        """Plain values only."""
        windows = self.windows
        return plain_dict(
            {
                "strategy": self.strategy.name,
                "metal": self.metal,
                "grid": self.grid.axes,
                "fixed": self.grid.fixed,
                "execution": self.execution,
                "trials": len(self.grid),
                "decided": self.n_decided,
                "history": self.history,
                "periods_per_year": self.periods_per_year,
                "memory_bars": windows.memory,
                "gap_bars": windows.gap,
                "ranking": self.ranking,
                "heat_map": self.heat,
                "walk_forward": {
                    scheme: {"sharpe": walk.sharpe, "alpha": walk.alpha, "folds": walk.steps}
                    for scheme, walk in self.walks.items()
                },
                "overfitting": self.overfitting,
                "deflated_sharpe": self.deflated,
                "disagreement_with_vectorbt": self.disagreement,
            }
        )


def run_sweep(
    strategy: Strategy | str,
    data: Data | None = None,
    *,
    metal: str | None = None,
    axes: Mapping[str, Iterable[object]] | None = None,
    by: Iterable[str] | None = None,
    start: str | None = None,
    end: str | None = None,
    execution: Execution | None = None,
    n_folds: int = 5,
    memory: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    cache: Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
    ledger: Ledger | None = None,
    agree: Callable[[Estimate], None] | None = None,
) -> Sweep:
    """Try every variant of a grid, and say what may be believed of the best.

    Memory does not grow with the grid: blocks of records go to disk as they are finished, and every statistic is
    computed in passes over them. Called again after an interruption it goes on where it stopped.

    Parameters
    ----------
    strategy
        A strategy, or the name or file of one.
    data
        What it is run on; by default ``open_data()``.
    metal
        By default the first that it claims.
    axes
        Parameter -> values; by default the declared grid.
    by
        The two parameters of the heat map; by default the first two with several values.
    start, end
        First and last bar, ``YYYY`` or ``YYYY-MM-DD``.
    execution
        Terms of trade; by default ``Execution()``.
    n_folds
        Parts in which the second half of history is tested, walking forward.
    memory
        Bars left out between training and test; by default measured
        (``research.sweep.windows.strategy_memory``).
    workers, scheduler
        Local Dask worker processes, or the address of a Dask scheduler; by default this process alone.
    cache
        Where finished blocks are kept; by default ``sweeps`` in the user's own folder.
    fresh
        Compute all blocks again.
    progress
        Called with ``(variants done, of all, what)``.
    ledger
        Where every variant is written down once all were tried: these are trials, whether or not anybody likes what
        follows.
    agree
        Called after the first of more than two blocks with what it will take; raises to stop there.

    Raises
    ------
    AssayError
        If the grid, the data or the terms make no sense, no variant ever trades, or the fast path and vectorbt
        disagree about the best variant by more than ``AGREEMENT``.
    """
    if workers is not None and scheduler is not None:
        raise ExecutionError("sweep: workers and scheduler exclude each other; give one")
    for what, number, least in (("workers", workers, 1), ("folds", n_folds, 1), ("memory", memory, 0)):
        if number is not None and number < least:
            raise ParameterError(f"{what}: {number}; use {least} or more")
    chosen = find_strategy(strategy)
    grid = grid_of(chosen, axes)
    mapped = mapped_axes(grid, by)
    data, terms = data or open_data(), Terms(execution or Execution(), start, end)
    problem = _problem(chosen, data, metal or chosen.metals[0], grid, terms, n_folds, memory)
    store = BlockStore(problem, cache)
    store.open(fresh=fresh)
    tell = progress or (lambda done, total, what: None)
    _complete(problem, store, workers, scheduler, tell, agree or (lambda estimate: None))
    unrecorded = record_grid(chosen, problem.market.metal, grid, ledger, data, terms)
    return _judge(problem, store, mapped, data, unrecorded)


def save_sweep(found: Sweep, folder: str | Path, data: Data, start: str | None = None, end: str | None = None) -> Path:
    """Write a sweep as a run folder, whole or not at all.

    Parameters
    ----------
    start, end
        As they were asked for.

    Raises
    ------
    RunError
        If the folder exists and is no run, or cannot be written.
    """
    return write_folder(folder, _contents(found, data, start, end))


def replay_sweep(folder: Path, data: Data | None = None) -> tuple[Difference, ...]:
    """Run a recorded sweep again from nothing, and prove it identical or say what changed.

    Raises
    ------
    RunError
        If the folder is of another format or kind, or not whole.
    """

    def again(before: Document, data: Data) -> Mapping[str, str]:
        manifest, asked = before["manifest.json"], before["manifest.json"]["asked"]
        strategy, terms = find_strategy(manifest["found"]), Execution(**manifest["execution"])
        with tempfile.TemporaryDirectory() as cache:
            found = run_sweep(strategy, data, execution=terms, cache=Path(cache), **asked)
        return _contents(found, data, asked["start"], asked["end"])

    return replayed(folder, "sweep", again, data)


def _contents(found: Sweep, data: Data, start: str | None, end: str | None) -> Mapping[str, str]:
    inputs = {*found.strategy.inputs_for(found.metal, data).values(), *data.market(found.metal, start, end).datasets}
    manifest = {
        "format": FORMAT,
        "kind": "sweep",
        "found": where_found(found.strategy),
        "asked": {
            "metal": found.metal,
            "axes": found.grid.axes,
            "by": found.heat.axes,
            "start": start,
            "end": end,
            "n_folds": len(found.walks["anchored"].steps),
            "memory": found.windows.memory,
        },
        "execution": vars(found.execution),
        "price": data.price.name,
        "strategies": {found.strategy.name: found.strategy.source_hash},
        "framework": hash_code(),
        "data": {identity: data[identity].sha256 for identity in sorted(inputs)},
        "years": {identity: by_year(data.observations(identity)) for identity in sorted(inputs)},
        "packs": [str(pack.folder or pack.root) for pack in data.packs],
    }
    return {
        "manifest.json": json_text(manifest),
        "environment.json": json_text(environment(versions())),
        "sweep.json": json_text(found.to_json()),
        "equity.csv": table_text({f"{found.strategy.name}/{found.metal}": found.result.equity}),
        f"source/{found.strategy.name}.py": source_text(found.strategy),
    }


def _problem(
    strategy: Strategy, data: Data, metal: str, grid: Grid, terms: Terms, n_folds: int, memory: int | None
) -> Problem:
    execution, market = terms.execution, data.market(metal, terms.start, terms.end)
    whole = data.market(metal, None, terms.end)
    panel = data.panel(metal, strategy.inputs_for(metal, data), whole)
    opening = int(whole.price.index.searchsorted(market.price.index[0]))
    first = max(0, _first_decision(strategy, panel, grid, execution) - opening) + execution.delay + 1
    n_bars = len(market.price)
    if memory is None:
        limit = execution.max_leverage
        memory = strategy_memory(strategy, panel, grid, opening + first, max_leverage=limit) if first < n_bars else 0
    windows = Windows.cut(first, n_bars, n_folds=n_folds, memory=memory, n_variants=len(grid))
    return Problem(
        strategy=strategy,
        grid=grid,
        panel=panel,
        market=market,
        opening=opening,
        execution=execution,
        windows=windows,
    )


def _first_decision(strategy: Strategy, panel: Panel, grid: Grid, execution: Execution) -> int:
    """Bar of the first decision at the default parameters, else with the first values of the grid."""
    first_of_grid = grid[0]
    tried = [{**first_of_grid, **strategy.defaults}, first_of_grid]
    for weights in strategy.weight_table(panel, tried, max_leverage=execution.max_leverage):
        known = np.flatnonzero(~np.isnan(weights))
        if known.size:
            return int(known[0])
    raise NoDecision(f"{strategy.name}: never decides, neither at its defaults nor with {grid.describe(first_of_grid)}")


def _complete(
    problem: Problem,
    store: BlockStore,
    workers: int | None,
    scheduler: str | None,
    tell: Progress,
    agree: Callable[[Estimate], None],
) -> None:
    """Evaluate the blocks that are not on disk yet; of more than two the first tells how long, and is asked after."""
    kept, total = store.kept(), len(problem.grid)
    done = before = sum(len(problem.numbers(block)) for block in kept)
    missing = (block for block in range(problem.n_blocks) if block not in kept)
    tell(done, total, "variants")
    if problem.n_blocks - len(kept) > 2:
        records_of(problem, problem.numbers(0)[:1])  # compiled code is loaded, or made
        began, first = time.monotonic(), next(missing)
        done += store.write(first, evaluate(problem, first))
        pace = (time.monotonic() - began) / (done - before)
        agree(
            Estimate(
                variants=total,
                missing=total - before,
                seconds=pace * (total - done) / (workers or 1),
                bytes=(total - before) * problem.n_columns * _BYTES,
                folder=store.folder,
            )
        )
    blocks: Iterator[tuple[int, Floats]] = ((block, evaluate(problem, block)) for block in missing)
    if done < total and (workers or scheduler):
        blocks = evaluate_blocks(problem, store.key, missing, workers=workers, scheduler=scheduler)
    began, before = time.monotonic(), done
    for block, records in blocks:
        done += store.write(block, records)
        pace = (time.monotonic() - began) / (done - before)
        tell(done, total, f"variants, {_clock(pace * (total - done))} left")


def _judge(problem: Problem, store: BlockStore, axes: tuple[str, ...], data: Data, unrecorded: str) -> Sweep:
    found = survey(problem, store, axes=axes, n_best=N_BEST)
    if not found.ranking:
        raise NoDecision(f"{problem.strategy.name}: none of {len(problem.grid)} variants ever trades in this range")
    best = found.ranking[0]
    result, disagreement = _engine_of_record(problem, best, data)
    market, windows = problem.market, problem.windows
    returns = result.excess_returns.reindex(market.price.index[windows.start : windows.end]).fillna(0.0)
    return Sweep(
        **vars(found),
        strategy=problem.strategy,
        metal=market.metal,
        grid=problem.grid,
        execution=problem.execution,
        windows=windows,
        history=problem.dates((windows.start, windows.end)),
        periods_per_year=market.periods_per_year,
        walks=walk_forward(problem, found.picks),
        overfitting=overfitting(problem, store),
        deflated=asked(deflated_sharpe_ratio, returns, n_trials=len(problem.grid), trial_variance=found.trial_variance),
        result=result,
        disagreement=disagreement,
        folder=store.folder,
        unrecorded=unrecorded,
    )


def _engine_of_record(problem: Problem, cell: Cell, data: Data) -> tuple[Result, float]:
    """Run one variant through vectorbt, and compare its equity with the fast path's."""
    market: Market = problem.market
    targets = decide(problem, [cell.number])[0]
    weights = pd.Series(targets, index=market.price.index)
    made_from = problem.strategy.provenance(market.metal, cell.parameters, data)
    result = run(weights, market, problem.execution, name=problem.strategy.name, provenance=made_from)
    path = kernel.paths(targets, problem.traded)[0]
    slow = result.equity.to_numpy() / result.capital
    fast = path[len(path) - len(slow) :]
    disagreement = float(np.max(np.abs(fast - slow) / np.where(slow > 0, slow, 1.0)))
    if not disagreement <= AGREEMENT:
        raise RunError(
            f"{problem.strategy.name}: the fast path and vectorbt differ by {disagreement:.1e} on "
            f"{problem.grid.describe(cell.parameters)}; trust neither and report this"
        )
    return result, disagreement


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours / 24:,.0f} days"
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
