"""What a signal could remember between two calls, and how to make it forget.

A leak that hides in a cache shows only to a caller who comes first: after one run on the whole
history the cache already holds the future. So every probe starts from the state that the signal
had before its first call.
"""

from __future__ import annotations

import functools
import os
import random
import sys
import types
from collections import deque
from collections.abc import Callable, Collection, Iterator, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from research.provenance import is_own, nested
from research.thesis import Strategy

Key = TypeVar("Key")
_TOO_MANY = 5_000
_MANY_ROWS = 32
_WRAPPERS = (functools.partial, types.MethodType, staticmethod, classmethod, Strategy)
_WRAPPED = ("func", "args", "keywords", "__self__", "__func__", "signal")


class Reachable:
    """Every mutable thing that the signal can reach outside its arguments, as it stands now.

    Reached are closures, defaults, attributes, the globals that the code names, user-written modules,
    classes and instances, containers in them, ``functools.lru_cache``, the global random generators and the
    environment.

    Attributes
    ----------
    data_held
        Names of tables of data that the signal reaches without the panel.
    functions
        The author's own functions that it reaches.
    numbers
        Numbers typed in their code or held in the names that it uses, in order of first sight.
    sources, names
        Files in which that code is written, and every global and attribute name in it.
    namespaces
        The globals of that code.
    """

    def __init__(self, signal: object) -> None:
        self.data_held: list[str] = []
        self.functions: list[types.FunctionType] = []
        self.numbers: dict[str, None] = {}
        self.sources: set[str] = set()
        self.names: set[str] = set()
        self.namespaces: list[dict[str, object]] = []
        self._restorers: list[Callable[[], object]] = []
        self._seen: dict[int, object] = {}  # kept, so that an id stays its own
        self._home = (getattr(signal, "__module__", None) or "").partition(".")[0]
        self._later(np.random.set_state, np.random.get_state())  # noqa: NPY002
        self._later(random.setstate, random.getstate())
        self._later(_put_back, os.environ, dict(os.environ))
        waiting: deque[tuple[str, object]] = deque([("signal", signal)])
        while waiting:
            name, value = waiting.popleft()
            if isinstance(value, int | float) and not isinstance(value, bool):
                self.numbers[f"{name}={value:.6g}"] = None
            if id(value) not in self._seen and not isinstance(value, str | int | float | type(None)):
                self._seen[id(value)] = value
                waiting.extend(self._reach(name, value))

    def restore(self) -> None:
        """Put everything back as it was when this object was made."""
        for restore in self._restorers:
            restore()

    def _reach(self, name: str, value: object) -> Iterator[tuple[str, object]]:
        """Record how ``value`` is restored, and name what can be reached from it."""
        if isinstance(value, types.FunctionType):
            if self._is_own(value.__module__):
                yield from self._reach_function(value)
        elif isinstance(value, functools._lru_cache_wrapper):
            self._later(value.cache_clear)
            yield name, value.__wrapped__
        elif isinstance(value, _WRAPPERS):
            yield from ((name, getattr(value, part)) for part in _WRAPPED if hasattr(value, part))
        elif isinstance(value, types.ModuleType):
            if self._is_own(value.__name__):
                yield from self._reach_attributes(name, value)
            else:
                self._later(_drop_new_data, vars(value), frozenset(vars(value)))
        elif isinstance(value, pd.Series | pd.DataFrame | pd.Index):
            if _holds_data(value):
                self.data_held.append(f"{name} ({type(value).__name__} of {len(value)} rows)")
        elif isinstance(value, np.ndarray):
            if value.size < 10_000_000 and not value.dtype.hasobject and value.flags.writeable:
                self._later(np.copyto, value, value.copy())
        elif isinstance(value, dict | list | set | deque | bytearray | tuple | frozenset | types.MappingProxyType):
            yield from self._reach_container(name, value)
        elif type(value).__module__.startswith("research.") and type(value).__name__ in ("Data", "Market", "Panel"):
            self.data_held.append(f"{name} (a {type(value).__name__})")
        elif isinstance(value, type):
            if self._is_own(value.__module__):
                yield from self._reach_attributes(value.__name__, value)
        elif self._is_own(type(value).__module__):
            if hasattr(value, "__dict__"):
                yield from self._reach_attributes(name, value)
            yield name, type(value)

    def _reach_function(self, function: types.FunctionType) -> Iterator[tuple[str, object]]:
        space = function.__globals__
        self._later(_put_back, vars(function), dict(vars(function)))
        if not any(space is known for known in self.namespaces):
            self.namespaces.append(space)
            self._later(_put_back, space, dict(space))
        self.functions.append(function)
        self.sources.add(function.__code__.co_filename)
        for cell, free in zip(function.__closure__ or (), function.__code__.co_freevars, strict=True):
            with suppress(ValueError):  # it is empty
                self._later(setattr, cell, "cell_contents", cell.cell_contents)
                yield free, cell.cell_contents
        yield from vars(function).items()
        defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
        yield from (("default", value) for value in defaults)
        for code in nested(function.__code__):
            typed = (value for value in code.co_consts if isinstance(value, int | float) and value not in (-1, 0, 1))
            self.numbers |= dict.fromkeys(f"{value:.6g}" for value in typed)
            self.names |= set(code.co_names)
            yield from ((name, space[name]) for name in code.co_names if name in space)

    def _reach_container(self, name: str, value: Collection[object]) -> Iterator[tuple[str, object]]:
        if isinstance(value, dict):
            self._later(_put_back, value, dict(value))
        elif isinstance(value, list | set | deque | bytearray):
            self._later(value.clear)
            self._later(value.update if isinstance(value, set) else value.extend, list(value))
        if len(value) <= _TOO_MANY:
            items = value.items() if isinstance(value, dict | types.MappingProxyType) else enumerate(value)
            yield from ((f"{name}[{key!r}]", item) for key, item in list(items))

    def _reach_attributes(self, name: str, value: object) -> Iterator[tuple[str, object]]:
        """Those of a module, a class or an instance."""
        attributes = dict(vars(value))
        if isinstance(value, type):
            self._later(_put_back_in_class, value, attributes)
        else:
            self._later(_put_back, vars(value), attributes)
        yield from ((f"{name}.{key}", item) for key, item in attributes.items() if not key.startswith("__"))

    def _later(self, restore: Callable[..., object], *arguments: object) -> None:
        self._restorers.append(functools.partial(restore, *arguments))

    def _is_own(self, module: str | None) -> bool:
        """Whether a module was written by the strategy's author, and is no library."""
        return is_own(module or "", getattr(sys.modules.get(module or ""), "__file__", None), self._home)


