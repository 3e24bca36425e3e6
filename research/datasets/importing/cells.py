"""What one column of a file says: numbers and dates in any common form when there is one reading; never a guess.

Numbers may have thousands separators, decimal commas, percent and currency signs. Where there are two readings, the
error names both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import isnan
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from research.datasets.importing.units import WORDS
from research.datasets.release import COARSE, end_of
from research.errors import ValidationError, did_you_mean
from research.units import Floats

Decimal = Literal["point", "comma"]

MISSING = frozenset(WORDS["missing"])
_SIGN = "|".join(map(re.escape, sorted([*WORDS["signs"], *WORDS["currencies"]], key=len, reverse=True)))
_CURRENCY = re.compile(rf"^(?:{_SIGN})\s*|\s*(?:{_SIGN})$")
_BROKEN = re.compile(r"#(?:REF|VALUE|NAME|DIV/0|NUM|NULL|SPILL|CALC)[!?]?", re.IGNORECASE)
_SPACES = re.compile(r"[\s\u00a0\u2009\u202f'’_]")
_GROUPED = re.compile(rf"\d{{1,3}}(?:{_SPACES.pattern}\d{{3}})+(?:[.,]\d*)?")
_PLAIN = {
    "point": re.compile(r"[+-]?(?:(?!0,)\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:[eE][+-]?\d+)?"),
    "comma": re.compile(r"[+-]?(?:(?!0\.)\d{1,3}(?:\.\d{3})+|\d+)?(?:,\d*)?(?:[eE][+-]?\d+)?"),
}


@dataclass(frozen=True)
class Column:
    """Cells, the line of each, and ``where`` they stand: file and column, the first words of every error."""

    where: str
    cells: Sequence[object]
    lines: Sequence[int]

    def shown(self, at: int) -> str:
        """A cell and its line, for a message that names two."""
        return f"line {self.lines[at]} ({str(self.cells[at])!r})"

    def wrong(self, at: int, words: str) -> ValidationError:
        """What is wrong with one cell."""
        return ValidationError(f"{self.where}: line {self.lines[at]}: {str(self.cells[at])!r} {words}")


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Rows of a file.

    Attributes
    ----------
    file
        Name of the file.
    header
        Column names, stripped.
    rows
        Cells: text from CSV; dates, numbers and text from Excel and Parquet.
    lines
        Line (or sheet row) of each row, counted from 1.
    words
        How the file was read.
    points_may_group
        The file is split at semicolons, as where the decimal sign is a comma.
    """

    file: str
    header: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    lines: tuple[int, ...]
    words: str
    points_may_group: bool = False

    def find(self, names: Iterable[str]) -> str:
        """The heading that is the first of some names, whatever its signs and capitals; empty where none is."""
        here = {_letters(name): name for name in reversed(self.header)}
        return next((here[_letters(name)] for name in names if _letters(name) in here), "")

    def column(self, name: str) -> Column:
        """One column.

        Raises
        ------
        ValidationError
            If there is none of that name.
        """
        if name not in self.header:
            raise ValidationError(f"{self.file}: no column {name!r}{did_you_mean(name, self.header)}")
        at = self.header.index(name)
        return Column(f"{self.file}: column {name!r}", [row[at] for row in self.rows], self.lines)


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


class Numbers(NamedTuple):
    """Values as read; NaN where the cell says that nothing is known.

    Attributes
    ----------
    values
        float64, percent signs taken off but not applied.
    percent
        Whether the cells carry percent signs.
    currencies
        Currency signs that the cells carry.
    words
        How they were read.
    """

    values: Floats
    percent: bool
    words: tuple[str, ...]
    currencies: frozenset[str] = frozenset()


