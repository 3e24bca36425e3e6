"""Whether series and residuals are what the other statistics take them to be, and whether a relation held all the time.

A break date that was searched for is an estimate: the difference of the means before and after it has no ordinary
p-value. The tests of breaks allow for the search; their dates are for description.
"""

from __future__ import annotations

import warnings
from math import ceil, sqrt

import numpy as np
import numpy.typing as npt

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import SeriesLike, regression, spread_of, vector, whole
from research.errors import DataError
from research.units import Floats

TRIM = 0.15  # share of the sample at either end in which no break is looked for

# What the pair says at 5 % each, by (ADF rejects a unit root, KPSS rejects stationarity)
READINGS = {
    (True, False): "stationary",
    (False, True): "unit root",
    (True, True): "neither",
    (False, False): "undecided",
}


def stationarity(series: SeriesLike, *, lags: int | None = None) -> Finding:
    """Augmented Dickey-Fuller and KPSS together: the first has a unit root as its null, the second has none.

    Parameters
    ----------
    series
        Levels, shape (T,).
    lags
        Of both tests; by default the ADF's by AIC up to ``12 (T/100)^(1/4)``, the KPSS's by Hobijn, Franses and
        Ooms (2004).

    Returns
    -------
    Finding
        ``statistic`` and ``p_value`` are the ADF's (MacKinnon 1994); ``details`` hold ``reading`` (stationary, unit
        root, neither, undecided), the KPSS's ``kpss_statistic`` and ``kpss_p_value`` (only known within
        [0.01, 0.10]) and both lags. ``estimate`` is the first-order autocorrelation. At 5 % the KPSS rejects about
        8 % of stationary series of 480 bars with an autocorrelation of 0.5 (``python -m tests.calibration``).

    Raises
    ------
    DataError
        If values are missing, fewer than 20, or all the same.

    References
    ----------
    Said and Dickey (1984); Kwiatkowski, Phillips, Schmidt and Shin (1992).
    """
    from statsmodels.tools.sm_exceptions import InterpolationWarning
    from statsmodels.tsa.stattools import adfuller, kpss

    values = _varying(series, minimum=20)
    chosen = _adf_lags(values) if lags is None else lags
    adf = adfuller(values, maxlag=chosen, autolag=None, result_object=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InterpolationWarning)  # p outside [0.01, 0.10]; said in the method
        level = kpss(values, nlags="auto" if lags is None else lags, result_object=True)
    reading = READINGS[bool(adf.pvalue <= 0.05), bool(level.pvalue <= 0.05)]
    return Finding.of(
        "stationarity",
        _autocorrelation(values),
        says=reading,
        statistic=float(adf.statistic),
        p_value=float(adf.pvalue),
        effective_n=float(adf.nobs),
        details={
            "reading": reading,
            "kpss_statistic": float(level.statistic),
            "kpss_p_value": float(level.pvalue),
            "adf_lags": int(adf.lags),
            "kpss_lags": int(level.lags),
        },
    )


