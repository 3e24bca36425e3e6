"""The judge judged: how often the statistics and the verdict are wrong where the truth is known.

``python -m research.calibration --samples 400`` draws families of ten strategies in every world of
:mod:`research.synthetic`, puts each through the statistics and the rules of a study, and prints how often

- a family without any effect gets a false ``supported`` (and ``contradicted``), at most 5 % by design;
- each p-value rejects at 5 % where there is nothing, and each interval covers the truth;
- a planted effect is found, by its size.

Every rate carries its Monte-Carlo error, ``sqrt(p (1 - p) / n)``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from research.diagnostics.events import episodes
from research.diagnostics.finding import Finding
from research.diagnostics.multiplicity import step_down, superior_predictive_ability, timing_alpha_series
from research.diagnostics.performance import timing_alpha
from research.diagnostics.placebo import alpha_t_statistics, shift_placebo
from research.diagnostics.power import minimum_detectable_information_ratio
from research.synthetic import MONTHS, WORLDS, World
from research.verdict import Evidence, Robustness, Rules, Word, decide

Floats = npt.NDArray[np.float64]

COST = 0.0015  # of what is traded, each way
N_BARS = 480  # forty years of months
N_DRAWS = 499
QUARTER = 3  # quiet bars that make two runs two events
PLANTED = (0.0, 0.25, 0.5, 0.75, 1.0)  # information ratios a year


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How often something happened in one world.

    Attributes
    ----------
    world
        Name of the world.
    question
        What was counted.
    rate, samples
        The share, of how many families.
    target
        What it should be, ``None`` where there is no one answer.
    """

    world: str
    question: str
    rate: float
    samples: int
    target: float | None = None

    @property
    def error(self) -> float:
        """Monte-Carlo standard error of the rate; that of its target where the target is certain."""
        p = self.rate if self.target is None else self.target
        return float(np.sqrt(p * (1 - p) / self.samples))


def null_rates(name: str, *, samples: int, seed: int = 0, n_bars: int = N_BARS) -> list[Rate]:
    """Sizes, coverage and false verdicts in one world without any effect."""
    counts: dict[tuple[str, float], list[bool]] = {}

    def count(question: str, target: float, happened: bool) -> None:
        counts.setdefault((question, target), []).append(bool(happened))

    level = Rules().level
    for sample in range(samples):
        world = WORLDS[name](seed=seed + sample, n_bars=n_bars)
        returns = world.excess_returns()
        alphas = _alphas(world, returns)
        first = timing_alpha(returns[:, 0], world.returns, periods_per_year=MONTHS)
        placebo = _placebo(world, 0, sample, cost=0.0)
        family = step_down(alphas, periods_per_year=MONTHS, seed=sample, n_draws=N_DRAWS)
        best = superior_predictive_ability(alphas, seed=sample, n_draws=N_DRAWS)
        words = earned_words(world, sample)
        if first.p_value is not None and first.interval is not None:
            count("timing alpha rejects", level, first.p_value <= level)
            count("95 % interval covers 0", 0.95, first.interval[0] <= 0 <= first.interval[1])
        if placebo.p_value is not None:
            count("placebo rejects", level, placebo.p_value <= level)
        count("step-down rejects any of ten", level, _any_below((f.p_value for f in family.values()), level))
        count("SPA rejects", level, _any_below([best.p_value], level))
        count("any of ten falsely supported", level, Word.SUPPORTED in words.values())
        count("any of ten falsely contradicted", level, Word.CONTRADICTED in words.values())
    return [
        Rate(world=name, question=question, rate=float(np.mean(found)), samples=len(found), target=target)
        for (question, target), found in counts.items()
    ]


def power_rates(name: str, *, samples: int, seed: int = 0, n_bars: int = N_BARS) -> list[Rate]:
    """How often an effect planted in one strategy of ten is found, by its information ratio a year."""
    rates = []
    for ratio in PLANTED:
        found: dict[str, list[bool]] = {"step-down rejects": [], "supported": []}
        for sample in range(samples):
            world = WORLDS[name](seed=seed + sample, n_bars=n_bars, information_ratio=ratio)
            alphas = _alphas(world, world.excess_returns())
            family = step_down(alphas, periods_per_year=MONTHS, seed=sample, n_draws=N_DRAWS)
            found["step-down rejects"].append(_any_below([family["0"].p_value]))
            found["supported"].append(earned_words(world, sample, strategies=[0]).get(0) is Word.SUPPORTED)
        rates += [
            Rate(world=name, question=f"{ratio:g}: {step}", rate=float(np.mean(hits)), samples=samples)
            for step, hits in found.items()
        ]
    return rates


