"""What the signal adds to what anyone could know already."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from research.diagnostics.finding import Finding
from research.diagnostics.inputs import SeriesLike, aligned, whole
from research.diagnostics.long_run import MINIMUM_OBSERVATIONS, Estimate, effective_observations
from research.diagnostics.prediction import least_squares, spread_of
from research.errors import DataError


def incremental_value(
    returns: SeriesLike,
    predictor: SeriesLike,
    controls: pd.DataFrame | Mapping[str, SeriesLike],
    *,
    delay: int = 1,
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
    influence = n * residuals * (design @ inverse[:, 1])
    found = Estimate.of_influence(float(coefficients[1]), influence)
    if not found.error > 0:
        raise DataError("returns: the regressors explain them without error; check that none is a copy of them")
    total = float(((target - target.mean()) ** 2).sum())
    without = least_squares(others, target)[1]
    listed = " and ".join(names) if names else "nothing else"
    return Finding(
        name="incremental_value",
        estimate=found.value,
        unit="fraction a bar per standard deviation of the predictor",
        null=f"beside {listed}, the predictor adds nothing",
        alternative="it adds something (two-sided)",
        effective_n=effective_observations(influence),
        method=f"OLS, delay {lag}; equal-weighted-cosine error, t with {found.degrees_of_freedom} degrees of freedom",
        reference="Lazarus, Lewis, Stock and Watson (2018)",
        sentence=(
            f"Beside {listed}, one standard deviation of the signal still went with {found.value:+.2%} "
            f"in the next bar; a signal that adds nothing would show as much in {found.two_sided:.1%} of histories."
        ),
        details={
            "standard_error": found.error,
            "degrees_of_freedom": found.degrees_of_freedom,
            "r_squared": 1 - float(residuals @ residuals) / total,
            "r_squared_controls_only": 1 - float(without @ without) / total,
            "control_slopes": dict(zip(names, coefficients[2:].tolist(), strict=True)),
            "share_explained_by_controls": 1 - float(unexplained @ unexplained) / float(design[:, 1] @ design[:, 1]),
        },
    ).tested(found)


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
