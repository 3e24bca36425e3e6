"""Worlds whose truth is known: ten strategies and a metal, with an effect planted or none.

They are made to fool a judge. Each is a plain value decided by its seed::

    world = WORLDS["silver"](seed=1, n_bars=480)
    world.held()                      # weights into each bar, (n_bars, n_strategies)
    world.information_ratio           # the truth about strategy 0; all others are without merit

A planted effect is an information ratio a year: with ``h`` the weight held into a bar and ``z`` its distance from the
average of all before, the metal's return gains ``delta h``, which lifts the mean of the timing series
``(z - mean z)(m - mean m)`` by ``delta cov(z, h)``; ``delta`` is chosen so that this, over the series' standard
deviation without it, times the root of the bars a year, is the information ratio.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from research.units import Floats

Random: TypeAlias = np.random.Generator
Metal: TypeAlias = tuple[float, float, float, float]
Drawn: TypeAlias = tuple[Floats, Floats]

MONTHS = 12
VOLATILITY = 0.05  # of a month's return, about that of gold
DRIFT = 0.004  # a month over bills
PERSISTENCE = 0.97  # of a signal, a bar

# Student GARCH(1, 1) of monthly returns over bills, 1979 to 2026, World Bank averages, by maximum likelihood:
# weight of the last square, of the last variance, degrees of freedom, volatility a month
GOLD = (0.064, 0.903, 6.25, 0.047)
SILVER = (0.263, 0.725, 4.62, 0.085)


@dataclass(frozen=True, eq=False)
class World:
    """A metal, strategies on it, and the truth.

    Attributes
    ----------
    name, seed
        What made it.
    returns
        Excess returns of the metals over bills, ``(n_bars, n_metals)``; that of bar ``t`` is from ``t - 1`` to ``t``.
    weights
        Decided at the end of each bar from what was known there, ``(n_bars, n_strategies)``; NaN before the first.
    information_ratio
        A year, planted in strategy 0 on every metal at a delay of one bar; 0 is a world without any effect.
    periods_per_year
        Bars a year.
    """

    name: str
    seed: int
    returns: Floats
    weights: Floats
    information_ratio: float = 0.0
    periods_per_year: int = MONTHS

    def __post_init__(self) -> None:
        for values in (self.returns, self.weights):
            values.setflags(write=False)

    @property
    def prices(self) -> Floats:
        """Of the metals in units of the bill account, 100 at the first bar."""
        growth = np.cumprod(1 + self.returns, axis=0)
        return np.asarray(100 * growth / growth[0])

    def held(self, delay: int = 1) -> Floats:
        """Weights held into each bar: decided at ``t``, filled at ``t + delay``, earning the bar after that.

        NaN before the first.
        """
        return _held(self.weights, delay)

    def excess_returns(self, delay: int = 1, metal: int = 0) -> Floats:
        """Excess return of each strategy on one metal before costs, ``(n_bars, n_strategies)``."""
        return np.nan_to_num(self.held(delay)) * self.returns[:, [metal]]


def random_walk(rng: Random, n_bars: int, n: int) -> Drawn:
    """Independent normal returns with a drift; weights that persist for a year and know nothing."""
    switches = rng.random((n_bars, n)) < 1 / MONTHS
    weights = ((rng.integers(0, 2, n) + np.cumsum(switches, axis=0)) % 2).astype(float)
    weights[:, 2::3] = 1 / (1 + np.exp(-autoregression(rng.standard_normal((n_bars, n)), 0.9, rng)[:, 2::3]))
    return DRIFT + VOLATILITY * rng.standard_normal(n_bars), weights


def clustering(rng: Random, n_bars: int, n: int, *, metal: Metal, answers: float = 0.0, drift: float = DRIFT) -> Drawn:
    """A metal's own fitted GARCH with a drift; signals whose shocks correlate by ``answers`` with its returns' own.

    A signal that falls when the price rises (-0.9), like a yield or a drawdown, seems to time in every finite sample
    (Stambaugh 1999); one that rises with it is momentum.
    """
    noise, shocks = student_garch(rng, n_bars, metal)
    own = rng.standard_normal((n_bars, n))
    signals = autoregression(answers * shocks[:, None] + np.sqrt(1 - answers**2) * own, PERSISTENCE, rng)
    return drift + noise, (signals > 0).astype(float)


def two_volatilities(rng: Random, n_bars: int, n: int, *, wild: bool) -> Drawn:
    """One mean, 10 % a year, and volatility 3 or 7 % a month; held in calm months or in wild, seen with errors."""
    state = np.cumsum(rng.random(n_bars) < 0.03) % 2 == 1
    seen = state[:, None] ^ (rng.random((n_bars, n)) > 0.8)
    returns = 0.008 + np.where(state, 0.07, 0.03) * rng.standard_normal(n_bars)
    return returns, (seen if wild else ~seen).astype(float)


def after_wild(rng: Random, n_bars: int, n: int, *, hold: int) -> Drawn:
    """Silver, held for some months after each of its wildest ones; every strategy misses a fifth of them."""
    noise, _ = student_garch(rng, n_bars, SILVER)
    wildest = np.abs(noise) > np.quantile(np.abs(noise), 1 - 20 / n_bars)
    return DRIFT + noise, _for_some_bars(wildest[:, None] & (rng.random((n_bars, n)) < 0.8), hold)


def unseen_mean(rng: Random, n_bars: int, n: int, *, share: float) -> Drawn:
    """The expected return wanders slowly with this share of the variance; so do signals, which know nothing of it."""
    paths = autoregression(rng.standard_normal((n_bars, n + 1)), PERSISTENCE, rng) * np.sqrt(1 - PERSISTENCE**2)
    noise = np.sqrt(share) * paths[:, 0] + np.sqrt(1 - share) * rng.standard_normal(n_bars)
    return DRIFT + VOLATILITY * noise, (paths[:, 1:] > 0).astype(float)


def sparse(rng: Random, n_bars: int, n: int, *, events: int, hold: int = 6) -> Drawn:
    """Silver, held for half a year after so many dates each, drawn at least a year apart."""
    noise, _ = student_garch(rng, n_bars, SILVER)
    starts = np.zeros((n_bars, n), dtype=bool)
    room = n_bars - 3 * hold - 2 * hold * (events - 1)
    for k in range(n):
        starts[2 * hold + np.sort(rng.integers(0, room, events)) + 2 * hold * np.arange(events), k] = True
    return DRIFT + noise, _for_some_bars(starts, hold)


def momentum(rng: Random, n_bars: int, n: int, *, averaged: bool) -> Drawn:
    """A daily random walk by months, and momentum rules over 1, 2, ... months on its averages or its month ends.

    Neighbouring average returns correlate by (m^2 - 1) / (2 (2 m^2 + 1)), about 1/4 (Working 1960). A rule
    filled at the next average earns nothing from it; one that earns the very next return looks like a genius.
    """
    days = 21
    daily = VOLATILITY * rng.standard_normal((n_bars + 1) * days) / np.sqrt(days)
    path = np.exp(np.cumsum(daily)).reshape(n_bars + 1, days)
    prices = path.mean(axis=1) if averaged else path[:, -1]
    weights = np.zeros((n_bars, n))
    for k in range(n):
        weights[k:, k] = prices[k + 1 :] > prices[: n_bars - k]
    return prices[1:] / prices[:-1] - 1, weights


def clustered_events(rng: Random, n_bars: int, n: int) -> Drawn:
    """Ten crises that draw all strategies, with fat tails and twice the volatility."""
    weights, wild = np.zeros((n_bars, n)), np.zeros(n_bars)
    for crisis in rng.integers(0, n_bars, 10):
        wild[crisis : crisis + 12] = 1
        for k in range(n):
            begin = crisis + rng.integers(0, 6)
            if rng.random() < 0.8:
                weights[begin : begin + rng.integers(3, 9), k] = 1
    return DRIFT + VOLATILITY * (1 + wild) * rng.standard_t(4, n_bars) / np.sqrt(2), weights


def regime_change(rng: Random, n_bars: int, n: int) -> Drawn:
    """Half a sample of stagnation at half the volatility, then a boom."""
    _, weights = random_walk(rng, n_bars, n)
    late = np.arange(n_bars) >= n_bars // 2
    noise = VOLATILITY * np.where(late, 1.0, 0.5) * rng.standard_normal(n_bars)
    return np.where(late, 2.5 * DRIFT, -DRIFT / 2) + noise, weights


def unequal_windows(rng: Random, n_bars: int, n: int) -> Drawn:
    """Silver; the strategies' inputs begin one after the other, the last with a third of the sample left."""
    returns, weights = clustering(rng, n_bars, n, metal=SILVER)
    for k, first in enumerate(np.linspace(0, 2 * n_bars // 3, n).astype(int)):
        weights[:first, k] = np.nan
    return returns, weights


def two_metals(rng: Random, n_bars: int, n: int) -> Drawn:
    """Gold and silver, correlated by 0.7 and wild together; every strategy holds either by the same signal."""
    first, shocks = student_garch(rng, n_bars, GOLD)
    own = rng.standard_t(GOLD[2], n_bars) * np.sqrt(1 - 2 / GOLD[2])
    second = SILVER[3] / GOLD[3] * (0.7 * first + np.sqrt(1 - 0.7**2) * own * np.abs(first / shocks))
    signals = autoregression(rng.standard_normal((n_bars, n)), PERSISTENCE, rng)
    return DRIFT + np.column_stack([first, second]), (signals > 0).astype(float)


def _made(
    name: str,
    draw: Callable[[Random, int, int], Drawn],
    seed: int,
    *,
    n_bars: int = 480,
    n_strategies: int = 10,
    information_ratio: float = 0.0,
    periods_per_year: int = MONTHS,
) -> World:
    returns, weights = draw(np.random.default_rng([seed, sum(map(ord, name))]), n_bars, n_strategies)
    returns = np.array(returns, dtype=float).reshape(n_bars, -1)
    if information_ratio:
        returns += _effect(_held(weights[:, :1], 1)[:, 0], returns, information_ratio / np.sqrt(periods_per_year))
    return World(name, seed, returns, weights, information_ratio, periods_per_year)


def _effect(held: Floats, returns: Floats, ratio: float) -> Floats:
    """What strategy 0's weight adds to each metal's return; nothing where it is not held yet."""
    from_here = ~np.isnan(held)
    h, m = held[from_here], returns[from_here]
    so_far = np.concatenate([h[:1], np.cumsum(h)[:-1] / np.arange(1, h.size)])
    z = (h - so_far) - (h - so_far).mean()
    series = z[:, None] * (m - m.mean(axis=0))
    added = np.zeros_like(returns)
    added[from_here] = ratio * series.std(axis=0) / (z @ h / h.size) * h[:, None]
    return added


_DRAWS: Mapping[str, Callable[[Random, int, int], Drawn]] = {
    "random_walk": random_walk,
    "gold": partial(clustering, metal=GOLD),
    "silver": partial(clustering, metal=SILVER),
    "gold_contrarian": partial(clustering, metal=GOLD, answers=-0.9),
    "silver_contrarian": partial(clustering, metal=SILVER, answers=-0.9),
    "silver_momentum": partial(clustering, metal=SILVER, answers=0.9),
    "bull_market": partial(clustering, metal=GOLD, drift=0.15 / MONTHS),
    "held_in_calm": partial(two_volatilities, wild=False),
    "held_in_wild": partial(two_volatilities, wild=True),
    "3_months_after_wild": partial(after_wild, hold=3),
    "6_months_after_wild": partial(after_wild, hold=6),
    "unseen_mean_2": partial(unseen_mean, share=0.02),
    "unseen_mean_5": partial(unseen_mean, share=0.05),
    "6_events": partial(sparse, events=6),
    "8_events": partial(sparse, events=8),
    "20_events": partial(sparse, events=20),
    "averaged_prices": partial(momentum, averaged=True),
    "point_prices": partial(momentum, averaged=False),
    "clustered_events": clustered_events,
    "regime_change": regime_change,
    "unequal_windows": unequal_windows,
    "two_metals": two_metals,
}

WORLDS: Mapping[str, Callable[..., World]] = MappingProxyType(
    {k: partial(_made, k, draw) for k, draw in _DRAWS.items()}
)
"""By name: ``maker(seed, *, n_bars=480, n_strategies=10, information_ratio=0.0, periods_per_year=12)``."""


def autoregression(innovations: Floats, rho: float, rng: Random) -> Floats:
    """AR(1) paths of unit innovations from their stationary distribution, ``(n_bars, n_paths)``."""
    from scipy.signal import lfilter

    before = rng.standard_normal((1, innovations.shape[1])) / np.sqrt(1 - rho**2)
    return np.asarray(lfilter([1.0], [1.0, -rho], innovations, axis=0, zi=rho * before)[0])


def student_garch(rng: Random, n_bars: int, metal: Metal) -> Drawn:
    """Noise of a GARCH(1, 1) with Student shocks, and the shocks, of unit variance, ``(n_bars,)`` each.

    A square counts as at most 60 variances.
    """
    a, b, degrees, volatility = metal
    shocks = rng.standard_t(degrees, n_bars + 300) * np.sqrt(1 - 2 / degrees)
    scale, variance = [], 1.0
    for square in (shocks**2).tolist():
        scale.append(variance)
        variance = 1 - a - b + (a * min(variance * square, 60.0) + b * variance)
    return (volatility * np.sqrt(scale) * shocks)[300:], shocks[300:]


def _held(weights: Floats, delay: int) -> Floats:
    held = np.full_like(weights, np.nan)
    held[delay + 1 :] = weights[: -delay - 1]
    return held


def _for_some_bars(starts: npt.NDArray[np.bool_], hold: int) -> Floats:
    """1 from each start on for so many bars."""
    begun = np.cumsum(starts, axis=0)
    before = np.vstack([np.zeros((hold, starts.shape[1]), dtype=int), begun[:-hold]])
    return (begun > before).astype(float)
