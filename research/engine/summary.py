"""Summary: what an account did, in one row of numbers a variant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from research.engine.regression import RISKLESS, regress
from research.units import Floats, Integers

if TYPE_CHECKING:
    from research.engine.traded_market import TradedMarket


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


def summarise(tables: list[Floats], market: TradedMarket) -> Summary:
    """Turn the tables of sums that the compiled loop filled into statistics."""
    from research.engine import _ledger as at

    columns = np.concatenate([*tables, np.empty((0, at.N_COLUMNS))]).T
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
        alpha, beta = regress(columns[at.X : at.XM + 1], of_market[:2], n)
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
