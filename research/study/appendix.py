"""What does not decide a verdict but tells more: asked only when somebody wants to read it.

A statistic that the sample cannot give (too few bars, a signal with holes) is left out; the deciding
findings never are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.linalg import LinAlgError

from research.datasets.data import Data
from research.datasets.market import Market
from research.diagnostics.events import cumulative_abnormal_return
from research.diagnostics.finding import Finding
from research.diagnostics.performance import alpha_break, jensen_alpha, regress_on_metal, rolling_alpha
from research.diagnostics.prediction import (
    granger_causality,
    incremental_value,
    momentum_and_ratio,
    predictive_regression,
)
from research.diagnostics.regimes import markov_regimes
from research.diagnostics.rotation import SEED
from research.diagnostics.selection import deflated_sharpe_ratio, minimum_track_record, probabilistic_sharpe_ratio
from research.diagnostics.sharpe import sharpe_difference, sharpe_ratio
from research.diagnostics.specification import arch_effects, autocorrelation, heteroskedasticity, stationarity, sup_f
from research.diagnostics.timing import independent_events
from research.engine.result import Result
from research.errors import DataError

if TYPE_CHECKING:
    from research.study.trial import Trial

MINIMUM_BARS = 60


def further_findings(trial: Trial) -> Mapping[str, Finding]:
    """Every further finding about a trial, by name; silenced when its events are too few."""
    found: dict[str, Finding] = {}
    told = len(independent_events([trial.timing])) >= trial.verdict.rules.min_events
    for ask in (*_of_the_account(trial), *_of_the_signals(trial)):
        try:
            answers = ask()
        except (DataError, LinAlgError):
            continue  # this sample cannot give it: a metal that hardly moves has no regression
        found |= {finding.name: finding if told else silenced(finding) for finding in answers}
    return found


def silenced(finding: Finding) -> Finding:
    """The same finding without p-value, interval and statistic, which too few events cannot carry."""
    return replace(finding, p_value=None, interval=None, statistic=None)


Question = Callable[[], tuple[Finding, ...]]


def _of_the_account(trial: Trial) -> Iterator[Question]:
    result = trial.result
    year = result.periods_per_year
    excess = result.excess_returns
    mix = trial.benchmarks["matched_exposure"].excess_returns
    yield lambda: (jensen_alpha(excess, result.metal_excess_returns, periods_per_year=year),)
    yield lambda: (sharpe_ratio(excess, periods_per_year=year),)
    yield lambda: (sharpe_difference(excess, mix, periods_per_year=year),)
    yield lambda: (probabilistic_sharpe_ratio(excess),)
    yield lambda: (deflated_sharpe_ratio(excess, n_trials=trial.n_trials, trial_variance=1 / len(excess)),)
    yield lambda: (minimum_track_record(excess, periods_per_year=year),)
    yield lambda: _after_events(trial)
    yield lambda: _of_the_residuals(result)
    yield from _through_time(result)
    yield lambda: (markov_regimes(result.metal_returns, periods_per_year=year, seed=SEED, n_starts=5),)


def _after_events(trial: Trial) -> tuple[Finding, ...]:
    """Metal's excess return over the quarter after each independent entry."""
    market, delay = trial.market, trial.result.execution.delay
    quarter = max(1, market.periods_per_year // 4)
    growth = market.price.pct_change().fillna(0.0) - market.bill_accrual
    fills = growth.index.get_indexer(independent_events([trial.timing])) - 1 - delay  # bars of the decisions
    return (cumulative_abnormal_return(growth, fills[fills >= 0], horizon=quarter, delay=delay),)


def _of_the_residuals(result: Result) -> tuple[Finding, ...]:
    """Whether the regression behind the alpha is what it assumes; of one fixed mix there is nothing to ask."""
    metal = result.metal_excess_returns.to_numpy()
    residuals = regress_on_metal(result.excess_returns.to_numpy(), metal)[2]
    return autocorrelation(residuals), heteroskedasticity(residuals, metal), arch_effects(residuals)


def _through_time(result: Result) -> Iterator[Question]:
    """Whether it had one alpha and one beta throughout."""
    strategy, metal = result.excess_returns, result.metal_excess_returns
    year = result.periods_per_year
    yield lambda: (alpha_break(strategy, metal),)
    yield lambda: (sup_f(strategy, metal.to_numpy(), seed=SEED),)
    yield lambda: (rolling_alpha(strategy, metal, window=5 * year, periods_per_year=year),)


def _of_the_signals(trial: Trial) -> Iterator[Question]:
    market = trial.market
    returns = (market.price.pct_change() - market.bill_accrual).rename("returns")
    prices = trial.prices()
    for alias, signal in trial.signals.items():
        table = _longest_run(pd.concat([returns, signal.rename("signal"), prices], axis=1, sort=True))
        if len(table) >= MINIMUM_BARS and table["signal"].std() > 0:
            yield from _of_a_signal(alias, table, market, trial.result.execution.delay)


def _of_a_signal(alias: str, table: pd.DataFrame, market: Market, delay: int) -> Iterator[Question]:
    r, x, year = table["returns"], table["signal"], market.periods_per_year

    def predict() -> tuple[Finding, ...]:
        horizons = (1, max(1, year // 4), year)
        found = {bars: predictive_regression(r, x, horizon=bars, delay=delay) for bars in horizons}
        return tuple(replace(finding, name=f"predicts_{bars}_bars_from_{alias}") for bars, finding in found.items())

    def lead() -> tuple[Finding, ...]:
        after, change, lags = r.iloc[1:], x.diff().iloc[1:], min(3, year)
        back = granger_causality(after, change, lags=lags, cause_name="the price", effect_name="the signal")
        # The change from one average to the next contains moves of the period before, which its signal has seen
        # (Working 1960): that of one bar earlier is asked.
        skipped = int(market.averaged)
        forward = granger_causality(change.shift(skipped).iloc[skipped:], after.iloc[skipped:], lags=lags)
        note = "; one bar skipped, because prices are averages" if skipped else ""
        return (
            replace(forward, name=f"{alias}_leads_the_price", method=f"{forward.method}{note}"),
            replace(back, name=f"the_price_leads_{alias}"),
        )

    def add() -> tuple[Finding, ...]:
        controls = momentum_and_ratio(
            table[market.metal], table["gold"], table["silver"], periods_per_year=year
        ).dropna()
        rest = table.loc[controls.index]
        finding = incremental_value(rest["returns"], rest["signal"], controls, delay=delay)
        return (replace(finding, name=f"{alias}_beyond_momentum_and_ratio"),)

    yield lambda: (replace(stationarity(x), name=f"stationarity_of_{alias}"),)
    yield predict
    yield lead
    if {"gold", "silver"} <= set(table):  # without one of them there is no ratio to know
        yield add


def _longest_run(table: pd.DataFrame) -> pd.DataFrame:
    """The longest stretch of bars on which nothing is missing."""
    whole = table.notna().all(axis=1).to_numpy()
    if not whole.any():
        return table.iloc[:0]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], whole, [False]]).astype(int)))
    starts, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - starts))
    return table.iloc[starts[longest] : ends[longest]]


