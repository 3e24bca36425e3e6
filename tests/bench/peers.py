"""The same accounts kept by others: each function runs a whole history and returns the equity path from a capital of 1.

Two accounts are used. *Metal and bills* is assay's own: weights ``w`` and ``1 - w``, NaN = keep the units, sales first,
fees and slippage on the metal. *Long or flat* is what event-driven libraries can express too: everything in the metal
or everything in cash that earns nothing, filled at the close, a fee on the amount traded and no slippage.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

CAPITAL = 1e12  # backtesting.py trades whole units only; with many of them rounding is under 1e-9
DAYS = {"start": "1990-01-01", "freq": "D"}


def pandas_loop(close: pd.DataFrame, weights: pd.DataFrame, fees: float, slippage: float) -> np.ndarray:
    """Metal and bills, a row at a time. Columns of both frames: metal, bills; a NaN weight keeps the units."""
    cash, units, equity = 1.0, {"metal": 0.0, "bills": 0.0}, []
    cost = {"metal": (fees, slippage), "bills": (0.0, 0.0)}
    for (_, price), (_, weight) in zip(close.iterrows(), weights.iterrows(), strict=True):
        if not np.isnan(weight["metal"]):
            value = cash + sum(units[name] * price[name] for name in units)
            orders = {name: weight[name] * value - units[name] * price[name] for name in units}
            for name in sorted(orders, key=orders.__getitem__):
                fee, slip = cost[name]
                if orders[name] < 0:
                    quantity, paid = orders[name] / price[name], price[name] * (1 - slip) * (1 - fee)
                else:
                    paid = price[name] * (1 + slip) * (1 + fee)
                    quantity = min(orders[name] / price[name], cash / paid)
                cash -= quantity * paid
                units[name] += quantity
        equity.append(cash + sum(units[name] * price[name] for name in units))
    return np.array(equity)


def backtesting_py(price: np.ndarray, filled: np.ndarray, fees: float) -> Callable[[], np.ndarray]:
    """Long or flat in backtesting.py."""
    from backtesting import Backtest, Strategy, backtesting

    backtesting._tqdm = lambda bars, **_: bars  # its progress bar would be timed and printed

    class Follow(Strategy):
        def init(self) -> None:
            pass

        def next(self) -> None:
            weight = filled[len(self.data) - 1]
            if weight == 1 and not self.position:
                self.buy()
            elif weight == 0 and self.position:
                self.position.close()

    bars = ohlc(price)

    def run() -> np.ndarray:
        test = Backtest(bars, Follow, cash=CAPITAL, commission=fees, trade_on_close=True)
        return test.run()["_equity_curve"]["Equity"].to_numpy() / CAPITAL

    return run


def backtrader(price: np.ndarray, filled: np.ndarray, fees: float) -> Callable[[], np.ndarray]:
    """Long or flat in backtrader, orders filled at the close of the bar that gives them."""
    import backtrader as bt

    class Follow(bt.Strategy):
        def __init__(self) -> None:
            self.equity: list[float] = []

        def next(self) -> None:
            self.equity.append(self.broker.getvalue())
            weight = filled[len(self) - 1]
            if weight == 1 and not self.position.size:
                units = self.broker.getcash() / (self.data.close[0] * (1 + fees))
                self.buy(size=units * (1 - 1e-12))  # an order that rounds to more than the cash is refused
            elif weight == 0 and self.position.size:
                self.close()

    bars = ohlc(price)

    def run() -> np.ndarray:
        brain = bt.Cerebro(stdstats=False)
        brain.adddata(bt.feeds.PandasData(dataname=bars))
        brain.addstrategy(Follow)
        brain.broker.setcash(CAPITAL)
        brain.broker.setcommission(commission=fees)
        brain.broker.set_coc(True)
        return np.array(brain.run()[0].equity) / CAPITAL

    return run


def bt(price: np.ndarray, filled: np.ndarray, fees: float) -> Callable[[], np.ndarray]:
    """Long or flat in bt."""
    import bt as library

    days = pd.date_range(periods=len(price), **DAYS)
    close = pd.DataFrame({"metal": price}, index=days)
    weights = pd.DataFrame({"metal": filled}, index=days).dropna()

    def run() -> np.ndarray:
        follow = library.Strategy("follow", [library.algos.WeighTarget(weights), library.algos.Rebalance()])
        test = library.Backtest(
            follow,
            close,
            initial_capital=1000.0,
            commissions=lambda quantity, at: abs(quantity) * at * fees,
            integer_positions=False,
            progress_bar=False,
        )
        test.run()
        return test.strategy.values.to_numpy()[1:] / 1000.0

    return run


def pybroker(price: np.ndarray, filled: np.ndarray, fees: float) -> Callable[[], np.ndarray]:
    """Long or flat in PyBroker.

    It sizes an order at the close before the fill and lets fees make the cash negative, so the number of units is
    reckoned beforehand, and it is handed over as an order of that size.
    """
    import pybroker as library

    library.disable_logging()
    library.disable_progress_bar()
    library.param("units", units_bought(price, filled, fees))
    bars = ohlc(price).rename(columns=str.lower).rename_axis("date").reset_index().assign(symbol="metal")

    def follow(ctx: Any) -> None:
        bar = ctx.bars
        weight = filled[bar] if bar < len(filled) else np.nan  # decided here, filled at the next close
        if weight == 1 and not ctx.long_pos():
            ctx.buy_shares = library.param("units")[bar]
            ctx.buy_fill_price = library.PriceType.CLOSE
        elif weight == 0 and ctx.long_pos():
            ctx.sell_all_shares()
            ctx.sell_fill_price = library.PriceType.CLOSE

    config = library.StrategyConfig(
        initial_cash=CAPITAL,
        fee_mode=library.FeeMode.ORDER_PERCENT,
        fee_amount=100 * fees,
        enable_fractional_shares=True,
        round_fill_price=False,
        round_test_result=False,
    )

    def run() -> np.ndarray:
        test = library.Strategy(bars, bars["date"].iloc[0], bars["date"].iloc[-1], config)
        test.add_execution(follow, ["metal"])
        result = test.backtest(calc_bootstrap=False)
        return result.portfolio["market_value"].to_numpy(dtype=float) / CAPITAL

    return run


PEERS = {
    "backtesting.py": ("backtesting", backtesting_py),
    "backtrader": ("backtrader", backtrader),
    "bt": ("bt", bt),
    "PyBroker": ("lib-pybroker", pybroker),
}


def units_bought(price: np.ndarray, filled: np.ndarray, fees: float) -> np.ndarray:
    """Units bought at each bar by the long-or-flat account, 0 where nothing is bought."""
    cash, units, bought = CAPITAL, 0.0, np.zeros(len(price))
    for bar, weight in enumerate(filled):
        if weight == 1 and units == 0:
            bought[bar] = units = cash / (price[bar] * (1 + fees))
            cash = 0.0
        elif weight == 0 and units > 0:
            cash, units = units * price[bar] * (1 - fees), 0.0
    return bought


def ohlc(price: np.ndarray) -> pd.DataFrame:
    """Bars whose four prices are the close."""
    days = pd.date_range(periods=len(price), **DAYS)
    return pd.DataFrame({"Open": price, "High": price, "Low": price, "Close": price, "Volume": 1e18}, index=days)
