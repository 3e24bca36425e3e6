"""Dates written in the rule: what a strategy decides by the calendar of one history.

All dates move by 56 years, later and earlier, and everything else stays: every date keeps its weekday, its place in
the month and in the leap years. A seasonal rule decides as before. A date that splits the history in two, as an
inception or a change of regime does, moves what lies on one side under the one shift and what lies on the other side
under the other. Only spans that a date opens and a later one closes move under both, and these are reported, with the
share of the result that they carry. Spans at regular distances are a schedule, published beforehand, and no fault.
Others are called hindsight where nothing but dates decides, or where hardly any shift of the same spans in time would
have carried as much: dates chosen without knowing what happened do not sit that well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from research.datasets.data import Data
from research.execution import Execution
from research.lookahead.history import History, dates_moved, history_of, rewritten
from research.lookahead.report import DatedBars
from research.lookahead.runner import Cell, Decided, Reachable, Runner, equal, held, same
from research.lookahead.watch import Watch
from research.thesis import Strategy

_YEARS = 56
_FEWEST = 6  # spans that make a schedule


def dated_bars(
    strategy: Strategy,
    data: Data,
    metal: str,
    *,
    parameters: Mapping[str, object] | None = None,
    start: str | None = None,
    end: str | None = None,
    execution: Execution | None = None,
    decided: pd.Series | None = None,
) -> DatedBars | None:
    """What dates written in the rule decide on one metal, for a page about the result; ``None`` if nothing.

    Parameters
    ----------
    strategy
        The strategy.
    data
        What it is run on.
    metal
        Which metal.
    parameters
        Values other than the defaults, by name.
    start
        First bar, ``YYYY`` or ``YYYY-MM-DD``.
    end
        Last bar, ``YYYY`` or ``YYYY-MM-DD``.
    execution
        Terms of trade; by default ``Execution()``.
    decided
        The weights that it decided on these bars, where they are known; by default they are decided again.

    Raises
    ------
    NoData, UnknownDataset
        If the data do not hold what the strategy declares.
    """
    history = history_of(strategy, data, metal, start, end)
    chosen = strategy.parameters(parameters)
    runner = Runner(strategy, chosen, Reachable(strategy.signal), Watch())
    base = runner.run(history).weights if decided is None else decided.reindex(history.index).to_numpy()
    if base is None:
        return None
    cell = Cell(0, chosen, base, np.ones(len(base), dtype=bool))
    found, _ = find_dates(runner, history, [cell], data, execution or Execution())
    runner.state.restore()
    return found


def find_dates(
    runner: Runner, history: History, cells: Sequence[Cell], data: Data, execution: Execution
) -> tuple[DatedBars | None, str | None]:
    """The dated bars of the first cell that has any, and a note on a date that splits the history in two."""

    def differs(cell: Cell, weights: np.ndarray | None) -> np.ndarray:
        return np.zeros(1, bool) if weights is None else ~equal(held(cell.base), held(weights)) & cell.stable

    def decided(years: int) -> list[Decided]:
        return runner.run_all(dates_moved(history, years), [cell.parameters for cell in cells])

    all_later, split = decided(_YEARS), None
    if not any(differs(cell, later.weights).any() for cell, later in zip(cells, all_later, strict=True)):
        return None, None  # whatever the other shift does
    for cell, later, earlier in zip(cells, all_later, decided(-_YEARS), strict=True):
        moved = differs(cell, later.weights), differs(cell, earlier.weights)
        bars = np.flatnonzero(moved[0] & moved[1])
        if later.weights is not None and len(bars):
            return _weigh(runner, history, cell, later.weights, bars, data, execution), split
        if moved[0].any() and moved[1].any() and split is None:
            since = history.index[np.flatnonzero(moved[1])[0]]
            split = f"{history.metal}: one date in the rule splits its history: other decisions since {since:%Y-%m-%d}"
    return None, split


def _weigh(
    runner: Runner, history: History, cell: Cell, other: np.ndarray, bars: np.ndarray, data: Data, execution: Execution
) -> DatedBars:
    """What the dated bars of a cell carry, beside the weights that it has without them."""
    index = history.index
    market = data.market(history.metal, f"{index[0]:%Y-%m-%d}", f"{index[-1]:%Y-%m-%d}")
    excess = (market.price.pct_change() - market.bill_accrual).reindex(index)
    ahead = excess.shift(-execution.delay - 1).fillna(0.0).to_numpy()
    added = np.zeros(len(index))
    added[bars] = held(cell.base)[bars] - held(other)[bars]
    carried = float(added @ ahead)
    shifts = np.fft.irfft(np.conj(np.fft.rfft(added)) * np.fft.rfft(ahead), len(added))
    years = len(index) / market.periods_per_year
    breaks = np.flatnonzero(np.diff(bars) > 1)
    firsts, lasts = bars[np.append(0, breaks + 1)], bars[np.append(breaks, len(bars) - 1)]
    schedule, p_shifted = _is_schedule(index, firsts, lasts), float((shifts >= carried - 1e-12).mean())
    inputs_matter = any(
        not same(cell.base, runner.run_all(rewritten(history, way), [cell.parameters])[0].weights)
        for way in ("mirrored", "raised", "lowered")
    )
    return DatedBars(
        metal=history.metal,
        parameters=dict(cell.parameters),
        kind="schedule" if schedule else "periods",
        spans=tuple((index[a], index[b]) for a, b in zip(firsts, lasts, strict=True)),
        n_bars=len(bars),
        share_of_bars=len(bars) / len(index),
        carried=carried / years,
        total=float(held(cell.base) @ ahead) / years,
        p_shifted=p_shifted,
        inputs_matter=inputs_matter,
        accused=not schedule and (p_shifted <= 0.01 or not inputs_matter),
    )


def _is_schedule(index: pd.DatetimeIndex, firsts: np.ndarray, lasts: np.ndarray) -> bool:
    """Whether there are several spans, all short, at distances that vary by less than half of their mean."""
    if len(firsts) < _FEWEST:
        return False
    gaps = np.diff(index.asi8[firsts])
    lengths = lasts - firsts + 1
    return bool(gaps.std() < 0.5 * gaps.mean() and np.median(lengths) <= 0.5 * np.median(np.diff(firsts)))
