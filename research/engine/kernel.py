"""The fast path: the metal-and-bills account of thousands of variants, equal to vectorbt to 1e-10.

:func:`sweep` gives the summary statistics of many target series, :func:`paths` their equity, and
:func:`placebo_shifts` the statistic of one series shifted in a circle. The engine of record stays
:mod:`research.engine.portfolio`; both keep to these rules.

- *Targets are decisions.* A target at bar ``t`` is the weight decided there, and it is filled at the price
  of bar ``t + delay``. The delay is applied here, once, and is at least 1: there is no way to pass targets
  that were delayed before. NaN keeps the position as it is, in units, not in weight.
- *The account* starts with a capital of 1 in cash, which earns nothing until the first fill puts the weight
  ``w`` into metal and ``1 - w`` into bills (``w < 0`` is short, ``w > 1`` borrows at the bill rate). At a
  fill the smaller of the two orders goes first (metal on a tie), so that sells come before buys, and a buy
  is cut to the cash at hand. Buying a value ``x`` of metal costs ``x (1 + slippage) (1 + fees)``, selling
  it yields ``x (1 - slippage) (1 - fees)``; bills trade free.
- *Carry*: after a fill with ``w > 0`` metal loses ``storage * year_fraction`` a bar, after one with
  ``w < 0`` what is owed grows by ``borrow * year_fraction``, after ``w = 0`` neither.
- *Ruin*: an account worth zero or less at a bar's price is closed there and stays at exactly 0. (vectorbt
  lets it go on below zero, refuses its orders, and revives it if the price comes back.)
- *Returns* start at the first fill. The first spans the bar of the fill and the next one and bears the cost
  of entry, so that the returns compound to the total return. Before the first fill equity is NaN.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from research.engine.regression import regress
from research.engine.summary import Summary, summarise
from research.engine.traded_market import TradedMarket
from research.errors import ExecutionError, SignalError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_ROWS_AT_ONCE = 64
_WORTH_A_THREAD = 200_000  # bars times variants


def sweep(
    targets: NDArray[Any] | Iterable[ArrayLike],
    market: TradedMarket,
    *,
    hac_lags: int | None = None,
    threads: int | None = None,
) -> Summary:
    """Run the account of every variant and summarise it in one pass.

    Parameters
    ----------
    targets
        Decided weights, an array of shape ``(n_variants, n_bars)`` or ``(n_bars,)``; or an iterable of such
        blocks, of which one is held at a time, so that memory does not grow with the number of variants.
    market
        Prices, bills and terms of trade.
    hac_lags
        Lags of the Newey-West variance of alpha; by default the classical variance.
    threads
        Threads to use, by default one a core. The result does not depend on it.

    Returns
    -------
    Summary
        Arrays of shape ``(n_variants,)``, in the order of the targets.

    Raises
    ------
    ExecutionError
        If ``hac_lags`` is negative.
    SignalError
        If targets have the wrong shape, or one to be filled is infinite.
    """
    window = _window(hac_lags)
    tables: list[Floats] = []
    for block in _blocks(targets):
        rows = _rows(block, market.n_bars)
        row_of, offset_of = np.arange(len(rows)), np.full(len(rows), -market.delay)
        table = _evaluate(market, market.start, rows, row_of, offset_of, threads, window=window)
        tables.append(_without_infinite(table, sum(map(len, tables))))
    return summarise(tables, market, window)


def paths(targets: ArrayLike, market: TradedMarket, *, threads: int | None = None) -> Floats:
    """Equity of every variant after the fills of each bar, from a capital of 1.

    Parameters and errors are those of :func:`sweep`.

    Returns
    -------
    ndarray of shape (n_variants, n_bars)
        NaN before the first fill, 1 less the cost of entry at its bar, and 0 from ruin on.
    """
    rows = _rows(targets, market.n_bars)
    equity = np.full((len(rows), market.n_bars), np.nan)
    row_of, offset_of = np.arange(len(rows)), np.full(len(rows), -market.delay)
    _without_infinite(_evaluate(market, market.start, rows, row_of, offset_of, threads, equity=equity))
    return equity


def placebo_shifts(target: ArrayLike, shifts: ArrayLike, market: TradedMarket, *, threads: int | None = None) -> Floats:
    """White t statistics of the timing alpha of one strategy whose decisions are shifted in a circle.

    The circle runs from the first decision to the last bar. With ``N`` bars in it, shift ``k`` decides at its bar ``j``
    what the strategy decides at bar ``(j - k) mod N``; one that begins inside a kept position begins with it. So all
    accounts open at one bar, and shift 0 is the strategy itself. No shifted series is ever stored.

    Of the periods after the first fill, with the account's excess return ``x`` (costs included), the metal's ``m`` and
    the mean ``h`` of the weights wanted into all earlier periods (into the first one, its own), the statistic is that
    of ``alpha`` in ``x - h m = alpha + beta m + e`` by least squares, with White's error (1980). A ruined account loses
    all in the period of ruin and earns nothing later, not even on bills.

    Parameters
    ----------
    target
        Decided weights of one variant, shape ``(n_bars,)``.
    shifts
        Whole numbers of bars, of either sign, shape ``(n_shifts,)``.

    The other parameters and the errors are those of :func:`sweep`.

    Returns
    -------
    ndarray of shape (n_shifts,)
        NaN where the metal explains the account exactly, and where the account never opens.

    References
    ----------
    White (1980); So and Shin (1999) for the average so far.
    """
    from research.engine import _ledger

    steps = np.atleast_1d(np.asarray(shifts))
    if steps.size and steps.dtype.kind not in "iu":
        raise SignalError(f"shifts: {steps.dtype} does not count bars; pass whole numbers")
    decided = _rows(target, market.n_bars)[0]
    known = np.flatnonzero(~np.isnan(decided))
    first = int(known[0]) if known.size else market.n_bars
    opened = max(first + market.delay, market.start)
    if opened >= market.n_bars:
        return np.full(steps.size, np.nan)
    circle = np.concatenate([decided[first:]] * 2)[None, :]
    back = np.mod(-steps.astype(np.int64), circle.size // 2)
    row_of, mix = np.zeros(steps.size, dtype=np.int64), market.over_mix(opened)
    table = _evaluate(market, opened, circle, row_of, back - first - market.delay, threads, mix=mix)
    sums = _without_infinite(table).T[_ledger.X : _ledger.XXMM + 1]
    of_metal, n = market.tails[opened + 1, :4, None], np.full(steps.size, market.n_bars - 1.0 - opened)
    fit = regress(sums, of_metal, n)
    statistics: Floats = fit.alpha / np.sqrt(fit.white_variance)
    return statistics


def _evaluate(
    market: TradedMarket,
    start: int,
    rows: Floats,
    row_of: Integers,
    offset_of: Integers,
    threads: int | None,
    *,
    window: int = 0,
    equity: Floats | None = None,
    mix: tuple[Floats, Floats] | None = None,
) -> Floats:
    """Fill the table of sums, a few variants at a time, on as many threads as the work is worth."""
    from research.engine import _ledger  # the compiler is needed from here on, not before

    table = np.empty((row_of.size, _ledger.N_COLUMNS))
    share, mix_tails = mix or (np.zeros(market.n_bars), np.empty((0, 0)))

    terms = (
        *(market.metal_index, market.bill_index, market.accrual, market.metal_excess, market.tails, market.blocks),
        *(share, mix_tails, market.buy_factor, market.sell_factor),
    )

    def run(low: int) -> None:
        part = slice(low, low + _ROWS_AT_ONCE)
        _ledger.evaluate(
            rows,
            row_of[part],
            offset_of[part],
            start,
            terms,
            window,
            equity is not None,
            np.empty((0, 0)) if equity is None else equity[part],
            table[part],
        )

    parts = range(0, row_of.size, _ROWS_AT_ONCE)
    workers = min(threads or _cores(), len(parts), 1 + row_of.size * market.n_bars // _WORTH_A_THREAD)
    if workers <= 1:
        for low in parts:
            run(low)
        return table
    pool = ThreadPoolExecutor(workers)
    try:
        list(pool.map(run, parts))
    finally:
        pool.shutdown(cancel_futures=True)
    return table


def _without_infinite(table: Floats, before: int = 0) -> Floats:
    """Return the table, unless the compiled loop met an infinite target; `before` variants came before it."""
    from research.engine import _ledger

    found = np.flatnonzero(table[:, _ledger.INFINITE_AT] >= 0)
    if found.size:
        bar = int(table[found[0], _ledger.INFINITE_AT])
        raise SignalError(f"targets: variant {before + found[0]} asks for an infinite weight at bar {bar}; bound it")
    return table


def _blocks(targets: NDArray[Any] | Iterable[ArrayLike]) -> Iterator[ArrayLike]:
    """One matrix is one block; anything else that can be walked through is blocks."""
    if isinstance(targets, np.ndarray):
        yield targets
    else:
        yield from targets


def _rows(block: ArrayLike, n_bars: int) -> Floats:
    rows: Floats = np.atleast_2d(np.ascontiguousarray(block, dtype=np.float64))
    if rows.ndim != 2 or rows.shape[1] != n_bars:
        raise SignalError(f"targets: shape {np.shape(block)} is not (variants, {n_bars} bars); one row a variant")
    return rows


def _window(hac_lags: int | None) -> int:
    """Width of the Bartlett window, 0 for the classical variance."""
    if hac_lags is None:
        return 0
    if hac_lags < 0:
        raise ExecutionError(f"hac_lags: {hac_lags} is no number of lags; use 0 or more")
    return hac_lags + 1


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
