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
    what came next?), bars before the largest moves of an input, inside gaps and before the first value, at releases
    and just before them, at the ends and in the middle of periods, before the last bar, at random. After them come
    all other moves of all cells.

    Parameters
    ----------
    cells
        Weights of each point of the grid.
    """
    last = len(history.decisions) - 2
    random = np.random.default_rng(SEED)
    first = min(int(np.argmax(~np.isnan(cells[0]))), last)
    moves, aligned = _rare_moves(cells, random), _aligned(history)
    anywhere = random.integers(first, last + 1, n_cuts).tolist()
    published, ends = [last, *_releases(history, first, random)], _period_ends(history, first, random)
    big = _before_big_changes(aligned)
    turns = _interleaved([moves[::2], big, anywhere, moves[1::2], _gaps(aligned), published, ends])
    telling, moves, turns = ([cut for cut in cuts if 1 <= cut <= last] for cuts in (turns, moves, turns))
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


def _before_big_changes(aligned: Sequence[np.ndarray]) -> list[int]:
    cuts = []
    for values in aligned:
        with np.errstate(divide="ignore", invalid="ignore"):
            change = np.abs(np.diff(values) / np.maximum(np.abs(values[:-1]), 1e-12))
        cuts.append(np.argsort(-np.where(np.isfinite(change), change, 0.0), kind="stable")[:8])
    return _interleaved(cuts)


def _gaps(aligned: Sequence[np.ndarray]) -> list[int]:
    cuts: list[int] = []
    for values in aligned:
        known = ~np.isnan(values)
        if known.any():
            first = int(np.argmax(known))
            inside = np.flatnonzero(~known[first:]) + first
            ends = inside[known[np.minimum(inside + 1, len(known) - 1)]]
            cuts += [first - 1, *ends[:3], *inside[:: max(1, len(inside) // 4)]]
    return cuts


def _releases(history: History, first: int, random: np.random.Generator) -> list[int]:
    cuts: list[int] = []
    for table in history.tables.values():
        known = history.bars_at(table["known_at"])
        bars = np.unique(known[(known > first) & (known < len(history.decisions))])
        for bar in random.permutation(bars)[:4]:
            cuts += [bar - 1, bar]
    return cuts


def _period_ends(history: History, first: int, random: np.random.Generator) -> list[int]:
    months = history.index.year.to_numpy() * 12 + history.index.month.to_numpy()
    ends = np.flatnonzero(np.diff(months))
    half = max(1, len(months) // (2 * len(np.unique(months))))
    return [cut for bar in random.permutation(ends[ends > first])[:4] for cut in (bar, bar - half)]


def _aligned(history: History) -> list[np.ndarray]:
    panel = history.panel()
    ids = sorted(identity for identity, dataset in history.datasets.items() if dataset.kind == "series")
    return [panel[identity].to_numpy() for identity in ids]
