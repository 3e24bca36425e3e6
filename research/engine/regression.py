"""Ordinary least squares of accounts on the metal, and whether the metal moves enough for one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from research.units import Floats

RISKLESS = 1e-24  # a variance of returns a period that is not above this is rounding
STILL = 1e-3  # a metal whose deviation is less than this share of the account's can explain nothing of it


def regress(sums: Floats, of_metal: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Alpha and beta of ``x`` on a constant and ``m``, a period; NaN where the metal hardly moves.

    Parameters
    ----------
    sums
        Of ``x, x^2, x m`` over the periods, ``(3, n_variants)``.
    of_metal
        Of ``m, m^2``, ``(2, n_variants)``.
    n
        Number of periods, ``(n_variants,)``.
    """
    x, xx, xm = sums
    m, mm = of_metal
    with np.errstate(divide="ignore", invalid="ignore"):
        spread_m, spread_x = mm - m * m / n, xx - x * x / n
        moves = (spread_m > RISKLESS * n) & (spread_m > STILL * STILL * spread_x)
        beta = (xm - x * m / n) / np.where((n >= 3) & moves, spread_m, np.nan)
        return (x - beta * m) / n, beta


def is_still(metal: Floats, account: Floats) -> NDArray[np.bool_]:
    """Whether a metal hardly moves, by itself or beside the account, (..., T): then there is no beta, and no alpha."""
    deviation = metal.std(axis=-1)
    return np.asarray((deviation**2 <= RISKLESS) | (deviation <= STILL * account.std(axis=-1)))
