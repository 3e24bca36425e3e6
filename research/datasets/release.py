"""Release rules: from the period that a number describes to the moment a trader could have it.

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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from research.datasets.periods import period_end
from research.errors import RegistryError, ValidationError, did_you_mean

RuleName = Literal["business_day", "calendar_day", "lag", "weekly", "published"]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CALENDARS = {"US": ("US", None), "GB": ("GB", "ENG"), "CN": ("CN", None)}

_COMMON = {"rule", "time", "timezone", "until"}
_KEYS: dict[str, set[str]] = {
    "business_day": {"n", "months_after", "calendar"},
    "calendar_day": {"day", "months_after"},
    "lag": {"days", "business_days", "calendar"},
    "weekly": {"weekday", "weeks_after", "calendar", "exceptions"},
    "published": {"column"},
}


@dataclass(frozen=True, kw_only=True)
class ReleaseRule:
    """When one period's number becomes known; see the module's text for the forms."""

    rule: RuleName
    time: str
    timezone: str
    n: int = 0
    day: int = 0
    days: int = 0
    business_days: int = 0
    months_after: int = 0
    weeks_after: int = 0
    weekday: str = "friday"
    calendar: str = "US"
    column: str = ""
    exceptions: str = ""
    until: pd.Timestamp | None = None

    def describe(self) -> str:
        """The rule in words, for `assay data`."""
        months = {0: "the same month", 1: "the next month"}.get(
            self.months_after, f"the {self.months_after}th month after"
        )
        words = {
            "business_day": f"business day {self.n} ({self.calendar}) of {months}",
            "calendar_day": f"day {self.day} of {months}",
            "lag": f"{self.business_days} business days ({self.calendar}) later"
            if self.business_days
            else (f"{self.days} days later" if self.days else "the same day"),
            "weekly": f"the {self.weekday.title()} after" + (" (with exceptions)" if self.exceptions else ""),
            "published": "on its own publication date",
        }[self.rule]
        regime = f" (to {self.until:%Y-%m})" if self.until is not None else ""
        return f"{words}, {self.time} {self.timezone}{regime}"

    def dates(self, observed_for: pd.Series) -> pd.Series:
        """Calendar dates of release, before the time of day, for every rule but ``published``."""
        days = observed_for.to_numpy().astype("datetime64[D]")
        months = days.astype("datetime64[M]") + self.months_after
        if self.rule == "business_day":
            first = months.astype("datetime64[D]")
            released = np.busday_offset(first, self.n - 1, roll="forward", holidays=_holidays(self.calendar, first))
        elif self.rule == "calendar_day":
            last = (months + 1).astype("datetime64[D]") - 1
            released = np.minimum(months.astype("datetime64[D]") + (self.day - 1), last)
        elif self.rule == "lag" and self.business_days:
            released = np.busday_offset(
                days, self.business_days, roll="backward", holidays=_holidays(self.calendar, days)
            )
        elif self.rule == "lag":
            released = days + self.days
        else:
            ahead = (WEEKDAYS.index(self.weekday) - pd.DatetimeIndex(days).day_of_week.to_numpy()) % 7
            friday = days + ahead.astype("timedelta64[D]") + 7 * self.weeks_after
            released = np.busday_offset(friday, 0, roll="forward", holidays=_holidays(self.calendar, friday))
        return pd.Series(released.astype("datetime64[us]"), index=observed_for.index)

    def at_time_of_day(self, dates: pd.Series) -> pd.Series:
        """Attach the local time of day and convert to UTC."""
        local = dates + pd.Timedelta(f"{self.time}:00")
        return local.dt.tz_localize(
            self.timezone, ambiguous=np.zeros(len(local), dtype=bool), nonexistent="shift_forward"
        ).dt.tz_convert("UTC")


def parse_release(spec: Any, where: str) -> tuple[ReleaseRule, ...]:
    """Read the ``release`` entry of a registry.

    Raises
    ------
    RegistryError
        If there is none, or it is not one of the forms in the module's text.
    """
    if not spec:
        raise RegistryError(f"{where}: no release rule; say when each value became known with `release = {{…}}`")
    regimes = spec if isinstance(spec, list) else [spec]
    rules = tuple(_parse_one(item, where) for item in regimes)
    for rule in rules[:-1]:
        if rule.until is None:
            raise RegistryError(f'{where}: every release regime but the last needs `until = "YYYY-MM-DD"`')
    if rules[-1].until is not None:
        raise RegistryError(f"{where}: the last release regime must have no `until`, or later periods have no rule")
    return rules


def known_at(
    rules: Sequence[ReleaseRule],
    observed_for: pd.Series,
    published: pd.Series | None,
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
        The text of the publication dates, where a rule asks for them.
    exceptions
        Per file name, a table ``(observed_for, known_at)`` of dates that replace the rule's.
    """
    result = pd.Series(pd.NaT, index=observed_for.index, dtype="datetime64[us, UTC]")
    left = pd.Series(True, index=observed_for.index)
    for rule in rules:
        here = left if rule.until is None else left & (observed_for <= rule.until)
        left = left & ~here
        if not here.any():
            continue
        if rule.rule == "published":
            if published is None:
                raise ValidationError(f"release rule needs the column {rule.column!r}, which the file lacks")
            dates = period_end(published[here], column=rule.column)
        else:
            dates = rule.dates(observed_for[here])
        if rule.exceptions:
            late = exceptions[rule.exceptions]
            moved = observed_for[here].map(late.set_index("observed_for")["known_at"])
            dates = moved.astype("datetime64[us]").fillna(dates)
        result[here] = rule.at_time_of_day(dates)
    return result


