"""Units: converted only when the file's unit is declared, and only where no exchange rate is needed."""

from __future__ import annotations

import re

from research.errors import ValidationError, did_you_mean

GRAMS_PER_TROY_OUNCE = 31.1034768

_GRAMS = {
    "oz": GRAMS_PER_TROY_OUNCE,
    "koz": GRAMS_PER_TROY_OUNCE * 1e3,
    "moz": GRAMS_PER_TROY_OUNCE * 1e6,
    "g": 1.0,
    "kg": 1e3,
    "t": 1e6,
}
_NAMES = {
    "million ounces": "moz", "million troy ounces": "moz", "troy ounces": "oz", "troy ounce": "oz", "ounces": "oz",
    "ounce": "oz", "kilograms": "kg", "kilogram": "kg", "grams": "g", "gram": "g", "tonnes": "t", "tonne": "t",
}  # fmt: skip
_CURRENCIES = ("USD", "CNY", "EUR", "GBP")


def conversion(declared: str | None, unit: str, where: str) -> tuple[float, str]:
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
    >>> round(conversion("kg", "tonnes", "f")[0], 6)
    0.001
    >>> round(conversion("USD/kg", "USD per troy ounce", "f")[0], 9)
    0.031103477
    """
    if declared is None:
        return 1.0, f"taken to be in {unit}"
    currency, mass, percent = _split(declared, where)
    own_currency, own_mass = _of_dataset(unit)
    if percent:
        if not unit.startswith("%"):
            raise ValidationError(f"{where}: --unit {declared} is a rate, the dataset is in {unit}; declare its unit")
        factor = 100.0 if percent == "fraction" else 1.0
        return factor, f"{declared} × {factor:g} = {unit}"
    if currency and currency != own_currency:
        raise ValidationError(
            f"{where}: --unit {declared} is in {currency}, the dataset in {own_currency or 'no currency'} ({unit}); "
            "currencies are not converted, use the id of that currency"
        )
    if mass and own_mass is None:
        raise ValidationError(f"{where}: --unit {declared} is a weight, the dataset is in {unit}; declare its unit")
    if not mass or own_mass is None:
        return 1.0, f"declared {declared}, kept as {unit}"
    ratio = _GRAMS[mass] / _GRAMS[own_mass]
    factor = 1 / ratio if own_currency else ratio
    return factor, f"{declared} × {factor:.9g} = {unit}"


def hint(values_low: float, values_high: float, unit: str, low: float, high: float) -> str:
    """A unit under which out-of-range values would be in range, as a remedy; empty where there is none."""
    own_currency, own_mass = _of_dataset(unit)
    if own_mass is None:
        return ""
    for mass in ("kg", "g", "t", "oz", "koz", "moz"):
        if mass == own_mass:
            continue
        ratio = _GRAMS[mass] / _GRAMS[own_mass]
        factor = 1 / ratio if own_currency else ratio
        if low <= values_low * factor and values_high * factor <= high:
            return f"; if the file is in {mass}, pass --unit {mass}"
    return ""


def _split(declared: str, where: str) -> tuple[str, str, str]:
    text = declared.strip()
    if text.lower() in ("%", "percent"):
        return "", "", "%"
    if text.lower() == "fraction":
        return "", "", "fraction"
    currency, mass = "", ""
    for part in re.split(r"\s*(?:/|\bper\b)\s*", text):
        if part.upper() in _CURRENCIES:
            currency = part.upper()
        elif part.lower() in _GRAMS:
            mass = part.lower()
        elif part.lower() in _NAMES:
            mass = _NAMES[part.lower()]
        else:
            known = [*_GRAMS, *_CURRENCIES, "%", "fraction"]
            raise ValidationError(
                f"{where}: --unit {declared}: {part!r} is no unit known here{did_you_mean(part, known)}"
            )
    return currency, mass, ""


def _of_dataset(unit: str) -> tuple[str, str | None]:
    head = re.split(r"[;,(]| of ", unit)[0]
    currency = next((name for name in _CURRENCIES if re.match(rf"{name} per\b", head)), "")
    if currency and not any(name in head for name in _NAMES):
        return currency, None
    mass = next((short for name, short in _NAMES.items() if re.search(rf"\b{name}\b", head)), None)
    return currency, mass