def read_numbers(column: Column, *, decimal: Decimal | None = None, points_may_group: bool = False) -> Numbers:
    """Read one column of numbers.

    Parameters
    ----------
    decimal
        The decimal sign, when the user declared it.
    points_may_group
        Where nothing but ``1.234`` is seen, that may be 1234: an error, not a guess.

    Raises
    ------
    ValidationError
        If a cell is no number, is infinite, has two readings, or is written by another convention than the rest.
    """
    texts = [_number_text(cell) for cell in column.cells]
    signs = [text is None or text.endswith("%") for text in texts]
    percent = any(text is not None and text.endswith("%") for text in texts)
    if percent and not all(signs):
        raise column.wrong(signs.index(False), "has no percent sign, others have; write all alike")
    bare = [None if text is None else _strip(text) for text in texts]
    words = []
    decimal, values = _read(bare, column, decimal, points_may_group)
    if any(text is not None and "," in text for text in bare):
        words.append("commas read as thousands separators" if decimal == "point" else "commas read as decimal commas")
    if missing := bare.count(None):
        words.append(f"{missing} rows without a value left out")
    if percent:
        words.append("percent signs read")
    marks = frozenset(mark.strip() for text in texts if text for mark in _CURRENCY.findall(text.strip("-+() ")))
    return Numbers(values=values, percent=percent, words=tuple(words), currencies=marks)


def _number_text(cell: object) -> str | None:
    if cell is None or (isinstance(cell, float) and isnan(cell)):
        return None
    if isinstance(cell, bool | np.bool_):
        return str(cell)
    if isinstance(cell, int | float | np.number):
        return repr(float(cell))
    text = str(cell).strip()
    return None if text.lower() in MISSING else text


def _strip(text: str) -> str:
    """Take off signs that carry no digits: percent, currency, spaces; brackets and a trailing minus mean negative."""
    text = text.removesuffix("%").strip().replace("\u2212", "-")
    if text.startswith("(") and text.endswith(")"):
        text = "-" + text[1:-1].strip()
    sign = "-" if text.startswith("-") or (text.endswith("-") and len(text) > 1) else ""
    text = _CURRENCY.sub("", text.strip("-").strip())
    text = _CURRENCY.sub("", text)
    return sign + (_SPACES.sub("", text) if _GROUPED.fullmatch(text) else text)


def _read(
    texts: Sequence[str | None], column: Column, declared: Decimal | None, points_may_group: bool
) -> tuple[Decimal, Floats]:
    """The decimal sign by which every cell is a number, and the numbers; of two that give others neither is chosen."""
    signs: list[Decimal] = [declared] if declared else ["point", "comma"]
    given = np.array([text is not None for text in texts])
    read = {sign: np.array([_value(text, sign) for text in texts]) for sign in signs}
    unread = {sign: given & np.isnan(values) for sign, values in read.items()}
    if (neither := np.logical_and.reduce(list(unread.values()))).any():
        at = int(neither.argmax())
        failed = _BROKEN.fullmatch(str(column.cells[at]).strip())
        cure = "repair the workbook, or empty the cell" if failed else "correct it or leave it empty"
        raise column.wrong(at, f"is {'a formula that failed' if failed else 'no number'}; {cure}")
    fits = [sign for sign in signs if not unread[sign].any()]
    if not fits:
        point, comma = (column.shown(int(unread[sign].argmax())) for sign in ("comma", "point"))
        told = f"{point} has a decimal point, {comma} a decimal comma"
        raise ValidationError(f"{column.where}: {told}; write all alike")
    if len(fits) == 2:
        grouped = np.array([text is not None and (points_may_group or "," in text) for text in texts])
        if (open_to_both := grouped & (read["point"] != read["comma"])).any():
            at = int(open_to_both.argmax())
            told = " or ".join(f"{values[at]:.12g}" for values in read.values())
            raise column.wrong(at, f"can be {told}; pass --decimal point or --decimal comma")
    numbers = read[fits[0]]
    if np.isinf(numbers).any():
        raise column.wrong(int(np.isinf(numbers).argmax()), "is too large for a number; correct it")
    return fits[0], numbers


def _value(text: str | None, decimal: Decimal) -> float:
    """The number of a text by one convention; NaN where it is none."""
    if text is None or not _PLAIN[decimal].fullmatch(text) or not any(sign.isdigit() for sign in text):
        return np.nan
    thousands, point = (",", ".") if decimal == "point" else (".", ",")
    return float(text.replace(thousands, "").replace(point, "."))


