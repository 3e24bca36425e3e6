"""A table of a registry as a dataclass: what is unknown, missing, or of another type than declared is named."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from functools import cache
from types import UnionType
from typing import Literal, TypeVar, get_args, get_origin, get_type_hints

import pandas as pd

from research.errors import RegistryError, did_you_mean, located
from research.values import frozen

T = TypeVar("T")

_KINDS: dict[object, str] = {
    str: "text", int: "a whole number", float: "a number", bool: "true or false", date: "a date, 2025-12-12",
}  # fmt: skip


def from_table(kind: type[T], table: object, only: Collection[str] = (), **built: object) -> T:
    """Make a dataclass of a table's fields, ``only`` of these where they are named, and of those ``built`` already.

    Raises
    ------
    RegistryError
        Naming the field, and what it may be.
    """
    if not isinstance(table, Mapping):
        raise RegistryError(f"must be a table of fields, not {table!r}")
    needed = {one.name: one.default is MISSING and one.default_factory is MISSING for one in fields(kind)}  # type: ignore[arg-type]
    known = [name for name in only or needed if name not in built]
    for name in table:
        if name not in known:
            raise RegistryError(f"unknown field {name!r}{did_you_mean(name, known)}")
    for name in known:
        if needed[name] and table.get(name) in (None, "", [], {}):
            raise RegistryError(f"field {name!r} is missing; it must be said")
    hints = _hints(kind)  # type: ignore[arg-type]
    return kind(**{name: _fitting(hints[name], value, name) for name, value in table.items()}, **built)


@cache
def _hints(kind: type) -> dict[str, object]:
    return get_type_hints(kind)


def _fitting(hint: object, value: object, what: str) -> object:
    """The value as the hint has it: lists become tuples or sets, mappings read-only."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value not in parts:
            raise RegistryError(f"{what} is {value!r}{did_you_mean(str(value), [str(one) for one in parts if one])}")
        return value
    if origin is UnionType:  # None is said by leaving the field out
        kinds = [part for part in parts if part is not type(None)]
        fits = [part for part in kinds if isinstance(value, get_origin(part) or part)] or kinds[-1:]
        return _fitting(fits[0], value, what)
    if origin in (tuple, frozenset) and isinstance(value, list | tuple):
        return tuple(value) if origin is tuple else frozenset(value)
    if isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(value, Mapping):
        return frozen(value)
    if isinstance(hint, type) and is_dataclass(hint):
        with located(what):
            return from_table(hint, value)
    if hint is pd.Timestamp:
        try:
            return pd.Timestamp(str(value))
        except ValueError:
            raise RegistryError(f"{what} {value!r} is no date; write YYYY-MM-DD") from None
    if type(value) is not hint and not (hint is float and type(value) is int):
        raise RegistryError(f"{what} is {value!r}; give {_KINDS.get(hint, 'a list or a table')}")
    return value
