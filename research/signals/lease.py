r"""The curve of a metal: its implied lease rate, carry (what a future earns), and the bill rates that both need.

Rates are decimal fractions a year, simple, on actual/360 as money-market rates are quoted (GOFO, SIFO, LIBOR, SOFR);
carry is on actual/365, and positive in backwardation, when the near contract stands above the far one. Every argument
is a number, an array or a Series; they combine element by element. Throughout,

- ``spot``, ``forward``, ``near``, ``far`` are prices at one moment, USD per ounce: for delivery now, later, and of the
  nearer and the farther contract;
- ``days`` are calendar days to the forward's date, ``days_between`` those between two deliveries;
- ``rate`` is the money rate over those days.

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
    metal: no profit at this rate. Between two deliveries of one venue: the near contract for ``spot``, the far one for
    ``forward``, the ``days`` between them, and the *forward* interest rate over those days.

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


def _check_days(days: Numbers) -> None:
    if np.any(np.asarray(days) <= 0):
        raise ValidationError("days to delivery must be above 0; the far delivery comes after the near one")
