"""Columns, and numbers with thousands separators, decimal commas, percent and currency signs; never a guess."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Literal, NamedTuple

import numpy as np

from research.datasets.importing.units import WORDS
from research.errors import ValidationError
from research.units import Floats

Decimal = Literal["point", "comma"]

MISSING = frozenset(WORDS["missing"])
_SIGN = "|".join(map(re.escape, sorted([*WORDS["signs"], *WORDS["currencies"]], key=len, reverse=True)))
_CURRENCY = re.compile(rf"^(?:{_SIGN})\s*|\s*(?:{_SIGN})$")
_BROKEN = re.compile(r"#(?:REF|VALUE|NAME|DIV/0|NUM|NULL|SPILL|CALC)[!?]?", re.IGNORECASE)
_SPACES = re.compile(r"[\s\u00a0\u2009\u202f'’_]")
_GROUPED = re.compile(rf"\d{{1,3}}(?:{_SPACES.pattern}\d{{3}})+(?:[.,]\d*)?")
_PLAIN = {
    "point": re.compile(r"[+-]?(?:(?!0,)\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:[eE][+-]?\d+)?"),
    "comma": re.compile(r"[+-]?(?:(?!0\.)\d{1,3}(?:\.\d{3})+|\d+)?(?:,\d*)?(?:[eE][+-]?\d+)?"),
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
    decimal, values = _read(bare, column, decimal, points_may_group)
    if any(text is not None and "," in text for text in bare):
        words.append("commas read as thousands separators" if decimal == "point" else "commas read as decimal commas")
    if missing := bare.count(None):
        words.append(f"{missing} rows without a value left out")
    if percent:
        words.append("percent signs read")
    marks = frozenset(mark.strip() for text in texts if text for mark in _CURRENCY.findall(text.strip("-+() ")))
    return Numbers(values=values, percent=percent, words=tuple(words), currencies=marks)


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


def _read(
    texts: Sequence[str | None], column: Column, declared: Decimal | None, points_may_group: bool
) -> tuple[Decimal, Floats]:
    """The decimal sign by which every cell is a number, and the numbers; of two that give others neither is chosen."""
    signs: list[Decimal] = [declared] if declared else ["point", "comma"]
    read = {sign: [_value(text, sign) for text in texts] for sign in signs}
    for at, values in enumerate(zip(*read.values(), strict=True)):
        if all(value is None for value in values):
            failed = _BROKEN.fullmatch(str(column.cells[at]).strip())
            cure = "repair the workbook, or empty the cell" if failed else "correct it or leave it empty"
            raise column.wrong(at, f"is {'a formula that failed' if failed else 'no number'}; {cure}")
    unread = {sign: values.index(None) for sign, values in read.items() if None in values}
    if len(unread) == 2:
        told = f"{column.shown(unread['comma'])} has a decimal point, {column.shown(unread['point'])} a decimal comma"
        raise ValidationError(f"{column.where}: {told}; write all alike")
    for at, text in enumerate(texts):
        said = {values[at] for values in read.values()}
        if text is not None and not unread and len(said) == 2 and (points_may_group or "," in text):
            told = " or ".join(f"{values[at]:.12g}" for values in read.values())
            raise column.wrong(at, f"can be {told}; pass --decimal point or --decimal comma")
    chosen = next(sign for sign in signs if sign not in unread)
    numbers = np.array(read[chosen], dtype=float)
    if np.isinf(numbers).any():
        raise column.wrong(int(np.isinf(numbers).argmax()), "is too large for a number; correct it")
    return chosen, numbers


def _value(text: str | None, decimal: Decimal) -> float | None:
    """The number of a text by one convention; NaN of no text, None where it is none."""
    if text is None:
        return np.nan
    if not _PLAIN[decimal].fullmatch(text) or not any(sign.isdigit() for sign in text):
        return None
    thousands, point = (",", ".") if decimal == "point" else (".", ",")
    return float(text.replace(thousands, "").replace(point, "."))
