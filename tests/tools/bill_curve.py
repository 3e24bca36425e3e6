"""What a dollar in Treasury bills grows to between two dates: the money rate of an implied lease rate."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from research.errors import ValidationError
from research.signals.lease import YEAR, Numbers


def simple_rate_of_discount(discount: Numbers, days: int = 91) -> Numbers:
    r"""Money-market rate (simple, actual/360) of a bill quoted at bank discount: :math:`r = d / (1 - d\,n/360)`.

    Fractions a year. Its bond-equivalent yield is this times 365/360.

    >>> round(simple_rate_of_discount(0.10), 8)
    0.10259333

    Parameters
    ----------
    discount
        Bank discount, % a year.
    days
        To maturity.
    """
    return discount / (1 - discount * days / YEAR)


def log_growth(par_yields: pd.DataFrame, nodes: Mapping[str, int], days: np.ndarray) -> np.ndarray:
    """Logarithm of what one dollar grows to within `days`, from each date's curve of par yields.

    Up to half a year a par yield is a simple yield on actual/365; at one year it is a coupon bond's,
    compounded twice. Between nodes the logarithm of growth is linear in days (forward rates constant in
    between); before the first node and beyond the last one it is proportional to days.

    Parameters
    ----------
    par_yields : DataFrame
        One row a date, one column a tenor, fractions a year, bond-equivalent; a missing tenor is skipped.
    nodes : mapping
        Calendar days of each column, none above 366.
    days : array
        Calendar days, one for each row.

    Returns
    -------
    array
        NaN where the row has no yield or the days are beyond twice the longest tenor it has.
    """
    if max(nodes.values()) > 366:
        raise ValidationError(f"bill curve: a node of {max(nodes.values())} days; give tenors up to one year")
    names = sorted(nodes, key=lambda name: nodes[name])
    tenor = np.array([nodes[name] for name in names], dtype=float)
    yields = par_yields[names].to_numpy(dtype=float)
    growth = np.where(tenor > 183, 2 * np.log1p(yields / 2) * tenor / 365, np.log1p(yields * tenor / 365))
    result = np.full(len(par_yields), np.nan)
    for row, (levels, horizon) in enumerate(zip(growth, np.asarray(days, dtype=float), strict=True)):
        known = np.isfinite(levels)
        if known.any() and 0 <= horizon <= 2 * tenor[known][-1]:
            x, y = np.append(0.0, tenor[known]), np.append(0.0, levels[known])
            result[row] = np.interp(horizon, x, y) if horizon <= x[-1] else y[-1] * horizon / x[-1]
    return result


def forward_simple_rate(near_growth: Numbers, far_growth: Numbers, days_between: Numbers) -> Numbers:
    r"""Forward rate (simple, actual/360) between two dates: :math:`r_{12} = [e^{G_2 - G_1} - 1]\,360/(d_2 - d_1)`.

    `near_growth` and `far_growth` are logarithms of growth to each date (`log_growth`).

    Parameters
    ----------
    near_growth
        Of 1 USD to the nearer date.
    far_growth
        Of 1 USD to the farther date.
    days_between
        Calendar days between them.
    """
    return np.expm1(far_growth - near_growth) * YEAR / days_between
