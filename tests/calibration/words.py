"""Families of ten claims put before the judge: how often its words are wrong, in worlds whose truth is known.

Nothing is recomputed here: decisions and prices become exposures as in a study, at the default costs, and
``research.study.judge.judge`` says the word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import nan, sqrt

import numpy as np
import numpy.typing as npt
import pandas as pd

from research.diagnostics.timing import Timing
from research.engine.exposure import Exposure
from research.engine.legs import Legs
from research.execution import Execution
from research.study.judge import ClaimRows, Judged, judge
from research.verdict import Rules, Word
from tests.calibration.tallies import Tally
from tests.calibration.worlds import MONTHS, WORLDS, World

Floats = npt.NDArray[np.float64]

DAYS = 252
N_STRATEGIES = 10
WORTHWHILE = Rules().worthwhile_information_ratio
DETECTABLE = -1.0  # to be planted: the size that the judge prints in the same world without an effect


@dataclass(frozen=True)
class Cell:
    """One world at one length, with an effect in its first strategy or none."""

    world: str
    n_bars: int = 480
    effect: float = 0.0
    year: int = MONTHS

    def __str__(self) -> str:
        length = f"{self.n_bars:,} {'months' if self.year == MONTHS else 'days'}"
        return f"{self.world.replace('_', ' ')}, {length}"

    @property
    def key(self) -> str:
        """Name of its tally in a folder."""
        return f"{self.world}-{self.n_bars}-{self.effect:g}"


SHORT = (
    "random_walk", "gold", "silver", "silver_contrarian", "silver_momentum", "held_in_calm", "held_in_wild",
    "unseen_mean_5", "6_events", "8_events", "averaged_prices", "unequal_windows", "two_metals",
)  # fmt: skip
DAILY = ("gold", "silver_contrarian", "held_in_wild", "unseen_mean_5", "20_events", "two_metals")
NO_EFFECT = (
    *(Cell(name) for name in WORLDS),
    *(Cell(name, 180) for name in SHORT),
    *(Cell(name, 5300, year=DAYS) for name in DAILY),
    *(Cell(name, n_bars) for name in ("random_walk", "silver_contrarian") for n_bars in (30, 60)),
)
WORTH_HAVING = (
    *(Cell(name, effect=WORTHWHILE) for name in WORLDS),
    *(Cell(name, 180, WORTHWHILE) for name in SHORT),
    *(Cell(name, 5300, WORTHWHILE, DAYS) for name in DAILY),
)
FOUND = tuple(
    Cell(name, n_bars, DETECTABLE)
    for name, n_bars in (
        ("random_walk", 480), ("gold", 480), ("silver", 480), ("silver_contrarian", 480), ("held_in_wild", 480),
        ("3_months_after_wild", 480), ("8_events", 480), ("20_events", 480), ("unequal_windows", 480),
        ("two_metals", 480), ("random_walk", 180), ("silver", 180),
    )
)  # fmt: skip
POWER = tuple(
    Cell(name, effect=ratio) for name in ("gold", "8_events", "two_metals") for ratio in (0.25, 0.5, 0.75, 1.0)
)
POOLED = {"two_metals": sqrt((1 + 0.7) / 2)}  # ratio of each metal over that of both at equal risk


def claims_of(world: World) -> list[ClaimRows]:
    """A claim a strategy, a row a metal; all say that holding pays."""
    timings = [_timings(world, name, column) for name, column in zip("AB", world.prices.T, strict=False)]
    return [
        ClaimRows(id=str(k), sign=1, rows=dict(zip("AB", rows, strict=False)))
        for k, rows in enumerate(zip(*timings, strict=True))
    ]


def _timings(world: World, metal: str, prices: Floats) -> list[Timing]:
    """Of every strategy on one metal; those with one window share all but their weights."""
    dates = pd.date_range("1970-01-31", periods=prices.size, freq="ME" if world.periods_per_year == MONTHS else "B")
    legs = Legs(
        price=pd.DataFrame({metal: prices}, index=dates),
        bill_accrual=pd.Series(0.0, index=dates),
        storable=frozenset([metal]),
        averaged=False,
        periods_per_year=world.periods_per_year,
    )
    exposures: list[Exposure] = []
    alike = not np.isnan(world.weights).any()
    for weights in world.weights.T:
        if exposures and alike:
            wanted = np.ascontiguousarray(weights[: exposures[0].n_periods, None])
            exposures.append(replace(exposures[0], wanted=wanted))
        else:
            exposures.append(Exposure.of(pd.DataFrame({metal: weights}, index=dates), legs, Execution()))
    return [Timing.of(exposure) for exposure in exposures]


def sample(cell: Cell, seed: int, effect: float) -> dict[str, float]:
    """What one family gives: yes and no, shares of its claims, sizes; NaN where there is nothing to count."""
    world = WORLDS[cell.world](
        seed, n_bars=cell.n_bars, n_strategies=N_STRATEGIES, information_ratio=effect, periods_per_year=cell.year
    )
    claims = claims_of(world)
    judged = judge(claims, Rules(), shift_all=False)
    if cell.effect:
        return _first(judged["0"], claims[0], cell)
    return words_of(list(judged.values())) | _old_ones(list(judged.values()), claims) | _printed(judged["0"])


def words_of(judged: Sequence[Judged]) -> dict[str, float]:
    """Of a family without effects: whether any word is false, and shares of its claims."""
    words = [item.verdict.word for item in judged]
    tested = np.array([item.evidence.shows_p_values(Rules()) for item in judged])
    shown = np.array([item.numbers is not None for item in judged])
    found = {
        "supported": float(Word.SUPPORTED in words),
        "contradicted": float(Word.CONTRADICTED in words),
        "any false word": float(Word.SUPPORTED in words or Word.CONTRADICTED in words),
        "ruled out": float(np.mean([word is Word.RULED_OUT for word in words])),
        "too few events": 1 - float(tested.mean()),
    }
    low, high = np.array([item.evidence.ratio_before_costs.interval(0.9) for item in judged]).T
    for which, chosen in {"": shown, ", if tested": tested & shown}.items():
        if chosen.any():
            found[f"lower end misses{which}"] = float(np.mean(low[chosen] > 0))
            found[f"upper end misses{which}"] = float(np.mean(high[chosen] < 0))
    return found


def _old_ones(judged: Sequence[Judged], claims: Sequence[ClaimRows]) -> dict[str, float]:
    """Shares of the tested claims that other tests reject at 5 %, one-sided."""
    tested = [c for item, c in zip(judged, claims, strict=True) if item.evidence.shows_p_values(Rules())]
    found = {}
    for name, t in {"alpha": alpha_t, "naive": naive_t}.items() if tested else ():
        each = np.array([t(claim) for claim in tested])
        found |= {f"{name} for": float(np.mean(each > 1.645)), f"{name} against": float(np.mean(each < -1.645))}
    return found


def _first(judged: Judged, claim: ClaimRows, cell: Cell) -> dict[str, float]:
    evidence, word = judged.evidence, judged.verdict.word
    tested = evidence.shows_p_values(Rules())
    found = {
        "supported": word is Word.SUPPORTED,
        "contradicted": word is Word.CONTRADICTED,
        "ruled out": word is Word.RULED_OUT,
        "too few events": not tested,
        "primary": bool(judged.verdict.steps["primary"]),
        "and shifted": bool(judged.verdict.steps["primary"] and judged.verdict.steps["shifted"]),
    }
    if judged.numbers is not None and cell.effect != DETECTABLE:
        low, high = evidence.ratio_before_costs.interval(0.9)
        found |= {"lower end misses": low > cell.effect, "upper end misses": high < cell.effect}
    return {name: float(value) for name, value in found.items()}


def _printed(first: Judged) -> dict[str, float]:
    """Of the first claim, if it is tested: its error, what costs take, and the detectable size over the error."""
    evidence = first.evidence
    if not evidence.shows_p_values(Rules()):
        return {}
    error = evidence.information_ratio.error
    costs = evidence.ratio_before_costs.value - evidence.information_ratio.value
    return {"error": error, "costs": costs, "noncentrality": evidence.detectable / error}


def tally(cell: Cell, samples: int, seed: int = 0, *, without: Tally | None = None) -> Tally:
    """What each of so many samples gave, by question; ``without`` is the tally of the same world without an effect."""
    counted: Tally = {}
    for number in range(seed, seed + samples):
        effect = cell.effect
        if without is not None:
            effect = _detectable(cell, number, without)
            counted.setdefault("planted", []).append(effect)
        if effect == effect:
            for name, value in sample(cell, number, effect * POOLED.get(cell.world, 1.0)).items():
                counted.setdefault(name, []).append(value)
    return counted


def _detectable(cell: Cell, seed: int, without: Tally) -> float:
    """The size printed for the first claim, at the error that is usual in this world, before costs; NaN if untested.

    How much evidence is needed follows from the weights and the family; the sample's own error is luck.
    """
    found = sample(replace(cell, effect=0.0), seed, 0.0)
    if "noncentrality" not in found:
        return nan
    return found["noncentrality"] * float(np.mean(without["error"])) + float(np.mean(without["costs"]))


def alpha_t(claim: ClaimRows) -> float:
    """The judge before this one, of the first row: alpha over the mix of the average so far, White's error."""
    row = next(iter(claim.rows.values()))
    m = row.exposure.excess[:, 0]
    x, centred = row.active * m, m - m.mean()
    slope = centred @ x / (centred @ centred)
    alpha = x.mean() - slope * m.mean()
    influence = (1 - m.mean() * centred / (centred @ centred / m.size)) / m.size
    error = sqrt(float(influence**2 @ (x - alpha - slope * m) ** 2))
    return float(alpha / error) if error else nan


def naive_t(claim: ClaimRows) -> float:
    """Of the timing series of the first row as if its periods were independent."""
    psi = next(iter(claim.rows.values())).gross
    return float(psi.mean() / psi.std() * sqrt(psi.size))
