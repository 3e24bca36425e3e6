"""Numbers with thousands separators, decimal commas, percent and currency signs; never a guess between two."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any, Literal

import numpy as np

from research.errors import ValidationError

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


@dataclass(frozen=True, kw_only=True)
class Numbers:
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

    values: np.ndarray
    percent: bool
    words: tuple[str, ...]
    currencies: frozenset[str] = frozenset()


def read_numbers(
    cells: Sequence[Any],
    lines: Sequence[int],
    *,
    where: str,
    decimal: Decimal | None = None,
    points_may_group: bool = False,
) -> Numbers:
    """Read one column of numbers.

    Parameters
    ----------
    cells, lines
        The column, and the line of each cell.
    where
        File and column, the first words of every error.
    decimal
        The decimal sign, when the user declared it.
    points_may_group
        Where nothing but ``1.234`` is seen, that may be 1234: an error, not a guess.

    Raises
    ------
    ValidationError
        If a cell is no number, is infinite, has two readings, or is written by another convention than the rest.
    """
    texts = [_text(cell) for cell in cells]
    signs = [text.endswith("%") for text in texts if text is not None]
    if any(signs) and not all(signs):
        at = next(at for at, text in enumerate(texts) if text is not None and not text.endswith("%"))
        raise ValidationError(
            f"{where}: line {lines[at]}: {cells[at]!r} has no percent sign, others have; write all alike"
        )
    bare = [None if text is None else _strip(text) for text in texts]
    words = []
    if decimal is None:
        decimal = _convention(bare, cells, lines, where, points_may_group)
    if any(text is not None and "," in text for text in bare):
        words.append("commas read as thousands separators" if decimal == "point" else "commas read as decimal commas")
    values = np.full(len(cells), np.nan)
    for at, text in enumerate(bare):
        if text is not None:
            values[at] = _value(text, decimal, cells[at], lines[at], where)
    missing = sum(text is None for text in bare)
    if missing:
        words.append(f"{missing} rows without a value left out")
    if any(signs):
        words.append("percent signs read")
    marks = frozenset(mark.strip() for text in texts if text for mark in _CURRENCY.findall(text.strip("-+() ")))
    return Numbers(values=values, percent=any(signs), words=tuple(words), currencies=marks)


def _text(cell: Any) -> str | None:
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


def _convention(
    texts: Sequence[str | None], cells: Sequence[Any], lines: Sequence[int], where: str, points_may_group: bool
) -> Decimal:
    """The decimal sign that the column shows, from the cells that can be read one way only."""
    seen: dict[Decimal, int] = {}
    undecided = None
    for at, text in enumerate(texts):
        if text is None:
            continue
        reading = _one_reading(text.lstrip("+-"))
        if reading in ("point", "comma"):
            seen.setdefault(reading, at)
        elif undecided is None and (reading == "undecided" or (reading == "grouped" and points_may_group)):
            undecided = at
    if len(seen) == 2:
        point, comma = seen["point"], seen["comma"]
        raise ValidationError(
            f"{where}: line {lines[point]} ({cells[point]!r}) has a decimal point, line {lines[comma]} "
            f"({cells[comma]!r}) a decimal comma; write all alike"
        )
    if seen:
        return next(iter(seen))
    if undecided is not None:
        text = str(texts[undecided]).replace(",", ".")
        raise ValidationError(
            f"{where}: line {lines[undecided]}: {cells[undecided]!r} can be {text.replace('.', '')} or "
            f"{text}; pass --decimal point or --decimal comma"
        )
    return "point"


def _one_reading(text: str) -> Literal["point", "comma", "undecided", "grouped", "any"]:
    commas, points = text.count(","), text.count(".")
    if commas and points:
        return "point" if text.rindex(".") > text.rindex(",") else "comma"
    if points > 1:
        return "comma"
    if commas > 1:
        return "point"
    if commas == 1:
        whole, fraction = text.split(",")
        three = len(fraction) == 3 and fraction.isdigit() and 1 <= len(whole) <= 3 and whole != "0"
        return "undecided" if three else "comma"
    if points == 1:
        whole, fraction = text.split(".")
        three = len(fraction) == 3 and fraction.isdigit() and 1 <= len(whole) <= 3 and whole != "0"
        return "grouped" if three else "point"
    return "any"


def _value(text: str, decimal: Decimal, cell: Any, line: int, where: str) -> float:
    if _BROKEN.fullmatch(str(cell).strip()):
        raise ValidationError(
            f"{where}: line {line}: {str(cell)!r} is a formula that failed; repair the workbook, or empty the cell"
        )
    if not _PLAIN[decimal].fullmatch(text) or not any(sign.isdigit() for sign in text):
        raise ValidationError(f"{where}: line {line}: {str(cell)!r} is no number; correct it or leave it empty")
    thousands, point = (",", ".") if decimal == "point" else (".", ",")
    value = float(text.replace(thousands, "").replace(point, "."))
    if not isfinite(value):
        raise ValidationError(f"{where}: line {line}: {str(cell)!r} is too large for a number; correct it")
    return value
