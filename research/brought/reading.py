"""From a table to weights or returns by date; what can be read in two ways is refused.

A table speaks by its headings: a column of weights, of returns or of an account's value beside its dates, or a list of
trades with an entry and an exit each (TradingView's ``List of trades`` has a row for either).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from research.datasets.dataset import PERIODS_PER_YEAR
from research.datasets.importing import ImportOptions
from research.datasets.importing.dates import read_dates
from research.datasets.importing.files import Sheet
from research.datasets.importing.numerals import read_numbers
from research.datasets.plausibility import measured_frequency
from research.diagnostics.timing import Floats
from research.errors import ParameterError, ValidationError, did_you_mean

Kind = Literal["weights", "returns", "equity", "trades"]

_SPEAKS: Mapping[str, frozenset[str]] = {
    "weights": frozenset({"weight", "weights", "position", "exposure", "allocation"}),
    "returns": frozenset({"return", "returns", "ret", "rets"}),
    "equity": frozenset({"equity", "nav", "balance", "wealth"}),
}
_ENTRY = ("entrytime", "entrydate", "entrytimestamp", "opendate", "opentime", "dateopened", "entry", "opened")
_EXIT = ("exittime", "exitdate", "exittimestamp", "closedate", "closetime", "dateclosed", "exit", "closed")
_SIDE, _SIZE = ("direction", "side", "longshort", "type"), ("size", "quantity", "qty", "contracts", "shares")
_MOMENT = ("dateandtime", "datetime", "date", "time")
_SIGNS = {"long": 1.0, "buy": 1.0, "short": -1.0, "sell": -1.0}
_HIGHEST_VOLATILITY, _LOWEST_VOLATILITY = 2.0, 0.01
_ROUNDED = 1.01


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """What somebody brought, as it was understood.

    Attributes
    ----------
    name
        Of the file, or what the object is.
    kind
        ``weights``, ``trades`` or ``returns``.
    weights
        Fraction of the account in metal, wanted from each date on; NaN keeps what there is. ``None`` of returns.
    returns
        Of its own account, by date; ``None`` where it has none.
    n_trades
        Number of trades, of a list of them.
    words
        How it was read, a line each.
    """

    name: str
    kind: str
    weights: pd.Series | None = None
    returns: pd.Series | None = None
    n_trades: int | None = None
    words: tuple[str, ...] = ()


def sheet_of(table: pd.DataFrame) -> Sheet:
    """A table of pandas as rows of cells; its index is the first column."""
    if not isinstance(table.index, pd.RangeIndex):
        table = table.rename_axis(str(table.index.name or "date")).reset_index()
    rows = tuple(tuple(None if cell is pd.NaT else cell for cell in row) for row in table.itertuples(index=False))
    header, lines = tuple(map(str, table.columns)), tuple(range(1, len(rows) + 1))
    return Sheet(header=header, rows=rows, lines=lines, words="a table")


def read_table(sheet: Sheet, name: str, kind: str | None, options: ImportOptions, metal: str) -> Found:
    """Read rows of a file or a table.

    Raises
    ------
    ParameterError, ValidationError
        One line with file, line, what is wrong or ambiguous, and the remedy.
    """
    if kind not in (None, *get_args(Kind)):
        raise ParameterError(f"--as {kind}: no kind of results{did_you_mean(str(kind), get_args(Kind))}")
    for wanted in (options.date_column, options.value_column):
        if wanted is not None and wanted not in sheet.header:
            raise ValidationError(f"{name}: no column {wanted!r}{did_you_mean(wanted, sheet.header)}")
    if kind == "trades" or (kind is None and (_rows_of_trades(sheet) or _find(sheet, _ENTRY))):
        return _trades(sheet, name, options)
    date = options.date_column or _find(sheet, _MOMENT) or sheet.header[0]
    column, kind = _column(sheet, name, date, kind, options.value_column, metal)
    days = _days(sheet.column(date), sheet.lines, f"{name}: column {date!r}", options)
    where = f"{name}: column {column!r}"
    if days.has_duplicates:
        at = int(days.duplicated().argmax())
        raise ValidationError(f"{name}: line {sheet.lines[at]}: {days[at]:%Y-%m-%d} again; keep one row a day")
    cells, group = sheet.column(column), sheet.points_may_group
    numbers = read_numbers(cells, sheet.lines, where=where, decimal=options.decimal, points_may_group=group)
    percent = numbers.percent or "%" in column or options.unit in ("percent", "%")
    values = pd.Series(numbers.values / (100 if percent else 1), index=days, name=kind).sort_index().dropna()
    if len(values) < 2:
        raise ValidationError(f"{where}: {len(values)} values; bring a history")
    if options.unit is None and not percent:
        _refuse_doubtful(values, kind, where)
    span = f"{len(values)} rows, {values.index[0]:%Y-%m-%d} to {values.index[-1]:%Y-%m-%d}"
    words = (f"{where}: {kind}{' in per cent' if percent else ''}, {span}; {sheet.words}", *numbers.words)
    if kind == "weights":
        return Found(name=name, kind=kind, weights=whole(values), words=words)
    if kind == "equity" and (values <= 0).any():
        raise ValidationError(f"{where}: a value of {values.min():g}, an account's is above 0; pass --as returns")
    returns = values.pct_change().iloc[1:] if kind == "equity" else values
    return Found(name=name, kind="returns", returns=returns.rename("returns"), words=words)


def weights_of_trades(changes: pd.Series) -> pd.Series:
    """Weight from each date on, of the changes that entries and exits make."""
    weights = changes.groupby(level=0).sum().cumsum()
    return whole(weights.where(weights.abs() > 1e-9, 0.0).rename("weights"))


def whole(weights: pd.Series) -> pd.Series:
    """Weights that exceed 1 by rounding are 1."""
    return weights.mask(weights.abs().between(1, _ROUNDED), np.sign(weights))


def periods_per_year(days: pd.DatetimeIndex) -> int:
    """12 of months, 252 of trading days, by the spacing of the dates."""
    return PERIODS_PER_YEAR[measured_frequency(pd.Series(days)) or "day"]


def _trades(sheet: Sheet, name: str, options: ImportOptions) -> Found:
    """Weights of a list of trades: each is the whole account, or of several open at once an equal part."""
    entry, exit_, typed = _find(sheet, _ENTRY), _find(sheet, _EXIT), _rows_of_trades(sheet)
    moment, said = options.date_column or _find(sheet, _MOMENT), ""
    if typed and moment:
        types = [str(cell).lower().partition(" ") for cell in sheet.column(typed)]
        opens = np.array([1.0 if first == "entry" else -1.0 for first, _, _ in types])
        signs = _signs([side for _, _, side in types], sheet, name)
        days = _days(sheet.column(moment), sheet.lines, f"{name}: column {moment!r}", options)
    elif entry and exit_:
        sides, said = _sides(sheet, name, options)
        closed = [at for at, cell in enumerate(sheet.column(exit_)) if cell not in (None, "") and cell == cell]
        n, lines = len(sheet.rows), [*sheet.lines, *(sheet.lines[at] for at in closed)]
        cells = [*sheet.column(entry), *(sheet.column(exit_)[at] for at in closed)]
        days = _days(cells, lines, f"{name}: columns {entry!r} and {exit_!r}", options)
        if (early := np.flatnonzero(days[n:] < days[:n][closed])).size:
            raise ValidationError(f"{name}: line {lines[n + early[0]]}: closed before it was opened; correct it")
        opens, signs = np.repeat([1.0, -1.0], [n, len(closed)]), np.concatenate([sides, sides[closed]])
    else:
        raise ValidationError(
            f"{name}: no entry and exit in {', '.join(sheet.header)}; name columns entry_date, exit_date"
        )
    table = pd.DataFrame({"day": days, "open": opens, "change": opens * signs}).sort_values(["day", "open"])
    at_once, n_trades = max(1, int(table["open"].cumsum().max())), int((opens > 0).sum())
    part = "the whole account" if at_once == 1 else f"1/{at_once} of the account, as many were open at once"
    words = f"{n_trades} trades, {days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}, each {part}{said}"
    weights = weights_of_trades(table.set_index("day")["change"] / at_once)
    return Found(
        name=name, kind="trades", weights=weights, n_trades=n_trades, words=(f"{name}: {words}; {sheet.words}",)
    )


def _rows_of_trades(sheet: Sheet) -> str:
    """The column that says ``Entry long`` or ``Exit short``, as TradingView writes it; empty where there is none."""
    column = _find(sheet, ("type",))
    first = str(sheet.column(column)[0]).lower() if column else ""
    return column if first.startswith(("entry ", "exit ")) else ""


def _sides(sheet: Sheet, name: str, options: ImportOptions) -> tuple[Floats, str]:
    """+1 or -1 of each trade by what says so, else by the sign of its size; and words where nothing does."""
    if column := _find(sheet, _SIDE):
        return _signs(sheet.column(column), sheet, name), ""
    if column := _find(sheet, _SIZE):
        cells, where = sheet.column(column), f"{name}: column {column!r}"
        sizes = read_numbers(cells, sheet.lines, where=where, decimal=options.decimal).values
        return np.where(sizes < 0, -1.0, 1.0), f"; long or short by the sign of {column!r}"
    return np.ones(len(sheet.rows)), "; no column says long or short: all taken as long"


def _signs(cells: Sequence[object], sheet: Sheet, name: str) -> Floats:
    words = [str(cell).strip().lower() for cell in cells]
    for word, line in zip(words, sheet.lines, strict=True):
        if word not in _SIGNS:
            raise ValidationError(f"{name}: line {line}: {word!r} is neither long nor short; correct it")
    return np.array([_SIGNS[word] for word in words])


def _column(sheet: Sheet, name: str, date: str, kind: str | None, wanted: str | None, metal: str) -> tuple[str, str]:
    """The column to judge, and what it holds."""
    others = [wanted] if wanted else [column for column in sheet.header if column and column != date]
    spoken = [column for column in others if _spoken(column) and kind in (None, _spoken(column))]
    of_metal = [column for column in others if metal in re.findall("[a-z]+", column.lower())]
    chosen = next((some[0] for some in (spoken, of_metal, others) if len(some) == 1), None)
    if chosen is None:
        raise ValidationError(f"{name}: which of {', '.join(others)} is to be judged? pass --value-column NAME")
    holds = kind or _spoken(chosen)
    if holds is None:
        kinds = "a weight, a return or an account's value? pass --as weights, --as returns or --as equity"
        raise ValidationError(f"{name}: is {chosen!r} {kinds}")
    return chosen, holds


def _spoken(heading: str) -> str | None:
    words = set(re.findall("[a-z]+", heading.lower()))
    return next((kind for kind, names in _SPEAKS.items() if words & names), None)


def _refuse_doubtful(values: pd.Series, kind: str, where: str) -> None:
    """Refuse what may as well be in per cent, or prices."""
    most = float(values.abs().max())
    if kind == "weights" and most > _ROUNDED:
        raise ValidationError(f"{where}: up to {most:g}: per cent, or borrowed? pass --unit percent or --unit fraction")
    if kind != "returns":
        return
    if (values > 0).all():
        raise ValidationError(f"{where}: never a loss: an account's value? pass --as equity, or --unit fraction")
    risk = float(values.std()) * np.sqrt(periods_per_year(pd.DatetimeIndex(values.index)))
    if values.min() <= -1 or not _LOWEST_VOLATILITY <= risk <= _HIGHEST_VOLATILITY:
        doubt = f"as fractions their volatility is {risk:.2%} a year"
        raise ValidationError(f"{where}: {doubt}; pass --unit percent if 1.5 is 1.5 %, --unit fraction if it is 150 %")


def _days(cells: Sequence[object], lines: Sequence[int], where: str, options: ImportOptions) -> pd.DatetimeIndex:
    read = read_dates(cells, lines, frequency="irregular", where=where, order=options.dates)
    return pd.DatetimeIndex(read.days).as_unit("ns")


def _find(sheet: Sheet, names: tuple[str, ...]) -> str:
    """The first of some headings that is there, whatever its signs and capitals; empty without one."""
    here = {re.sub("[^a-z]", "", column.lower()): column for column in sheet.header}
    return next((here[wish] for wish in names if wish in here), "")
