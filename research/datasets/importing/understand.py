"""From a file to observations of one dataset, with everything that was read, converted and left out said aloud."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd

from research.datasets.importing.dates import DateOrder, read_dates
from research.datasets.importing.files import Sheet, read_sheet
from research.datasets.importing.numerals import Decimal, read_numbers
from research.datasets.importing.units import conversion, hint
from research.datasets.plausibility import Plausible, jumps, out_of_range
from research.errors import ValidationError, did_you_mean

_DATE_NAMES = ("observed_for", "date", "datum", "day", "month", "period", "time", "timestamp", "quarter", "year")
_VALUE_NAMES = ("value", "close", "price", "last")
_KNOWN_NAMES = ("known_at", "published_on")
_PERIOD = {"week": "W", "month": "M", "quarter": "Q", "year": "Y"}
_LONGEST_GAP_DAYS = 10
_LARGEST_FRACTION = 0.3


class Subject(Protocol):
    """What the file is about: the dataset as far as reading needs it."""

    @property
    def id(self) -> str:
        """Dataset id."""

    @property
    def unit(self) -> str:
        """Unit of the values, in words."""

    @property
    def frequency(self) -> str:
        """Day, week, month, quarter, year or irregular."""

    @property
    def plausible(self) -> Plausible:
        """Bounds of belief."""

    @property
    def checked_column(self) -> str:
        """The column that the bounds are about."""

    @property
    def columns(self) -> tuple[str, ...]:
        """``("value",)``, or the named columns of a table."""

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that tell a table's rows of one period apart."""


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """What the user declares about a file, where it does not speak for itself.

    Attributes
    ----------
    date_column, value_column, sheet
        Names, where there are several.
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
    dates: DateOrder | None = None
    decimal: Decimal | None = None
    unit: str | None = None
    keep: Literal["first", "last"] | None = None
    accept: bool = False


@dataclass(frozen=True, kw_only=True)
class Understood:
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
    file = Path(path).expanduser()
    sheet = read_sheet(file, sheet=chosen.sheet)
    date_column = _date_column(sheet, chosen.date_column, file.name)
    dates = read_dates(
        sheet.column(date_column),
        sheet.lines,
        frequency=subject.frequency,
        where=f"{file.name}: column {date_column!r}",
        order=chosen.dates,
    )
    table = pd.DataFrame({"observed_for": dates.days, "line": sheet.lines})
    said = [f"{file.name}: {sheet.words}", f"column {date_column!r}: {'; '.join(dates.words)}"]
    said += _add_known_at(table, sheet, file.name)
    if subject.columns == ("value",):
        said += _add_value(table, sheet, date_column, subject, chosen, file.name)
        table = table[table["value"].notna()]
    else:
        said += _add_columns(table, sheet, subject, chosen, file.name)
    checked = subject.checked_column
    _refuse_future(table, today or pd.Timestamp.now("UTC").date(), file.name)
    table, dropped = _one_row_a_period(table, subject, chosen, file.name)
    said += dropped
    table = table.sort_values(["observed_for", *subject.key], kind="stable", ignore_index=True)
    if not chosen.accept:
        _refuse_implausible(table, subject, checked, file.name)
    said += _describe(table, subject, checked)
    return Understood(observations=table.drop(columns="line"), preview=tuple(said))


def _date_column(sheet: Sheet, wanted: str | None, name: str) -> str:
    if wanted is not None:
        return _column(sheet, wanted, name)
    by_name = [column for wish in _DATE_NAMES for column in sheet.header if column.strip().lower() == wish]
    if by_name:
        return by_name[0]
    stored = [column for column in sheet.header if all(isinstance(cell, date) for cell in sheet.column(column))]
    if stored:
        return stored[0]
    if sheet.header[0].strip() and "date" not in " ".join(sheet.header).lower():
        return sheet.header[0]
    near = [column for column in sheet.header if "date" in column.lower()]
    if len(near) == 1:
        return near[0]
    raise ValidationError(f"{name}: which of {', '.join(sheet.header)} is the date? pass --date-column NAME")


def _add_known_at(table: pd.DataFrame, sheet: Sheet, name: str) -> list[str]:
    column = next((wish for wish in _KNOWN_NAMES if wish in sheet.header), None)
    if column is None:
        return []
    moments = pd.to_datetime(pd.Series(sheet.column(column)), utc=True, errors="coerce", format="ISO8601")
    if moments.isna().any():
        at = int(moments.isna().to_numpy().argmax())
        raise ValidationError(
            f"{name}: line {sheet.lines[at]}: {column} {sheet.column(column)[at]!r} is no moment; "
            "write YYYY-MM-DD or YYYY-MM-DDTHH:MMZ, or remove the column"
        )
    days_only = (moments == moments.dt.normalize()).all()
    if days_only:
        moments = moments + pd.Timedelta(hours=23, minutes=59)
    table["known_at"] = moments.astype("datetime64[us, UTC]")
    early = table["known_at"] < table["observed_for"].dt.tz_localize("UTC")
    if early.any():
        at = int(early.to_numpy().argmax())
        raise ValidationError(f"{name}: line {sheet.lines[at]}: known before its period ends; correct {column}")
    return [f"column {column!r}: when each value was known{', at the end of that day (UTC)' if days_only else ''}"]


def _add_value(
    table: pd.DataFrame, sheet: Sheet, date_column: str, subject: Subject, options: ImportOptions, name: str
) -> list[str]:
    column = _value_column(sheet, date_column, options, subject.id, name)
    where = f"{name}: column {column!r}"
    numbers = read_numbers(
        sheet.column(column),
        sheet.lines,
        where=where,
        decimal=options.decimal,
        points_may_group=sheet.points_may_group,
    )
    declared = options.unit
    if numbers.percent and declared is None and not subject.unit.startswith("%"):
        raise ValidationError(f"{where}: percent signs, but {subject.id} is in {subject.unit}; name another column")
    factor, words = conversion(declared, subject.unit, where)
    table["value"] = numbers.values * factor
    if table["value"].isna().all():
        raise ValidationError(f"{where}: no values at all; name another column with --value-column")
    return [f"column {column!r}: {'; '.join((*numbers.words, words))}"]


def _value_column(sheet: Sheet, date_column: str, options: ImportOptions, identity: str, name: str) -> str:
    if options.value_column is not None:
        return _column(sheet, options.value_column, name)
    others = [column for column in sheet.header if column not in (date_column, *_KNOWN_NAMES) and column]
    exact = [column for column in others if column.lower() in (*_VALUE_NAMES, identity)]
    if len(others) == 1 or len(exact) == 1:
        return (exact or others)[0]
    numeric = [column for column in others if _mostly_numbers(sheet.column(column))]
    if len(numeric) == 1:
        return numeric[0]
    if not numeric:
        raise ValidationError(f"{name}: no column of numbers beside {date_column!r}; the file has {', '.join(others)}")
    raise ValidationError(f"{name}: which of {', '.join(numeric)} is {identity}? pass --value-column NAME")


def _add_columns(table: pd.DataFrame, sheet: Sheet, subject: Subject, options: ImportOptions, name: str) -> list[str]:
    for column in subject.columns:
        if column not in sheet.header:
            raise ValidationError(
                f"{name}: {subject.id} is a table and needs the column {column!r}{did_you_mean(column, sheet.header)}"
            )
        cells = sheet.column(column)
        if column in subject.key:
            table[column] = [str(cell) for cell in cells]
        else:
            where = f"{name}: column {column!r}"
            table[column] = read_numbers(cells, sheet.lines, where=where, decimal=options.decimal).values
    factor, words = conversion(options.unit, subject.unit, name)
    if factor != 1.0:
        raise ValidationError(f"{name}: units of a table are not converted ({words}); convert the file first")
    return [f"columns {', '.join(subject.columns)}: {words}"]


def _column(sheet: Sheet, wanted: str, name: str) -> str:
    if wanted not in sheet.header:
        raise ValidationError(f"{name}: no column {wanted!r}{did_you_mean(wanted, sheet.header)}")
    return wanted


def _mostly_numbers(cells: Sequence[Any]) -> bool:
    texts = [str(cell) for cell in cells[:200] if cell not in (None, "")]
    digits = [sum(sign.isdigit() for sign in text) >= max(1, len(text) / 3) for text in texts]
    return bool(texts) and sum(digits) > len(texts) / 2


def _refuse_future(table: pd.DataFrame, today: date, name: str) -> None:
    ahead = table[table["observed_for"] > pd.Timestamp(today)]
    if len(ahead):
        row = ahead.iloc[0]
        raise ValidationError(
            f"{name}: line {row['line']}: the period to {row['observed_for']:%Y-%m-%d} has not ended "
            f"({len(ahead)} such rows); remove them, or check the order of day and month"
        )


def _one_row_a_period(
    table: pd.DataFrame, subject: Subject, options: ImportOptions, name: str
) -> tuple[pd.DataFrame, list[str]]:
    by = ["observed_for", *subject.key] + (["known_at"] if "known_at" in table else [])
    twice = table.duplicated(by, keep=False)
    if not twice.any():
        return table, []
    if options.keep is None:
        lines = table.loc[twice, "line"].tolist()
        shown = ", ".join(map(str, lines[:6])) + (" …" if len(lines) > 6 else "")
        raise ValidationError(
            f"{name}: {len(lines)} rows share a period, in lines {shown} "
            f"({table.loc[twice, 'observed_for'].iloc[0]:%Y-%m-%d} first); keep one of each, or pass --keep first|last"
        )
    kept = table.drop_duplicates(by, keep=options.keep)
    return kept, [f"{len(table) - len(kept)} rows dropped: the {options.keep} row of each period is kept"]


def _refuse_implausible(table: pd.DataFrame, subject: Subject, column: str, name: str) -> None:
    bounds = subject.plausible
    values = table[column]
    outside = out_of_range(values, bounds)
    if outside.any():
        row = table[outside].iloc[0]
        advice = hint(float(values.min()), float(values.max()), subject.unit, bounds.low, bounds.high)
        raise ValidationError(
            f"{name}: line {row['line']}: {row[column]:g} for {row['observed_for']:%Y-%m-%d} is outside "
            f"{bounds.low:g} to {bounds.high:g} {subject.unit} ({int(outside.sum())} of {len(table)} rows){advice}; "
            "correct it, or pass --accept if it is true"
        )
    ordered = table.sort_values([*subject.key, "observed_for"], kind="stable")
    groups = ordered.groupby(list(subject.key), sort=False) if subject.key else [("", ordered)]
    far = pd.concat([jumps(group[column], bounds) for _, group in groups])
    if far.any():
        at = int(np.flatnonzero(far.to_numpy())[0])
        before, row = ordered.iloc[at - 1], ordered.iloc[at]
        raise ValidationError(
            f"{name}: line {row['line']}: from {before[column]:g} ({before['observed_for']:%Y-%m-%d}, line "
            f"{before['line']}) to {row[column]:g} ({row['observed_for']:%Y-%m-%d}) is a larger move than any so far "
            f"({int(far.sum())} such); a decimal point may have slipped: correct it, or pass --accept if it is true"
        )


def _describe(table: pd.DataFrame, subject: Subject, column: str) -> list[str]:
    days, values = table["observed_for"], table[column]
    said = [
        f"{subject.id}: {len(table)} rows, {days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}, "
        f"{values.min():g} to {values.max():g} {subject.unit}"
    ]
    if subject.unit.startswith("%") and values.abs().max() < _LARGEST_FRACTION:
        said.append(f"all values are under {_LARGEST_FRACTION}: if they are fractions and not %, pass --unit fraction")
    return said + _gaps(days.drop_duplicates(), subject.frequency)


def _gaps(days: pd.Series, frequency: str) -> list[str]:
    """Periods that are missing between the first and the last."""
    if frequency in _PERIOD:
        have = pd.PeriodIndex(pd.DatetimeIndex(days), freq=_PERIOD[frequency])
        missing = pd.period_range(have.min(), have.max()).difference(have)
        shown = ", ".join(map(str, missing[:5])) + (" …" if len(missing) > 5 else "")
        return [f"gaps: {len(missing)} {frequency}s missing ({shown})"] if len(missing) else []
    if frequency != "day":
        return []
    ordered = days.sort_values(ignore_index=True)
    spans = ordered.diff().dt.days
    wide = spans[spans > _LONGEST_GAP_DAYS]
    if wide.empty:
        return []
    at = int(wide.idxmax())
    return [
        f"gaps: {len(wide)} of over {_LONGEST_GAP_DAYS} days, the longest {ordered[at - 1]:%Y-%m-%d} to "
        f"{ordered[at]:%Y-%m-%d}"
    ]
