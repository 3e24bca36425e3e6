"""Whether a relation held all the time: breaks at unknown dates, rolling alphas.

A break date that was searched for is an estimate: the difference of the means before and after it has no ordinary
p-value. The tests here allow for the search; their dates are for description.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import FloatArray, SeriesLike, aligned, fraction, positive, vector, whole
from research.errors import DataError, ParameterError


def cusum(series: SeriesLike, regressors: npt.ArrayLike | None = None) -> Finding:
    r"""OLS-CUSUM, the farthest that the residuals drift.

    The statistic is :math:`\max_t |\sum_{s \le t} e_s| / (\hat\sigma \sqrt n)`; its limit is the supremum of a
    Brownian bridge. :math:`\hat\sigma` has n - k degrees of freedom, as in R's
    strucchange.

    Parameters
    ----------
    series
        Shape (T,).
    regressors
        Shape (T,) or (T, k), without the constant; by default the mean alone is tested.

    Returns
    -------
    Finding
        ``estimate`` is the position (0-based) of the last bar before the largest excursion.

    Raises
    ------
    DataError
        If values are missing or misaligned, or the fit is perfect.

    References
    ----------
    Ploberger and Kraemer (1992).
    """
    from statsmodels.stats.diagnostic import breaks_cusumolsresid

    values, design = _regression(series, regressors)
    residuals = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    if residuals @ residuals <= 1e-20 * (values @ values):
        raise DataError("series: the regression fits perfectly, so there are no residuals to follow; check the data")
    statistic, p_value, _ = breaks_cusumolsresid(residuals, ddof=design.shape[1])
    at = int(np.argmax(np.abs(np.cumsum(residuals))))
    return Finding(
        name="cusum",
        estimate=float(at),
        unit="position of the last bar before the turn",
        statistic=float(statistic),
        p_value=float(p_value),
        null="the regression is the same throughout",
        alternative="it drifts or breaks",
        effective_n=float(values.size),
        method="OLS-CUSUM, supremum of a Brownian bridge",
        reference="Ploberger and Kraemer 1992",
        sentence=f"A relation that never changed would wander this far in {float(p_value):.1%} of samples.",
    )


def recursive_cusum(series: SeriesLike, regressors: npt.ArrayLike | None = None) -> Finding:
    r"""Recursive CUSUM, how far the one-step forecast errors of a regression drift to one side.

    The statistic is :math:`S = \max_t |W_t| / (1 + 2 (t-k)/(n-k))` with
    :math:`W_t = \sum_{s \le t} w_s / (\hat\sigma \sqrt{n-k})` of the standardized forecast errors w, each from the
    fit to the bars before it. :math:`\hat\sigma` is their standard deviation about their mean, as in R's strucchange;
    about zero, a break would swell it and hide itself.

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
        seen there, and came before it.

    Raises
    ------
    DataError
        If values are missing or misaligned, the fit is perfect, or the regressors do not vary in the first bars.

    References
    ----------
    Brown, Durbin and Evans (1975).
    """
    from scipy.special import ndtr
    from statsmodels.regression.linear_model import OLS
    from statsmodels.stats.diagnostic import recursive_olsresiduals

    values, design = _regression(series, regressors)
    n, k = design.shape
    if np.linalg.matrix_rank(design[:k]) < k:
        raise DataError(f"regressors: the first {k} bars do not identify {k} coefficients; start where they vary")
    fit = OLS(values, design).fit()
    if fit.ssr <= 1e-20 * (values @ values):
        raise DataError("series: the regression fits perfectly, so there are no residuals to follow; check the data")
    errors = recursive_olsresiduals(fit, skip=k)[4][k:]
    spread = float(errors.std(ddof=1))
    path = np.abs(np.cumsum(errors)) / (spread * np.sqrt(n - k)) / (1 + 2 * np.arange(1, n - k + 1) / (n - k))
    s = float(path.max())
    crossing = 1 - ndtr(3 * s) + np.exp(-4 * s**2) * (ndtr(s) + ndtr(5 * s) - 1) - np.exp(-16 * s**2) * ndtr(-s)
    p_value = float(np.clip(2 * crossing, 0, 1))
    return Finding(
        name="recursive_cusum",
        estimate=float(k + np.argmax(path)),
        unit="position of the bar farthest out",
        statistic=s,
        p_value=p_value,
        null="the regression is the same throughout",
        alternative="it drifts or breaks",
        effective_n=float(n - k),
        method="recursive CUSUM; p-value of either line crossed, twice that of one, exact enough below 0.1",
        reference="Brown, Durbin and Evans 1975",
        sentence=f"Forecasts by an unchanging relation would err to one side like this in {p_value:.1%} of samples.",
    )


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
    heteroskedasticity and for regressors whose own distribution changes, where Andrews' (1993) tables do not.

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
        If values are missing or misaligned, or too few on either side.

    References
    ----------
    Andrews (1993); Hansen (2000).
    """
    values, design = _regression(series, regressors)
    fraction(2 * trim, "twice the trim")
    whole(n_draws, "n_draws", minimum=1)
    n, k = design.shape
    first, last = int(np.floor(trim * n)), n - int(np.floor(trim * n))
    if first < k + 1:
        raise DataError(f"series: {n} bars less {trim:.0%} at an end leave {first} for {k} coefficients; use more bars")
    path = _f_path(values[:, None], design, first, last)[:, 0]
    best = int(np.argmax(path))
    bar = first + best
    fits = [np.linalg.lstsq(design[part], values[part], rcond=None)[0] for part in (slice(bar), slice(bar, None))]
    residuals = values - np.concatenate([design[:bar] @ fits[0], design[bar:] @ fits[1]])
    noise = np.random.default_rng(seed).standard_normal((n, n_draws))
    resampled = _f_path(residuals[:, None] * noise, design, first, last).max(axis=0)
    p_value = (1 + int(np.sum(resampled >= path[best]))) / (1 + n_draws)
    return Finding(
        name="sup_f",
        estimate=float(bar - 1),
        unit="position of the last bar before the break",
        statistic=float(path[best]),
        p_value=p_value,
        null="all coefficients are the same throughout",
        alternative="they change once, at a date unknown",
        effective_n=float(n),
        method=f"sup F, {trim:.0%} trimming, fixed-regressor bootstrap, {n_draws} draws, seed {seed}",
        reference="Andrews 1993; Hansen 2000",
        sentence=f"With no break at all, the best date would look as good as this one in {p_value:.1%} of samples.",
        details={
            "critical_value": float(np.quantile(resampled, 0.95)),
            "before": fits[0].tolist(),
            "after": fits[1].tolist(),
        },
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
    values = vector(series, "series", minimum=10)
    fraction(2 * trim, "twice the trim")
    whole(max_breaks, "max_breaks", minimum=1)
    n = values.size
    shortest = max(int(np.floor(trim * n)), 2)
    centred = values - values.mean()
    sums, squares = (np.concatenate([[0.0], np.cumsum(v)]) for v in (centred, centred**2))
    ends = np.arange(n + 1)
    best = np.full(n + 1, np.inf)  # smallest RSS of the first bars in the segments so far, by their number
    best[shortest:] = squares[shortest:] - sums[shortest:] ** 2 / ends[shortest:]
    rss, starts = [best[n]], []
    for m in range(1, min(max_breaks, n // shortest - 1) + 1):
        previous, best = best, np.full(n + 1, np.inf)
        start = np.zeros(n + 1, dtype=int)
        for end in range((m + 1) * shortest, n + 1):
            cuts = ends[m * shortest : end - shortest + 1]
            total = previous[cuts] + squares[end] - squares[cuts] - (sums[end] - sums[cuts]) ** 2 / (end - cuts)
            start[end], best[end] = cuts[np.argmin(total)], total.min()
        rss.append(best[n])
        starts.append(start)
    if min(rss) <= 1e-12 * squares[n]:
        raise DataError("series: it never varies between breaks, so no number of breaks fits best; check the data")
    bic = [n * (np.log(2 * np.pi * r / n) + 1) + (2 * m + 2) * np.log(n) for m, r in enumerate(rss)]
    chosen = int(np.argmin(bic))
    edges = [n]
    for start in reversed(starts[:chosen]):
        edges.insert(0, int(start[edges[0]]))
    return Finding(
        name="mean_breaks",
        estimate=float(chosen),
        unit="breaks",
        null="",
        alternative="",
        effective_n=float(n),
        method=f"least squares over all dates, at least {shortest} bars a segment, up to {len(starts)} breaks by BIC",
        reference="Bai and Perron 2003; Yao 1988",
        sentence=f"The mean is best described with {chosen} break{'' if chosen == 1 else 's'}; dates are estimates.",
        details={
            "breaks": [edge - 1 for edge in edges[:-1]],
            "means": [float(part.mean()) for part in np.split(values, edges[:-1])],
            "rss": [float(r) for r in rss],
            "bic": [float(b) for b in bic],
        },
    )


def rolling_alpha(
    excess_returns: SeriesLike,
    metal_excess_returns: SeriesLike,
    *,
    window: int,
    periods_per_year: float,
) -> Finding:
    """Timing alpha of every window, a description: neighbouring windows share all bars but one.

    Parameters
    ----------
    excess_returns, metal_excess_returns
        Less the bill's, shape (T,), as fractions.
    window
        Bars of a window.
    periods_per_year
        12 for months, 252 for days.

    Returns
    -------
    Finding
        ``estimate`` is the share of windows whose alpha has the sign of the whole sample's. No p-value. ``details``
        hold ``alphas``, a year, one for each bar from ``window - 1`` on (``nan`` where the metal stood still),
        ``lowest``, ``highest`` and ``separate_windows``.

    Raises
    ------
    DataError
        If returns are missing or misaligned, or fewer than a window.
    """
    whole(window, "window", minimum=3)
    year = positive(periods_per_year, "periods_per_year")
    y, m = aligned(excess_returns=excess_returns, metal_excess_returns=metal_excess_returns, minimum=window)
    slices = np.lib.stride_tricks.sliding_window_view(np.column_stack([y, m]), window, axis=0)
    mean_y, mean_m = slices.mean(axis=2).T
    centred = slices[:, 1] - mean_m[:, None]
    variance = np.einsum("ij,ij->i", centred, centred)
    covariance = np.einsum("ij,ij->i", centred, slices[:, 0])
    beta = np.divide(covariance, variance, out=np.full(variance.shape, np.nan), where=variance > 0)
    alphas = (mean_y - beta * mean_m) * year
    whole_beta = float(np.cov(y, m)[0, 1] / m.var(ddof=1)) if m.var() > 0 else float("nan")
    whole_alpha = float(y.mean() - whole_beta * m.mean()) * year
    known = alphas[np.isfinite(alphas)]
    share = float(np.mean(known * whole_alpha > 0)) if known.size else float("nan")
    return Finding(
        name="rolling_alpha",
        estimate=share,
        unit="share of windows with the sign of the whole",
        null="",
        alternative="",
        effective_n=float(y.size // window),
        method=f"ordinary least squares in windows of {window} bars; no test, the windows overlap",
        reference="Jensen 1968",
        sentence=(
            f"{share:.0%} of the {window}-bar windows have the alpha's sign; it ranged from "
            f"{known.min():+.1%} to {known.max():+.1%} a year."
            if known.size
            else "The metal never moved within a window."
        ),
        details={
            "alphas": alphas.tolist(),
            "lowest": float(known.min()) if known.size else float("nan"),
            "highest": float(known.max()) if known.size else float("nan"),
            "whole": whole_alpha,
            "separate_windows": y.size // window,
        },
    )


def _regression(series: SeriesLike, regressors: npt.ArrayLike | None) -> tuple[FloatArray, FloatArray]:
    values = vector(series, "series", minimum=10)
    ones = np.ones((values.size, 1))
    if regressors is None:
        return values, ones
    x = np.asarray(regressors, dtype=np.float64)
    x = x[:, None] if x.ndim == 1 else x
    if x.shape[0] != values.size or not np.isfinite(x).all():
        raise DataError(f"regressors: need {values.size} finite rows, got shape {x.shape}; align them")
    design = np.column_stack([ones, x])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise ParameterError("regressors: one is a combination of the others or of the constant; leave it out")
    return values, design


def _f_path(series: FloatArray, design: FloatArray, first: int, last: int) -> FloatArray:
    """F of a break after each of ``first`` .. ``last`` bars, for every column, ``(last - first + 1, n_columns)``."""
    n, k = design.shape
    moment, total = design[:first].T @ design[:first], design.T @ design
    product, everything = design[:first].T @ series[:first], design.T @ series
    squares = np.einsum("ij,ij->j", series, series)
    unbroken = np.einsum("ij,ij->j", everything, np.linalg.solve(total, everything))
    path = np.empty((last - first + 1, series.shape[1]))
    for position, bar in enumerate(range(first, last + 1)):
        rest = everything - product
        fitted = np.einsum("ij,ij->j", product, np.linalg.solve(moment, product))
        fitted += np.einsum("ij,ij->j", rest, np.linalg.solve(total - moment, rest))
        path[position] = (fitted - unbroken) / ((squares - fitted) / (n - 2 * k))
        if bar < n:
            moment = moment + np.outer(design[bar], design[bar])
            product = product + design[bar][:, None] * series[bar]
    return path
