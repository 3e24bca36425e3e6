"""Candidates: a strategy on a metal with every decision of its declared grid, before anything is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from research.datasets.data import Data
from research.datasets.market import Market
from research.diagnostics.timing import Timing
from research.engine.exposure import Exposure
from research.engine.kernel import paths
from research.engine.traded_market import TradedMarket
from research.errors import NoDecision
from research.execution import Execution
from research.thesis import UNKNOWN, Strategy, in_bills


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A strategy on a metal with the parameters chosen for it.

    Attributes
    ----------
    decisions
        Decided weights on every bar of the market by label: the chosen ones, and every declared point of the grid.
    declared
        Labels of the declared grid.
    signals
        Each input that is a series, as known at each bar, by alias; its name says what it is and its unit.
    read_prices
        Reads ``prices``, which few ask for.
    provenance
        What its account is made from: ``research.thesis.Strategy.provenance``.
    """

    strategy: Strategy
    metal: str
    parameters: Mapping[str, Any]
    inputs: Mapping[str, str]
    market: Market
    decisions: Mapping[str, pd.Series]
    declared: tuple[str, ...]
    signals: Mapping[str, pd.Series] = field(repr=False)
    read_prices: Callable[[], pd.DataFrame] = field(repr=False, compare=False)
    provenance: Mapping[str, Any] = field(repr=False)

    @cached_property
    def prices(self) -> pd.DataFrame:
        """Every metal's price as known at each bar, by metal."""
        return self.read_prices()

    @property
    def label(self) -> str:
        """Name of the chosen trial."""
        return label(self.strategy.name, self.metal, self.parameters)

    @property
    def chosen(self) -> pd.Series:
        """Decided weights of the chosen parameters."""
        return self.decisions[self.label]

    def timings(self, execution: Execution) -> dict[str, Timing]:
        """Timing series of each declared point and of the chosen one, by label; one that never earns is left out."""
        found = {name: timing_of(decided, self.market, execution) for name, decided in self.decisions.items()}
        return {name: timing for name, timing in found.items() if timing is not None}


def timing_of(decided: pd.Series, market: Market, execution: Execution) -> Timing | None:
    """Timing series of decided weights on a market; ``None`` where they never earn."""
    try:
        closed = ruined_at(decided, market, execution)
        return Timing.of(Exposure.of_metal(decided, market, execution, closed=closed))
    except NoDecision:
        return None


def label(strategy: str, metal: str, parameters: Mapping[str, Any]) -> str:
    """``lease_rate_spike/silver/hold_days=183,threshold=2.0``."""
    values = ",".join(f"{key}={parameters[key]!r}" for key in sorted(parameters))
    return f"{strategy}/{metal}/{values}"


def candidate(
    strategy: Strategy,
    data: Data,
    metal: str,
    parameters: Mapping[str, Any] | None,
    execution: Execution,
    *,
    start: str | None = None,
    end: str | None = None,
) -> Candidate:
    """Decide the chosen weights and those of the declared grid.

    Signals see all history up to ``end``, so that ``start`` costs no warm-up; accounts open at ``start``
    with the target in force there.

    Raises
    ------
    NoData, NoDecision, StrategyError
        If the range holds no prices, or the strategy never decides in it, or cannot run at all.
    """
    chosen = strategy.parameters(parameters)
    market = data.market(metal, start, end)
    whole = data.market(metal, None, end)
    panel = data.panel(metal, strategy.inputs_for(metal, data), whole)
    opening = market.price.index[0]
    declared = {label(strategy.name, metal, values): values for values in strategy.variants()}
    name_of_chosen = label(strategy.name, metal, chosen)
    asked = {**declared, name_of_chosen: chosen}  # in one order, whichever was chosen: sums round alike
    decisions = {}
    for name, values in asked.items():
        try:
            weights = strategy.weights(panel, values, max_leverage=execution.max_leverage)
        except NoDecision:
            if values == chosen:
                raise
            continue  # another point of the grid that never decides is no trial
        decisions[name] = since(weights, opening)
    if not decides(decisions[name_of_chosen]):
        raise NoDecision(f"{strategy.name}: does not decide on {metal} after {opening:%Y-%m-%d}; start earlier")
    if not decides(decisions[name_of_chosen].iloc[: -execution.delay - 2]):
        raise NoDecision(f"{strategy.name}: decides on {metal} too late to earn two returns; give it a longer history")
    return Candidate(
        strategy=strategy,
        metal=metal,
        parameters=chosen,
        inputs=strategy.inputs_for(metal, data),
        market=market,
        decisions=decisions,
        declared=tuple(name for name in declared if name in decisions),
        signals={
            alias: panel[alias].loc[opening:].rename(f"{data[identity].title} ({data[identity].unit})")
            for alias, identity in panel.inputs.items()
            if data[identity].kind == "series"
        },
        read_prices=partial(_prices, data, metal, whole, opening),
        provenance=strategy.provenance(metal, chosen, data),
    )


def _prices(data: Data, metal: str, market: Market, opening: pd.Timestamp) -> pd.DataFrame:
    panel = data.panel(metal, {name: f"{name}_price" for name in dict.fromkeys([*data.metals(), metal])}, market)
    return pd.DataFrame({name: panel[name] for name in panel.inputs}).loc[opening:]


def since(weights: pd.Series, first: pd.Timestamp) -> pd.Series:
    """Target weights from one bar on; the first is the target in force there."""
    part = weights.loc[first:].copy()
    part.iloc[0] = weights.loc[:first].ffill().iloc[-1]
    return part


def decides(weights: pd.Series) -> bool:
    """Whether any weight is a number to hold."""
    return bool((weights.notna() & (weights != UNKNOWN)).any())


def ruined_at(decided: pd.Series, market: Market, execution: Execution) -> pd.Timestamp | None:
    """Bar at which an account that is short or borrows has lost everything; ``None`` for any other."""
    held = in_bills(decided).to_numpy()
    if np.isnan(held).all() or not (np.nanmin(held) < 0 or np.nanmax(held) > 1):
        return None
    value = paths(held, TradedMarket.of(market, execution))[0]
    lost = np.flatnonzero(value <= 0)
    return pd.Timestamp(market.price.index[lost[0]]) if lost.size else None
