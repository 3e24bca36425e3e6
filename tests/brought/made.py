"""Weights, packs and outputs that the tests of the room share."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from research import strategy

OUTPUTS = Path(__file__).parent / "outputs"


@strategy(claim="It rises on.", metal="gold", inputs={"price": "{metal}_price"}, expected_sign=+1)
def rising(panel):
    """Metal above its price of six bars before."""
    before = panel["price"].shift(6)
    return (panel["price"] > before).astype(float).where(before.notna())


def backtesting_stats():
    """What backtesting.py returned, as far as it is looked at."""
    trades = pd.read_csv(OUTPUTS / "backtesting_trades.csv", parse_dates=["EntryTime", "ExitTime"])
    curve = pd.read_csv(OUTPUTS / "backtesting_equity.csv", index_col="date", parse_dates=True)
    return pd.Series({"Sharpe Ratio": 0.1, "_trades": trades, "_equity_curve": curve})


def bt_result(*names: str):
    """What bt returned, likewise, of so many accounts."""
    table = pd.read_csv(OUTPUTS / "bt.csv", index_col="date", parse_dates=True)
    made = SimpleNamespace(
        positions=table[["positions"]].set_axis(["gold"], axis=1),
        security_weights=table[["security_weights"]].set_axis(["gold"], axis=1),
    )
    names = names or ("cross",)
    prices = pd.DataFrame(dict.fromkeys(names, table["prices"])).dropna()
    return SimpleNamespace(backtests=dict.fromkeys(names, made), prices=prices)


def vectorbt_like(price: pd.Series, held: pd.Series, columns: tuple[str, ...] = ("gold",)):
    """An account that is in or out without costs, as a vectorbt Portfolio tells it."""
    units, value, values = 0.0, 100.0, []
    for at, (now, wanted) in enumerate(zip(price, held, strict=True)):
        value += units * (now - price.iloc[at - 1]) if at else 0.0
        units = (units or value / now) if wanted else 0.0
        values.append((units, value))
    table = pd.DataFrame(values, index=price.index, columns=["units", "value"])

    def wide(series: pd.Series):
        return pd.DataFrame(dict.fromkeys(columns, series)) if len(columns) > 1 else series

    return SimpleNamespace(
        asset_flow=lambda: wide(table["units"].diff().fillna(table["units"])),
        asset_value=lambda *, group_by: wide(table["units"] * price),
        value=lambda: wide(table["value"]),
    )


def above_its_mean(price: pd.Series) -> pd.Series:
    """The rule of the outputs."""
    return (price > price.rolling(20).mean()).astype(float)


def written(folder: Path, text: str, name: str = "mine.csv") -> Path:
    """A file with this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def column(name: str, values, first: str = "2010-01-31", freq: str = "ME") -> str:
    """A CSV of dates and one column."""
    dates = pd.date_range(first, periods=len(values), freq=freq).strftime("%Y-%m-%d")
    return f"date,{name}\n" + "".join(f"{day},{value}\n" for day, value in zip(dates, values, strict=True))


def noise(n: int, scale: float = 0.04, seed: int = 1) -> np.ndarray:
    """Returns of nothing."""
    return np.random.default_rng(seed).normal(0, scale, n).round(6)
