"""Release rules: from the period that a number describes to the moment a trader could have had it.

A rule is data in a registry, one inline table or a list of them::

    release = { rule = "business_day", n = 2, months_after = 1, calendar = "US", time = "16:00", timezone = "…" }
    release = { rule = "calendar_day", day = 7, months_after = 1, time = "…", timezone = "…" }
    release = { rule = "lag", days = 1, time = "…", timezone = "…" }
    release = { rule = "lag", business_days = 2, calendar = "US", time = "…", timezone = "…" }
    release = { rule = "weekly", weekday = "friday", calendar = "US", exceptions = "late.csv", time = "…", … }
    release = { rule = "published", column = "published_on", time = "…", timezone = "…" }

A list encodes regimes: each but the last carries ``until``, the last period that it governs.
A published date given as a month (``2011-02``) means the last day of that month: the day was not
seen, and late is the safe side.
"""

from __future__ import annotations

import re
import tomllib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import ClassVar, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pandas as pd

from research.datasets.fields import from_table
from research.datasets.periods import period_end
from research.errors import RegistryError, ValidationError, did_you_mean

_WORDS = re.compile(r"lag (?P<count>\d+) (?P<business>business )?days? (?P<time>\d\d?:\d\d) (?P<timezone>\S+)")

Days = npt.NDArray[np.datetime64]

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS = get_args(Weekday)
CALENDARS = {"US": ("US", None), "GB": ("GB", "ENG"), "CN": ("CN", None)}


@dataclass(frozen=True, kw_only=True)
class ReleaseRule(ABC):
    """When one period's number becomes known: a day, which each kind of rule finds, and a time of day.

    Raises
    ------
    RegistryError
        If a field has a value that no timetable has.
    """

    time: str
    timezone: str
    until: pd.Timestamp | None = None

    name: ClassVar[str]
    column: ClassVar[str] = ""
    exceptions: ClassVar[str] = ""
    least: ClassVar[Mapping[str, int]] = MappingProxyType({})
    """Smallest value of each field that counts something."""

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
            pd.Timedelta(f"{self.time}:00")
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise RegistryError(f"release time {self.time!r} {self.timezone!r}: {error}") from None
        for name, least in self.least.items():
            if getattr(self, name) < least:
                raise RegistryError(f"has {name} {getattr(self, name)}; give {least} or more")
        calendar = getattr(self, "calendar", "US")
        if calendar not in CALENDARS:
            raise RegistryError(f"has calendar {calendar!r}{did_you_mean(calendar, CALENDARS)}")

    def describe(self) -> str:
        """The rule in words, for `assay data`."""
        regime = f" (to {self.until:%Y-%m})" if self.until is not None else ""
        return f"{self._words()}, {self.time} {self.timezone}{regime}"

    def dates(self, observed_for: pd.Series, published: Mapping[str, pd.Series]) -> pd.Series:
        """Calendar dates of release, before the time of day.

        Parameters
        ----------
        observed_for
            Last day of each period, naive dates.
        published
            Text of publication dates by column, for the rule that reads one.
        """
        released = self._days(observed_for.to_numpy().astype("datetime64[D]"))
        return pd.Series(released.astype("datetime64[us]"), index=observed_for.index)

    def at_time_of_day(self, dates: pd.Series) -> pd.Series:
        """Attach the local time of day and convert to UTC."""
        local = dates + pd.Timedelta(f"{self.time}:00")
        return local.dt.tz_localize(
            self.timezone, ambiguous=np.zeros(len(local), dtype=bool), nonexistent="shift_forward"
        ).dt.tz_convert("UTC")

    @abstractmethod
    def _words(self) -> str:
        """When it is, without the time of day."""

    def _days(self, days: Days) -> Days:
        """Days of release of periods that end on these days: by default these."""
        return days


