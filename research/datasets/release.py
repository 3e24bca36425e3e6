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
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pandas as pd

from research.datasets.fields import from_table
from research.errors import RegistryError, ValidationError, did_you_mean, located
from research.kept import kept

_WORDS = re.compile(r"lag (?P<count>\d+) (?P<business>business )?days? (?P<time>\d\d?:\d\d) (?P<timezone>\S+)")

Days = npt.NDArray[np.datetime64]

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS = get_args(Weekday)
Calendar = Literal["US", "GB", "CN"]

# What each kind of rule says beside its time of day.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "business_day": ("n", "months_after", "calendar"),
    "calendar_day": ("day", "months_after"),
    "lag": ("days", "business_days", "calendar"),
    "weekly": ("weekday", "calendar", "exceptions"),
    "published": ("column",),
}

_NEEDED = ("n", "day", "column")
_LEAST = {"n": 1, "day": 1, "months_after": 0, "days": 0, "business_days": 0}
# How a period is written, by its numpy unit; a quarter ends with its last month.
_FORMS = {"D": r"\d{4}-\d{2}-\d{2}", "M": r"\d{4}-\d{2}|\d{4}Q[1-4]", "Y": r"\d{4}"}

COARSE = {"month": "M", "quarter": "Q", "year": "Y"}
_NEXT = {"day": "B", "week": "7D", "month": "ME", "quarter": "QE", "year": "YE"}


@dataclass(frozen=True, kw_only=True)
class ReleaseRule:
    """When one period's number becomes known: a day, which each kind of rule finds, and a time of day.

    Attributes
    ----------
    rule
        ``business_day``: the ``n``-th of the month that comes ``months_after`` the period's last. ``calendar_day``: the
        ``day`` of that month, or its last where it is shorter. ``lag``: so many ``days``, or ``business_days``, after
        the period's last. ``weekly``: the first such ``weekday`` on or after that; on a holiday the next business day.
        ``published``: the date that the ``column`` of the file states.
    until
        The last period that it governs.
    exceptions
        Table of the dates that came otherwise.

    Raises
    ------
    RegistryError
        If a field has a value that no timetable has.
    """

    rule: str
    time: str
    timezone: str
    until: pd.Timestamp | None = None
    n: int = 1
    day: int = 1
    months_after: int = 0
    days: int = 0
    business_days: int = 0
    weekday: Weekday = "friday"
    calendar: Calendar = "US"
    exceptions: str = ""
    column: str = ""

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
            pd.Timedelta(f"{self.time}:00")
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise RegistryError(f"release time {self.time!r} {self.timezone!r}: {error}") from None
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise RegistryError(f"has {name} {getattr(self, name)}; give {least} or more")
        if self.day > 31:
            raise RegistryError(f"has day {self.day}; give one from 1 to 31")
        if self.days and self.business_days:
            raise RegistryError("counts `days` or `business_days`, not both")

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
        if self.rule == "published":
            if self.column not in published:
                raise ValidationError(f"release rule needs the column {self.column!r}, which the file lacks")
            return period_end(published[self.column].loc[observed_for.index], column=self.column)
        released = self._days(observed_for.to_numpy().astype("datetime64[D]"))
        return pd.Series(released.astype("datetime64[us]"), index=observed_for.index)

    def _words(self) -> str:
        """When it is, without the time of day."""
        after = self.months_after
        month = {0: "the same month", 1: "the next month"}.get(after, f"the {_ordinal(after)} month after")
        lag, unit = (self.business_days, "business day") if self.business_days else (self.days, "day")
        counted = f"{lag} {unit}{'' if lag == 1 else 's'}{f' ({self.calendar})' if self.business_days else ''} later"
        return {
            "business_day": f"the {_ordinal(self.n)} business day ({self.calendar}) of {month}",
            "calendar_day": f"the {_ordinal(self.day)} of {month}",
            "lag": counted if lag else "the same day",
            "weekly": f"the {self.weekday.title()} after{' (with exceptions)' if self.exceptions else ''}",
            "published": "on its own publication date",
        }[self.rule]

    def _days(self, days: Days) -> Days:
        """Days of release of periods that end on these days."""
        months = days.astype("datetime64[M]") + self.months_after
        match self.rule:
            case "business_day":
                return self._business_days(months.astype("datetime64[D]"), self.n - 1, "forward")
            case "calendar_day":
                shortest: Days = np.minimum(
                    months.astype("datetime64[D]") + (self.day - 1), (months + 1).astype("datetime64[D]") - 1
                )
                return shortest
            case "weekly":
                ahead = (WEEKDAYS.index(self.weekday) - pd.DatetimeIndex(days).day_of_week.to_numpy()) % 7
                return self._business_days(days + ahead.astype("timedelta64[D]"), 0, "forward")
        if self.business_days:
            return self._business_days(days, self.business_days, "backward")
        return days + self.days

    def _business_days(self, days: Days, count: int, roll: Literal["forward", "backward"]) -> Days:
        years = days.astype("datetime64[Y]").astype(int) + 1970
        first, last = int(years.min()), int(years.max()) + 1
        closed = _public_holidays(self.calendar, first - first % 10, last + 9 - last % 10)  # decades, to share them
        return np.busday_offset(days, count, roll=roll, holidays=closed)


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
        if (name := item["rule"]) not in _FIELDS:
            raise RegistryError(f"unknown release rule {name!r}{did_you_mean(str(name), _FIELDS)}")
        with located(f"release rule {name!r}"):
            if lacking := [field for field in _NEEDED if field in _FIELDS[name] and field not in item]:
                raise RegistryError(f"field {lacking[0]!r} is missing; it must be said")
            rules.append(from_table(ReleaseRule, item, ("rule", "time", "timezone", "until", *_FIELDS[name])))
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
    if frequency not in _NEXT or any(rule.rule == "published" for rule in rules):
        return None
    following = (pd.Series([last]) + pd.tseries.frequencies.to_offset(_NEXT[frequency])).astype("datetime64[us]")
    moment: pd.Timestamp = known_at(rules, following, {}, lambda _: None).iloc[0]
    return moment


