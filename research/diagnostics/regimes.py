"""Regimes that switch as a Markov chain."""

from __future__ import annotations

from functools import lru_cache
from math import inf, log, pi, sqrt

import numpy as np

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import SeriesLike, positive, spread_of, vector, whole
from research.errors import DataError
from research.units import Floats


def markov_regimes(returns: SeriesLike, *, periods_per_year: float, seed: int, n_starts: int = 20) -> Finding:
    r"""Two regimes of mean and volatility that switch as a Markov chain, a description.

    Maximum likelihood of :math:`r_t \sim N(\mu_s, \sigma_s^2)` with the chain in its steady state before the first bar:
    the best of some random starts after ten steps of expectation and maximization, then BFGS. Regimes are numbered by
    their mean, lowest first. Only *filtered* probabilities are given, what the model says at a bar from the bars up to
    it; the smoothed ones know the future. Even so the parameters are those of the whole sample: a strategy must
    estimate them again at every decision.

    Parameters
    ----------
    returns
        Shape (T,), fractions a bar.
    periods_per_year
        12 for months, 252 for days.
    seed, n_starts
        Of the random starts, and how many.

    Returns
    -------
    Finding
        ``estimate`` is the highest less the lowest mean, a year. There is no p-value: under one regime the
        switching probabilities do not exist, so no ordinary distribution holds. ``details`` hold ``means`` and
        ``volatilities`` a year, ``transition`` (row: from, column: to), ``expected_durations`` in bars,
        ``filtered`` probabilities of the regime with the highest mean, ``log_likelihood`` and
        ``bic_less_one_regime``, negative when the regimes pay for their parameters.

    Raises
    ------
    DataError
        If values are missing or fewer than 50, or no start converges.

    References
    ----------
    Hamilton (1989); Kim (1994).
    """
    values = vector(returns, "returns", minimum=50)
    year = positive(periods_per_year, "periods_per_year")
    whole(n_starts, "n_starts", minimum=1)
    n, scale = values.size, spread_of(values, "returns")
    scaled = values / scale
    parameters, loss = _fitted(scaled.tobytes(), seed, n_starts)
    transition, _, _, _, filtered, _, _ = _expected(parameters, scaled)
    order = np.argsort(parameters[2:4])
    transition = transition[np.ix_(order, order)]
    means, deviations = parameters[2:4][order] * scale * year, np.abs(parameters[4:][order]) * scale * sqrt(year)
    log_likelihood = -n * (loss + log(scale))
    alone = -0.5 * n * (log(2 * pi * values.var()) + 1)
    return Finding.of(
        "markov_regimes",
        float(means[1] - means[0]),
        effective_n=float(n),
        details={
            "means": means.tolist(),
            "volatilities": deviations.tolist(),
            "transition": transition.tolist(),
            "expected_durations": (1 / (1 - np.diag(transition))).tolist(),
            "filtered": filtered[:, order[1]].tolist(),
            "log_likelihood": log_likelihood,
            "bic_less_one_regime": -2 * (log_likelihood - alone) + 4 * log(n),
        },
        starts=n_starts,
        seed=seed,
    )


@lru_cache(maxsize=64)
def _fitted(scaled: bytes, seed: int, n_starts: int) -> tuple[Floats, float]:
    """The best parameters and their loss: once for all rows of one metal and period."""
    from scipy.optimize import minimize

    values = np.frombuffer(scaled)
    usual = np.array([0, 0, 0, values.mean() / 2, sqrt(0.1), 1.0])
    moved = np.random.default_rng(seed).uniform(-0.5, 0.5, (usual.size, n_starts)).T
    with np.errstate(all="ignore"):  # poor starts fail on their way; only the best of them is kept
        starts = [usual, *(_improved(usual + move, values, 10) for move in moved)]
        losses = [_loss(start, values)[0] for start in starts]
        start = starts[int(np.argmin(np.nan_to_num(losses, nan=inf)))]
        fit = minimize(_loss, _improved(start, values, 5), (values,), "BFGS", jac=True, options={"maxiter": 500})
    if not np.isfinite(fit.fun):
        raise DataError(f"returns: none of {n_starts} starts converged to two regimes; use a longer sample")
    return fit.x, float(fit.fun)


def _loss(parameters: Floats, values: Floats) -> tuple[float, Floats]:
    """Minus the mean log-likelihood of a bar, and its gradient, by what the chain is expected to have done."""
    transition, steady, scores, likelihood, _, smoothed, moves = _expected(parameters, values)
    long_run = np.linalg.inv(np.eye(2) - transition + steady)  # what the steady state owes to the transition
    moves = moves + steady[:, None] * transition * (long_run @ (smoothed[0] / steady))
    of_moves = moves[:, 0] - transition[:, 0] * moves.sum(axis=1)
    of_means = (smoothed * scores).sum(axis=0) / parameters[4:]
    of_deviations = (smoothed * (scores**2 - 1)).sum(axis=0) / parameters[4:]
    return -likelihood / values.size, -np.concatenate([of_moves, of_means, of_deviations]) / values.size


def _improved(parameters: Floats, values: Floats, n_steps: int) -> Floats:
    """After so many steps of expectation and maximization."""
    for _ in range(n_steps):
        transition, steady, _, _, _, smoothed, moves = _expected(parameters, values)
        weight = smoothed.sum(axis=0)
        before = steady * transition[:, 0] * smoothed[0, 0] / steady[0]
        to_first = np.minimum((moves[:, 0] + before) / weight, 1 - 1e-6)
        means = smoothed.T @ values / weight
        deviations = np.sqrt((smoothed * (values[:, None] - means) ** 2).sum(axis=0) / weight)
        parameters = np.concatenate([np.log(to_first / (1 - to_first)), means, deviations])
    return parameters


def _expected(parameters: Floats, values: Floats) -> tuple[Floats, Floats, Floats, float, Floats, Floats, Floats]:
    """Transition, steady state, scores, and what the chain's loop says of them.

    Parameters are the logits of a move to the first regime from either, both means and both deviations.
    """
    from research.diagnostics._loops import there_and_back

    to_first = 1 / (1 + np.exp(-parameters[:2]))
    transition = np.column_stack([to_first, 1 - to_first])
    steady = np.array([to_first[1], 1 - to_first[0]]) / (1 - to_first[0] + to_first[1])
    scores = (values[:, None] - parameters[2:4]) / parameters[4:]
    density = -0.5 * scores**2 - np.log(np.abs(parameters[4:])) - 0.5 * log(2 * pi)
    return transition, steady, scores, *there_and_back(density, transition, steady)
