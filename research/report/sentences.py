"""Numbers and sentences as people read them; every display uses these, so that they agree.

The sentences are those of `sentences.toml`, written out over the numbers that they are about; the first loads Jinja.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment, Template

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


FILTERS: dict[str, Callable[..., str]] = {
    **{words.__name__: words for words in (percent, signed_percent, number, p_value, interval, short_interval, plural)},
    "month": "{:%Y-%m}".format,
    "day": "{:%Y-%m-%d}".format,
    "month_words": "{:%B %Y}".format,
    "years": lambda days: f"{days / 365.25:.1f} years",
    "plain": "{:g}".format,
    "share": "{:.0%}".format,
    "across": "{:.2%}".format,
    "pixel": "{:.1f}".format,
}
TESTS = {"finite": isfinite}


def sentence(name: str, **about: object) -> str:
    """One text of the table, ``equity.title``, on one line."""
    return written(_texts()[name], **about)


def sentences(name: str, **about: object) -> list[str]:
    """A text of the table that is a list, one item behind each hyphen at the beginning of a line."""
    items = re.split(r"^- ", _template(_texts()[name]).render(**about), flags=re.MULTILINE)
    return [" ".join(item.split()) for item in items if item.strip()]


def written(text: str, **about: object) -> str:
    """A Jinja text on one line."""
    return " ".join(_template(text).render(**about).split())


@cache
def _texts() -> dict[str, str]:
    table = tomllib.loads((files("research.report") / "sentences.toml").read_text(encoding="utf-8"))
    return {f"{of}.{name}": text for of, named in table.items() for name, text in named.items()}


@cache
def _template(text: str) -> Template:
    return _environment().from_string(text)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= FILTERS
    environment.tests |= TESTS
    return environment