DateOrder = Literal["dmy", "mdy", "ymd"]

_TIME = r"(?:[T ]\s*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:Z|[+-]\d{2}:?\d{2}|UTC)?)?"
_MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december"]  # fmt: skip
_NAME = r"(?P<name>[A-Za-z]{3,9})\.?"
_D, _M, _Y, _SHORT, _S = r"(?P<d>\d{1,2})", r"(?P<m>\d{1,2})", r"(?P<y>\d{4})", r"(?P<y>\d{2})", "[-/.]"
_FORMS: dict[str, re.Pattern[str]] = {form: re.compile(pattern) for form, pattern in {
    "year-month-day": rf"{_Y}{_S}{_M}{_S}{_D}{_TIME}",
    "yyyymmdd": r"(?P<y>(?:19|20)\d\d)(?P<m>[01]\d)(?P<d>[0-3]\d)",
    "day/month/year": rf"{_D}{_S}{_M}{_S}{_Y}{_TIME}",
    "month/day/year": rf"{_M}{_S}{_D}{_S}{_Y}{_TIME}",
    "day/month/short year": rf"{_D}{_S}{_M}{_S}{_SHORT}",
    "month/day/short year": rf"{_M}{_S}{_D}{_S}{_SHORT}",
    "short year/month/day": rf"{_SHORT}{_S}{_M}{_S}{_D}",
    "day month-name year": rf"{_D}(?:st|nd|rd|th)?[ -]?{_NAME}[ ,-]\s?(?P<y>\d{{4}}|\d{{2}}){_TIME}",
    "month-name day year": rf"{_NAME}[ -]{_D}(?:st|nd|rd|th)?,? +{_Y}{_TIME}",
    "month": r"(?P<y>\d{4})[-/ ]?M?(?P<m>0[1-9]|1[0-2])",
    "month/year": rf"(?P<m>0?[1-9]|1[0-2]){_S}{_Y}",
    "month name": rf"{_NAME}[ -]?{_Y}",
    "month name or day": rf"{_NAME}[ -]{_SHORT}",
    "quarter": r"(?P<y>\d{4})[ -]?[Qq](?P<q>[1-4])",
    "quarter first": r"[Qq](?P<q>[1-4])[ -/]?(?P<y>\d{4})",
    "year": r"(?P<y>(?:19|20)\d\d)",
}.items()}  # fmt: skip
# Order of the forms that look alike.
_ORDERS: dict[str, DateOrder] = {
    "day/month/year": "dmy", "month/day/year": "mdy", "day/month/short year": "dmy", "month/day/short year": "mdy",
    "short year/month/day": "ymd",
}  # fmt: skip

# Spans by the part of a form that makes them, the shortest first.
_SPANS = {"d": "day", "m": "month", "name": "month", "q": "quarter", "y": "year"}

_FIRST_YEAR = 1200
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_ORDER = ("day", "week", *COARSE)
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
        return bool(_matches(" ".join(cell.split())).keys() - {"year"})
    return isinstance(cell, date)


def looks_like_year(cell: object) -> bool:
    """Whether a cell is a bare year."""
    return "year" in _matches(_date_text(cell))


def _date_text(cell: object) -> str:
    if isinstance(cell, date):
        return f"{cell:%Y-%m-%d}"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).split()) if cell is not None else ""


def _matches(text: str, forms: Iterable[str] = _FORMS) -> dict[str, re.Match[str]]:
    """How a text has each of the forms that it has; a word in the place of a month must be one."""
    found = {form: match for form in forms if (match := _FORMS[form].fullmatch(text))}
    return {form: match for form, match in found.items() if _month_number(match.groupdict().get("name", "may"))}


def last_days(text: str, forms: Iterable[str] = _FORMS) -> dict[str, pd.Timestamp]:
    """The last day of what a text says in each of the forms in which it says one."""
    found = {form: _day(match.groupdict()) for form, match in _matches(text, forms).items()}
    return {form: day for form, day in found.items() if day is not None}


