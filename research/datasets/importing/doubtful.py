"""What about a file is hard to believe, said before anything of it is kept; and what it holds, in a few lines."""

from __future__ import annotations

from datetime import date

import pandas as pd

from research.datasets.importing.units import hint, is_money
from research.datasets.plausibility import Subject, doubts
from research.datasets.quality import Quality, quality
from research.errors import ValidationError

_LARGEST_FRACTION = 0.3
_STILL = 20
_MANY = 10
_WEEKEND = 0.02
_ACCEPT = "correct it, or pass --accept if it is true"


def refuse_future(table: pd.DataFrame, today: date) -> None:
    """Refuse a period that ends after ``today``."""
    ahead = table[table["observed_for"] > pd.Timestamp(today)]
    if len(ahead):
        row, cure = ahead.iloc[0], "remove them, or check the order of day and month"
        when = f"the period to {row['observed_for']:%Y-%m-%d} has not ended"
        raise ValidationError(f"line {row['line']}: {when} ({len(ahead)} such rows); {cure}")


def refuse_doubtful(table: pd.DataFrame, subject: Subject, declared: str | None) -> None:
    """Refuse what a fetch would doubt, and what a true file hardly holds: fractions of 1, frozen prices, weekends."""
    values, days = table[subject.checked_column], table["observed_for"]
    if found := doubts(table, None, subject, whole_history=False):
        unit = hint(values, subject.unit, subject.plausible.low, subject.plausible.high)
        raise ValidationError(f"{found[0]}{unit}; {_ACCEPT}")
    if subject.unit.startswith("%") and declared is None and values.abs().max() < _LARGEST_FRACTION:
        cure = "pass --unit fraction if 0.05 means 5 %, or --unit % if it does not"
        raise ValidationError(f"all values are under {_LARGEST_FRACTION}, {subject.id} is in {subject.unit}: {cure}")
    if subject.key or len(table) < _MANY:
        return
    if values.nunique() == 1:
        same = f"all {len(table)} values are {values.iloc[0]:g}"
        raise ValidationError(f"{same}; name another column with --value-column, or {_ACCEPT}")
    if subject.frequency != "day" or not is_money(subject.unit):
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


def describe(table: pd.DataFrame, subject: Subject) -> list[str]:
    """Rows, span and range; and what of a series is odd: gaps, and of a price spikes, frozen runs and splits too."""
    days, values = table["observed_for"], table[subject.checked_column]
    span = f"{days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}"
    said = [f"{subject.id}: {len(table)} rows, {span}, {values.min():g} to {values.max():g} {subject.unit}"]
    if subject.key:
        return said
    found = quality(subject, table if "known_at" in table else table.assign(known_at=days))
    odd = found if is_money(subject.unit) else Quality(id=subject.id, gaps=found.gaps)
    return [*said, *filter(None, [odd.line])]
