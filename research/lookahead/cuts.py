"""Where to cut a history so that a leak hurts most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

import numpy as np
import pandas as pd

from research.lookahead.history import SEED, History

TELLING = 24


def choose_cuts(history: History, cells: Sequence[np.ndarray], n_cuts: int) -> list[int]:
    """Return up to ``n_cuts`` positions of bars, the most telling first.

    24 are taken in turn from: bars at which a strategy moved into one of its rarest states (did it move because of
    what came next?), bars before the largest moves of an input, bars at the edges of gaps, of which the start and the
    end of the data are two, and any bars. After them come all other moves of all cells.

    Parameters
    ----------
    cells
        Weights of each point of the grid.
    """
    last = len(history.decisions) - 2
    random = np.random.default_rng(SEED)
    first = min(int(np.argmax(~np.isnan(cells[0]))), last)
    moves = _rare_moves(cells, random)
    anywhere = random.integers(first, last + 1, n_cuts).tolist()
    big, edges = _events(history)
    turns = _interleaved([moves[::2], big, [*edges, last], moves[1::2], anywhere])
    telling, moves, turns = ([cut for cut in cuts if 0 <= cut <= last] for cuts in (turns, moves, turns))
    return list(dict.fromkeys([*list(dict.fromkeys(telling))[:TELLING], *moves, *turns]))[:n_cuts]


def moves_of(weights: np.ndarray) -> np.ndarray:
    """Positions of the bars at which a decision differs from the one before, and of the first."""
    decided = np.flatnonzero(~np.isnan(weights))
    return decided[np.append(True, np.diff(weights[decided]) != 0)] if len(decided) else decided


def in_the_middle(history: History, n_cuts: int) -> list[int]:
    """Bars spread over the part of the history in which every input is published."""
    begin = max((table["known_at"].iloc[0] for table in history.tables.values() if len(table)), default=None)
    first = 0 if begin is None else history.bars_at(pd.Series([begin]))[0]
    last = len(history.decisions) - 2
    spread = np.linspace(first, last, n_cuts + 2)[1:-1].astype(int)
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
