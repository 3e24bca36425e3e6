"""What every tearsheet shows, as frames: months and years, drawdowns, risk, and windows through time.

Returns are simple, per bar, as fractions, indexed by date.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from research.diagnostics.metrics import calmar, drawdown, expected_shortfall, sharpe, sortino, value_at_risk
from research.engine.result import PortfolioResult, Result


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
    ``longest_drawdown`` (days). Each is defined in ``metrics``.

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
