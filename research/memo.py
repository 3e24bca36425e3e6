"""What the points of a grid share is computed once: a memo of pure functions of series, one for each panel.

A function marked :func:`shared` (all of :mod:`research.signals` that is worth it) looks into the memo of the panel on
which a strategy is running, so that one rolling z-score serves every threshold. Strategies know nothing of it,
and outside a strategy the function is just itself. Four rules make it safe:

- *Keyed by content.* The key of a call is the function, its plain arguments with their types, and each series by a
  digest of its values and of its index. Values that the memo itself holds cannot change: theirs is computed once.
- *No mutation.* What is kept is frozen, and callers get a copy-on-write copy: who changes it changes his own.
- *One panel, one memo.* It is made and dies with its panel, so nothing that one panel knew can reach another,
  not even one that differs only in its future.
- *Bounded.* A memo that has grown over its limit starts again from nothing.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FunctionType
from typing import Any, TypeVar

import numpy as np
import pandas as pd

MAX_BYTES = 64_000_000

Function = TypeVar("Function", bound=Callable[..., Any])

_active: ContextVar[Memo | None] = ContextVar("memo", default=None)


def shared(function: Function) -> Function:
    """Compute a pure function of series once for each panel, however many points of a grid ask for it.

    The function must depend on its arguments alone and return a Series or a DataFrame. Calls with an argument whose
    content cannot be told (a lambda, say) are simply made.
    """

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        memo = _active.get()
        if memo is None:
            return function(*arguments, **keywords)
        asked = (function, arguments, tuple(sorted(keywords.items())))
        return memo.keep(asked, lambda: function(*arguments, **keywords))

    return call  # type: ignore[return-value]


class Memo:
    """Results by the content of what they were made from."""

    __slots__ = ("_bytes", "_digests", "_held", "_kept")

    def __init__(self) -> None:
        self._kept: dict[tuple[Any, ...], Any] = {}
        self._held: set[int] = set()  # addresses of values that live and stay as they are as long as `_kept` does
        self._digests: dict[tuple[Any, ...], bytes] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Let :func:`shared` functions use this memo."""
        token = _active.set(self)
        try:
            yield
        finally:
            _active.reset(token)

    def keep(self, call: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """Return what ``make`` returns, made once for each content of ``call``."""
        try:
            key = tuple(self._content(item) for item in call)
        except _Untold:
            return make()
        if key not in self._kept:
            result = make()
            if not isinstance(result, pd.Series | pd.DataFrame):
                return result
            self._store(key, result.copy())
        return self._kept[key].copy(deep=False)

    def _store(self, key: tuple[Any, ...], result: pd.Series | pd.DataFrame) -> None:
        size = int(np.asarray(result.memory_usage(index=False)).sum())
        if self._bytes + size > MAX_BYTES:
            self._kept.clear()
            self._held.clear()
            self._digests.clear()
            self._bytes = 0
        self._kept[key] = result
        self._bytes += size
        if isinstance(result, pd.Series) and _is_plain(result):
            owner = values = result.to_numpy()
            while isinstance(owner.base, np.ndarray):
                owner = owner.base
            owner.flags.writeable = False
            self._held |= {_address(values), _address(_stamps(result.index))}

    def _content(self, item: Any) -> Any:
        if isinstance(item, pd.Series) and _is_plain(item):
            index = item.index
            moments = self._values(_stamps(index))
            return ("series", self._values(item.to_numpy()), moments, str(index.dtype), index.name, item.name)
        if isinstance(item, np.ndarray) and item.dtype.kind in "biufmM":
            return ("array", self._values(item))
        if isinstance(item, functools.partial):
            parts = (item.func, item.args, tuple(sorted(item.keywords.items())))
            return ("partial", *(self._content(part) for part in parts))
        if isinstance(item, tuple):
            return ("tuple", *(self._content(part) for part in item))
        if item is None or isinstance(item, int | float | str | np.generic | pd.Timedelta | pd.Timestamp):
            return (type(item), repr(item))
        item = getattr(item, "__wrapped__", item)
        if isinstance(item, FunctionType) and item.__closure__ is None and "<" not in item.__qualname__:
            return item
        raise _Untold

    def _values(self, values: np.ndarray) -> tuple[Any, ...]:
        place = (_address(values), values.shape, values.strides, values.dtype.str)
        digest = self._digests.get(place)
        if digest is None:
            digest = hashlib.sha1(np.ascontiguousarray(values).data, usedforsecurity=False).digest()
            if place[0] in self._held:
                self._digests[place] = digest
        return (digest, values.shape, values.dtype.str)


class _Untold(Exception):
    """The content of an argument cannot be told."""


def _is_plain(series: pd.Series) -> bool:
    return (
        isinstance(series.dtype, np.dtype)
        and series.dtype.kind in "biuf"
        and isinstance(series.index, pd.DatetimeIndex | pd.RangeIndex)
    )


def _stamps(index: pd.Index) -> np.ndarray:
    return index.asi8 if isinstance(index, pd.DatetimeIndex) else index.to_numpy()


def _address(values: np.ndarray) -> int:
    return int(values.__array_interface__["data"][0])
