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
    error
        Monte-Carlo standard error.
    target
        What it should be (at most, for false words), ``None`` where there is no one answer.
    remark
        Why it is not, where that is known.
    """

    world: str
    question: str
    rate: float
    samples: int
    error: float
    target: float | None = None
    remark: str = ""

    @classmethod
    def of(
        cls, found: Sequence[float], world: str, question: str, target: float | None = None, remark: str = ""
    ) -> Rate:
        """From what each independent sample gave: yes and no, or a share of its own."""
        n, total = len(found), float(np.sum(found))
        smoothed = (total + 1) / (n + 2)  # so that a rate of 0 or 1 has an error too
        spread = float(np.std(found)) if total and total < n else np.sqrt(smoothed * (1 - smoothed))
        return cls(
            world=world, question=question, rate=total / n, samples=n, error=spread / np.sqrt(n), target=target,
            remark=remark,
        )  # fmt: skip

    @property
    def text(self) -> str:
        """In per cent, with its error."""
        return f"{100 * self.rate:.1f} ± {100 * self.error:.1f}"


def table(rates: Sequence[Rate], head: str = "world") -> str:
    """Worlds down, questions across, in per cent, the bar of each question in the head."""
    worlds = list(dict.fromkeys(rate.world for rate in rates))
    questions = list(dict.fromkeys(rate.question for rate in rates))
    by = {(rate.world, rate.question): rate.text for rate in rates}
    lines = ["| " + " | ".join([head, *questions]) + " |", "|---|" + "---:|" * len(questions)]
    lines += ["| " + " | ".join([world, *(by.get((world, q), "") for q in questions)]) + " |" for world in worlds]
    return "\n".join(lines)


def down(rates: Sequence[Rate]) -> str:
    """A row each, in per cent, with target and remark."""
    lines = ["| statistic | where | % of samples | should be | why not |", "|---|---|---:|---:|---|"]
    lines += [
        f"| {rate.question} | {rate.world} | {rate.text} | "
        f"{'' if rate.target is None else f'{100 * rate.target:g}'} | {rate.remark} |"
        for rate in rates
    ]
    return "\n".join(lines)
