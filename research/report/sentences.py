"""The sentences of `sentences.toml`, written out over the numbers that they are about; Jinja is loaded by the first."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from math import isfinite
from typing import TYPE_CHECKING

from research.report import words

if TYPE_CHECKING:
    from jinja2 import Environment, Template

FILTERS: dict[str, Callable[..., str]] = {
    "percent": words.percent,
    "signed_percent": words.signed_percent,
    "number": words.number,
    "p_value": words.p_value,
    "interval": words.interval,
    "short_interval": words.short_interval,
    "plural": words.plural,
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
