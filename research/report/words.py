"""Numbers as people read them; every display uses these, so that they agree."""

from __future__ import annotations

from math import isfinite

DASH = "–"


def percent(value: float | None, digits: int = 1) -> str:
    """``0.1234`` -> ``12.3 %``."""
    return DASH if value is None or not isfinite(value) else f"{value * 100:.{digits}f} %"


def signed_percent(value: float | None, digits: int = 1) -> str:
    """``0.1234`` -> ``+12.3 %``."""
    return DASH if value is None or not isfinite(value) else f"{round(value * 100, digits) + 0.0:+.{digits}f} %"


def number(value: float | None, digits: int = 2) -> str:
    """``0.1234`` -> ``0.12``."""
    return DASH if value is None or not isfinite(value) else f"{value:.{digits}f}"


def p_value(value: float | None) -> str:
    """Three digits, and never 0."""
    if value is None or not isfinite(value):
        return DASH
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def interval(bounds: tuple[float, float] | None, digits: int = 1) -> str:
    """``(-0.01, 0.02)`` -> ``−1.0 … +2.0 %``."""
    if bounds is None or not all(map(isfinite, bounds)):
        return DASH
    low, high = (f"{bound * 100:+.{digits}f}" for bound in bounds)
    return f"{low} … {high} %"


def short_interval(bounds: tuple[float, float]) -> str:
    """``(-0.01, 0.02)`` -> ``-1.0…+2.0 %``, for tables."""
    return interval(bounds).replace(" … ", "…")


def plural(number: int, noun: str) -> str:
    """``1 event``, ``2 events``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
