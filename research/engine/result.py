"""Result: one backtest, frozen, with the provenance of everything that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from research.execution import Execution
from research.values import frozen


@dataclass(frozen=True, kw_only=True, eq=False)
class Backtest:
    """What every backtest has: one account from its first fill to the last bar.

    Nothing in it can be changed: what is asked for is a copy-on-write copy, which shares its numbers until it is
    written into. ``equity``, ``costs`` and weights are indexed by the bars from the first fill on; returns by the bars
    after it.

    Attributes
    ----------
    name
        What was run.
    capital
        What the account starts with.
    equity
        Value of the account at each bar's price, after costs.
    returns
        Return of each bar; the first also bears the cost of the first fill, so that
        ``(1 + returns).prod() == equity[-1] / capital``.
    bill_returns
        Return of bills over the same bar.
    orders
        One row per order: date, column, side, size, price, fees; prices are those of the
        total-return indices, which start at 1.
    costs
        Fees, slippage, storage and borrow at each bar, as fractions of the value before it.
    periods_per_year
        Bars a year.
    averaged
        Whether prices are averages over each bar.
    closed
        The bar at which the account had lost everything and was closed, or ``None``.
    provenance
        What made it: ``data`` (SHA-256 by dataset id), ``execution`` and ``versions``; for a
        strategy also ``strategy``, ``source`` (``research.provenance.identity``), ``metal`` and ``parameters``.
    """

    name: str
    capital: float
    equity: pd.Series
    returns: pd.Series
    bill_returns: pd.Series
    orders: pd.DataFrame
    costs: pd.DataFrame
    execution: Execution
    periods_per_year: int
    averaged: bool
    closed: pd.Timestamp | None = None
    provenance: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, Mapping):
                object.__setattr__(self, name, frozen(value))
            elif isinstance(value, pd.Series | pd.DataFrame):
                object.__setattr__(self, name, value.copy(deep=False))  # whoever writes into either copies first

    def __getattribute__(self, name: str) -> object:
        value = object.__getattribute__(self, name)
        return value.copy(deep=False) if isinstance(value, pd.Series | pd.DataFrame) else value

    @property
    def first_fill(self) -> pd.Timestamp:
        """Date of the first fill."""
        return pd.Timestamp(self.equity.index[0])

    @property
    def ruin(self) -> str:
        """In words, when the account lost everything; empty if it never did."""
        return "" if self.closed is None else f"lost everything by {self.closed:%Y-%m-%d}; the account was closed"

    @property
    def excess_returns(self) -> pd.Series:
        """Returns less the bills' return of the same bar."""
        return (self.returns - self.bill_returns).rename("excess_returns")


@dataclass(frozen=True, kw_only=True, eq=False)
class Result(Backtest):
    """The account of one metal and bills.

    Attributes
    ----------
    metal
        Which.
    metal_returns
        Total return of the metal held long: price less storage.
    target_weights
        Weights asked for at each fill bar (decided ``delay`` bars before); NaN keeps.
    weights
        Weight of metal held after the trade of each bar.
    """

    metal: str
    metal_returns: pd.Series
    target_weights: pd.Series
    weights: pd.Series

    @property
    def metal_excess_returns(self) -> pd.Series:
        """The metal's total return less the bills' return of the same bar."""
        return (self.metal_returns - self.bill_returns).rename("metal_excess_returns")


@dataclass(frozen=True, kw_only=True, eq=False)
class PortfolioResult(Backtest):
    """The account of several legs and bills.

    Attributes
    ----------
    leg_returns
        Total return of each leg held long: price less storage; one column a leg.
    target_weights
        Weights asked for at each fill bar (decided ``delay`` bars before), one column a leg.
    leg_weights
        Weight of each leg held after the trade of each bar.
    """

    leg_returns: pd.DataFrame
    target_weights: pd.DataFrame
    leg_weights: pd.DataFrame

    @property
    def weights(self) -> pd.Series:
        """Weight of all legs together after the trade of each bar; the rest is bills."""
        return self.leg_weights.sum(axis=1).rename("weight")

    @property
    def leg_excess_returns(self) -> pd.DataFrame:
        """Each leg's total return less the bills' return of the same bar."""
        return self.leg_returns.sub(self.bill_returns, axis=0)
