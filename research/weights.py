"""Weights as a signal returns them: what is unknown, and what no account can hold."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from research.errors import NoDecision, SignalError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

UNKNOWN = -sys.float_info.max
"""A weight that says: the number that the claim rests on is not known here.

The account lies in bills, and the period takes no part in what is tested. No arithmetic arrives at it by accident.
Return it where a number was never published yet, is too old or is missing: ``weights.where(number.notna(), UNKNOWN)``.
"""

ROUNDING = 1 + 1e-12


@dataclass(frozen=True, eq=False)
class Rule:
    """The number that a position rests on: held while ``sign * number > sign * threshold``.

    Attributes
    ----------
    number
        As known at each decision, NaN where it is not.
    threshold
        What it is compared with.
    sign
        +1 for above, -1 for below.
    hold_days
        Calendar days for which the position goes on after the last time that it was so.
    """

    number: pd.Series
    threshold: float
    sign: Literal[-1, 1]
    hold_days: int = 0


def in_bills(weights: Any) -> Any:
    """Weights as an account holds them: 0 where they are ``UNKNOWN``; an array, Series or table as given."""
    return weights * (weights != UNKNOWN) + 0.0


def check_weights(weights: Any, index: pd.DatetimeIndex, max_leverage: float, name: str) -> pd.Series:
    """Return ``weights`` as floats, or raise a ``SignalError`` that says what is wrong with them."""
    import numpy as np
    import pandas as pd

    found = numbers(weights, index, name)
    if np.isinf(found).any():
        where = index[np.isinf(found)][0]
        raise SignalError(f"{name}: infinite weight at {where:%Y-%m-%d}; guard the division that made it")
    over = np.abs(in_bills(found)) > max_leverage * ROUNDING
    if over.any():
        where = index[over][0]
        raise SignalError(
            f"{name}: weight {found[over][0]:.4g} at {where:%Y-%m-%d} is beyond the leverage allowed "
            f"({max_leverage:g}); clip it, or raise max_leverage"
        )
    if not (np.isfinite(found) & (found != UNKNOWN)).any():
        raise NoDecision(f"{name}: every weight is NaN, so it never decides; are its inputs there for this period?")
    return pd.Series(found, index=weights.index, name="weight")


def numbers(weights: object, index: pd.DatetimeIndex, name: str) -> np.ndarray:
    """Weights as floats, if they are a Series of numbers on the trading calendar."""
    import pandas as pd

    if not isinstance(weights, pd.Series):
        raise SignalError(f"{name}: the signal returned {type(weights).__name__}; return a pandas Series of weights")
    return floats(weights, index, name)


def floats(weights: pd.Series | pd.DataFrame, index: pd.DatetimeIndex, name: str) -> np.ndarray:
    """The same of a Series or of a table."""
    import numpy as np

    if not weights.index.equals(index):
        raise SignalError(
            f"{name}: weights have {len(weights)} rows with an index other than panel.index ({len(index)} rows); "
            "start from panel[...] or use .reindex(panel.index)"
        )
    try:
        return weights.to_numpy(dtype="float64", na_value=np.nan)
    except (TypeError, ValueError):
        kind = np.asarray(weights).dtype
        raise SignalError(f"{name}: weights are {kind}, not numbers; use .astype(float)") from None
