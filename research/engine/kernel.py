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

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from research.datasets.market import Market
from research.engine._timing import RISKLESS, STILL
from research.errors import ExecutionError, SignalError
from research.execution import Execution
from research.units import Floats, Integers

_ROWS_AT_ONCE = 64
_WORTH_A_THREAD = 200_000  # bars times accounts


@dataclass(frozen=True, eq=False)
class TradedMarket:
    """What the fast path reads, by bar. Ask ``of`` for one, once, and use it for every call.

    Attributes
    ----------
    growth
        By which a unit of metal grows into each bar for an account that is flat, long and short (three rows).
    accrual
        Return of bills from the bar before.
    metal_excess
        Excess return over bills of who holds the metal throughout, storage paid.
    tails
        Sums from each bar to the last, a row a bar and one of zeros: of ``metal_excess`` and its square, and of the
        accrual and its square.
    buy_factor, sell_factor
        What a value of 1 of metal costs, and what it yields.
    delay
        Bars between decision and fill.
    periods_per_year
        12 for months, 252 for trading days.
    """

    growth: Floats
    accrual: Floats
    metal_excess: Floats
    tails: Floats
    buy_factor: float
    sell_factor: float
    delay: int
    periods_per_year: float

    @property
    def n_bars(self) -> int:
        """Number of bars."""
        return self.accrual.size

    @classmethod
    def of(cls, market: Market, execution: Execution) -> TradedMarket:
        """Work it out.

        Parameters
        ----------
        market
            Prices, return of bills and days between bars; of the last two the first is not used.
        execution
            The terms of trade. What a target may ask for (``max_leverage``) is the strategy's matter.

        Raises
        ------
        ExecutionError
            If storage eats the whole metal.
        """
        execution = execution.without(market.in_price)
        prices, accruals, fractions = (
            np.array(part, dtype=float) for part in (market.price, market.bill_accrual, market.year_fraction)
        )
        accruals[:1] = fractions[:1] = 0.0
        long_carry, short_carry = 1.0 - execution.storage * fractions, 1.0 + execution.borrow * fractions
        if prices.size and long_carry.min() <= 0:
            raise ExecutionError(f"storage: {execution.storage:g} a year eats the whole metal between bars; lower it")
        metal_growth = np.ones(prices.size)
        metal_growth[1:] = prices[1:] / prices[:-1]
        metal_excess = metal_growth * long_carry - (1.0 + accruals)
        terms = np.stack([metal_excess, metal_excess**2, accruals, accruals**2], axis=1)
        tails = np.zeros((prices.size + 1, 4))
        np.cumsum(terms[::-1], axis=0, out=tails[-2::-1])
        return cls(
            growth=metal_growth * np.stack([np.ones(prices.size), long_carry, short_carry]),
            accrual=accruals,
            metal_excess=metal_excess,
            tails=tails,
            buy_factor=(1.0 + execution.slippage) * (1.0 + execution.fees),
            sell_factor=(1.0 - execution.slippage) * (1.0 - execution.fees),
            delay=execution.delay,
            periods_per_year=market.periods_per_year,
        )


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the account of each variant did; every attribute is an array of shape ``(n_variants,)``.

    The ``n`` returns ``r`` follow the first fill, ``x`` is their excess over the bills', ``m`` the excess
    return over bills of who holds the metal throughout and pays its storage; ``k`` periods make a year.

    Attributes
    ----------
    first_fill
        Bar of the first fill, -1 if the variant never trades; then every other number is NaN or 0.
    bankrupt_at
        Bar at which the account was closed at a value of 0, else -1. A closed account has a total
        return, CAGR and drawdown of -1; its volatility, Sharpe ratio, exposure and regression are NaN.
    n_periods
        Number of returns ``n``, to the last bar or to ruin.
    total_return
        Final value less 1.
    cagr
        ``(1 + total_return) ** (k / n) - 1``.
    volatility
        Standard deviation of ``r`` (n - 1 degrees of freedom) times ``sqrt(k)``.
    sharpe
        Mean over standard deviation of ``x``, times ``sqrt(k)`` (Sharpe 1994); NaN without risk.
    max_drawdown
        Deepest fall from a peak, as a negative fraction of it; the first peak is the starting capital.
    turnover
        Metal bought and sold, each fill as a fraction of the account just before it, a year.
    costs
        Fees and slippage of each fill as a fraction of the account at the bar before, a year: what they
        took from the returns.
    n_trades
        Number of metal orders filled.
    exposure
        Mean of the weight held into each period.
    alpha, beta
        Ordinary least squares of ``x`` on a constant and ``m``; alpha is ``k`` times
        the constant, a fraction a year. NaN where the metal hardly moves.
    """

    first_fill: Integers
    bankrupt_at: Integers
    n_periods: Integers
    total_return: Floats
    cagr: Floats
    volatility: Floats
    sharpe: Floats
    max_drawdown: Floats
    turnover: Floats
    costs: Floats
    n_trades: Integers
    exposure: Floats
    alpha: Floats
    beta: Floats

    def __len__(self) -> int:
        return int(self.first_fill.size)


def sweep(
    targets: ArrayLike, market: TradedMarket, *, threads: int | None = None, equity: Floats | None = None
) -> Summary:
    """Run the account of every variant and summarise it in one pass.

    Parameters
    ----------
    targets
        Decided weights, an array of shape ``(n_variants, n_bars)`` or ``(n_bars,)``.
    market
        Prices, bills and terms of trade.
    threads
        Threads to use, by default one a core. The result does not depend on it.
    equity
        NaN ``(n_variants, n_bars)``, which takes what ``paths`` gives.

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

    rows = _rows(targets, market.n_bars)
    table = np.empty((len(rows), _ledger.N_COLUMNS))
    terms = market.growth, market.accrual, market.metal_excess, market.buy_factor, market.sell_factor

    def run(low: int) -> None:
        part = slice(low, low + _ROWS_AT_ONCE)
        path = np.empty((0, 0)) if equity is None else equity[part]
        _ledger.evaluate(rows[part], market.delay, terms, path, table[part])

    in_threads(run, range(0, len(rows), _ROWS_AT_ONCE), rows.size, threads)
    infinite = np.flatnonzero(table[:, _ledger.INFINITE_AT] >= 0)
    if infinite.size:
        variant, bar = infinite[0], int(table[infinite[0], _ledger.INFINITE_AT])
        raise SignalError(f"targets: variant {variant} asks for an infinite weight at bar {bar}; bound it")
    return _summarise(table.T, market)


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


