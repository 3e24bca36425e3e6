"""What the points of a grid share is computed once: a memo of pure functions of series.

A function marked ``shared`` (all of ``research.signals`` that is worth it) looks into the memo of the panel on
which a strategy is running, so that one rolling z-score serves every threshold. Strategies know nothing of it,
and outside a strategy the function is just itself. Four rules make it safe:

- *Keyed by content.* The key of a call is the function, its plain arguments with their types, and each series by a
  digest of its values and of its index.
- *No mutation.* Callers get a copy-on-write copy of what is kept: who changes it changes his own.
- *One memo for the same knowledge.* Panels of one set of data share it if they decide at the same moments, and no
  others do: nothing that one panel knew can reach another that differs in anything, be it only in its future.
- *Bounded.* A memo that has grown over its limit starts again from nothing.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FunctionType
from typing import Any, TypeVar, cast

import numpy as np
import pandas as pd

MAX_BYTES = 64_000_000
MOST_NUMBERS = 200_000  # of one function and series

Function = TypeVar("Function", bound=Callable[..., Any])
T = TypeVar("T")

_numbers: dict[tuple[object, str], dict[bytes, float]] = {}
_active: ContextVar[Memo | None] = ContextVar("memo", default=None)


def shared(function: Function) -> Function:
    """Compute a pure function of series once for each panel, however many points of a grid ask for it.

    The function must depend on its arguments alone and return a Series or a DataFrame. Calls with an argument whose
    content cannot be told (a lambda, say) are simply made.
    """

    @functools.wraps(function)
    def call(*arguments: object, **keywords: object) -> object:
        memo = _active.get()
        if memo is None:
            return function(*arguments, **keywords)
        asked = (function, arguments, tuple(sorted(keywords.items())))
        return memo.keep(asked, lambda: function(*arguments, **keywords))

    return call  # type: ignore[return-value]


class Memo:
    """Results by the content of what they were made from."""

    __slots__ = ("_bytes", "_kept")

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], pd.Series | pd.DataFrame] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Let ``shared`` functions use this memo."""
        token = _active.set(self)
        try:
            yield
        finally:
            _active.reset(token)

    def keep(self, call: tuple[object, ...], make: Callable[[], T]) -> T:
        """Return what ``make`` returns, made once for each content of ``call``."""
        try:
            key = tuple(map(_content, call))
        except _Untold:
            return make()
        if key not in self._kept:
            result = make()
            if not isinstance(result, pd.Series | pd.DataFrame):
                return result
            self._store(key, result.copy())
        return cast(T, self._kept[key].copy(deep=False))

    def _store(self, key: tuple[object, ...], result: pd.Series | pd.DataFrame) -> None:
        size = int(np.asarray(result.memory_usage(index=False)).sum())
        if self._bytes + size > MAX_BYTES:
            self._kept.clear()
            self._bytes = 0
        self._kept[key] = result
        self._bytes += size


def numbers_of(function: Callable[..., float], name: str) -> dict[bytes, float]:
    """What a function of this package made of the histories of that name that it was handed, by their digest.

    Nobody else's is kept: what it depends on beside its arguments must show in every panel anew.
    """
    if not str(getattr(getattr(function, "func", function), "__module__", "")).startswith("research."):
        return {}
    try:
        found = _numbers.setdefault((_content(function), name), {})
    except _Untold:
        return {}
    if len(found) > MOST_NUMBERS:
        found.clear()
    return found


class _Untold(Exception):
    """The content of an argument cannot be told."""


def _content(item: object) -> object:
    """What an argument holds, so that equal ones are equal."""
    if item is None or isinstance(item, int | float | str | np.generic | pd.Timedelta | pd.Timestamp):
        return (type(item), repr(item))
    if isinstance(item, tuple):
        return ("tuple", *map(_content, item))
    if isinstance(item, pd.Series) and _is_plain(item):
        stamps = item.index.asi8 if isinstance(item.index, pd.DatetimeIndex) else item.index.to_numpy()
        index = (_digest(stamps), str(item.index.dtype), item.index.name)
        return ("series", _digest(item.to_numpy()), index, item.name)
    if isinstance(item, np.ndarray) and item.dtype.kind in "biufmM":
        return ("array", _digest(item))
    if isinstance(item, functools.partial):
        parts = (item.func, item.args, tuple(sorted(item.keywords.items())))
        return ("partial", *map(_content, parts))
    item = getattr(item, "__wrapped__", item)
    if isinstance(item, FunctionType) and item.__closure__ is None and "<" not in item.__qualname__:
        return item
    raise _Untold


def _digest(values: np.ndarray) -> tuple[object, ...]:
    content = hashlib.sha1(np.ascontiguousarray(values).data, usedforsecurity=False).digest()
    return (content, values.shape, values.dtype.str)


def _is_plain(series: pd.Series) -> bool:
    numbers = isinstance(series.dtype, np.dtype) and series.dtype.kind in "biuf"
    return numbers and isinstance(series.index, pd.DatetimeIndex | pd.RangeIndex)