def fresh(strategy: Strategy) -> Strategy | None:
    """Execute the strategy's module once more and return the strategy that was never called.

    ``None`` where that is not possible: written in a notebook, inside a function, or no longer on disk.
    """
    signal = strategy.signal
    module = sys.modules.get(signal.__module__)
    file = Path(getattr(module, "__file__", None) or "")
    if module is None or signal.__module__ == "__main__" or "<locals>" in signal.__qualname__:
        return None
    if file.suffix != ".py" or not file.is_file():
        return None
    again = types.ModuleType(module.__name__)
    vars(again).update(__file__=str(file), __package__=module.__package__)
    try:
        exec(compile(file.read_bytes(), str(file), "exec", dont_inherit=True), vars(again))
    except Exception:  # noqa: BLE001 - a module that can be imported only once is checked as it stands
        return None
    found = (value for value in vars(again).values() if isinstance(value, Strategy) and value.name == strategy.name)
    return next(found, None)


def _holds_data(value: pd.Series | pd.DataFrame | pd.Index) -> bool:
    """Whether it is long and holds anything but dates: what a short one does, and a list of dates, shows by itself."""
    columns = [value.dtype] if isinstance(value, pd.Series | pd.Index) else list(value.dtypes)
    dates = all(pd.api.types.is_datetime64_any_dtype(kind) or isinstance(kind, pd.PeriodDtype) for kind in columns)
    return len(value) >= _MANY_ROWS and not dates


def _put_back(mapping: MutableMapping[Key, object], before: dict[Key, object]) -> None:
    for key in mapping.keys() - before.keys():
        del mapping[key]
    mapping.update(before)


def _put_back_in_class(kind: type, before: dict[str, object]) -> None:
    for key in vars(kind).keys() - before.keys():
        delattr(kind, key)
    for key, value in before.items():
        if vars(kind).get(key) is not value:
            setattr(kind, key, value)


def _drop_new_data(mapping: dict[str, object], before: frozenset[str]) -> None:
    """Take out what was hung on a library's module; what it loaded lazily stays."""
    for key in mapping.keys() - before:
        if not isinstance(mapping[key], types.ModuleType | type) and not callable(mapping[key]):
            del mapping[key]
