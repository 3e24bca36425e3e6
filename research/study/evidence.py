"""The evidence about each candidate, and its verdict: which statistics are asked, in which order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from research.diagnostics.events import episodes
from research.diagnostics.finding import Finding
from research.diagnostics.metrics import exposure
from research.diagnostics.performance import timing_alpha
from research.diagnostics.placebo import shift_placebo
from research.diagnostics.power import minimum_detectable_information_ratio
from research.engine.kernel import sweep
from research.engine.result import Result
from research.execution import Execution
from research.study.family import Candidate, kernel_arguments
from research.study.trial import Accounts
from research.verdict import Evidence, Robustness, Rules

SEED = 20251201
N_PLACEBOS = 2_000


def weigh(item: Candidate, family: Finding, execution: Execution, rules: Rules) -> tuple[Evidence, dict[str, Finding]]:
    """Gather what the verdict is made from.

    Returns
    -------
    tuple
        The evidence, and its findings by name with the power of the sample first.
    """
    result = item.accounts.result
    year = result.periods_per_year
    strategy, metal = result.excess_returns, result.metal_excess_returns
    power = minimum_detectable_information_ratio(
        strategy, metal, periods_per_year=year, significance=rules.level, power=rules.power
    )
    primary = timing_alpha(strategy, metal, periods_per_year=year, expected_sign=item.strategy.expected_sign)
    events = independent_events(result)
    placebo = shift_placebo(
        item.accounts.decided.to_numpy(),
        lambda histories: alpha_t_statistics(item.accounts, histories, execution),
        seed=SEED,
        n_shifts=N_PLACEBOS,
        expected_sign=item.strategy.expected_sign,
    )
    evidence = Evidence(
        primary=primary,
        family=family,
        placebo=placebo,
        robustness=_robustness(item, execution),
        power=power,
        independent_events=events,
        expected_sign=item.strategy.expected_sign,
    )
    return evidence, {finding.name: finding for finding in (power, primary, family, placebo)}


def independent_events(result: Result) -> float:
    """Number of :func:`independent_episodes`."""
    return float(len(independent_episodes(result)))


def independent_episodes(result: Result) -> pd.DataFrame:
    """Episodes in which the account holds more metal than its own average, those within a quarter as one.

    A strategy that holds one fixed mix has none. Columns ``start`` and ``end``: first and last bar.
    """
    held = result.weights
    above = (held - exposure(held) > 1e-6) & (float(held.std()) >= 1e-9)
    return episodes(above, min_gap=max(1, result.periods_per_year // 4))


def alpha_t_statistics(accounts: Accounts, histories: np.ndarray, execution: Execution) -> np.ndarray:
    """White t statistics of the timing alphas of many weight histories, ``(n_bars, n_histories)``."""
    summary = sweep(
        np.ascontiguousarray(histories.T),
        **kernel_arguments(accounts.market, execution),
        periods_per_year=accounts.market.periods_per_year,
        hac_lags=0,
    )
    return summary.alpha_t


def _robustness(item: Candidate, execution: Execution) -> Robustness:
    result = item.accounts.result
    harder = {
        "longer_delay": replace(execution, delay=execution.delay + 1),
        "doubled_costs": replace(execution, fees=2 * execution.fees, slippage=2 * execution.slippage),
    }
    alphas = {name: _alpha(item, terms) for name, terms in harder.items()}
    middle = len(result.returns) // 2
    for name, part in (("first_half", slice(None, middle)), ("second_half", slice(middle, None))):
        alphas[name] = _alpha_of(result.excess_returns.iloc[part], result.metal_excess_returns.iloc[part])
    return Robustness(**{name: alpha * result.periods_per_year for name, alpha in alphas.items()})


def _alpha(item: Candidate, execution: Execution) -> float:
    market = item.accounts.market
    summary = sweep(
        item.accounts.decided.to_numpy()[None, :],
        **kernel_arguments(market, execution),
        periods_per_year=1,
    )
    return float(summary.alpha[0])


def _alpha_of(strategy: pd.Series, metal: pd.Series) -> float:
    """Intercept of the strategy's excess return on the metal's, a period; NaN without variation."""
    if len(metal) < 3 or not metal.var() > 0:
        return float("nan")
    beta = strategy.cov(metal) / metal.var()
    return float(strategy.mean() - beta * metal.mean())
