"""From a file to observations of one dataset, with everything that was read, converted and left out said aloud."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from shlex import quote
from typing import Literal, NamedTuple

import pandas as pd

from research.datasets.importing import units
from research.datasets.importing.cells import Column, DateOrder, Decimal, Sheet, read_dates, read_numbers
from research.datasets.importing.files import read_sheet
from research.datasets.plausibility import Quality, Subject, doubts, quality
from research.errors import ValidationError, did_you_mean, located

_LARGEST_FRACTION = 0.3
_STILL = 20
_MANY = 10
_WEEKEND = 0.02
_ACCEPT = "correct it, or pass --accept if it is true"


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """What the user declares about a file, where it does not speak for itself.

    Attributes
    ----------
    date_column, value_column, sheet
        Names, where there are several.
    heading_row
        Line of the heading, counted from 1, where it is not found.
    dates
        Order of day and month.
    decimal
        Decimal sign.
    unit
        Unit of the file; values are converted to the dataset's.
    keep
        Which of several rows for one period to keep.
    accept
        Believe values outside the dataset's bounds.
    """

    date_column: str | None = None
    value_column: str | None = None
    sheet: str | None = None
    heading_row: int | None = None
    dates: DateOrder | None = None
    decimal: Decimal | None = None
    unit: str | None = None
    keep: Literal["first", "last"] | None = None
    accept: bool = False

    def words(self) -> str:
        """The options as they are typed, each behind a space."""
        told = {name.replace("_", "-"): value for name, value in vars(self).items() if value not in (None, False)}
        return "".join(
            f" --{name}" + ("" if value is True else f" {quote(str(value))}") for name, value in told.items()
        )


class Understood(NamedTuple):
    """A file as it was understood.

    Attributes
    ----------
    observations
        ``observed_for`` and ``value`` (or a table's columns), and ``known_at`` where the file has it.
    preview
        Lines for the user to agree with before anything is kept.
    """

    observations: pd.DataFrame
    preview: tuple[str, ...]


def understand(
    path: str | Path, subject: Subject, options: ImportOptions | None = None, *, today: date | None = None
) -> Understood:
    """Read a user's file as observations of one dataset.

    Parameters
    ----------
    path
        CSV, Excel or Parquet.
    subject
        The dataset that the file is said to be.
    options
        What the user declared.
    today
        Dates after it are refused; by default the UTC date.

    Raises
    ------
    ValidationError
        One line with file, line, what is wrong or ambiguous, and the remedy.
    """
    chosen = options or ImportOptions()
    sheet = read_sheet(Path(path).expanduser(), sheet=chosen.sheet, heading_row=chosen.heading_row)
    with located(sheet.file):
        date_column = chosen.date_column or _date_column(sheet)
        dates = read_dates(_with_clock(sheet, date_column), frequency=subject.frequency, order=chosen.dates)
        table = pd.DataFrame({"observed_for": dates.days, "line": sheet.lines, "time": dates.times})
        said = [f"{sheet.file}: {sheet.words}", f"column {date_column!r}: {'; '.join(dates.words)}"]
        said += _add_known_at(table, sheet)
        if subject.columns == ("value",):
            said += _add_value(table, sheet, date_column, subject, chosen)
            table = table[table["value"].notna()]
        else:
            said += _add_columns(table, sheet, subject, chosen)
        _refuse_future(table, today or pd.Timestamp.now("UTC").date())
        table, dropped = _one_row_a_period(table, subject, chosen)
        table = table.sort_values(["observed_for", *subject.key], kind="stable", ignore_index=True)
        if not chosen.accept:
            _refuse_doubtful(table, subject, chosen.unit)
        said += dropped + describe(table, subject)
    return Understood(observations=table.drop(columns=["line", "time"]), preview=tuple(said))


def describe(table: pd.DataFrame, subject: Subject) -> list[str]:
    """Rows, span and range; and what of a series is odd: gaps, and of a price spikes, frozen runs and splits too."""
    days, values = table["observed_for"], table[subject.checked_column]
    span = f"{days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}"
    said = [f"{subject.id}: {len(table)} rows, {span}, {values.min():g} to {values.max():g} {subject.unit}"]
    if subject.key:
        return said
    found = quality(subject, table if "known_at" in table else table.assign(known_at=days))
    odd = found if units.money(subject.unit) else Quality(id=subject.id, gaps=found.gaps)
    return [*said, *filter(None, [odd.line])]


def _date_column(sheet: Sheet) -> str:
    if named := sheet.find(units.WORDS["date"]):
        return named
    stored = [name for name in sheet.header if all(isinstance(cell, date) for cell in sheet.column(name).cells)]
    near = [name for name in sheet.header if "date" in name.lower()]
    found = stored[:1] or near or [sheet.header[0]]
    if len(found) > 1:
        raise ValidationError(f"which of {', '.join(sheet.header)} is the date? pass --date-column NAME")
    return found[0]


def _with_clock(sheet: Sheet, date_column: str) -> Column:
    """The dates, with the times of day that stand in a column of their own."""
    column, other = sheet.column(date_column), sheet.find(["time"])
    clock = sheet.column(other).cells if other and other != date_column else ()
    texts = all(isinstance(cell, str) for cell in column.cells)
    if not clock or not texts or not all(re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", str(cell)) for cell in clock):
        return column
    return replace(column, cells=[f"{day} {time}" for day, time in zip(column.cells, clock, strict=True)])


def _add_known_at(table: pd.DataFrame, sheet: Sheet) -> list[str]:
    name = sheet.find(units.WORDS["known"])
    if not name:
        return []
    column = sheet.column(name)
    moments = pd.to_datetime(pd.Series(list(column.cells)), utc=True, errors="coerce", format="ISO8601")
    if moments.isna().any():
        at = int(moments.isna().to_numpy().argmax())
        raise column.wrong(at, "is no moment; write YYYY-MM-DD or YYYY-MM-DDTHH:MMZ, or remove the column")
    days_only = (moments == moments.dt.normalize()).all()
    if days_only:
        moments = moments + pd.Timedelta(hours=23, minutes=59)
    table["known_at"] = moments.astype("datetime64[us, UTC]")
    early = table["known_at"] < table["observed_for"].dt.tz_localize("UTC")
    if early.any():
        raise column.wrong(int(early.to_numpy().argmax()), "is known before its period ends; correct it")
    return [f"column {name!r}: when each value was known{', at the end of that day (UTC)' if days_only else ''}"]


def _add_value(
    table: pd.DataFrame, sheet: Sheet, date_column: str, subject: Subject, options: ImportOptions
) -> list[str]:
    name = options.value_column or _value_column(sheet, date_column, subject)
    column, written = sheet.column(name), _unit_columns(sheet)
    numbers = read_numbers(column, decimal=options.decimal, points_may_group=sheet.points_may_group)
    with located(column.where):
        if numbers.percent and options.unit is None and not subject.unit.startswith("%"):
            raise ValidationError(f"percent signs, but {subject.id} is in {subject.unit}; name another column")
        said = [(f"the heading {name!r}", *units.spoken(name))]
        said += [(f"the sign {sign!r}", *units.spoken(sign, whole=True)) for sign in sorted(numbers.currencies)]
        declared, heard = units.believed(said + written, options.unit, subject.unit)
        factor, words = units.conversion(declared, subject.unit)
        table["value"] = numbers.values * factor
        if table["value"].isna().all():
            raise ValidationError("no values at all; name another column with --value-column")
    return [f"column {name!r}: {'; '.join((*numbers.words, *heard, words))}"]


def _unit_columns(sheet: Sheet) -> list[tuple[str, str, str]]:
    """What the columns of units say, each one thing all the way down."""
    said = []
    for name in filter(units.is_unit_column, sheet.header):
        column = sheet.column(name)
        words = list(dict.fromkeys(str(cell).strip() for cell in column.cells if cell not in (None, "")))
        if len(words) > 1:
            cure = "keep one unit a file, and add each by itself"
            raise ValidationError(f"{column.where} says {words[0]!r} and {words[1]!r}; {cure}")
        said += [(f"the column {name!r}", *units.spoken(word, whole=True)) for word in words]
    return said


def _value_column(sheet: Sheet, date_column: str, subject: Subject) -> str:
    beside, currency = (date_column, sheet.find(units.WORDS["known"])), units.money(subject.unit)
    others = [column for column in sheet.header if column and column not in beside and not units.is_unit_column(column)]
    exact = [column for column in others if column.lower() in (*units.WORDS["value"], subject.id)]
    exact = exact or [column for column in others if column.lower().split(" ")[0] in units.WORDS["value"]]
    numeric = [column for column in others if _mostly_numbers(sheet.column(column).cells)]
    ours = [column for column in numeric if currency and units.spoken(column)[0] == currency]
    for found in (others, exact, numeric, ours):
        if len(found) == 1:
            return found[0]
    if not numeric:
        raise ValidationError(f"no column of numbers beside {date_column!r}; the file has {', '.join(others)}")
    raise ValidationError(f"which of {', '.join(numeric)} is {subject.id}? pass --value-column NAME")


def _add_columns(table: pd.DataFrame, sheet: Sheet, subject: Subject, options: ImportOptions) -> list[str]:
    for name in subject.columns:
        if name not in sheet.header:
            near = did_you_mean(name, sheet.header)
            raise ValidationError(f"{subject.id} is a table and needs the column {name!r}{near}")
        column = sheet.column(name)
        if name in subject.key:
            table[name] = [str(cell) for cell in column.cells]
        else:
            table[name] = read_numbers(column, decimal=options.decimal).values
    factor, words = units.conversion(options.unit, subject.unit)
    if factor != 1.0:
        raise ValidationError(f"units of a table are not converted ({words}); convert the file first")
    return [f"columns {', '.join(subject.columns)}: {words}"]


def _mostly_numbers(cells: Sequence[object]) -> bool:
    texts = [str(cell) for cell in cells[:200] if cell not in (None, "")]
    digits = [sum(sign.isdigit() for sign in text) >= max(1, len(text) / 3) for text in texts]
    return bool(texts) and sum(digits) > len(texts) / 2


def _one_row_a_period(table: pd.DataFrame, subject: Subject, options: ImportOptions) -> tuple[pd.DataFrame, list[str]]:
    by = ["observed_for", *subject.key] + (["known_at"] if "known_at" in table else [])
    twice = table[table.duplicated(by, keep=False)]
    if twice.empty:
        return table, []
    bars = twice.groupby(by)["time"].nunique().gt(1).all()
    if options.keep is None:
        shown = ", ".join(map(str, twice["line"].iloc[:6])) + (" …" if len(twice) > 6 else "")
        bar = f"pass --keep last for the last of each {subject.frequency}, or --keep first"
        advice = bar if bars else "keep one of each, or pass --keep first|last"
        first = f"({twice['observed_for'].iloc[0]:%Y-%m-%d} first)"
        raise ValidationError(f"{len(twice)} rows share a period, in lines {shown} {first}; {advice}")
    if bars:  # by the clock, however the file is sorted
        table = table.sort_values("time", kind="stable")
    kept = table.drop_duplicates(by, keep=options.keep)
    return kept, [f"{len(table) - len(kept)} rows dropped: the {options.keep} row of each period is kept"]


def _refuse_future(table: pd.DataFrame, today: date) -> None:
    """Refuse a period that ends after ``today``."""
    ahead = table[table["observed_for"] > pd.Timestamp(today)]
    if len(ahead):
        row, cure = ahead.iloc[0], "remove them, or check the order of day and month"
        when = f"the period to {row['observed_for']:%Y-%m-%d} has not ended"
        raise ValidationError(f"line {row['line']}: {when} ({len(ahead)} such rows); {cure}")


def _refuse_doubtful(table: pd.DataFrame, subject: Subject, declared: str | None) -> None:
    """Refuse what a fetch would doubt, and what a true file hardly holds: fractions of 1, frozen prices, weekends."""
    values, days = table[subject.checked_column], table["observed_for"]
    if found := doubts(table, None, subject, whole_history=False):
        unit = units.hint(values, subject.unit, subject.plausible.low, subject.plausible.high)
        raise ValidationError(f"{found[0]}{unit}; {_ACCEPT}")
    if subject.unit.startswith("%") and declared is None and values.abs().max() < _LARGEST_FRACTION:
        cure = "pass --unit fraction if 0.05 means 5 %, or --unit % if it does not"
        raise ValidationError(f"all values are under {_LARGEST_FRACTION}, {subject.id} is in {subject.unit}: {cure}")
    if subject.key or len(table) < _MANY:
        return
    if values.nunique() == 1:
        same = f"all {len(table)} values are {values.iloc[0]:g}"
        raise ValidationError(f"{same}; name another column with --value-column, or {_ACCEPT}")
    if subject.frequency != "day" or not units.money(subject.unit):
        return
    runs = table.groupby((values != values.shift()).cumsum())
    length, longest = int(runs.size().max()), runs.get_group(runs.size().idxmax())
    if length >= _STILL:
        first, last = longest.iloc[0], longest.iloc[-1]
        still = f"the price stands at {first['value']:g} for {length} rows"
        span = f"{first['observed_for']:%Y-%m-%d} to {last['observed_for']:%Y-%m-%d}"
        raise ValidationError(f"line {first['line']}: {still}, {span}: filled forward? {_ACCEPT}")
    weekend = days.dt.day_of_week >= 5
    if weekend.mean() > _WEEKEND:
        day, line = days[weekend].iloc[0], table["line"][weekend].iloc[0]
        many = f"{int(weekend.sum())} of {len(table)} dates on weekends, when this market is closed"
        raise ValidationError(f"line {line}: {day:%Y-%m-%d} is a {day:%A}, as are {many}; {_ACCEPT}")
