"""Whether a relation held all the time: breaks at unknown dates.

A break date that was searched for is an estimate: the difference of the means before and after it has no ordinary
p-value. The tests here allow for the search; their dates are for description.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import SeriesLike, regression, whole
from research.errors import DataError
from research.units import Floats

TRIM = 0.15  # share of the sample at either end in which no break is looked for


def cusum(residuals: Floats, variance: float) -> tuple[int, float]:
    r"""OLS-CUSUM of Ploberger and Kraemer (1992), the farthest that the residuals of a regression drift.

    Parameters
    ----------
    residuals
        Of an ordinary regression with a constant, (T,).
    variance
        Of one of them, in the long run.

    Returns
    -------
    int and float
        Position (0-based) of the last bar before the largest excursion; and
        :math:`\max_t |\sum_{s \le t} e_s| / (\hat\omega \sqrt n)`, under no break the supremum of a Brownian bridge.
    """
    path = np.abs(np.cumsum(residuals))
    at = int(path.argmax())
    return at, float(path[at]) / sqrt(residuals.size * variance)


def sup_f(series: SeriesLike, regressors: npt.ArrayLike | None = None, *, seed: int, n_draws: int = 999) -> Finding:
    r"""Largest F over all break dates, with a p-value that knows that the date was searched for.

    :math:`F(b) = (RSS_0 - RSS_b) / (RSS_b / (n - 2k))` for a break of all k coefficients after bar b; b runs over the
    sample less 15 % at either end. The p-value is Hansen's (2000) fixed-regressor bootstrap: the
    residuals of the best break, each times a standard normal, are regressed on the same regressors. It holds under
    heteroskedasticity and for regressors whose own distribution changes, where Andrews' (1993) tables do not. What is
    multiplied are the residuals' innovations, of a first-order autoregression that the draws then run through again
    (Goncalves and Kilian 2004): else the memory of averaged prices would be taken for a break.

    Parameters
    ----------
    series
        Shape (T,).
    regressors
        Shape (T,) or (T, k), without the constant; by default the mean alone may break.
    seed
        Of the bootstrap.
    n_draws
        Number of bootstrap draws; p = (1 + count) / (1 + n_draws).

    Returns
    -------
    Finding
        ``estimate`` is the position (0-based) of the last bar before the break; ``details`` hold
        ``critical_value`` at 5 %, and the coefficients ``before`` and ``after``.

    Raises
    ------
    DataError
        If values are missing or misaligned, too few on either side, or the fit is perfect.

    References
    ----------
    Andrews (1993); Hansen (2000); Goncalves and Kilian (2004).
    """
    from research.diagnostics._loops import largest_f

    values, design = regression(series, regressors)
    whole(n_draws, "n_draws", minimum=1)
    n, k = design.shape
    first = int(np.floor(TRIM * n))
    if first < k + 1:
        raise DataError(f"series: of {n} bars {first} lie at either end, too few for {k} coefficients; use more bars")
    until = slice(first - 1, n - first)
    basis = np.linalg.qr(design)[0]
    moments = np.cumsum(basis[:, :, None] * basis[:, None, :], axis=0)[until]
    weights = np.linalg.inv(moments - moments @ moments)  # S' W S: what a break explains, S the sums before it
    unbroken = _residuals(values, design)
    sums = np.cumsum(basis * unbroken[:, None], axis=0)[until]
    gained = np.einsum("bi,bij,bj->b", sums, weights, sums)
    path = gained / ((unbroken @ unbroken - gained) / (n - 2 * k))
    best = int(np.argmax(path))
    bar = first + best
    fits = [np.linalg.lstsq(design[part], values[part], rcond=None)[0] for part in (slice(bar), slice(bar, None))]
    residuals = values - np.concatenate([design[:bar] @ fits[0], design[bar:] @ fits[1]])
    memory = float(residuals[1:] @ residuals[:-1] / (residuals @ residuals))
    innovations = np.concatenate([residuals[:1] * np.sqrt(1 - memory**2), residuals[1:] - memory * residuals[:-1]])
    noise = np.random.default_rng(seed).standard_normal((n, n_draws))
    resampled = largest_f(noise, innovations, memory, basis, weights, first)
    return Finding.of(
        "sup_f",
        float(bar - 1),
        statistic=float(path[best]),
        p_value=(1 + int(np.sum(resampled >= path[best]))) / (1 + n_draws),
        effective_n=float(n),
        details={
            "critical_value": float(np.quantile(resampled, 0.95)),
            "before": fits[0].tolist(),
            "after": fits[1].tolist(),
        },
        memory=memory,
        draws=n_draws,
        seed=seed,
    )


def _residuals(values: Floats, design: Floats) -> Floats:
    residuals = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    if residuals @ residuals <= 1e-20 * (values @ values) + 1e-30 * values.size:  # rounding
        raise DataError("series: the regression fits perfectly, so there are no residuals to follow; check the data")
    return np.asarray(residuals)
