"""What a signal could remember between two calls, and how to make it forget.

A leak that hides in a cache shows only to a caller who comes first: after one run on the whole
history the cache already holds the future. So every probe starts from the state that the signal
had before its first call.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import random
import sys
import types
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from research.provenance import LIBRARIES
from research.thesis import Strategy

Key = TypeVar("Key")
_TOO_MANY = 5_000
_MANY_ROWS = 32
_WRAPPERS: dict[type, tuple[str, ...]] = {
    functools.partial: ("func", "args", "keywords"),
    types.MethodType: ("__self__", "__func__"),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    Strategy: ("signal",),
}


class Reachable:
    """Every mutable thing that the signal can reach outside its arguments, as it stands now.

    Reached are closures, defaults, attributes, the globals that the code names, user-written modules,
    classes and instances, containers in them, and ``functools.lru_cache``.

    Attributes
    ----------
    data_held
        Names of tables of data that the signal reaches without the panel.
    collections_held
        Names of arrays and containers that are long enough to hold data.
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
        self.collections_held: list[str] = []
        self.functions: list[types.FunctionType] = []
        self.numbers: dict[str, None] = {}
        self.sources: set[str] = set()
        self.names: set[str] = set()
        self.namespaces: list[dict[str, object]] = []
        self._restorers: list[Callable[[], None]] = []
        self._seen: set[int] = set()
        self._keep: list[object] = []
        self._home = (getattr(signal, "__module__", None) or "").partition(".")[0]
        self._walk(signal)

    def restore(self) -> None:
        """Put everything back as it was when this object was made."""
        for restore in self._restorers:
            restore()

    @staticmethod
    def codes(function: types.FunctionType) -> Iterator[types.CodeType]:
        """The code of a function and of all that is defined in it."""
        return _nested(function.__code__)

    def _walk(self, root: object) -> None:
        waiting: deque[tuple[str, object]] = deque([("signal", root)])
        while waiting:
            name, value = waiting.popleft()
            if isinstance(value, int | float) and not isinstance(value, bool):
                self.numbers[f"{name}={value:.6g}"] = None
            if id(value) in self._seen or isinstance(value, str | int | float | bool | type(None)):
                continue
            self._seen.add(id(value))
            self._keep.append(value)
            waiting.extend(self._reach(name, value))

    def _reach(self, name: str, value: object) -> Iterator[tuple[str, object]]:
        """Record how ``value`` is restored, and name what can be reached from it."""
        if isinstance(value, types.FunctionType):
            yield from self._reach_function(value)
        elif isinstance(value, functools._lru_cache_wrapper):
            self._restorers.append(value.cache_clear)
            yield name, value.__wrapped__
        elif isinstance(value, tuple(_WRAPPERS)):
            parts = next(parts for kind, parts in _WRAPPERS.items() if isinstance(value, kind))
            yield from ((name, getattr(value, part)) for part in parts)
        elif isinstance(value, types.ModuleType):
            if not self._is_user(value.__name__):
                self._restorers.append(functools.partial(_drop_new_data, value.__dict__, frozenset(value.__dict__)))
            else:
                yield from self._reach_attributes(name, value)
        elif isinstance(value, pd.Series | pd.DataFrame | pd.Index):
            if _holds_data(value):
                self.data_held.append(f"{name} ({type(value).__name__} of {len(value)} rows)")
        elif isinstance(value, np.ndarray):
            if value.size >= _MANY_ROWS:
                self.collections_held.append(name)
            if value.size < 10_000_000 and not value.dtype.hasobject and value.flags.writeable:
                self._restorers.append(functools.partial(np.copyto, value, value.copy()))
        elif isinstance(value, dict | list | set | deque | bytearray | tuple | frozenset | types.MappingProxyType):
            yield from self._reach_container(name, value)
        elif type(value).__module__.startswith("research.") and type(value).__name__ in ("Data", "Market", "Panel"):
            self.data_held.append(f"{name} (a {type(value).__name__})")
        elif isinstance(value, type):
            if self._is_user(value.__module__):
                yield from self._reach_attributes(value.__name__, value)
        elif self._is_user(type(value).__module__):
            if hasattr(value, "__dict__"):
                yield from self._reach_attributes(name, value)
            yield name, type(value)

    def _reach_function(self, function: types.FunctionType) -> Iterator[tuple[str, object]]:
        if not self._is_user(function.__module__ or ""):
            return
        self._record_mapping(function.__dict__)
        if not any(function.__globals__ is known for known in self.namespaces):
            self.namespaces.append(function.__globals__)
            self._record_mapping(function.__globals__)
        self.functions.append(function)
        self.sources.add(function.__code__.co_filename)
        for cell, free in zip(function.__closure__ or (), function.__code__.co_freevars, strict=True):
            with suppress(ValueError):  # it is empty
                self._restorers.append(functools.partial(setattr, cell, "cell_contents", cell.cell_contents))
                yield free, cell.cell_contents
        yield from vars(function).items()
        defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
        yield from (("default", value) for value in defaults)
        for code in self.codes(function):
            typed = (value for value in code.co_consts if isinstance(value, int | float) and value not in (-1, 0, 1))
            self.numbers |= dict.fromkeys(f"{value:.6g}" for value in typed)
            self.names |= set(code.co_names)
            yield from ((name, function.__globals__[name]) for name in code.co_names if name in function.__globals__)

    def _reach_container(self, name: str, value: Collection[object]) -> Iterator[tuple[str, object]]:
        if isinstance(value, dict):
            self._record_mapping(value)
        elif isinstance(value, list | bytearray):
            self._restorers.append(functools.partial(value.__setitem__, slice(None), list(value)))
        elif isinstance(value, set | deque):
            add = value.update if isinstance(value, set) else value.extend
            self._restorers += [value.clear, functools.partial(add, list(value))]
        if len(value) >= _MANY_ROWS:
            self.collections_held.append(name)
        if len(value) <= _TOO_MANY:
            items = value.items() if hasattr(value, "items") else enumerate(value)
            yield from ((f"{name}[{key!r}]", item) for key, item in list(items))

    def _reach_attributes(self, name: str, value: object) -> Iterator[tuple[str, object]]:
        """Those of a module, a class or an instance."""
        if isinstance(value, type):
            change = functools.partial(setattr, value), functools.partial(delattr, value)
            self._restorers.append(functools.partial(_restore, vars(value), dict(vars(value)), *change))
        else:
            self._record_mapping(vars(value))
        yield from ((f"{name}.{key}", item) for key, item in list(vars(value).items()) if not key.startswith("__"))

    def _record_mapping(self, mapping: dict[Key, object]) -> None:
        change = mapping.__setitem__, mapping.__delitem__
        self._restorers.append(functools.partial(_restore, mapping, dict(mapping), *change))

    def _is_user(self, module: str) -> bool:
        """Whether a module was written by the strategy's author, and is no library."""
        if not module or module.partition(".")[0] in ("research", "builtins"):
            return False
        if module == "__main__" or module.partition(".")[0] == self._home:
            return True
        file = getattr(sys.modules.get(module), "__file__", None)
        return file is not None and not str(Path(file).resolve()).startswith(LIBRARIES)


