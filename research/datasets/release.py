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
from collections.abc import Callable, Mapping, Sequence
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
from research.errors import RegistryError, ValidationError, did_you_mean, located
from research.kept import kept

_WORDS = re.compile(r"lag (?P<count>\d+) (?P<business>business )?days? (?P<time>\d\d?:\d\d) (?P<timezone>\S+)")

Days = npt.NDArray[np.datetime64]

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS = get_args(Weekday)
Calendar = Literal["US", "GB", "CN"]

_MANY = 10_000
_NEXT: Mapping[str, pd.offsets.BaseOffset] = {
    "day": pd.offsets.BusinessDay(1),
    "week": pd.DateOffset(days=7),
    "month": pd.offsets.MonthEnd(1),
    "quarter": pd.offsets.QuarterEnd(1),
    "year": pd.offsets.YearEnd(1),
}


@dataclass(frozen=True, kw_only=True)
class ReleaseRule:
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
    bounds: ClassVar[Mapping[str, tuple[int, int]]] = MappingProxyType({})
    """Smallest and largest value of each field that counts something."""

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
            pd.Timedelta(f"{self.time}:00")
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise RegistryError(f"release time {self.time!r} {self.timezone!r}: {error}") from None
        for name, (least, most) in self.bounds.items():
            if not least <= getattr(self, name) <= most:
                may = f"{least} or more" if most == _MANY else f"one from {least} to {most}"
                raise RegistryError(f"has {name} {getattr(self, name)}; give {may}")

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

    def _words(self) -> str:
        """When it is, without the time of day."""
        raise NotImplementedError

    def _days(self, days: Days) -> Days:
        """Days of release of periods that end on these days: by default these."""
        return days


@dataclass(frozen=True, kw_only=True)
class BusinessDay(ReleaseRule):
    """The ``n``-th business day of the month that comes ``months_after`` the period's last."""

    name = "business_day"
    bounds = MappingProxyType({"n": (1, _MANY), "months_after": (0, _MANY)})
    n: int
    months_after: int = 0
    calendar: Calendar = "US"

    def _words(self) -> str:
        return f"the {_ordinal(self.n)} business day ({self.calendar}) of {_month(self.months_after)}"

    def _days(self, days: Days) -> Days:
        first = (days.astype("datetime64[M]") + self.months_after).astype("datetime64[D]")
        return np.busday_offset(first, self.n - 1, roll="forward", holidays=_holidays(self.calendar, first))


@dataclass(frozen=True, kw_only=True)
class CalendarDay(ReleaseRule):
    """The given day of the month that comes ``months_after`` the period's last; its last day where it is shorter."""

    name = "calendar_day"
    bounds = MappingProxyType({"day": (1, 31), "months_after": (0, _MANY)})
    day: int
    months_after: int = 0

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
    bounds = MappingProxyType({"days": (0, _MANY), "business_days": (0, _MANY)})
    days: int = 0
    business_days: int = 0
    calendar: Calendar = "US"

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
    """The first such weekday on or after the period's last day; on a holiday the next business day.

    ``exceptions`` names a table of the dates that came otherwise.
    """

    name = "weekly"
    weekday: Weekday = "friday"
    calendar: Calendar = "US"
    exceptions: str = ""  # type: ignore[misc]

    def _words(self) -> str:
        return f"the {self.weekday.title()} after" + (" (with exceptions)" if self.exceptions else "")

    def _days(self, days: Days) -> Days:
        ahead = (WEEKDAYS.index(self.weekday) - pd.DatetimeIndex(days).day_of_week.to_numpy()) % 7
        at: Days = days + ahead.astype("timedelta64[D]")
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


