"""Whether a relation held all the time: breaks at unknown dates.

A break date that was searched for is an estimate: the difference of the means before and after it has no ordinary
p-value. The tests here allow for the search; their dates are for description.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import SeriesLike, fraction, regression, vector, whole
from research.diagnostics.long_run import MINIMUM_OBSERVATIONS, bartlett_variance, newey_west_lags
from research.errors import DataError
from research.units import Floats


def cusum(series: SeriesLike, regressors: npt.ArrayLike | None = None) -> Finding:
    r"""OLS-CUSUM, the farthest that the residuals drift.

    The statistic is :math:`\max_t |\sum_{s \le t} e_s| / (\hat\omega \sqrt n)`, with :math:`\hat\omega^2` the
    Newey-West long-run variance of the residuals; its limit is the supremum of a Brownian bridge. The lags,
    :math:`\lceil 0.75\,n^{1/3} \rceil`, are few, because a break would swell the variance at long ones and hide itself.
    In the details :math:`\hat\sigma`, with n - k degrees of freedom as in R's strucchange, stands for
    :math:`\hat\omega`: on residuals with the autocorrelation of averaged prices that form takes memory for a break.

    Parameters
    ----------
    series
        Shape (T,).
    regressors
        Shape (T,) or (T, k), without the constant; by default the mean alone is tested.

    Returns
    -------
    Finding
        ``estimate`` is the position (0-based) of the last bar before the largest excursion; ``details`` hold
        ``statistic_uncorrelated`` and ``p_value_uncorrelated``.

    Raises
    ------
    DataError
        If values are missing or misaligned, fewer than 24, or the fit is perfect.

    References
    ----------
    Ploberger and Kraemer (1992); Newey and West (1987) for the variance.
    """
    from scipy.special import kolmogorov

    values, design = regression(series, regressors, minimum=MINIMUM_OBSERVATIONS)
    residuals = _residuals(values, design)
    n, k = design.shape
    path = np.abs(np.cumsum(residuals)) / np.sqrt(n)
    statistic, lags = _over_long_run(path, residuals)
    uncorrelated = float(path.max() / np.sqrt(residuals @ residuals / (n - k)))
    return Finding.of(
        "cusum",
        float(np.argmax(path)),
        statistic=statistic,
        p_value=float(kolmogorov(statistic)),
        effective_n=float(n),
        details={"statistic_uncorrelated": uncorrelated, "p_value_uncorrelated": float(kolmogorov(uncorrelated))},
        lags=lags,
    )


def recursive_cusum(series: SeriesLike, regressors: npt.ArrayLike | None = None) -> Finding:
    r"""Recursive CUSUM, how far the one-step forecast errors of a regression drift to one side.

    The statistic is :math:`S = \max_t |W_t| / (1 + 2 (t-k)/(n-k))` with
    :math:`W_t = \sum_{s \le t} w_s / (\hat\sigma \sqrt{n-k})` of the standardized forecast errors w, each from the
    fit to the bars before it. :math:`\hat\sigma` is the root of their Newey-West long-run variance as in ``cusum``,
    about their mean: about zero, a break would swell it and hide itself. In the details it is their standard
    deviation, as in R's strucchange.

    Parameters
    ----------
    series
        Shape (T,).
    regressors
        Shape (T,) or (T, k), without the constant; by default the mean alone is tested.

    Returns
    -------
    Finding
        ``estimate`` is the position (0-based) of the bar where the path is farthest out for its boundary: the break is
        seen there, and came before it. ``details`` hold ``statistic_uncorrelated`` and ``p_value_uncorrelated``.

    Raises
    ------
    DataError
        If values are missing or misaligned, fewer than 24, the fit is perfect, or the regressors do not vary in the
        first bars.

    References
    ----------
    Brown, Durbin and Evans (1975); Newey and West (1987) for the variance.
    """
    values, design = regression(series, regressors, minimum=MINIMUM_OBSERVATIONS)
    n, k = design.shape
    if np.linalg.matrix_rank(design[:k]) < k:
        raise DataError(f"regressors: the first {k} bars do not identify {k} coefficients; start where they vary")
    _residuals(values, design)
    before, ahead = slice(k - 1, -1), design[k:]
    moments = np.cumsum(design[:, :, None] * design[:, None, :], axis=0)[before]
    products = np.cumsum(design * values[:, None], axis=0)[before]
    leverage = np.linalg.solve(moments, ahead[:, :, None])[..., 0]
    errors = (values[k:] - (leverage * products).sum(axis=1)) / np.sqrt(1 + (leverage * ahead).sum(axis=1))
    path = np.abs(np.cumsum(errors)) / np.sqrt(n - k) / (1 + 2 * np.arange(1, n - k + 1) / (n - k))
    statistic, lags = _over_long_run(path, errors)
    uncorrelated = float(path.max() / errors.std(ddof=1))
    return Finding.of(
        "recursive_cusum",
        float(k + np.argmax(path)),
        statistic=statistic,
        p_value=_either_line_crossed(statistic),
        effective_n=float(n - k),
        details={"statistic_uncorrelated": uncorrelated, "p_value_uncorrelated": _either_line_crossed(uncorrelated)},
        lags=lags,
    )


def _over_long_run(path: Floats, errors: Floats) -> tuple[float, int]:
    """The farthest of a path over the root of its errors' Newey-West variance about their mean; and the lags."""
    lags = newey_west_lags(errors.size, "textbook")
    return float(path.max() / np.sqrt(bartlett_variance(errors - errors.mean(), lags))), lags


