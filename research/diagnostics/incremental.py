"""What the signal adds to what anyone could know already."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

import numpy as np
import pandas as pd

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import SeriesLike, aligned, fraction, whole
from research.diagnostics.long_run import (
    MINIMUM_OBSERVATIONS,
    cosine_variance,
    effective_observations,
    ewc_degrees_of_freedom,
    student_critical_value,
    student_p_value,
)
from research.diagnostics.persistence import least_squares, spread_of
from research.errors import DataError


def incremental_value(
    returns: SeriesLike,
    predictor: SeriesLike,
    controls: pd.DataFrame | Mapping[str, SeriesLike],
    *,
    delay: int = 1,
    level: float = 0.95,
) -> Finding:
    r"""What the signal adds to things anyone could know: :math:`r_{t+delay+1} = a + b\,x_t + c' z_t + u`.

    All regressors are standardised. The error of b is the equal-weighted-cosine one of its influence, as
    in ``jensen_alpha``.

    Parameters
    ----------
    returns, predictor
        As in ``predictive_regression``.
    controls
        Named series known at the end of each bar on the same index, e.g. ``momentum_and_ratio``.

    Raises
    ------
    DataError
        For missing or misaligned data, or a predictor that the controls make up entirely.
    """
    names = [str(name) for name in controls]
    columns = {f"control {name}": series for name, series in controls.items()}
    r, x, *rest = aligned(returns=returns, predictor=predictor, minimum=MINIMUM_OBSERVATIONS + 2, **columns)
    lag = whole(delay, "delay", minimum=0)
    fraction(level, "level")
    n = r.size - lag - 1
    if n < MINIMUM_OBSERVATIONS + len(names):
        raise DataError(f"returns: {r.size} observations are too few for {len(names)} controls; use fewer")
    standard = [(column - column.mean()) / spread_of(column) for column in (x, *rest)]
    design = np.column_stack([np.ones(n), *(column[:n] for column in standard)])
    target = r[1 + lag :]
    others = np.delete(design, 1, axis=1)
    unexplained = least_squares(others, design[:, 1])[1]
    if float(unexplained @ unexplained) <= 1e-10 * n:
        raise DataError("predictor: the controls make it up entirely, so it cannot add to them; drop the one it copies")
    coefficients, residuals, inverse = least_squares(design, target)
    estimate = float(coefficients[1])
    influence = n * residuals * (design @ inverse[:, 1])
    degrees = ewc_degrees_of_freedom(n)
    variance = cosine_variance(influence, degrees)
    error = sqrt(variance / n)
    if not error > 0:
        raise DataError("returns: the regressors explain them without error; check that none is a copy of them")
    statistic = estimate / error
    p_value = student_p_value(statistic, degrees)
    half_width = student_critical_value(level, degrees) * error
    total = float(((target - target.mean()) ** 2).sum())
    without = least_squares(others, target)[1]
    listed = " and ".join(names) if names else "nothing else"
    return Finding(
        name="incremental_value",
        estimate=estimate,
        unit="fraction a bar per standard deviation of the predictor",
        null=f"beside {listed}, the predictor adds nothing",
        alternative="it adds something (two-sided)",
        interval=(estimate - half_width, estimate + half_width),
        level=level,
        statistic=statistic,
        p_value=p_value,
        effective_n=effective_observations(influence, variance),
        method=f"OLS, delay {lag}; equal-weighted-cosine error, t with {degrees} degrees of freedom",
        reference="Lazarus, Lewis, Stock and Watson (2018)",
        sentence=(
            f"Beside {listed}, one standard deviation of the signal still went with {estimate:+.2%} "
            f"in the next bar; a signal that adds nothing would show as much in {p_value:.1%} of histories."
        ),
        details={
            "standard_error": error,
            "degrees_of_freedom": degrees,
            "r_squared": 1 - float(residuals @ residuals) / total,
            "r_squared_controls_only": 1 - float(without @ without) / total,
            "control_slopes": dict(zip(names, coefficients[2:].tolist(), strict=True)),
            "share_explained_by_controls": 1 - float(unexplained @ unexplained) / float(design[:, 1] @ design[:, 1]),
        },
    )


def momentum_and_ratio(
    metal_price: pd.Series, gold_price: pd.Series, silver_price: pd.Series, *, periods_per_year: int
) -> pd.DataFrame:
    r"""The two controls anyone could know: 12-month momentum and the gold/silver ratio, both in logs.

    ``momentum_12m`` is :math:`\ln(P_t / P_{t-q})`, ``gold_silver_ratio`` :math:`\ln(Au_t / Ag_t)`. The
    first year has no momentum and is left out; cut returns and predictor to the same dates.
    """
    metal, gold, silver = aligned(metal_price=metal_price, gold_price=gold_price, silver_price=silver_price)
    q = whole(periods_per_year, "periods_per_year", minimum=1)
    if min(metal.min(), gold.min(), silver.min()) <= 0:
        raise DataError("metal_price: prices must be above 0 for logarithms; check the series")
    if metal.size <= q:
        raise DataError(f"metal_price: {metal.size} prices hold no {q} periods of momentum; use a longer sample")
    return pd.DataFrame(
        {
            "momentum_12m": np.log(metal[q:] / metal[:-q]),
            "gold_silver_ratio": np.log(gold[q:] / silver[q:]),
        },
        index=metal_price.index[q:],
    )