@dataclass(frozen=True, kw_only=True)
class BusinessDay(ReleaseRule):
    """The ``n``-th business day of the month that comes ``months_after`` the period's last."""

    name = "business_day"
    least = MappingProxyType({"n": 1, "months_after": 0})
    n: int
    months_after: int = 0
    calendar: str = "US"

    def _words(self) -> str:
        return f"the {_ordinal(self.n)} business day ({self.calendar}) of {_month(self.months_after)}"

    def _days(self, days: Days) -> Days:
        first = (days.astype("datetime64[M]") + self.months_after).astype("datetime64[D]")
        return np.busday_offset(first, self.n - 1, roll="forward", holidays=_holidays(self.calendar, first))


@dataclass(frozen=True, kw_only=True)
class CalendarDay(ReleaseRule):
    """The given day of the month that comes ``months_after`` the period's last; its last day where it is shorter."""

    name = "calendar_day"
    least = MappingProxyType({"day": 1, "months_after": 0})
    day: int
    months_after: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.day > 31:
            raise RegistryError(f"has day {self.day}; give one from 1 to 31")

    def _words(self) -> str:
        return f"the {_ordinal(self.day)} of {_month(self.months_after)}"

    def _days(self, days: Days) -> Days:
        months = days.astype("datetime64[M]") + self.months_after
        last = (months + 1).astype("datetime64[D]") - 1
        released: Days = np.minimum(months.astype("datetime64[D]") + (self.day - 1), last)
        return released


@dataclass(frozen=True, kw_only=True)
class Lag(ReleaseRule):
    """A number of days, or of business days, after the period's last: below 0 it would be known before that ends."""

    name = "lag"
    least = MappingProxyType({"days": 0, "business_days": 0})
    days: int = 0
    business_days: int = 0
    calendar: str = "US"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.days and self.business_days:
            raise RegistryError("counts `days` or `business_days`, not both")

    def _words(self) -> str:
        if self.business_days:
            return f"{_count(self.business_days, 'business day')} ({self.calendar}) later"
        return f"{_count(self.days, 'day')} later" if self.days else "the same day"

    def _days(self, days: Days) -> Days:
        if not self.business_days:
            return days + self.days
        return np.busday_offset(days, self.business_days, roll="backward", holidays=_holidays(self.calendar, days))


@dataclass(frozen=True, kw_only=True)
class Weekly(ReleaseRule):
    """The first such weekday on or after the period's last day, or ``weeks_after`` weeks later.

    On a holiday the next business day. ``exceptions`` names a table of the dates that came otherwise.
    """

    name = "weekly"
    least = MappingProxyType({"weeks_after": 0})
    weekday: Weekday = "friday"
    weeks_after: int = 0
    calendar: str = "US"
    exceptions: str = ""  # type: ignore[misc]

    def _words(self) -> str:
        which = f"{_ordinal(self.weeks_after + 1)} " if self.weeks_after else ""
        return f"the {which}{self.weekday.title()} after" + (" (with exceptions)" if self.exceptions else "")

    def _days(self, days: Days) -> Days:
        ahead = (WEEKDAYS.index(self.weekday) - pd.DatetimeIndex(days).day_of_week.to_numpy()) % 7
        at: Days = days + ahead.astype("timedelta64[D]") + 7 * self.weeks_after
        return np.busday_offset(at, 0, roll="forward", holidays=_holidays(self.calendar, at))


@dataclass(frozen=True, kw_only=True)
class Published(ReleaseRule):
    """The publication date that a column of the file states."""

    name = "published"
    column: str = field()  # type: ignore[misc]  # without one, that of the class above would be its default

    def _words(self) -> str:
        return "on its own publication date"

    def dates(self, observed_for: pd.Series, published: Mapping[str, pd.Series]) -> pd.Series:
        """The dates of this rule's own column."""
        if self.column not in published:
            raise ValidationError(f"release rule needs the column {self.column!r}, which the file lacks")
        return period_end(published[self.column].loc[observed_for.index], column=self.column)


RULES = {rule.name: rule for rule in (BusinessDay, CalendarDay, Lag, Weekly, Published)}