def parse_release(spec: object) -> tuple[ReleaseRule, ...]:
    """Read the ``release`` entry of a registry.

    Raises
    ------
    RegistryError
        If there is none, or it is not one of the forms in the module's text.
    """
    if not spec:
        raise RegistryError("no release rule; say when each value became known with `release = {…}`")
    rules = []
    for item in spec if isinstance(spec, list) else [spec]:
        if not isinstance(item, Mapping) or "rule" not in item:
            raise RegistryError(f"release must be a table with `rule = …`, not {item!r}")
        own = dict(item)
        if (name := own.pop("rule")) not in RULES:
            raise RegistryError(f"unknown release rule {name!r}{did_you_mean(str(name), RULES)}")
        with located(f"release rule {name!r}"):
            rules.append(from_table(RULES[name], own))
    if any(rule.until is None for rule in rules[:-1]):
        raise RegistryError('every release regime but the last needs `until = "YYYY-MM-DD"`')
    if rules[-1].until is not None:
        raise RegistryError("the last release regime must have no `until`, or later periods have no rule")
    return tuple(rules)


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
        rule = None
    if isinstance(rule, dict) and rule:
        return rule
    raise RegistryError(f"release {text!r}: write 'lag 1 day 18:00 UTC', or a rule as in a registry: {{ rule = … }}")


def known_at(
    rules: Sequence[ReleaseRule],
    observed_for: pd.Series,
    published: Mapping[str, pd.Series],
    late_releases: Callable[[str], pd.DataFrame | None],
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
    late_releases
        From a rule's ``exceptions``, the name of a file, to its table ``(observed_for, known_at)`` of dates that
        replace the rule's; None where they are not looked at.
    """
    result = pd.Series(pd.NaT, index=observed_for.index, dtype="datetime64[us, UTC]")
    left = pd.Series(True, index=observed_for.index)
    for rule in rules:
        here = left if rule.until is None else left & (observed_for <= rule.until)
        left = left & ~here
        if not here.any():
            continue
        dates = rule.dates(observed_for[here], published)
        late = late_releases(rule.exceptions) if rule.exceptions else None
        if late is not None:
            ends = {name: period_end(late[name], column=name) for name in ("observed_for", "known_at")}
            moved = observed_for[here].map(dict(zip(ends["observed_for"], ends["known_at"], strict=True)))
            dates = moved.astype("datetime64[us]").fillna(dates)
        local = dates + pd.Timedelta(f"{rule.time}:00")
        later = np.zeros(len(local), dtype=bool)  # of the hour that comes twice, the second
        moments = local.dt.tz_localize(rule.timezone, ambiguous=later, nonexistent="shift_forward")
        result[here] = moments.dt.tz_convert("UTC")
    return result


def next_release(rules: Sequence[ReleaseRule], frequency: str, last: pd.Timestamp) -> pd.Timestamp | None:
    """Moment (UTC) at which the period after ``last`` is released, or None where the rules cannot say.

    Irregular data, and data known on their own publication dates, have no next date. The dates of single late
    releases are not looked at.
    """
    if frequency not in _NEXT or any(isinstance(rule, Published) for rule in rules):
        return None
    following = (pd.Series([last]) + _NEXT[frequency]).astype("datetime64[us]")
    moment: pd.Timestamp = known_at(rules, following, {}, lambda _: None).iloc[0]
    return moment


def overdue(rules: Sequence[ReleaseRule], frequency: str, last: pd.Timestamp, now: pd.Timestamp) -> pd.Timedelta:
    """How long before ``now`` (UTC) the period after ``last`` was due; zero when it is still to come, or never told."""
    due = next_release(rules, frequency, last)
    return pd.Timedelta(0) if due is None else max(pd.Timedelta(0), now - due)


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
    first, last = int(years.min()), int(years.max()) + 1
    return _public_holidays(calendar, first - first % 10, last + 9 - last % 10)  # whole decades, which datasets share


@lru_cache(maxsize=64)
def _public_holidays(calendar: str, first_year: int, last_year: int) -> Days:
    def told() -> list[str]:
        import holidays  # every country's rules are loaded with it

        subdivision = "ENG" if calendar == "GB" else None
        found = holidays.country_holidays(calendar, subdiv=subdivision, years=range(first_year, last_year + 1))
        return sorted(map(str, found))

    return np.array(kept(f"holidays {calendar} {first_year}-{last_year}", (), told), dtype="datetime64[D]")
