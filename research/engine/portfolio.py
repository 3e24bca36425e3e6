"""The engine of record: one cash-sharing vectorbt group of risky legs and bills.

A backtest of one metal has the one leg ``metal``. At every bar whose
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

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from research.datasets.market import Market
from research.engine._vectorbt import order_records, portfolio
from research.engine.legs import Legs
from research.engine.result import Backtest, PortfolioResult, Result
from research.errors import NoDecision, SignalError
from research.execution import Execution
from research.provenance import versions
from research.units import Floats

if TYPE_CHECKING:
    import vectorbt

CAPITAL = 100.0
BILLS = "bills"
_METAL = "metal"


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
    more = dict(provenance or {})
    own, more_data = {identity: dataset.sha256 for identity, dataset in market.datasets.items()}, more.pop("data", {})
    assert isinstance(more_data, Mapping)
    found = run_legs(
        weights.to_frame(_METAL),
        Legs.of(market, _METAL),
        execution.without(market.in_price),
        name=name,
        provenance={"data": {**own, **more_data}, **more},
    )
    return Result(
        metal=market.metal,
        metal_returns=found.leg_returns[_METAL].rename("metal_returns"),
        target_weights=found.target_weights[_METAL].rename("target_weight"),
        weights=found.leg_weights[_METAL].rename("weight"),
        **{part.name: vars(found)[part.name] for part in fields(Backtest)},
    )


def run_legs(
    weights: pd.DataFrame,
    legs: Legs,
    execution: Execution,
    *,
    name: str,
    provenance: Mapping[str, object] | None = None,
) -> PortfolioResult:
    """Backtest decided target weights of several legs in one account.

    Parameters
    ----------
    weights
        Decided at each bar of ``legs.price.index``, one column a leg; a row is numbers or NaN (keep) throughout.
        Filled ``execution.delay`` bars later.

    Raises
    ------
    SignalError
        If the weights are not on the calendar or the columns of ``legs``, or a row is only partly known.
    NoDecision
        If they are never a number, or the delay leaves no bar to earn on.
    """
    targets, here = _filled(weights, legs, execution.delay, name)
    dates, columns = here.price.index, here.price.columns
    index, carry = here.index(targets, execution)
    records = order_records(targets.to_numpy(), index, here.bills, here.terms(execution), CAPITAL)
    equity, units = _ledger(records, index, here.bills)
    ruined = np.flatnonzero(equity <= 0).tolist()
    closed = ruined[0] if ruined else None
    if closed is not None:  # nothing is left: a lender closes the account
        equity[closed:], units[closed:], records = 0.0, 0.0, records[records["idx"] < closed]
    before = np.concatenate([[CAPITAL], equity[:-1]])
    alive = before > 0
    value = np.where(alive, before, 1.0)
    growth = np.where(alive, equity / value, 1.0)
    growth[1] *= growth[0]
    amounts = _costs(records, index, carry, units)
    return PortfolioResult(
        name=name,
        capital=CAPITAL,
        equity=pd.Series(equity, index=dates, name="equity"),
        returns=pd.Series(growth[1:] - 1, index=dates[1:], name="returns"),
        bill_returns=here.bill_accrual.iloc[1:].rename("bill_returns"),
        orders=_orders(records, dates, columns),
        costs=pd.DataFrame({kind: amount / value for kind, amount in amounts.items()}, index=dates),
        execution=execution,
        periods_per_year=here.periods_per_year,
        averaged=here.averaged,
        closed=None if closed is None else pd.Timestamp(dates[closed]),
        provenance={"versions": versions(), "execution": asdict(execution), "data": {}, **(provenance or {})},
        leg_returns=pd.DataFrame(here.growth(execution)[1:] - 1, index=dates[1:], columns=columns),
        target_weights=targets,
        leg_weights=pd.DataFrame(
            units * index / np.where(equity > 0, equity, 1.0)[:, None], index=dates, columns=columns
        ),
    )


def simulated(weights: pd.Series, market: Market, execution: Execution, *, name: str) -> vectorbt.Portfolio:
    """The vectorbt Portfolio behind ``run``, of the same arguments.

    One cash-sharing group of the columns ``metal`` and ``bills``; prices are total-return indices that start at 1.
    Its ``value()`` is the account's equity, but for an account that lost everything: vectorbt trades on where a lender
    closes. Its own annualised figures take a bar for a day; ask the trial for those.
    """
    execution = execution.without(market.in_price)
    targets, here = _filled(weights.to_frame(_METAL), Legs.of(market, _METAL), execution.delay, name)
    return portfolio(targets, here.index(targets, execution)[0], here.bills, here.terms(execution), CAPITAL)


def _filled(weights: pd.DataFrame, legs: Legs, delay: int, name: str) -> tuple[pd.DataFrame, Legs]:
    """Target weights at the bars at which they are filled, and the legs, from the first fill on."""
    if not weights.columns.equals(legs.price.columns):
        raise SignalError(
            f"{name}: weights of {', '.join(map(str, weights))}; the legs are {', '.join(map(str, legs.price))}"
        )
    if not weights.index.equals(legs.price.index):
        raise SignalError(f"{name}: weights are not on the market's calendar; use .reindex(panel.index)")
    known = ~np.isnan(weights.to_numpy(dtype=float))
    decides = known.any(axis=1)
    if (partly := decides & ~known.all(axis=1)).any():
        day = weights.index[partly][0]
        raise SignalError(f"{name}: some weights of {day:%Y-%m-%d} are NaN and some not; decide all legs or none")
    if not decides.any():
        raise NoDecision(f"{name}: every weight is NaN, so nothing is ever traded")
    fills = np.flatnonzero(decides) + delay
    if fills[0] >= len(weights) - 1:
        decided = pd.Timestamp(weights.index[decides][0])
        raise NoDecision(
            f"{name}: decides first at {decided:%Y-%m-%d}; {delay} bars of delay leave "
            f"nothing to earn before {weights.index[-1]:%Y-%m-%d}; use a longer history"
        )
    targets = weights.shift(delay).iloc[fills[0] :]
    return targets, legs.since(pd.Timestamp(targets.index[0]))


def _costs(records: np.ndarray, index: Floats, carry: Floats, units: Floats) -> dict[str, Floats]:
    """Money that each kind of cost took at each bar."""
    held = np.concatenate([np.zeros((1, units.shape[1])), units[:-1]])
    carried = np.abs(held) * index / (1 + carry) * np.abs(carry)
    orders = records[records["col"] < units.shape[1]]
    slipped = orders["size"] * np.abs(orders["price"] - index[orders["idx"], orders["col"]])
    return {
        "fees": _per_bar(orders["idx"], orders["fees"], len(index)),
        "slippage": _per_bar(orders["idx"], slipped, len(index)),
        "storage": np.where(held > 0, carried, 0.0).sum(axis=1),
        "borrow": np.where(held < 0, carried, 0.0).sum(axis=1),
    }


def _ledger(records: np.ndarray, index: np.ndarray, bills: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Equity, and units of each leg after each bar's orders, from vectorbt's order records.

    ``equity = cash + sum of units of legs * their indices + units of bills * bills``. It is what ``Portfolio.value()``
    holds, without the two dozen wrapped frames on the way there.
    """
    signed = np.where(records["side"] == 0, records["size"], -records["size"])
    n_bars, n_legs = index.shape
    paid = np.cumsum(_per_bar(records["idx"], signed * records["price"] + records["fees"], n_bars))
    bought = np.zeros((n_bars, n_legs + 1))
    np.add.at(bought, (records["idx"], records["col"]), signed)
    held = np.cumsum(bought, axis=0)
    units = held[:, :n_legs]
    return CAPITAL - paid + (units * index).sum(axis=1) + held[:, n_legs] * bills, units


def _per_bar(bars: np.ndarray, amounts: np.ndarray, n_bars: int) -> np.ndarray:
    return np.bincount(bars, weights=amounts, minlength=n_bars)


def _orders(records: np.ndarray, dates: pd.Index, columns: pd.Index) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "date": dates[records["idx"]],
            "column": np.array([*columns, BILLS], dtype=object)[records["col"]],
            "side": np.where(records["side"] == 0, "buy", "sell"),
            "size": records["size"],
            "price": records["price"],
            "fees": records["fees"],
        }
    )
