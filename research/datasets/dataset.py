"""Dataset: what a series is, where it comes from, and when its numbers become known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import pandas as pd

from research.datasets.periods import period_end
from research.datasets.price import Decision
from research.datasets.release import ReleaseRule

_PERIODS = {"month": "M", "quarter": "Q", "year": "Y"}

Frequency = Literal["day", "week", "month", "quarter", "year", "irregular"]

PERIODS_PER_YEAR: Mapping[str, int] = MappingProxyType({"day": 252, "week": 52, "month": 12, "quarter": 4, "year": 1})


@dataclass(frozen=True, kw_only=True)
class Read:
    """How a file becomes the rows of a dataset: the registry's ``read``.

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

    observed_for: str
    value: str | tuple[str, ...] = ""
    columns: Mapping[str, str] | tuple[str, ...] = ()
    known_at: str = ""
    where: Mapping[str, object] = field(default_factory=dict)
    scale: float = 1.0
    period: Literal["", "month", "quarter", "year"] = ""
    shift_months: int = 0
    since: pd.Timestamp | None = None
    until: pd.Timestamp | None = None
    weekdays_only: bool = False
    keep: Literal["", "first", "last"] = ""

    @property
    def parts(self) -> dict[str, list[str]]:
        """Name of each value column of the dataset -> the file's columns whose sum it is."""
        if isinstance(self.columns, Mapping):
            return {name: [column] for name, column in self.columns.items()}
        if self.columns:
            return {name: [name] for name in self.columns}
        return {"value": [self.value] if isinstance(self.value, str) else list(self.value)}

    def periods(self, raw: pd.DataFrame) -> pd.Series:
        """Last day of the period that each row describes."""
        ends = period_end(raw[self.observed_for], column=self.observed_for)
        if self.period:
            ends = _end_of(ends, _PERIODS[self.period])
        return _end_of(ends, "M", self.shift_months) if self.shift_months else ends

    def wanted_rows(self, observed_for: pd.Series, raw: pd.DataFrame, key: tuple[str, ...]) -> pd.Series:
        """Which rows the dataset has, after ``since``, ``until``, ``weekdays_only`` and ``keep``."""
        wanted = pd.Series(True, index=raw.index)
        if self.since is not None:
            wanted &= observed_for >= self.since
        if self.until is not None:
            wanted &= observed_for <= self.until
        if self.weekdays_only:
            wanted &= observed_for.dt.day_of_week < 5
        if self.keep:
            rows = raw[list(key)].assign(_observed_for=observed_for)[wanted]
            wanted &= ~rows.duplicated(keep=self.keep).reindex(raw.index, fill_value=False)
        return wanted


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One entry of a registry. Nothing here reads a file.

    Attributes
    ----------
    id
        The name by which strategies ask for it; one id means one thing in every pack.
    title
        What it is, in a few words.
    publisher
        Who publishes it.
    source
        Address that it was taken from.
    licence
        On what terms.
    unit
        Unit of the values, in words.
    frequency
        Spacing of the periods that the values describe.
    file
        Name of its file in the pack.
    read
        How its file is read: which column holds what.
    release
        Rules from period to the moment known, one per regime.
    longest_useful_age_days
        A value whose period ended longer ago than this is no longer used.
    kind
        ``"series"`` (one value a period) or ``"table"`` (named columns, told apart by ``key``).
    price
        For prices: ``"average"`` over the period, or ``"close"``; empty otherwise.
    decision
        For prices: when a decision is taken on each bar.
    attribution
        What its licence asks to be said.
    notes
        Holes and known errors.
    lag_note
        What the release rule cannot say of itself.
    forecast
        Whether a value may be known before its period ends.
    pack
        Name of its pack.
    sha256
        SHA-256 of its file.
    """

    id: str
    title: str
    publisher: str
    source: str
    licence: str
    unit: str
    frequency: Frequency
    file: str
    read: Read
    release: tuple[ReleaseRule, ...]
    longest_useful_age_days: float
    kind: Literal["series", "table"] = "series"
    key: tuple[str, ...] = ()
    price: Literal["", "average", "close"] = ""
    decision: Decision | None = None
    attribution: str = ""
    notes: str = ""
    lag_note: str = ""
    forecast: bool = False
    pack: str = ""
    sha256: str = ""

    @property
    def longest_useful_age(self) -> pd.Timedelta:
        """A value whose period ended longer ago than this is no longer used."""
        return pd.Timedelta(days=self.longest_useful_age_days)

    @property
    def release_words(self) -> str:
        """The release rule in words, regimes joined by ``;``."""
        return "; ".join(rule.describe() for rule in self.release)


def _end_of(dates: pd.Series, frequency: str, shift: int = 0) -> pd.Series:
    ends = (pd.PeriodIndex(dates, freq=frequency) + shift).end_time.normalize()
    return pd.Series(ends, index=dates.index).astype("datetime64[us]")
