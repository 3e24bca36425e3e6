"""From a file, a table or a result of another library to weights or returns; what can be read in two ways is refused.

A table speaks by its headings: a column of weights, of returns or of an account's value beside its dates, or a list of
trades with an entry and an exit each (TradingView's ``List of trades`` has a row for either). Of other
libraries none is imported; their results are known by what they hold:

- a vectorbt ``Portfolio``: what the metal was of its value after the orders of each bar that has any;
- what backtesting.py's ``Backtest.run`` returns: its trades, each by its cost over the equity before it;
- a result of bt: the security's weight on each day on which its position changed;
- a pandas Series or table: as a file (a return Series of quantstats is one).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from research.datasets.importing import ImportOptions
from research.datasets.importing.cells import Column, Sheet, read_dates, read_numbers
from research.datasets.importing.files import read_sheet, sheet_of
from research.datasets.importing.units import WORDS
from research.datasets.plausibility import measured_frequency
from research.datasets.registry import PERIODS_PER_YEAR
from research.errors import ParameterError, ValidationError, did_you_mean
from research.units import Floats

Kind = Literal["weights", "returns", "equity", "trades"]

_WORDS: Mapping[str, tuple[str, ...]] = {name: tuple(words) for name, words in WORDS["results"].items()}
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


def read(brought: Any, kind: str | None, options: ImportOptions, metal: str) -> Found:
    """Read a file, a table or a result of another library.

    Raises
    ------
    ValidationError
        If it is none of these, holds several accounts, or can be read in two ways.
    """
    if isinstance(brought, str | Path):
        path = Path(brought).expanduser()
        sheet = read_sheet(path, sheet=options.sheet, heading_row=options.heading_row)
        return read_table(sheet, kind, options, metal)
    if isinstance(brought, pd.Series) and "_trades" in brought.index:
        return _backtesting(brought)
    if isinstance(brought, pd.Series | pd.DataFrame):
        table = brought.to_frame(str(brought.name or "value")) if isinstance(brought, pd.Series) else brought
        return read_table(sheet_of(table, "table", "of pandas"), kind, options, metal)
    if hasattr(brought, "backtests") and hasattr(brought, "prices"):
        account = _one(list(brought.backtests), metal, "bt result")
        found = brought.backtests[account]
        return _held(
            "bt result", found.security_weights, found.positions.diff().fillna(0.0), brought.prices[[account]], metal
        )
    if hasattr(brought, "asset_flow") and hasattr(brought, "asset_value"):
        assets, flow = pd.DataFrame(brought.asset_value(group_by=False)), pd.DataFrame(brought.asset_flow())
        value = pd.DataFrame(brought.value())
        weights = assets / value if list(value) == list(assets) else assets.div(value.iloc[:, 0], axis=0)
        return _held("vectorbt Portfolio", weights, flow, value, metal)
    raise ValidationError(
        f"{type(brought).__name__}: no results that can be judged; bring a file, a Series of weights or returns, a "
        "table of trades, or what vectorbt, backtesting.py or bt returned"
    )


def read_table(sheet: Sheet, kind: str | None, options: ImportOptions, metal: str) -> Found:
    """Read rows of a file or a table.

    Raises
    ------
    ParameterError, ValidationError
        One line with file, line, what is wrong or ambiguous, and the remedy.
    """
    if kind not in (None, *get_args(Kind)):
        raise ParameterError(f"--as {kind}: no kind of results{did_you_mean(str(kind), get_args(Kind))}")
    if kind == "trades" or (kind is None and (_rows_of_trades(sheet) or sheet.find(_WORDS["entry"]))):
        return _trades(sheet, options)
    moment = sheet.column(options.date_column or sheet.find(_WORDS["moment"]) or sheet.header[0])
    chosen, kind = _chosen(sheet, moment, kind, options.value_column, metal)
    days, column = _days(moment, options), sheet.column(chosen)
    if days.has_duplicates:
        raise moment.wrong(int(days.duplicated().argmax()), "stands there twice; keep one row a day")
    numbers = read_numbers(column, decimal=options.decimal, points_may_group=sheet.points_may_group)
    percent = numbers.percent or "%" in chosen or options.unit in ("percent", "%")
    values = pd.Series(numbers.values / (100 if percent else 1), index=days, name=kind).sort_index().dropna()
    if len(values) < 2:
        raise ValidationError(f"{column.where}: {len(values)} values; bring a history")
    if options.unit is None and not percent:
        _refuse_doubtful(values, kind, column.where)
    span = f"{len(values)} rows, {values.index[0]:%Y-%m-%d} to {values.index[-1]:%Y-%m-%d}"
    words = (f"{column.where}: {kind}{' in per cent' if percent else ''}, {span}; {sheet.words}", *numbers.words)
    if kind == "weights":
        return Found(name=sheet.file, kind=kind, weights=whole(values), words=words)
    if kind == "equity" and (values <= 0).any():
        raise ValidationError(f"{column.where}: an account's value of {values.min():g}; pass --as returns")
    returns = values.pct_change().iloc[1:] if kind == "equity" else values
    return Found(name=sheet.file, kind="returns", returns=returns.rename("returns"), words=words)


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


def _trades(sheet: Sheet, options: ImportOptions) -> Found:
    """Weights of a list of trades: each is the whole account, or of several open at once an equal part."""
    entry, exit_, typed = sheet.find(_WORDS["entry"]), sheet.find(_WORDS["exit"]), _rows_of_trades(sheet)
    moment, said = options.date_column or sheet.find(_WORDS["moment"]), ""
    if typed and moment:
        days, column = _days(sheet.column(moment), options), sheet.column(typed)
        opens = np.array([1.0 if str(cell).lower().startswith("entry") else -1.0 for cell in column.cells])
        signs = _signs(column)
    elif entry and exit_:
        sides, said = _sides(sheet, options)
        ins, outs, n = sheet.column(entry), sheet.column(exit_), len(sheet.rows)
        closed = [at for at, cell in enumerate(outs.cells) if cell not in (None, "") and cell == cell]
        cells = [*ins.cells, *(outs.cells[at] for at in closed)]
        days = _days(
            Column(f"{ins.where} and {exit_!r}", cells, [*ins.lines, *(ins.lines[at] for at in closed)]), options
        )
        if (early := np.flatnonzero(days[n:] < days[:n][closed])).size:
            raise outs.wrong(closed[early[0]], "is before the trade was opened; correct it")
        opens, signs = np.repeat([1.0, -1.0], [n, len(closed)]), np.concatenate([sides, sides[closed]])
    else:
        raise ValidationError(f"{sheet.file}: no entry and exit; name two columns entry_date and exit_date")
    table = pd.DataFrame({"day": days, "open": opens, "change": opens * signs}).sort_values(["day", "open"])
    at_once, n_trades = max(1, int(table["open"].cumsum().max())), int((opens > 0).sum())
    part = "the whole account" if at_once == 1 else f"1/{at_once} of the account, as many were open at once"
    span = f"{n_trades} trades, {days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}"
    words = (f"{sheet.file}: {span}, each {part}{said}; {sheet.words}",)
    weights = weights_of_trades(table.set_index("day")["change"] / at_once)
    return Found(name=sheet.file, kind="trades", weights=weights, n_trades=n_trades, words=words)


def _rows_of_trades(sheet: Sheet) -> str:
    """The column that says ``Entry long`` or ``Exit short``, as TradingView writes it; empty where there is none."""
    typed = sheet.find(_WORDS["type"])
    first = str(sheet.column(typed).cells[0]).lower() if typed else ""
    return typed if first.startswith(("entry ", "exit ")) else ""


def _sides(sheet: Sheet, options: ImportOptions) -> tuple[Floats, str]:
    """+1 or -1 of each trade by what says so, else by the sign of its size; and words where nothing does."""
    if side := sheet.find(_WORDS["side"]):
        return _signs(sheet.column(side)), ""
    if size := sheet.find(_WORDS["size"]):
        sizes = read_numbers(sheet.column(size), decimal=options.decimal).values
        return np.where(sizes < 0, -1.0, 1.0), f"; long or short by the sign of {size!r}"
    return np.ones(len(sheet.rows)), "; no column says long or short: all taken as long"


def _signs(column: Column) -> Floats:
    """By the last word of each cell."""
    words = [(str(cell).lower().split() or [""])[-1] for cell in column.cells]
    if (wrong := next((at for at, word in enumerate(words) if word not in _SIGNS), None)) is not None:
        raise column.wrong(wrong, "is neither long nor short; correct it")
    return np.array([_SIGNS[word] for word in words])


def _chosen(sheet: Sheet, moment: Column, kind: str | None, wanted: str | None, metal: str) -> tuple[str, str]:
    """The column to judge, and what it holds."""
    if wanted is not None:
        sheet.column(wanted)
    others = (
        [wanted] if wanted else [name for name in sheet.header if name and sheet.column(name).where != moment.where]
    )
    spoken = [name for name in others if _spoken(name) and kind in (None, _spoken(name))]
    of_metal = [name for name in others if metal in re.findall("[a-z]+", name.lower())]
    chosen = next((some[0] for some in (spoken, of_metal, others) if len(some) == 1), None)
    if chosen is None:
        raise ValidationError(f"{sheet.file}: which of {', '.join(others)} is to be judged? pass --value-column NAME")
    holds = kind or _spoken(chosen)
    if holds is None:
        kinds = "a weight, a return or an account's value? pass --as weights, --as returns or --as equity"
        raise ValidationError(f"{sheet.file}: is {chosen!r} {kinds}")
    return chosen, holds


def _spoken(heading: str) -> str | None:
    words = set(re.findall("[a-z]+", heading.lower()))
    return next((kind for kind in ("weights", "returns", "equity") if words & set(_WORDS[kind])), None)


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


def _days(column: Column, options: ImportOptions) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(read_dates(column, frequency="irregular", order=options.dates).days).as_unit("ns")


def _held(name: str, weights: pd.DataFrame, traded: pd.DataFrame, value: pd.DataFrame, metal: str) -> Found:
    """Weights wanted where there was a trade; between trades they drift as in the account."""
    column = _one(list(map(str, weights)), metal, name)
    at = list(map(str, weights)).index(column)
    acted = traded.iloc[:, at].to_numpy() != 0
    acted[0] = True
    kept = _by_day(whole(pd.Series(np.where(acted, weights.iloc[:, at], np.nan), weights.index, name="weights")))
    own = _by_day(value.iloc[:, min(at, value.shape[1] - 1)]).pct_change().iloc[1:]
    words = (f"{name}: weights after the trades of {int(acted.sum()) - 1} bars, to {kept.index[-1]:%Y-%m-%d}",)
    return Found(name=name, kind="weights", weights=kept, returns=own, words=words)


def _backtesting(stats: pd.Series) -> Found:
    name = "backtesting.py stats"
    trades, equity = pd.DataFrame(stats["_trades"]), pd.DataFrame(stats["_equity_curve"])["Equity"]
    if trades.empty:
        raise ValidationError(f"{name}: no closed trade; run it with Backtest(…, finalize_trades=True)")
    begun, entries, exits = (_midnights(times) for times in (equity.index[:1], trades["EntryTime"], trades["ExitTime"]))
    sizes = (trades["Size"] * trades["EntryPrice"]).to_numpy() / equity.to_numpy()[trades["EntryBar"].to_numpy() - 1]
    changes = pd.Series(np.concatenate([[0.0], sizes, -sizes]), index=begun.append([entries, exits]))
    own = _by_day(equity)
    words = (f"{name}: {len(trades)} trades, each by its cost over the equity before it, to {own.index[-1]:%Y-%m-%d}",)
    returns, weights = own.pct_change().iloc[1:], weights_of_trades(changes)
    return Found(name=name, kind="trades", weights=weights, returns=returns, n_trades=len(trades), words=words)


def _midnights(moments: pd.Index | pd.Series) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(moments).as_unit("ns").normalize()


def _by_day(values: pd.Series) -> pd.Series:
    """The last value of each day."""
    return values.groupby(_midnights(values.index)).last()


def _one(names: list[str], metal: str, what: str) -> str:
    """The only name, or that of the metal."""
    if len(names) != 1 and metal not in names:
        raise ValidationError(
            f"{what}: holds {', '.join(names)}; bring one account, or call the one to judge {metal!r}"
        )
    return names[0] if len(names) == 1 else metal
