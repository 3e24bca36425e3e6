"""CheckReport: what was found, in words that name the input, the dates and the usual cause."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from typing import Literal

import pandas as pd

from research.values import plain_dict

CALENDAR = "the calendar"
USUAL: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_name("causes.toml").read_text(encoding="utf-8"))
"""What usually makes each kind of fault (``cause``), and what to write instead (``remedy``)."""


@dataclass(frozen=True, kw_only=True)
class Leak:
    """An output that depended on its future.

    Attributes
    ----------
    kind
        The mistake that usually looks so: ``next bar``, ``later bars``, ``whole sample``, ``period start``,
        ``period dates``, ``filled hole``, ``newest vintage`` or ``end of sample``.
    probe
        What was done to the history: ``truncation``, ``perturbation``, ``gap``, ``vintage`` or ``delay``.
    metal
        Which metal.
    parameters
        The point of the grid that is shown.
    input
        Dataset id that it learned from, or ``"the calendar"`` when only the length of the history told it.
    moved
        Date of the bar whose output moved most.
    knowing, unknowing
        The output at that bar with the true future, and with another one (NaN: no decision).
    cut
        Last bar before the altered future.
    learned_from, period, value
        The nearest later observation that moves it: when it became known, the period that it describes, and its
        value; ``None`` where no single one does.
    n_cells, of_cells
        Points of the grid that leak, at least, and that were looked at.
    cause, remedy
        What usually makes this pattern, and what to write instead.
    """

    kind: str
    probe: str
    metal: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    input: str
    moved: pd.Timestamp
    knowing: float
    unknowing: float
    cut: pd.Timestamp
    learned_from: pd.Timestamp | None = None
    period: pd.Timestamp | None = None
    value: float | None = None
    n_cells: int = 1
    of_cells: int = 1
    cause: str
    remedy: str

    def __str__(self) -> str:
        source = cells = ""
        if self.learned_from is not None:
            source = f": the value {self.value:.6g} for {self.period:%Y-%m-%d}, known only {self.learned_from:%Y-%m-%d}"
        if self.of_cells > 1:
            cells = f" at {point(self.parameters)} ({self.n_cells} or more of {self.of_cells} cells leak)"
        knowing, unknowing = different(self.knowing, self.unknowing)
        return (
            f"{self.metal}{cells}: {self.kind}: the weight of {self.moved:%Y-%m-%d} is {knowing} "
            f"and would have been {unknowing} without what came after {self.cut:%Y-%m-%d}: "
            f"it learned from {self.input}{source}. Usual cause: {self.cause}. Remedy: {self.remedy}."
        )


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A breach of the contract that a signal is a pure function of its panel and its parameters.

    Attributes
    ----------
    kind
        ``file``, ``network``, ``process``, ``outside_data``, ``import``, ``environment``, ``introspection``, ``clock``,
        ``randomness``, ``hash_seed``, ``state``, ``mutation``, ``hindsight`` or ``weights``.
    metal
        Which metal.
    what
        What was seen, with dates where there are any.
    cause
        What usually makes it.
    remedy
        What to write instead.
    """

    kind: str
    metal: str
    what: str
    cause: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.metal}: {self.kind}: {self.what}. Usual cause: {self.cause}. Remedy: {self.remedy}."


