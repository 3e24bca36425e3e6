"""Result: one backtest, frozen, with the provenance of everything that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from research.execution import Execution


@dataclass(frozen=True, kw_only=True)
class Result:
    """The ledger of one account from its first fill to the last bar.

    ``equity``, ``target_weights``, ``weights`` and ``costs`` are indexed by the bars from the first
    fill on; ``returns``, ``metal_returns`` and ``bill_returns`` by the bars after it.

    Attributes
    ----------
    name, metal
        What was run, on which metal.
    capital
        What the account starts with.
    equity
        Value of the account at each bar's price, after costs.
    returns
        Return of each bar; the first also bears the cost of the first fill, so that
        ``(1 + returns).prod() == equity[-1] / capital``.
    metal_returns
        Total return of the metal held long: price less storage.
    bill_returns
        Return of bills over the same bar.
    target_weights
        Weights asked for at each fill bar (decided ``delay`` bars before); NaN keeps.
    weights
        Weight of metal held after the trade of each bar.
    orders
        One row per order: date, column, side, size, price, fees; prices are those of the
        total-return indices, which start at 1.
    costs
        Fees, slippage, storage and borrow at each bar, as fractions of the value before it.
    closed
        The bar at which the account had lost everything and was closed, or ``None``.
    """

    name: str
    metal: str
    capital: float
    equity: pd.Series
    returns: pd.Series
    metal_returns: pd.Series
    bill_returns: pd.Series
    target_weights: pd.Series
    weights: pd.Series
    orders: pd.DataFrame
    costs: pd.DataFrame
    execution: Execution
    periods_per_year: int
    averaged: bool
    closed: pd.Timestamp | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def first_fill(self) -> pd.Timestamp:
        """Date of the first fill."""
        return pd.Timestamp(self.equity.index[0])

    @property
    def excess_returns(self) -> pd.Series:
        """Returns less the bills' return of the same bar."""
        return (self.returns - self.bill_returns).rename("excess_returns")

    @property
    def metal_excess_returns(self) -> pd.Series:
        """The metal's total return less the bills' return of the same bar."""
        return (self.metal_returns - self.bill_returns).rename("metal_excess_returns")
