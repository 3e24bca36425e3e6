"""The implied lease rate of a metal: what the curve pays a holder who lends it.

All rates are decimal fractions a year, simple, on actual/360 as money-market rates are quoted (GOFO, SIFO,
LIBOR, SOFR); days are calendar days. Every argument is a number, an array or a Series; they combine element
by element.

A lease rate implied by futures contains what the interest rate leaves out: against Treasury bills it lies
below a quoted lease rate by the spread of LIBOR or SOFR over bills, and by storage. Compare it with its own
past, not with zero.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from research.errors import ValidationError

YEAR = 360.0
YEAR_CONTINUOUS = 365.0

Numbers: TypeAlias = Any  # a number, an array or a Series, mixed at will


def forward_rate(spot: Numbers, forward: Numbers, days: Numbers) -> Numbers:
    r"""Rate at which the metal's forward price stands above spot: :math:`g = (F/S - 1)\,360/d`.

    The analogue of GOFO and SIFO. Negative in backwardation.

    >>> round(forward_rate(32.40, 32.55, 90), 8)
    0.01851852

    Parameters
    ----------
    spot
        Price for delivery now, USD per ounce.
    forward
        Price for delivery later, USD per ounce.
    days
        Calendar days to the forward's date.
    """
    _check_days(days)
    return (forward / spot - 1) * YEAR / days


def lease_rate_desk(rate: Numbers, forward: Numbers) -> Numbers:
    r"""Lease rate by the desk's subtraction: :math:`\ell \approx r - g`, as once GLR = LIBOR - GOFO.

    Parameters
    ----------
    rate, forward
        Interest rate and metal forward rate of one tenor.

    Examples
    --------
    >>> round(lease_rate_desk(0.0500, 0.0414), 4)
    0.0086
    """
    return rate - forward


def lease_rate(spot: Numbers, forward: Numbers, rate: Numbers, days: Numbers) -> Numbers:
    r"""Lease rate by covered parity: :math:`\ell = [(1 + r d/360)\,S/F - 1]\,360/d`.

    Borrow money, buy the metal, lend it, sell it forward with the interest in metal: no profit at this
    rate.

    >>> round(lease_rate(32.40, 32.55, 0.0435, 90), 8)
    0.02486636

    Parameters
    ----------
    spot
        Price for delivery now, USD per ounce.
    forward
        Price for delivery later, USD per ounce.
    rate
        Money rate, a fraction a year, simple.
    days
        Calendar days to the forward's date.
    """
    _check_days(days)
    return ((1 + rate * days / YEAR) * spot / forward - 1) * YEAR / days


def lease_rate_continuous(spot: Numbers, forward: Numbers, rate: Numbers, days: Numbers) -> Numbers:
    r"""Lease rate compounded continuously, actual/365: :math:`\ell_c = [\ln(1 + r d/360) - \ln(F/S)]\,365/d`.

    With :math:`F = S e^{(r + u - y)\tau}` this is the convenience yield net of storage, y - u. `rate` stays
    simple, actual/360.

    >>> round(float(lease_rate_continuous(32.40, 32.55, 0.0435, 90)), 8)
    0.02513368

    Parameters
    ----------
    spot
        Price for delivery now, USD per ounce.
    forward
        Price for delivery later, USD per ounce.
    rate
        Money rate, a fraction a year, continuous.
    days
        Calendar days to the forward's date.
    """
    _check_days(days)
    return (np.log1p(rate * days / YEAR) - np.log(forward / spot)) * YEAR_CONTINUOUS / days


def forward_price(spot: Numbers, rate: Numbers, lease: Numbers, days: Numbers) -> Numbers:
    r"""Forward price at which `lease_rate` is `lease`: :math:`F = S\,(1 + r d/360)/(1 + \ell d/360)`.

    >>> round(forward_price(1.0, 0.041, 0.349, 30) - 1, 6)
    -0.024941

    Parameters
    ----------
    spot
        Price for delivery now, USD per ounce.
    rate
        Money rate, a fraction a year, simple.
    lease
        Lease rate, likewise.
    days
        Calendar days to the forward's date.
    """
    return spot * (1 + rate * days / YEAR) / (1 + lease * days / YEAR)


def calendar_forward_rate(near: Numbers, far: Numbers, near_days: Numbers, far_days: Numbers) -> Numbers:
    r"""Forward rate between two deliveries of one venue: :math:`g_{12} = (F_2/F_1 - 1)\,360/(d_2 - d_1)`.

    No spot price enters, so nothing is asynchronous.

    >>> round(calendar_forward_rate(50.00, 50.30, 28, 119), 8)
    0.02373626

    Parameters
    ----------
    near
        Price of the nearer contract, USD per ounce.
    far
        Price of the farther contract, USD per ounce.
    near_days
        Calendar days to the nearer delivery.
    far_days
        Calendar days to the farther delivery.
    """
    return forward_rate(near, far, far_days - near_days)


def calendar_lease_rate(
    near: Numbers, far: Numbers, near_days: Numbers, far_days: Numbers, rate: Numbers, *, exact: bool = True
) -> Numbers:
    """Lease rate between two deliveries: covered parity, or the desk's subtraction when not `exact`.

    Parameters
    ----------
    near, far
        Prices of the two contracts at one moment.
    near_days, far_days
        Calendar days to delivery, counted from that day.
    rate
        The *forward* interest rate between the two deliveries
        (``research.signals.bills.forward_simple_rate``), not the rate from today.
    exact
        Compound as contracts do, and not in a first approximation.

    Examples
    --------
    >>> round(calendar_lease_rate(50.00, 50.30, 28, 119, 0.0405, exact=False), 8)
    0.01676374
    """
    days = far_days - near_days
    if exact:
        return lease_rate(near, far, rate, days)
    return lease_rate_desk(rate, forward_rate(near, far, days))


def _check_days(days: Numbers) -> None:
    if np.any(np.asarray(days) <= 0):
        raise ValidationError("lease rate: days to delivery must be above 0; the far delivery comes after the near one")
