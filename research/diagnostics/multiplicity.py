"""One family of strategies: how good the best would look by luck alone.

Every test here takes a table with one column for each strategy whose mean is the thing judged: returns over a
benchmark for :func:`superior_predictive_ability`, and for the primary test of a study the
:func:`timing_alpha_series`, whose mean is the timing alpha. All columns are resampled together by the
stationary bootstrap, so that strategies that are nearly the same count nearly as one.

**Different start dates.** NaN outside a strategy's own window is allowed. Its deviations from its own mean
are zero there; the mean and its error are those of the window, and the dependence between strategies is that
of the bars they share. Nothing is thrown away and nothing is invented: cutting all to the common window would
leave the judgement of sixty years of gold to the ten years of the youngest data set.

**Studentized.** A mean is divided by its standard error, the root of the variance that the stationary
bootstrap itself has, in closed form: ``n Var*(mean*) = C0 + 2 sum k(i) Ci``, ``k(i) = (1 - i/n)(1-p)^i +
(i/n)(1-p)^(n-i)`` (Politis and Romano 1994). Hence a strategy's leverage does not matter, only its evidence.
That error is a sample's own: with few episodes it is itself uncertain, which a sound verdict leaves to the
placebo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from research.diagnostics.block_length import autocovariances, automatic_block_length
from research.diagnostics.finding import Finding
from research.diagnostics.performance import average_so_far
from research.errors import DataError, ParameterError

Floats = npt.NDArray[np.float64]


def timing_alpha_series(
    excess_returns: pd.DataFrame,
    metal_excess_returns: pd.DataFrame | pd.Series,
    held_weights: pd.DataFrame | None = None,
) -> pd.DataFrame:
    r"""Return series whose means are the timing alphas, a period.

    Of :math:`y_t = \alpha + \beta m_t + e_t`, the series is
    :math:`\hat\alpha + \hat e_t (1 - \bar m (m_t - \bar m) / s_m^2)`: the alpha and its influence function, so
    that the mean of a resample is the alpha of that resample to first order.

    With ``held_weights``, :math:`y_t` is the return over the mix that holds the *average weight so far*,
    :math:`r_t - m_t \bar h_{t-1}`. The whole sample's average knows the future: a signal that falls when the price
    has risen has a low average just where the metal did well, and seems to time it (Stambaugh 1999). With
    predictors of autocorrelation 0.98 whose shocks are -0.9 correlated with the metal's, ten strategies without
    merit in forty years of months are rejected in 14 % of the samples without ``held_weights``, and in 9 % with
    them; where there is no such bias nothing changes, and little power is lost (So and Shin 1999).

    Parameters
    ----------
    excess_returns
        ``(n_bars, n_strategies)``, fraction a bar; NaN outside a strategy's window.
    metal_excess_returns
        The metal of each strategy: one series for all, or a table with the same columns.
    held_weights
        Share of the account held in metal into each bar, same shape as ``excess_returns``.

    Raises
    ------
    DataError
        If the indices or columns differ, or a metal or weight is missing where its strategy has returns.
    """
    metals = (
        pd.concat(dict.fromkeys(excess_returns, metal_excess_returns), axis=1)
        if isinstance(metal_excess_returns, pd.Series)
        else metal_excess_returns
    )
    if not metals.index.equals(excess_returns.index) or not metals.columns.equals(excess_returns.columns):
        raise DataError("metal_excess_returns: its bars or columns are not the strategies'; align the two tables")
    if held_weights is not None and not held_weights.columns.equals(excess_returns.columns):
        raise DataError("held_weights: its columns are not the strategies'; align the two tables")
    if held_weights is not None and not held_weights.index.equals(excess_returns.index):
        raise DataError("held_weights: its bars are not the strategies'; align the two tables")
    strategies, its_metal = excess_returns.to_numpy(float), metals.to_numpy(float)
    out = np.full(strategies.shape, np.nan)
    for position, name in enumerate(excess_returns):
        inside = np.isfinite(strategies[:, position])
        y, m = strategies[inside, position], its_metal[inside, position]
        if np.isnan(m).any():
            raise DataError(f"metal_excess_returns: missing where {name} has returns; cut the strategy to the metal")
        if held_weights is not None:
            held = held_weights.to_numpy(float)[inside, position]
            if np.isnan(held).any():
                raise DataError(f"held_weights: missing where {name} has returns; give every weight held")
            y = y - m * average_so_far(held)
        centred = m - m.mean()
        variance = np.mean(centred * centred)
        beta = np.mean(centred * y) / variance if variance > 0 else 0.0
        alpha = y.mean() - beta * m.mean()
        influence = 1 - m.mean() * centred / variance if variance > 0 else np.ones(m.size)
        out[inside, position] = alpha + (y - alpha - beta * m) * influence
    return pd.DataFrame(out, index=excess_returns.index, columns=excess_returns.columns)


def step_down(
    series: pd.DataFrame,
    *,
    periods_per_year: float,
    seed: int,
    expected_signs: Mapping[str, int] | None = None,
    n_draws: int = 10_000,
    block_length: float | None = None,
) -> dict[str, Finding]:
    r"""Romano-Wolf p-values of every strategy, adjusted over the family.

    With the family ordered by its statistics :math:`t_{(1)} \ge t_{(2)} \ge \dots` and resampled deviations
    :math:`t^*_k`, the adjusted p-value of the j-th is :math:`(1 + \#\{\max_{k \ge j} t^*_k \ge t_{(j)}\}) /
    (B + 1)`, made monotone. The probability of even one false rejection in the family is the level, whatever
    the dependence.

    Parameters
    ----------
    series
        ``(n_bars, n_strategies)``; NaN outside a strategy's window. The mean of each column is judged against
        0.
    periods_per_year
        12 for months, 252 for days.
    seed
        Of the bootstrap.
    expected_signs
        The claimed sign, +1 or -1, of each column; +1 where absent.
    n_draws
        Number of resamples.
    block_length
        Mean block length in bars; by default :func:`~research.diagnostics.block_length.automatic_block_length`.

    Returns
    -------
    dict of Finding
        By column. ``p_value`` is the adjusted one in the claimed direction; ``details`` hold
        ``p_value_opposite`` and ``p_value_two_sided``, each adjusted over the family, and ``p_value_alone``,
        that of the strategy had it been the only one. A column that never varies cannot be judged: it has no
        p-value and takes no part in the family.

    Raises
    ------
    DataError
        If a column has fewer than 3 values or NaN inside its window.
    ParameterError
        If a sign is not +1 or -1, or there are no draws.

    References
    ----------
    Romano and Wolf (2005, 2016).
    """
    names = [str(name) for name in series]
    signs: Floats = np.array([(expected_signs or {}).get(name, 1) for name in names], dtype=np.float64)
    if not np.isin(signs, (1, -1)).all():
        raise ParameterError("expected_signs: every sign is 1 or -1")
    family = _Family.of(series, block_length)
    deviations = family.resampled(n_draws, seed)
    t = family.statistics
    judged = {
        "claimed": step_down_p_values(signs * t, signs * deviations),
        "opposite": step_down_p_values(-signs * t, -signs * deviations),
        "two_sided": step_down_p_values(np.abs(t), np.abs(deviations)),
    }
    alone = (1 + np.sum(signs * deviations >= signs * t - TIE, axis=0)) / (1 + n_draws)
    alone[np.isnan(t)] = np.nan
    return {
        name: _step_down_finding(
            name,
            family,
            position,
            {key: _known(values[position]) for key, values in judged.items()} | {"alone": _known(alone[position])},
            periods_per_year,
            f"{n_draws} stationary bootstraps, mean block {family.block_length:.1f} bars, seed {seed}",
        )
        for position, name in enumerate(names)
    }


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
    seed, n_draws, block_length
        As :func:`step_down`.
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
        As :func:`step_down`, and if no column varies.

    References
    ----------
    Hansen (2005); White (2000).
    """
    family = _Family.of(performance, block_length, studentize=studentize)
    if not np.isfinite(family.statistics).any():
        raise DataError("performance: no strategy ever differs from the benchmark; there is nothing to test")
    deviations = family.resampled(n_draws, seed)
    shares = spa_exceedances(family.statistics, deviations, family.poor_thresholds)
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


