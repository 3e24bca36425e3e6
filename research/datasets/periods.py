"""Periods as text, and the last day that each describes."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pandas as pd

from research.errors import ValidationError

_FORMS = (
    (re.compile(r"\d{4}-\d{2}-\d{2}"), "D"),
    (re.compile(r"\d{4}-\d{2}"), "M"),
    (re.compile(r"\d{4}Q[1-4]"), "Q"),
    (re.compile(r"\d{4}"), "Y"),
)


def period_end(text: pd.Series, *, column: str) -> pd.Series:
    """Last day of each period written as ``2011-04-15``, ``2011-04``, ``2011Q2`` or ``2011``.

    Parameters
    ----------
    text
        Periods as text; forms may be mixed.
    column
        The column's name, for the error.

    Returns
    -------
    pd.Series
        ``datetime64[us]``, naive, same index.

    Raises
    ------
    ValidationError
        If an entry has none of the four forms or is no date.
    """
    if pd.api.types.is_datetime64_any_dtype(text):
        return text.astype("datetime64[us]").dt.normalize()
    words = [str(word).strip() for word in text]
    result = np.full(len(words), np.datetime64("NaT"), dtype="datetime64[us]")
    left = list(range(len(words)))
    for pattern, unit in _FORMS:
        here = [row for row in left if pattern.fullmatch(words[row])]
        if here:
            left = sorted({*left} - {*here})
            result[here] = _last_days([words[row] for row in here], unit, column)
    if left:
        shown = ", ".join(f"{words[row]!r} in row {text.index[row]}" for row in left[:3])
        raise ValidationError(f"{column}: {shown} is no date; write YYYY-MM-DD, YYYY-MM, YYYYQn or YYYY")
    return pd.Series(result, index=text.index)


def _last_days(words: list[str], unit: str, column: str) -> npt.NDArray[np.datetime64]:
    if unit == "Q":
        words, unit = [f"{word[:4]}-{3 * int(word[5]):02}" for word in words], "M"
    try:
        starts = np.array(words, dtype=f"datetime64[{unit}]")
    except ValueError as error:
        raise ValidationError(f"{column}: {error}; write dates as YYYY-MM-DD") from None
    return (starts + 1).astype("datetime64[D]") - 1
