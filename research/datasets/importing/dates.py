"""Dates in any common form when there is one reading; an error that names both when there are two."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import numpy as np
import pandas as pd

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
_SPAN = {
    "month": "month",
    "month/year": "month",
    "month name": "month",
    "quarter": "quarter",
    "quarter first": "quarter",
    "year": "year",
}
_FIRST_YEAR = 1200
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_COARSE = {"month": "M", "quarter": "Q", "year": "Y"}


@dataclass(frozen=True, kw_only=True)
class Dates:
    """Periods as read: ``days`` is the last day of each, ``times`` what stands there, ``words`` how it was read."""

    days: pd.Series
    times: pd.Series
    words: tuple[str, ...]


def read_dates(
    cells: Sequence[Any], lines: Sequence[int], *, frequency: str, where: str, order: DateOrder | None = None
) -> Dates:
    """Read one column of dates as the last day of each period.

    Parameters
    ----------
    cells
        Text, dates or datetimes.
    lines
        Line of each cell, for the errors.
    frequency
        Of the dataset: day, week, month, quarter, year or irregular.
    where
        File and column, the first words of every error.
    order
        Order of day and month when the user declared it.

    Raises
    ------
    ValidationError
        If a cell is no date, has two readings, is in another form than the others, or names a coarser period than
        the dataset has.
    """
    words: list[str] = []
    if all(isinstance(cell, date | datetime | np.datetime64) for cell in cells):
        span, days = "day", [pd.Timestamp(cell) for cell in cells]
        if any(day.tz is not None for day in days):
            days = [day.tz_localize(None) if day.tz is not None else day for day in days]
        words.append("dates are stored as dates")
    else:
        span, days = _from_text(cells, lines, where, order, words)
    result = times = pd.Series(pd.DatetimeIndex(days).as_unit("us"))
    if any(isinstance(cell, str) and ":" in cell for cell in cells):
        clock = [_CLOCK.search(str(cell)) for cell in cells]
        seconds = [int(at[1]) * 3600 + int(at[2]) * 60 if at else 0 for at in clock]
        times = times.dt.normalize() + pd.to_timedelta(pd.Series(seconds), unit="s").astype("timedelta64[us]")
    if bool((result.dt.year < _FIRST_YEAR).any()):
        at = int((result.dt.year < _FIRST_YEAR).to_numpy().argmax())
        raise ValidationError(
            f"{where}: line {lines[at]}: {str(cells[at])!r} is before {_FIRST_YEAR}; correct the year"
        )
    if any(isinstance(cell, str) and ":" in cell for cell in cells) or bool((result != result.dt.normalize()).any()):
        words.append("times of day are left out")
        result = result.dt.normalize()
    return Dates(times=times, days=_to_period_ends(result, span, frequency, where, words), words=tuple(words))


def looks_like_date(cell: Any) -> bool:
    """Whether a cell by itself can be read as a date (a bare year cannot)."""
    if isinstance(cell, str):
        text = " ".join(cell.split())
        return any(
            match and ("name" not in match.groupdict() or _month_number(match["name"]))
            for match in (pattern.fullmatch(text) for form, pattern in _FORMS.items() if form != "year")
        )
    return isinstance(cell, date | datetime)


def looks_like_year(cell: Any) -> bool:
    """Whether a cell is a bare year."""
    text = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()
    return bool(_FORMS["year"].fullmatch(text))


def _from_text(
    cells: Sequence[Any], lines: Sequence[int], where: str, order: DateOrder | None, words: list[str]
) -> tuple[str, list[pd.Timestamp]]:
    forms: dict[str, int] = {}
    matches = []
    for at, cell in enumerate(cells):
        form, match = _form(cell, lines[at], where)
        if order == "ymd" and form == "numbers":
            raise ValidationError(f"{where}: line {lines[at]}: {cell!r} ends in the year; pass --dates dmy or mdy")
        forms.setdefault(form, at)
        matches.append(match)
    if len(forms) > 1:
        (one, first), (other, second) = sorted(forms.items(), key=lambda item: item[1])[:2]
        raise ValidationError(
            f"{where}: line {lines[second]} has {cells[second]!r} ({other}) where line {lines[first]} has "
            f"{cells[first]!r} ({one}); write all dates in one form"
        )
    form = next(iter(forms))
    if form in ("numbers", "two-digit year"):
        order = order or _find_order(form, matches, cells, lines, where)
        words.append(f"dates read as {'/'.join({'d': 'day', 'm': 'month', 'y': 'year'}[one] for one in order)}")
    elif form == "month name or day":
        name, number = matches[0]["name"], matches[0]["c"]
        raise ValidationError(
            f"{where}: line {lines[0]}: {cells[0]!r} can be {name} 20{number} or day {number} of {name}; "
            "write the year with four digits"
        )
    else:
        words.append(f"dates read as {form}, e.g. {str(cells[0])!r}")
    days = [_day(form, match, order, cells[at], lines[at], where) for at, match in enumerate(matches)]
    return _SPAN.get(form, "day"), days


def _form(cell: Any, line: int, where: str) -> tuple[str, re.Match[str]]:
    if isinstance(cell, date | datetime):
        cell = f"{cell:%Y-%m-%d}"
    text = " ".join(str(cell).split()) if cell is not None else ""
    if isinstance(cell, float) and cell.is_integer():
        text = str(int(cell))
    if not text:
        raise ValidationError(f"{where}: line {line} has no date; complete or remove it")
    for form, pattern in _FORMS.items():
        match = pattern.fullmatch(text)
        if match and ("name" not in match.groupdict() or _month_number(match["name"])):
            return form, match
    if re.fullmatch(r"\d{5}(\.\d+)?", text):
        raise ValidationError(
            f"{where}: line {line}: {text} looks like Excel's count of days; format it as a date first"
        )
    if re.fullmatch(r"\d{10}|\d{13}", text):
        raise ValidationError(f"{where}: line {line}: {text} looks like a Unix time; write it as YYYY-MM-DD")
    raise ValidationError(
        f"{where}: line {line}: {text!r} is no date that can be read; write YYYY-MM-DD, or remove the line"
    )


def _find_order(
    form: str, matches: Sequence[re.Match[str]], cells: Sequence[Any], lines: Sequence[int], where: str
) -> DateOrder:
    if form == "two-digit year":
        raise ValidationError(
            f"{where}: line {lines[0]}: {cells[0]!r} has a year of two digits and so several readings; "
            "pass --dates dmy, mdy or ymd, or write four digits"
        )
    day_first = next((at for at, match in enumerate(matches) if int(match["a"]) > 12), None)
    month_first = next((at for at, match in enumerate(matches) if int(match["b"]) > 12), None)
    if day_first is not None and month_first is not None:
        raise ValidationError(
            f"{where}: line {lines[day_first]} ({cells[day_first]!r}) has the day first, line {lines[month_first]} "
            f"({cells[month_first]!r}) the month; write all dates in one form"
        )
    if day_first is not None:
        return "dmy"
    if month_first is not None:
        return "mdy"
    at = next((at for at, match in enumerate(matches) if match["a"] != match["b"]), 0)
    first, second, year = int(matches[at]["a"]), int(matches[at]["b"]), matches[at]["y"]
    raise ValidationError(
        f"{where}: line {lines[at]}: {cells[at]!r} can be {first} {_MONTHS[second - 1].title()} {year} or "
        f"{_MONTHS[first - 1].title()} {second}, {year}; pass --dates dmy or --dates mdy"
    )


def _day(form: str, match: re.Match[str], order: DateOrder | None, cell: Any, line: int, where: str) -> pd.Timestamp:
    part = match.groupdict()
    try:
        if form == "two-digit year":
            number = dict(zip(order or "dmy", (part["a"], part["b"], part["c"]), strict=True))
            return pd.Timestamp(_century(number["y"]), int(number["m"]), int(number["d"]))
        if form == "numbers":
            number = dict(zip((order or "dmy").replace("y", ""), (part["a"], part["b"]), strict=True))
            return pd.Timestamp(int(part["y"]), int(number["m"]), int(number["d"]))
        year = _century(part["y"])
        month = _month_number(part["name"]) if "name" in part else int(part.get("m") or 3 * int(part.get("q") or 4))
        if form in _SPAN:
            return pd.Timestamp(year, month, 1) + pd.offsets.MonthEnd(0)
        return pd.Timestamp(year, month, int(part["d"]))
    except ValueError:
        raise ValidationError(f"{where}: line {line}: {str(cell)!r} is no day of the calendar; correct it") from None


def _century(text: str) -> int:
    """Four digits as they are; two by the POSIX rule (69-99 is 1969-1999, 00-68 is 2000-2068)."""
    year = int(text)
    return year if len(text) == 4 else year + (1900 if year >= 69 else 2000)


def _month_number(name: str) -> int:
    word = name.lower()
    found = [
        at for at, month in enumerate(_MONTHS, 1) if month == word or month[:3] == word or word == "sept" == month[:4]
    ]
    return found[0] if found else 0


def _to_period_ends(days: pd.Series, span: str, frequency: str, where: str, words: list[str]) -> pd.Series:
    if frequency not in _COARSE:
        if span != "day" and frequency in ("day", "week"):
            raise ValidationError(
                f"{where}: the file has one value a {span}, the dataset has one a {frequency}; use another id"
            )
        return days
    order = ["day", "month", "quarter", "year"]
    if order.index(span) > order.index(frequency):
        raise ValidationError(
            f"{where}: the file has one value a {span}, the dataset has one a {frequency}; use another id"
        )
    ends: pd.Series = days.dt.to_period(_COARSE[frequency]).dt.end_time.dt.normalize().astype("datetime64[us]")
    if span == "day" and bool((ends != days).any()):
        first = days.iloc[0]
        words.append(
            f"each date stands for the {frequency} it falls in: {first:%Y-%m-%d} for the {frequency} "
            f"to {ends.iloc[0]:%Y-%m-%d}"
        )
    return ends
