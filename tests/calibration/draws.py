"""Samples in which nothing is to be found, or a known amount: the arguments of one question each."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tests.calibration.worlds import DRIFT, MONTHS, VOLATILITY, WORLDS, World, autoregression

Floats = npt.NDArray[np.float64]
Noise: TypeAlias = Callable[[np.random.Generator, int], Floats]

N_BARS = 480  # forty years of months


def normal(rng: np.random.Generator, n_bars: int = N_BARS) -> Floats:
    """Independent normal values of unit variance."""
    return rng.standard_normal(n_bars)


def fat_tails(rng: np.random.Generator, n_bars: int = N_BARS) -> Floats:
    """Independent Student values with 5 degrees of freedom, of unit variance."""
    return np.asarray(rng.standard_t(5, n_bars) * sqrt(3 / 5))


def clustering(rng: np.random.Generator, n_bars: int = N_BARS) -> Floats:
    """GARCH(1, 1) values of unit variance, a = 0.15 and b = 0.80."""
    shocks = rng.standard_normal(n_bars)
    variance, noise = np.ones(n_bars + 1), np.empty(n_bars)
    for bar in range(n_bars):
        noise[bar] = np.sqrt(variance[bar]) * shocks[bar]
        variance[bar + 1] = 0.05 + 0.15 * noise[bar] ** 2 + 0.80 * variance[bar]
    return noise


def averaged(rng: np.random.Generator, n_bars: int = N_BARS) -> Floats:
    """Changes of the monthly averages of a daily random walk, autocorrelation 1/4 (Working 1960), of unit variance."""
    days = 21
    averages = np.cumsum(rng.standard_normal((n_bars + 1) * days)).reshape(-1, days).mean(axis=1)
    return np.asarray(np.diff(averages) / sqrt(2 / 3 * days))


def persistent(rng: np.random.Generator, n_bars: int = N_BARS) -> Floats:
    """First-order autoregression with coefficient 0.5, of unit variance."""
    return autoregression(rng.standard_normal((n_bars, 1)), 0.5, rng)[:, 0] * sqrt(0.75)


def world(name: str, *, n_strategies: int = 2) -> Callable[[np.random.Generator], tuple[World]]:
    """Draw a world of ``tests.calibration.worlds``."""
    return lambda rng: (WORLDS[name](seed=int(rng.integers(2**31)), n_bars=N_BARS, n_strategies=n_strategies),)


def series(noise: Noise, *, mean: float = 0.0, n_bars: int = N_BARS) -> Callable[[np.random.Generator], tuple[Floats]]:
    """Draw returns with a monthly volatility of 5 % and a mean in units of it."""
    return lambda rng: (VOLATILITY * (mean + noise(rng, n_bars)),)


def random_walk(rng: np.random.Generator) -> tuple[Floats]:
    """Logarithm of a price."""
    return (np.cumsum(VOLATILITY * normal(rng)),)


def pair(
    noise: Noise, *, sharpe: float, difference: float = 0.0
) -> Callable[[np.random.Generator], tuple[Floats, Floats]]:
    """Two returns correlated by 0.5, with Sharpe ratios a period ``sharpe + difference`` and ``sharpe``."""

    def draw(rng: np.random.Generator) -> tuple[Floats, Floats]:
        common, one, two = (noise(rng, N_BARS) for _ in range(3))
        first, second = (sqrt(0.5) * (common + own) for own in (one, two))
        return 0.03 * (first + sharpe + difference), VOLATILITY * (second + sharpe)

    return draw


def on_the_metal(
    noise: Noise, *, alpha: float = 0.0, n_bars: int = N_BARS
) -> Callable[[np.random.Generator], tuple[Floats, Floats]]:
    """Draw ``alpha + 0.4 m + u`` and a metal ``m`` with a drift; the residual ``u`` has 2 % a month."""

    def draw(rng: np.random.Generator) -> tuple[Floats, Floats]:
        metal = DRIFT + VOLATILITY * normal(rng, n_bars)
        return alpha + 0.4 * metal + 0.02 * noise(rng, n_bars), metal

    return draw


def predictor(
    *, rho: float, correlation: float, slope: float = 0.0
) -> Callable[[np.random.Generator], tuple[Floats, Floats]]:
    """Returns ``slope x(t-1) + e(t)``, and ``x``: AR(1), of unit variance, its shocks correlated with ``e``."""

    def draw(rng: np.random.Generator) -> tuple[Floats, Floats]:
        shock = normal(rng)
        own = correlation * shock + sqrt(1 - correlation**2) * normal(rng)
        x = autoregression(own[:, None], rho, rng)[:, 0] * sqrt(1 - rho**2)
        returns = VOLATILITY * shock
        returns[1:] += slope * x[:-1]
        return returns, x

    return draw


def predictor_and_controls(
    *, correlation: float, slope: float = 0.0
) -> Callable[[np.random.Generator], tuple[Floats, Floats, dict[str, Floats]]]:
    """Beside ``predictor``, momentum of a year and a slow ratio, which say nothing."""

    def draw(rng: np.random.Generator) -> tuple[Floats, Floats, dict[str, Floats]]:
        returns, x = predictor(rho=0.9, correlation=correlation, slope=slope)(rng)
        level = np.cumsum(returns)
        ratio = autoregression(rng.standard_normal((N_BARS, 1)), 0.98, rng)[:, 0]
        controls = {"momentum": level[MONTHS:] - level[:-MONTHS], "ratio": ratio[MONTHS:]}
        return returns[MONTHS:], x[MONTHS:], controls

    return draw


def changes(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Changes of a slow signal and returns of a metal: shocks correlated by -0.5, volatility clusters, no lead."""
    shock = clustering(rng)
    own = -0.5 * shock + sqrt(0.75) * normal(rng)
    signal = autoregression(own[:, None], 0.95, rng)[:, 0]
    return np.diff(signal), VOLATILITY * shock[1:]


def events(
    noise: Noise, *, n_events: int, clustered: bool = False, effect: float = 0.0
) -> Callable[[np.random.Generator], tuple[Floats, npt.NDArray[np.int64]]]:
    """Returns and event dates; clustered ones come in threes on neighbouring bars.

    An event lifts each of the three returns that a delay of one bar leaves by ``effect``; windows that overlap add up.
    """

    def draw(rng: np.random.Generator) -> tuple[Floats, npt.NDArray[np.int64]]:
        returns = VOLATILITY * noise(rng, N_BARS)
        first = np.sort(rng.choice(N_BARS // 8, n_events, replace=False)) * 8
        dates = (first[:, None] + np.arange(3)).ravel() if clustered else first
        for date in dates:
            returns[date + 2 : date + 5] += effect
        return returns, dates

    return draw


def track_records(*, n_trials: int = 10) -> Callable[[np.random.Generator], tuple[Floats]]:
    """Draw independent strategies with a Sharpe ratio of 0, ``(n_bars, n_trials)``."""
    return lambda rng: (VOLATILITY * rng.standard_normal((N_BARS, n_trials)),)
