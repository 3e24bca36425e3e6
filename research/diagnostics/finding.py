"""Finding: one statistic, with everything needed to argue with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from research.diagnostics.long_run import Estimate
from research.values import frozen, plain


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The answer of one statistical question.

    Attributes
    ----------
    name
        Snake-case name of the statistic, e.g. ``"jensen_alpha"``.
    estimate
        Point estimate in ``unit``; ``nan`` when the sample cannot give one.
    unit
        Unit of the estimate, e.g. ``"fraction a year"``.
    interval
        Confidence interval ``(low, high)`` at ``level``, or ``None``.
    level
        Confidence level of ``interval``.
    statistic, p_value
        Test statistic and its p-value, or ``None`` when none may be given.
    null, alternative
        The hypotheses in words.
    effective_n
        Number of independent observations, after overlap and autocorrelation.
    method
        Estimator, lag rule, critical values, number of draws and seed.
    reference
        Author and year.
    sentence
        The finding in plain words, for a reader without statistics.
    details
        Further plain numbers (JSON-ready) by name.
    """

    name: str
    estimate: float
    unit: str
    null: str = ""
    alternative: str = ""
    method: str
    reference: str
    sentence: str
    interval: tuple[float, float] | None = None
    level: float = 0.95
    statistic: float | None = None
    p_value: float | None = None
    effective_n: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.p_value is not None and not 0 <= self.p_value <= 1:
            raise ValueError(f"{self.name}: p_value {self.p_value!r} is outside [0, 1]")
        object.__setattr__(self, "details", frozen(self.details))

    def tested(self, found: Estimate) -> Finding:
        """The same with a two-sided test of what was ``found`` against 0, and the interval that belongs to it."""
        return replace(self, statistic=found.t, p_value=found.two_sided, interval=found.interval(self.level))

    def to_json(self) -> dict[str, Any]:
        """Plain values only; ``nan`` and infinities become ``None``."""
        return {item.name: plain(getattr(self, item.name)) for item in fields(self)}