def _from_text(column: Column, order: DateOrder | None, words: list[str]) -> tuple[str, list[pd.Timestamp]]:
    """Span and last days, in the one form that all cells have; of two that say other days neither is chosen."""
    forms = [form for form in _FORMS if order is None or _ORDERS.get(form, order) == order]
    read: list[dict[str, pd.Timestamp]] = []
    narrowed = 0
    for at, cell in enumerate(column.cells):
        read.append(last_days(_date_text(cell), forms))
        if not read[at]:
            raise _unread(column, at, narrowed, order)
        if len(read[at]) < len(forms):
            forms, narrowed = list(read[at]), at
    for at, days in enumerate(read):
        if len({days[form] for form in forms}) > 1:
            told = " or ".join(f"{days[form]:%Y-%m-%d}" for form in forms)
            raise column.wrong(
                at, f"can be {told}; pass --dates {' or --dates '.join(_ORDERS[form] for form in forms)}"
            )
    if forms[0] == "month name or day":
        day = read[0][forms[0]]
        raise column.wrong(0, f"can be {day:%b %Y} or day {day:%y} of {day:%b}; write the year with four digits")
    words.append(f"dates read as {forms[0]}, e.g. {str(column.cells[0])!r}")
    span = next(span for part, span in _SPANS.items() if part in _FORMS[forms[0]].groupindex)
    return span, [days[forms[0]] for days in read]


def _unread(column: Column, at: int, narrowed: int, order: DateOrder | None) -> ValidationError:
    """Why a cell has none of the forms that those before it share."""
    text = _date_text(column.cells[at])
    if not text:
        return ValidationError(f"{column.where}: line {column.lines[at]} has no date; complete or remove it")
    for pattern, what in _LOOKS:
        if re.fullmatch(pattern, text) and not last_days(text):
            return column.wrong(at, f"looks like {what}")
    if not _matches(text):
        return column.wrong(at, "is no date that can be read; write YYYY-MM-DD, or remove the line")
    if not last_days(text):
        return column.wrong(at, "is no day of the calendar; correct it")
    if not at:
        return column.wrong(at, f"is not in the order {order}; pass another --dates")
    told = f"{column.shown(narrowed)} and {column.shown(at)} are dates of two forms"
    return ValidationError(f"{column.where}: {told}; write all dates in one form")


def _day(part: dict[str, str]) -> pd.Timestamp | None:
    """The last day of what the parts of a form say; None where there is none."""
    year = int(part["y"])
    if len(part["y"]) == 2:  # the POSIX rule: 69-99 is 1969-1999, 00-68 is 2000-2068
        year += 1900 if year >= 69 else 2000
    month = _month_number(part["name"]) if "name" in part else int(part.get("m") or 3 * int(part.get("q") or 4))
    try:
        if "d" in part:
            return pd.Timestamp(year, month, int(part["d"]))
        return pd.Timestamp(year, month, 1) + pd.offsets.MonthEnd(0)
    except ValueError:
        return None


def _month_number(name: str) -> int:
    word = name.lower()
    return next((at for at, month in enumerate(_MONTHS, 1) if word in (month, month[:3], {9: "sept"}.get(at))), 0)


def _to_period_ends(days: pd.Series, span: str, frequency: str, where: str, words: list[str]) -> pd.Series:
    if frequency in _ORDER and _ORDER.index(span) > _ORDER.index(frequency):
        told = f"the file has one value a {span}, the dataset has one a {frequency}"
        raise ValidationError(f"{where}: {told}; use another id")
    if frequency not in COARSE:
        return days
    ends = end_of(days, frequency)
    if span == "day" and bool((ends != days).any()):
        first = f"{days.iloc[0]:%Y-%m-%d} for the {frequency} to {ends.iloc[0]:%Y-%m-%d}"
        words.append(f"each date stands for the {frequency} it falls in: {first}")
    return ends
