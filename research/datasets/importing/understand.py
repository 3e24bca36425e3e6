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

from research.datasets.importing.dates import DateOrder, read_dates
from research.datasets.importing.doubtful import describe, refuse_doubtful, refuse_future
from research.datasets.importing.files import Sheet, read_sheet
from research.datasets.importing.numerals import Column, Decimal, read_numbers
from research.datasets.importing.units import WORDS, believed, conversion, in_own_currency, is_unit_column, spoken
from research.datasets.plausibility import Subject
from research.errors import ValidationError, did_you_mean, located


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
        return _understood(sheet, subject, chosen, today or pd.Timestamp.now("UTC").date())


def _understood(sheet: Sheet, subject: Subject, chosen: ImportOptions, today: date) -> Understood:
    date_column = _date_column(sheet, chosen.date_column)
    dates = read_dates(_with_clock(sheet, date_column), frequency=subject.frequency, order=chosen.dates)
    table = pd.DataFrame({"observed_for": dates.days, "line": sheet.lines, "time": dates.times})
    said = [f"{sheet.file}: {sheet.words}", f"column {date_column!r}: {'; '.join(dates.words)}"]
    said += _add_known_at(table, sheet)
    if subject.columns == ("value",):
        said += _add_value(table, sheet, date_column, subject, chosen)
        table = table[table["value"].notna()]
    else:
        said += _add_columns(table, sheet, subject, chosen)
    refuse_future(table, today)
    table, dropped = _one_row_a_period(table, subject, chosen)
    table = table.sort_values(["observed_for", *subject.key], kind="stable", ignore_index=True)
    if not chosen.accept:
        refuse_doubtful(table, subject, chosen.unit)
    said += dropped + describe(table, subject)
    return Understood(observations=table.drop(columns=["line", "time"]), preview=tuple(said))


def _date_column(sheet: Sheet, wanted: str | None) -> str:
    if wanted is not None:
        return wanted
    header = sheet.header
    by_name = [column for wish in WORDS["date"] for column in header if column.strip().lower() == wish]
    stored = [at for at, column in enumerate(header) if all(isinstance(row[at], date) for row in sheet.rows)]
    if by_name or stored:
        return by_name[0] if by_name else header[stored[0]]
    near = [column for column in header if "date" in column.lower()]
    if header[0].strip() and not near:
        return header[0]
    if len(near) == 1:
        return near[0]
    raise ValidationError(f"which of {', '.join(header)} is the date? pass --date-column NAME")


def _with_clock(sheet: Sheet, date_column: str) -> Column:
    """The dates, with the times of day that stand in a column of their own."""
    column = sheet.column(date_column)
    other = next((name for name in sheet.header if name.lower() == "time" and name != date_column), None)
    if other is None or not all(isinstance(cell, str) for cell in column.cells):
        return column
    clock = sheet.column(other).cells
    if not all(re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", str(cell)) for cell in clock):
        return column
    return replace(column, cells=[f"{day} {time}" for day, time in zip(column.cells, clock, strict=True)])


def _add_known_at(table: pd.DataFrame, sheet: Sheet) -> list[str]:
    name = _known_column(sheet)
    if name is None:
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


def _known_column(sheet: Sheet) -> str | None:
    names = {name.strip().lower().replace(" ", "_").replace("-", "_"): name for name in sheet.header if name}
    return next((names[wish] for wish in WORDS["known"] if wish in names), None)


def _add_value(
    table: pd.DataFrame, sheet: Sheet, date_column: str, subject: Subject, options: ImportOptions
) -> list[str]:
    name = options.value_column or _value_column(sheet, date_column, subject)
    column, units = sheet.column(name), _unit_columns(sheet)
    numbers = read_numbers(column, decimal=options.decimal, points_may_group=sheet.points_may_group)
    with located(column.where):
        if numbers.percent and options.unit is None and not subject.unit.startswith("%"):
            raise ValidationError(f"percent signs, but {subject.id} is in {subject.unit}; name another column")
        said = [(f"the heading {name!r}", *spoken(name))]
        said += [(f"the sign {sign!r}", *spoken(sign, whole=True)) for sign in sorted(numbers.currencies)]
        declared, heard = believed(said + units, options.unit, subject.unit)
        factor, words = conversion(declared, subject.unit)
        table["value"] = numbers.values * factor
        if table["value"].isna().all():
            raise ValidationError("no values at all; name another column with --value-column")
    return [f"column {name!r}: {'; '.join((*numbers.words, *heard, words))}"]


def _unit_columns(sheet: Sheet) -> list[tuple[str, str, str]]:
    """What the columns of units say, each one thing all the way down."""
    said = []
    for name in filter(is_unit_column, sheet.header):
        column = sheet.column(name)
        words = list(dict.fromkeys(str(cell).strip() for cell in column.cells if cell not in (None, "")))
        if len(words) > 1:
            cure = "keep one unit a file, and add each by itself"
            raise ValidationError(f"{column.where} says {words[0]!r} and {words[1]!r}; {cure}")
        said += [(f"the column {name!r}", *spoken(word, whole=True)) for word in words]
    return said


def _value_column(sheet: Sheet, date_column: str, subject: Subject) -> str:
    beside = (date_column, _known_column(sheet))
    others = [column for column in sheet.header if column and column not in beside and not is_unit_column(column)]
    exact = [column for column in others if column.lower() in (*WORDS["value"], subject.id)]
    exact = exact or [column for column in others if column.lower().split(" ")[0] in WORDS["value"]]
    numeric = [column for column in others if _mostly_numbers(sheet.column(column).cells)]
    ours = [column for column in numeric if in_own_currency(column, subject.unit)]
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
    factor, words = conversion(options.unit, subject.unit)
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
