"""Placebos: the strategy's own weights at the wrong time, through the same account and the same costs.

A strategy that is right about *when* loses its merit once its weights are moved along the calendar. A
strategy that merely holds metal in a bull market, trades often, or keeps its positions long, does not: the
moved history has the same exposure, the same turnover, the same persistence and the same costs.

The statistic that is compared is the *t statistic* of the timing alpha, not the alpha. Under the null the
moved histories share the distribution of the observed one only if the statistic does not depend on where
the volatility of the metal was high. In simulated GARCH worlds without an effect (400 bars, weights that
rise with volatility) the alpha rejects in 8 to 11 % of the samples at a level of 5 %, its t statistic in 5
to 6 %. All shifts but the identity may be drawn, the small ones too: they form a group, and only then is
the rank of the observed history uniform. Leaving out those nearer than one episode lets positions of twenty
months in twenty years reject in 7 to 8 % of the samples without an effect.

Moved weights no longer answer to the metal's own past, and a signal that falls when the price has risen seems to time
the metal whenever its average weight is taken over the whole sample (Stambaugh 1999). So the alpha that is compared is
that over the mix of the *average weight so far*. In worlds without an effect, with predictors of autocorrelation 0.98
whose shocks are -0.9 correlated with the metal's return, it rejects in 5 to 8 % of the samples at 5 %; with the average
of the whole sample in 12 % (``python -m research.calibration``). Little power is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite

import numpy as np
import numpy.typing as npt

from research.diagnostics.finding import Finding
from research.diagnostics.performance import average_so_far
from research.errors import ParameterError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
StatisticsOfHistories = Callable[[Floats], Floats]
StatisticsOfShifts = Callable[[Integers], Floats]

CELLS_AT_ONCE = 2_000_000  # bars x histories in memory at one time: 16 MB
TIE = 1e-9  # relative; equal histories differ in the last digits when computed along another path


def shift_placebo(
    weights: Floats,
    statistics_of: StatisticsOfShifts,
    *,
    seed: int,
    n_shifts: int = 10_000,
    expected_sign: int = 1,
) -> Finding:
    """Compare a strategy with circular shifts of its own target weights.

    With ``T(k)`` the statistic of the weights moved by ``k`` bars around the calendar and ``s`` the claimed
    sign, ``p = (1 + #{k drawn: s T(k) >= s T(0)}) / (1 + n drawn)``. When ``n_shifts`` is not under
    ``n_bars - 1`` every shift is used once and the p-value is exact for a stationary metal; else distinct
    shifts are drawn.

    Parameters
    ----------
    weights
        Target weights, ``(n_bars,)``; NaN keeps the position. Bars before the first target, when the account is
        not yet open, stay as they are: only what follows is moved.
    statistics_of
        From shifts ``(n,)``, 0 being the strategy itself, to one statistic for each, ``(n,)``, larger when the
        position made more. What :func:`research.engine.kernel.placebo_shifts` gives, or :func:`by_shift` makes of
        a function of whole histories.
    seed
        Of the drawn shifts.
    n_shifts
        Number of shifts to draw.
    expected_sign
        +1 when the claim is a positive statistic, -1 when it is a negative one.

    Returns
    -------
    Finding
        ``estimate`` is the share of shifted histories that do at least as well, ``p_value`` the p-value in
        the claimed direction, ``details["p_value_opposite"]`` that in the other one. Both are absent when
        the observed history has no statistic. A shifted history without a statistic counts as at least as
        good, both ways.

    Raises
    ------
    ParameterError
        If there are fewer than two bars, no shift is asked for or the sign is not +1 or -1.

    References
    ----------
    Phipson and Smyth (2010) for the p-value; Politis, Romano and Wolf (1999) for the circular view of a
    sample.
    """
    targets, first = _checked(weights, n_shifts, expected_sign)
    n_bars = targets.size - first
    rng = np.random.default_rng(seed)
    everything = n_shifts >= n_bars - 1
    shifts = np.arange(1, n_bars) if everything else 1 + rng.choice(n_bars - 1, n_shifts, replace=False)
    how = "every circular shift" if everything else f"{n_shifts} circular shifts, seed {seed}"
    statistics = np.asarray(statistics_of(np.concatenate([[0], shifts])), dtype=float)
    observed, others = float(statistics[0]), statistics[1:]
    return _finding("shift_placebo", "shifted", observed, others, expected_sign, how, "Phipson and Smyth 2010")


def by_shift(weights: Floats, statistics_of: StatisticsOfHistories) -> StatisticsOfShifts:
    """What :func:`shift_placebo` asks for, of a function of whole histories.

    Parameters
    ----------
    weights
        Those given to :func:`shift_placebo`.
    statistics_of
        From target weights ``(n_bars, n_histories)``, each history contiguous, to one statistic for each history,
        ``(n_histories,)``. It is asked about as many at a time as fit in memory.
    """

    def statistics(shifts: Integers) -> Floats:
        targets, first = _checked(weights, shifts.size)
        return _of_blocks(targets, first, statistics_of, _shifted(targets[first:], shifts))

    return statistics


def bootstrap_placebo(
    weights: Floats,
    statistics_of: StatisticsOfHistories,
    *,
    block_length: float,
    seed: int,
    n_draws: int = 2_000,
    expected_sign: int = 1,
) -> Finding:
    """Compare a strategy with signals pieced together from blocks of its own, drawn at random.

    The stationary bootstrap draws blocks of geometric length, mean ``block_length`` bars, around the
    calendar. It breaks the order of the episodes too, which a shift keeps; blocks should be longer than an
    episode, or the placebo trades more often than the strategy and is punished by costs that the strategy
    does not pay.

    Parameters are those of :func:`shift_placebo`, with ``block_length`` at least 1 and ``statistics_of`` as in
    :func:`by_shift`.

    Returns
    -------
    Finding
        As :func:`shift_placebo`.

    Raises
    ------
    ParameterError
        As :func:`shift_placebo`, and if ``block_length`` is under one bar.

    References
    ----------
    Politis and Romano (1994).
    """
    targets, first = _checked(weights, n_draws, expected_sign)
    if not block_length >= 1:
        raise ParameterError(f"block_length: {block_length!r} bars is under one bar; use the length of an episode")
    rng = np.random.default_rng(seed)
    observed = float(statistics_of(np.asfortranarray(targets[:, None]))[0])
    blocks = _resampled(targets[first:], float(block_length), n_draws, rng)
    others = _of_blocks(targets, first, statistics_of, blocks)
    how = f"{n_draws} stationary bootstraps of the weights, mean block {block_length:g} bars, seed {seed}"
    return _finding("bootstrap_placebo", "resampled", observed, others, expected_sign, how, "Politis and Romano 1994")


def alpha_t_statistics(
    excess_returns: Floats, metal_excess_returns: Floats, held_weights: Floats | None = None
) -> Floats:
    """Return the t statistics of the timing alphas of many histories against one metal, or several legs.

    Of ``y = alpha + beta' m + e`` by least squares, ``alpha = sum(a y)`` with ``a`` the first row of the
    pseudo-inverse of ``(1, m)``, and ``t = alpha / sqrt(sum(a^2 e^2))``: White's standard error, which needs no lags
    because moved weights meet the same autocorrelation.

    Parameters
    ----------
    excess_returns
        Of the histories, ``(n_bars, n_histories)``, fraction a bar.
    metal_excess_returns
        ``(n_bars,)`` or ``(n_bars, n_legs)``, fraction a bar.
    held_weights
        Weights wanted into each bar of the one metal, same shape as ``excess_returns``. With them ``y`` is the return
        over the mix that holds the average weight so far, as in
        :func:`~research.diagnostics.multiplicity.timing_alpha_series`; without, ``y`` is the return itself.

    Returns
    -------
    ndarray
        ``(n_histories,)``; NaN for a history that is an exact multiple of the metal, such as one always held,
        and for all if the metal never moved.

    References
    ----------
    White (1980); So and Shin (1999) for the average so far.
    """
    metal = np.asarray(metal_excess_returns, dtype=float).reshape(len(metal_excess_returns), -1)
    returns = np.asarray(excess_returns, dtype=float)
    rounding = 1e-18 * np.einsum("ij,ij->j", returns, returns) + 1e-24 * len(metal)
    if held_weights is not None:
        returns = returns - metal * average_so_far(np.asarray(held_weights, dtype=float))
    regressors = np.column_stack([np.ones(len(metal)), metal])
    t_statistics = np.full(returns.shape[1], np.nan)
    if np.linalg.matrix_rank(regressors) < regressors.shape[1]:
        return t_statistics
    inverse = np.linalg.pinv(regressors)
    coefficients = inverse @ returns
    residuals = returns - regressors @ coefficients
    squares = np.square(residuals, out=residuals)
    variance = inverse[0] ** 2 @ squares
    timed = squares.sum(axis=0) > rounding
    t_statistics[timed] = coefficients[0, timed] / np.sqrt(variance[timed])
    return t_statistics


def _checked(weights: Floats, n_histories: int, expected_sign: int = 1) -> tuple[Floats, int]:
    """Targets, and the bar of the first one."""
    targets = np.asarray(weights, dtype=float)
    known = np.flatnonzero(~np.isnan(targets)) if targets.ndim == 1 else np.array([], dtype=int)
    if known.size == 0 or targets.size - known[0] < 2:
        raise ParameterError("weights: a placebo moves one row of weights with 2 bars or more from its first target on")
    if n_histories < 1:
        raise ParameterError(f"placebo: {n_histories} histories show nothing; ask for at least 1")
    if expected_sign not in (1, -1):
        raise ParameterError(f"expected_sign: {expected_sign!r} is no direction; use 1 or -1")
    return targets, int(known[0])


def _shifted(weights: Floats, shifts: Integers) -> Iterator[Floats]:
    """Yield blocks of moved weights; one that begins inside a kept position begins with that position."""
    n_bars = weights.size
    windows = np.lib.stride_tricks.sliding_window_view(np.concatenate([weights, weights]), n_bars)
    kept = _forward_filled(weights)
    for some in _portions(shifts.size, n_bars):
        starts = np.mod(-shifts[some], n_bars)
        moved = np.empty((starts.size, n_bars))
        for history, start in zip(moved, starts, strict=True):
            history[:] = windows[start]
        moved[:, 0] = kept[starts]
        yield moved.T


def _resampled(weights: Floats, block_length: float, n_draws: int, rng: np.random.Generator) -> Iterator[Floats]:
    n_bars = weights.size
    kept = _forward_filled(weights)
    bars = np.arange(n_bars)
    for some in _portions(n_draws, n_bars):
        shape = (some.stop - some.start, n_bars)
        begins = rng.random(shape) < 1 / block_length
        begins[:, 0] = True
        since = bars - np.maximum.accumulate(np.where(begins, bars, 0), axis=1)
        first = rng.integers(0, n_bars, shape)
        source = (np.take_along_axis(first, bars - since, axis=1) + since) % n_bars
        yield np.where(begins, kept[source], weights[source]).T


def _portions(n_histories: int, n_bars: int) -> Iterator[slice]:
    size = max(1, CELLS_AT_ONCE // n_bars)
    for start in range(0, n_histories, size):
        yield slice(start, min(start + size, n_histories))


def _forward_filled(weights: Floats) -> Floats:
    last = np.maximum.accumulate(np.where(np.isnan(weights), 0, np.arange(weights.size)))
    return weights[last]


def _of_blocks(targets: Floats, first: int, statistics_of: StatisticsOfHistories, blocks: Iterator[Floats]) -> Floats:
    """Statistics of moved histories, each with the bars before the first target put back."""
    statistics = []
    for block in blocks:
        histories = block
        if first:
            histories = np.full((targets.size, block.shape[1]), np.nan, order="F")
            histories[first:] = block
        statistics.append(np.array(statistics_of(histories), dtype=float))
    return np.concatenate(statistics)


def _finding(name: str, moved: str, observed: float, others: Floats, sign: int, how: str, reference: str) -> Finding:
    slack = TIE * max(1.0, abs(observed)) if isfinite(observed) else 0.0
    missing = np.isnan(others)
    as_good = float(np.mean(missing | (sign * others >= sign * observed - slack)))
    as_bad = float(np.mean(missing | (sign * others <= sign * observed + slack)))
    known = isfinite(observed)

    def p_value(share: float) -> float | None:
        return (1 + round(share * others.size)) / (1 + others.size) if known else None

    sentence = (
        f"{as_good:.1%} of {others.size} {moved} histories do at least as well as the strategy"
        if known
        else "The strategy's weights never differ from a fixed share of metal, so there is no timing to move"
    )
    return Finding(
        name=name,
        estimate=as_good if known else float("nan"),
        unit=f"share of {moved} histories",
        statistic=observed if known else None,
        p_value=p_value(as_good),
        null="the weights carry no information about when the metal pays",
        alternative=f"the timing of the weights earns a {'positive' if sign > 0 else 'negative'} alpha",
        effective_n=float(others.size),
        method=f"{how}; White t of the alpha over the mix of the average weight so far; p = (1 + count) / (1 + n)",
        reference=reference,
        sentence=sentence + ".",
        details={"p_value_opposite": p_value(as_bad), "median_of_placebos": _median(others)},
    )


def _median(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else float("nan")
