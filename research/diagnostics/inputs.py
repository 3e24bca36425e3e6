"""What every diagnostic asks of its series: finite numbers, on one index, enough of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from research.errors import DataError, ParameterError
from research.units import Floats

CELLS_AT_ONCE = 500_000  # windows x bars in memory at one time: 4 MB an array

SeriesLike: TypeAlias = pd.Series | npt.ArrayLike


def vector(values: SeriesLike, name: str, *, minimum: int = 1) -> Floats:
    """Return one series as a float vector, shape (T,).

    Raises
    ------
    DataError
        If it is not one-dimensional, holds something missing or infinite, or is shorter than ``minimum``.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise DataError(f"{name}: has {array.ndim} dimensions where one series is needed; pass one column")
    if array.size < minimum:
        raise DataError(f"{name}: {array.size} observations are too few, {minimum} are needed; use a longer sample")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        where = values.index[bad[0]] if isinstance(values, pd.Series) else f"position {bad[0]}"
        raise DataError(
            f"{name}: {bad.size} missing or infinite values, the first at {where}; cut the sample to where it is known"
        )
    return array


def aligned(*, minimum: int = 1, **series: SeriesLike) -> tuple[Floats, ...]:
    """Return several series as vectors of one length, in the order given.

    Two pandas Series must carry the same index; nothing is joined or filled silently.

    Raises
    ------
    DataError
        As ``vector``, or if indexes or lengths differ.
    """
    vectors = tuple(vector(values, name, minimum=minimum) for name, values in series.items())
    names = list(series)
    indexed = [(name, values.index) for name, values in series.items() if isinstance(values, pd.Series)]
    for name, array in zip(names[1:], vectors[1:], strict=True):
        if array.size != vectors[0].size:
            raise DataError(
                f"{name}: {array.size} observations against {vectors[0].size} of {names[0]}; align them first"
            )
    for name, index in indexed[1:]:
        if not index.equals(indexed[0][1]):
            raise DataError(f"{name}: its dates differ from those of {indexed[0][0]}; align them first")
    return vectors


def spread_of(values: Floats, name: str) -> float:
    """Return the standard deviation of a series, divisor T.

    Raises
    ------
    DataError
        If it never varies.
    """
    spread = float(values.std())
    if spread <= 1e-15 + 1e-12 * float(np.abs(values).max()):  # rounding
        raise DataError(f"{name}: it never varies, so nothing can be learned from it; check the series")
    return spread


def fraction(value: float, name: str) -> float:
    """Return ``value`` if it lies strictly between 0 and 1.

    Raises
    ------
    ParameterError
        Otherwise.
    """
    if not 0 < value < 1:
        raise ParameterError(f"{name}: {value!r} is not between 0 and 1; a level of 95 % is 0.95")
    return float(value)


def positive(value: float, name: str) -> float:
    """Return ``value`` if it is finite and above 0.

    Raises
    ------
    ParameterError
        Otherwise.
    """
    if not (np.isfinite(value) and value > 0):
        raise ParameterError(f"{name}: {value!r} is not a finite number above 0; pass one")
    return float(value)


def whole(value: int, name: str, *, minimum: int) -> int:
    """Return ``value`` if it is a whole number of at least ``minimum``.

    Raises
    ------
    ParameterError
        Otherwise.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < minimum:
        raise ParameterError(f"{name}: {value!r} is not a whole number of {minimum} or more; pass one")
    return int(value)


def regression(series: SeriesLike, regressors: npt.ArrayLike | None, *, minimum: int = 10) -> tuple[Floats, Floats]:
    """Return a series, (T,), and its design, (T, 1 + k): a constant and the regressors, (T,) or (T, k), if any.

    Raises
    ------
    DataError
        As ``vector``, or if rows are missing or too many.
    ParameterError
        If a regressor is a combination of the others and the constant.
    """
    values = vector(series, "series", minimum=minimum)
    x = np.empty((values.size, 0)) if regressors is None else np.asarray(regressors, dtype=np.float64)
    x = x[:, None] if x.ndim == 1 else x
    if x.shape[0] != values.size or not np.isfinite(x).all():
        raise DataError(f"regressors: need {values.size} finite rows, got shape {x.shape}; align them")
    design = np.column_stack([np.ones(values.size), x])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        wrong = "regressors: one is a combination of the others or of the constant"
        raise ParameterError(f"{wrong}; leave it out, and pass them without the constant")
    return values, design


def by_window(ask: Callable[..., Floats], size: int, *series: Floats) -> Floats:
    """What ``ask`` says of all windows of so many bars, of several series, some of them, (n, size), at a time."""
    n_parts = -(-(series[0].size - size + 1) * size // CELLS_AT_ONCE)
    views = (np.array_split(np.lib.stride_tricks.sliding_window_view(item, size), n_parts) for item in series)
    return np.concatenate([ask(*part) for part in zip(*views, strict=True)], axis=-1)
