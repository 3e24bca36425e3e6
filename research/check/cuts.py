"""Where to cut a history so that a leak hurts most."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np
import pandas as pd

from research.check.world import SEED, World


def choose_cuts(world: World, weights: np.ndarray, n_cuts: int) -> list[int]:
    """Return up to ``n_cuts`` positions of bars, the most telling first.

    Taken in turn from: bars at which the strategy moved (did it move because of what came next?),
    bars before the largest moves of an input, inside gaps and before the first value, at releases
    and just before them, at the ends and in the middle of periods, before the last bar, at random.
    """
    n_bars = len(weights)
    random = np.random.default_rng(SEED)
    decided = np.flatnonzero(~np.isnan(weights))
    first = int(decided[0]) if len(decided) else 0
    groups = [
        _moves(weights, random),
        _before_big_changes(world),
        list(random.integers(min(first, n_bars - 2), n_bars - 1, n_cuts)),
        _gaps(world),
        [n_bars - 2, *_releases(world, first, random)],
        _period_ends(world, first, random),
    ]
    cuts: list[int] = []
    for turn in zip_longest(*groups):
        cuts += [int(cut) for cut in turn if cut is not None and 1 <= cut <= n_bars - 2]
    return list(dict.fromkeys(cuts))[:n_cuts]


def year_ends(world: World, n_cuts: int) -> list[int]:
    """Bars that close a calendar year, spread over the history: every shorter period but the week ends there."""
    years = world.index.year.to_numpy()
    ends = np.flatnonzero(years[:-1] != years[1:])
    return [int(cut) for cut in ends[np.unique(np.linspace(0, len(ends) - 1, n_cuts).astype(int))]] if len(ends) else []


def in_the_middle(world: World, n_cuts: int) -> list[int]:
    """Bars spread over the part of the history in which every input is published."""
    begin = max((table["known_at"].iloc[0] for table in world.tables.values() if len(table)), default=None)
    first = 0 if begin is None else world.bars_at(pd.Series([begin]))[0]
    last = len(world.decisions) - 2
    spread = np.linspace(first, last, n_cuts + 2)[1:-1].astype(int)
    return list(dict.fromkeys(int(cut) for cut in spread if 1 <= cut <= last))


def _moves(weights: np.ndarray, random: np.random.Generator) -> list[int]:
    filled = pd.Series(weights).ffill().to_numpy()
    moved = np.flatnonzero(filled[1:] != filled[:-1]) + 1
    return [int(bar) for bar in random.permutation(moved)]


def _before_big_changes(world: World) -> list[int]:
    cuts: list[list[int]] = []
    for values in _aligned(world):
        with np.errstate(divide="ignore", invalid="ignore"):
            change = np.abs(np.diff(values) / np.maximum(np.abs(values[:-1]), 1e-12))
        change = np.where(np.isfinite(change), change, 0.0)
        cuts.append([int(bar) for bar in np.argsort(-change, kind="stable")[:8]])
    return [cut for turn in zip_longest(*cuts) for cut in turn if cut is not None]


def _gaps(world: World) -> list[int]:
    cuts = []
    for values in _aligned(world):
        known = ~np.isnan(values)
        if known.any():
            first = int(np.argmax(known))
            inside = np.flatnonzero(~known[first:]) + first
            ends = [bar for bar in inside if bar + 1 < len(known) and known[bar + 1]]
            cuts += [first - 1, *(int(bar) for bar in (*ends[:3], *inside[:: max(1, len(inside) // 4)]))]
    return cuts


def _releases(world: World, first: int, random: np.random.Generator) -> list[int]:
    cuts: list[int] = []
    for table in world.tables.values():
        known = world.bars_at(table["known_at"])
        bars = np.unique(known[(known > first) & (known < len(world.decisions))])
        for bar in random.permutation(bars)[:4]:
            cuts += [int(bar) - 1, int(bar)]
    return cuts


def _period_ends(world: World, first: int, random: np.random.Generator) -> list[int]:
    months = world.index.year.to_numpy() * 12 + world.index.month.to_numpy()
    ends = np.flatnonzero(np.diff(months))
    half = max(1, len(months) // (2 * len(np.unique(months))))
    chosen = [int(bar) for bar in random.permutation(ends[ends > first])[:4]]
    return [cut for bar in chosen for cut in (bar, bar - half)]


def _aligned(world: World) -> list[np.ndarray]:
    panel = world.panel()
    ids = sorted(identity for identity, dataset in world.datasets.items() if dataset.kind == "series")
    return [panel[identity].to_numpy() for identity in ids]
