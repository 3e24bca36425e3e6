"""The evidence about each candidate, and its verdict: which statistics are asked, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from research.diagnostics.events import episodes
from research.diagnostics.finding import Finding
from research.diagnostics.multiplicity import step_down, timing_alpha_series
from research.diagnostics.performance import timing_alpha
from research.diagnostics.placebo import alpha_t_statistics as placebo_t_statistics
from research.diagnostics.placebo import shift_placebo
from research.diagnostics.power import minimum_detectable_information_ratio
from research.engine.kernel import paths, placebo_shifts, sweep
from research.engine.traded_market import TradedMarket
from research.errors import SignalError
from research.execution import Execution
from research.study.family import Candidate, FamilyReturns, plain_alpha
from research.verdict import Evidence, Robustness, Rules

SEED = 20251201
N_PLACEBOS = 2_000
N_DRAWS = 10_000


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
    events = independent_events(item.accounts.decided, year)
    traded = TradedMarket.of(item.accounts.market, execution)
    placebo = shift_placebo(
        item.accounts.decided.to_numpy(),
        lambda shifts: placebo_shifts(item.accounts.decided.to_numpy(), shifts, traded),
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


def adjusted_alphas(candidates: Sequence[Candidate], family: FamilyReturns, rules: Rules) -> dict[str, Finding]:
    """Timing alphas of the whole family, their p-values adjusted over every trial that can be tested.

    A trial with fewer independent events than the rules ask for is not tested, so it takes no part in the
    adjustment; that is known from its decisions, before any return is looked at. The p-value against
    the claim is two-sided, since nobody claimed that direction beforehand, and that of the accounts before costs.

    Returns
    -------
    dict
        By trial label; ``p_value`` is ``None`` where nothing was tested.
    """
    year = candidates[0].market.periods_per_year
    after_costs, before_costs = (
        timing_alpha_series(returns, family.metal, family.held) for returns in (family.net, family.gross)
    )
    signs: dict[str, int] = {}
    tested: list[str] = []
    for item in candidates:
        for name, decided in {item.label: item.accounts.decided, **item.variants}.items():
            if name in after_costs:
                signs[name] = item.strategy.expected_sign
                if independent_events(decided, year) >= rules.min_events:
                    tested.append(name)
    findings = {name: _untested(name, float(after_costs[name].mean()) * year) for name in signs}
    if tested:
        net, gross = (
            step_down(
                series[tested],
                periods_per_year=year,
                seed=SEED,
                expected_signs={name: signs[name] for name in tested},
                n_draws=N_DRAWS,
            )
            for series in (after_costs, before_costs)
        )
        for name, finding in net.items():
            against = gross[name].details["p_value_two_sided"]
            findings[name] = replace(finding, details={**finding.details, "p_value_opposite": against})
    return findings


def _untested(name: str, alpha: float) -> Finding:
    return Finding(
        name="step_down",
        estimate=alpha,
        unit="fraction a year",
        null="the mean of this strategy is 0, whatever the others are",
        alternative="it has the claimed sign",
        method="not tested: too few independent events",
        reference="Romano and Wolf 2005, 2016",
        sentence=f"{name} has too few independent events to be tested, so it takes no part in the family.",
    )


def silenced(finding: Finding, events: float, rules: Rules) -> Finding:
    """The finding without p-value, statistic and interval when independent events are too few to trust them."""
    if events >= rules.min_events:
        return finding
    quiet = replace(finding, details={key: value for key, value in finding.details.items() if "p_value" not in key})
    if finding.p_value is None:
        return quiet
    told = f"With {events:g} independent events, under {rules.min_events}, this is no evidence either way."
    return replace(quiet, p_value=None, statistic=None, interval=None, sentence=told)


def independent_events(decided: pd.Series, periods_per_year: int) -> float:
    """Number of :func:`independent_episodes`."""
    return float(len(independent_episodes(decided, periods_per_year)))


def independent_episodes(decided: pd.Series, periods_per_year: int) -> pd.DataFrame:
    """Episodes in which more metal is wanted than on average, those within a quarter as one.

    They are known from the decisions alone, before any return is looked at. A strategy that wants one fixed
    weight has none.

    Parameters
    ----------
    decided
        Target weights from the first decision on; NaN keeps.

    Returns
    -------
    pd.DataFrame
        Columns ``start`` and ``end``: first and last bar of each.
    """
    wanted = decided.ffill().dropna()
    above = wanted > wanted.mean() + 1e-9
    return episodes(above, min_gap=max(1, periods_per_year // 4))


def alpha_t_statistics(histories: np.ndarray, market: TradedMarket) -> np.ndarray:
    """Statistics of the placebo for many weight histories with one first target, ``(n_bars, n_histories)``.

    What :func:`~research.engine.kernel.placebo_shifts` says of shifts without storing them, of histories of any kind:
    White's t of the timing alpha over the mix of the average weight so far, of the account after costs, from the bar
    after the first fill on; as :func:`~research.study.family.family_returns` takes them for the family.
    """
    equity = paths(np.ascontiguousarray(histories.T), market)
    opened = np.isfinite(equity)
    first = int(np.argmax(opened[0]))
    if not (opened.argmax(axis=1) == first).all():
        raise SignalError("placebo: the histories do not open at one bar; give them the same first target")
    if opened[0].sum() < 3:
        return np.full(len(equity), np.nan)
    value = equity[:, first:]
    value[:, 0] = 1.0  # the first return bears the cost of entry
    before = np.where(value[:, :-1] > 0, value[:, :-1], np.inf)
    returns = np.where(value[:, :-1] > 0, value[:, 1:] / before, 1.0) - 1 - market.accrual[first + 1 :]
    wanted = pd.DataFrame(histories).ffill().shift(market.delay + 1).to_numpy()[first + 1 :]
    return placebo_t_statistics(returns.T, market.metal_excess[first + 1 :], wanted)


def _robustness(item: Candidate, execution: Execution) -> Robustness:
    result = item.accounts.result
    harder = {
        "longer_delay": replace(execution, delay=execution.delay + 1),
        "doubled_costs": replace(execution, fees=2 * execution.fees, slippage=2 * execution.slippage),
    }
    alphas = {name: _alpha(item, terms) for name, terms in harder.items()}
    middle = len(result.returns) // 2
    for name, part in (("first_half", slice(None, middle)), ("second_half", slice(middle, None))):
        alpha = plain_alpha(result.excess_returns.iloc[part], result.metal_excess_returns.iloc[part])
        alphas[name] = alpha * result.periods_per_year
    return Robustness(**alphas)


def _alpha(item: Candidate, execution: Execution) -> float:
    """Timing alpha, a fraction a year, on other terms."""
    market = TradedMarket.of(item.accounts.market, execution)
    return float(sweep(item.accounts.decided.to_numpy(), market).alpha[0])
