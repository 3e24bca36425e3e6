"""Results of other libraries, known by what they hold: none of them is imported.

- a vectorbt ``Portfolio``: what the metal was of its value after the orders of each bar that has any;
- what backtesting.py's ``Backtest.run`` returns: its trades, each by its cost over the equity before it;
- a result of bt: the security's weight on each day on which its position changed;
- a pandas Series or table: as a file (a return Series of quantstats is one).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd

from research.brought.reading import Found, read_table, weights_of_trades, whole
from research.datasets.importing import ImportOptions
from research.datasets.importing.files import read_sheet, sheet_of
from research.errors import ValidationError

Table = pd.Series | pd.DataFrame


@runtime_checkable
class _Vectorbt(Protocol):
    def asset_flow(self) -> Table: ...
    def asset_value(self, *, group_by: bool) -> Table: ...
    def value(self) -> Table: ...


class _BtBacktest(Protocol):
    positions: pd.DataFrame
    security_weights: pd.DataFrame


@runtime_checkable
class _Bt(Protocol):
    backtests: Mapping[str, _BtBacktest]
    prices: pd.DataFrame


def read(brought: object, kind: str | None, options: ImportOptions, metal: str) -> Found:
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
    if isinstance(brought, _Bt):
        account = _one(list(brought.backtests), metal, "bt result")
        found = brought.backtests[account]
        return _held(
            "bt result", found.security_weights, found.positions.diff().fillna(0.0), brought.prices[[account]], metal
        )
    if isinstance(brought, _Vectorbt):
        assets, flow = pd.DataFrame(brought.asset_value(group_by=False)), pd.DataFrame(brought.asset_flow())
        value = pd.DataFrame(brought.value())
        weights = assets / value if list(value) == list(assets) else assets.div(value.iloc[:, 0], axis=0)
        return _held("vectorbt Portfolio", weights, flow, value, metal)
    raise ValidationError(
        f"{type(brought).__name__}: no results that can be judged; bring a file, a Series of weights or returns, a "
        "table of trades, or what vectorbt, backtesting.py or bt returned"
    )


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
    begun, entries, exits = (_days(moments) for moments in (equity.index[:1], trades["EntryTime"], trades["ExitTime"]))
    sizes = (trades["Size"] * trades["EntryPrice"]).to_numpy() / equity.to_numpy()[trades["EntryBar"].to_numpy() - 1]
    changes = pd.Series(np.concatenate([[0.0], sizes, -sizes]), index=begun.append([entries, exits]))
    own = _by_day(equity)
    words = (f"{name}: {len(trades)} trades, each by its cost over the equity before it, to {own.index[-1]:%Y-%m-%d}",)
    returns, weights = own.pct_change().iloc[1:], weights_of_trades(changes)
    return Found(name=name, kind="trades", weights=weights, returns=returns, n_trades=len(trades), words=words)


def _days(moments: pd.Index | pd.Series) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(moments).as_unit("ns").normalize()


def _by_day(values: pd.Series) -> pd.Series:
    """The last value of each day."""
    return values.groupby(_days(values.index)).last()


def _one(names: list[str], metal: str, what: str) -> str:
    """The only name, or that of the metal."""
    if len(names) != 1 and metal not in names:
        raise ValidationError(
            f"{what}: holds {', '.join(names)}; bring one account, or call the one to judge {metal!r}"
        )
    return names[0] if len(names) == 1 else metal
