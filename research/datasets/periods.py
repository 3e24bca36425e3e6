"""Periods as text, and the last day that each describes."""

from __future__ import annotations

import re
from itertools import islice

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
    words = text.astype("str").str.strip()
    result = pd.Series(pd.NaT, index=text.index, dtype="datetime64[us]")
    for pattern, frequency in _FORMS:
        here = words.str.fullmatch(pattern)
        if here.any():
            try:
                ends = pd.PeriodIndex(words[here], freq=frequency).end_time.normalize()
            except ValueError as error:
                raise ValidationError(f"{column}: {error}; write dates as YYYY-MM-DD") from None
            result[here] = ends.astype("datetime64[us]")
    bad = list(islice(words[result.isna()].items(), 3))
    if bad:
        shown = ", ".join(f"{value!r} in row {position}" for position, value in bad)
        raise ValidationError(f"{column}: {shown} is no date; write YYYY-MM-DD, YYYY-MM, YYYYQn or YYYY")
    return result
