"""From the pattern of a leak to what usually makes it, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from research.check.report import Probe


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """How a leak looks.

    Attributes
    ----------
    probe
        The probe that found it.
    horizon
        Bars from the earliest output that moved to the cut, inclusive.
    whole_past
        Whether outputs moved far from the cut.
    dated_by_period
        Whether the period that it learned from had ended when the output was decided.
    only_calendar
        Whether the values after the cut do not matter, only that there are bars after it.
    within_period
        Whether all that moved lies in the month, quarter or year of the cut.
    nothing_known
        Whether the input had no usable value where the output moved.
    """

    probe: Probe
    horizon: int
    whole_past: bool
    dated_by_period: bool
    only_calendar: bool
    within_period: bool
    nothing_known: bool


def cause_of(pattern: Pattern) -> tuple[str, str]:
    """Return the usual cause and the remedy."""
    if pattern.only_calendar:
        return (
            "the end or the length of the sample decides (len(panel.index), a ramp to the last bar, a permutation)",
            "let each bar use only bars at or before it",
        )
    if pattern.probe == "vintage":
        return (
            "the newest vintage of a period replaces the one that was known then",
            "use panel.native or panel.each_release, which keep every vintage at its own known_at",
        )
    if pattern.probe == "gap" or pattern.nothing_known:
        return (
            "a hole is filled from its far side: bfill, interpolate, or a nearest match",
            "carry the last known value forward (ffill), or leave the hole NaN",
        )
    if pattern.whole_past:
        return (
            "one number from the whole sample (mean, deviation, quantile, maximum, fit) is applied to its own past",
            "use an expanding or trailing window, or refit at each bar on what was known there",
        )
    if pattern.probe == "delay" or (pattern.dated_by_period and pattern.horizon <= 6):
        next_bar = ", or the value of the next bar is used (shift(-1))" if pattern.horizon == 1 else ""
        return (
            f"values are dated by the period that they describe (observed_for) and not by known_at{next_bar}",
            "use panel[id], panel.native with panel.asof, or panel.each_release; shift forward, never back",
        )
    if pattern.horizon == 1:
        return (
            "the value of the next bar is used (shift(-1), pct_change(-1), a label as a feature)",
            "shift forward, never back; the engine already fills a decision later",
        )
    if pattern.within_period:
        return (
            "a value of a whole month, quarter or year is placed at its beginning (resample, groupby.transform), "
            "or later bars are used (negative shift, centred window)",
            "label a period by its end and use it after that; shift forward, never back",
        )
    return (
        f"up to {pattern.horizon} later bars are used: a centred window, a negative shift, or smoothing both ways",
        "use trailing windows and one-sided (filtered) estimates",
    )


def equal(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Which weights agree: both NaN, or within rounding."""
    with np.errstate(invalid="ignore"):
        close = np.abs(left - right) <= 1e-12 + 1e-9 * np.maximum(np.abs(left), np.abs(right))
    return close | (np.isnan(left) & np.isnan(right)) | (left == right)