def fresh(strategy: Strategy) -> Strategy | None:
    """Execute the strategy's module once more and return the strategy that was never called.

    ``None`` where that is not possible: written in a notebook, inside a function, or no longer on disk.
    """
    signal = strategy.signal
    module = sys.modules.get(getattr(signal, "__module__", "") or "")
    file = getattr(module, "__file__", None) or ""
    named = "<locals>" not in getattr(signal, "__qualname__", "<locals>") and file.endswith(".py")
    if module is None or module.__name__ == "__main__" or not named or not Path(file).is_file():
        return None
    spec = importlib.util.spec_from_file_location(module.__name__, file)
    if spec is None or spec.loader is None:
        return None
    again = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(again)
    except Exception:  # noqa: BLE001 - a module that can be imported only once is checked as it stands
        return None
    found = (value for value in vars(again).values() if isinstance(value, Strategy) and value.name == strategy.name)
    return next(found, None)


@contextmanager
def same_random_state() -> Iterator[None]:
    """Leave the global random generators and the environment as they were."""
    numpy_state, python_state, environment = np.random.get_state(), random.getstate(), dict(os.environ)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)


@contextmanager
def quiet() -> Iterator[None]:
    """Let nothing through that a signal prints, compiled libraries included."""
    sys.stdout.flush()
    kept, nowhere = [os.dup(1), os.dup(2)], os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        yield
    finally:
        for number, copy in enumerate(kept, 1):
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)


def _nested(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _nested(constant)


def _holds_data(value: pd.Series | pd.DataFrame | pd.Index) -> bool:
    """Whether it is long and holds anything but dates: what a short one does, and a list of dates, shows by itself."""
    columns = [value.dtype] if isinstance(value, pd.Series | pd.Index) else list(value.dtypes)
    dates = all(pd.api.types.is_datetime64_any_dtype(kind) or isinstance(kind, pd.PeriodDtype) for kind in columns)
    return len(value) >= _MANY_ROWS and not dates


def _restore(
    mapping: Mapping[Key, object],
    before: dict[Key, object],
    put: Callable[[Key, object], None],
    drop: Callable[[Key], None],
) -> None:
    for key in [key for key in mapping if key not in before]:
        drop(key)
    for key, value in before.items():
        if key not in mapping or mapping[key] is not value:
            put(key, value)


def _drop_new_data(mapping: dict[str, object], before: frozenset[str]) -> None:
    """Take out what was hung on a library's module; what it loaded lazily stays."""
    for key in [key for key in mapping if key not in before]:
        if not isinstance(mapping[key], types.ModuleType | type) and not callable(mapping[key]):
            del mapping[key]