def _adf_lags(values: Floats) -> int:
    """The lags up to ``12 (T/100)^(1/4)`` with the least AIC, as ``adfuller`` chooses them, by one decomposition."""
    changes = np.diff(values)
    most = min(ceil(12 * (values.size / 100) ** 0.25), values.size // 2 - 2)
    n = changes.size - most
    lagged = [changes[most - lag : changes.size - lag] for lag in range(1, most + 1)]
    basis = np.linalg.qr(np.column_stack([np.ones(n), values[most:-1], *lagged]))[0]
    explained = np.cumsum((basis.T @ changes[most:]) ** 2)[1:]
    rest = np.maximum(changes[most:] @ changes[most:] - explained, 1e-300)
    return int(np.argmin(n * np.log(rest) + 2 * np.arange(most + 1)))


def autocorrelation(series: SeriesLike, *, lags: int = 10) -> Finding:
    r"""Ljung-Box made robust to changing volatility.

    :math:`Q = \sum_{k \le m} (\sum_t e_t e_{t-k})^2 / \sum_t e_t^2 e_{t-k}^2`, chi-squared with m degrees of freedom
    for uncorrelated returns of any conditional variance. The classical
    :math:`n(n+2) \sum \hat\rho_k^2 / (n-k)` takes volatility clusters for autocorrelation.

    Parameters
    ----------
    series
        Returns or residuals, shape (T,).
    lags
        m.

    Returns
    -------
    Finding
        ``estimate`` is the first autocorrelation, ``details`` hold the classical ``ljung_box_statistic`` and
        ``ljung_box_p_value``.

    Raises
    ------
    DataError
        If values are missing, all the same, or fewer than ``lags + 10``.

    References
    ----------
    Diebold (1986); Lo and MacKinlay (1989); Dalla, Giraitis and Phillips (2022); Ljung and Box (1978).
    """
    from scipy.special import chdtrc

    m = whole(lags, "lags", minimum=1)
    values = _varying(series, minimum=m + 10)
    e, n = values - values.mean(), values.size
    squares = [((e[k:] @ e[:-k]) ** 2, (e[k:] ** 2) @ (e[:-k] ** 2), n - k) for k in range(1, m + 1)]
    statistic = float(sum(square / variance for square, variance, _ in squares))
    classical = float(n * (n + 2) * sum(square / pairs for square, _, pairs in squares) / (e @ e) ** 2)
    return Finding.of(
        "autocorrelation",
        _autocorrelation(values),
        statistic=statistic,
        p_value=float(chdtrc(m, statistic)),
        effective_n=float(n),
        details={
            "ljung_box_statistic": classical,
            "ljung_box_p_value": float(chdtrc(m, classical)),
            "lags": m,
        },
    )


def heteroskedasticity(residuals: SeriesLike, regressors: npt.ArrayLike) -> Finding:
    """Test whether the variance of a regression's residuals depends on its regressors.

    Breusch-Pagan in Koenker's (1981) form, which does not need normal residuals; the original and White's (1980)
    test, with squares and products, are in the details.

    Parameters
    ----------
    residuals
        Shape (T,).
    regressors
        Shape (T,) or (T, k), without the constant.

    Raises
    ------
    DataError
        If lengths differ, values are missing or a regressor never varies.
    """
    from statsmodels.stats.diagnostic import het_breuschpagan, het_white

    e, design = regression(_varying(residuals, minimum=10), regressors)
    koenker, p_value = het_breuschpagan(e, design, robust=True)[:2]
    original, original_p = het_breuschpagan(e, design, robust=False)[:2]
    white, white_p = het_white(e, design)[:2]
    return Finding.of(
        "heteroskedasticity",
        float(koenker / e.size),
        statistic=float(koenker),
        p_value=float(p_value),
        effective_n=float(e.size),
        details={
            "breusch_pagan_statistic": float(original),
            "breusch_pagan_p_value": float(original_p),
            "white_statistic": float(white),
            "white_p_value": float(white_p),
        },
        degrees=design.shape[1] - 1,
    )


def arch_effects(series: SeriesLike, *, lags: int = 5) -> Finding:
    """Engle's Lagrange-multiplier test that volatility does not cluster: T R^2 of e^2 on its own lags.

    Parameters
    ----------
    series
        Returns or residuals, shape (T,); their mean is taken off.
    lags
        Of the squares.

    Raises
    ------
    DataError
        If values are missing, all the same, or fewer than ``3 lags + 10``.

    References
    ----------
    Engle (1982).
    """
    from statsmodels.stats.diagnostic import het_arch

    m = whole(lags, "lags", minimum=1)
    values = _varying(series, minimum=3 * m + 10)
    e = (values - values.mean()) / values.std()  # the statistic has no unit; the regression of tiny squares would
    found = het_arch(e, nlags=m, result_object=True)
    return Finding.of(
        "arch_effects",
        _autocorrelation(e**2),
        statistic=float(found.lm),
        p_value=float(found.lmpval),
        effective_n=float(e.size - m),
        details={"lags": m},
    )


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


def _varying(series: SeriesLike, *, minimum: int) -> Floats:
    values = vector(series, "series", minimum=minimum)
    spread_of(values, "series")
    return values


def _autocorrelation(values: Floats) -> float:
    e = values - values.mean()
    total = float(e @ e)
    return float(e[1:] @ e[:-1]) / total if total > 0 else float("nan")
