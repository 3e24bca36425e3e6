"""Whether series and residuals are what the other statistics take them to be."""

from __future__ import annotations

import warnings
from math import ceil

import numpy as np
import numpy.typing as npt

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import SeriesLike, regression, spread_of, vector, whole
from research.units import Floats

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


def _varying(series: SeriesLike, *, minimum: int) -> Floats:
    values = vector(series, "series", minimum=minimum)
    spread_of(values, "series")
    return values


def _autocorrelation(values: Floats) -> float:
    e = values - values.mean()
    total = float(e @ e)
    return float(e[1:] @ e[:-1]) / total if total > 0 else float("nan")
