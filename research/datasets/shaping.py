"""From a file's rows to the rows of a dataset, by what the registry's ``read`` says.

=================  ================================================================================================
``observed_for``   column of the dates or periods
``value``          column of the values, or a list of columns whose sum is the value
``columns``        of a table: a list of columns, or ``{ name = "column in the file" }``
``known_at``       column of recorded moments, for files that have one
``where``          ``{ column = wanted }``: only rows with these entries
``scale``          factor from the file's unit to the dataset's
``period``         ``"month"``, ``"quarter"`` or ``"year"``: a date stands for the whole period that contains it
``shift_months``   whole months to add to the period, for files that stand late or early
``since, until``   first and last period to read
``weekdays_only``  leave out Saturdays and Sundays, which hold copies of a Friday
``keep``           ``"first"`` or ``"last"`` of several rows for one period; without it they are an error
=================  ================================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from research.datasets.periods import period_end
from research.errors import RegistryError, did_you_mean

READ_KEYS = {
    "observed_for", "value", "columns", "known_at", "where", "scale", "period", "shift_months", "since", "until",
    "weekdays_only", "keep",
}  # fmt: skip
_PERIODS = {"month": "M", "quarter": "Q", "year": "Y"}


def check_read(read: Mapping[str, Any], where: str) -> None:
    """Refuse a ``read`` that says something unknown.

    Raises
    ------
    RegistryError
        Naming the key, or the entry that is none of its forms.
    """
    unknown = sorted(set(read) - READ_KEYS)
    if unknown:
        raise RegistryError(f"{where}: read has no key {unknown[0]!r}{did_you_mean(unknown[0], READ_KEYS)}")
    forms: dict[str, tuple[str, ...]] = {"period": tuple(_PERIODS), "keep": ("first", "last")}
    for key, allowed in forms.items():
        if key in read and read[key] not in allowed:
            raise RegistryError(f"{where}: read.{key} is {read[key]!r}{did_you_mean(str(read[key]), allowed)}")
    if not isinstance(read.get("shift_months", 0), int):
        raise RegistryError(f"{where}: read.shift_months is {read['shift_months']!r}; give whole months")


def value_columns(read: Mapping[str, Any], kind: str) -> dict[str, list[str]]:
    """Name of each value column of the dataset -> the file's columns whose sum it is."""
    if kind == "series":
        value = read["value"]
        return {"value": [str(name) for name in value] if isinstance(value, list) else [str(value)]}
    columns = read["columns"]
    if isinstance(columns, Mapping):
        return {str(name): [str(column)] for name, column in columns.items()}
    return {str(name): [str(name)] for name in columns}


def periods(raw: pd.DataFrame, read: Mapping[str, Any]) -> pd.Series:
    """Last day of the period that each row describes."""
    column = str(read["observed_for"])
    ends = period_end(raw[column], column=column)
    if "period" in read:
        ends = _end_of(ends, _PERIODS[read["period"]])
    if read.get("shift_months"):
        ends = _end_of(ends, "M", int(read["shift_months"]))
    return ends


def wanted_rows(observed_for: pd.Series, raw: pd.DataFrame, read: Mapping[str, Any], key: tuple[str, ...]) -> pd.Series:
    """Which rows the dataset has, after ``since``, ``until``, ``weekdays_only`` and ``keep``."""
    wanted = pd.Series(True, index=raw.index)
    if "since" in read:
        wanted &= observed_for >= pd.Timestamp(str(read["since"]))
    if "until" in read:
        wanted &= observed_for <= pd.Timestamp(str(read["until"]))
    if read.get("weekdays_only"):
        wanted &= observed_for.dt.day_of_week < 5
    if "keep" in read:
        rows = raw[list(key)].assign(_observed_for=observed_for)[wanted]
        wanted &= wanted & ~rows.duplicated(keep=read["keep"]).reindex(raw.index, fill_value=False)
    return wanted


def _end_of(dates: pd.Series, frequency: str, shift: int = 0) -> pd.Series:
    ends = (pd.PeriodIndex(dates, freq=frequency) + shift).end_time.normalize()
    return pd.Series(ends, index=dates.index).astype("datetime64[us]")
