"""CheckReport: what was found, in words that name the input, the dates and the usual cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isnan
from typing import Any, Literal

import pandas as pd

Probe = Literal["truncation", "perturbation", "gap", "vintage", "delay", "scale", "state", "loader", "engine"]

CALENDAR = "the calendar"


@dataclass(frozen=True, kw_only=True)
class Leak:
    """An output that depended on its future.

    Attributes
    ----------
    probe
        What was done to the history: ``truncation``, ``perturbation``, ``gap``, ``vintage``, ``delay``, ``scale``; or
        ``loader`` and ``engine``, where the data room or the ledger and not the strategy is at fault.
    input
        Dataset id that it learned from, or ``"the calendar"`` when only the length of the history told it.
    moved
        Date of the earliest bar whose output moved.
    knowing, unknowing
        The output at that bar with the true future, and with another one (NaN: no decision).
    largest
        Largest move of any earlier output.
    n_moved
        Number of bars at or before the cut that moved.
    cut
        Last bar before the altered future.
    learned_from, period, value
        The nearest later observation that moves it: when it became known, the period that it describes, and its
        value; ``None`` where no single one does.
    n_cuts
        Number of cuts at which the probe found it.
    cause, remedy
        What usually makes this pattern, and what to write instead.
    """

    probe: Probe
    metal: str
    input: str
    moved: pd.Timestamp
    knowing: float
    unknowing: float
    largest: float
    n_moved: int
    cut: pd.Timestamp
    learned_from: pd.Timestamp | None
    period: pd.Timestamp | None
    value: float | None
    n_cuts: int
    cause: str
    remedy: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        source = f"from {self.input}"
        if self.learned_from is not None:
            source += (
                f": the value {self.value:.6g} for {self.period:%Y-%m-%d}, known only {self.learned_from:%Y-%m-%d}"
            )
        extra = f" with {_words(self.parameters)}" if self.parameters else ""
        return (
            f"{self.metal}{extra}: {self.probe}: the weight of {self.moved:%Y-%m-%d} is {_weight(self.knowing)} "
            f"and would have been {_weight(self.unknowing)} without what came after {self.cut:%Y-%m-%d}: "
            f"it learned {source}. Usual cause: {self.cause}. Remedy: {self.remedy}."
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values only."""
        return {key: _plain(value) for key, value in asdict(self).items()}


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A breach of the contract that a signal is a pure function of its panel and its parameters.

    Attributes
    ----------
    kind
        ``file``, ``network``, ``process``, ``outside_data``, ``environment``, ``introspection``, ``clock``,
        ``randomness``, ``state``, ``mutation``, ``hindsight`` or ``weights``.
    what
        What was seen, with dates where there are any.
    """

    kind: str
    metal: str
    what: str
    cause: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.metal}: {self.kind}: {self.what}. Usual cause: {self.cause}. Remedy: {self.remedy}."

    def to_json(self) -> dict[str, Any]:
        """Plain values only."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """Whether a strategy is honest, and if not, why.

    Attributes
    ----------
    metals
        Metals on which it was checked.
    skipped
        Metal -> why it could not be checked there.
    notes
        What is worth knowing and no fault.
    n_runs, n_cuts
        How often the signal was run, and at how many cuts, over all metals.
    """

    strategy: str
    metals: tuple[str, ...]
    skipped: Mapping[str, str]
    leaks: tuple[Leak, ...]
    violations: tuple[Violation, ...]
    notes: tuple[str, ...]
    n_runs: int
    n_cuts: int

    @property
    def passed(self) -> bool:
        """Neither a leak nor a violation was found."""
        return not self.leaks and not self.violations

    def __str__(self) -> str:
        word = "honest" if self.passed else "NOT HONEST"
        lines = [f"{self.strategy}: {word} on {', '.join(self.metals)} ({self.n_runs} runs, {self.n_cuts} cuts)"]
        lines += [f"  leak: {leak}" for leak in self.leaks]
        lines += [f"  contract: {violation}" for violation in self.violations]
        lines += [f"  note: {note}" for note in self.notes]
        lines += [f"  not checked on {metal}: {why}" for metal, why in self.skipped.items()]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Plain values only."""
        return {
            "strategy": self.strategy,
            "passed": self.passed,
            "metals": list(self.metals),
            "skipped": dict(self.skipped),
            "leaks": [leak.to_json() for leak in self.leaks],
            "violations": [violation.to_json() for violation in self.violations],
            "notes": list(self.notes),
            "runs": self.n_runs,
            "cuts": self.n_cuts,
        }


def _weight(value: float) -> str:
    return "no decision" if isnan(value) else f"{value:.4g}"


def _words(parameters: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in parameters.items())


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    if isinstance(value, float) and isnan(value):
        return None
    return value
