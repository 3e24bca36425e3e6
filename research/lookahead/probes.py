"""The probes: run the signal on histories whose future differs; what was decided before must not move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from research.lookahead import history as histories
from research.lookahead.cuts import in_the_middle
from research.lookahead.history import Future, History, Rewrite, rewritten, rewritten_whole
from research.lookahead.report import Probe
from research.lookahead.runner import Cell, Runner, equal, moves

REWRITES: dict[str, Rewrite] = {
    "raised": histories.raised,
    "lowered": histories.lowered,
    "flat": histories.flat,
    "mirrored": histories.mirrored,
    "scrambled": histories.scrambled,
    "scaled": histories.scaled,
    "dropped": histories.dropped,
    "revised": histories.revised,
}
_ENOUGH = 12  # sightings that settle it
_TURNS = (("raised", "lowered"), ("flat", "mirrored"))
PROBES_A_CUT = 5  # about: what one cut costs a cell, everything counted

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

    @cached_property
    def moved(self) -> np.ndarray:
        """Positions of the bars at or before the cut that moved."""
        here = slice(0, self.cut + 1)
        return np.flatnonzero(~equal(self.base[here], self.altered[here]) & self.cell.stable[here])

    @property
    def size(self) -> float:
        """Sum of their moves."""
        bars = self.moved
        return float(moves(self.base[bars], self.altered[bars]).sum())


@dataclass
class Prober:
    """Puts one strategy through every probe on one metal.

    Parameters
    ----------
    cells
        The points of the grid; the first is the chosen one.
    cuts
        Bars after which the history is rewritten, the most telling first.
    work
        Calls of the signal that may be spent; with more cells than they last for, each cell gets its share of the cuts.
    """

    runner: Runner
    history: History
    cells: Sequence[Cell]
    cuts: Sequence[int]
    work: int

    def __post_init__(self) -> None:
        calls = len(self.cells) * PROBES_A_CUT * max(1, len(self.cuts))
        self.stride = max(1, -(-calls // self.work))
        self._groups = self.runner.groups([cell.parameters for cell in self.cells])
        self.tried: set[tuple[int, int]] = set()  # (cell, cut)
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
        history, true = self.history, [cell.base for cell in self.cells]
        few = self.cuts[: min(4, max(2, len(self.cuts) // 6))]
        for number, cut in enumerate(self.cuts):
            yield from self._truncated(number, cut)
            turns = (*_TURNS[0], *_TURNS[1]) if number < len(self.cuts) // 4 else _TURNS[number % 2]
            for rewrite in turns:
                yield self._repeat("perturbation", rewrite, history, true, cut, self._taking_part(number))
        for number, cut in enumerate(few):
            for probe, rewrite in (("perturbation", "scrambled"), ("scale", "scaled"), ("vintage", "revised")):
                yield self._repeat(probe, rewrite, history, true, cut, self._taking_part(number))  # type: ignore[arg-type]
        middle = in_the_middle(history, len(few))
        for number, cut in enumerate(middle):
            cells = self._taking_part(number)
            yield self._repeat("vintage", "revised", history, true, cut, cells)
            hole = histories.with_hole(history, cut)
            in_hole = self._weights(hole, cells)
            for rewrite in ("raised", "lowered", "dropped"):
                yield self._repeat("gap", rewrite, hole, in_hole, cut, cells)
        late = histories.delayed(history)
        cells = self._taking_part(0)
        when_late = self._weights(late, cells)
        for cut in (*middle[:2], *few):
            for rewrite in ("raised", "lowered"):
                yield self._repeat("delay", rewrite, late, when_late, cut, cells)

    def _taking_part(self, turn: int) -> list[int]:
        """Which cells are probed at one cut: all, or the chosen one and every so many of the others in turn.

        Those that one call of the signal decides take turns together.
        """
        return [n for at, group in enumerate(self._groups) if at == 0 or (at + turn) % self.stride == 0 for n in group]

    def _weights(self, history: History, cells: Sequence[int], n_bars: int | None = None) -> Bases:
        """Weights by cell; ``None`` for those not asked and those that raise."""
        weights: list[np.ndarray | None] = [None] * len(self.cells)
        answers = self.runner.run_all(history, [self.cells[n].parameters for n in cells], n_bars)
        for number, answer in zip(cells, answers, strict=True):
            weights[number] = answer.weights
        return weights

    def _truncated(self, number: int, cut: int) -> Iterator[list[Sighting]]:
        """End the history at a bar.

        What only the end of the calendar moves, and not the end of the data, is judged at the ends of years: that a
        week or a month has ended is public knowledge, that the sample has is not.
        """
        cells = self._taking_part(number)
        short = self._weights(self.history, cells, cut + 1)
        moved = self._compare("truncation", "dropped", self.history, None, short, cut, cells)
        if not moved:
            return
        silent = self._weights(
            rewritten(self.history, histories.dropped, Future(self.history.decisions.iloc[cut])), cells
        )
        learned: list[Sighting] = []
        only_ended: list[Sighting] = []
        for sighting in moved:
            answer = silent[sighting.cell.number]
            by_data = answer is None or not equal(sighting.base[: cut + 1], answer[: cut + 1]).all()
            (learned if by_data else only_ended).append(sighting)
        yield learned
        suspects = [s.cell.number for s in only_ended if s.cell.number not in self._cleared]
        if suspects:
            yield from self._ends_of_years(suspects)

    def _ends_of_years(self, cells: list[int]) -> Iterator[list[Sighting]]:
        """The calendar cut at every end of a year: no bar before the week that is still open there may move."""
        index = self.history.index
        weeks = index.to_period("W").asi8
        for end in np.flatnonzero(index.year[:-1] != index.year[1:]):
            short = self._weights(self.history, cells, int(end) + 1)
            last = end if weeks[end] != weeks[end + 1] else np.searchsorted(weeks, weeks[end]) - 1
            seen = self._compare("truncation", "dropped", self.history, None, short, int(end), cells, ended=True)
            leaks = [s for s in seen if (s.moved <= last).any()]
            if leaks:
                yield leaks
                return
        self._cleared |= set(cells)

    def _repeat(
        self, probe: Probe, rewrite: str, history: History, bases: Bases, cut: int, cells: Sequence[int]
    ) -> list[Sighting]:
        altered = rewritten(history, REWRITES[rewrite], Future(history.decisions.iloc[cut]))
        return self._compare(probe, rewrite, history, bases, self._weights(altered, cells), cut, cells)

    def _compare(
        self,
        probe: Probe,
        rewrite: str,
        history: History,
        bases: Bases | None,
        altered: Bases,
        cut: int,
        cells: Sequence[int],
        *,
        ended: bool = False,
    ) -> list[Sighting]:
        found = []
        for number in cells:
            cell = self.cells[number]
            base, other = cell.base if bases is None else bases[number], altered[number]
            if base is None or other is None:
                continue
            self.tried.add((number, cut))
            sighting = Sighting(probe, rewrite, history, cell, base, other, cut, ended)
            if len(sighting.moved):
                found.append(sighting)
        return found


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
