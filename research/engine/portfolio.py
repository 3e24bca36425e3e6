"""The engine of record: one cash-sharing vectorbt group of risky legs and bills.

A backtest of one metal has the one leg ``metal``; ``research.engine.legs`` holds several. At every bar whose
target weights ``w`` are numbers, the account is rebalanced to ``w`` of its value in the legs and ``1 - sum(w)`` in
bills; NaN targets keep the units as they are. Sales go first, and a purchase is cut to the cash at hand, so costs are
paid out of what is bought. Fees and slippage fall on the legs; bills trade free.

A leg's column is a total-return index of holding it the way the account does::

    index[t] = index[t-1] * P[t] / P[t-1] * (1 - storage * dt)     held long
    index[t] = index[t-1] * P[t] / P[t-1] * (1 + borrow * dt)      held short
    bills[t] = bills[t-1] * (1 + accrual[t])

The side held is that of the last fill; ``dt`` is calendar days over 365.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from research.datasets.dataset import Dataset
from research.datasets.market import Market
from research.engine._vectorbt import order_records, portfolio
from research.engine.result import Result
from research.errors import NoDecision, SignalError
from research.execution import Execution
from research.provenance import versions

if TYPE_CHECKING:
    import vectorbt

CAPITAL = 100.0
BILLS = "bills"


def run(
    weights: pd.Series,
    market: Market,
    execution: Execution,
    *,
    name: str,
    provenance: Mapping[str, object] | None = None,
) -> Result:
    """Backtest decided target weights of one metal.

    Parameters
    ----------
    provenance
        Whatever else made the weights; under ``data`` the hashes of their inputs.
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
    execution = execution.without(market.in_price)
    targets = filled(weights.to_frame("metal"), market.price.index, execution.delay, name)
    here = market.since(pd.Timestamp(targets.index[0]))
    kept = account(targets, here.price.to_frame("metal"), here.bill_accrual, [execution])
    long_carry = 1 - execution.storage * here.year_fraction.to_numpy()
    metal_growth = here.price.to_numpy()[1:] / here.price.to_numpy()[:-1] * long_carry[1:]
    dates = here.price.index
    return Result(
        metal=here.metal,
        metal_returns=pd.Series(metal_growth - 1, index=dates[1:], name="metal_returns"),
        target_weights=targets["metal"].rename("target_weight"),
        weights=kept.weights["metal"].rename("weight"),
        execution=execution,
        periods_per_year=here.periods_per_year,
        averaged=here.averaged,
        **kept.common(name, here.bill_accrual, made_by(execution, here.datasets, provenance)),
    )


def simulated(weights: pd.Series, market: Market, execution: Execution, *, name: str) -> vectorbt.Portfolio:
    """The vectorbt Portfolio behind ``run``, of the same arguments.

    One cash-sharing group of the columns ``metal`` and ``bills``; prices are total-return indices that start at 1.
    Its ``value()`` is the account's equity, but for an account that lost everything: vectorbt trades on where a lender
    closes. Its own annualised figures take a bar for a day; ask the trial for those.
    """
    execution = execution.without(market.in_price)
    targets = filled(weights.to_frame("metal"), market.price.index, execution.delay, name)
    here = market.since(pd.Timestamp(targets.index[0]))
    index = _total_return_index(here.price.to_frame("metal"), _carry(targets, here.price.index, [execution]))
    return portfolio(targets, index, np.cumprod(1 + here.bill_accrual.to_numpy()), [execution], CAPITAL)


def made_by(execution: Execution, datasets: Mapping[str, Dataset], more: Mapping[str, Any] | None) -> dict[str, Any]:
    """Provenance of a result: hashes of the data, the terms, versions, and what the caller knows besides."""
    more = dict(more or {})
    data = {identity: dataset.sha256 for identity, dataset in datasets.items()} | more.pop("data", {})
    return {**versions(), "execution": asdict(execution), "data": data, **more}


def filled(weights: pd.DataFrame, calendar: pd.Index, delay: int, name: str) -> pd.DataFrame:
    """Target weights at the bars at which they are filled, from the first one on.

    Raises
    ------
    SignalError, NoDecision
        As ``run``.
    """
    if not weights.index.equals(calendar):
        raise SignalError(f"{name}: weights are not on the market's calendar; use .reindex(panel.index)")
    decides = weights.notna().any(axis=1)
    if not decides.any():
        raise NoDecision(f"{name}: every weight is NaN, so nothing is ever traded")
    targets = weights.shift(delay)
    fills = targets.notna().any(axis=1)
    if not fills.iloc[:-1].any():
        decided = pd.Timestamp(weights.index[decides][0])
        raise NoDecision(
            f"{name}: decides first at {decided:%Y-%m-%d}; {delay} bars of delay leave "
            f"nothing to earn before {weights.index[-1]:%Y-%m-%d}; use a longer history"
        )
    return targets.loc[targets.index[fills][0] :]


