"""Signals that know nothing on real prices: how often each error rejects, and how often the judge's word is false.

Random signals on one lived history share its luck, so a rate has the history's own error in it, which the printed
Monte-Carlo error does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.fft import dct
from scipy.stats import t as student

from research.datasets.market import Market
from research.diagnostics.timing import Timing, n_cosines
from research.engine.exposure import Exposure
from research.execution import Execution
from research.study.judge import ClaimRows, judge
from research.verdict import Rules
from tests.calibration.tallies import Tally
from tests.calibration.words import DAYS, N_STRATEGIES, words_of
from tests.calibration.worlds import MONTHS, autoregression

Floats = npt.NDArray[np.float64]

ROOT = Path(__file__).parents[2]
VENDORS = ROOT.parent / "shared" / "market"
AT_ONCE = 200
N_BOOTSTRAPS = 499


@dataclass(frozen=True)
class History:
    """A price that was lived: where it lies, from when, and its bars a year."""

    name: str
    path: Path
    column: str
    start: str
    year: int

    @property
    def metal(self) -> str:
        """First word of the name."""
        return self.name.split()[0]

    @property
    def missing(self) -> str:
        """Why it cannot be used, if so."""
        return "" if self.path.is_file() else f"{self.name}: skipped, there is no {self.path.name} here"

    def market(self) -> Market:
        """Prices, and bills by the month's rate."""
        table = pd.read_csv(self.path, index_col=0)
        table.index = pd.DatetimeIndex(pd.to_datetime(table.index))
        price = table.sort_index()[self.column].dropna().loc[self.start :]
        price = price[~price.index.duplicated() & (price > 0)]
        if self.year == MONTHS:
            price.index = price.index + pd.offsets.MonthEnd(0)
        rates = pd.read_csv(ROOT / "data" / "tbill_monthly.csv", index_col=0).iloc[:, 0] / 100
        rates.index = pd.DatetimeIndex(pd.to_datetime(rates.index)) + pd.offsets.MonthEnd(0)
        days = price.index.to_series().diff().dt.days.fillna(0)
        yields = rates.reindex(price.index, method="ffill").shift().bfill()
        return Market(self.metal, price, yields * days / 365, self.year == MONTHS, self.year, {})


def _monthly(metal: str, path: Path, column: str) -> History:
    return History(f"{metal} monthly mean", path, column, "1975", MONTHS)


def _daily(name: str, file: str, column: str, start: str) -> History:
    return History(name, VENDORS / f"{file}.csv.gz", column, start, DAYS)


HISTORIES = (
    _monthly("gold", ROOT / "data" / "metals_monthly.csv", "gold_usd_oz"),
    _monthly("silver", ROOT / "data" / "metals_monthly.csv", "silver_usd_oz"),
    _monthly("platinum", ROOT / "data" / "metals_monthly.csv", "platinum_usd_oz"),
    _daily("gold daily spot", "gold_spot_usd", "close", "2005"),
    _daily("silver daily spot", "silver_spot_usd", "close", "2005"),
    _daily("gold London fix", "lbma_gold_fix_daily_1968_2020", "USD (PM)", "1975"),
    _daily("silver London fix", "lbma_silver_fix_daily_1968_2020", "USD", "1975"),
    _daily("copper daily future", "comex_copper_continuous", "close", "2006"),
)


def persistent(rng: np.random.Generator, prices: Floats, n: int, month: int) -> Floats:
    """In while an autoregression is above 0, of a persistence of 0.9 to 0.98 a month."""
    rho = rng.uniform(0.9, 0.98, n) ** (1 / month)
    paths = [autoregression(rng.standard_normal((len(prices), 1)), one, rng)[:, 0] for one in rho]
    return (np.column_stack(paths) > 0).astype(float)


def sparse(rng: np.random.Generator, prices: Floats, n: int, month: int) -> Floats:
    """In for six months after each of about ten dates."""
    hold = 6 * month
    begun = np.cumsum(rng.random((len(prices), n)) < 10 / len(prices), axis=0)
    before = np.vstack([np.zeros((hold, n), dtype=int), begun[:-hold]])
    return (begun > before).astype(float)


def of_past_prices(rng: np.random.Generator, prices: Floats, n: int, month: int) -> Floats:
    """In while the price stands above, or below, its mean of 2 to 24 months by a random distance."""
    logs, weights = np.log(prices), np.empty((len(prices), n))
    total = np.concatenate([[0.0], np.cumsum(logs)])
    for k in range(n):
        window = int(rng.integers(2 * month, 24 * month))
        gap = np.full(len(prices), np.nan)
        gap[window - 1 :] = logs[window - 1 :] - (total[window:] - total[:-window]) / window
        beyond = rng.choice([-1.0, 1.0]) * (gap - np.nanquantile(gap, rng.uniform(0.2, 0.8)))
        weights[:, k] = np.where(np.isnan(gap), np.nan, beyond > 0)
    return weights


