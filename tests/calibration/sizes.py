"""Size of every p-value and coverage of every interval, in worlds where the truth is known.

A case says where a null holds, how to draw from it, and what to ask. Nothing is listed twice: whatever p-value a
finding carries, in its details too, is counted, and so is its interval.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from research.diagnostics.finding import Finding
from tests.calibration.rate import Rate

LEVEL = 0.05

Answer: TypeAlias = Finding | Mapping[str, float | bool | None]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One statistic in one world.

    Attributes
    ----------
    function
        Name of what is asked, in ``research.diagnostics``.
    where
        The world, in words.
    draw
        From a generator to the arguments of ``ask``.
    ask
        Gives a finding, or p-values (numbers) and events (booleans) by name.
    truth
        What the interval is to cover, a number or a function of the finding.
    only
        Names of the answers that are counted; by default all.
    targets
        What an answer's rate should be where it is not the level (an interval: its own).
    remarks
        Why an answer's rate is not what it should be, by its name.
    """

    function: str
    where: str
    draw: Callable[[np.random.Generator], tuple[Any, ...]]
    ask: Callable[..., Answer]
    truth: float | Callable[[Finding], float] = 0.0
    only: tuple[str, ...] | None = None
    targets: Mapping[str, float | None] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)


def size_rates(cases: Iterable[Case], *, samples: int, seed: int = 0) -> list[Rate]:
    """Draw and ask ``samples`` times each; an answer that a sample cannot give is not counted."""
    rates: list[Rate] = []
    for number, case in enumerate(cases):
        counted: dict[str, list[bool]] = {}
        targets: dict[str, float | None] = {}
        for sample in range(samples):
            answer = case.ask(*case.draw(np.random.default_rng([seed, sample, number])))
            for name, happened, target in _happened(answer, case):
                counted.setdefault(name, []).append(happened)
                targets[name] = case.targets.get(name, target)
        rates += [
            Rate.of(found, case.where, f"`{case.function}` {name}", targets[name], case.remarks.get(name, ""))
            for name, found in counted.items()
        ]
    return rates


def p_values(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float | None]]:
    """Every entry with ``p_value`` in its name, of mappings in mappings too, by its dotted name."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from p_values(value, f"{prefix}{name}.")
        elif "p_value" in name:
            yield prefix + name, value


def _happened(answer: Answer, case: Case) -> Iterator[tuple[str, bool, float | None]]:
    for name, value, target in _read(answer, case):
        if value is not None and (case.only is None or name in case.only):
            yield name, value if isinstance(value, bool) else value <= LEVEL, target


def _read(answer: Answer, case: Case) -> Iterator[tuple[str, float | bool | None, float]]:
    if not isinstance(answer, Finding):
        for name, value in answer.items():
            yield name, value, LEVEL
        return
    yield "p_value", answer.p_value, LEVEL
    for name, value in p_values(answer.details):
        yield name, value, LEVEL
    if answer.interval is not None:
        truth = case.truth(answer) if callable(case.truth) else case.truth
        yield "interval", bool(answer.interval[0] <= truth <= answer.interval[1]), answer.level