def overdue(rules: Sequence[ReleaseRule], frequency: str, last: pd.Timestamp, now: pd.Timestamp) -> pd.Timedelta:
    """How long before ``now`` (UTC) the period after ``last`` was due; zero when it is still to come, or never told."""
    due = next_release(rules, frequency, last)
    return pd.Timedelta(0) if due is None else max(pd.Timedelta(0), now - due)


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


@lru_cache(maxsize=64)
def _public_holidays(calendar: str, first_year: int, last_year: int) -> Days:
    def told() -> list[str]:
        import holidays  # every country's rules are loaded with it

        subdivision = "ENG" if calendar == "GB" else None
        found = holidays.country_holidays(calendar, subdiv=subdivision, years=range(first_year, last_year + 1))
        return sorted(map(str, found))

    return np.array(
        kept(f"holidays {calendar} {first_year}-{last_year}", version("holidays"), told), dtype="datetime64[D]"
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
    left = pd.Series(True, index=text.index)
    for unit, form in _FORMS.items():
        here = left & words.str.fullmatch(form)
        if here.any():
            left &= ~here
            starts = words[here].str.replace(r"Q([1-4])", lambda found: f"-{3 * int(found[1]):02}", regex=True)
            try:
                ends = (starts.to_numpy(dtype=f"datetime64[{unit}]") + 1).astype("datetime64[D]") - 1
            except ValueError as error:
                raise ValidationError(f"{column}: {error}; write dates as YYYY-MM-DD") from None
            result[here] = ends.astype("datetime64[us]")
    if left.any():
        shown = ", ".join(f"{word!r} in row {row}" for row, word in words[left].iloc[:3].items())
        raise ValidationError(f"{column}: {shown} is no date; write YYYY-MM-DD, YYYY-MM, YYYYQn or YYYY")
    return result


def end_of(dates: pd.Series, frequency: str, shift: int = 0) -> pd.Series:
    """Last day of the month, quarter or year that each date falls in, or of one so many later."""
    ends = (pd.PeriodIndex(dates, freq=COARSE[frequency]) + shift).end_time.normalize()
    return pd.Series(ends, index=dates.index).astype("datetime64[us]")