def false_discovery_rate(
    p_values: Mapping[str, float], *, level: float = 0.05, method: Literal["bh", "by"] = "by"
) -> Finding:
    """Strategies that stay when the expected share of false ones among them is held to ``level``.

    Benjamini and Hochberg (``"bh"``) holds for independent or positively dependent p-values, Benjamini and
    Yekutieli (``"by"``) for any.

    Returns
    -------
    Finding
        ``estimate`` is the number that stay; ``details`` hold ``adjusted`` p-values and the names
        ``discovered``.

    Raises
    ------
    ParameterError
        If there are no p-values, one is not in [0, 1], or the method is unknown.
    """
    from scipy.stats import false_discovery_control

    names, values = list(p_values), np.array(list(p_values.values()), dtype=float)
    if not names or not ((values >= 0) & (values <= 1)).all():
        raise ParameterError("p_values: give one or more, each between 0 and 1; leave out what was not tested")
    if method not in ("bh", "by"):
        raise ParameterError(f"method: {method!r} is unknown; there are: bh, by")
    adjusted = false_discovery_control(values, method=method)
    discovered = [name for name, p in zip(names, adjusted, strict=True) if p <= level]
    who = "Hochberg 1995" if method == "bh" else "Yekutieli 2001"
    return Finding(
        name="false_discovery_rate",
        estimate=float(len(discovered)),
        unit="strategies",
        p_value=float(adjusted.min()),
        null="no strategy has an effect",
        alternative="some have",
        effective_n=float(len(names)),
        method=f"Benjamini-{who.split()[0]} at {level:g}",
        reference=f"Benjamini and {who}",
        sentence=f"{len(discovered)} of {len(names)} stay when at most {level:.0%} of them may be false.",
        details={"adjusted": dict(zip(names, adjusted.tolist(), strict=True)), "discovered": discovered},
    )


