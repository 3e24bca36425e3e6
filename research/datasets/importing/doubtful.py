"""What about a file is hard to believe, said before anything of it is kept; and what it holds, in a few lines."""

from __future__ import annotations

from datetime import date

import pandas as pd

from research.datasets.importing.units import hint, is_money
from research.datasets.plausibility import Subject, jumps, other_spacing, out_of_range
from research.errors import ValidationError

_ADJECTIVE = {"day": "daily", "week": "weekly", "month": "monthly", "quarter": "quarterly", "year": "yearly"}
_PERIOD = {"week": "W", "month": "M", "quarter": "Q", "year": "Y"}
_LONGEST_GAP_DAYS = 10
_LARGEST_FRACTION = 0.3
_STILL = {"day": 20, "week": 8, "month": 4}
_MANY = 10
_WEEKEND = 0.02
_ACCEPT = "or pass --accept if it is true"


def refuse_future(table: pd.DataFrame, today: date) -> None:
    """Refuse a period that ends after ``today``."""
    ahead = table[table["observed_for"] > pd.Timestamp(today)]
    if len(ahead):
        row, cure = ahead.iloc[0], "remove them, or check the order of day and month"
        when = f"the period to {row['observed_for']:%Y-%m-%d} has not ended"
        raise ValidationError(f"line {row['line']}: {when} ({len(ahead)} such rows); {cure}")


def refuse_implausible(table: pd.DataFrame, subject: Subject) -> None:
    """Refuse values outside the dataset's bounds, and moves larger than any so far."""
    bounds, column = subject.plausible, subject.checked_column
    outside = out_of_range(table[column], bounds)
    if outside.any():
        row = table[outside].iloc[0]
        span = f"{bounds.low:g} to {bounds.high:g} {subject.unit} ({int(outside.sum())} of {len(table)} rows)"
        raise ValidationError(
            f"line {row['line']}: {row[column]:g} for {row['observed_for']:%Y-%m-%d} is outside {span}"
            f"{hint(table[column], subject.unit, bounds.low, bounds.high)}; correct it, {_ACCEPT}"
        )
    ordered = table.sort_values([*subject.key, "observed_for"], kind="stable")
    far = jumps(ordered, subject)
    if far.any():
        at = int(far.to_numpy().argmax())
        before, row = ordered.iloc[at - 1], ordered.iloc[at]
        move = f"from {before[column]:g} ({before['observed_for']:%Y-%m-%d}, line {before['line']}) to {row[column]:g}"
        raise ValidationError(
            f"line {row['line']}: {move} ({row['observed_for']:%Y-%m-%d}) is a larger move than any so far "
            f"({int(far.sum())} such); a decimal point may have slipped: correct it, {_ACCEPT}"
        )


def refuse_unlikely(table: pd.DataFrame, subject: Subject, declared: str | None) -> None:
    """Refuse what a true file hardly holds: another spacing of dates, frozen prices, weekends, fractions of 1."""
    values, days = table[subject.checked_column], table["observed_for"]
    if shown := other_spacing(days, subject.frequency):
        cure = f"use the id of a {_ADJECTIVE[shown]} dataset, or pass --accept if rows are only missing"
        raise ValidationError(
            f"the dates are a {shown} apart, {subject.id} has one value a {subject.frequency}: {cure}"
        )
    if subject.unit.startswith("%") and declared is None and values.abs().max() < _LARGEST_FRACTION:
        cure = "pass --unit fraction if 0.05 means 5 %, or --unit % if it does not"
        raise ValidationError(f"all values are under {_LARGEST_FRACTION}, {subject.id} is in {subject.unit}: {cure}")
    if subject.key or len(table) < _MANY:
        return
    if values.nunique() == 1:
        same = f"all {len(table)} values are {values.iloc[0]:g}"
        raise ValidationError(f"{same}; name another column with --value-column, {_ACCEPT}")
    if subject.frequency != "day" or not is_money(subject.unit):
        return
    start, length = _longest_run(values)
    if length >= _STILL["day"]:
        still = f"the price stands at {values.iloc[start]:g} for {length} rows"
        raise ValidationError(
            f"line {table['line'].iloc[start]}: {still}, {days.iloc[start]:%Y-%m-%d} to "
            f"{days.iloc[start + length - 1]:%Y-%m-%d}: filled forward? remove them, {_ACCEPT}"
        )
    weekend = days.dt.day_of_week >= 5
    if weekend.mean() > _WEEKEND:
        day, line = days[weekend].iloc[0], table["line"][weekend].iloc[0]
        many = f"{int(weekend.sum())} of {len(table)} dates on weekends, when this market is closed"
        raise ValidationError(f"line {line}: {day:%Y-%m-%d} is a {day:%A}, as are {many}; check the dates, {_ACCEPT}")


def _longest_run(values: pd.Series) -> tuple[int, int]:
    """Where the longest run of one value starts, and its length."""
    runs = (values != values.shift()).cumsum()
    lengths = runs.map(runs.value_counts())
    start = int(lengths.to_numpy().argmax())
    return start, int(lengths.iloc[start])


def span_line(table: pd.DataFrame, subject: Subject) -> str:
    """Rows, span and range."""
    days, values = table["observed_for"], table[subject.checked_column]
    span = f"{days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}"
    return f"{subject.id}: {len(table)} rows, {span}, {values.min():g} to {values.max():g} {subject.unit}"


def describe(table: pd.DataFrame, subject: Subject) -> list[str]:
    """Rows, span, range, runs of one value, weekends and gaps, a line each where there is something to say."""
    days, values = table["observed_for"], table[subject.checked_column]
    said = [span_line(table, subject)]
    start, length = _longest_run(values) if not subject.key else (0, 0)
    if length >= _STILL.get(subject.frequency, len(table) + 1):
        said.append(f"{values.iloc[start]:g} stands for {length} rows, {days.iloc[start]:%Y-%m-%d} on")
    weekend = days.dt.day_of_week >= 5
    if subject.frequency == "day" and weekend.any():
        said.append(f"{int(weekend.sum())} dates are Saturdays or Sundays, the first {days[weekend].iloc[0]:%Y-%m-%d}")
    return said + _gaps(days.drop_duplicates(), subject.frequency)


def _gaps(days: pd.Series, frequency: str) -> list[str]:
    """Periods that are missing between the first and the last."""
    if frequency in _PERIOD:
        have = pd.PeriodIndex(pd.DatetimeIndex(days), freq=_PERIOD[frequency])
        missing = pd.period_range(have.min(), have.max()).difference(have)
        shown = ", ".join(map(str, missing[:5])) + (" …" if len(missing) > 5 else "")
        return [f"gaps: {len(missing)} {frequency}s missing ({shown})"] if len(missing) else []
    ordered = days.sort_values(ignore_index=True)
    spans = ordered.diff().dt.days
    wide = spans[spans > _LONGEST_GAP_DAYS]
    if frequency != "day" or wide.empty:
        return []
    at = int(wide.idxmax())
    longest = f"{ordered[at - 1]:%Y-%m-%d} to {ordered[at]:%Y-%m-%d}"
    return [f"gaps: {len(wide)} of over {_LONGEST_GAP_DAYS} days, the longest {longest}"]