@dataclass(frozen=True, kw_only=True)
class DatedBars:
    """Bars that the rule decides by their date in one history, whatever else it reads.

    Attributes
    ----------
    metal
        Which metal.
    parameters
        Of the cell.
    kind
        ``schedule``: many short spans at regular distances, as of meetings; ``periods``: anything else.
    spans
        First and last bar of each.
    n_bars
        How many bars.
    share_of_bars
        Of all bars.
    carried, total
        Excess return a year, as a fraction and before costs, that the dated decisions add to the same rule without
        them, and that the whole rule has: the mean of ``w[t] * r[t+delay+1]`` times the bars of a year.
    p_shifted
        Share of circular shifts of the same spans in time that would have carried at least as much: small where the
        dates were chosen knowing what happened.
    inputs_matter
        Whether any input changes the weights at all.
    accused
        Dates that no schedule explains, and that either decide alone or were luckier than 99 of 100 shifts.
    """

    metal: str
    parameters: Mapping[str, object]
    kind: Literal["schedule", "periods"]
    spans: tuple[tuple[pd.Timestamp, pd.Timestamp], ...]
    n_bars: int
    share_of_bars: float
    carried: float
    total: float
    p_shifted: float
    inputs_matter: bool
    accused: bool

    def __str__(self) -> str:
        shown = ", ".join(_span(*span) for span in self.spans[:5])
        more = f" and {len(self.spans) - 5} more" if len(self.spans) > 5 else ""
        return (
            f"dates are written in the rule: {self.n_bars} bars ({self.share_of_bars:.0%}: {shown}{more}) are decided "
            f"otherwise when all dates move 56 years either way; they carry {self.carried:+.1%} of {self.total:+.1%} "
            f"a year before costs, and {self.p_shifted:.1%} of shifts in time carry as much"
        )


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How much was looked at.

    Attributes
    ----------
    cells, of_cells
        Points of the grid tested, of those declared, the chosen one among them; summed over metals.
    cuts, runs
        Histories cut, and calls of the signal.
    moves, of_moves
        Changes of position whose very next observation was rewritten, of all.
    """

    cells: int = 0
    of_cells: int = 0
    cuts: int = 0
    runs: int = 0
    moves: int = 0
    of_moves: int = 0

    def __add__(self, other: Coverage) -> Coverage:
        return Coverage(**{name: getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__})

    def __str__(self) -> str:
        share = f", {self.moves / self.of_moves:.0%} of {self.of_moves} decisions exposed" if self.of_moves else ""
        return f"{self.cells} of {self.of_cells} cells, {self.cuts} cuts, {self.runs} runs{share}"


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """Whether a strategy looks ahead or breaks the contract of a signal, and if so, where and why.

    Attributes
    ----------
    strategy
        Its name.
    metals
        Metals on which there was something to check.
    skipped
        Metal -> why it could not be checked there, or that there was nothing to check.
    leaks
        Outputs that depended on their future.
    violations
        Breaches of the contract of a signal.
    dated
        What the dates in the rule decide, and the share of the result that it carries.
    notes
        What is worth knowing and no fault.
    coverage
        How much was looked at.
    not_looked_at
        What no test here can see.
    """

    strategy: str
    metals: tuple[str, ...]
    skipped: Mapping[str, str]
    leaks: tuple[Leak, ...]
    violations: tuple[Violation, ...]
    dated: tuple[DatedBars, ...]
    notes: tuple[str, ...]
    coverage: Coverage
    not_looked_at: tuple[str, ...]

    @property
    def outcome(self) -> Literal["passed", "failed", "nothing to check"]:
        """The answer."""
        if self.leaks or self.violations:
            return "failed"
        return "passed" if self.metals else "nothing to check"

    @property
    def passed(self) -> bool:
        """Something was checked, and neither a leak nor a violation was found."""
        return self.outcome == "passed"

    @property
    def complete(self) -> bool:
        """Whether every claimed metal and every declared cell was looked at."""
        return not self.skipped and self.coverage.cells == self.coverage.of_cells

    def __str__(self) -> str:
        on = f" on {', '.join(self.metals)}" if self.metals else ""
        lines = [f"{self.strategy}: {self.outcome}{on} ({self.coverage})"]
        lines += [f"  leak: {leak}" for leak in self.leaks]
        lines += [f"  contract: {violation}" for violation in self.violations]
        lines += [f"  note: {note}" for note in self.notes]
        lines += [f"  not checked on {metal}: {why}" for metal, why in self.skipped.items()]
        if self.passed:
            lines.append(f"  not looked at: {'; '.join(self.not_looked_at)}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """Plain values only."""
        return plain_dict({"outcome": self.outcome, "passed": self.passed, "complete": self.complete, **vars(self)})


def point(parameters: Mapping[str, object]) -> str:
    """Parameters as they are shown: ``threshold=2.0, hold_days=183``."""
    return ", ".join(f"{name}={value!r}" for name, value in parameters.items())


def different(left: float, right: float) -> tuple[str, str]:
    """Two weights in as few digits as tell them apart."""
    texts = ((_weight(left, digits), _weight(right, digits)) for digits in range(4, 18))
    return next((pair for pair in texts if pair[0] != pair[1]), (f"{left:.17g}", f"{right:.17g}"))


def _weight(value: float, digits: int) -> str:
    if abs(value) > 1e300:
        return "unknown"
    return "no decision" if isnan(value) else f"{value:.{digits}g}"


def _span(first: pd.Timestamp, last: pd.Timestamp) -> str:
    return f"{first:%Y-%m-%d}" if first == last else f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
