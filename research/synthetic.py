"""Worlds whose truth is known: ten strategies and a metal, with an effect planted or none.

They are made to fool a judge. Each is a plain value decided by its seed::

    world = WORLDS["garch"](seed=1, n_bars=480)
    world.excess_returns()            # of every strategy, (n_bars, n_strategies)
    world.information_ratio           # the truth about strategy 0; all others are without merit

A planted effect is an information ratio a year: with ``h`` the weight held into a bar, the metal's return gains
``delta (h - mean(h))``. The timing alpha is then ``delta var(h)`` a bar and its residual about
``(h - mean(h)) (m - mean(m))``; ``delta`` is chosen so that their ratio, times the root of the bars a year, is the
information ratio.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from research.errors import ParameterError

Floats = npt.NDArray[np.float64]

MONTHS = 12
VOLATILITY = 0.05  # of a month's return, about that of gold
DRIFT = 0.004  # a month over bills


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """A metal, strategies on it, and the truth.

    Attributes
    ----------
    name, seed
        What made it.
    returns
        Excess returns of the metal over bills, ``(n_bars,)``; that of bar ``t`` is from ``t - 1`` to ``t``.
    weights
        Decided at the end of each bar from what was known there, ``(n_bars, n_strategies)``.
    information_ratio
        A year, planted in strategy 0 at a delay of one bar; 0 is a world without any effect.
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
        """Of the metal in units of the bill account, 100 at the first bar."""
        growth = np.cumprod(1 + self.returns)
        return np.asarray(100 * growth / growth[0])

    def held(self, delay: int = 1) -> Floats:
        """Weights held into each bar: decided at ``t``, filled at ``t + delay``, earning the bar after that."""
        return _held(self.weights, delay)

    def excess_returns(self, delay: int = 1, cost: float = 0.0) -> Floats:
        """Excess return of each strategy, ``h_t m_t - cost |h_(t+1) - h_t|``, ``(n_bars, n_strategies)``."""
        held = self.held(delay)
        traded = np.abs(np.diff(held, axis=0, append=held[-1:]))
        return held * self.returns[:, None] - cost * traded


def random_walk(seed: int, *, n_bars: int = 480, n_strategies: int = 10, information_ratio: float = 0.0) -> World:
    """Independent normal returns with a drift; weights that persist for a year and know nothing."""
    rng = np.random.default_rng([seed, 1])
    weights = _persistent_weights(rng, n_bars, n_strategies)
    noise = VOLATILITY * rng.standard_normal(n_bars)
    return _world("random_walk", seed, DRIFT + noise, weights, information_ratio)


def garch(seed: int, *, n_bars: int = 480, n_strategies: int = 10, information_ratio: float = 0.0) -> World:
    """Volatility that clusters, with no drift; every second strategy buys when volatility is high.

    Their alpha is zero and yet varies more than that of weights moved elsewhere, which an unstudentized placebo
    takes for skill.
    """
    rng = np.random.default_rng([seed, 2])
    noise, variance = garch_path(rng, n_bars)
    weights = _persistent_weights(rng, n_bars, n_strategies)
    thresholds = np.quantile(variance, np.linspace(0.5, 0.9, n_strategies))
    fearful = variance[1:, None] > thresholds
    weights[:, 1::2] = fearful[:, 1::2]
    return _world("garch", seed, VOLATILITY * noise, weights, information_ratio)


def averaged_prices(seed: int, *, n_bars: int = 480, n_strategies: int = 10, information_ratio: float = 0.0) -> World:
    """Monthly averages of a daily random walk, and momentum rules over 1, 2, ... months on those averages.

    Neighbouring average returns correlate by (m^2 - 1) / (2 (2 m^2 + 1)), about 1/4 (Working 1960). A rule
    filled at the next average earns nothing from it; one that earns the very next return looks like a genius.
    """
    if information_ratio:
        raise ParameterError("averaged_prices: no effect can be planted in an average; use another world")
    days = 21
    rng = np.random.default_rng([seed, 3])
    daily = (VOLATILITY * rng.standard_normal((n_bars + 1) * days)) / np.sqrt(days)
    averages = np.exp(np.cumsum(daily)).reshape(n_bars + 1, days).mean(axis=1)
    returns = averages[1:] / averages[:-1] - 1
    logs = np.log(averages)[1:]
    weights = np.zeros((n_bars, n_strategies))
    for k in range(n_strategies):
        weights[k + 1 :, k] = logs[k + 1 :] > logs[: -k - 1]
    return _world("averaged_prices", seed, returns, weights, 0.0)


def persistent_predictor(
    seed: int, *, n_bars: int = 480, n_strategies: int = 10, information_ratio: float = 0.0
) -> World:
    """Predictors with autocorrelation 0.98 whose shocks are minus the metal's return (Stambaugh 1999).

    A predictor that falls when the price rises, like a yield, predicts returns in every finite sample.
    """
    rng = np.random.default_rng([seed, 4])
    shock = rng.standard_normal(n_bars)
    own = rng.standard_normal((n_bars, n_strategies))
    innovations = -0.9 * shock[:, None] + np.sqrt(1 - 0.9**2) * own
    predictors = autoregression(innovations, 0.98, rng)
    weights = (predictors > 0).astype(float)
    return _world("persistent_predictor", seed, DRIFT + VOLATILITY * shock, weights, information_ratio)


