"""The probes: run the signal on histories whose future differs; what was decided before must not move.

A history is cut where a leak hurts most.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import zip_longest

import numpy as np

from research.lookahead.history import SEED, History, delayed, rewritten, with_hole
from research.lookahead.report import Coverage
from research.lookahead.runner import Cell, Runner, moves
from research.many import alike

TELLING = 24  # cuts
_WAYS = ("cut off", "raised", "lowered", "flat", "mirrored")
_EVERY_WAY, _THOROUGH = 3, 10  # cuts at which the future is changed in all ways, and in three; later ones see one
_ENOUGH = 12  # sightings that settle it
_MOST_CUTS, _MOST_CALLS = 100, 1_000  # for one metal, and calls of a signal on its histories, of up to three inputs

Weights = Mapping[int, np.ndarray]  # by the number of the cell


@dataclass(frozen=True, eq=False)
class Sighting:
    """What was done to the future of a history, and the cell that it moved: enough to repeat it, narrower.

    Attributes
    ----------
    cell
        The point of the grid at which it was seen.
    base, altered
        Its weights on the history and on the one with another future.
    only_calendar
        The history ends here and no data are missing.
    """

    probe: str
    way: str
    base_history: History
    cut: int
    cell: Cell
    base: np.ndarray
    altered: np.ndarray
    only_calendar: bool = False

    def sizes(self, weights: np.ndarray | None) -> np.ndarray:
        """How far each bar at or before the cut moves under other weights."""
        if weights is None:
            return np.zeros(1)
        here = slice(0, self.cut + 1)
        return np.asarray(moves(self.base[here], weights[here]) * self.cell.stable[here])

    @cached_property
    def moved(self) -> np.ndarray:
        """Positions of the bars that moved."""
        return np.flatnonzero(self.sizes(self.altered))


class Prober:
    """Probes the cells of one history.

    Parameters
    ----------
    n_cuts
        Dates at which it is cut; by default the 24 most telling and every other change of position, up to a limit.
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
        self._cuts = choose_cuts(history, [cell.base for cell in cells], n_cuts, most)
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
        history = self._history
        for turn, cut in enumerate(self._cuts):
            for way in self._ways(turn):
                if way == "cut off":
                    yield from self._cut_off(cut, self._taking_part(turn))
                else:
                    yield self._rewrite("perturbation", way, history, cut, self._taking_part(turn))
        few, middle = self._cuts[:2], in_the_middle(history, 2)
        for turn, cut in enumerate([*few, *middle]):
            yield self._rewrite("vintage", "revised", history, cut, self._taking_part(turn))
        strange = [("gap", with_hole(history, cut), [cut]) for cut in middle]
        strange.append(("delay", delayed(history), [*few, *middle[:1]]))
        for turn, (probe, other, cuts) in enumerate(strange):
            bases = self._weights(other, self._taking_part(turn))  # on such a history the cells have others
            for cut in cuts:
                for way in ("raised", "lowered"):
                    yield self._rewrite(probe, way, other, cut, bases)

    def _ways(self, turn: int) -> Sequence[str]:
        """What is done to the future at one cut."""
        if self._everything or turn < _EVERY_WAY:
            return _WAYS
        return (_WAYS[0], *_WAYS[1 + turn % 2 * 2 :][:2]) if turn < _THOROUGH else (_WAYS[turn % len(_WAYS)],)

    def _taking_part(self, turn: int) -> Weights:
        """Which cells are probed at one cut; those that one call of the signal decides take turns together."""
        groups = enumerate(self._groups)
        chosen = [n for at, group in groups if at == 0 or (at + turn) % self._stride == 0 for n in group]
        return {n: self._cells[n].base for n in chosen}

    def _cut_off(self, cut: int, cells: Weights) -> Iterator[list[Sighting]]:
        """End the history after a cut; who also moves when only the data end has learned from these.

        Who moves with the end of the calendar, and not the end of the data, is judged at the ends of years: that a
        week or a month has ended is public knowledge, that the sample has is not.
        """
        moved = self._end(cut, cells)
        if not moved:
            return
        silent = self._weights(rewritten(self._history, "dropped", self._history.decisions.iloc[cut]), cells)
        learned = [s for s in moved if s.cell.number not in silent or s.sizes(silent[s.cell.number]).any()]
        yield learned
        suspects = {s.cell.number: s.base for s in moved if s not in learned and s.cell.number not in self._cleared}
        index, weeks = self._history.index, self._history.index.to_period("W").asi8
        for end in np.flatnonzero(index.year[:-1] != index.year[1:]) if suspects else ():
            # no bar before the week that is still open there may move
            last = end if weeks[end] != weeks[end + 1] else np.searchsorted(weeks, weeks[end]) - 1
            leaks = [s for s in self._end(int(end), suspects, only_calendar=True) if (s.moved <= last).any()]
            if leaks:
                yield leaks
                return
        self._cleared |= set(suspects)

    def _end(self, cut: int, cells: Weights, *, only_calendar: bool = False) -> list[Sighting]:
        seen = partial(Sighting, "truncation", "dropped", self._history, cut, only_calendar=only_calendar)
        return self._moved(seen, cells, self._weights(self._history, cells, cut + 1))

    def _rewrite(self, probe: str, way: str, history: History, cut: int, cells: Weights) -> list[Sighting]:
        """Rewrite the future of a history after a cut."""
        altered = self._weights(rewritten(history, way, history.decisions.iloc[cut]), cells)
        return self._moved(partial(Sighting, probe, way, history, cut), cells, altered)

    def _weights(self, history: History, cells: Iterable[int], n_bars: int | None = None) -> Weights:
        """Weights of those cells that decide."""
        chosen = list(cells)
        answers = self._runner.run_all(history, [self._cells[n].parameters for n in chosen], n_bars)
        told = zip(chosen, answers, strict=True)
        return {number: answer.weights for number, answer in told if answer.weights is not None}

    def _moved(self, seen: Callable[..., Sighting], cells: Weights, altered: Weights) -> list[Sighting]:
        """The cells whose weights differ at or before the cut from those that they have otherwise."""
        found = [seen(self._cells[n], cells[n], weights) for n, weights in altered.items()]
        self._tried |= {(sighting.cell.number, sighting.cut) for sighting in found}
        return [sighting for sighting in found if len(sighting.moved)]


