"""C20: the thesis as one portfolio, judged by the same four words as each of its signals.

One account holds all legs at once. Before any signal speaks, each leg has the weight that gives it the same risk as the
others (:func:`~research.signals.risk.equal_risk`, three years of returns known at the decision); the weights add up to
1. A leg is held at that weight times its strategy's own: what the signals do not want lies in Treasury bills.

**The dollar leg** is foreign money held instead of dollars: dataset ``foreign_money``, bills plus the dollar index's
future sold. A short in the future earns the fall of spot and, inside the contract by covered parity, foreign interest
less the dollar's; holding the six currencies' own bills earns the same. Fees and slippage are those of metal, storage
there is none. Where no pack has the dataset the account is of metal and bills, and says so.

**What is tested** is timing, by alpha over all legs' own excess returns at once: an account that holds the legs in any
constant shares has none. Alpha may come of the signals or of the sizing; the benchmark ``equal_risk``, which holds the
same sizes with no signal, tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from types import MappingProxyType

import numpy as np
import pandas as pd

from research.datasets.data import Data, open_data
from research.datasets.market import Market, newest_vintage
from research.diagnostics.finding import Finding
from research.diagnostics.multiplicity import step_down
from research.diagnostics.performance import regress_on_metal, timing_alpha
from research.diagnostics.placebo import alpha_t_statistics, by_shift, shift_placebo
from research.diagnostics.power import minimum_detectable_information_ratio
from research.diagnostics.sharpe_difference import sharpe_difference
from research.discovery import find_strategy
from research.engine.legs import Legs, leg_paths, run_legs
from research.engine.result import PortfolioResult
from research.errors import AssayError, NoData, NoDecision, UnknownDataset
from research.execution import Execution
from research.signals.risk import equal_risk
from research.study.counting import Count, widened
from research.study.evidence import N_DRAWS, N_PLACEBOS, SEED, independent_events, silenced
from research.study.portfolio_trial import PortfolioTrial
from research.study.study import Study
from research.study.threads import one_thread
from research.thesis import Strategy
from research.verdict import Evidence, Robustness, Rules, decide

THESIS: Mapping[str, str] = MappingProxyType(
    {"gold": "whole_thesis", "silver": "whole_thesis", "foreign_money": "falling_dollar"}
)
WINDOW_YEARS, WARM_UP_YEARS = 3, 1


@one_thread()
def portfolio(
    legs: Mapping[str, Strategy | str] = THESIS,
    data: Data | None = None,
    *,
    start: str | None = None,
    end: str | None = None,
    execution: Execution | None = None,
    rules: Rules | None = None,
    n_trials: int = 1,
) -> PortfolioTrial:
    """Hold several strategies in one account at equal risk, and judge their timing.

    Parameters
    ----------
    legs
        Leg -> the strategy that times it, or its name or file. A leg is a metal, or a dataset that is an index of
        total return; one that its strategy does not name is timed as the strategy times the first metal. By default
        the thesis: gold and silver by all their signals, foreign money while the dollar falls.
    start, end
        First and last bar, ``YYYY`` or ``YYYY-MM-DD``.
    n_trials
        Number of tests that this is one of: the p-value pays for all of them (Sidak 1967).

    Raises
    ------
    AssayError
        If no leg can be held: the reason of the first. Otherwise such legs are in ``missing``, with the reason.
    """
    data = data or open_data()
    execution, rules = (execution or Execution()).without(data.price.in_price), rules or Rules()
    chosen = {leg: find_strategy(item) if isinstance(item, str) else item for leg, item in legs.items()}
    decisions, missing = _decisions(chosen, data, execution, end)
    book = _book({leg: item.price for leg, item in decisions.items()}, data, end)
    calendar = book.price.index
    shares, known = (
        pd.DataFrame({leg: getattr(item, what).ffill() for leg, item in decisions.items()}).reindex(calendar)
        for what in ("share", "known")
    )
    year = book.periods_per_year
    sizes = equal_risk(known, window=WINDOW_YEARS * year, warm_up=WARM_UP_YEARS * year)
    weights = shares * sizes
    ready = calendar[weights.notna().all(axis=1) & (calendar >= pd.Timestamp(start or calendar[0]))]
    if not len(ready):
        raise NoDecision(f"portfolio: {', '.join(chosen)} never decide together{f' after {start}' if start else ''}")
    opening = pd.Timestamp(ready[0])
    decided, sizes, book = weights.loc[opening:], sizes.loc[opening:], book.since(opening)
    return _judged(chosen, missing, decided, sizes, book, execution, rules, n_trials)


def with_portfolio(study: Study, data: Data) -> Study:
    """The study of the whole thesis, with the thesis as one portfolio on the same terms and as one more test of it.

    Without a leg that can be held the study stays as it is.
    """
    try:
        found = portfolio(
            data=data,
            start=study.manifest["start"],
            end=study.manifest["end"],
            execution=study.execution,
            rules=study.rules,
            n_trials=study.family_tested + 1,
        )
    except (NoData, UnknownDataset, NoDecision):
        return study
    return replace(study, portfolio=found)


@dataclass(frozen=True)
class _Decision:
    """One leg: its realised price, its price as known at each decision, and the share that its strategy wants."""

    price: pd.Series
    known: pd.Series
    share: pd.Series


def _decisions(
    legs: Mapping[str, Strategy], data: Data, execution: Execution, end: str | None
) -> tuple[dict[str, _Decision], dict[str, str]]:
    found: dict[str, _Decision] = {}
    missing: dict[str, str] = {}
    first: AssayError | None = None
    for leg, strategy in legs.items():
        metal = leg if leg in strategy.metals else strategy.metals[0]
        price = f"{leg}_price" if f"{leg}_price" in data else leg
        try:
            market = data.market(metal, None, end)
            panel = data.panel(metal, strategy.inputs_for(metal, data), market)
            known = data.panel(metal, {"price": price}, market)["price"]
            share, last = strategy.weights(panel, max_leverage=execution.max_leverage), market.price.index[-1]
        except (NoData, UnknownDataset, NoDecision) as error:
            first = first or error
            missing[leg] = str(error)
        else:
            realised = market.price if price != leg else newest_vintage(data.observations(price)).loc[:last]
            found[leg] = _Decision(realised, known, share)
    if not found:
        raise first or NoData("portfolio: no legs were named; name gold, silver or both")
    return found, missing


def _book(prices: Mapping[str, pd.Series], data: Data, end: str | None) -> Legs:
    """Prices on the bars that all legs have, and bills over the same bars."""
    metals = [leg for leg in prices if f"{leg}_price" in data]
    markets: list[Market] = [data.market(metal, None, end) for metal in metals]
    if not markets:
        raise NoData("portfolio: none of the legs is a metal, whose calendar and bills are needed; add gold or silver")
    calendar = reduce(pd.Index.intersection, [item.index for item in prices.values()], markets[0].price.index)
    bills = (1 + markets[0].bill_accrual).cumprod().reindex(calendar)
    return Legs(
        price=pd.DataFrame({leg: item.reindex(calendar) for leg, item in prices.items()}),
        bill_accrual=bills.pct_change().fillna(0.0),
        storable=frozenset(metals),
        averaged=any(market.averaged for market in markets),
        periods_per_year=markets[0].periods_per_year,
    )


def _judged(
    strategies: Mapping[str, Strategy],
    missing: Mapping[str, str],
    decided: pd.DataFrame,
    sizes: pd.DataFrame,
    book: Legs,
    execution: Execution,
    rules: Rules,
    n_trials: int,
) -> PortfolioTrial:
    def account(weights: pd.DataFrame, terms: Execution = execution, name: str = "portfolio") -> PortfolioResult:
        return run_legs(weights, book, terms, name=name)

    def constant(weights: Mapping[str, float]) -> pd.DataFrame:
        return pd.DataFrame({leg: weights.get(str(leg), 0.0) for leg in decided}, index=decided.index)

    result = account(decided)
    year, legs = result.periods_per_year, result.leg_excess_returns
    metals = dict.fromkeys(book.storable, 1 / len(book.storable))
    average = {str(leg): float(weight) for leg, weight in result.leg_weights.iloc[:-1].mean().items()}
    benchmarks = {
        "metals_held": account(constant(metals), name="metals_held"),
        "matched_exposure": account(constant(average), name="matched_exposure"),
        "equal_risk": account(sizes, name="equal_risk"),
        "bills": account(constant({}), name="bills"),
    }
    power = minimum_detectable_information_ratio(
        result.excess_returns, legs, periods_per_year=year, significance=rules.level, power=rules.power
    )
    primary = timing_alpha(result.excess_returns, legs, periods_per_year=year)
    table = decided.to_numpy()
    rows = np.arange(len(table), dtype=float)  # what the placebo moves: all legs together
    placebo = shift_placebo(
        rows,
        by_shift(rows, lambda moved: _t_statistics(table[moved.astype(int)], book, execution)),
        seed=SEED,
        n_shifts=N_PLACEBOS,
    )
    events = independent_events(decided.sum(axis=1), year)
    evidence = Evidence(
        primary=primary,
        family=_adjusted(account, decided, execution, n_trials),
        placebo=placebo,
        robustness=_robustness(account, decided, result, execution),
        power=power,
        independent_events=events,
    )
    further = sharpe_difference(
        result.excess_returns, benchmarks["metals_held"].excess_returns, periods_per_year=year, seed=SEED
    )
    findings = {item.name: item for item in (power, primary, evidence.family, placebo, further)}
    return PortfolioTrial(
        strategies={str(leg): strategies[str(leg)].name for leg in decided},
        missing=missing,
        decided=decided,
        result=result,
        benchmarks=benchmarks,
        findings={name: silenced(finding, events, rules) for name, finding in findings.items()},
        verdict=decide(evidence, rules),
        events=events,
        robustness=evidence.robustness,
    )


Account = Callable[..., PortfolioResult]


def _t_statistics(targets: np.ndarray, book: Legs, execution: Execution) -> np.ndarray:
    """White t statistics of the alphas of many weight tables, ``(n_bars, n_histories, n_legs)``."""
    value = leg_paths(targets, book, execution)
    value[0] = 1.0  # the first return bears the cost of the first fill
    here = book.since(pd.Timestamp(book.price.index[execution.delay]))
    bills = here.bill_accrual.to_numpy()[1:, None]
    return alpha_t_statistics(value[1:] / value[:-1] - 1 - bills, here.growth(execution)[1:] - 1 - bills)


def _adjusted(account: Account, decided: pd.DataFrame, execution: Execution, n_trials: int) -> Finding:
    """The p-value of alpha by resampling, over the mix of average weights so far; the opposite one before costs."""
    held = decided.ffill().shift(execution.delay + 1)

    def tested(terms: Execution) -> Finding:
        result = account(decided, terms)
        legs, year = result.leg_excess_returns, result.periods_per_year
        into = held.loc[legs.index]
        so_far = into.expanding().mean().shift(1).fillna(into.iloc[0])
        over_mix = (result.excess_returns - (legs * so_far).sum(axis=1)).to_numpy()
        alpha, _, _, influence = regress_on_metal(over_mix, legs.to_numpy())
        series = pd.DataFrame({"portfolio": alpha + influence}, index=legs.index)
        return step_down(series, periods_per_year=year, seed=SEED, n_draws=N_DRAWS)["portfolio"]

    net, gross = tested(execution), tested(replace(execution, fees=0.0, slippage=0.0))
    against = gross.details["p_value_two_sided"]
    return widened(
        replace(net, details={**net.details, "p_value_opposite": against}),
        Count(declared=1, before=n_trials - 1, status=""),
        1,
    )


def _robustness(account: Account, decided: pd.DataFrame, result: PortfolioResult, execution: Execution) -> Robustness:
    later = account(decided, replace(execution, delay=execution.delay + 1))
    dearer = account(decided, replace(execution, fees=2 * execution.fees, slippage=2 * execution.slippage))
    middle = len(result.returns) // 2
    first, second = slice(None, middle), slice(middle, None)
    return Robustness(
        longer_delay=_alpha(later),
        doubled_costs=_alpha(dearer),
        first_half=_alpha(result, first),
        second_half=_alpha(result, second),
    )


def _alpha(result: PortfolioResult, part: slice = slice(None)) -> float:
    strategy, legs = result.excess_returns.iloc[part], result.leg_excess_returns.iloc[part]
    return regress_on_metal(strategy.to_numpy(), legs.to_numpy())[0] * result.periods_per_year
