r"""Returns without weights: what an account earned beyond the metal that it moved with.

.. math:: e_t = \alpha + \sum_{k=-1}^{1} \beta_k m_{t+k} + u_t

over bills, with the metal's return of the period before and after too: closes are taken at other hours, and monthly
prices are averages, so that one beta alone would be too small and the rest pass for skill (Dimson 1979; Jensen 1968).
The timing return is :math:`\alpha`, its error that of every claim. Which bars were traded cannot be seen: no history is
moved, no bar of delay added and no cost doubled, so no word of the judge's that needs those can be had.
"""

from __future__ import annotations

from math import nan

import numpy as np
import pandas as pd

from research.brought.reading import periods_per_year
from research.datasets.market import Market
from research.diagnostics.timing import Timing
from research.engine.exposure import Exposure
from research.errors import NoData
from research.execution import Execution

_STILL = 1e-9
_FEWEST = 12


def timing_of_returns(returns: pd.Series, market: Market, execution: Execution, name: str) -> tuple[Timing, str]:
    """Timing series of an account's returns on a metal's market, and in words what they were compared with.

    An event is an entry into the metal: a run of periods in which the account, over bills, moved with it or against it.

    Raises
    ------
    NoData
        If the returns and the prices have too few periods in common.
    """
    table = _aligned(returns, market, execution)
    if len(table) < _FEWEST:
        raise NoData(
            f"{name}: {len(table)} periods in common with the price of {market.metal}, {_FEWEST} are needed; "
            "bring a longer history, or name another --price"
        )
    own, metal = (table["own"] - table["bills"]).to_numpy(), (table["metal"] - table["bills"]).to_numpy()
    neighbours = np.column_stack([np.ones(len(table) - 2), metal[:-2], metal[1:-1], metal[2:]])
    own, metal, dates = own[1:-1], metal[1:-1], pd.DatetimeIndex(table.index[1:-1])
    betas = np.linalg.lstsq(neighbours, own, rcond=None)[0][1:]
    alpha = own - neighbours[:, 1:] @ betas
    side = np.where(np.abs(own) > _STILL, np.sign(own * metal), 0.0)
    none = np.full(len(dates), nan)
    unseen = none[:, None]
    year = periods_per_year(pd.DatetimeIndex(table.index))
    exposure = Exposure(unseen, unseen, unseen, none, np.zeros(1), np.zeros(1), dates, year)
    beta = float(betas.sum())
    words = (
        f"{name}: compared over {len(dates)} periods to {dates[-1]:%Y-%m-%d} with {beta:.2f} of {market.metal} and the "
        "rest in bills: the timing return is what is left (alpha)"
    )
    return Timing(alpha, np.zeros(len(dates)), side - side.mean(), side, dates, none, side.max() <= 0, exposure), words


def bills_between(market: Market, days: pd.DatetimeIndex) -> pd.Series:
    """Return of bills from each day to the next, by date; NaN outside the market."""
    return _between(np.log1p(market.bill_accrual).cumsum(), days)


def _aligned(returns: pd.Series, market: Market, execution: Execution) -> pd.DataFrame:
    """Returns of the account, of the metal less storage, and of bills, on the coarser of the two calendars."""
    days, bars = pd.DatetimeIndex(returns.index), pd.DatetimeIndex(market.price.index)
    both = max(days[0], bars[0]), min(days[-1], bars[-1])
    shared = [index[(index >= both[0]) & (index <= both[1] + pd.Timedelta(days=4))] for index in (days, bars)]
    grid = min(shared, key=len)
    storage = execution.without(market.in_price).storage * market.year_fraction
    paths = {
        "own": np.log1p(returns.clip(lower=-1 + _STILL)).cumsum(),
        "metal": np.log(market.price) + np.log1p(-storage).cumsum(),
        "bills": np.log1p(market.bill_accrual).cumsum(),
    }
    return pd.DataFrame({name: _between(path, grid) for name, path in paths.items()}).dropna()


def _between(logarithms: pd.Series, days: pd.DatetimeIndex) -> pd.Series:
    """Return from each day to the next of a path, as last known on each."""
    changes: pd.Series = logarithms.reindex(logarithms.index.union(days)).ffill().reindex(days).diff()
    return changes.map(np.expm1)
