"""Metal against money: real yields, the dollar, and a basket of currencies.

Returns and the dollar are natural-log changes, yields are in percentage points. Betas are estimated on a trailing
window and re-estimated at each row, so that none uses a later one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.memo import shared
from research.signals.series import value_before


@shared
def change_over(series: pd.Series, length: str) -> pd.Series:
    """Change against the last row at least ``length`` of time before: ``x[t] - x[t - length]``; NaN at the start.

    Parameters
    ----------
    series
        By bar or by known_at.
    """
    return series - value_before(series, length)


@shared
def rolling_betas(
    changes: pd.Series, drivers: pd.DataFrame, window: str, *, min_observations: int = 24
) -> pd.DataFrame:
    r"""Least-squares slopes over the trailing window: :math:`\hat\beta_t = (X_t'X_t)^{-1}X_t'y_t`, constant included.

    Parameters
    ----------
    changes
        Dependent variable by date.
    drivers
        Regressors on the same dates. Rows with a NaN on either side are left out.
    window
        Length of time, e.g. ``"1096D"``.
    min_observations
        Fewer rows give NaN.

    Returns
    -------
    pd.DataFrame
        One column a driver, on the index of ``changes``.
    """
    rows = pd.concat([changes.rename("y"), drivers], axis=1)
    complete = rows.notna().all(axis=1)
    y = rows["y"].where(complete, 0.0).to_numpy()
    x = np.column_stack([np.ones(len(rows)), rows[drivers.columns].to_numpy(dtype=float)])
    x = np.where(complete.to_numpy()[:, None], x, 0.0)
    dates = pd.DatetimeIndex(rows.index)
    first = dates.searchsorted(dates - pd.Timedelta(window), side="right")
    moments = _windowed(x[:, :, None] * x[:, None, :], first)
    products = _windowed(x * y[:, None], first)
    count = moments[:, 0, 0]
    slopes = np.full((len(rows), x.shape[1]), np.nan)
    enough = (count >= min_observations) & (np.linalg.matrix_rank(moments) == x.shape[1])
    slopes[enough] = np.linalg.solve(moments[enough], products[enough][:, :, None])[:, :, 0]
    return pd.DataFrame(slopes[:, 1:], index=rows.index, columns=drivers.columns)


@shared
def unexplained_return(
    log_price: pd.Series, drivers: pd.DataFrame, *, length: str, step: str, window: str
) -> pd.Series:
    r"""What the metal returned over ``length`` beyond what its drivers explain.

    :math:`u_t = \Delta_L \ln P_t - \hat\beta_t' \Delta_L x_t`, with the slopes of changes over ``step`` in the trailing
    ``window``: a metal that left its real-yield beta shows here.

    Parameters
    ----------
    log_price, drivers
        Levels on one set of dates: natural log of the price; yields in % a year, log of the dollar index.
    """
    betas = rolling_betas(change_over(log_price, step), drivers.apply(change_over, length=step), window)
    explained = (betas * drivers.apply(change_over, length=length)).sum(axis=1, min_count=drivers.shape[1])
    unexplained: pd.Series = change_over(log_price, length) - explained
    return unexplained


@shared
def in_currency_basket(price: pd.Series, dollar_index: pd.Series) -> pd.Series:
    """Price of metal in the index's basket of currencies, up to a constant: ``P * I / 100``.

    With the dollar index ``I`` in units of the basket per dollar, a rise of gold that is only a fall of the
    dollar leaves this where it was.

    >>> round(float(in_currency_basket(pd.Series([2000.0]), pd.Series([105.0])).iloc[0]), 6)
    2100.0

    Parameters
    ----------
    price
        USD per ounce.
    dollar_index
        Index of the dollar in other currencies.
    """
    return price * dollar_index / 100.0


def _windowed(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Sums over rows ``first[t]`` to ``t``."""
    total = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    return np.asarray(total[1:] - total[first])
