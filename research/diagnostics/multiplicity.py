"""One family of strategies: how good the best would look by luck alone.

The test takes a table of gains over a benchmark, one column for each strategy. All columns are resampled together by
the stationary bootstrap, so that strategies that are nearly the same count nearly as one. No verdict asks it: claims
are adjusted by ``rotation``.

**Different start dates.** NaN outside a strategy's own window is allowed. Its deviations from its own mean
are zero there; the mean and its error are those of the window, and the dependence between strategies is that
of the bars they share. Nothing is thrown away and nothing is invented: cutting all to the common window would
leave the judgement of sixty years of gold to the ten years of the youngest data set.

**Studentized.** A mean is divided by its standard error, the root of the variance that the stationary
bootstrap itself has, in closed form: ``n Var*(mean*) = C0 + 2 sum k(i) Ci``, ``k(i) = (1 - i/n)(1-p)^i +
(i/n)(1-p)^(n-i)`` (Politis and Romano 1994). Hence a strategy's leverage does not matter, only its evidence.
That error is a sample's own: with few episodes it is itself uncertain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from research.diagnostics.finding import Finding
from research.errors import DataError, ParameterError
from research.units import Floats

CELLS_AT_ONCE = 4_000_000  # draws x bars in memory at one time: 32 MB


def superior_predictive_ability(
    performance: pd.DataFrame,
    *,
    seed: int,
    n_draws: int = 10_000,
    block_length: float | None = None,
    studentize: bool = True,
) -> Finding:
    r"""Hansen's test that no strategy of the family beats the benchmark.

    :math:`T = \max(0, \max_k \bar d_k / \hat\omega_k)` is compared with resamples recentred at :math:`g_k =
    \max(0, \bar d_k)` (lower), at :math:`\bar d_k 1\{\bar d_k / \hat\omega_k \ge -\sqrt{2 \ln\ln n}\}`
    (consistent) and at :math:`\bar d_k` (upper, which is White's reality check, studentized). The three
    bracket what poor strategies in the family do.

    Parameters
    ----------
    performance
        Gain over the benchmark, ``(n_bars, n_strategies)``: more is better. NaN outside a strategy's window.
    seed, n_draws
        Of the resamples.
    block_length
        Mean block length in bars; by default ``automatic_block_length``.
    studentize
        Divide by standard errors; otherwise only by the root of the number of bars.

    Returns
    -------
    Finding
        ``estimate`` is the mean of the best strategy, a bar; ``p_value`` the consistent one; ``details`` hold
        ``p_value_lower``, ``p_value_upper`` and ``best``.

    Raises
    ------
    DataError
        If the table is empty, a window is short or has holes, or no column varies.
    ParameterError
        If the block length is under one bar, or ``n_draws`` under one.

    References
    ----------
    Hansen (2005); White (2000).
    """
    family = _Family.of(performance, block_length, studentize=studentize)
    if not np.isfinite(family.statistics).any():
        raise DataError("performance: no strategy ever differs from the benchmark; there is nothing to test")
    shares = spa_exceedances(family.statistics, family.resampled(n_draws, seed), family.poor_thresholds)
    lower, consistent, upper = ((1 + share * n_draws) / (1 + n_draws) for share in shares)
    position = int(np.nanargmax(family.statistics))
    best = str(family.names[position])
    return Finding(
        name="superior_predictive_ability",
        estimate=float(family.means[position]),
        unit="gain a bar of the best strategy",
        statistic=float(max(0.0, family.statistics[position])),
        p_value=consistent,
        null="no strategy of the family is better than the benchmark",
        alternative="at least one is",
        effective_n=float(family.sizes[position]),
        method=(
            f"{'studentized' if studentize else 'unstudentized'} SPA, consistent recentring; "
            f"{n_draws} stationary bootstraps, mean block {family.block_length:.1f} bars, seed {seed}; "
            "p = (1 + count) / (1 + n)"
        ),
        reference="Hansen 2005",
        sentence=(
            f"Among {len(family.names)} strategies without merit the best would look as good as {best} "
            f"in {consistent:.1%} of the cases."
        ),
        details={
            "best": best,
            "p_value_lower": lower,
            "p_value_upper": upper,
            "block_length": family.block_length,
            "n_strategies": len(family.names),
        },
    )


def bootstrap_means(series: Floats, *, block_length: float, n_draws: int, seed: int) -> Floats:
    """Return the means of stationary bootstrap resamples, of many series at once (Politis and Romano 1994).

    The mean of a resample is a weighted sum of the sample, ``counts @ series / n``, where ``counts`` says how often
    each bar was drawn. So the resample itself is never made: a draw walks over the calendar once, writes its counts,
    and one matrix product serves all series of a family and keeps their dependence, in a time that does not depend on
    the block length. Every draw has a random stream of its own, decided by ``seed`` and its number, so that draw ``b``
    is the same however many are asked for and on however many threads the product runs.

    Parameters
    ----------
    series
        ``(n_bars, n_series)``, without NaN.
    block_length
        Mean block length in bars, at least 1; blocks are geometric and wrap around the calendar.
    n_draws, seed
        How many, and which.

    Returns
    -------
    ndarray
        ``(n_draws, n_series)``.
    """
    from research.diagnostics._loops import write_counts

    n_bars = series.shape[0]
    key = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
    size = min(n_draws, max(1, CELLS_AT_ONCE // n_bars))
    counts = np.empty((size, n_bars))
    means = np.empty((n_draws, series.shape[1]))
    for first in range(0, n_draws, size):
        some = counts[: min(size, n_draws - first)]
        write_counts(some, key, first, 1 / block_length)
        means[first : first + size] = some @ series
    means /= n_bars
    return means


def bootstrap_variance(series: Floats, block_length: float) -> Floats:
    """Return ``n Var*(mean*)`` of the stationary bootstrap of each column, in closed form.

    ``C0 + 2 sum_i k(i) C_i`` with the biased autocovariances ``C_i`` and ``k(i) = (1 - i/n)(1-p)^i +
    (i/n)(1-p)^(n-i)``, ``p = 1 / block_length`` (Politis and Romano 1994, Lemma 1).

    Parameters
    ----------
    series
        Shape (n, k).
    block_length
        Mean length of the blocks, in periods.
    """
    n = series.shape[0]
    covariances = autocovariances(series)
    lags, stay = np.arange(1, n), 1 - 1 / block_length
    kernel = (1 - lags / n) * stay**lags + (lags / n) * stay ** (n - lags)
    return np.asarray(covariances[0] + 2 * kernel @ covariances[1:])


TIE = 1e-9  # statistics nearer than this are equal; the last digits of a matrix product are not evidence


def spa_exceedances(statistics: Floats, deviations: Floats, poor_thresholds: Floats) -> tuple[float, float, float]:
    """Return the shares of resamples at or above ``T``: lower, consistent and upper recentring.

    Parameters
    ----------
    statistics
        Of each strategy, (k,).
    deviations
        Of each resample from its centre, (resamples, k).
    poor_thresholds
        Below which a strategy counts as poor, (k,).
    """
    use = np.isfinite(statistics)
    t, resampled = statistics[use], deviations[:, use]
    largest = max(0.0, float(t.max()))

    def share(shift: Floats) -> float:
        return float(np.mean(np.maximum((resampled + shift).max(axis=1), 0.0) >= largest - TIE))

    poor = np.where(t < -poor_thresholds[use], t, 0.0)
    return share(np.minimum(t, 0.0)), share(poor), share(np.zeros_like(t))


@dataclass(frozen=True)
class _Family:
    """Columns made comparable.

    Each has its mean, its standard error, the scale that makes it a statistic, the size of its window and its
    deviations from its mean, zero outside the window. Error and scale are NaN where a column never varies.
    """

    names: Sequence[str]
    means: Floats
    errors: Floats
    scales: Floats
    sizes: Floats
    centred: Floats
    block_length: float

    @classmethod
    def of(cls, series: pd.DataFrame, block_length: float | None, *, studentize: bool = True) -> _Family:
        values = series.to_numpy(float)
        inside = np.isfinite(values)
        _check_windows(series, inside)
        length = automatic_block_length(series) if block_length is None else float(block_length)
        if not length >= 1:
            raise ParameterError(f"block_length: {length:g} bars is under one bar; leave it out or use 1 or more")
        n_bars, sizes = values.shape[0], inside.sum(axis=0).astype(float)
        filled = np.where(inside, values, 0.0)
        means = filled.sum(axis=0) / sizes
        centred = np.where(inside, values - means, 0.0)
        # A window's mean is the sum over all bars over the window's size, in the sample and in a resample.
        errors = np.sqrt(np.maximum(bootstrap_variance(centred, length), 0.0) * n_bars) / sizes
        varies = (centred**2).sum(axis=0) > 1e-24 * (filled**2).sum(axis=0)
        errors = np.where(varies & (errors > 0), errors, np.nan)
        scales = errors if studentize else np.where(varies, 1 / np.sqrt(sizes), np.nan)
        return cls([str(name) for name in series], means, errors, scales, sizes, centred, length)

    @property
    def statistics(self) -> Floats:
        return self.means / self.scales

    @property
    def poor_thresholds(self) -> Floats:
        """Below minus this a strategy is too poor to be the best by luck: sqrt(2 ln ln n) standard errors."""
        return np.asarray(np.sqrt(2 * np.log(np.log(self.sizes))) * self.errors / self.scales)

    def resampled(self, n_draws: int, seed: int) -> Floats:
        """Deviations of resampled means from the sample's, in the statistic's scale, ``(n_draws, k)``."""
        if n_draws < 1:
            raise ParameterError(f"n_draws: {n_draws} resamples show nothing; ask for 1 or more")
        means = bootstrap_means(self.centred, block_length=self.block_length, n_draws=n_draws, seed=seed)
        return np.asarray(means * (self.centred.shape[0] / self.sizes / self.scales))


def _check_windows(series: pd.DataFrame, inside: npt.NDArray[np.bool_]) -> None:
    if series.shape[1] == 0:
        raise DataError("family: there is no strategy in it; give a table with one column for each")
    for name, column in zip(series, inside.T, strict=True):
        known = np.flatnonzero(column)
        if known.size < 3:
            raise DataError(f"{name}: {known.size} values are too few to judge; give 3 or more")
        if known[-1] - known[0] + 1 != known.size:
            raise DataError(f"{name}: missing values inside its window; cut the window or fill the bars with 0")


def automatic_block_length(series: pd.DataFrame) -> float:
    """Mean block length for the stationary bootstrap of a family, in bars.

    The median of what the columns of ``series`` ask for, held between 1 and the root of the number of bars. The median,
    because what one column asks for is itself noisy: in families of ten strategies without merit and with
    windows of different length the step-down rejects in 5 to 7 % of the samples with it, and in 5 to 10 %
    with the longest.

    References
    ----------
    Politis and White (2004); Patton, Politis and White (2009).
    """
    columns = (series[name].dropna().to_numpy(float) for name in series)
    lengths = [block_length(values) for values in columns if values.size > 8 and np.ptp(values) > 0]
    return float(np.clip(np.median(lengths), 1.0, np.sqrt(len(series)))) if lengths else 1.0


def block_length(values: Floats, *, circular: bool = False) -> float:
    """Best mean block length of the stationary bootstrap of one series, or block length of the circular one, in bars.

    ``b = (2 G^2 / D)^(1/3) n^(1/3)`` with ``G = sum_k w(k/M) |k| C_k``, ``D = 2 g^2`` for the stationary and
    ``4/3 g^2`` for the circular bootstrap, ``g = sum_k w(k/M) C_k``, at most ``min(3 sqrt(n), n / 3)``. The flat-top
    window has M lags: twice the first lag from which max(5, log10 n) autocorrelations are under
    ``2 sqrt(log10 n / n)``.

    Parameters
    ----------
    values
        Shape ``(n,)`` with ``n > 8``, not constant.
    circular
        Which of the two.
    """
    n = values.size
    in_a_row, threshold = max(5, int(np.log10(n))), 2 * np.sqrt(np.log10(n) / n)
    most = min(int(np.ceil(np.sqrt(n))) + in_a_row, n - 1)
    covariances = autocovariances(values[:, None])[:, 0]
    small = np.abs(covariances[1 : most + 1] / covariances[0]) < threshold
    runs = np.convolve(small, np.ones(in_a_row), mode="valid") == in_a_row
    window = min(2 * (1 + int(np.argmax(runs))), most) if runs.any() else most
    lags = np.arange(1, window + 1)
    flat_top = np.minimum(1.0, 2 * (1 - lags / window))
    spread = 2 * np.sum(flat_top * lags * covariances[lags])
    long_run = covariances[0] + 2 * np.sum(flat_top * covariances[lags])
    longest = float(np.ceil(min(3 * np.sqrt(n), n / 3)))
    if long_run == 0:
        return longest
    wider = 1.5 if circular else 1.0
    return min(float((wider * n * (spread / long_run) ** 2) ** (1 / 3)), longest)


def autocovariances(series: Floats) -> Floats:
    """Biased autocovariances of each column of ``series`` at lags 0 to n - 1."""
    from scipy.fft import irfft, next_fast_len, rfft

    n = series.shape[0]
    size = next_fast_len(2 * n, real=True)
    spectrum = np.abs(rfft(series - series.mean(axis=0), size, axis=0)) ** 2
    return np.asarray(irfft(spectrum, size, axis=0)[:n] / n)
