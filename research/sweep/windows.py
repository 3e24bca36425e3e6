"""Which returns of the common history are looked at together: halves for the overfitting test, folds for the walk.

Positions count returns of the market's calendar: return ``t`` runs from bar ``t - 1`` to bar ``t``. All variants are
compared on one history. It begins after the first fill of the strategy at its default parameters; a
variant that has not decided yet stands in bills there and has an excess return of 0.

Between the returns on which a variant is picked and those on which it is tested lies a gap as long as the
strategy's memory: a position entered on the evidence of the training part may still be held for that long, and a
trailing window still sees it. Leaving out what lies before a test is called purging, what lies after one an
embargo (Lopez de Prado 2018). A walk forward trains only on what lies before a test, so that one gap is both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import comb
from typing import Literal

import numpy as np
import pandas as pd

from research.datasets.panel import Panel
from research.errors import AssayError, NoData
from research.sweep.grid import Grid
from research.thesis import Strategy

Scheme = Literal["anchored", "rolling"]
Span = tuple[int, int]

SCHEMES: tuple[Scheme, ...] = ("anchored", "rolling")
LARGEST_BLOCK_COUNT = 16
_WORTH_COUNTING = 100_000_000  # halvings times variants
_LEAST_TRAINING = 24  # returns
_CUTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)  # of the history, before which a strategy is made to forget
_SAME = 1e-9
_A_MOMENT = pd.Timedelta("1us")


@dataclass(frozen=True)
class Fold:
    """Returns on which a variant is picked, and those on which it is tested, both ``[first, after last)``."""

    scheme: Scheme
    train: Span
    test: Span


@dataclass(frozen=True)
class Windows:
    """The history that all variants share, cut for every question that is asked of it.

    Attributes
    ----------
    start, end
        First return, and one after the last.
    memory
        Bars for which the strategy remembers; ``None`` if it never forgets within the history.
    gap
        Returns left out between training and test: the memory, but at most a quarter of the history.
    folds
        Of the anchored walk (training grows from ``start``), then of the rolling one (training keeps its length).
    n_blocks
        Blocks of the overfitting test.
    """

    start: int
    end: int
    memory: int | None
    gap: int
    folds: tuple[Fold, ...]
    n_blocks: int

    @classmethod
    def cut(cls, start: int, end: int, *, n_folds: int, memory: int | None, n_variants: int) -> Windows:
        """Cut the history: the second half is tested in ``n_folds`` parts.

        Raises
        ------
        NoData
            If the history is too short for it.
        """
        length = end - start
        gap = length // 4 if memory is None else min(memory, length // 4)
        training = length // 2 - gap
        if training < _LEAST_TRAINING or length // 2 < 2 * n_folds:
            raise NoData(
                f"sweep: {length} returns are too few for {n_folds} folds after a gap of {gap}; "
                "use fewer folds or a longer history"
            )
        tests = np.linspace(start + length // 2, end, n_folds + 1).round().astype(int).tolist()
        folds: list[Fold] = []
        for scheme in SCHEMES:
            for first, after in pairwise(tests):
                begin = start if scheme == "anchored" else first - gap - training
                folds.append(Fold(scheme, (begin, first - gap), (first, after)))
        return cls(start, end, memory, gap, tuple(folds), _block_count(length, n_variants))

    @property
    def edges(self) -> tuple[int, ...]:
        """Every position at which a window begins or ends, in order."""
        spans = [span for fold in self.folds for span in (fold.train, fold.test)]
        return tuple(sorted({self.start, self.end, *self.block_edges, *(edge for span in spans for edge in span)}))

    @property
    def rows_per_block(self) -> int:
        """Returns in each block of the overfitting test."""
        return (self.end - self.start) // self.n_blocks

    @property
    def block_edges(self) -> tuple[int, ...]:
        """Where the blocks of the overfitting test begin, and where the last ends; the oldest rest is left out."""
        return tuple(self.end - self.rows_per_block * number for number in range(self.n_blocks, -1, -1))


def _block_count(length: int, n_variants: int) -> int:
    """The most blocks, up to 16, that have four returns each and can be halved in every way in good time."""
    for count in range(LARGEST_BLOCK_COUNT, 4, -2):
        if length >= 4 * count and comb(count, count // 2) * n_variants <= _WORTH_COUNTING:
            return count
    return 4


def strategy_memory(strategy: Strategy, panel: Panel, grid: Grid, first: int, *, max_leverage: float) -> int | None:
    """Bars after which nothing older changes a weight; ``None`` if that takes more than half of the history.

    The strategy is run on panels from which everything known before a bar is missing, at each tenth up to seven
    tenths of the history after bar ``first``. Its memory is the longest time until its weights are
    again, and stay, those of the run that knew all. Tried are the defaults, and the smallest and the largest
    value of each parameter of the grid with the others as they are: a look-back or a holding period remembers
    longest at an end of its axis.

    This measures everything at once: trailing windows, holding periods, and positions kept until the next
    signal. It is found on this history: an event that would have been remembered longer, but never happened,
    is not seen.
    """
    index, times = panel.index, panel.decision_times
    cuts = [max(first, 1) + int(share * (len(index) - first)) for share in _CUTS]
    blind = {bar: panel.forgetting(times.iloc[bar - 1] + _A_MOMENT) for bar in cuts}
    longest = 0
    for variant in _extremes(strategy, grid):
        whole = _weights(strategy, panel, variant, max_leverage)
        for bar in cuts:
            forgetful = _weights(strategy, blind[bar], variant, max_leverage)
            remembers = np.flatnonzero(~np.isclose(whole[bar:], forgetful[bar:], rtol=0, atol=_SAME, equal_nan=True))
            if remembers.size:
                longest = max(longest, int(remembers[-1]) + 1)
    return longest if longest <= (len(index) - first) // 2 else None


def _extremes(strategy: Strategy, grid: Grid) -> Iterable[Mapping[str, object]]:
    chosen = {**strategy.defaults, **grid.fixed}
    yield chosen
    for name, values in grid.axes.items():
        numbers = sorted(value for value in values if isinstance(value, int | float))
        ordered = numbers if len(numbers) == len(values) else values
        for value in {repr(value): value for value in (ordered[0], ordered[-1])}.values():
            yield {**chosen, name: value}


def _weights(strategy: Strategy, panel: Panel, variant: Mapping[str, object], max_leverage: float) -> np.ndarray:
    try:
        weights = strategy.weight_table(panel, [variant], max_leverage=max_leverage)[0]
    except AssayError:  # too little is left for it to run at all: it needs what was taken away
        weights = np.full(len(panel.index), np.nan)
    return pd.Series(weights).ffill().to_numpy()
