"""Dates in any common form when there is one reading; an error that names both when there are two."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from research.datasets.importing.numerals import Column
from research.errors import ValidationError

DateOrder = Literal["dmy", "mdy", "ymd"]

_TIME = r"(?:[T ]\s*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:Z|[+-]\d{2}:?\d{2}|UTC)?)?"
_MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december"]  # fmt: skip
_NAME = r"(?P<name>[A-Za-z]{3,9})\.?"
_FORMS: dict[str, re.Pattern[str]] = {
    "year-month-day": re.compile(rf"(?P<y>\d{{4}})[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}}){_TIME}"),
    "yyyymmdd": re.compile(r"(?P<y>(?:19|20)\d\d)(?P<m>[01]\d)(?P<d>[0-3]\d)"),
    "numbers": re.compile(rf"(?P<a>\d{{1,2}})[-/.](?P<b>\d{{1,2}})[-/.](?P<y>\d{{4}}){_TIME}"),
    "two-digit year": re.compile(r"(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<c>\d{2})"),
    "day month-name year": re.compile(
        rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[ -]?{_NAME}[ ,-]\s?(?P<y>\d{{4}}|\d{{2}}){_TIME}"
    ),
    "month-name day year": re.compile(rf"{_NAME}[ -](?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? +(?P<y>\d{{4}}){_TIME}"),
    "month": re.compile(r"(?P<y>\d{4})[-/ ]?M?(?P<m>0[1-9]|1[0-2])"),
    "month/year": re.compile(r"(?P<m>0?[1-9]|1[0-2])[-/.](?P<y>\d{4})"),
    "month name": re.compile(rf"{_NAME}[ -]?(?P<y>\d{{4}})"),
    "month name or day": re.compile(rf"{_NAME}[ -](?P<c>\d{{2}})"),
    "quarter": re.compile(r"(?P<y>\d{4})[ -]?[Qq](?P<q>[1-4])"),
    "quarter first": re.compile(r"[Qq](?P<q>[1-4])[ -/]?(?P<y>\d{4})"),
    "year": re.compile(r"(?P<y>(?:19|20)\d\d)"),
}  # fmt: skip
_SPANS = {"day": ("d", "a"), "month": ("m", "name"), "quarter": ("q",), "year": ("y",)}
"""Spans by the parts of a form that make them, the shortest first."""

_FIRST_YEAR = 1200
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_COARSE = {"month": "M", "quarter": "Q", "year": "Y"}
_ORDER = ("day", "week", *_COARSE)
_LOOKS = ((r"\d{5}(\.\d+)?", "Excel's count of days; format it as a date first"),
          (r"\d{10}|\d{13}", "a Unix time; write it as YYYY-MM-DD"))  # fmt: skip


class Dates(NamedTuple):
    """Periods as read: ``days`` is the last day of each, ``times`` what stands there, ``words`` how it was read."""

    days: pd.Series
    times: pd.Series
    words: tuple[str, ...]


def read_dates(column: Column, *, frequency: str, order: DateOrder | None = None) -> Dates:
    """Read one column of text, dates or datetimes as the last day of each period.

    Parameters
    ----------
    frequency
        Of the dataset: day, week, month, quarter, year or irregular.
    order
        Order of day and month when the user declared it.

    Raises
    ------
    ValidationError
        If a cell is no date, has two readings, is in another form than the others, or names a coarser period than
        the dataset has.
    """
    words: list[str] = []
    cells = column.cells
    clock = any(isinstance(cell, str) and ":" in cell for cell in cells)
    if all(isinstance(cell, date | np.datetime64) for cell in cells):  # a datetime too
        span, days = "day", [pd.Timestamp(cell).tz_localize(None) for cell in cells]  # type: ignore[arg-type]
        words.append("dates are stored as dates")
    else:
        span, days = _from_text(column, order, words)
    result = times = pd.Series(pd.DatetimeIndex(days).as_unit("us"))
    if clock:
        found = [_CLOCK.search(str(cell)) for cell in cells]
        minutes = pd.Series([int(at[1]) * 60 + int(at[2]) if at else 0 for at in found])
        times = times.dt.normalize() + pd.to_timedelta(minutes, unit="min").astype("timedelta64[us]")
    if (ancient := result.dt.year < _FIRST_YEAR).any():
        raise column.wrong(int(ancient.to_numpy().argmax()), f"is before {_FIRST_YEAR}; correct the year")
    if clock or bool((result != result.dt.normalize()).any()):
        words.append("times of day are left out")
        result = result.dt.normalize()
    days_of = _to_period_ends(result, span, frequency, column.where, words)
    return Dates(times=times, days=days_of, words=tuple(words))


def looks_like_date(cell: object) -> bool:
    """Whether a cell by itself can be read as a date (a bare year cannot)."""
    if isinstance(cell, str):
        found = _matched(" ".join(cell.split()))
        return found is not None and found[0] != "year"
    return isinstance(cell, date)


def looks_like_year(cell: object) -> bool:
    """Whether a cell is a bare year."""
    return bool(_FORMS["year"].fullmatch(_text(cell)))


def _text(cell: object) -> str:
    if isinstance(cell, date):
        return f"{cell:%Y-%m-%d}"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).split()) if cell is not None else ""


def _matched(text: str) -> tuple[str, re.Match[str]] | None:
    """The first form that a text has; a word in the place of a month must be one."""
    for form, pattern in _FORMS.items():
        match = pattern.fullmatch(text)
        if match and ("name" not in match.groupdict() or _month_number(match["name"])):
            return form, match
    return None


def _from_text(column: Column, order: DateOrder | None, words: list[str]) -> tuple[str, list[pd.Timestamp]]:
    forms: dict[str, int] = {}
    matches = []
    for at in range(len(column.cells)):
        form, match = _form(column, at)
        if order == "ymd" and form == "numbers":
            raise column.wrong(at, "ends in the year; pass --dates dmy or mdy")
        forms.setdefault(form, at)
        matches.append(match)
    if len(forms) > 1:
        (one, first), (other, second) = list(forms.items())[:2]  # in the order of their lines
        told = f"line {column.lines[second]} has {column.cells[second]!r} ({other}) where line {column.lines[first]}"
        told += f" has {column.cells[first]!r} ({one})"
        raise ValidationError(f"{column.where}: {told}; write all dates in one form")
    form, parts = next(iter(forms)), matches[0].groupdict()
    if form in ("numbers", "two-digit year"):
        order = order or _find_order(form, matches, column)
        words.append(f"dates read as {'/'.join({'d': 'day', 'm': 'month', 'y': 'year'}[one] for one in order)}")
    elif form == "month name or day":
        name, number = parts["name"], parts["c"]
        raise column.wrong(0, f"can be {name} 20{number} or day {number} of {name}; write the year with four digits")
    else:
        words.append(f"dates read as {form}, e.g. {str(column.cells[0])!r}")
    span = next(span for span, needed in _SPANS.items() if any(part in parts for part in needed))
    return span, [_day(match.groupdict(), span, order, column, at) for at, match in enumerate(matches)]


def _form(column: Column, at: int) -> tuple[str, re.Match[str]]:
    text, line = _text(column.cells[at]), f"{column.where}: line {column.lines[at]}"
    if not text:
        raise ValidationError(f"{line} has no date; complete or remove it")
    if found := _matched(text):
        return found
    for pattern, what in _LOOKS:
        if re.fullmatch(pattern, text):
            raise ValidationError(f"{line}: {text} looks like {what}")
    raise column.wrong(at, "is no date that can be read; write YYYY-MM-DD, or remove the line")


def _find_order(form: str, matches: Sequence[re.Match[str]], column: Column) -> DateOrder:
    if form == "two-digit year":
        cure = "pass --dates dmy, mdy or ymd, or write four digits"
        raise column.wrong(0, f"has a year of two digits and so several readings; {cure}")
    over: dict[str, int] = {}  # which of the two can be no month, and where
    for at, match in enumerate(matches):
        for part in ("a", "b"):
            if int(match[part]) > 12:
                over.setdefault(part, at)
    if len(over) == 2:
        told = f"{column.shown(over['a'])} has the day first, {column.shown(over['b'])} the month"
        raise ValidationError(f"{column.where}: {told}; write all dates in one form")
    if over:
        return "dmy" if "a" in over else "mdy"
    at = next((at for at, match in enumerate(matches) if match["a"] != match["b"]), 0)
    first, second, year = int(matches[at]["a"]), int(matches[at]["b"]), matches[at]["y"]
    one, other = _MONTHS[second - 1].title(), _MONTHS[first - 1].title()
    raise column.wrong(at, f"can be {first} {one} {year} or {other} {second}, {year}; pass --dates dmy or --dates mdy")


def _day(part: dict[str, str], span: str, order: DateOrder | None, column: Column, at: int) -> pd.Timestamp:
    if order and "a" in part:
        letters = order if "c" in part else order.replace("y", "")
        part |= {letter: part[number] for letter, number in zip(letters, "abc", strict=False)}
    year = int(part["y"])
    if len(part["y"]) == 2:  # the POSIX rule: 69-99 is 1969-1999, 00-68 is 2000-2068
        year += 1900 if year >= 69 else 2000
    month = _month_number(part["name"]) if "name" in part else int(part.get("m") or 3 * int(part.get("q") or 4))
    try:
        if span == "day":
            return pd.Timestamp(year, month, int(part["d"]))
        return pd.Timestamp(year, month, 1) + pd.offsets.MonthEnd(0)
    except ValueError:
        raise column.wrong(at, "is no day of the calendar; correct it") from None


def _month_number(name: str) -> int:
    word = name.lower()
    return next((at for at, month in enumerate(_MONTHS, 1) if word in (month, month[:3], {9: "sept"}.get(at))), 0)


def _to_period_ends(days: pd.Series, span: str, frequency: str, where: str, words: list[str]) -> pd.Series:
    if frequency in _ORDER and _ORDER.index(span) > _ORDER.index(frequency):
        told = f"the file has one value a {span}, the dataset has one a {frequency}"
        raise ValidationError(f"{where}: {told}; use another id")
    if frequency not in _COARSE:
        return days
    ends: pd.Series = days.dt.to_period(_COARSE[frequency]).dt.end_time.dt.normalize().astype("datetime64[us]")
    if span == "day" and bool((ends != days).any()):
        first = f"{days.iloc[0]:%Y-%m-%d} for the {frequency} to {ends.iloc[0]:%Y-%m-%d}"
        words.append(f"each date stands for the {frequency} it falls in: {first}")
    return ends
