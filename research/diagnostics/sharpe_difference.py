r"""Is one Sharpe ratio larger than another, on the same dates? (Ledoit and Wolf 2008).

With :math:`v = (\mu_1, \mu_2, \gamma_1, \gamma_2)` the first and second (uncentred) moments of the two excess
returns, the difference is :math:`\Delta = f(v)` and its variance :math:`\nabla f' \Psi \nabla f / T`.
:math:`\Psi` is the long-run variance of the moments: a Parzen kernel with Andrews' (1991) automatic
bandwidth, with or without prewhitening, or the natural estimator of a circular block bootstrap.
"""

from __future__ import annotations

from math import ceil, inf, sqrt

import numpy as np

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import SeriesLike, aligned, positive, spread_of, whole
from research.diagnostics.long_run import student_p_value
from research.errors import DataError, ParameterError
from research.units import Floats


def sharpe_difference(
    excess_returns: SeriesLike,
    benchmark_excess_returns: SeriesLike,
    *,
    periods_per_year: float,
    block_length: int | None = None,
    n_draws: int = 4999,
    seed: int = 0,
) -> Finding:
    """Difference of two Sharpe ratios, tested by the studentised circular block bootstrap.

    Each draw is studentised by its own error, the original by the prewhitened Parzen error; the
    two-sided p-value is ``(1 + #{draws at least as extreme}) / (n_draws + 1)``.

    Parameters
    ----------
    excess_returns, benchmark_excess_returns
        Returns less the bill's return of the same period, shape (T,), as fractions. The kernel's automatic
        bandwidth weighs means against squares and so depends on their unit; it is taken in percent, as in
        the paper.
    periods_per_year
        12 for months, 252 for days; the difference a year is the one a period times its square root.
    block_length
        Periods in a block; ``None`` takes the automatic length of Politis and White (2004) for the
        influence series of the difference, but at least :math:`T^{0.4}`: the automatic length overlooks the long
        memory of squares under GARCH, where intervals then cover too little.
    n_draws, seed
        Number of bootstrap draws and the seed of their generator.

    Returns
    -------
    Finding
        Per square root of a year; the details hold the HAC tests per period.

    Raises
    ------
    DataError
        For missing or misaligned returns, fewer than 24, or returns that never vary or never differ.
    """
    first, second = aligned(
        excess_returns=excess_returns, benchmark_excess_returns=benchmark_excess_returns, minimum=24
    )
    scale = sqrt(positive(periods_per_year, "periods_per_year"))
    whole(n_draws, "n_draws", minimum=99)
    for values, name in ((first, "excess_returns"), (second, "benchmark_excess_returns")):
        spread_of(values, name)
    returns = _PERCENT * np.column_stack([first, second])
    n = first.size
    moments, gradient = _moments(returns)
    influence = moments @ gradient
    difference = sqrt((n - 1) / n) * float(_ratio_difference(np.hstack([returns, returns**2]).mean(axis=0)))
    plain, prewhitened = (hac_standard_error(returns, prewhiten=prewhiten) for prewhiten in (False, True))
    if min(plain, prewhitened) <= 1e-12:
        raise DataError("excess_returns: they equal the benchmark's up to scale, so there is nothing to compare")
    if block_length is None:
        block = min(ceil(max(circular_block_length(influence), n**0.4)), n // 4)
    else:
        block = whole(block_length, "block_length", minimum=1)
    if block > n // 2:
        raise ParameterError(f"block_length: {block} leaves under two blocks in {n} returns; use a shorter one")
    draws = np.abs(_studentised_draws(returns, block, n_draws, np.random.default_rng(seed)))
    statistic = difference / prewhitened
    p_value = (1 + int(np.sum(draws >= abs(statistic)))) / (n_draws + 1)
    half_width = float(np.quantile(draws, 0.95)) * prewhitened
    return Finding.of(
        "sharpe_difference",
        difference * scale,
        interval=((difference - half_width) * scale, (difference + half_width) * scale),
        statistic=statistic,
        p_value=p_value,
        effective_n=min(float(n), float(influence.var()) / prewhitened**2),
        details={
            "difference_per_period": difference,
            "standard_error_hac": plain,
            "p_value_hac": student_p_value(difference / plain, inf),
            "standard_error_hac_prewhitened": prewhitened,
            "p_value_hac_prewhitened": student_p_value(statistic, inf),
            "block_length": block,
            "n_observations": n,
        },
        draws=n_draws,
        seed=seed,
    )


def circular_block_length(values: Floats) -> float:
    """Best block length of the circular bootstrap of the mean of one series, in bars.

    ``b = (2 G^2 / D)^(1/3) n^(1/3)`` with ``G = sum_k w(k/M) |k| C_k``, ``D = 4/3 g^2``, ``g = sum_k w(k/M) C_k``, at
    most ``min(3 sqrt(n), n / 3)``. The flat-top window has M lags: twice the first lag from which max(5, log10 n)
    autocorrelations are under ``2 sqrt(log10 n / n)`` (Politis and White 2004; Patton, Politis and White 2009).

    Parameters
    ----------
    values
        Shape ``(n,)`` with ``n > 8``, not constant.
    """
    n = values.size
    in_a_row, threshold = max(5, int(np.log10(n))), 2 * np.sqrt(np.log10(n) / n)
    most = min(int(np.ceil(np.sqrt(n))) + in_a_row, n - 1)
    centred = values - values.mean()
    covariances = np.array([centred[lag:] @ centred[: n - lag] for lag in range(most + 1)]) / n
    small = np.abs(covariances[1:] / covariances[0]) < threshold
    runs = np.convolve(small, np.ones(in_a_row), mode="valid") == in_a_row
    window = min(2 * (1 + int(np.argmax(runs))), most) if runs.any() else most
    lags = np.arange(1, window + 1)
    flat_top = np.minimum(1.0, 2 * (1 - lags / window))
    spread = 2 * np.sum(flat_top * lags * covariances[lags])
    long_run = covariances[0] + 2 * np.sum(flat_top * covariances[lags])
    longest = float(np.ceil(min(3 * np.sqrt(n), n / 3)))
    return longest if long_run == 0 else min(float((1.5 * n * (spread / long_run) ** 2) ** (1 / 3)), longest)


def hac_standard_error(returns: Floats, *, prewhiten: bool) -> float:
    """Standard error of the difference per period from the Parzen kernel; ``returns`` in percent, (T, 2)."""
    moments, gradient = _moments(returns)
    if prewhiten:
        lagged, current = moments[:-1], moments[1:]
        coefficients = np.linalg.lstsq(lagged, current, rcond=None)[0].T
        left, singular, right = np.linalg.svd(coefficients)
        coefficients = left @ np.diag(np.minimum(singular, _LARGEST_SINGULAR_VALUE)) @ right
        recolour = np.linalg.inv(np.eye(4) - coefficients)
        psi = recolour @ _parzen_variance(current - lagged @ coefficients.T) @ recolour.T
    else:
        psi = _parzen_variance(moments)
    return sqrt(max(0.0, float(gradient @ psi @ gradient)) / len(returns))


_LARGEST_SINGULAR_VALUE = 0.97
_PERCENT = 100.0


def _moments(returns: Floats) -> tuple[Floats, Floats]:
    """Means and squares of both less their own means, (T, 4), and the difference's gradient, (4,)."""
    both = np.hstack([returns, returns**2])
    means = both.mean(axis=0)
    return both - means, _gradient_of(means)


def _gradient_of(moments: Floats) -> Floats:
    """Gradient of the difference at the moments, shape (..., 4)."""
    mean, square = moments[..., :2], moments[..., 2:]
    cube = np.maximum(square - mean**2, 1e-30) ** 1.5
    sign = np.array([1.0, -1.0])
    return np.concatenate([sign * square / cube, -sign * mean / (2 * cube)], axis=-1)


def _parzen_variance(scores: Floats) -> Floats:
    n, width = scores.shape
    bandwidth = _andrews_bandwidth(scores)
    psi = scores.T @ scores / n
    for lag in range(1, min(n - 1, int(ceil(bandwidth) - 1)) + 1):
        x = lag / bandwidth
        weight = 1 - 6 * x**2 + 6 * x**3 if x <= 0.5 else 2 * (1 - x) ** 3
        gamma = scores[lag:].T @ scores[:-lag] / n
        psi = psi + weight * (gamma + gamma.T)
    return np.asarray(psi * n / (n - width))


def _andrews_bandwidth(scores: Floats) -> float:
    """Andrews (1991) for the Parzen kernel with an AR(1) for each column, equal weights."""
    lagged, current = scores[:-1], scores[1:]
    lagged_mean, current_mean = lagged.mean(axis=0), current.mean(axis=0)
    variation = ((lagged - lagged_mean) ** 2).sum(axis=0)
    slope = ((lagged - lagged_mean) * (current - current_mean)).sum(axis=0) / np.maximum(variation, 1e-300)
    slope = np.clip(slope, -_LARGEST_SINGULAR_VALUE, _LARGEST_SINGULAR_VALUE)
    residual = current - current_mean - slope * (lagged - lagged_mean)
    fourth = np.mean(residual**2, axis=0) ** 2
    above = float(np.sum(4 * slope**2 * fourth / (1 - slope) ** 8))
    below = float(np.sum(fourth / (1 - slope) ** 4))
    return float(max(1.0, 2.6614 * (above / below * len(scores)) ** 0.2))


def _studentised_draws(returns: Floats, block: int, n_draws: int, rng: np.random.Generator) -> Floats:
    """Centred and studentised differences of the resamples, shape (n_draws,).

    A resample enters only through the sums over its blocks, so those of every possible block are made
    once and a draw is a mean over rows of them.
    """
    n = len(returns)
    n_blocks = n // block
    values = np.hstack([returns, returns**2])
    running = np.vstack([np.zeros(4), np.cumsum(np.vstack([values, values[: block - 1]]), axis=0)])
    block_means = (running[block:] - running[:-block]) / block
    centre = _ratio_difference(values.mean(axis=0))
    small_sample, divisor = n / (n - 4), sqrt((n - 1) / n)
    draws = np.empty(n_draws)
    chunk = max(1, _CHUNK // n_blocks)
    for start in range(0, n_draws, chunk):
        stop = min(start + chunk, n_draws)
        picked = block_means.take(rng.integers(0, n, size=(stop - start, n_blocks)), axis=0)
        means = np.einsum("dbk->dk", picked) / n_blocks
        spread = (picked @ _gradient_of(means)[:, :, None])[..., 0].var(axis=1)
        error = np.sqrt(small_sample * spread / n_blocks)
        draws[start:stop] = divisor * (_ratio_difference(means) - centre) / np.maximum(error, 1e-300)
    return draws


_CHUNK = 200_000


def _ratio_difference(moments: Floats) -> Floats:
    mean, square = moments[..., :2], moments[..., 2:]
    deviation = np.sqrt(np.maximum(square - mean**2, 1e-300))
    return np.asarray(mean[..., 0] / deviation[..., 0] - mean[..., 1] / deviation[..., 1])