@dataclass(frozen=True, kw_only=True)
class Account:
    """What vectorbt's orders did to one account; ``weights`` has one column a leg."""

    equity: pd.Series
    weights: pd.DataFrame
    orders: pd.DataFrame
    costs: pd.DataFrame
    returns: pd.Series
    closed: pd.Timestamp | None

    def common(self, name: str, bill_accrual: pd.Series, provenance: Mapping[str, object]) -> dict[str, Any]:
        """Fields that every result has."""
        return {
            "name": name,
            "capital": CAPITAL,
            "equity": self.equity,
            "returns": self.returns,
            "bill_returns": bill_accrual.iloc[1:].rename("bill_returns"),
            "orders": self.orders,
            "costs": self.costs,
            "closed": self.closed,
            "provenance": provenance,
        }


def account(targets: pd.DataFrame, price: pd.DataFrame, bill_accrual: pd.Series, terms: Sequence[Execution]) -> Account:
    """Run one account from its first fill on.

    Parameters
    ----------
    targets
        Weights wanted at each bar, one column a leg; a row is numbers or NaN throughout.
    price, bill_accrual
        On the same bars.
    terms
        What each leg costs, in the order of the columns; their delay has been applied.
    """
    dates = price.index
    carry = _carry(targets, dates, terms)
    index = _total_return_index(price, carry)
    bills = np.cumprod(1 + bill_accrual.to_numpy())
    records = order_records(targets.to_numpy(), index, bills, terms, CAPITAL)
    equity, units = _ledger(records, index, bills)
    closed = _close_when_ruined(equity, units)
    if closed is not None:
        records = records[records["idx"] < closed]
    before = np.concatenate([[CAPITAL], equity[:-1]])
    held = np.concatenate([np.zeros((1, units.shape[1])), units[:-1]])
    carried = np.abs(held) * index / (1 + carry) * np.abs(carry)
    orders = records[records["col"] < units.shape[1]]
    slipped = orders["size"] * np.abs(orders["price"] - index[orders["idx"], orders["col"]])
    amounts = {
        "fees": _per_bar(orders["idx"], orders["fees"], len(dates)),
        "slippage": _per_bar(orders["idx"], slipped, len(dates)),
        "storage": np.where(held > 0, carried, 0.0).sum(axis=1),
        "borrow": np.where(held < 0, carried, 0.0).sum(axis=1),
    }
    alive = before > 0
    value = np.where(alive, before, 1.0)
    growth = np.where(alive, equity / value, 1.0)
    growth[1] *= growth[0]
    weights = units * index / np.where(equity > 0, equity, 1.0)[:, None]
    return Account(
        equity=pd.Series(equity, index=dates, name="equity"),
        weights=pd.DataFrame(weights, index=dates, columns=price.columns),
        orders=_orders(records, dates, [*price.columns, BILLS]),
        costs=pd.DataFrame({kind: amount / value for kind, amount in amounts.items()}, index=dates),
        returns=pd.Series(growth[1:] - 1, index=dates[1:], name="returns"),
        closed=None if closed is None else pd.Timestamp(dates[closed]),
    )


def _carry(targets: pd.DataFrame, dates: pd.Index, terms: Sequence[Execution]) -> np.ndarray:
    """Carry of each leg from the previous bar to this one, by the side held in between."""
    side = np.sign(targets.ffill().shift(1).fillna(0).to_numpy())
    years = years_between(dates)[:, None]
    storage, borrow = (np.array([getattr(item, kind) for item in terms]) for kind in ("storage", "borrow"))
    return np.where(side > 0, -storage * years, np.where(side < 0, borrow * years, 0.0))


def years_between(dates: pd.Index) -> np.ndarray:
    """Calendar days since the bar before, over 365; 0 on the first bar."""
    days = np.diff(dates.to_numpy()) // np.timedelta64(1, "D")
    return np.concatenate([[0.0], days / 365.0])


def _total_return_index(price: pd.DataFrame, carry: np.ndarray) -> np.ndarray:
    relative = price.to_numpy() / price.to_numpy()[0]
    return np.asarray(relative * np.cumprod(1 + carry, axis=0))


def _ledger(records: np.ndarray, index: np.ndarray, bills: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Equity, and units of each leg after each bar's orders, from vectorbt's order records.

    ``equity = cash + sum of units of legs * their indices + units of bills * bills``. It is what ``Portfolio.value()``
    holds, without the two dozen wrapped frames on the way there.
    """
    signed = np.where(records["side"] == 0, records["size"], -records["size"])
    n_bars, n_legs = index.shape
    paid = np.cumsum(_per_bar(records["idx"], signed * records["price"] + records["fees"], n_bars))
    held = [
        np.cumsum(_per_bar(records["idx"][records["col"] == column], signed[records["col"] == column], n_bars))
        for column in range(n_legs + 1)
    ]
    units = np.column_stack(held[:n_legs])
    return CAPITAL - paid + (units * index).sum(axis=1) + held[n_legs] * bills, units


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


def _orders(records: np.ndarray, dates: pd.Index, columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "date": dates[records["idx"]],
            "column": np.array(columns, dtype=object)[records["col"]],
            "side": np.where(records["side"] == 0, "buy", "sell"),
            "size": records["size"],
            "price": records["price"],
            "fees": records["fees"],
        }
    )
