"""Families of ten strategies put through the statistics and the rules of a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from research.calibration.rate import Rate
from research.diagnostics.events import episodes
from research.diagnostics.finding import Finding
from research.diagnostics.multiplicity import step_down, superior_predictive_ability, timing_alpha_series
from research.diagnostics.performance import timing_alpha
from research.diagnostics.placebo import alpha_t_statistics, by_shift, shift_placebo
from research.diagnostics.power import minimum_detectable_information_ratio
from research.synthetic import MONTHS, WORLDS, World
from research.verdict import Evidence, Robustness, Rules, Verdict, Word, decide

Floats = npt.NDArray[np.float64]

COST = 0.0015  # of what is traded, each way
N_BARS = 480  # forty years of months
N_DRAWS = 499
QUARTER = 3  # quiet bars that make two runs two events
PLANTED = (0.0, 0.25, 0.5, 0.75, 1.0)  # information ratios a year


def null_rates(name: str, *, samples: int, seed: int = 0, n_bars: int = N_BARS) -> list[Rate]:
    """Sizes, coverage and false verdicts in one world without any effect."""
    counts: dict[tuple[str, float], list[bool]] = {}

    def count(question: str, target: float, happened: bool) -> None:
        counts.setdefault((question, target), []).append(bool(happened))

    level = Rules().level
    for sample in range(samples):
        world = WORLDS[name](seed=seed + sample, n_bars=n_bars)
        returns = world.excess_returns()
        first = timing_alpha(returns[:, 0], world.returns, periods_per_year=MONTHS)
        placebo = _placebo(world, 0, sample, cost=0.0)
        best = superior_predictive_ability(_alphas(world, returns), seed=sample, n_draws=N_DRAWS)
        judged = judge(world, sample)
        words = {verdict.word for verdict in judged.verdicts.values()}
        if first.p_value is not None and first.interval is not None:
            count("timing alpha rejects", level, first.p_value <= level)
            count("95 % interval covers 0", 0.95, first.interval[0] <= 0 <= first.interval[1])
        if placebo.p_value is not None:
            count("placebo rejects", level, placebo.p_value <= level)
        count("step-down rejects any of ten", level, _any_below(f.p_value for f in judged.before_costs.values()))
        count("SPA rejects", level, _any_below([best.p_value]))
        count("any of ten falsely supported", level, Word.SUPPORTED in words)
        count("any of ten falsely contradicted", level, Word.CONTRADICTED in words)
    return [
        Rate(world=name, question=question, rate=float(np.mean(found)), samples=len(found), target=target)
        for (question, target), found in counts.items()
    ]


STEPS = (
    "step-down before costs",
    "step-down after costs",
    "and enough events",
    "and placebo",
    "and every sign: supported",
)


def power_rates(name: str, *, samples: int, seed: int = 0, n_bars: int = N_BARS) -> list[Rate]:
    """How often an effect planted in one strategy of ten passes each step, by its information ratio a year."""
    rates = []
    for ratio in PLANTED:
        passed = np.zeros((samples, len(STEPS)), dtype=bool)
        for sample in range(samples):
            world = WORLDS[name](seed=seed + sample, n_bars=n_bars, information_ratio=ratio)
            judged = judge(world, sample, strategies=[0])
            verdict = judged.verdicts.get(0)
            steps = dict(verdict.steps) if verdict else {}
            passed[sample] = (
                _any_below([judged.before_costs["0"].p_value]),
                _any_below([judged.after_costs["0"].p_value]),
                bool(steps.get("primary")),  # unknown with too few events
                bool(steps.get("primary") and steps["placebo"]),
                verdict is not None and verdict.word is Word.SUPPORTED,
            )
        rates += [
            Rate(world=name, question=f"{ratio:g}: {step}", rate=float(hits.mean()), samples=samples)
            for step, hits in zip(STEPS, passed.T, strict=True)
        ]
    return rates


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A family judged as a study would.

    Attributes
    ----------
    before_costs, after_costs
        Findings of the step-down by strategy.
    verdicts
        Of the strategies that the step-down has not turned down both ways: those can earn neither ``supported`` nor
        ``contradicted``, and no placebo is run for them.
    """

    before_costs: Mapping[str, Finding]
    after_costs: Mapping[str, Finding]
    verdicts: Mapping[int, Verdict]


def judge(world: World, seed: int, *, strategies: Iterable[int] | None = None, rules: Rules | None = None) -> Judged:
    """Judge a world's strategies, by default all: after costs, over the family, by the rules."""
    rules = rules or Rules()
    returns = world.excess_returns(cost=COST)
    before_costs, family = (
        step_down(_alphas(world, table), periods_per_year=MONTHS, seed=seed, n_draws=N_DRAWS)
        for table in (world.excess_returns(), returns)
    )
    for name, finding in family.items():
        against = before_costs[name].details["p_value_two_sided"]
        family[name] = replace(finding, details={**finding.details, "p_value_opposite": against})
    chosen = range(returns.shape[1]) if strategies is None else strategies
    verdicts = {
        k: decide(_evidence(world, k, returns[:, k], family[str(k)], seed, rules), rules)
        for k in chosen
        if _any_below([family[str(k)].p_value, family[str(k)].details["p_value_opposite"]], rules.level)
    }
    return Judged(before_costs=before_costs, after_costs=family, verdicts=verdicts)


def _evidence(world: World, k: int, returns: Floats, adjusted: Finding, seed: int, rules: Rules) -> Evidence:
    metal, half = world.returns, world.returns.size // 2
    held = world.held()[:, k]
    return Evidence(
        primary=timing_alpha(returns, metal, periods_per_year=MONTHS),
        family=adjusted,
        placebo=_placebo(world, k, seed, cost=COST),
        robustness=Robustness(
            longer_delay=_alpha(world.excess_returns(delay=2, cost=COST)[:, k], metal),
            doubled_costs=_alpha(world.excess_returns(cost=2 * COST)[:, k], metal),
            first_half=_alpha(returns[:half], metal[:half]),
            second_half=_alpha(returns[half:], metal[half:]),
        ),
        power=minimum_detectable_information_ratio(
            returns, metal, periods_per_year=MONTHS, significance=rules.level, power=rules.power
        ),
        independent_events=float(len(episodes(held > held.mean(), min_gap=QUARTER))),
    )


def _alphas(world: World, returns: Floats) -> pd.DataFrame:
    names = [str(k) for k in range(returns.shape[1])]
    table, held = pd.DataFrame(returns, columns=names), pd.DataFrame(world.held(), columns=names)
    return timing_alpha_series(table, pd.Series(world.returns), held)


def _placebo(world: World, k: int, seed: int, *, cost: float) -> Finding:
    def statistics_of(weights: Floats) -> Floats:
        moved = World(name=world.name, seed=world.seed, returns=world.returns, weights=weights)
        return alpha_t_statistics(moved.excess_returns(cost=cost), world.returns, moved.held())

    weights = world.weights[:, k]
    return shift_placebo(weights, by_shift(weights, statistics_of), seed=seed)


def _alpha(returns: Floats, metal: Floats) -> float:
    centred = metal - metal.mean()
    return float(returns.mean() - (centred @ returns) / (centred @ centred) * metal.mean()) * MONTHS


def _any_below(p_values: Iterable[float | None], level: float = 0.05) -> bool:
    return any(p is not None and p <= level for p in p_values)
