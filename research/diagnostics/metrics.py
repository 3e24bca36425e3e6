"""The descriptive numbers of a backtest, each defined once.

Conventions: ``returns`` are simple, per bar, as fractions; ``excess_returns`` are less the bills' return of the same
bar, never a constant divided by the number of bars; ``periods_per_year`` (12 of monthly bars, 252 of daily ones) is
always given; standard deviations have ``n - 1`` in the denominator; drawdowns start from the capital, so a loss on the
first bar counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from research.engine.result import PortfolioResult, Result


@dataclass(frozen=True, kw_only=True)
class Performance:
    """The row of one account in a table; annual figures are fractions a year.

    Attributes
    ----------
    cagr
        Compound growth a year.
    volatility
        Standard deviation of returns, a year.
    sharpe
        Mean excess return over its standard deviation, a year.
    max_drawdown
        Deepest fall from a high, below 0.
    exposure
        Average weight of metal.
    turnover
        Traded value a year, as a multiple of the account.
    costs
        A year, as a share of the account.
    """

    cagr: float
    volatility: float
    sharpe: float
    max_drawdown: float
    exposure: float
    turnover: float
    costs: float


def performance(result: Result | PortfolioResult) -> Performance:
    """Every descriptive number of one backtest.

    Parameters
    ----------
    result
        The account.
    """
    year = result.periods_per_year
    return Performance(
        cagr=cagr(result.returns, year),
        volatility=volatility(result.returns, year),
        sharpe=sharpe(result.excess_returns, year),
        max_drawdown=max_drawdown(result.returns),
        exposure=exposure(result.weights),
        turnover=turnover(result.orders, result.equity, result.capital, year),
        costs=cost_drag(result.costs, year),
    )


def cagr(returns: pd.Series, periods_per_year: int) -> float:
    """Compound annual growth rate of ``returns``, ``prod(1 + r) ** (p / n) - 1``; ``periods_per_year`` is p."""
    growth = float(np.prod(1 + returns.to_numpy()))
    return growth ** (periods_per_year / len(returns)) - 1 if growth > 0 else -1.0


def volatility(returns: pd.Series, periods_per_year: int) -> float:
    """Annualised standard deviation of ``returns``, ``std(r, ddof=1)`` times the root of ``periods_per_year``."""
    return float(returns.std(ddof=1) * np.sqrt(periods_per_year))


def sharpe(excess_returns: pd.Series, periods_per_year: int) -> float:
    """Sharpe ratio of ``excess_returns``, ``mean(e) / std(e, ddof=1)`` times the root of ``periods_per_year``.

    NaN without variation. The root-of-time rule assumes uncorrelated returns (Lo 2002); averaged prices break it.
    """
    deviation = float(excess_returns.std(ddof=1))
    if not deviation > 1e-15:
        return float("nan")
    return float(excess_returns.mean()) / deviation * float(np.sqrt(periods_per_year))


def sortino(excess_returns: pd.Series, periods_per_year: int) -> float:
    """Sortino ratio of ``excess_returns`` over all bars, ``mean(e) / sqrt(mean(min(e, 0)**2))``.

    Times the root of ``periods_per_year``.
    """
    downside = float(np.sqrt(np.mean(np.minimum(excess_returns.to_numpy(), 0.0) ** 2)))
    if not downside > 1e-15:
        return float("nan")
    return float(excess_returns.mean()) / downside * float(np.sqrt(periods_per_year))


def drawdown(returns: pd.Series) -> pd.Series:
    """Loss of ``returns`` from the highest value so far, capital included, as a fraction of 0 or less."""
    wealth = np.cumprod(1 + returns.to_numpy())
    peak = np.maximum.accumulate(np.maximum(wealth, 1.0))
    return pd.Series(wealth / peak - 1, index=returns.index, name="drawdown")


def max_drawdown(returns: pd.Series) -> float:
    """The deepest ``drawdown`` of ``returns``, a fraction of 0 or less."""
    return float(drawdown(returns).min())


def calmar(returns: pd.Series, periods_per_year: int) -> float:
    """Calmar ratio of ``returns``, ``cagr / -max_drawdown`` over the record (Young 1991), with ``periods_per_year``.

    NaN of an account that never fell.
    """
    deepest = max_drawdown(returns)
    return cagr(returns, periods_per_year) / -deepest if deepest < 0 else float("nan")


def value_at_risk(returns: pd.Series, level: float = 0.95) -> float:
    """Historical value at risk: the return of one bar that a share ``1 - level`` of all bars fell under.

    The quantile of ``returns``, linear between two of them, as a fraction; a loss is negative.

    Parameters
    ----------
    level
        Share of bars that lose as much or more.
    """
    return float(np.quantile(returns.to_numpy(), 1 - level))


def expected_shortfall(returns: pd.Series, level: float = 0.95) -> float:
    """Mean of the ``returns`` at or under ``value_at_risk`` (Acerbi and Tasche 2002), a fraction.

    Parameters
    ----------
    level
        Share of bars over which the mean is taken.
    """
    values = returns.to_numpy()
    return float(values[values <= value_at_risk(returns, level)].mean())


def exposure(weights: pd.Series) -> float:
    """Average weight of what is not bills, over the bars that earn: every bar but the last.

    Parameters
    ----------
    weights
        Held after each bar.
    """
    return float(weights.iloc[:-1].mean())


def turnover(orders: pd.DataFrame, equity: pd.Series, capital: float, periods_per_year: int) -> float:
    """Value traded a year, bills apart, as a multiple of the account: ``sum(|order| / value before) * p / n``.

    ``periods_per_year`` is p.

    Parameters
    ----------
    orders
        Every order, with its value.
    equity
        Value of the account at each bar.
    capital
        Its first value.
    """
    metal = orders["column"].to_numpy() != "bills"
    bars = pd.DatetimeIndex(equity.index).get_indexer(pd.DatetimeIndex(orders["date"]))
    before = np.concatenate([[capital], equity.to_numpy()])[bars]
    traded = (orders["size"].to_numpy() * orders["price"].to_numpy() / before)[metal]
    return float(traded.sum()) * periods_per_year / (len(equity) - 1)


def cost_drag(costs: pd.DataFrame, periods_per_year: int) -> float:
    """All costs a year, as a fraction of the account: ``sum(costs) * p / n``; ``periods_per_year`` is p.

    Parameters
    ----------
    costs
        Of each bar, as fractions of the account.
    """
    return float(costs.to_numpy().sum()) * periods_per_year / (len(costs) - 1)
