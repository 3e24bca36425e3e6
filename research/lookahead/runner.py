"""Run a signal, for one cell of its grid or for all, each time from the state that it had before its first call."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from research.datasets.panel import Panel
from research.errors import AssayError
from research.lookahead.history import History
from research.lookahead.state import Reachable
from research.lookahead.watch import Watch
from research.many import alike, ask_together, together
from research.thesis import Strategy
from research.weights import UNKNOWN, in_bills, numbers


@dataclass(frozen=True)
class Decided:
    """Weights by bar, or the error that came instead."""

    weights: np.ndarray | None
    error: AssayError | None = None


@dataclass(frozen=True, eq=False)
class Cell:
    """One point of the grid on the true history.

    Attributes
    ----------
    number
        Its place among the cells; the chosen parameters are 0.
    base
        Its weights.
    stable
        Bars whose weight does not hang on the twelfth digit of an input.
    """

    number: int
    parameters: Mapping[str, object]
    base: np.ndarray
    stable: np.ndarray


@dataclass
class Runner:
    """Runs one signal on one history after another.

    Attributes
    ----------
    n_runs
        Calls of the signal so far.
    elsewhere
        Whether it ran in a process with another hash seed, too.
    together
        Parameters whose values are tried in one call (``research.many``).
    """

    strategy: Strategy
    parameters: Mapping[str, object]
    state: Reachable
    watch: Watch
    n_runs: int = 0
    elsewhere: bool = False
    together: Sequence[str] = ()

    def run(self, history: History, n_bars: int | None = None, *, forget: bool = True) -> Decided:
        """Weights of the chosen parameters on the first ``n_bars`` bars of ``history``."""
        return self.run_all(history, [self.parameters], n_bars, forget=forget)[0]

    def run_all(
        self, history: History, cells: Iterable[Mapping[str, object]], n_bars: int | None = None, *, forget: bool = True
    ) -> list[Decided]:
        """The same for many cells, which share one panel and what was already computed from it."""
        if forget:
            self.state.restore()
        return self.decide(history.panel(n_bars), list(cells))

    def decide(self, panel: Panel, cells: Sequence[Mapping[str, object]]) -> list[Decided]:
        """Weights on one panel, in one call for cells that differ in ``together`` alone."""
        decided: dict[int, Decided] = {}
        alone = partial(self._decide, panel)
        with self._contained():
            for places in alike(cells, self.together):
                some, table = [cells[place] for place in places], None
                if len(places) > 1:
                    self.n_runs += 1
                    table = ask_together(partial(self.strategy.decide, panel), self.together, some, panel.index)
                answers = map(alone, some) if table is None else map(Decided, table.astype(float))
                decided |= zip(places, answers, strict=True)
        return [decided[place] for place in range(len(cells))]

    def find_together(self, history: History, decisions: Sequence[tuple[Mapping[str, object], np.ndarray]]) -> None:
        """Find the parameters of which the signal takes many values at once, with the same bits for every cell."""
        cells, panel = [parameters for parameters, _ in decisions], history.panel()
        if len(cells) > 1 and not self.strategy.vectorised:
            self.state.restore()
            with self._contained():
                self.together = together(partial(self.strategy.decide, panel), cells, panel.index)
            found = [answer.weights for answer in self.run_all(history, cells)]
            if any(w is None or w.tobytes() != base.tobytes() for (_, base), w in zip(decisions, found, strict=True)):
                self.together = ()

    @contextmanager
    def _contained(self) -> Iterator[None]:
        """Watched, and with nothing printed or warned of left behind."""
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            self.watch.open(),
        ):
            warnings.simplefilter("ignore")
            yield

    def _decide(self, panel: Panel, parameters: Mapping[str, object]) -> Decided:
        self.n_runs += 1
        try:
            return Decided(numbers(self.strategy.decide(panel, parameters), panel.index, self.strategy.name).copy())
        except AssayError as error:
            return Decided(None, error)


def equal(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Which weights agree: both NaN, or within rounding."""
    with np.errstate(invalid="ignore", over="ignore"):
        close = np.abs(left - right) <= 1e-12 + 1e-9 * np.maximum(np.abs(left), np.abs(right))
    unknown = (left == UNKNOWN) | (right == UNKNOWN)
    return np.asarray((close & ~unknown) | (np.isnan(left) & np.isnan(right)) | (left == right))


def same(left: np.ndarray | None, right: np.ndarray | None) -> bool:
    """Whether two runs gave the same weights."""
    if left is None or right is None:
        return left is right
    return len(left) == len(right) and bool(equal(left, right).all())


def moves(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """How far each weight moved; 1 between a number and no decision, or what is unknown."""
    if left.tobytes() == right.tobytes():
        return np.zeros(len(left))
    known = ~(np.isnan(left) | np.isnan(right) | (left == UNKNOWN) | (right == UNKNOWN))
    sizes = np.where(equal(left, right), 0.0, 1.0)
    sizes[known] = np.where(sizes[known] > 0, np.abs(left[known] - right[known]), 0.0)
    return sizes


def held(weights: np.ndarray) -> np.ndarray:
    """Positions that weights lead to: no decision keeps the last one; none yet, and what is unknown, are 0."""
    return np.asarray(in_bills(pd.Series(weights).ffill().fillna(0.0).to_numpy()))