def bootstrap_variance(series: Floats, block_length: float) -> Floats:
    """Return ``n Var*(mean*)`` of the stationary bootstrap of each column, in closed form.

    ``C0 + 2 sum_i k(i) C_i`` with the biased autocovariances ``C_i`` and ``k(i) = (1 - i/n)(1-p)^i +
    (i/n)(1-p)^(n-i)``, ``p = 1 / block_length`` (Politis and Romano 1994, Lemma 1).
    """
    n = series.shape[0]
    covariances = autocovariances(series)
    lags, stay = np.arange(1, n), 1 - 1 / block_length
    kernel = (1 - lags / n) * stay**lags + (lags / n) * stay ** (n - lags)
    return np.asarray(covariances[0] + 2 * kernel @ covariances[1:])


TIE = 1e-9  # statistics nearer than this are equal; the last digits of a matrix product are not evidence


def step_down_p_values(statistics: Floats, deviations: Floats) -> Floats:
    """Return adjusted p-values of ``(k,)`` statistics from ``(n_draws, k)`` resampled ones; NaN stays out."""
    p_values = np.full(statistics.size, np.nan)
    order = np.argsort(-statistics, kind="stable")
    order = order[np.isfinite(statistics[order])]
    # The running maximum from the poorest up: column j of it is the maximum over j and all poorer ones.
    maxima = np.maximum.accumulate(deviations[:, order[::-1]], axis=1)[:, ::-1]
    counts = np.sum(maxima >= statistics[order] - TIE, axis=0)
    p_values[order] = np.maximum.accumulate((1 + counts) / (1 + deviations.shape[0]))
    return p_values


def spa_exceedances(statistics: Floats, deviations: Floats, poor_thresholds: Floats) -> tuple[float, float, float]:
    """Return the shares of resamples at or above ``T``: lower, consistent and upper recentring."""
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
        from research.diagnostics._bootstrap import bootstrap_means

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


def _step_down_finding(
    name: str, family: _Family, position: int, p_values: dict[str, float | None], year: float, how: str
) -> Finding:
    estimate, t = float(family.means[position]) * year, float(family.statistics[position])
    p_value, n_judged = p_values["claimed"], int(np.isfinite(family.statistics).sum())
    sentence = (
        f"{name} never differs from its benchmark, so there is nothing to adjust."
        if p_value is None
        else (
            f"Among {n_judged} strategies without merit, one would look as good as {name} "
            f"in {p_value:.1%} of the cases."
        )
    )
    return Finding(
        name="step_down",
        estimate=estimate,
        unit="fraction a year",
        statistic=None if p_value is None else t,
        p_value=p_value,
        null="the mean of this strategy is 0, whatever the others are",
        alternative="it has the claimed sign",
        effective_n=float(family.sizes[position]),
        method=f"studentized Romano-Wolf step-down over {n_judged} strategies; {how}",
        reference="Romano and Wolf 2005, 2016",
        sentence=sentence,
        details={
            "p_value_opposite": p_values["opposite"],
            "p_value_two_sided": p_values["two_sided"],
            "p_value_alone": p_values["alone"],
            "standard_error": float(family.errors[position]) * year,
            "block_length": family.block_length,
            "n_strategies": n_judged,
        },
    )


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