def _rows(block: ArrayLike, n_bars: int) -> Floats:
    rows: Floats = np.atleast_2d(np.ascontiguousarray(block, dtype=np.float64))
    if rows.ndim != 2 or rows.shape[1] != n_bars:
        raise SignalError(f"targets: shape {np.shape(block)} is not (variants, {n_bars} bars); one row a variant")
    return rows


def _summarise(columns: Floats, market: TradedMarket) -> Summary:
    """Turn the sums that the compiled loop filled in into statistics."""
    from research.engine import _ledger as at

    first_fill = columns[at.FIRST_FILL].astype(np.int64)
    bankrupt_at = columns[at.BANKRUPT_AT].astype(np.int64)
    opened, ruined = first_fill >= 0, bankrupt_at >= 0
    columns[at.FINAL_VALUE :, ~opened] = columns[at.X :, ruined] = np.nan
    last = np.where(ruined, bankrupt_at, market.n_bars - 1)
    n_periods = np.where(opened, last - first_fill, 0)
    a_year = market.periods_per_year
    with np.errstate(divide="ignore", invalid="ignore"):
        n = np.where(n_periods > 0, n_periods, np.nan)
        final_value = columns[at.FINAL_VALUE]
        of_market = market.tails[np.where(opened, first_fill + 1, market.n_bars)].T
        x, xx, _, x_bills, exposure = columns[at.X :]
        bills, bills_squared = of_market[2:]
        volatility = _deviation(x + bills, xx + 2 * x_bills + bills_squared, n)
        risk = _deviation(x, xx, n)
        risk[risk * risk < RISKLESS] = np.nan
        alpha, beta = _regress(columns[at.X : at.XM + 1], of_market[:2], n)
        return Summary(
            first_fill=first_fill,
            bankrupt_at=bankrupt_at,
            n_periods=n_periods,
            total_return=final_value - 1.0,
            cagr=np.where(ruined, -1.0, final_value ** (a_year / n) - 1.0),
            volatility=volatility * np.sqrt(a_year),
            sharpe=x / n / risk * np.sqrt(a_year),
            max_drawdown=np.where(ruined, -1.0, columns[at.MAX_DRAWDOWN]),
            turnover=columns[at.TRADED] / n * a_year,
            costs=columns[at.COST] / n * a_year,
            n_trades=np.where(opened, columns[at.TRADES], 0).astype(np.int64),
            exposure=exposure / n,
            alpha=alpha * a_year,
            beta=beta,
        )


def _deviation(total: Floats, total_of_squares: Floats, n: Floats) -> Floats:
    """Standard deviation with n - 1 degrees of freedom; NaN for fewer than two returns."""
    variance = (total_of_squares - total * total / n) / np.where(n > 1, n - 1, np.nan)
    deviation: Floats = np.sqrt(np.maximum(variance, 0.0))
    return deviation


def _regress(sums: Floats, of_metal: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Alpha and beta of ``x`` on a constant and ``m``, a period; NaN where the metal hardly moves.

    Parameters
    ----------
    sums
        Of ``x, x^2, x m`` over the periods, ``(3, n_variants)``.
    of_metal
        Of ``m, m^2``, ``(2, n_variants)``.
    n
        Number of periods, ``(n_variants,)``.
    """
    x, xx, xm = sums
    m, mm = of_metal
    with np.errstate(divide="ignore", invalid="ignore"):
        spread_m, spread_x = mm - m * m / n, xx - x * x / n
        moves = (spread_m > RISKLESS * n) & (spread_m > STILL * STILL * spread_x)
        beta = (xm - x * m / n) / np.where((n >= 3) & moves, spread_m, np.nan)
        return (x - beta * m) / n, beta


def in_threads(run: Callable[[int], None], parts: range, size: int, threads: int | None = None) -> None:
    """Run every part; ``size`` is that of the whole in bars times accounts, ``threads`` by default one a core."""
    workers = min(threads or cores(), len(parts), 1 + size // _WORTH_A_THREAD)
    if workers <= 1:
        for part in parts:
            run(part)
        return
    pool = ThreadPoolExecutor(workers)
    try:
        list(pool.map(run, parts))
    finally:
        pool.shutdown(cancel_futures=True)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
