"""Ordinary least squares of many accounts on the metal, from the sums that the compiled loop leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RISKLESS = 1e-24  # a variance of returns a period that is not above this is rounding
EXPLAINED = 1e-12  # and so is less than this share of the variance left unexplained
STILL = 1e-3  # a metal whose deviation is less than this share of the account's can explain nothing of it


@dataclass(frozen=True)
class Regression:
    """Of ``x`` on a constant and ``m``, a period; each ``(n_variants,)``, NaN where the metal hardly moves.

    ``residual_variance`` is the sum of squared residuals over ``n - 2``, 0 where it is rounding; the variances are
    those of ``alpha``, classical and White's (1980, HC0), NaN there.
    """

    alpha: Floats
    beta: Floats
    residual_variance: Floats
    classical_variance: Floats
    white_variance: Floats


def regress(sums: Floats, of_metal: Floats, n: Floats) -> Regression:
    """Work it out.

    Parameters
    ----------
    sums
        Of ``x, x^2, x m, x m^2, x m^3, x^2 m, x^2 m^2`` over the periods, ``(7, n_variants)``.
    of_metal
        Of ``m`` to the powers 1 to 4, ``(4, n_variants)``.
    n
        Number of periods, ``(n_variants,)``.
    """
    x, xx, xm, xmm, xmmm, xxm, xxmm = sums
    m, mm, mmm, mmmm = of_metal
    with np.errstate(divide="ignore", invalid="ignore"):
        spread_m = mm - m * m / n
        spread_x = xx - x * x / n
        moves = (spread_m > RISKLESS * n) & (spread_m > STILL * STILL * spread_x)
        spread_m = np.where((n >= 3) & moves, spread_m, np.nan)
        common = xm - x * m / n
        beta = common / spread_m
        alpha = (x - beta * m) / n
        left = spread_x - beta * common
        residual = np.where(left > EXPLAINED * spread_x, left, left * 0.0) / (n - 2)
        # The score of alpha is u (c - d m), with the residual u = x - alpha - beta m: its square, multiplied out.
        c, d = mm / (n * spread_m), m / (n * spread_m)
        aa, bb, ab = alpha * alpha, beta * beta, alpha * beta
        u = xx + aa * n + bb * mm - 2 * alpha * x - 2 * beta * xm + 2 * ab * m
        um = xxm + aa * m + bb * mmm - 2 * alpha * xm - 2 * beta * xmm + 2 * ab * mm
        umm = xxmm + aa * mm + bb * mmmm - 2 * alpha * xmm - 2 * beta * xmmm + 2 * ab * mmm
        known = np.where(residual > RISKLESS, 1.0, np.nan)
        return Regression(
            alpha=alpha,
            beta=beta,
            residual_variance=residual,
            classical_variance=known * residual * mm / n / spread_m,
            white_variance=known * (c * c * u - 2 * c * d * um + d * d * umm),
        )


def is_still(metal: Floats, account: Floats) -> bool:
    """Whether a metal hardly moves, by itself or beside the account: then there is no beta, and no alpha."""
    deviation = float(metal.std())
    return deviation * deviation <= RISKLESS or deviation <= STILL * float(account.std())