def _either_line_crossed(s: float) -> float:
    from scipy.special import ndtr

    one = 1 - ndtr(3 * s) + np.exp(-4 * s**2) * (ndtr(s) + ndtr(5 * s) - 1) - np.exp(-16 * s**2) * ndtr(-s)
    return float(np.clip(2 * one, 0, 1))


def sup_f(
    series: SeriesLike,
    regressors: npt.ArrayLike | None = None,
    *,
    seed: int,
    trim: float = 0.15,
    n_draws: int = 999,
) -> Finding:
    r"""Largest F over all break dates, with a p-value that knows that the date was searched for.

    :math:`F(b) = (RSS_0 - RSS_b) / (RSS_b / (n - 2k))` for a break of all k coefficients after bar b; b runs over the
    sample less the share ``trim`` at either end. The p-value is Hansen's (2000) fixed-regressor bootstrap: the
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
    trim
        Share of the sample at either end in which no break is looked for.
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
    fraction(2 * trim, "twice the trim")
    whole(n_draws, "n_draws", minimum=1)
    n, k = design.shape
    first, last = int(np.floor(trim * n)), n - int(np.floor(trim * n))
    if first < k + 1:
        raise DataError(f"series: {n} bars less {trim:.0%} at an end leave {first} for {k} coefficients; use more bars")
    until = slice(first - 1, last)
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
        trim=trim,
        memory=memory,
        draws=n_draws,
        seed=seed,
    )


def mean_breaks(series: SeriesLike, *, max_breaks: int = 5, trim: float = 0.15) -> Finding:
    r"""Dates at which the mean changed, how many by BIC: a description, without a p-value.

    For each m the m breaks with the smallest residual sum of squares of all, by dynamic programming;
    :math:`BIC_m = n (\log(2 \pi RSS_m / n) + 1) + (2m + 2) \log n`. It takes the bars for uncorrelated: a persistent
    series gets too many breaks.

    Parameters
    ----------
    series
        Shape (T,).
    max_breaks
        Most breaks to consider; fewer if the segments would not fit.
    trim
        Share of the sample that every segment has at least.

    Returns
    -------
    Finding
        ``estimate`` is the number of breaks; ``details`` hold ``breaks`` (positions, 0-based, of the last bar before
        each), the ``means`` between them, and ``rss`` and ``bic`` of 0, 1, ... breaks.

    Raises
    ------
    DataError
        If values are missing or fewer than 10, or never vary within the segments.

    References
    ----------
    Bai and Perron (1998, 2003); Yao (1988).
    """
    from research.diagnostics._loops import best_breaks

    values = vector(series, "series", minimum=10)
    fraction(2 * trim, "twice the trim")
    whole(max_breaks, "max_breaks", minimum=1)
    n = values.size
    shortest = max(int(np.floor(trim * n)), 2)
    centred = values - values.mean()
    sums, squares = (np.concatenate([[0.0], np.cumsum(v)]) for v in (centred, centred**2))
    most = min(max_breaks, n // shortest - 1)
    best, starts = best_breaks(sums, squares, shortest, most)
    rss = best[:, n]
    if rss.min() <= 1e-12 * squares[n]:
        raise DataError("series: it never varies between breaks, so no number of breaks fits best; check the data")
    bic = [n * (np.log(2 * np.pi * r / n) + 1) + (2 * m + 2) * np.log(n) for m, r in enumerate(rss)]
    chosen = int(np.argmin(bic))
    edges = [n]
    for start in starts[chosen:0:-1]:
        edges.insert(0, int(start[edges[0]]))
    return Finding.of(
        "mean_breaks",
        float(chosen),
        says="one" if chosen == 1 else "many",
        effective_n=float(n),
        details={
            "breaks": [edge - 1 for edge in edges[:-1]],
            "means": [float(part.mean()) for part in np.split(values, edges[:-1])],
            "rss": rss.tolist(),
            "bic": [float(b) for b in bic],
        },
        shortest=shortest,
        most=most,
    )


def _residuals(values: Floats, design: Floats) -> Floats:
    residuals = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    if residuals @ residuals <= 1e-20 * (values @ values) + 1e-30 * values.size:  # rounding
        raise DataError("series: the regression fits perfectly, so there are no residuals to follow; check the data")
    return np.asarray(residuals)
