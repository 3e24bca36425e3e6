"""The numbers behind the pictures of a trial: what no ledger and no finding holds."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np
import pandas as pd

from research.diagnostics.events import EventPaths, event_paths
from research.diagnostics.finding import Finding
from research.diagnostics.inputs import by_window
from research.diagnostics.long_run import Estimate, cosine_variance
from research.diagnostics.metrics import drawdown
from research.diagnostics.performance import alpha_break
from research.diagnostics.rotation import SEED
from research.diagnostics.timing import (
    MINIMUM_PERIODS,
    circular_shifts,
    independent_events,
    n_cosines,
    shifted_statistics,
)
from research.errors import DataError
from research.study.judge import N_SHIFTS
from research.study.trial import BENCHMARKS, Trial
from research.units import Floats


def growth(trial: Trial) -> pd.DataFrame:
    """Value of 1 USD in each account after costs, by bar; ``strategy`` first, then the benchmarks."""
    accounts = {"strategy": trial.result, **trial.benchmarks}
    return pd.DataFrame({name: result.equity / result.capital for name, result in accounts.items()})


def drawdowns(trial: Trial) -> pd.DataFrame:
    """Fall of each account from its highest value so far, a fraction of 0 or less, by bar."""
    accounts = {"strategy": trial.result, **{name: trial.benchmarks[name] for name in BENCHMARKS[:-1]}}
    return pd.DataFrame({name: drawdown(result.returns) for name, result in accounts.items()})


def signal_episodes(trial: Trial) -> pd.DataFrame:
    """``start`` and ``end`` of each stretch in which the position stands above its average so far."""
    timing = trial.timing
    beyond = (-timing.active if timing.short else timing.active) > 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], beyond, [False]]).astype(int)))
    return pd.DataFrame({"start": timing.dates[edges[::2]], "end": timing.dates[edges[1::2] - 1]})


def paths_after_events(trial: Trial, horizon: int | None = None) -> EventPaths:
    """Cumulative excess return of the metal after the fill of each episode; ``horizon`` defaults to a year.

    Raises
    ------
    DataError
        If no episode has a complete window behind it.
    """
    result = trial.result
    metal = result.metal_excess_returns
    starts = metal.index.get_indexer(independent_events([trial.timing]))
    return event_paths(metal, starts, horizon=horizon or result.periods_per_year)


@dataclass(frozen=True, kw_only=True)
class MovedHistories:
    """The statistics behind ``p_shifted`` of one row, in the claimed direction; NaN for a history that has none."""

    observed: float
    shifted: Floats


def moved_histories(trial: Trial) -> MovedHistories:
    """Draw again the circular shifts of one row by itself: same seed, same account, same terms."""
    shifts = circular_shifts([trial.timing], N_SHIFTS, SEED)
    statistics = shifted_statistics([trial.timing], shifts, trial.evidence.sign)[0][:, 1]
    return MovedHistories(observed=float(statistics[0]), shifted=statistics[1:])


@dataclass(frozen=True, kw_only=True)
class Stability:
    """Timing return through a window of ``years`` with its interval, and the test for a break of Jensen's alpha."""

    path: pd.DataFrame
    years: float
    finding: Finding


def stability(trial: Trial) -> Stability:
    """Rolling timing return over ten years, or a third of a shorter history.

    Raises
    ------
    DataError
        If a third of the history is too short.
    """
    timing, year = trial.timing, trial.result.periods_per_year
    window = min(10 * year, timing.n_periods // 3)
    if window < MINIMUM_PERIODS:
        raise DataError(f"{trial.name}: {timing.n_periods} periods are too few for a window; use a longer history")
    cosines = n_cosines(window, year)

    def means(windows: Floats) -> Floats:
        """Timing return of each and its error, as the judge has them of one row; NaN where nothing is timed."""
        error = np.sqrt(cosine_variance(windows, cosines) / window)
        return np.where(windows.std(axis=1) > 0, [windows.mean(axis=1), error], np.nan) * year

    value, error = by_window(means, window, timing.series(trial.evidence.sign))
    half_width = Estimate(0.0, 1.0, cosines).interval()[1] * error
    path = {"timing_return": value, "low": value - half_width, "high": value + half_width}
    return Stability(
        path=pd.DataFrame(path, index=timing.dates[window - 1 :]),
        years=window / year,
        finding=alpha_break(trial.result.excess_returns, trial.result.metal_excess_returns),
    )


def chance_of_finding(trial: Trial) -> pd.DataFrame | None:
    """Chance that the deciding p is small enough, by the true information ratio (``ratio``, ``power``).

    ``None`` when the record has no error, or nothing is detectable.
    """
    from scipy.special import nctdtr, nctdtrit

    ratio, least = trial.evidence.information_ratio, trial.evidence.detectable
    if not (isfinite(least) and ratio.error > 0):
        return None
    nu, power = ratio.degrees_of_freedom, trial.verdict.rules.power
    critical = nctdtrit(nu, least / ratio.error, 1 - power)  # reached with this power by the detectable effect
    ratios = np.linspace(0, 2 * least, 61)
    return pd.DataFrame({"ratio": ratios, "power": [1 - float(nctdtr(nu, r / ratio.error, critical)) for r in ratios]})
