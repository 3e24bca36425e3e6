"""The Sharpe ratio and how uncertain it is.

Everything that enters a formula is per period; only what a Finding states is annualised.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt
from typing import TypeAlias

import numpy as np

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import SeriesLike, spread_of, vector, whole
from research.diagnostics.long_run import MINIMUM_OBSERVATIONS, Estimate, effective_observations
from research.errors import ParameterError


@dataclass(frozen=True, kw_only=True)
class SharpeMoments:
    """What the error of a Sharpe ratio depends on; everything per period, never annualised.

    Attributes
    ----------
    sharpe
        Mean excess return over its standard deviation (divisor T - 1).
    n_observations
        T.
    skewness, kurtosis
        Standardised third and fourth moments (divisor T). The kurtosis is raw: 3 for a normal.
    """

    sharpe: float
    n_observations: int
    skewness: float = 0.0
    kurtosis: float = 3.0

    def __post_init__(self) -> None:
        whole(self.n_observations, "n_observations", minimum=2)
        if self.kurtosis < 1 + self.skewness**2 - 1e-9:
            raise ParameterError(
                f"kurtosis: {self.kurtosis:g} cannot go with a skewness of {self.skewness:g}; "
                f"pass the raw kurtosis, 3 for a normal"
            )

    @property
    def variance(self) -> float:
        r"""Mertens (2002): :math:`1 + SR^2/2 - \gamma_3 SR + (\gamma_4 - 3) SR^2 / 4`, to be divided by T."""
        return 1 - self.skewness * self.sharpe + (self.kurtosis - 1) / 4 * self.sharpe**2

    @property
    def standard_error(self) -> float:
        """Mertens (2002) standard error, right for independent returns of any shape."""
        return sqrt(self.variance / self.n_observations)

    @property
    def standard_error_normal(self) -> float:
        r"""Lo (2002) standard error for independent normal returns, :math:`\sqrt{(1 + SR^2/2) / T}`."""
        return sqrt((1 + self.sharpe**2 / 2) / self.n_observations)


MomentsLike: TypeAlias = SeriesLike | SharpeMoments


def sharpe_moments(excess_returns: MomentsLike) -> SharpeMoments:
    """Moments of a return series; moments already computed pass through.

    Raises
    ------
    DataError
        For missing values, fewer than 3 returns, or returns that never vary.
    """
    if isinstance(excess_returns, SharpeMoments):
        return excess_returns
    returns = vector(excess_returns, "excess_returns", minimum=3)
    score = (returns - returns.mean()) / spread_of(returns, "excess_returns")
    return SharpeMoments(
        sharpe=float(returns.mean() / returns.std(ddof=1)),
        n_observations=returns.size,
        skewness=float(np.mean(score**3)),
        kurtosis=float(np.mean(score**4)),
    )


def annualisation_factor(periods: int, autocorrelation: float) -> float:
    r"""Lo (2002): :math:`\eta(q) = q / \sqrt{q + 2 \sum_{k<q} (q-k) \rho^k}` of a first-order autoregression.

    Parameters
    ----------
    periods
        q, periods in a year.
    autocorrelation
        :math:`\rho`, between -1 and 1.
    """
    lags = np.arange(1, periods)
    return periods / sqrt(periods + 2 * float((periods - lags) @ autocorrelation**lags))


def sharpe_ratio(excess_returns: SeriesLike, *, periods_per_year: int) -> Finding:
    r"""Sharpe ratio a year, :math:`\sqrt q\,\bar r / s`, with an error that allows for fat tails and memory.

    The error is Lo's (2002) for dependent returns: the delta method on mean and variance, whose
    influence is :math:`z_t - \tfrac12 SR (z_t^2 - 1)` with :math:`z_t = (r_t - \bar r)/s`, and the
    equal-weighted-cosine long-run variance. For independent returns it is Mertens' (2002). Clustered volatility is
    remembered for longer than the cosines see: around a true ratio of 0.8 a year the interval of 480 months of GARCH
    returns covers 91 % instead of 95 % (``python -m tests.calibration``); around 0 it covers what it says.

    Returns
    -------
    Finding
        Per square root of a year. The details hold Lo's and Mertens' standard errors for independent returns
        and the ratio by Lo's annualisation with a first-order autocorrelation.

    Raises
    ------
    DataError
        As ``sharpe_moments``.
    """
    returns = vector(excess_returns, "excess_returns", minimum=3)
    year = whole(periods_per_year, "periods_per_year", minimum=1)
    moments = sharpe_moments(returns)
    scale, n = sqrt(year), moments.n_observations
    score = (returns - returns.mean()) / returns.std()
    influence = score - moments.sharpe / 2 * (score**2 - 1)
    found = Estimate.of_influence(moments.sharpe, influence, scale)
    enough = n >= MINIMUM_OBSERVATIONS
    memory = float(score[1:] @ score[:-1]) / n
    return Finding.of(
        "sharpe_ratio",
        found if enough else found.value,
        says="told" if enough else "few",
        effective_n=effective_observations(influence),
        details={
            "sharpe_per_period": moments.sharpe,
            "standard_error": found.error if enough else nan,
            "standard_error_lo_normal": moments.standard_error_normal * scale,
            "standard_error_mertens": moments.standard_error * scale,
            "skewness": moments.skewness,
            "kurtosis": moments.kurtosis,
            "autocorrelation": memory,
            "sharpe_lo_annualised": moments.sharpe * annualisation_factor(year, memory),
            "n_observations": n,
        },
        year=year,
        degrees=found.degrees_of_freedom,
        half=found.interval()[1] - found.value,
    )
