"""What one block of a grid is evaluated from, and the record that it leaves of every variant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from research.datasets.market import Market
from research.datasets.panel import Panel
from research.engine import kernel
from research.engine.kernel import Summary, TradedMarket
from research.execution import Execution
from research.sweep.grid import Grid
from research.sweep.windows import Span, Windows
from research.thesis import Strategy
from research.weights import UNKNOWN

Floats = NDArray[np.float64]
Dates = tuple[str, str]
"""Of the first return and the last, ``YYYY-MM-DD``."""

STATISTICS = tuple(field.name for field in fields(Summary))
_NUMBERS_AT_ONCE = 1_500_000
_MOST_ROWS = 1024
_ROWS_IN_CACHE = 8


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Everything that a worker needs; a variant is then told by its number.

    Attributes
    ----------
    panel
        What the strategy sees: all history up to the last bar.
    market
        Prices and bills from the first bar on at which accounts may stand.
    opening
        Position of that bar in the panel.
    """

    strategy: Strategy
    grid: Grid
    panel: Panel
    market: Market
    opening: int
    execution: Execution
    windows: Windows

    @cached_property
    def traded(self) -> TradedMarket:
        """The market on these terms, as the fast path reads it."""
        return TradedMarket.of(self.market, self.execution)

    def dates(self, span: Span) -> Dates:
        """Dates of the first and the last return of a window."""
        first, last = self.market.price.index[[span[0], span[1] - 1]]
        return f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}"

    @property
    def rows_per_block(self) -> int:
        """Variants evaluated at once: what bounds the memory, whatever the size of the grid."""
        return max(16, min(_MOST_ROWS, _NUMBERS_AT_ONCE // len(self.panel.index)))

    @property
    def n_blocks(self) -> int:
        """Blocks of the grid."""
        return -(-len(self.grid) // self.rows_per_block)

    def numbers(self, block: int) -> range:
        """Numbers of the variants in one block."""
        return range(block * self.rows_per_block, min(len(self.grid), (block + 1) * self.rows_per_block))

    @property
    def n_columns(self) -> int:
        """Length of a record."""
        return len(STATISTICS) + 2 * (len(self.windows.edges) - 1)


def evaluate(problem: Problem, block: int, *, threads: int | None = None) -> Floats:
    """Records of the variants of one block (``records_of``)."""
    return records_of(problem, problem.numbers(block), threads=threads)


def records_of(problem: Problem, numbers: Iterable[int], *, threads: int | None = None) -> Floats:
    """Records of some variants, shape ``(n_variants, n_columns)``.

    A record holds the kernel's summary (``STATISTICS``), then the sums of the excess returns between the edges of
    the windows, then the sums of their squares: enough for the Sharpe ratio of any window without keeping a path.
    """
    summary, equity = _accounts(problem, numbers, threads)
    starts = np.array(problem.windows.edges[:-1]) - problem.windows.start
    sums, squares = np.empty((2, len(equity), len(starts)))
    for part, excess in _excess(problem, equity):
        np.add.reduceat(excess, starts, axis=1, out=sums[part])
        np.add.reduceat(np.square(excess, out=excess), starts, axis=1, out=squares[part])
    return np.column_stack([*(getattr(summary, name) for name in STATISTICS), sums, squares]).astype(np.float64)


def decide(problem: Problem, numbers: Iterable[int]) -> Floats:
    """Target weights from the opening on, that in force there first; shape ``(n_variants, n_bars)``."""
    variants = [problem.grid[number] for number in numbers]
    table = problem.strategy.weight_table(problem.panel, variants, max_leverage=problem.execution.max_leverage)
    before = ~np.isnan(table[:, : problem.opening + 1])
    last = before.shape[1] - 1 - before[:, ::-1].argmax(axis=1)
    targets = np.ascontiguousarray(table[:, problem.opening :])
    targets[:, 0] = table[np.arange(len(table)), last]
    targets[targets == UNKNOWN] = 0.0
    targets += 0.0  # no weight is -0
    return targets


def excess_returns(problem: Problem, numbers: Iterable[int]) -> Floats:
    """Excess returns of some variants over the common history, shape ``(n_variants, n_returns)``."""
    return np.concatenate([excess for _, excess in _excess(problem, _accounts(problem, numbers, None)[1])])


def metal_excess_returns(problem: Problem) -> Floats:
    """Excess returns of the metal held long, storage paid, over the same returns."""
    return problem.traded.metal_excess[problem.windows.start : problem.windows.end]


def sharpe(problem: Problem, records: Floats, span: Span) -> Floats:
    """Sharpe ratio a period of every record over one window; 0 for an account without risk."""
    sums, squares = moments(problem, records, span)
    return sharpe_of(sums, squares, span[1] - span[0])


def moments(problem: Problem, records: Floats, span: Span) -> tuple[Floats, Floats]:
    """Sum of the excess returns, and of their squares, over one window."""
    edges = problem.windows.edges
    first, last = edges.index(span[0]), edges.index(span[1])
    n_intervals = len(edges) - 1
    sums = records[:, len(STATISTICS) + first : len(STATISTICS) + last]
    squares = records[:, len(STATISTICS) + n_intervals + first : len(STATISTICS) + n_intervals + last]
    return sums.sum(axis=1), squares.sum(axis=1)


def sharpe_of(sums: Floats, squares: Floats, n: int) -> Floats:
    """``mean / std`` (n - 1 degrees of freedom) from sums."""
    mean = sums / n
    variance = np.maximum(squares - n * mean**2, 0.0) / (n - 1)
    still = variance <= 1e-24
    ratio: Floats = np.where(still, 0.0, mean / np.sqrt(np.where(still, 1.0, variance)))
    return ratio


def statistic(records: Floats, name: str) -> Floats:
    """One statistic of the kernel's summary."""
    column: Floats = records[:, STATISTICS.index(name)]
    return column


def _accounts(problem: Problem, numbers: Iterable[int], threads: int | None) -> tuple[Summary, Floats]:
    """What some variants did, and their equity, which is whole at the first fill: the first return bears its cost."""
    targets = decide(problem, numbers)
    equity = np.full(targets.shape, np.nan)
    summary = kernel.sweep(targets, problem.traded, threads=threads, equity=equity)
    opened = np.flatnonzero(summary.first_fill >= 0)
    equity[opened, summary.first_fill[opened]] = 1.0
    return summary, equity


def _excess(problem: Problem, equity: Floats) -> Iterator[tuple[slice, Floats]]:
    """Excess returns over the common history, 0 before the first fill; a few rows at a time, as the cache holds."""
    start, end = problem.windows.start, problem.windows.end
    bills = problem.market.bill_accrual.to_numpy()[start:end]
    for low in range(0, len(equity), _ROWS_IN_CACHE):
        part = slice(low, low + _ROWS_IN_CACHE)
        before = equity[part, start - 1 : end - 1]
        ruined = before == 0
        excess: Floats = equity[part, start:end] / np.where(ruined, 1.0, before)
        excess -= 1.0 + bills
        excess[np.isnan(excess)] = 0.0
        np.copyto(excess, -bills, where=ruined)
        yield part, excess