def earned_words(
    world: World, seed: int, *, strategies: Iterable[int] | None = None, rules: Rules | None = None
) -> dict[int, Word]:
    """Words of a world's strategies, judged as a study would: after costs, over the family, by the rules.

    Strategies that the family's p-value has already turned down, both ways, can earn neither ``supported`` nor
    ``contradicted``; they are left out, and no placebo is run for them.
    """
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
    return {
        k: decide(_evidence(world, k, returns[:, k], family[str(k)], seed, rules), rules).word
        for k in chosen
        if _any_below([family[str(k)].p_value, family[str(k)].details["p_value_opposite"]], rules.level)
    }


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


def markdown(rates: Sequence[Rate]) -> str:
    """One table: questions down, worlds across, in per cent; the last column is the target."""
    worlds = list(dict.fromkeys(rate.world for rate in rates))
    questions = list(dict.fromkeys(rate.question for rate in rates))
    by = {(rate.question, rate.world): rate for rate in rates}
    target = {rate.question: rate.target for rate in rates}
    lines = [
        "| % of families | " + " | ".join(world.replace("_", " ") for world in worlds) + " | should be |",
        "|---|" + "---:|" * (len(worlds) + 1),
    ]
    for question in questions:
        cells = [_cell(by.get((question, world))) for world in worlds]
        goal = target[question]
        lines.append(f"| {question} | " + " | ".join(cells) + f" | {'' if goal is None else f'{100 * goal:g}'} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 0 if no family-wise rate of false ``supported`` is above 5 % by more than chance."""
    parser = argparse.ArgumentParser(prog="python -m research.calibration", description=__doc__.split("\n\n")[0])
    parser.add_argument("--samples", type=int, default=200, help="families a world (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="of the first world (default 0)")
    options = parser.parse_args(arguments)
    if options.samples < 1:
        parser.error("--samples: at least 1")
    null = [rate for name in WORLDS for rate in null_rates(name, samples=options.samples, seed=options.seed)]
    planted = [
        rate
        for name in ("random_walk", "garch", "clustered_events")
        for rate in power_rates(name, samples=options.samples, seed=options.seed)
    ]
    out = sys.stdout
    out.write(f"{options.samples} families of ten strategies without merit, {N_BARS} months, one-sided level 5 %\n\n")
    out.write(markdown(null) + "\n\nOne strategy of ten has an effect, an information ratio a year\n\n")
    out.write(markdown(planted) + "\n")
    return int(any(_too_often(rate) for rate in null))


def _too_often(rate: Rate) -> bool:
    return rate.question == "any of ten falsely supported" and rate.rate > (rate.target or 0) + 3 * rate.error


def _cell(rate: Rate | None) -> str:
    return "" if rate is None else f"{100 * rate.rate:.1f} ± {100 * rate.error:.1f}"


def _alphas(world: World, returns: Floats) -> pd.DataFrame:
    names = [str(k) for k in range(returns.shape[1])]
    table, held = pd.DataFrame(returns, columns=names), pd.DataFrame(world.held(), columns=names)
    return timing_alpha_series(table, pd.Series(world.returns), held)


def _placebo(world: World, k: int, seed: int, *, cost: float) -> Finding:
    def statistics_of(weights: Floats) -> Floats:
        moved = World(name=world.name, seed=world.seed, returns=world.returns, weights=weights)
        return alpha_t_statistics(moved.excess_returns(cost=cost), world.returns)

    return shift_placebo(world.weights[:, k], statistics_of, seed=seed)


def _alpha(returns: Floats, metal: Floats) -> float:
    centred = metal - metal.mean()
    return float(returns.mean() - (centred @ returns) / (centred @ centred) * metal.mean()) * MONTHS


def _any_below(p_values: Iterable[float | None], level: float = 0.05) -> bool:
    return any(p is not None and p <= level for p in p_values)


if __name__ == "__main__":
    raise SystemExit(main())
