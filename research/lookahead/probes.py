"""The probes: run the signal on histories whose future differs; what was decided before must not move."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from research.lookahead.cuts import TELLING, choose_cuts, in_the_middle, moves_of
from research.lookahead.history import Future, History, delayed, rewritten, rewritten_whole, with_hole
from research.lookahead.report import Coverage, Probe
from research.lookahead.runner import Cell, Runner, equal, moves
from research.many import alike

_WAYS = ("cut off", "raised", "lowered", "flat", "mirrored")
_EVERY_WAY, _THOROUGH = 3, 10  # cuts at which the future is changed in all ways, and in three; later ones see one
_ENOUGH = 12  # sightings that settle it
_MOST_CUTS, _MOST_CALLS = 100, 1_000  # for one metal, and calls of a signal on its histories, of up to three inputs

Weights = Mapping[int, np.ndarray]  # by the number of the cell


@dataclass(frozen=True)
class Probing:
    """What was done to the future of a history.

    Attributes
    ----------
    only_calendar
        The history ends here and no data are missing.
    """

    probe: Probe
    way: str
    base_history: History
    cut: int
    only_calendar: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Sighting(Probing):
    """A probe that moved something: enough to repeat it, narrower.

    Attributes
    ----------
    cell
        The point of the grid at which it was seen.
    base, altered
        Its weights on the history and on the one with another future.
    """

    cell: Cell
    base: np.ndarray
    altered: np.ndarray

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


class Prober:
    """Probes the cells of one history.

    Parameters
    ----------
    n_cuts
        Dates at which it is cut; by default ``TELLING`` and one for each change of position, up to a limit.
    everything
        No limit, and every cell at every cut, with the future changed in every way.
    """

    def __init__(
        self, runner: Runner, history: History, cells: Sequence[Cell], n_cuts: int | None, *, everything: bool
    ) -> None:
        self._runner, self._history, self._cells, self._everything = runner, history, cells, everything
        self._groups = alike([cell.parameters for cell in cells], runner.together)
        last = len(history.decisions) - 1
        self._changes = [(cell.number, int(bar)) for cell in cells for bar in moves_of(cell.base) if bar < last]
        share = -(-len(history.tables) // 3)
        most = len(history.decisions) if everything else max(TELLING, _MOST_CUTS // share)
        wanted = n_cuts or min(most, TELLING + len({bar for _, bar in self._changes}))
        self._cuts = choose_cuts(history, [cell.base for cell in cells], wanted)
        calls = len(self._groups) * share * (len(self._cuts) + 4 * min(len(self._cuts), _THOROUGH))
        self._stride = 1 if everything else math.ceil(calls / _MOST_CALLS)
        self._tried: set[tuple[int, int]] = set()
        self._cleared: set[int] = set()  # cells that know the ends of weeks and no more

    def sightings(self) -> list[Sighting]:
        """What moved, until one cell shows enough of it."""
        found: list[Sighting] = []
        for seen in self._all():
            found += seen
            if found and sum(s.cell is found[0].cell for s in found) >= _ENOUGH:
                break
        return found

    def coverage(self) -> Coverage:
        """How much was looked at so far."""
        return Coverage(
            cells=len({number for number, _ in self._tried}),
            cuts=len({cut for _, cut in self._tried}),
            moves=sum(change in self._tried for change in self._changes),
            of_moves=len(self._changes),
        )

    def _all(self) -> Iterator[list[Sighting]]:
        """Every probe, the strongest first."""
        for turn, cut in enumerate(self._cuts):
            for way in self._ways(turn):
                if way == "cut off":
                    yield from self._cut_off(cut, self._taking_part(turn))
                else:
                    yield self._rewrite("perturbation", way, cut, self._taking_part(turn))
        few, middle = self._cuts[:2], in_the_middle(self._history, 2)
        for turn, cut in enumerate([*few, *middle]):
            yield self._rewrite("vintage", "revised", cut, self._taking_part(turn))
        for turn, cut in enumerate(middle):
            yield from self._rewrite_strange("gap", with_hole(self._history, cut), [cut], self._taking_part(turn))
        yield from self._rewrite_strange("delay", delayed(self._history), [*few, *middle[:1]], self._taking_part(0))

    def _ways(self, turn: int) -> Sequence[str]:
        """What is done to the future at one cut."""
        if self._everything or turn < _EVERY_WAY:
            return _WAYS
        return (_WAYS[0], *_WAYS[1 + turn % 2 * 2 :][:2]) if turn < _THOROUGH else (_WAYS[turn % len(_WAYS)],)

    def _taking_part(self, turn: int) -> list[int]:
        """Which cells are probed at one cut; those that one call of the signal decides take turns together."""
        groups = enumerate(self._groups)
        return [n for at, group in groups if at == 0 or (at + turn) % self._stride == 0 for n in group]

    def _cut_off(self, cut: int, cells: Sequence[int]) -> Iterator[list[Sighting]]:
        """End the history at a bar.

        What only the end of the calendar moves, and not the end of the data, is judged at the ends of years: that a
        week or a month has ended is public knowledge, that the sample has is not.
        """
        moved = self._end(cut, cells)
        if not moved:
            return
        silent = self._weights(rewritten(self._history, "dropped", self._future(cut)), cells)
        learned = [s for s in moved if s.cell.number not in silent or len(s.moved_by(silent[s.cell.number]))]
        yield learned
        suspects = [s.cell.number for s in moved if s not in learned and s.cell.number not in self._cleared]
        index, weeks = self._history.index, self._history.index.to_period("W").asi8
        for end in np.flatnonzero(index.year[:-1] != index.year[1:]) if suspects else ():
            # no bar before the week that is still open there may move
            last = end if weeks[end] != weeks[end + 1] else np.searchsorted(weeks, weeks[end]) - 1
            leaks = [s for s in self._end(int(end), suspects, only_calendar=True) if (s.moved <= last).any()]
            if leaks:
                yield leaks
                return
        self._cleared |= set(suspects)

    def _end(self, cut: int, cells: Sequence[int], *, only_calendar: bool = False) -> list[Sighting]:
        probing = Probing("truncation", "dropped", self._history, cut, only_calendar)
        return self._moved(probing, self._weights(self._history, cells, cut + 1))

    def _rewrite(self, probe: Probe, way: str, cut: int, cells: Sequence[int]) -> list[Sighting]:
        """Rewrite the future after a cut."""
        altered = self._weights(rewritten(self._history, way, self._future(cut)), cells)
        return self._moved(Probing(probe, way, self._history, cut), altered)

    def _rewrite_strange(
        self, probe: Probe, strange: History, cuts: Iterable[int], cells: Sequence[int]
    ) -> Iterator[list[Sighting]]:
        """Rewrite the future of another history than the true one, on which the cells have weights of their own."""
        bases = self._weights(strange, cells)
        for cut in cuts:
            for way in ("raised", "lowered"):
                altered = self._weights(rewritten(strange, way, self._future(cut)), list(bases))
                yield self._moved(Probing(probe, way, strange, cut), altered, bases)

    def _weights(self, history: History, cells: Sequence[int], n_bars: int | None = None) -> Weights:
        """Weights of those cells that decide."""
        answers = self._runner.run_all(history, [self._cells[n].parameters for n in cells], n_bars)
        told = zip(cells, answers, strict=True)
        return {number: answer.weights for number, answer in told if answer.weights is not None}

    def _moved(self, probing: Probing, altered: Weights, bases: Weights | None = None) -> list[Sighting]:
        """The cells whose weights differ at or before the cut from those that they have otherwise."""
        self._tried |= {(number, probing.cut) for number in altered}
        bases = bases or {cell.number: cell.base for cell in self._cells}
        found = [
            Sighting(**vars(probing), cell=self._cells[number], base=bases[number], altered=weights)
            for number, weights in altered.items()
        ]
        return [sighting for sighting in found if len(sighting.moved)]

    def _future(self, cut: int) -> Future:
        return Future(self._history.decisions.iloc[cut])


def stable_bars(
    runner: Runner, history: History, cells: Sequence[tuple[Mapping[str, object], np.ndarray]]
) -> list[Cell]:
    """Mark the bars whose weight does not hang on the twelfth digit of an input.

    Rounding may break a tie either way, so those few are not judged. A signal that trembles all over is.
    """
    shaken = runner.run_all(rewritten_whole(history, "jittered"), [parameters for parameters, _ in cells])
    found = []
    for number, ((parameters, base), answer) in enumerate(zip(cells, shaken, strict=True)):
        stable = np.ones(len(base), dtype=bool)
        if answer.weights is not None:
            near = moves(base, answer.weights) <= 1e-6 * np.clip(np.abs(np.nan_to_num(base)), 1, 1e6)
            stable = near if near.mean() > 0.98 else stable
        found.append(Cell(number, parameters, base, stable))
    return found