def clustered_events(seed: int, *, n_bars: int = 480, n_strategies: int = 10, information_ratio: float = 0.0) -> World:
    """Ten crises that draw all strategies, with fat tails and twice the volatility; the metal has no drift.

    With a drift the alpha would be negative in truth: the premium would pay least for risk when the strategies hold it.
    """
    rng = np.random.default_rng([seed, 5])
    crises = rng.integers(0, n_bars, 10)
    weights = np.zeros((n_bars, n_strategies))
    wild = np.zeros(n_bars)
    for crisis in crises:
        wild[crisis : crisis + 12] = 1
        for k in range(n_strategies):
            begin = crisis + rng.integers(0, 6)
            if rng.random() < 0.8:
                weights[begin : begin + rng.integers(3, 9), k] = 1
    noise = VOLATILITY * (1 + wild) * rng.standard_t(4, n_bars) / np.sqrt(2)
    return _world("clustered_events", seed, noise, weights, information_ratio)


def bull_market(seed: int, *, n_bars: int = 480, n_strategies: int = 10, information_ratio: float = 0.0) -> World:
    """A metal that rises by fifteen per cent a year, and strategies that are long four months of five."""
    rng = np.random.default_rng([seed, 6])
    latent = autoregression(rng.standard_normal((n_bars, n_strategies)), 0.9, rng)
    weights = (latent > np.quantile(latent, 0.2, axis=0)).astype(float)
    returns = 0.15 / MONTHS + VOLATILITY * rng.standard_normal(n_bars)
    return _world("bull_market", seed, returns, weights, information_ratio)


def regime_change(seed: int, *, n_bars: int = 480, n_strategies: int = 10, information_ratio: float = 0.0) -> World:
    """Half a sample of stagnation at half the volatility, then a boom: no test's null is quite true here."""
    rng = np.random.default_rng([seed, 7])
    weights = _persistent_weights(rng, n_bars, n_strategies)
    late = np.arange(n_bars) >= n_bars // 2
    noise = VOLATILITY * np.where(late, 1.0, 0.5) * rng.standard_normal(n_bars)
    return _world("regime_change", seed, np.where(late, 2.5 * DRIFT, -DRIFT / 2) + noise, weights, information_ratio)


WORLDS: Mapping[str, Callable[..., World]] = MappingProxyType(
    {
        maker.__name__: maker
        for maker in (
            random_walk,
            garch,
            averaged_prices,
            persistent_predictor,
            clustered_events,
            bull_market,
            regime_change,
        )
    }
)


def _world(name: str, seed: int, returns: Floats, weights: Floats, information_ratio: float) -> World:
    returns = np.array(returns, dtype=float)
    weights = np.array(weights, dtype=float)
    if information_ratio:
        held = _held(weights, 1)[:, 0]
        tilt = held - held.mean()
        residual = (tilt * (returns - returns.mean())).std()
        returns += information_ratio * residual / (held.var() * np.sqrt(MONTHS)) * tilt
    return World(name=name, seed=seed, returns=returns, weights=weights, information_ratio=information_ratio)


def _held(weights: Floats, delay: int) -> Floats:
    held = np.zeros_like(weights)
    held[delay + 1 :] = weights[: -delay - 1]
    return held


def _persistent_weights(rng: np.random.Generator, n_bars: int, n_strategies: int) -> Floats:
    """In and out of the metal for a year each on average; every third strategy moves smoothly."""
    switches = rng.random((n_bars, n_strategies)) < 1 / MONTHS
    weights = ((rng.integers(0, 2, n_strategies) + np.cumsum(switches, axis=0)) % 2).astype(float)
    smooth = autoregression(rng.standard_normal((n_bars, n_strategies)), 0.9, rng)
    weights[:, 2::3] = 1 / (1 + np.exp(-smooth[:, 2::3]))
    return weights


def autoregression(innovations: Floats, rho: float, rng: np.random.Generator) -> Floats:
    """AR(1) paths of unit innovations from their stationary distribution, ``(n_bars, n_paths)``."""
    values = np.empty_like(innovations)
    value = rng.standard_normal(innovations.shape[1]) / np.sqrt(1 - rho**2)
    for bar, innovation in enumerate(innovations):
        value = rho * value + innovation
        values[bar] = value
    return values


def garch_path(rng: np.random.Generator, n_bars: int) -> tuple[Floats, Floats]:
    """Unit-variance GARCH(1, 1) returns with a = 0.15, b = 0.80, and the variance of each and of the next bar."""
    shocks = rng.standard_normal(n_bars)
    variance, noise = np.ones(n_bars + 1), np.empty(n_bars)
    for bar in range(n_bars):
        noise[bar] = np.sqrt(variance[bar]) * shocks[bar]
        variance[bar + 1] = 0.05 + 0.15 * noise[bar] ** 2 + 0.80 * variance[bar]
    return noise, variance
