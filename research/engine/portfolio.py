"""The engine of record: one cash-sharing vectorbt group of two columns, metal and bills.

At every bar whose target weight ``w`` is a number, the account is rebalanced to ``w`` of its value in
metal and ``1 - w`` in bills; a NaN target keeps the units as they are. Sales go first, and a
purchase is cut to the cash at hand, so costs are paid out of what is bought. Fees and slippage
fall on the metal; bills trade free.

The metal's column is a total-return index of holding it the way the account does::

    index[t] = index[t-1] * P[t] / P[t-1] * (1 - storage * dt)     held long
    index[t] = index[t-1] * P[t] / P[t-1] * (1 + borrow * dt)      held short
    bills[t] = bills[t-1] * (1 + accrual[t])

The side held is that of the last fill; ``dt`` is calendar days over 365.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from research.datasets.market import Market
from research.engine.result import Result
from research.errors import NoDecision, SignalError
from research.execution import Execution

CAPITAL = 100.0


def run(
    weights: pd.Series,
    market: Market,
    execution: Execution,
    *,
    name: str,
    provenance: Mapping[str, Any] | None = None,
) -> Result:
    """Backtest decided target weights.

    Parameters
    ----------
    weights
        Decided at each bar of ``market.price.index``; they are filled ``execution.delay`` bars later,
        and here is the only place where that delay is applied.

    Raises
    ------
    SignalError
        If the weights are not on the market's index.
    NoDecision
        If they are never a number, or the delay leaves no bar to earn on.
    """
    if not weights.index.equals(market.price.index):
        raise SignalError(f"{name}: weights are not on the market's calendar; use .reindex(panel.index)")
    if weights.isna().all():
        raise NoDecision(f"{name}: every weight is NaN, so nothing is ever traded")
    filled = weights.shift(execution.delay)
    if filled.iloc[:-1].isna().all():
        decided = pd.Timestamp(weights.dropna().index[0])
        raise NoDecision(
            f"{name}: decides first at {decided:%Y-%m-%d}; {execution.delay} bars of delay leave "
            f"nothing to earn before {weights.index[-1]:%Y-%m-%d}; use a longer history"
        )
    first = pd.Timestamp(filled.dropna().index[0])
    targets = filled.loc[first:]
    here = market.since(first)
    carry = _carry(targets, here, execution)
    index = _total_return_index(here.price, carry)
    bills = np.cumprod(1 + here.bill_accrual.to_numpy())
    portfolio = _vectorbt(targets.to_numpy(), index, bills, here.price.index, execution)
    return _result(name, portfolio, targets, index, carry, here, execution, provenance or {})


def _carry(targets: pd.Series, market: Market, execution: Execution) -> np.ndarray:
    """Carry of the metal from the previous bar to this one, by the side held in between."""
    side = np.sign(targets.ffill().shift(1).fillna(0).to_numpy())
    years = market.year_fraction.to_numpy()
    return np.where(side > 0, -execution.storage * years, np.where(side < 0, execution.borrow * years, 0.0))


def _total_return_index(price: pd.Series, carry: np.ndarray) -> np.ndarray:
    relative = price.to_numpy() / price.iloc[0]
    return np.asarray(relative * np.cumprod(1 + carry))


def _vectorbt(targets: np.ndarray, metal: np.ndarray, bills: np.ndarray, index: pd.Index, execution: Execution) -> Any:
    import vectorbt as vbt

    columns = ["metal", "bills"]
    return vbt.Portfolio.from_orders(
        pd.DataFrame(np.column_stack([metal, bills]), index=index, columns=columns),
        size=np.column_stack([targets, 1 - targets]),
        size_type="targetpercent",
        fees=np.array([[execution.fees, 0.0]]),
        slippage=np.array([[execution.slippage, 0.0]]),
        init_cash=CAPITAL,
        cash_sharing=True,
        group_by=True,
        call_seq="auto",
        freq="1D",  # vectorbt's own annualisation is never used
        engine="rust",
    )


def _result(
    name: str,
    portfolio: Any,
    targets: pd.Series,
    index: np.ndarray,
    carry: np.ndarray,
    market: Market,
    execution: Execution,
    provenance: Mapping[str, Any],
) -> Result:
    dates = market.price.index
    records = portfolio.order_records
    bills = np.cumprod(1 + market.bill_accrual.to_numpy())
    equity, units = _ledger(records, index, bills)
    closed = _close_when_ruined(equity, units)
    if closed is not None:
        records = records[records["idx"] < closed]
    before = np.concatenate([[CAPITAL], equity[:-1]])
    held = np.concatenate([[0.0], units[:-1]])
    carried = np.abs(held) * index / (1 + carry) * np.abs(carry)
    orders = records[records["col"] == 0]
    slipped = orders["size"] * np.abs(orders["price"] - index[orders["idx"]])
    amounts = {
        "fees": _per_bar(orders["idx"], orders["fees"], len(dates)),
        "slippage": _per_bar(orders["idx"], slipped, len(dates)),
        "storage": np.where(held > 0, carried, 0.0),
        "borrow": np.where(held < 0, carried, 0.0),
    }
    alive = before > 0
    value = np.where(alive, before, 1.0)
    growth = np.where(alive, equity / value, 1.0)
    growth[1] *= growth[0]
    long_carry = 1 - execution.storage * market.year_fraction.to_numpy()
    metal_growth = market.price.to_numpy()[1:] / market.price.to_numpy()[:-1] * long_carry[1:]
    return Result(
        name=name,
        metal=market.metal,
        capital=CAPITAL,
        equity=pd.Series(equity, index=dates, name="equity"),
        returns=pd.Series(growth[1:] - 1, index=dates[1:], name="returns"),
        metal_returns=pd.Series(metal_growth - 1, index=dates[1:], name="metal_returns"),
        bill_returns=market.bill_accrual.iloc[1:].rename("bill_returns"),
        target_weights=targets.rename("target_weight"),
        weights=pd.Series(units * index / np.where(equity > 0, equity, 1.0), index=dates, name="weight"),
        orders=_orders(records, dates),
        costs=pd.DataFrame({kind: amount / value for kind, amount in amounts.items()}, index=dates),
        execution=execution,
        periods_per_year=market.periods_per_year,
        averaged=market.averaged,
        closed=None if closed is None else pd.Timestamp(dates[closed]),
        provenance=dict(provenance),
    )


def _ledger(records: np.ndarray, metal: np.ndarray, bills: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Equity and units of metal after each bar's orders, from vectorbt's order records.

    ``equity = cash + units of metal * metal + units of bills * bills``. It is what ``Portfolio.value()`` holds,
    without the two dozen wrapped frames on the way there.
    """
    signed = np.where(records["side"] == 0, records["size"], -records["size"])
    n_bars = len(metal)
    paid = np.cumsum(_per_bar(records["idx"], signed * records["price"] + records["fees"], n_bars))
    held = [
        np.cumsum(_per_bar(records["idx"][records["col"] == column], signed[records["col"] == column], n_bars))
        for column in (0, 1)
    ]
    return CAPITAL - paid + held[0] * metal + held[1] * bills, held[0]


def _close_when_ruined(equity: np.ndarray, units: np.ndarray) -> int | None:
    """Set everything to 0 from the first bar at which nothing is left; a lender closes the account."""
    ruined = np.flatnonzero(equity <= 0)
    if not len(ruined):
        return None
    equity[ruined[0] :] = 0.0
    units[ruined[0] :] = 0.0
    return int(ruined[0])


def _per_bar(bars: np.ndarray, amounts: np.ndarray, n_bars: int) -> np.ndarray:
    return np.bincount(bars, weights=amounts, minlength=n_bars)


def _orders(records: np.ndarray, dates: pd.Index) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "date": dates[records["idx"]],
            "column": np.where(records["col"] == 0, "metal", "bills"),
            "side": np.where(records["side"] == 0, "buy", "sell"),
            "size": records["size"],
            "price": records["price"],
            "fees": records["fees"],
        }
    )
