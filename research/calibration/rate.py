"""A rate that was counted, and tables of rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


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
        The share, of how many samples.
    target
        What it should be, ``None`` where there is no one answer.
    remark
        Why it is not, where that is known.
    """

    world: str
    question: str
    rate: float
    samples: int
    target: float | None = None
    remark: str = ""

    @property
    def error(self) -> float:
        """Monte-Carlo standard error of the rate; that of its target where the target is certain."""
        p = self.rate if self.target is None else self.target
        return float(np.sqrt(p * (1 - p) / self.samples))


def across(rates: Sequence[Rate]) -> str:
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
        lines.append(f"| {question} | " + " | ".join(cells) + f" | {_percent(target[question])} |")
    return "\n".join(lines)


def down(rates: Sequence[Rate]) -> str:
    """One table: a row each, in per cent, with target and remark."""
    lines = ["| statistic | where | % of samples | should be | why not |", "|---|---|---:|---:|---|"]
    lines += [
        f"| {rate.question} | {rate.world} | {_cell(rate)} | {_percent(rate.target)} | {rate.remark} |"
        for rate in rates
    ]
    return "\n".join(lines)


def _cell(rate: Rate | None) -> str:
    return "" if rate is None else f"{100 * rate.rate:.1f} ± {100 * rate.error:.1f}"


def _percent(target: float | None) -> str:
    return "" if target is None else f"{100 * target:g}"
