"""Regimes that switch as a Markov chain."""

from __future__ import annotations

import numpy as np

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import SeriesLike, positive, vector, whole
from research.errors import DataError


def markov_regimes(
    returns: SeriesLike,
    *,
    periods_per_year: float,
    seed: int,
    n_regimes: int = 2,
    n_starts: int = 20,
    lags: int = 0,
    switching_variance: bool = True,
) -> Finding:
    """Regimes of mean and volatility that switch as a Markov chain, a description.

    Maximum likelihood from many random starts, the best kept; regimes are numbered by their mean, lowest
    first. Only *filtered* probabilities are given, what the model says at a bar from the bars up to it; the smoothed
    ones know the future. Even so the parameters are those of the whole sample: a strategy must estimate them
    again at every decision.

    Parameters
    ----------
    returns
        Shape (T,), fractions a bar.
    periods_per_year
        12 for months, 252 for days.
    seed, n_starts
        Of the random starts, and how many.
    n_regimes
        Number of regimes.
    lags
        Of an autoregression around the regimes' means, the same in all; for averaged prices, whose returns are
        autocorrelated by construction. The first ``lags`` bars are conditioned on.
    switching_variance
        Whether the regimes differ in volatility too.

    Returns
    -------
    Finding
        ``estimate`` is the highest less the lowest mean, a year. There is no p-value: under one regime the
        switching probabilities do not exist, so no ordinary distribution holds. ``details`` hold ``means`` and
        ``volatilities`` a year, ``transition`` (row: from, column: to), ``expected_durations`` in bars,
        ``filtered`` probabilities of the regime with the highest mean, ``autoregression``, ``log_likelihood`` and
        ``bic_less_one_regime``, negative when the regimes pay for their parameters.

    Raises
    ------
    DataError
        If values are missing or fewer than 50, or no start converges.

    References
    ----------
    Hamilton (1989).
    """
    import warnings
    from functools import partial

    from statsmodels.tools.sm_exceptions import ModelWarning
    from statsmodels.tsa.regime_switching.markov_autoregression import MarkovAutoregression
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

    values = vector(returns, "returns", minimum=50)
    year = positive(periods_per_year, "periods_per_year")
    whole(n_regimes, "n_regimes", minimum=2)
    whole(n_starts, "n_starts", minimum=1)
    whole(lags, "lags", minimum=0)
    scale = float(values.std())
    if scale == 0:
        raise DataError("returns: they never vary, so there are no regimes; check the data")
    kind = partial(MarkovAutoregression, order=lags, switching_ar=False) if lags else MarkovRegression
    model = kind(values / scale, k_regimes=n_regimes, switching_variance=switching_variance)
    with warnings.catch_warnings():
        # Poor starts fail on their way; only the best of them is kept, and checked below.
        warnings.simplefilter("ignore", ModelWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        fit = model.fit(search_reps=n_starts, search_iter=10, maxiter=500, rng=np.random.default_rng(seed), disp=False)
    if not np.isfinite(fit.llf):
        raise DataError(f"returns: none of {n_starts} starts converged to {n_regimes} regimes; ask for fewer regimes")
    n_transitions = n_regimes * (n_regimes - 1)
    n_variances = n_regimes if switching_variance else 1
    ends = np.cumsum([n_transitions, n_regimes, n_variances])
    _, means, variances, autoregression = np.split(np.asarray(fit.params), ends)
    variances = np.broadcast_to(variances, n_regimes)
    order = np.argsort(means)
    transition = np.asarray(fit.regime_transition)[:, :, 0].T[np.ix_(order, order)]
    filtered = np.asarray(fit.filtered_marginal_probabilities)[:, order]
    n = values.size - lags
    log_likelihood = float(fit.llf) - n * np.log(scale)
    design = np.column_stack([np.ones(n), *(values[lags - j : values.size - j] for j in range(1, lags + 1))])
    errors = values[lags:] - design @ np.linalg.lstsq(design, values[lags:], rcond=None)[0]
    alone = -0.5 * n * (np.log(2 * np.pi * errors.var()) + 1)
    n_more = n_transitions + n_regimes - 1 + n_variances - 1
    spread = float(means[order[-1]] - means[order[0]]) * scale * year
    return Finding(
        name="markov_regimes",
        estimate=spread,
        unit="fraction a year",
        null="",
        alternative="",
        effective_n=float(n),
        method=(
            f"{n_regimes} regimes of mean{' and variance' if switching_variance else ''}"
            f"{f', autoregression of {lags} lags' if lags else ''}, best of {n_starts} random starts, seed {seed}; "
            "no test"
        ),
        reference="Hamilton 1989",
        sentence=f"The regimes' means lie {spread:.1%} a year apart; which one holds is known only as a probability.",
        details={
            "means": (means[order] * scale * year).tolist(),
            "volatilities": (np.sqrt(variances[order] * year) * scale).tolist(),
            "transition": transition.tolist(),
            "expected_durations": (1 / (1 - np.diag(transition))).tolist(),
            "filtered": filtered[:, -1].tolist(),
            "log_likelihood": log_likelihood,
            "autoregression": autoregression.tolist(),
            "bic_less_one_regime": float(-2 * (log_likelihood - alone) + np.log(n) * n_more),
        },
    )