def parse_release(spec: object, where: str) -> tuple[ReleaseRule, ...]:
    """Read the ``release`` entry of a registry.

    Raises
    ------
    RegistryError
        If there is none, or it is not one of the forms in the module's text.
    """
    if not spec:
        raise RegistryError(f"{where}: no release rule; say when each value became known with `release = {{…}}`")
    rules = tuple(_parse_one(item, where) for item in (spec if isinstance(spec, list) else [spec]))
    if any(rule.until is None for rule in rules[:-1]):
        raise RegistryError(f'{where}: every release regime but the last needs `until = "YYYY-MM-DD"`')
    if rules[-1].until is not None:
        raise RegistryError(f"{where}: the last release regime must have no `until`, or later periods have no rule")
    return rules


def _parse_one(spec: object, where: str) -> ReleaseRule:
    if not isinstance(spec, Mapping) or "rule" not in spec:
        raise RegistryError(f"{where}: release must be a table with `rule = …`, not {spec!r}")
    own = dict(spec)
    name = own.pop("rule")
    if name not in RULES:
        raise RegistryError(f"{where}: unknown release rule {name!r}{did_you_mean(str(name), RULES)}")
    return from_table(RULES[name], own, f"{where}: release rule {name!r}")


def release_of_words(text: str) -> dict[str, object]:
    """A rule as a person types it: ``lag 1 day 18:00 UTC``, ``lag 2 business days 09:00 America/New_York``.

    Any other rule as the inline table of a registry: ``{ rule = "calendar_day", day = 7, months_after = 1, … }``.

    Raises
    ------
    RegistryError
        If it is neither.
    """
    found = _WORDS.fullmatch(text.strip())
    if found:
        count = {"business_days" if found["business"] else "days": int(found["count"])}
        return {"rule": "lag", **count, "time": found["time"], "timezone": found["timezone"]}
    try:
        rule = tomllib.loads(f"rule = {text}")["rule"]
    except tomllib.TOMLDecodeError:
        rule = {}
    if isinstance(rule, dict) and rule:
        return rule
    raise RegistryError(f"release {text!r}: write 'lag 1 day 18:00 UTC', or a rule as in a registry: {{ rule = … }}")


def known_at(
    rules: Sequence[ReleaseRule],
    observed_for: pd.Series,
    published: Mapping[str, pd.Series],
    exceptions: Mapping[str, pd.DataFrame],
) -> pd.Series:
    """First moment (UTC) at which each period's value could be had.

    Parameters
    ----------
    rules
        Regimes in order of ``until``.
    observed_for
        Last day of each period, naive dates.
    published
        The text of the publication dates by column, on the index of ``observed_for``; each rule reads its own.
    exceptions
        Per file name, a table ``(observed_for, known_at)`` of dates that replace the rule's; it may be left out.
    """
    result = pd.Series(pd.NaT, index=observed_for.index, dtype="datetime64[us, UTC]")
    left = pd.Series(True, index=observed_for.index)
    for rule in rules:
        here = left if rule.until is None else left & (observed_for <= rule.until)
        left = left & ~here
        if not here.any():
            continue
        dates = rule.dates(observed_for[here], published)
        late = exceptions.get(rule.exceptions)
        if late is not None:
            moved = observed_for[here].map(late.set_index("observed_for")["known_at"])
            dates = moved.astype("datetime64[us]").fillna(dates)
        result[here] = rule.at_time_of_day(dates)
    return result


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _month(after: int) -> str:
    return {0: "the same month", 1: "the next month"}.get(after, f"the {_ordinal(after)} month after")


def _holidays(calendar: str, around: Days) -> Days:
    if len(around) == 0:
        return np.array([], dtype="datetime64[D]")
    years = around.astype("datetime64[Y]").astype(int) + 1970
    return _public_holidays(calendar, int(years.min()), int(years.max()) + 1)


@lru_cache(maxsize=64)
def _public_holidays(calendar: str, first_year: int, last_year: int) -> Days:
    import holidays

    country, subdivision = CALENDARS[calendar]
    days = holidays.country_holidays(country, subdiv=subdivision, years=range(first_year, last_year + 1))
    return np.array(sorted(days), dtype="datetime64[D]")
