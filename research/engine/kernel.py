"""The fast path: the metal-and-bills account of thousands of variants, equal to vectorbt to 1e-10.

Use :func:`sweep` for the summary statistics of many target series, :func:`paths` for their equity, and
:func:`placebo_shifts` for circular shifts of one series. The engine of record stays
:mod:`research.engine.portfolio`; both follow these rules.

- *Targets are decisions.* A target at bar ``t`` is the weight decided there; it is filled at the price of
  bar ``t + delay``. The delay is applied here and only here, and it is at least 1: there is no way to
  pass targets that were delayed before. NaN keeps the position as it is, in units, not in weight.
- *The account* starts with a capital of 1 in cash that earns nothing until the first fill, which splits it into the weight
  ``w`` in metal and ``1 - w`` in bills (``w < 0`` is short, ``w > 1`` borrows at the bill rate). At each fill the
  smaller order of the two goes first, so that sells come before buys. A buy is cut to the cash at hand.
  Fees and slippage are paid on metal, bills trade free: buying a value ``x`` costs ``x (1 + slippage)
  (1 + fees)``, selling it yields ``x (1 - slippage) (1 - fees)``.
- *Carry*: after a fill with ``w > 0`` the metal loses ``storage * year_fraction`` a bar, after one with
  ``w < 0`` what is owed grows by ``borrow * year_fraction``, after ``w = 0`` neither.
- *Ruin*: an account whose value is zero or less at a bar's price is closed there and stays at exactly 0. (vectorbt
  lets it go on with negative equity, refuses its orders, and revives it if the price comes back.)
- *Returns* start at the first fill: the first one spans the bar of the fill and the bar after it and bears the
  cost of entry, so that the returns compound to the total return. Before that, equity is NaN.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from research.errors import DataError, ExecutionError, SignalError

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_ROWS_AT_ONCE = 64
_WORTH_A_THREAD = 200_000  # bars times variants
_RISKLESS = 1e-12  # a standard deviation of returns under this is rounding, not risk


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the account of each variant did; every attribute is an array of shape ``(n_variants,)``.

    With ``r_t`` the return of a period, ``b_t`` the bills', ``x_t = r_t - b_t`` and ``m_t`` the metal's excess return,
    over the ``n`` periods after the first fill, and ``k`` periods a year:

    Attributes
    ----------
    first_fill
        Bar of the first fill, -1 if the variant never trades; then every other number is NaN or 0.
    bankrupt_at
        Bar at which the account was closed at a value of 0, else -1. A closed account has a total
        return, CAGR and drawdown of -1 and no volatility, Sharpe ratio, alpha or beta (NaN).
    n_periods
        Number of returns ``n``.
    total_return
        Final value less 1.
    cagr
        ``(1 + total_return) ** (k / n) - 1``.
    volatility
        Standard deviation of ``r`` (n - 1 degrees of freedom) times ``sqrt(k)``.
    sharpe
        Mean over standard deviation of ``x``, times ``sqrt(k)``; NaN for an account without risk. Sharpe (1994).
    max_drawdown
        Deepest fall from a peak, as a negative fraction of it; the first peak is the starting capital.
    turnover
        Metal bought and sold, each fill as a fraction of the account before it, a year.
    costs
        Fees and slippage, likewise.
    n_trades
        Number of metal orders filled.
    exposure
        Mean of the weight held into each period.
    alpha, beta
        Ordinary least squares of ``x`` on a constant and ``m``; alpha is ``k`` times the constant, a fraction a year.
    residual_variance
        Sum of squared residuals over ``n - 2``, a period.
    alpha_t
        Alpha over its standard error: classical, or Newey-West (1987) with Bartlett weights and no small-sample
        factor when ``hac_lags`` was given. NaN when metal explains the account exactly.
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
    residual_variance: Floats
    alpha_t: Floats

    def __len__(self) -> int:
        return int(self.first_fill.size)

    def to_frame(self) -> pd.DataFrame:
        """One row a variant, one column an attribute."""
        import pandas as pd

        return pd.DataFrame({field.name: getattr(self, field.name) for field in fields(self)})


def sweep(
    targets: ArrayLike | Iterable[ArrayLike],
    price: ArrayLike,
    bill_accrual: ArrayLike,
    year_fraction: ArrayLike,
    *,
    delay: int,
    fees: float,
    slippage: float,
    storage: float,
    borrow: float,
    periods_per_year: float,
    first: int | None = None,
    hac_lags: int | None = None,
    threads: int | None = None,
) -> Summary:
    """Run the account of every variant and summarise it in one pass.

    Parameters
    ----------
    targets
        Decided weights, shape ``(n_variants, n_bars)`` or ``(n_bars,)``; or an iterable of such blocks, of which
        one is held at a time, so that memory does not grow with the number of variants.
    price
        Metal price, shape ``(n_bars,)``, positive.
    bill_accrual
        Return of Treasury bills from the bar before, a fraction; the first is not used.
    year_fraction
        Calendar days from the bar before over 365; the first is not used.
    delay
        Bars between decision and fill, at least 1.
    fees, slippage
        Fractions of the traded metal's value, each way.
    storage, borrow
        Fractions of the metal's value a year, for a long and for a short position.
    periods_per_year
        12 for months, 252 for trading days.
    first
        Bar at which accounts open: no fill is made before it, and the last target due by then is filled
        at it. By default an account opens with its first target.
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
    DataError
        If a price, accrual or year fraction is missing or impossible.
    ExecutionError
        If a term of trade makes no sense.
    SignalError
        If targets have the wrong shape, or one to be filled is infinite.
    """
    market = _Market.checked(price, bill_accrual, year_fraction, delay, fees, slippage, storage, borrow, first)
    window = _window(hac_lags)
    tables = []
    for block in _blocks(targets):
        rows = _rows(block, market.n_bars)
        row_of = np.arange(len(rows))
        offset_of = np.full(len(rows), -delay)
        tables.append(_evaluate(market, rows, row_of, offset_of, window, None, threads))
    return _summary(tables, market, periods_per_year)


def paths(
    targets: ArrayLike,
    price: ArrayLike,
    bill_accrual: ArrayLike,
    year_fraction: ArrayLike,
    *,
    delay: int,
    fees: float,
    slippage: float,
    storage: float,
    borrow: float,
    first: int | None = None,
    threads: int | None = None,
) -> Floats:
    """Equity of every variant after the fills of each bar, from a capital of 1.

    Parameters and errors are those of :func:`sweep`.

    Returns
    -------
    ndarray of shape (n_variants, n_bars)
        NaN before the first fill, 0 from ruin on. At the bar of the first fill it is 1 less the cost of entry.
    """
    market = _Market.checked(price, bill_accrual, year_fraction, delay, fees, slippage, storage, borrow, first)
    rows = _rows(targets, market.n_bars)
    equity = np.full((len(rows), market.n_bars), np.nan)
    _evaluate(market, rows, np.arange(len(rows)), np.full(len(rows), -delay), 0, equity, threads)
    return equity


def placebo_shifts(
    target: ArrayLike,
    shifts: ArrayLike,
    price: ArrayLike,
    bill_accrual: ArrayLike,
    year_fraction: ArrayLike,
    *,
    delay: int,
    fees: float,
    slippage: float,
    storage: float,
    borrow: float,
    periods_per_year: float,
    first: int | None = None,
    hac_lags: int | None = None,
    threads: int | None = None,
) -> Summary:
    """Run one series of targets through the same account with its fills shifted in a circle.

    The series is that of the fills from ``first`` (by default the bar of the first fill) to the last bar: with
    ``N`` bars in it, shift ``k`` fills at its bar ``j`` what was filled at bar ``(j - k) mod N``. All accounts open at
    ``first``, on the target in force there. Shift 0 is the strategy itself. No shifted series is ever stored.

    Parameters
    ----------
    target
        Decided weights of one variant, shape ``(n_bars,)``.
    shifts
        Whole numbers of bars, of either sign, shape ``(n_shifts,)``.

    The other parameters, the returned :class:`Summary` (arrays of shape ``(n_shifts,)``) and the errors are
    those of :func:`sweep`.
    """
    market = _Market.checked(price, bill_accrual, year_fraction, delay, fees, slippage, storage, borrow, first)
    decided = _rows(target, market.n_bars)[0]
    steps = np.atleast_1d(np.asarray(shifts))
    if steps.dtype.kind not in "iu" and steps.size:
        raise SignalError(f"shifts: {steps.dtype} is no number of bars; pass whole numbers")
    due = decided[: max(market.n_bars - delay, 0)]
    known = np.flatnonzero(~np.isnan(due))
    if known.size == 0:
        circle, start, row_length = np.full(2, np.nan), market.n_bars, 1
    else:
        start = max(market.start, int(known[0]) + delay)
        filled = due[start - delay :].copy()
        filled[0] = due[known[known <= start - delay][-1]]
        circle, row_length = np.concatenate([filled, filled]), filled.size
    offset_of = row_length - np.mod(steps.astype(np.int64), row_length) - start
    window = _window(hac_lags)
    row_of = np.zeros(steps.size, dtype=np.int64)
    table = _evaluate(market, circle[None, :], row_of, offset_of, window, None, threads, start=start)
    return _summary([table], market, periods_per_year)


@dataclass(frozen=True)
class _Market:
    """What all variants share: growth factors to each bar, and the cost of a trade."""

    metal_growth: Floats  # rows: flat, long, short
    bill_growth: Floats
    buy_factor: float
    sell_factor: float
    start: int
    n_bars: int

    @classmethod
    def checked(
        cls,
        price: ArrayLike,
        bill_accrual: ArrayLike,
        year_fraction: ArrayLike,
        delay: int,
        fees: float,
        slippage: float,
        storage: float,
        borrow: float,
        first: int | None,
    ) -> _Market:
        prices = _series("price", price, None)
        n_bars = prices.size
        accruals = _series("bill_accrual", bill_accrual, n_bars)
        fractions = _series("year_fraction", year_fraction, n_bars)
        _require("price", prices, prices > 0, "a price is finite and above 0; drop or fill the bar")
        accruals[:1] = fractions[:1] = 0.0
        _require("bill_accrual", accruals, accruals > -1, "an accrual is a finite fraction above -1")
        _require("year_fraction", fractions, fractions >= 0, "years since the bar before are 0 or more")
        _check_terms(delay, fees=fees, slippage=slippage, storage=storage, borrow=borrow)
        if first is not None and not 0 <= first < max(n_bars, 1):
            raise ExecutionError(f"first: bar {first} is not one of the {n_bars} bars; count from 0")
        metal_growth = np.ones((3, n_bars))
        metal_growth[:, 1:] = prices[1:] / prices[:-1]
        metal_growth[1] *= 1.0 - storage * fractions
        metal_growth[2] *= 1.0 + borrow * fractions
        if n_bars and metal_growth[1].min() <= 0:
            raise ExecutionError(f"storage: {storage:g} a year eats the whole metal between two bars; lower it")
        return cls(
            metal_growth=metal_growth,
            bill_growth=1.0 + accruals,
            buy_factor=(1.0 + slippage) * (1.0 + fees),
            sell_factor=(1.0 - slippage) * (1.0 - fees),
            start=max(first or 0, delay),
            n_bars=n_bars,
        )

    @property
    def metal_excess(self) -> Floats:
        """Excess return of who holds the metal throughout, storage paid."""
        excess: Floats = self.metal_growth[1] - self.bill_growth
        return excess


def _evaluate(
    market: _Market,
    rows: Floats,
    row_of: Integers,
    offset_of: Integers,
    window: int,
    equity: Floats | None,
    threads: int | None,
    start: int | None = None,
) -> Floats:
    """Fill the table of sums, a few rows at a time, on as many threads as the work is worth."""
    from research.engine import _ledger  # the compiler is needed from here on

    table = np.empty((row_of.size, _ledger.N_COLUMNS))
    metal_excess = market.metal_excess

    def run(low: int) -> None:
        part = slice(low, low + _ROWS_AT_ONCE)
        _ledger.evaluate(
            rows,
            row_of[part],
            offset_of[part],
            market.start if start is None else start,
            market.metal_growth,
            market.bill_growth,
            metal_excess,
            market.buy_factor,
            market.sell_factor,
            window,
            equity is None,
            np.empty((1, market.n_bars)) if equity is None else equity[part],
            table[part],
        )

    starts = range(0, row_of.size, _ROWS_AT_ONCE)
    workers = min(threads or _cores(), len(starts), 1 + row_of.size * market.n_bars // _WORTH_A_THREAD)
    if market.n_bars == 0:
        table[:] = np.nan
        table[:, [_ledger.FIRST_FILL, _ledger.BANKRUPT_AT, _ledger.INFINITE_AT]] = -1
    elif workers <= 1:
        for low in starts:
            run(low)
    else:
        pool = ThreadPoolExecutor(workers)
        try:
            list(pool.map(run, starts))
        finally:
            pool.shutdown(cancel_futures=True)
    infinite = np.flatnonzero(table[:, _ledger.INFINITE_AT] >= 0)
    if infinite.size:
        bar = int(table[infinite[0], _ledger.INFINITE_AT])
        raise SignalError(f"targets: variant {infinite[0]} asks for an infinite weight at bar {bar}; bound it")
    return table


def _summary(tables: list[Floats], market: _Market, periods_per_year: float) -> Summary:
    """Turn sums into statistics."""
    from research.engine import _ledger as at

    if not (np.isfinite(periods_per_year) and periods_per_year > 0):
        raise ExecutionError(f"periods_per_year: {periods_per_year!r} is no number of periods; 12 or 252, say")
    columns = np.concatenate([*tables, np.empty((0, at.N_COLUMNS))]).T
    first_fill = columns[at.FIRST_FILL].astype(np.int64)
    bankrupt_at = columns[at.BANKRUPT_AT].astype(np.int64)
    opened, ruined = first_fill >= 0, bankrupt_at >= 0
    n_periods = np.where(opened, market.n_bars - 1 - first_fill, 0)
    a_year = periods_per_year
    with np.errstate(divide="ignore", invalid="ignore"):
        n = np.where(n_periods > 0, n_periods, np.nan)
        final_value = columns[at.FINAL_VALUE]
        volatility = _deviation(columns[at.SUM_RETURN], columns[at.SUM_RETURN_SQUARED], n)
        risk = _deviation(columns[at.SUM_EXCESS], columns[at.SUM_EXCESS_SQUARED], n)
        risk[risk < _RISKLESS] = np.nan
        residual_variance = columns[at.RESIDUAL_SUM_OF_SQUARES] / (n - 2)
        alpha_error = np.sqrt(columns[at.ALPHA_VARIANCE])
        alpha_error[~(residual_variance > _RISKLESS**2)] = np.nan
        return Summary(
            first_fill=first_fill,
            bankrupt_at=bankrupt_at,
            n_periods=n_periods,
            total_return=final_value - 1.0,
            cagr=final_value ** (a_year / n) - 1.0,
            volatility=volatility * np.sqrt(a_year),
            sharpe=columns[at.SUM_EXCESS] / n / risk * np.sqrt(a_year),
            max_drawdown=np.where(ruined, -1.0, columns[at.MAX_DRAWDOWN]),
            turnover=columns[at.TRADED] / n * a_year,
            costs=columns[at.COST] / n * a_year,
            n_trades=np.where(opened, columns[at.TRADES], 0).astype(np.int64),
            exposure=columns[at.EXPOSURE] / n,
            alpha=columns[at.ALPHA] * a_year,
            beta=columns[at.BETA],
            residual_variance=residual_variance,
            alpha_t=columns[at.ALPHA] / alpha_error,
        )


def _deviation(total: Floats, total_of_squares: Floats, n: Floats) -> Floats:
    """Standard deviation with n - 1 degrees of freedom; NaN for fewer than two returns."""
    variance = (total_of_squares - total * total / n) / np.where(n > 1, n - 1, np.nan)
    deviation: Floats = np.sqrt(np.maximum(variance, 0.0))
    return deviation


def _blocks(targets: ArrayLike | Iterable[ArrayLike]) -> Iterator[ArrayLike]:
    """One matrix is one block; anything else that can be walked through is blocks."""
    if hasattr(targets, "__array__"):
        yield targets
    elif isinstance(targets, Iterable):
        yield from targets
    else:
        raise SignalError(f"targets: {type(targets).__name__} is neither a matrix nor blocks of one; pass an array")


def _rows(block: ArrayLike, n_bars: int) -> Floats:
    rows: Floats = np.atleast_2d(np.ascontiguousarray(block, dtype=np.float64))
    if rows.ndim != 2 or rows.shape[1] != n_bars:
        raise SignalError(f"targets: shape {np.shape(block)} is not (variants, {n_bars} bars); one row a variant")
    return rows


def _series(name: str, values: ArrayLike, n_bars: int | None) -> Floats:
    series: Floats = np.array(values, dtype=np.float64)
    if series.ndim != 1 or (n_bars is not None and series.size != n_bars):
        wanted = "(bars,)" if n_bars is None else f"({n_bars},) like price"
        raise DataError(f"{name}: shape {series.shape} is not {wanted}; pass one number a bar")
    return series


def _require(name: str, series: Floats, holds: NDArray[np.bool_], rule: str) -> None:
    wrong = np.flatnonzero(~(holds & np.isfinite(series)))
    if wrong.size:
        raise DataError(f"{name}: {series[wrong[0]]} at bar {wrong[0]}, {wrong.size} such in all; {rule}")


def _check_terms(delay: int, **fractions: float) -> None:
    if isinstance(delay, bool) or not isinstance(delay, int | np.integer) or delay < 1:
        raise ExecutionError(f"delay: {delay!r} bars would fill a decision at a price it was made from; use 1 or more")
    for name, value in fractions.items():
        if not (np.isfinite(value) and value >= 0):
            raise ExecutionError(f"{name}: {value!r} is not a finite fraction of 0 or more")
        if name in ("fees", "slippage") and value >= 1:
            raise ExecutionError(f"{name}: {value!r} is a fraction, 0.001 is 0.1 %; use a value under 1")


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