def stable_bars(
    runner: Runner, history: History, cells: Sequence[tuple[Mapping[str, object], np.ndarray]]
) -> list[Cell]:
    """Mark the bars whose weight does not hang on the twelfth digit of an input.

    Rounding may break a tie either way, so those few are not judged. A signal that trembles all over is.
    """
    shaken = runner.run_all(rewritten(history, "jittered"), [parameters for parameters, _ in cells])
    found = []
    for number, ((parameters, base), answer) in enumerate(zip(cells, shaken, strict=True)):
        stable = np.ones(len(base), dtype=bool)
        if answer.weights is not None:
            near = moves(base, answer.weights) <= 1e-6 * np.clip(np.abs(np.nan_to_num(base)), 1, 1e6)
            stable = near if near.mean() > 0.98 else stable
        found.append(Cell(number, parameters, base, stable))
    return found


def choose_cuts(history: History, cells: Sequence[np.ndarray], n_cuts: int | None, most: int) -> list[int]:
    """Return positions of bars, the most telling first.

    24 are taken in turn from: bars at which a strategy moved into one of its rarest states (did it move because of
    what came next?), bars before the largest moves of an input, bars at the edges of gaps, of which the start and the
    end of the data are two, and any bars. After them come all other moves of all cells.

    Parameters
    ----------
    cells
        Weights of each point of the grid.
    n_cuts
        How many, if not all of these.
    most
        How many at most, if all of these.
    """
    last = len(history.decisions) - 2
    random = np.random.default_rng(SEED)
    first = min(int(np.argmax(~np.isnan(cells[0]))), last)
    moves = _rare_moves(cells, random)
    anywhere = random.integers(first, last + 1, n_cuts or TELLING).tolist()
    big, edges = _events(history)
    turns = _interleaved([moves[::2], big, [*edges, last], moves[1::2], anywhere])
    turns, moves = (list(dict.fromkeys(cut for cut in cuts if 0 <= cut <= last)) for cuts in (turns, moves))
    best = list(dict.fromkeys([*turns[:TELLING], *moves]))
    return best[:most] if n_cuts is None else list(dict.fromkeys([*best, *turns]))[:n_cuts]


def moves_of(weights: np.ndarray) -> np.ndarray:
    """Positions of the bars at which a decision differs from the one before, and of the first."""
    decided = np.flatnonzero(~np.isnan(weights))
    return decided[np.append(True, np.diff(weights[decided]) != 0)] if len(decided) else decided


def in_the_middle(history: History, n_cuts: int) -> list[int]:
    """Bars spread over the part of the history in which every input is published."""
    begun = [history.bars_at(table["known_at"][:1])[0] for table in history.tables.values() if len(table)]
    last = len(history.decisions) - 2
    spread = np.linspace(max(begun, default=0), last, n_cuts + 2)[1:-1].astype(int)
    return list(dict.fromkeys(int(cut) for cut in spread if 1 <= cut <= last))


def _interleaved(groups: Iterable[Iterable[int]]) -> list[int]:
    """The first of each, the second of each, and so on, without those that are gone."""
    return [int(cut) for turn in zip_longest(*groups) for cut in turn if cut is not None]


def _rare_moves(cells: Sequence[np.ndarray], random: np.random.Generator) -> list[int]:
    """The moves of every cell in turn, those into the states that it is least often in first."""
    ordered = []
    for weights in cells[:64]:
        bars = random.permutation(moves_of(weights))
        _, states, counts = np.unique(weights, return_inverse=True, return_counts=True)
        ordered.append(bars[np.argsort(counts[states[bars]], kind="stable")])
    return list(dict.fromkeys(_interleaved(ordered)))


def _events(history: History) -> tuple[list[int], list[int]]:
    """Bars before the largest changes of each input, and last bars of what is known and of what is not."""
    panel, changes, edges = history.panel(), [], []
    for identity in sorted(identity for identity, dataset in history.datasets.items() if dataset.kind == "series"):
        values = panel[identity].to_numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            change = np.abs(np.diff(values) / np.maximum(np.abs(values[:-1]), 1e-12))
        changes.append(np.argsort(-np.where(np.isfinite(change), change, 0.0), kind="stable")[:8])
        edges.append(np.flatnonzero(np.diff(np.isnan(values)))[:8])
    return _interleaved(changes), _interleaved(edges)
