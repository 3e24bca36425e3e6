"""Columns, and numbers with thousands separators, decimal commas, percent and currency signs; never a guess."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Literal, NamedTuple

import numpy as np

from research.errors import ValidationError
from research.units import Floats

Decimal = Literal["point", "comma"]

MISSING = frozenset(
    {"", ".", "..", "...", "…", "-", "--", "–", "—", "n/a", "na", "nan", "nd", "null", "none", "#n/a", "*"}
)
_SIGN = r"US\$|USD|CNY|RMB|EUR|GBP|CHF|JPY|RUB|PLN|INR|[$€£¥₽₹]"
_CURRENCY = re.compile(rf"^(?:{_SIGN})\s*|\s*(?:{_SIGN})$")
_BROKEN = re.compile(r"#(?:REF|VALUE|NAME|DIV/0|NUM|NULL|SPILL|CALC)[!?]?", re.IGNORECASE)
_SPACES = re.compile(r"[\s\u00a0\u2009\u202f'’_]")
_GROUPED = re.compile(rf"\d{{1,3}}(?:{_SPACES.pattern}\d{{3}})+(?:[.,]\d*)?")
_PLAIN = {
    "point": re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:[eE][+-]?\d+)?"),
    "comma": re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)?(?:,\d*)?(?:[eE][+-]?\d+)?"),
}


@dataclass(frozen=True)
class Column:
    """Cells, the line of each, and ``where`` they stand: file and column, the first words of every error."""

    where: str
    cells: Sequence[object]
    lines: Sequence[int]

    def shown(self, at: int) -> str:
        """A cell and its line, for a message that names two."""
        return f"line {self.lines[at]} ({str(self.cells[at])!r})"

    def wrong(self, at: int, words: str) -> ValidationError:
        """What is wrong with one cell."""
        return ValidationError(f"{self.where}: line {self.lines[at]}: {str(self.cells[at])!r} {words}")


class Numbers(NamedTuple):
    """Values as read; NaN where the cell says that nothing is known.

    Attributes
    ----------
    values
        float64, percent signs taken off but not applied.
    percent
        Whether the cells carry percent signs.
    currencies
        Currency signs that the cells carry.
    words
        How they were read.
    """

    values: Floats
    percent: bool
    words: tuple[str, ...]
    currencies: frozenset[str] = frozenset()


def read_numbers(column: Column, *, decimal: Decimal | None = None, points_may_group: bool = False) -> Numbers:
    """Read one column of numbers.

    Parameters
    ----------
    decimal
        The decimal sign, when the user declared it.
    points_may_group
        Where nothing but ``1.234`` is seen, that may be 1234: an error, not a guess.

    Raises
    ------
    ValidationError
        If a cell is no number, is infinite, has two readings, or is written by another convention than the rest.
    """
    texts = [_text(cell) for cell in column.cells]
    signs = [text is None or text.endswith("%") for text in texts]
    percent = any(text is not None and text.endswith("%") for text in texts)
    if percent and not all(signs):
        raise column.wrong(signs.index(False), "has no percent sign, others have; write all alike")
    bare = [None if text is None else _strip(text) for text in texts]
    words = []
    decimal = decimal or _convention(bare, column, points_may_group)
    if any(text is not None and "," in text for text in bare):
        words.append("commas read as thousands separators" if decimal == "point" else "commas read as decimal commas")
    values = [np.nan if text is None else _value(text, decimal, column, at) for at, text in enumerate(bare)]
    if missing := bare.count(None):
        words.append(f"{missing} rows without a value left out")
    if percent:
        words.append("percent signs read")
    marks = frozenset(mark.strip() for text in texts if text for mark in _CURRENCY.findall(text.strip("-+() ")))
    return Numbers(values=np.array(values, dtype=float), percent=percent, words=tuple(words), currencies=marks)


def _text(cell: object) -> str | None:
    if cell is None or (isinstance(cell, float) and isnan(cell)):
        return None
    if isinstance(cell, bool | np.bool_):
        return str(cell)
    if isinstance(cell, int | float | np.number):
        return repr(float(cell))
    text = str(cell).strip()
    return None if text.lower() in MISSING else text


def _strip(text: str) -> str:
    """Take off signs that carry no digits: percent, currency, spaces; brackets and a trailing minus mean negative."""
    text = text.removesuffix("%").strip().replace("\u2212", "-")
    if text.startswith("(") and text.endswith(")"):
        text = "-" + text[1:-1].strip()
    sign = "-" if text.startswith("-") or (text.endswith("-") and len(text) > 1) else ""
    text = _CURRENCY.sub("", text.strip("-").strip())
    text = _CURRENCY.sub("", text)
    return sign + (_SPACES.sub("", text) if _GROUPED.fullmatch(text) else text)


def _convention(texts: Sequence[str | None], column: Column, points_may_group: bool) -> Decimal:
    """The decimal sign that the column shows, from the cells that can be read one way only."""
    seen: dict[str, int] = {}
    for at, text in enumerate(texts):
        if text is not None:
            seen.setdefault(_one_reading(text.lstrip("+-")), at)
    if "point" in seen and "comma" in seen:
        told = f"{column.shown(seen['point'])} has a decimal point, {column.shown(seen['comma'])} a decimal comma"
        raise ValidationError(f"{column.where}: {told}; write all alike")
    if "point" in seen or "comma" in seen:
        return "point" if "point" in seen else "comma"
    doubtful = [seen[reading] for reading in ("undecided", "grouped")[: 1 + points_may_group] if reading in seen]
    if doubtful:
        at = min(doubtful)
        text = str(texts[at]).replace(",", ".")
        raise column.wrong(at, f"can be {text.replace('.', '')} or {text}; pass --decimal point or --decimal comma")
    return "point"


def _one_reading(text: str) -> Literal["point", "comma", "undecided", "grouped", "any"]:
    commas, points = text.count(","), text.count(".")
    if commas and points:
        return "point" if text.rindex(".") > text.rindex(",") else "comma"
    if commas + points > 1:
        return "comma" if points else "point"
    if not commas + points:
        return "any"
    whole, fraction = text.split("," if commas else ".")
    three = len(fraction) == 3 and fraction.isdigit() and 1 <= len(whole) <= 3 and whole != "0"
    if commas:
        return "undecided" if three else "comma"
    return "grouped" if three else "point"


def _value(text: str, decimal: Decimal, column: Column, at: int) -> float:
    if _BROKEN.fullmatch(str(column.cells[at]).strip()):
        raise column.wrong(at, "is a formula that failed; repair the workbook, or empty the cell")
    if not _PLAIN[decimal].fullmatch(text) or not any(sign.isdigit() for sign in text):
        raise column.wrong(at, "is no number; correct it or leave it empty")
    thousands, point = (",", ".") if decimal == "point" else (".", ",")
    value = float(text.replace(thousands, "").replace(point, "."))
    if not isfinite(value):
        raise column.wrong(at, "is too large for a number; correct it")
    return value
