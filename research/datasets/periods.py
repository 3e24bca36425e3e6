"""Periods as text, and the last day that each describes."""

from __future__ import annotations

import re
from itertools import islice

import pandas as pd

from research.errors import ValidationError

_FORMS = (
    (re.compile(r"\d{4}-\d{2}-\d{2}"), "D"),
    (re.compile(r"\d{4}-\d{2}"), "M"),
    (re.compile(r"\d{4}"), "Y"),
)
_QUARTER = re.compile(r"^(\d{4})Q([1-4])$")


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
    words = words.str.replace(_QUARTER, lambda found: f"{found[1]}-{3 * int(found[2]):02}", regex=True)
    for pattern, unit in _FORMS:
        here = words.str.fullmatch(pattern)
        if here.any():
            try:
                starts = words[here].to_numpy(dtype=f"datetime64[{unit}]")
            except ValueError as error:
                raise ValidationError(f"{column}: {error}; write dates as YYYY-MM-DD") from None
            result[here] = ((starts + 1).astype("datetime64[D]") - 1).astype("datetime64[us]")
    bad = list(islice(words[result.isna()].items(), 3))
    if bad:
        shown = ", ".join(f"{value!r} in row {position}" for position, value in bad)
        raise ValidationError(f"{column}: {shown} is no date; write YYYY-MM-DD, YYYY-MM, YYYYQn or YYYY")
    return result
