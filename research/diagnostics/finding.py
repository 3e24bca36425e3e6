"""Finding: one statistic, with everything needed to argue with it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from research.diagnostics.long_run import Estimate
from research.values import frozen


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

    @classmethod
    def of(
        cls,
        name: str,
        estimate: float | Estimate,
        *,
        says: str = "",
        interval: tuple[float, float] | None = None,
        level: float = 0.95,
        statistic: float | None = None,
        p_value: float | None = None,
        effective_n: float | None = None,
        details: Mapping[str, Any] | None = None,
        **words: object,
    ) -> Finding:
        """Say these numbers in the words that ``findings.toml`` has for this name.

        Parameters
        ----------
        name
            Of the entry.
        estimate
            A number, or an ``Estimate`` that brings its two-sided test of 0 and its interval.
        says
            Which sentence, where an entry has several.
        interval, level, statistic, p_value, effective_n, details
            As the attributes; the words may name them, and each of the details.
        **words
            What else its braces name.

        Raises
        ------
        KeyError
            If there is no such entry or sentence, or what its braces name is not given.
        """
        if isinstance(estimate, Estimate):
            statistic, p_value, interval = estimate.t, estimate.two_sided, estimate.interval(level)
        value = estimate.value if isinstance(estimate, Estimate) else float(estimate)
        entry, details = _words()[name], details or {}
        known = {"estimate": value, "level": level, "p_value": p_value, "effective_n": effective_n, **details, **words}

        def say(part: str) -> str:
            text = entry.get(part, "")
            return (text if isinstance(text, str) else text[says]).format_map(known)

        return cls(
            name=name,
            estimate=value,
            unit=say("unit"),
            null=say("null"),
            alternative=say("alternative"),
            method=say("method"),
            reference=say("reference"),
            sentence=say("sentence"),
            interval=interval,
            level=level,
            statistic=statistic,
            p_value=p_value,
            effective_n=effective_n,
            details=details,
        )


@cache
def _words() -> dict[str, dict[str, str | dict[str, str]]]:
    """The entries of ``findings.toml``, by name: every word of a finding that does not depend on its numbers."""
    return tomllib.loads(Path(__file__).with_name("findings.toml").read_text(encoding="utf-8"))
