r"""The curve of a metal: its implied lease rate, carry (what a future earns), and the bill rates that both need.

Rates are decimal fractions a year, simple, on actual/360 as money-market rates are quoted (GOFO, SIFO, LIBOR, SOFR);
carry is on actual/365, and positive in backwardation, when the near contract stands above the far one. Every argument
is a number, an array or a Series; they combine element by element. Throughout,

- ``spot``, ``forward``, ``near``, ``far`` are prices at one moment, USD per ounce: for delivery now, later, and of the
  nearer and the farther contract;
- ``days`` are calendar days to the forward's date, ``days_between`` those between two deliveries, ``near_days`` and
  ``far_days`` those to each;
- ``rate`` and ``lease`` are the money rate and the lease rate over those days.

A lease rate implied by futures contains what the interest rate leaves out: against Treasury bills it lies
below a quoted lease rate by the spread of LIBOR or SOFR over bills, and by storage. Compare it with its own
past, not with zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from research.errors import ValidationError

YEAR = 360.0
YEAR_CONTINUOUS = 365.0

Numbers: TypeAlias = Any  # a number, an array or a Series, mixed at will


def forward_rate(spot: Numbers, forward: Numbers, days: Numbers) -> Numbers:
    r"""Rate at which the metal's forward price stands above spot: :math:`g = (F/S - 1)\,360/d`.

    The analogue of GOFO and SIFO. Negative in backwardation. With the near contract for ``spot``, the far one for
    ``forward`` and the ``days`` between them, it is the rate between two deliveries of one venue: no spot price enters
    then, so nothing is asynchronous.

    >>> round(forward_rate(32.40, 32.55, 90), 8)
    0.01851852
    """
    _check_days(days)
    return (forward / spot - 1) * YEAR / days


def lease_rate_desk(rate: Numbers, forward: Numbers) -> Numbers:
    r"""Lease rate by the desk's subtraction: :math:`\ell \approx r - g`, as once GLR = LIBOR - GOFO.

    ``rate`` and here ``forward`` are the interest rate and the metal's forward rate of one tenor.

    >>> round(lease_rate_desk(0.0500, 0.0414), 4)
    0.0086
    """
    return rate - forward


def lease_rate(spot: Numbers, forward: Numbers, rate: Numbers, days: Numbers) -> Numbers:
    r"""Lease rate by covered parity: :math:`\ell = [(1 + r d/360)\,S/F - 1]\,360/d`.

    Borrow money at ``rate``, buy the metal at ``spot``, lend it for ``days``, sell it ``forward`` with the interest in
    metal: no profit at this rate.

    >>> round(lease_rate(32.40, 32.55, 0.0435, 90), 8)
    0.02486636
    """
    _check_days(days)
    return ((1 + rate * days / YEAR) * spot / forward - 1) * YEAR / days


def lease_rate_continuous(spot: Numbers, forward: Numbers, rate: Numbers, days: Numbers) -> Numbers:
    r"""Lease rate compounded continuously, actual/365: :math:`\ell_c = [\ln(1 + r d/360) - \ln(F/S)]\,365/d`.

    With :math:`F = S e^{(r + u - y)\tau}` this is the convenience yield net of storage, y - u, over ``days`` from
    ``spot`` to ``forward``. ``rate`` stays simple, actual/360.

    >>> round(float(lease_rate_continuous(32.40, 32.55, 0.0435, 90)), 8)
    0.02513368
    """
    _check_days(days)
    return (np.log1p(rate * days / YEAR) - np.log(forward / spot)) * YEAR_CONTINUOUS / days


def forward_price(spot: Numbers, rate: Numbers, lease: Numbers, days: Numbers) -> Numbers:
    r"""Forward price at which `lease_rate` is ``lease``: :math:`F = S\,(1 + r d/360)/(1 + \ell d/360)`.

    From ``spot``, and ``rate`` over the ``days``.

    >>> round(forward_price(1.0, 0.041, 0.349, 30) - 1, 6)
    -0.024941
    """
    return spot * (1 + rate * days / YEAR) / (1 + lease * days / YEAR)


def calendar_lease_rate(
    near: Numbers, far: Numbers, near_days: Numbers, far_days: Numbers, rate: Numbers, *, exact: bool = True
) -> Numbers:
    """Lease rate between two deliveries: covered parity, or the desk's subtraction when not ``exact``.

    Of ``near`` and ``far``, delivered in ``near_days`` and ``far_days``. ``rate`` is the *forward* rate between
    the two deliveries (`forward_simple_rate`), not the rate from today.

    >>> round(calendar_lease_rate(50.00, 50.30, 28, 119, 0.0405, exact=False), 8)
    0.01676374
    """
    days = far_days - near_days
    if exact:
        return lease_rate(near, far, rate, days)
    return lease_rate_desk(rate, forward_rate(near, far, days))


def carry(near: Numbers, far: Numbers, days_between: Numbers) -> Numbers:
    r"""Simple carry, what a future earns if no price moves: :math:`C = \frac{F_1 - F_2}{F_2}\,\frac{365}{d_2 - d_1}`.

    Of ``near`` over ``far``, ``days_between`` their deliveries. Koijen, Moskowitz, Pedersen and Vrugt (2018) write it
    so; the basis of Gorton, Hayashi and Rouwenhorst (2013), :math:`(F_1/F_2 - 1)\,365/(d_2 - d_1)`, is the same number.

    >>> round(carry(50.00, 50.30, 91), 8)
    -0.0239224
    """
    _check_days(days_between)
    return (near - far) / far * YEAR_CONTINUOUS / days_between


def log_carry(near: Numbers, far: Numbers, days_between: Numbers) -> Numbers:
    r"""Slope of the curve in logs, of ``near`` over ``far``, ``days_between``: :math:`\ln(F_1/F_2)\,365/(d_2 - d_1)`.

    >>> round(float(log_carry(50.00, 50.30, 91)), 8)
    -0.02399402
    """
    _check_days(days_between)
    return np.log(near / far) * YEAR_CONTINUOUS / days_between


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


def _check_days(days: Numbers) -> None:
    if np.any(np.asarray(days) <= 0):
        raise ValidationError("days to delivery must be above 0; the far delivery comes after the near one")
