"""The numbers behind the pictures of a trial: what no ledger and no finding holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from research.diagnostics.alpha_path import alpha_break, alpha_path
from research.diagnostics.event_paths import EventPaths, event_paths
from research.diagnostics.finding import Finding
from research.diagnostics.inputs import FloatArray
from research.diagnostics.long_run import MINIMUM_OBSERVATIONS
from research.diagnostics.metrics import drawdown
from research.diagnostics.placebo import shift_placebo
from research.diagnostics.power import power_curve
from research.engine.kernel import placebo_shifts
from research.engine.traded_market import TradedMarket
from research.study.evidence import N_PLACEBOS, SEED, independent_episodes
from research.study.trial import Trial

COMPARED = ("buy_and_hold", "matched_exposure", "bills")


def growth(trial: Trial) -> pd.DataFrame:
    """Value of 1 USD in each account after costs, by bar; ``strategy`` first, then the benchmarks."""
    accounts = {"strategy": trial.result, **{name: trial.accounts.benchmarks[name] for name in COMPARED}}
    return pd.DataFrame({name: result.equity / result.capital for name, result in accounts.items()})


def drawdowns(trial: Trial) -> pd.DataFrame:
    """Fall of each account from its highest value so far, a fraction of 0 or less, by bar."""
    accounts = {"strategy": trial.result, **{name: trial.accounts.benchmarks[name] for name in COMPARED[:-1]}}
    return pd.DataFrame({name: drawdown(result.returns) for name, result in accounts.items()})


def signal_episodes(trial: Trial) -> pd.DataFrame:
    """``start`` and ``end`` of the episodes that the verdict counts as independent events."""
    return independent_episodes(trial.accounts.decided, trial.result.periods_per_year)


def paths_after_events(trial: Trial, horizon: int | None = None) -> EventPaths:
    """Cumulative excess return of the metal after the fill of each episode; ``horizon`` defaults to a year.

    Raises
    ------
    DataError
        If no episode has a complete window behind it.
    """
    result = trial.result
    decided = trial.accounts.decided.index.get_indexer(pd.DatetimeIndex(signal_episodes(trial)["start"]))
    starts = decided[decided < len(result.weights)]  # the ledger begins with the fill of the first decision
    return event_paths(result.metal_excess_returns, starts, horizon=horizon or result.periods_per_year)


@dataclass(frozen=True, kw_only=True)
class PlaceboDraws:
    """The t statistics behind a placebo finding; NaN for a history that has none."""

    observed: float
    shifted: FloatArray
    finding: Finding


def placebo_draws(trial: Trial) -> PlaceboDraws:
    """Draw again the shifted histories of the verdict: same seed, same account, same terms."""
    traded = TradedMarket.of(trial.accounts.market, trial.result.execution)
    decided = trial.accounts.decided.to_numpy()
    drawn: list[FloatArray] = []

    def recorded(shifts: np.ndarray) -> FloatArray:
        drawn.append(placebo_shifts(decided, shifts, traded))
        return drawn[-1]

    finding = shift_placebo(
        decided,
        recorded,
        seed=SEED,
        n_shifts=N_PLACEBOS,
        expected_sign=trial.strategy.expected_sign,
    )
    return PlaceboDraws(observed=float(drawn[0][0]), shifted=drawn[0][1:], finding=finding)


@dataclass(frozen=True, kw_only=True)
class Stability:
    """Alpha through a window of ``years``, and the test for a break over the whole sample."""

    alpha: pd.DataFrame
    years: float
    finding: Finding


def stability(trial: Trial) -> Stability:
    """Rolling alpha over ten years, or a third of a shorter history.

    Raises
    ------
    DataError
        If a third of the history is too short for an alpha.
    """
    result = trial.result
    year = result.periods_per_year
    window = max(MINIMUM_OBSERVATIONS, min(10 * year, len(result.returns) // 3))
    strategy, metal = result.excess_returns, result.metal_excess_returns
    return Stability(
        alpha=alpha_path(strategy, metal, window=window, periods_per_year=year),
        years=window / year,
        finding=alpha_break(strategy, metal),
    )


def chance_of_finding(trial: Trial) -> pd.DataFrame | None:
    """Power of this sample against the size of a true alpha (``alpha``, fraction a year; ``power``).

    ``None`` when the sample has no standard error of alpha.
    """
    alpha = trial.findings["timing_alpha"]
    error, degrees = alpha.details.get("standard_error"), alpha.details.get("degrees_of_freedom")
    if error is None or degrees is None:
        return None
    curve = power_curve(error, degrees, significance=trial.verdict.rules.level, n_points=61)
    return pd.DataFrame({"alpha": curve["effect"], "power": curve["power"]})
