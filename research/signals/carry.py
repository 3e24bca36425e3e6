"""Carry: what a futures position earns if no price moves.

Positive in backwardation, when the near contract stands above the far one. Decimal fractions a year,
actual/365.
"""

from __future__ import annotations

import numpy as np

from research.errors import ValidationError
from research.signals.lease import Numbers


def carry(near: Numbers, far: Numbers, days_between: Numbers) -> Numbers:
    r"""Simple carry: :math:`C = \frac{F_1 - F_2}{F_2}\,\frac{365}{d_2 - d_1}`.

    Koijen, Moskowitz, Pedersen and Vrugt (2018) write it so; the basis of Gorton, Hayashi and Rouwenhorst
    (2013), :math:`(F_1/F_2 - 1)\,365/(d_2 - d_1)`, is the same number.

    >>> round(carry(50.00, 50.30, 91), 8)
    -0.0239224

    Parameters
    ----------
    near
        Price of the nearer contract, USD per ounce.
    far
        Price of the farther contract, USD per ounce.
    days_between
        Calendar days between the two deliveries.
    """
    _check(days_between)
    return (near - far) / far * 365.0 / days_between


def log_carry(near: Numbers, far: Numbers, days_between: Numbers) -> Numbers:
    r"""Slope of the curve in logs: :math:`\ln(F_1/F_2)\,365/(d_2 - d_1)`.

    >>> round(float(log_carry(50.00, 50.30, 91)), 8)
    -0.02399402

    Parameters
    ----------
    near
        Price of the nearer contract, USD per ounce.
    far
        Price of the farther contract, USD per ounce.
    days_between
        Calendar days between the two deliveries.
    """
    _check(days_between)
    return np.log(near / far) * 365.0 / days_between


def _check(days: Numbers) -> None:
    if np.any(np.asarray(days) <= 0):
        raise ValidationError("carry: days between deliveries must be above 0; give the near contract first")