def _parse_one(spec: Any, where: str) -> ReleaseRule:
    if not isinstance(spec, dict) or "rule" not in spec:
        raise RegistryError(f"{where}: release must be a table with `rule = …`, not {spec!r}")
    name = spec["rule"]
    if name not in _KEYS:
        raise RegistryError(f"{where}: unknown release rule {name!r}{did_you_mean(str(name), _KEYS)}")
    for key in spec:
        if key not in _COMMON | _KEYS[name]:
            raise RegistryError(
                f"{where}: release rule {name!r} has no key {key!r}{did_you_mean(key, _COMMON | _KEYS[name])}"
            )
    for key in ("time", "timezone"):
        if not isinstance(spec.get(key), str):
            raise RegistryError(f'{where}: release rule {name!r} needs `{key}`, e.g. time = "16:00"')
    try:
        ZoneInfo(spec["timezone"])
        pd.Timedelta(f"{spec['time']}:00")
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise RegistryError(f"{where}: release time {spec['time']!r} {spec['timezone']!r}: {error}") from None
    values = dict(spec)
    if "until" in values:
        values["until"] = pd.Timestamp(str(values["until"]))
    rule = ReleaseRule(**values)
    if rule.rule == "business_day" and rule.n < 1:
        raise RegistryError(f"{where}: release rule 'business_day' needs `n` of 1 or more")
    if rule.rule == "calendar_day" and not 1 <= rule.day <= 31:
        raise RegistryError(f"{where}: release rule 'calendar_day' needs `day` from 1 to 31")
    if rule.rule == "lag" and (rule.days < 0 or rule.business_days < 0):
        raise RegistryError(f"{where}: a release lag below 0 would know the number before its period ends")
    if rule.rule == "published" and not rule.column:
        raise RegistryError(f"{where}: release rule 'published' needs `column`, the column of publication dates")
    if rule.weekday not in WEEKDAYS:
        raise RegistryError(f"{where}: weekday {rule.weekday!r}{did_you_mean(rule.weekday, WEEKDAYS)}")
    if rule.calendar not in CALENDARS:
        raise RegistryError(f"{where}: calendar {rule.calendar!r}{did_you_mean(rule.calendar, CALENDARS)}")
    return rule


def _holidays(calendar: str, around: np.ndarray) -> np.ndarray:
    if len(around) == 0:
        return np.array([], dtype="datetime64[D]")
    years = around.astype("datetime64[Y]").astype(int) + 1970
    return _public_holidays(calendar, int(years.min()), int(years.max()) + 1)


@lru_cache(maxsize=64)
def _public_holidays(calendar: str, first_year: int, last_year: int) -> np.ndarray:
    import holidays

    country, subdivision = CALENDARS[calendar]
    days = holidays.country_holidays(country, subdiv=subdivision, years=range(first_year, last_year + 1))
    return np.array(sorted(days), dtype="datetime64[D]")
