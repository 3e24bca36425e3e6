"""The fast path: the metal-and-bills account of thousands of variants, equal to vectorbt to 1e-10.

``sweep`` gives the summary statistics of many target series, ``paths`` their equity. The engine of record
stays ``research.engine.portfolio``; both keep to these rules.

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

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from research.engine._threads import in_threads
from research.engine.summary import Summary, summarise
from research.engine.traded_market import TradedMarket
from research.errors import SignalError
from research.units import Floats

_ROWS_AT_ONCE = 64


def sweep(
    targets: NDArray[np.generic] | Iterable[ArrayLike],
    market: TradedMarket,
    *,
    threads: int | None = None,
    equity: Floats | None = None,
) -> Summary:
    """Run the account of every variant and summarise it in one pass.

    Parameters
    ----------
    targets
        Decided weights, an array of shape ``(n_variants, n_bars)`` or ``(n_bars,)``; or an iterable of such
        blocks, of which one is held at a time, so that memory does not grow with the number of variants.
    market
        Prices, bills and terms of trade.
    threads
        Threads to use, by default one a core. The result does not depend on it.
    equity
        Of one array of targets: NaN ``(n_variants, n_bars)``, which takes what ``paths`` gives.

    Returns
    -------
    Summary
        Arrays of shape ``(n_variants,)``, in the order of the targets.

    Raises
    ------
    SignalError
        If targets have the wrong shape, or one to be filled is infinite.
    """
    from research.engine import _ledger  # the compiler is needed from here on, not before

    tables: list[Floats] = []
    for block in [targets] if isinstance(targets, np.ndarray) else targets:  # one matrix is one block
        table = _evaluate(_rows(block, market.n_bars), market, threads, equity)
        infinite = np.flatnonzero(table[:, _ledger.INFINITE_AT] >= 0)
        if infinite.size:
            variant, bar = sum(map(len, tables)) + infinite[0], int(table[infinite[0], _ledger.INFINITE_AT])
            raise SignalError(f"targets: variant {variant} asks for an infinite weight at bar {bar}; bound it")
        tables.append(table)
    return summarise(tables, market)


def paths(targets: ArrayLike, market: TradedMarket, *, threads: int | None = None) -> Floats:
    """Equity of every variant after the fills of each bar, from a capital of 1.

    Parameters and errors are those of ``sweep``.

    Returns
    -------
    ndarray of shape (n_variants, n_bars)
        NaN before the first fill, 1 less the cost of entry at its bar, and 0 from ruin on.
    """
    rows = _rows(targets, market.n_bars)
    equity = np.full(rows.shape, np.nan)
    sweep(rows, market, threads=threads, equity=equity)
    return equity


def _evaluate(rows: Floats, market: TradedMarket, threads: int | None, equity: Floats | None) -> Floats:
    """Fill the table of sums, a few variants at a time, on as many threads as the work is worth."""
    from research.engine import _ledger

    table = np.empty((len(rows), _ledger.N_COLUMNS))
    terms = market.growth, market.accrual, market.metal_excess, market.buy_factor, market.sell_factor

    def run(low: int) -> None:
        part = slice(low, low + _ROWS_AT_ONCE)
        path = np.empty((0, 0)) if equity is None else equity[part]
        _ledger.evaluate(rows[part], market.delay, terms, path, table[part])

    in_threads(run, range(0, len(rows), _ROWS_AT_ONCE), rows.size, threads)
    return table


def _rows(block: ArrayLike, n_bars: int) -> Floats:
    rows: Floats = np.atleast_2d(np.ascontiguousarray(block, dtype=np.float64))
    if rows.ndim != 2 or rows.shape[1] != n_bars:
        raise SignalError(f"targets: shape {np.shape(block)} is not (variants, {n_bars} bars); one row a variant")
    return rows