@dataclass(frozen=True, kw_only=True)
class BetaBreak:
    """The likeliest break of a metal's beta on a driver.

    Attributes
    ----------
    first, last
        First and last month of the regression.
    last_before
        Last month before the likeliest break.
    beta_before, beta_after
        Log return for a rise of the driver by one of its units, on either side.
    finding
        The test of a break at an unknown date.
    """

    metal: str
    first: pd.Timestamp
    last: pd.Timestamp
    last_before: pd.Timestamp
    beta_before: float
    beta_after: float
    finding: Finding


def beta_break(data: Data, metal: str, driver: str) -> BetaBreak | None:
    """Regress monthly log returns of the metal on monthly changes of a dataset; search for a break.

    Month ends are the last day on which both are known to have a value. ``None`` without daily prices or the driver.

    References
    ----------
    Andrews (1993) for the test; Hansen (2000) for its bootstrap.
    """
    price = f"{metal}_spot" if f"{metal}_spot" in data else f"{metal}_price"
    if driver not in data or price not in data or data[price].frequency != "day":
        return None
    levels = {name: data.observations(name).groupby("observed_for")["value"].last() for name in (price, driver)}
    days = pd.DataFrame({"price": np.log(levels[price]), "driver": levels[driver]}).dropna()
    monthly = days.resample("ME").last().diff().dropna()
    finding = sup_f(monthly["price"], monthly["driver"].to_numpy(), seed=SEED)
    dates = pd.DatetimeIndex(monthly.index)
    return BetaBreak(
        metal=metal,
        first=dates[0],
        last=dates[-1],
        last_before=dates[int(finding.estimate)],
        beta_before=finding.details["before"][1],
        beta_after=finding.details["after"][1],
        finding=finding,
    )
