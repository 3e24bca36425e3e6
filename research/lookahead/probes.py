"""The probes: run the signal on histories whose future differs; what was decided before must not move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from research.lookahead import history as histories
from research.lookahead.cuts import IN_TURN, in_the_middle
from research.lookahead.history import Future, History, Rewrite, rewritten, rewritten_whole
from research.lookahead.report import Probe
from research.lookahead.runner import Cell, Runner, equal, moves

_CHANGED = (histories.raised, histories.lowered, histories.flat, histories.mirrored)
_OTHERS = (histories.scrambled, histories.scaled, histories.dropped, histories.revised)
REWRITES: dict[str, Rewrite] = {rewrite.__name__: rewrite for rewrite in (*_CHANGED, *_OTHERS)}
_TURNS = tuple(REWRITES)[:4]
_ENOUGH = 12  # sightings that settle it
OF_ALL_CUTS, OF_A_LATER_CUT = 125, 2  # histories that the first cuts take with all that needs no cut; a later one

Bases = Sequence[np.ndarray | None]


@dataclass(frozen=True, eq=False)
class Sighting:
    """A probe that moved something: enough to repeat it, narrower.

    Attributes
    ----------
    cell
        The point of the grid at which it was seen.
    """

    probe: Probe
    rewrite: str
    base_history: History
    cell: Cell
    base: np.ndarray
    altered: np.ndarray
    cut: int
    only_calendar: bool

    def moved_by(self, weights: np.ndarray | None) -> np.ndarray:
        """Positions of the bars at or before the cut at which other weights differ."""
        here = slice(0, self.cut + 1)
        if weights is None:
            return np.array([], dtype=int)
        return np.flatnonzero(~equal(self.base[here], weights[here]) & self.cell.stable[here])

    @cached_property
    def moved(self) -> np.ndarray:
        """Positions of the bars that moved."""
        return self.moved_by(self.altered)

    def sizes(self, weights: np.ndarray, bars: np.ndarray) -> np.ndarray:
        """How far each of some bars moves."""
        return moves(self.base[bars], weights[bars])


@dataclass
class Prober:
    """Puts one strategy through every probe on one metal.

    Parameters
    ----------
    cells
        The points of the grid; the first is the chosen one.
    cuts
        Bars after which the history is rewritten, the most telling first.
    stride
        1 probes every group of cells at each cut; with more, the chosen cell's and every so many of the others in turn.

    Attributes
    ----------
    tried
        Pairs of cell and cut that were compared.
    """

    runner: Runner
    history: History
    cells: Sequence[Cell]
    cuts: Sequence[int]
    groups: Sequence[Sequence[int]]
    stride: int

    def __post_init__(self) -> None:
        self.tried: set[tuple[int, int]] = set()
        self._cleared: set[int] = set()  # cells that know the ends of weeks and no more

    def sightings(self) -> list[Sighting]:
        """What moved, until one cell shows enough of it."""
        found: list[Sighting] = []
        for seen in self._all():
            found += seen
            if found and sum(s.cell is found[0].cell for s in found) >= _ENOUGH:
                break
        return found

    def _all(self) -> Iterator[list[Sighting]]:
        """Every probe, the strongest first."""
        history = self.history
        for turn, cut in enumerate(self.cuts):
            cells = self._taking_part(turn)
            yield from self._truncated(cut, cells)
            for rewrite in self._rewrites(turn):
                yield self._see("perturbation", rewrite, cut, cells)
        few = self.cuts[: min(4, max(2, len(self.cuts) // 6))]
        middle = in_the_middle(history, len(few))
        probes: tuple[tuple[Probe, str], ...] = (("perturbation", "scrambled"), ("scale", "scaled"))
        for turn, cut in enumerate(few):
            for probe, rewrite in (*probes, ("vintage", "revised")):
                yield self._see(probe, rewrite, cut, self._taking_part(turn))
        for turn, cut in enumerate(middle):
            cells = self._taking_part(turn)
            yield self._see("vintage", "revised", cut, cells)
            hole = histories.with_hole(history, cut)
            in_hole = self._weights(hole, cells)
            for rewrite in ("raised", "lowered", "dropped"):
                yield self._see("gap", rewrite, cut, cells, hole, in_hole)
        late, cells = histories.delayed(history), self._taking_part(0)
        when_late = self._weights(late, cells)
        for cut in (*middle[:2], *few):
            for rewrite in ("raised", "lowered"):
                yield self._see("delay", rewrite, cut, cells, late, when_late)

    def _rewrites(self, turn: int) -> Sequence[str]:
        """How the future is changed at one cut: in all four ways, in two, or, past the first cuts, in one."""
        if turn >= IN_TURN:
            return (_TURNS[turn % 4],)
        every = turn < min(len(self.cuts), IN_TURN) // 4
        return _TURNS if every else _TURNS[turn % 2 * 2 :][:2]

    def _taking_part(self, turn: int) -> list[int]:
        """Which cells are probed at one cut; those that one call of the signal decides take turns together."""
        return [n for at, group in enumerate(self.groups) if at == 0 or (at + turn) % self.stride == 0 for n in group]

    def _weights(self, history: History, cells: Sequence[int], n_bars: int | None = None) -> Bases:
        """Weights by cell; ``None`` for those not asked and those that raise."""
        weights: list[np.ndarray | None] = [None] * len(self.cells)
        answers = self.runner.run_all(history, [self.cells[n].parameters for n in cells], n_bars)
        for number, answer in zip(cells, answers, strict=True):
            weights[number] = answer.weights
        return weights

    def _truncated(self, cut: int, cells: Sequence[int]) -> Iterator[list[Sighting]]:
        """End the history at a bar.

        What only the end of the calendar moves, and not the end of the data, is judged at the ends of years: that a
        week or a month has ended is public knowledge, that the sample has is not.
        """
        moved = self._end(cut, cells)
        if not moved:
            return
        silent = self._weights(rewritten(self.history, histories.dropped, self._future(cut)), cells)
        told = {s.cell.number: silent[s.cell.number] for s in moved}
        learned = [s for s in moved if (w := told[s.cell.number]) is None or not equal(s.base, w)[: cut + 1].all()]
        yield learned
        suspects = [s.cell.number for s in moved if s not in learned and s.cell.number not in self._cleared]
        index, weeks = self.history.index, self.history.index.to_period("W").asi8
        for end in np.flatnonzero(index.year[:-1] != index.year[1:]) if suspects else ():
            # no bar before the week that is still open there may move
            last = end if weeks[end] != weeks[end + 1] else np.searchsorted(weeks, weeks[end]) - 1
            leaks = [s for s in self._end(int(end), suspects, ended=True) if (s.moved <= last).any()]
            if leaks:
                yield leaks
                return
        self._cleared |= set(suspects)

    def _end(self, cut: int, cells: Sequence[int], *, ended: bool = False) -> list[Sighting]:
        altered = self._weights(self.history, cells, cut + 1)
        return self._compare("truncation", "dropped", self.history, None, altered, cut, cells, ended)

    def _see(
        self,
        probe: Probe,
        rewrite: str,
        cut: int,
        cells: Sequence[int],
        history: History | None = None,
        bases: Bases | None = None,
    ) -> list[Sighting]:
        """Rewrite the future after a cut: of the true history, or of another one with its own weights."""
        history = history or self.history
        altered = self._weights(rewritten(history, REWRITES[rewrite], self._future(cut)), cells)
        return self._compare(probe, rewrite, history, bases, altered, cut, cells, False)

    def _compare(
        self,
        probe: Probe,
        rewrite: str,
        history: History,
        bases: Bases | None,
        altered: Bases,
        cut: int,
        cells: Sequence[int],
        ended: bool,
    ) -> list[Sighting]:
        found = []
        for cell in (self.cells[number] for number in cells):
            base, other = cell.base if bases is None else bases[cell.number], altered[cell.number]
            if base is not None and other is not None:
                self.tried.add((cell.number, cut))
                found.append(Sighting(probe, rewrite, history, cell, base, other, cut, ended))
        return [sighting for sighting in found if len(sighting.moved)]

    def _future(self, cut: int) -> Future:
        return Future(self.history.decisions.iloc[cut])


def stable_bars(
    runner: Runner, history: History, cells: Sequence[tuple[Mapping[str, object], np.ndarray]]
) -> list[Cell]:
    """Mark the bars whose weight does not hang on the twelfth digit of an input.

    Rounding may break a tie either way, so those few are not judged. A signal that trembles all over is.
    """
    shaken = runner.run_all(rewritten_whole(history, histories.jittered), [parameters for parameters, _ in cells])
    found = []
    for number, ((parameters, base), answer) in enumerate(zip(cells, shaken, strict=True)):
        stable = np.ones(len(base), dtype=bool)
        if answer.weights is not None:
            near = moves(base, answer.weights) <= 1e-6 * np.clip(np.abs(np.nan_to_num(base)), 1, 1e6)
            stable = near if near.mean() > 0.98 else stable
        found.append(Cell(number, parameters, base, stable))
    return found