def of_prices_elsewhere(rng: np.random.Generator, prices: Floats, n: int, month: int) -> Floats:
    """As ``of_past_prices``, moved in a circle by five years at least: as shaped, and knowing nothing."""
    weights, far = np.nan_to_num(of_past_prices(rng, prices, n, month)), 60 * month
    return np.column_stack([np.roll(w, int(rng.integers(far, len(prices) - far))) for w in weights.T])


SIGNALS: Mapping[str, Callable[[np.random.Generator, Floats, int, int], Floats]] = {
    "persistent": persistent,
    "sparse": sparse,
    "of prices elsewhere": of_prices_elsewhere,
    "of past prices": of_past_prices,
}


def statistic_alone(history: History, kind: str, samples: int, seed: int = 0) -> Tally:
    """One-sided 5 %, for and against, of the timing series without costs, by four errors."""
    market, rng = history.market(), np.random.default_rng([seed, 1])
    prices = market.price.to_numpy(dtype=float)
    m = prices[1:] / prices[:-1] - 1 - market.bill_accrual.to_numpy()[1:]
    found: Tally = {}
    for first in range(0, samples, AT_ONCE):
        n = min(AT_ONCE, samples - first)
        weights = SIGNALS[kind](rng, prices, n, max(1, history.year // MONTHS))
        opened = int(np.argmax(np.isfinite(weights).all(axis=1)))
        w, returns = weights[opened:-2], m[opened + 1 :]  # decided at t, filled at t + 1, earning the bar after
        for name, t, critical in _each_error(_series(w, returns), history.year, rng):
            for side, beyond in (("for", t > critical), ("against", t < -critical)):
                found.setdefault(f"{name} {side}", []).extend(beyond[~np.isnan(t)].astype(float))
    return found


def _series(w: Floats, m: Floats) -> Floats:
    z = w - np.vstack([w[:1], np.cumsum(w, axis=0)[:-1] / np.arange(1, len(w))[:, None]])
    return (z - z.mean(axis=0)) * (m - m.mean())[:, None]


def _each_error(psi: Floats, year: int, rng: np.random.Generator) -> Any:
    n = len(psi)
    mean = psi.mean(axis=0)
    centred = psi - mean
    with np.errstate(invalid="ignore", divide="ignore"):
        yield "naive", mean / centred.std(axis=0) * np.sqrt(n), 1.645
        lags = int(0.75 * n ** (1 / 3))
        variance = (centred**2).mean(axis=0) + sum(
            2 * (1 - k / (lags + 1)) * (centred[k:] * centred[:-k]).sum(axis=0) / n for k in range(1, lags + 1)
        )
        yield "newey-west", mean / np.sqrt(variance / n), 1.645
        nu = n_cosines(n, year)
        numbers = dct(psi, type=2, norm="ortho", axis=0)[: nu + 1]
        yield "cosines", numbers[0] / np.sqrt((numbers[1:] ** 2).mean(axis=0)), student.ppf(0.95, nu)
    few = [column for column in psi.T[:: max(1, psi.shape[1] // 20)] if column.std() > 0]
    yield "bootstrap", np.array([_bootstrap_z(column, rng) for column in few]), 0.0


def _bootstrap_z(psi: Floats, rng: np.random.Generator) -> float:
    """1 where the stationary bootstrap of ``arch`` rejects for, -1 where against, else 0."""
    from arch.bootstrap import StationaryBootstrap, optimal_block_length

    block = max(1.0, float(optimal_block_length(psi)["stationary"].iloc[0]))
    draws = StationaryBootstrap(block, psi, seed=int(rng.integers(2**31))).apply(np.mean, N_BOOTSTRAPS)[:, 0]
    moved, mean = draws - psi.mean(), psi.mean()
    as_good, as_bad = (1 + np.sum(moved >= mean)) / (1 + moved.size), (1 + np.sum(moved <= mean)) / (1 + moved.size)
    return 1.0 if as_good <= 0.05 else -1.0 if as_bad <= 0.05 else 0.0


def to_the_word(history: History, kind: str, families: int, seed: int = 0) -> Tally:
    """Families of ten through the account, at the default costs, before the judge."""
    market, rng = history.market(), np.random.default_rng([seed, 2])
    prices, found = market.price.to_numpy(dtype=float), Tally()
    for _ in range(families):
        weights = SIGNALS[kind](rng, prices, N_STRATEGIES, max(1, history.year // MONTHS))
        claims = [
            ClaimRows(id=str(k), sign=1, rows={history.metal: _timing(column, market)})
            for k, column in enumerate(weights.T)
        ]
        judged = judge(claims, Rules(), shift_all=False)
        for name, value in words_of(list(judged.values())).items():
            found.setdefault(name, []).append(value)
    return found


def _timing(weights: Floats, market: Market) -> Timing:
    return Timing.of(Exposure.of_metal(pd.Series(weights, index=market.price.index), market, Execution()))
