"""The declared family: every strategy on every metal at every point of its grid is one trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from research.datasets.data import Data
from research.datasets.market import Market
from research.engine.kernel import paths
from research.engine.traded_market import TradedMarket
from research.errors import NoDecision
from research.execution import Execution
from research.study.trial import Accounts, GridPoint, open_accounts
from research.thesis import Strategy


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A strategy on a metal with the parameters chosen for it, before it is judged.

    Attributes
    ----------
    signals
        Each input that is a series, as known at each bar from the first decision on, by alias.
    prices
        Every metal's price as known at each such bar, by metal.
    variants
        Decided weights of the other points of the declared grid, by label.
    """

    strategy: Strategy
    metal: str
    parameters: Mapping[str, Any]
    inputs: Mapping[str, str]
    accounts: Accounts
    market: Market
    signals: Mapping[str, pd.Series]
    prices: pd.DataFrame
    variants: Mapping[str, pd.Series] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Name of the chosen trial within the family."""
        return label(self.strategy.name, self.metal, self.parameters)


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
    """Decide the chosen weights and those of the rest of the grid, and open the accounts.

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

    def known(alias: str, identity: str) -> pd.Series:
        return panel[alias].loc[opening:].rename(f"{data[identity].title} ({data[identity].unit})")

    def decide(values: Mapping[str, Any]) -> pd.Series:
        return since(strategy.weights(panel, values, max_leverage=execution.max_leverage), opening)

    decided = decide(chosen)
    if decided.isna().all():
        raise NoDecision(f"{strategy.name}: does not decide on {metal} after {opening:%Y-%m-%d}; start earlier")
    variants = {}
    for values in strategy.variants():
        name = label(strategy.name, metal, values)
        if name != label(strategy.name, metal, chosen):
            variants[name] = decide(values)
    return Candidate(
        strategy=strategy,
        metal=metal,
        parameters=chosen,
        inputs=strategy.inputs_for(metal, data),
        accounts=open_accounts(decided, market, execution, strategy.name),
        market=market,
        signals={
            alias: known(alias, identity) for alias, identity in panel.inputs.items() if data[identity].kind == "series"
        },
        prices=_known_prices(data, whole).loc[opening:],
        variants=variants,
    )


def _known_prices(data: Data, market: Market) -> pd.DataFrame:
    panel = data.panel(market.metal, {metal: f"{metal}_price" for metal in data.metals()}, market)
    return pd.DataFrame({metal: panel[metal] for metal in panel.inputs})


def since(weights: pd.Series, first: pd.Timestamp) -> pd.Series:
    """Target weights from one bar on; the first is the target in force there."""
    part = weights.loc[first:].copy()
    part.iloc[0] = weights.loc[:first].ffill().iloc[-1]
    return part


@dataclass(frozen=True, kw_only=True)
class FamilyReturns:
    """What every trial of a family earned, on the union of all bars; one column per trial label.

    NaN outside a trial's own window, 0 on a bar that only another metal has.

    Attributes
    ----------
    net
        Excess returns after all costs.
    gross
        The same without fees and slippage: what only costs took away is no evidence against a claim.
    metal
        Excess return of the metal that each trial trades.
    held
        Weight of metal wanted into each bar.
    """

    net: pd.DataFrame
    gross: pd.DataFrame
    metal: pd.DataFrame
    held: pd.DataFrame


def family_returns(candidates: Sequence[Candidate], execution: Execution) -> FamilyReturns:
    """Run every trial through the fast path, with and without costs."""
    free = replace(execution, fees=0.0, slippage=0.0)
    net: dict[str, pd.Series] = {}
    gross: dict[str, pd.Series] = {}
    metal: dict[str, pd.Series] = {}
    held: dict[str, pd.Series] = {}
    for item in candidates:
        market = item.market
        chosen = item.accounts.decided.reindex(market.price.index)
        decisions = {item.label: chosen, **item.variants}
        targets = np.vstack([weights.to_numpy() for weights in decisions.values()])
        traded = TradedMarket.of(market, execution)
        paid, unpaid = (paths(targets, terms) for terms in (traded, TradedMarket.of(market, free)))
        for row, (name, weights) in enumerate(decisions.items()):
            if np.isnan(paid[row]).all():
                continue
            net[name], metal[name] = _excess(paid[row], traded, market.price.index)
            gross[name], _ = _excess(unpaid[row], traded, market.price.index)
            held[name] = weights.ffill().shift(execution.delay + 1).loc[net[name].index]
    return FamilyReturns(
        net=_without_gaps(pd.DataFrame(net)),
        gross=_without_gaps(pd.DataFrame(gross)),
        metal=_without_gaps(pd.DataFrame(metal)),
        held=_without_gaps(pd.DataFrame(held)),
    )


def grid_points(item: Candidate, family: FamilyReturns) -> tuple[GridPoint, ...]:
    """Timing alpha, a fraction a year, of every declared point and of the chosen one, from the family's returns.

    NaN for a point that never decides.
    """
    tried = {label(item.strategy.name, item.metal, values): values for values in item.strategy.variants()}
    tried.setdefault(item.label, dict(item.parameters))
    points = []
    for name, values in tried.items():
        alpha = float("nan")
        if name in family.net:
            alpha = plain_alpha(family.net[name], family.metal[name]) * item.market.periods_per_year
        points.append(GridPoint(parameters=values, alpha=alpha, chosen=name == item.label))
    return tuple(points)


def plain_alpha(strategy: pd.Series, metal: pd.Series) -> float:
    """Intercept of the strategy's excess return on the metal's, a period; NaN without variation."""
    if len(metal) < 3 or not metal.var() > 0:
        return float("nan")
    beta = strategy.cov(metal) / metal.var()
    return float(strategy.mean() - beta * metal.mean())


def _without_gaps(returns: pd.DataFrame) -> pd.DataFrame:
    """On a day without a price of its own an account neither trades nor earns: 0 inside its window."""
    known = returns.notna()
    inside = known.cummax() & known[::-1].cummax()[::-1]
    return returns.mask(inside & ~known, 0.0)


def _excess(path: np.ndarray, traded: TradedMarket, dates: pd.Index) -> tuple[pd.Series, pd.Series]:
    """Excess returns after the first fill; the first bears the cost of entry, as in a Result."""
    first = int(np.argmax(~np.isnan(path)))
    value = path[first:].copy()
    value[0] = 1.0
    before = np.where(value[:-1] > 0, value[:-1], 1.0)
    growth = np.where(value[:-1] > 0, value[1:] / before, 1.0)
    after = slice(first + 1, None)
    earned = growth - 1 - traded.accrual[after]
    return pd.Series(earned, index=dates[after]), pd.Series(traded.metal_excess[after], index=dates[after])
