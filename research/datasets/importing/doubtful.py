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


def refuse_future(table: pd.DataFrame, today: date, name: str) -> None:
    """Refuse a period that ends after ``today``."""
    ahead = table[table["observed_for"] > pd.Timestamp(today)]
    if len(ahead):
        row = ahead.iloc[0]
        raise ValidationError(
            f"{name}: line {row['line']}: the period to {row['observed_for']:%Y-%m-%d} has not ended "
            f"({len(ahead)} such rows); remove them, or check the order of day and month"
        )


def refuse_implausible(table: pd.DataFrame, subject: Subject, name: str) -> None:
    """Refuse values outside the dataset's bounds, and moves larger than any so far."""
    bounds, column = subject.plausible, subject.checked_column
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
    far = jumps(ordered, subject)
    if far.any():
        at = int(far.to_numpy().argmax())
        before, row = ordered.iloc[at - 1], ordered.iloc[at]
        raise ValidationError(
            f"{name}: line {row['line']}: from {before[column]:g} ({before['observed_for']:%Y-%m-%d}, line "
            f"{before['line']}) to {row[column]:g} ({row['observed_for']:%Y-%m-%d}) is a larger move than any so far "
            f"({int(far.sum())} such); a decimal point may have slipped: correct it, or pass --accept if it is true"
        )


def refuse_unlikely(table: pd.DataFrame, subject: Subject, declared: str | None, name: str) -> None:
    """Refuse what a true file hardly holds: another spacing of dates, frozen prices, weekends, fractions of 1."""
    if shown := other_spacing(table["observed_for"], subject.frequency):
        raise ValidationError(
            f"{name}: the dates are a {shown} apart, {subject.id} has one value a {subject.frequency}: use the id of a "
            f"{_ADJECTIVE[shown]} dataset, or pass --accept if rows are only missing"
        )
    values = table[subject.checked_column]
    percent = subject.unit.startswith("%")
    if percent and declared is None and values.abs().max() < _LARGEST_FRACTION:
        raise ValidationError(
            f"{name}: all values are under {_LARGEST_FRACTION}, {subject.id} is in {subject.unit}: "
            "pass --unit fraction if 0.05 means 5 %, or --unit % if it does not"
        )
    if subject.key or len(table) < _MANY:
        return
    if values.nunique() == 1:
        raise ValidationError(
            f"{name}: all {len(table)} values are {values.iloc[0]:g}; name another column with --value-column, or pass "
            "--accept if it is true"
        )
    if subject.frequency != "day" or not is_money(subject.unit):
        return
    start, length = _longest_run(values)
    if length >= _STILL["day"]:
        first, last = table["observed_for"].iloc[start], table["observed_for"].iloc[start + length - 1]
        raise ValidationError(
            f"{name}: line {table['line'].iloc[start]}: the price stands at {values.iloc[start]:g} for {length} rows, "
            f"{first:%Y-%m-%d} to {last:%Y-%m-%d}: filled forward? remove them, or pass --accept if it is true"
        )
    weekend = table["observed_for"].dt.day_of_week >= 5
    if weekend.mean() > _WEEKEND:
        row = table[weekend].iloc[0]
        raise ValidationError(
            f"{name}: line {row['line']}: {row['observed_for']:%Y-%m-%d} is a {row['observed_for']:%A}, as are "
            f"{int(weekend.sum())} of {len(table)} dates on weekends, when this market is closed; check the dates, or "
            "pass --accept if it is true"
        )


def _longest_run(values: pd.Series) -> tuple[int, int]:
    """Where the longest run of one value starts, and its length."""
    runs = (values != values.shift()).cumsum()
    lengths = runs.map(runs.value_counts())
    start = int(lengths.to_numpy().argmax())
    return start, int(lengths.iloc[start])


def span_line(table: pd.DataFrame, subject: Subject) -> str:
    """Rows, span and range."""
    days, values = table["observed_for"], table[subject.checked_column]
    return (
        f"{subject.id}: {len(table)} rows, {days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}, "
        f"{values.min():g} to {values.max():g} {subject.unit}"
    )


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
