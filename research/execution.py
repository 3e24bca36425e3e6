"""What a decision costs and when it is filled: nothing here is hidden in the engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from math import isfinite
from typing import Any

from research.errors import ExecutionError


@dataclass(frozen=True, kw_only=True)
class Execution:
    """The terms on which every strategy and every benchmark trades.

    A decision at bar ``t`` is filled at the price of bar ``t + delay`` and earns from there on:
    the first return of a decision at ``t`` is ``P[t+delay+1] / P[t+delay] - 1``.

    Attributes
    ----------
    delay
        Bars between decision and fill, at least 1.
    fees
        Fraction of the traded metal's value, each way. Bills trade free of cost.
    slippage
        Fraction by which a fill is worse than the bar's price, each way.
    storage
        Fraction of the value held long, a year, for vault and insurance.
    borrow
        Fraction of the value held short, a year, paid to the lender of the metal.
    max_leverage
        Largest absolute target weight a strategy may ask for.

    Raises
    ------
    ExecutionError
        If a value is negative, not finite, or ``delay`` is under 1.
    """

    delay: int = 1
    fees: float = 0.001
    slippage: float = 0.0005
    storage: float = 0.0025
    borrow: float = 0.005
    max_leverage: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.delay, int) or isinstance(self.delay, bool) or self.delay < 1:
            raise ExecutionError(
                f"delay: {self.delay!r} bars would fill a decision at a price it was made from; use 1 or more"
            )
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            if not isfinite(value) or value < 0:
                raise ExecutionError(f"{field.name}: {value!r} is not a finite fraction of 0 or more")
        for name in ("fees", "slippage", "storage", "borrow"):
            if getattr(self, name) >= 1:
                raise ExecutionError(f"{name}: {getattr(self, name)!r} is a fraction: 0.001 is 0.1 %; use less than 1")
        if self.max_leverage == 0:
            raise ExecutionError("max_leverage: 0 forbids every position; use 1 for an unlevered account")

    def without(self, costs: Iterable[str]) -> Execution:
        """The same terms without the ``costs`` that a price holds already: a fund pays its own storage."""
        none: dict[str, Any] = dict.fromkeys(costs, 0.0)
        return replace(self, **none)

    def describe(self) -> str:
        """One line for the head of every table."""
        bars = "bar" if self.delay == 1 else "bars"
        return (
            f"filled {self.delay} {bars} after the decision; fees {self.fees:.2%} + slippage "
            f"{self.slippage:.2%} each way; storage {self.storage:.2%} and borrow {self.borrow:.2%} a year"
        )
