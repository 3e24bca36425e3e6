"""The descriptive numbers of a backtest, each defined once, and the tables that every tearsheet shows.

Conventions: ``returns`` are simple, per bar, as fractions; ``excess_returns`` are less the bills' return of the same
bar, never a constant divided by the number of bars; ``periods_per_year`` (12 of monthly bars, 252 of daily ones) is
always given; standard deviations have ``n - 1`` in the denominator; drawdowns start from the capital, so a loss on the
first bar counts.
"""

from __future__ import annotations

from collections.abc import Mapping
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


def by_period(returns: pd.Series, period: str) -> pd.Series:
    """The ``returns`` compounded over calendar periods, ``prod(1 + r) - 1``, by ``pandas.Period``.

    ``period`` is a pandas period alias, ``"M"`` or ``"Y"``; the first and the last may be part of one.
    """
    return (1 + returns).groupby(pd.DatetimeIndex(returns.index).to_period(period)).prod() - 1


def monthly_returns(returns: pd.Series) -> pd.DataFrame:
    """``returns`` by month, one row a year, columns 1 to 12, and ``year``, the whole year's; NaN outside the record."""
    months, years = by_period(returns, "M"), by_period(returns, "Y")
    keys = pd.PeriodIndex(months.index)
    table = pd.Series(months.to_numpy(), index=[keys.year, keys.month]).unstack().reindex(columns=range(1, 13))
    table["year"] = years.to_numpy()
    return table.rename_axis(index="year", columns=None)


def worst_drawdowns(returns: pd.Series, most: int = 5, *, start: pd.Timestamp | None = None) -> pd.DataFrame:
    """The deepest falls from a highest value to the bar that regains it, deepest first.

    Parameters
    ----------
    returns
        Of one account.
    most
        How many.
    start
        Date of the capital, for a fall that begins with the first bar; by default the first bar.

    Returns
    -------
    DataFrame
        ``depth`` (a fraction under 0), ``peak``, ``trough``, ``recovery`` (NaT where it never came) and ``days``
        from peak to recovery, or to the last bar.
    """
    fallen = drawdown(returns)
    dates = pd.DatetimeIndex([start or fallen.index[0], *fallen.index])  # the capital, then every bar
    under = np.concatenate([[False], fallen.to_numpy() < 0, [False]])
    opens, shuts = np.flatnonzero(~under[:-1] & under[1:]), np.flatnonzero(under[:-1] & ~under[1:])
    rows = []
    for peak, last in zip(opens.tolist(), shuts.tolist(), strict=True):
        inside = fallen.iloc[peak:last]
        back = dates[last + 1] if last + 1 < len(dates) else pd.NaT
        end = dates[min(last + 1, len(dates) - 1)]
        rows.append((inside.min(), dates[peak], inside.idxmin(), back, (end - dates[peak]).days))
    table = pd.DataFrame(rows, columns=["depth", "peak", "trough", "recovery", "days"])
    return table.sort_values("depth", kind="stable").head(most).reset_index(drop=True)


def risk(accounts: Mapping[str, Result | PortfolioResult], level: float = 0.95) -> pd.DataFrame:
    """What an account risked, one row each.

    ``sortino`` and ``calmar`` (a year), ``best_month`` and ``worst_month`` (compounded by calendar month),
    ``value_at_risk`` and ``expected_shortfall`` (of one bar, at ``level``), ``months_up`` (share of months above 0) and
    ``longest_drawdown`` (days). Each is defined above.

    Parameters
    ----------
    accounts
        By name.
    """
    return pd.DataFrame({name: _risk(item, level) for name, item in accounts.items()}).T


def rolling(result: Result | PortfolioResult, years: float = 3.0) -> pd.DataFrame:
    """``sharpe`` and ``volatility``, both a year, over a window that ends at each bar; none before it is full.

    Parameters
    ----------
    result
        The account.
    years
        Length of the window.
    """
    year = result.periods_per_year
    excess, window = result.excess_returns, round(years * year)
    deviation = excess.rolling(window).std()
    ratio = excess.rolling(window).mean() / deviation.where(deviation > 1e-9) * np.sqrt(year)
    risky = result.returns.rolling(window).std() * np.sqrt(year)
    return pd.DataFrame({"sharpe": ratio, "volatility": risky}).iloc[window - 1 :]


def _risk(result: Result | PortfolioResult, level: float) -> dict[str, float]:
    returns, year = result.returns, result.periods_per_year
    months = by_period(returns, "M")
    falls = worst_drawdowns(returns, most=len(returns), start=result.first_fill)
    return {
        "sharpe": sharpe(result.excess_returns, year),
        "sortino": sortino(result.excess_returns, year),
        "calmar": calmar(returns, year),
        "best_month": float(months.max()),
        "worst_month": float(months.min()),
        "months_up": float((months > 0).mean()),
        "value_at_risk": value_at_risk(returns, level),
        "expected_shortfall": expected_shortfall(returns, level),
        "longest_drawdown": float(falls["days"].max()) if len(falls) else 0.0,
    }
