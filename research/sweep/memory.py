"""How long a strategy remembers, found by making it forget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from research.datasets.panel import Panel
from research.errors import AssayError
from research.sweep.grid import Grid
from research.thesis import Strategy

_CUTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
_SAME = 1e-9
_A_MOMENT = pd.Timedelta("1us")


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
