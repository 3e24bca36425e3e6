"""Where to cut a history so that a leak hurts most."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
import pandas as pd

from research.lookahead.history import SEED, History

IN_TURN = 24


def choose_cuts(history: History, cells: Sequence[np.ndarray], n_cuts: int) -> list[int]:
    """Return up to ``n_cuts`` positions of bars, the most telling first.

    24 are taken in turn from: bars at which a strategy moved into one of its rarest states (did it move because of
    what came next?), bars before the largest moves of an input, inside gaps and before the first value, at releases
    and just before them, at the ends and in the middle of periods, before the last bar, at random. After them come
    all other moves of all cells.

    Parameters
    ----------
    cells
        Weights of each point of the grid.
    """
    n_bars = len(history.decisions)
    random = np.random.default_rng(SEED)
    decided = np.flatnonzero(~np.isnan(cells[0]))
    first = int(decided[0]) if len(decided) else 0
    groups = [
        _rare_moves(cells, random),
        _before_big_changes(history),
        list(random.integers(min(first, n_bars - 2), n_bars - 1, n_cuts)),
        _gaps(history),
        [n_bars - 2, *_releases(history, first, random)],
        _period_ends(history, first, random),
    ]
    in_turn = zip_longest(groups[0][::2], *groups[1:3], groups[0][1::2], *groups[3:])
    turns = [int(cut) for turn in in_turn for cut in turn if cut is not None and 1 <= cut <= n_bars - 2]
    first_of_all = list(dict.fromkeys(turns))[:IN_TURN]
    moves = [cut for cut in groups[0] if 1 <= cut <= n_bars - 2]
    return list(dict.fromkeys([*first_of_all, *moves, *turns]))[:n_cuts]


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


def _rare_moves(cells: Sequence[np.ndarray], random: np.random.Generator) -> list[int]:
    """The moves of every cell in turn, those into the states that it is least often in first."""
    ordered = []
    for weights in cells[:64]:
        bars = random.permutation(moves_of(weights))
        _, states, counts = np.unique(weights, return_inverse=True, return_counts=True)
        ordered.append(bars[np.argsort(counts[states[bars]], kind="stable")])
    return list(dict.fromkeys(int(bar) for turn in zip_longest(*ordered) for bar in turn if bar is not None))


def _before_big_changes(history: History) -> list[int]:
    cuts: list[list[int]] = []
    for values in _aligned(history):
        with np.errstate(divide="ignore", invalid="ignore"):
            change = np.abs(np.diff(values) / np.maximum(np.abs(values[:-1]), 1e-12))
        change = np.where(np.isfinite(change), change, 0.0)
        cuts.append([int(bar) for bar in np.argsort(-change, kind="stable")[:8]])
    return [cut for turn in zip_longest(*cuts) for cut in turn if cut is not None]


def _gaps(history: History) -> list[int]:
    cuts = []
    for values in _aligned(history):
        known = ~np.isnan(values)
        if known.any():
            first = int(np.argmax(known))
            inside = np.flatnonzero(~known[first:]) + first
            ends = [bar for bar in inside if bar + 1 < len(known) and known[bar + 1]]
            cuts += [first - 1, *(int(bar) for bar in (*ends[:3], *inside[:: max(1, len(inside) // 4)]))]
    return cuts


def _releases(history: History, first: int, random: np.random.Generator) -> list[int]:
    cuts: list[int] = []
    for table in history.tables.values():
        known = history.bars_at(table["known_at"])
        bars = np.unique(known[(known > first) & (known < len(history.decisions))])
        for bar in random.permutation(bars)[:4]:
            cuts += [int(bar) - 1, int(bar)]
    return cuts


def _period_ends(history: History, first: int, random: np.random.Generator) -> list[int]:
    months = history.index.year.to_numpy() * 12 + history.index.month.to_numpy()
    ends = np.flatnonzero(np.diff(months))
    half = max(1, len(months) // (2 * len(np.unique(months))))
    chosen = [int(bar) for bar in random.permutation(ends[ends > first])[:4]]
    return [cut for bar in chosen for cut in (bar, bar - half)]


def _aligned(history: History) -> list[np.ndarray]:
    panel = history.panel()
    ids = sorted(identity for identity, dataset in history.datasets.items() if dataset.kind == "series")
    return [panel[identity].to_numpy() for identity in ids]
