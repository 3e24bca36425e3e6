"""Units: converted only when the file's unit is declared, and only where no exchange rate is needed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from research.errors import ValidationError, did_you_mean
from research.units import GRAMS_PER_TROY_OUNCE

# What files call things.
WORDS = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))

_CURRENCIES: list[str] = WORDS["currencies"]
_SIGNS: dict[str, str] = WORDS["signs"]
_NAMES: dict[str, str] = WORDS["weights"]
_OZ = GRAMS_PER_TROY_OUNCE
_GRAMS = {"kg": 1e3, "g": 1.0, "t": 1e6, "oz": _OZ, "koz": _OZ * 1e3, "moz": _OZ * 1e6}
_SEVERAL = "|".join(name for name in _NAMES if " " in name)
_WORDS = re.compile(rf"US\$|[$€£¥₽₹]|{_SEVERAL}|[^\W\d_]+", re.IGNORECASE)


def conversion(declared: str | None, unit: str) -> tuple[float, str]:
    """Factor from the declared unit of a file to the unit of the dataset, and the words for it.

    Parameters
    ----------
    declared
        What the user said: ``oz``, ``koz``, ``Moz``, ``g``, ``kg``, ``t``; a currency; both, as ``USD/kg``; ``%`` or
        ``fraction``. None: the file is in the dataset's unit.
    unit
        The dataset's unit in words, e.g. ``USD per troy ounce``.

    Raises
    ------
    ValidationError
        If the declared unit is unknown, of another kind, or in another currency.

    Examples
    --------
    >>> round(conversion("kg", "tonnes")[0], 6)
    0.001
    >>> round(conversion("USD/kg", "USD per troy ounce")[0], 9)
    0.031103477
    """
    if declared is None:
        return 1.0, f"taken to be in {unit}"
    if declared.strip().lower() in ("%", "percent", "fraction"):
        if not unit.startswith("%"):
            raise ValidationError(f"--unit {declared} is a rate, the dataset is in {unit}; declare its unit")
        factor = 100.0 if declared.strip().lower() == "fraction" else 1.0
        return factor, f"{declared} × {factor:g} = {unit}"
    for part in re.split(r"\s*(?:/|\bper\b)\s*", declared.strip()):
        if not any(_named(part)):
            near = did_you_mean(part, [*_GRAMS, *_CURRENCIES, "%", "fraction"])
            raise ValidationError(f"--unit {declared}: {part!r} is no unit known here{near}")
    (currency, mass), (own_currency, own_mass) = spoken(declared, whole=True), _of_dataset(unit)
    if currency and currency != own_currency:
        said = f"--unit {declared} is in {currency}, the dataset in {own_currency or 'no currency'} ({unit})"
        raise ValidationError(f"{said}; currencies are not converted, use the id of that currency")
    if mass and not own_mass:
        raise ValidationError(f"--unit {declared} is a weight, the dataset is in {unit}; declare its unit")
    if not mass or not own_mass:
        return 1.0, f"declared {declared}, kept as {unit}"
    factor = _factor(mass, own_currency, own_mass)
    return factor, f"{declared} × {factor:.9g} = {unit}"


def _factor(mass: str, own_currency: str, own_mass: str) -> float:
    """From a weight, or a price by weight, to the dataset's."""
    ratio = _GRAMS[mass] / _GRAMS[own_mass]
    return 1 / ratio if own_currency else ratio


def money(unit: str) -> str:
    """The currency of a dataset's unit that is a price; empty where it is none."""
    return _of_dataset(unit)[0]


def is_unit_column(name: str) -> bool:
    """Whether a column's heading says that it holds units or currencies."""
    return name.strip().lower() in WORDS["unit"]


def spoken(text: str, *, whole: bool = False) -> tuple[str, str]:
    """Currency and weight that a heading, or (``whole``) a cell of a unit column, names; each empty where it does not.

    A single letter is a weight only behind ``/`` or ``per``, in brackets, or as the whole.

    >>> spoken("Kurs in €/oz"), spoken("Gold ($/troy oz)"), spoken("Registered (kg)"), spoken("Close")
    (('EUR', 'oz'), ('USD', 'oz'), ('', 'kg'), ('', ''))
    """
    currency = mass = ""
    for match in _WORDS.finditer(text):
        word, before = match.group(), text[: match.start()].rstrip().lower()
        money, weight = _named(word)
        currency = currency or money
        placed = whole or before.endswith(("/", "per", "(", "[", " in", " je", " pro"))
        if weight and (placed or len(word) > 1) and not (mass and word.lower() == "t"):
            mass = weight
    return currency, mass


def believed(said: Sequence[tuple[str, str, str]], declared: str | None, unit: str) -> tuple[str | None, list[str]]:
    """The unit to convert from, by what the user declared or else what the file itself says, and words for it.

    ``said`` holds (where it stands, currency, weight).

    Raises
    ------
    ValidationError
        If the file says another currency than the dataset's, or contradicts itself.
    """
    own_currency, own_mass = _of_dataset(unit)
    if declared is not None:
        return declared, []
    currencies = {currency: place for place, currency, _ in said if currency}
    masses = {mass: place for place, _, mass in said if mass}
    if other := next((currency for currency in currencies if own_currency and currency != own_currency), None):
        right = f"{own_currency}/{'Moz' if own_mass == 'moz' else own_mass}" if own_mass else own_currency
        raise ValidationError(
            f"{currencies[other]} says {other}, the dataset is in {unit}; currencies are not converted: convert the "
            f"file first, or pass --unit {right} if it is in that after all"
        )
    if not own_mass or not masses:
        return None, []
    if len(masses) > 1:
        raise ValidationError(f"{' and '.join(masses)} are both named as its unit; pass --unit")
    mass, place = next(iter(masses.items()))
    return (None, []) if mass == own_mass else (mass, [f"{place} says {mass}"])


def hint(values: pd.Series, unit: str, low: float, high: float) -> str:
    """A unit under which out-of-range values would be in range, as a remedy; empty where there is none."""
    own_currency, own_mass = _of_dataset(unit)
    if not own_mass or values.dropna().between(low, high).all():
        return ""
    for mass in _GRAMS:
        if (values.dropna() * _factor(mass, own_currency, own_mass)).between(low, high).all():
            return f"; if the file is in {mass}, pass --unit {mass}"
    return ""


def _named(word: str) -> tuple[str, str]:
    """Currency or weight that one word is; both empty where it is neither."""
    upper, lower = word.upper(), word.lower()
    return _SIGNS.get(upper, upper if upper in _CURRENCIES else ""), _NAMES.get(lower, lower if lower in _GRAMS else "")


def _of_dataset(unit: str) -> tuple[str, str]:
    """Of ``USD per troy ounce; volume in contracts`` what stands before the remark."""
    return spoken(re.split(r"[;,(]| of ", unit)[0], whole=True)
