"""The sentences of `sentences.toml`, written out over the numbers that they are about."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from functools import cache
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined

from research.report import words

FILTERS: dict[str, Callable[..., str]] = {
    "percent": words.percent,
    "signed_percent": words.signed_percent,
    "number": words.number,
    "p_value": words.p_value,
    "interval": words.interval,
    "month": "{:%Y-%m}".format,
    "day": "{:%Y-%m-%d}".format,
    "plain": "{:g}".format,
    "share": "{:.0%}".format,
    "month_words": "{:%B %Y}".format,
    "plural": words.plural,
}


def sentence(name: str, **about: object) -> str:
    """One text of the table, ``equity.title``, on one line."""
    return " ".join(_texts().get_template(name).render(**about).split())


def sentences(name: str, **about: object) -> list[str]:
    """A text of the table that is a list, one item behind each hyphen at the beginning of a line."""
    items = re.split(r"^- ", _texts().get_template(name).render(**about), flags=re.MULTILINE)
    return [" ".join(item.split()) for item in items if item.strip()]


@cache
def _texts() -> Environment:
    table = tomllib.loads((files("research.report") / "sentences.toml").read_text(encoding="utf-8"))
    texts = {f"{of}.{name}": text for of, named in table.items() for name, text in named.items()}
    environment = Environment(loader=DictLoader(texts), undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= FILTERS
    return environment
