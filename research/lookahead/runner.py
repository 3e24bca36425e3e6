"""Run a signal, for one cell of its grid or for all, each time from the state that it had before its first call.

A leak that hides in a cache shows only to a caller who comes first: after one run on the whole history the cache
already holds the future. So every run starts from what the signal could remember before its first call.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import random
import sys
import types
import warnings
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from research.datasets.panel import Panel
from research.errors import AssayError
from research.lookahead.history import History
from research.lookahead.watch import Watch
from research.many import alike, ask_together, together
from research.provenance import is_own, nested
from research.thesis import Strategy
from research.weights import UNKNOWN, in_bills, numbers

Key = TypeVar("Key")
_TOO_MANY = 5_000
_MANY_ROWS = 32
_WRAPPERS = (functools.partial, types.MethodType, staticmethod, classmethod, Strategy)
_WRAPPED = ("func", "args", "keywords", "__self__", "__func__", "signal")


@dataclass(frozen=True)
class Decided:
    """Weights by bar, or the error that came instead."""

    weights: np.ndarray | None
    error: AssayError | None = None


@dataclass(frozen=True, eq=False)
class Cell:
    """One point of the grid on the true history.

    Attributes
    ----------
    number
        Its place among the cells; the chosen parameters are 0.
    base
        Its weights.
    stable
        Bars whose weight does not hang on the twelfth digit of an input.
    """

    number: int
    parameters: Mapping[str, object]
    base: np.ndarray
    stable: np.ndarray


@dataclass
class Runner:
    """Runs one signal on one history after another.

    Attributes
    ----------
    n_runs
        Calls of the signal so far.
    elsewhere
        Whether it ran in a process with another hash seed, too.
    together
        Parameters whose values are tried in one call (``research.many``).
    """

    strategy: Strategy
    parameters: Mapping[str, object]
    state: Reachable
    watch: Watch
    n_runs: int = 0
    elsewhere: bool = False
    together: Sequence[str] = ()

    def run(self, history: History, n_bars: int | None = None, *, forget: bool = True) -> Decided:
        """Weights of the chosen parameters on the first ``n_bars`` bars of ``history``."""
        return self.run_all(history, [self.parameters], n_bars, forget=forget)[0]

    def run_all(
        self, history: History, cells: Iterable[Mapping[str, object]], n_bars: int | None = None, *, forget: bool = True
    ) -> list[Decided]:
        """The same for many cells, which share one panel and what was already computed from it."""
        if forget:
            self.state.restore()
        return self.decide(history.panel(n_bars), list(cells))

    def decide(self, panel: Panel, cells: Sequence[Mapping[str, object]]) -> list[Decided]:
        """Weights on one panel, in one call for cells that differ in ``together`` alone."""
        decided: dict[int, Decided] = {}
        alone = partial(self._decide, panel)
        with self._contained():
            for places in alike(cells, self.together):
                some, table = [cells[place] for place in places], None
                if len(places) > 1:
                    self.n_runs += 1
                    table = ask_together(partial(self.strategy.decide, panel), self.together, some, panel.index)
                answers = map(alone, some) if table is None else map(Decided, table.astype(float))
                decided |= zip(places, answers, strict=True)
        return [decided[place] for place in range(len(cells))]

    def find_together(self, history: History, decisions: Sequence[tuple[Mapping[str, object], np.ndarray]]) -> None:
        """Find the parameters of which the signal takes many values at once, with the same bits for every cell."""
        cells, panel = [parameters for parameters, _ in decisions], history.panel()
        if len(cells) > 1 and not self.strategy.vectorised:
            self.state.restore()
            with self._contained():
                self.together = together(partial(self.strategy.decide, panel), cells, panel.index)
            found = [answer.weights for answer in self.run_all(history, cells)]
            if any(w is None or w.tobytes() != base.tobytes() for (_, base), w in zip(decisions, found, strict=True)):
                self.together = ()

    @contextmanager
    def _contained(self) -> Iterator[None]:
        """Watched, and with nothing printed or warned of left behind."""
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            self.watch.open(),
        ):
            warnings.simplefilter("ignore")
            yield

    def _decide(self, panel: Panel, parameters: Mapping[str, object]) -> Decided:
        self.n_runs += 1
        try:
            return Decided(numbers(self.strategy.decide(panel, parameters), panel.index, self.strategy.name).copy())
        except AssayError as error:
            return Decided(None, error)


def equal(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Which weights agree: both NaN, or within rounding."""
    with np.errstate(invalid="ignore", over="ignore"):
        close = np.abs(left - right) <= 1e-12 + 1e-9 * np.maximum(np.abs(left), np.abs(right))
    unknown = (left == UNKNOWN) | (right == UNKNOWN)
    return np.asarray((close & ~unknown) | (np.isnan(left) & np.isnan(right)) | (left == right))


def same(left: np.ndarray | None, right: np.ndarray | None) -> bool:
    """Whether two runs gave the same weights."""
    if left is None or right is None:
        return left is right
    return len(left) == len(right) and bool(equal(left, right).all())


def moves(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """How far each weight moved; 1 between a number and no decision, or what is unknown."""
    if left.tobytes() == right.tobytes():
        return np.zeros(len(left))
    known = ~(np.isnan(left) | np.isnan(right) | (left == UNKNOWN) | (right == UNKNOWN))
    sizes = np.where(equal(left, right), 0.0, 1.0)
    sizes[known] = np.where(sizes[known] > 0, np.abs(left[known] - right[known]), 0.0)
    return sizes


def held(weights: np.ndarray) -> np.ndarray:
    """Positions that weights lead to: no decision keeps the last one; none yet, and what is unknown, are 0."""
    return np.asarray(in_bills(pd.Series(weights).ffill().fillna(0.0).to_numpy()))


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
    namespaces
        The globals of that code.
    """

    def __init__(self, signal: object) -> None:
        self.data_held: list[str] = []
        self.functions: list[types.FunctionType] = []
        self.numbers: dict[str, None] = {}
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
    of_a_module = signal.__module__ != "__main__" and "<locals>" not in signal.__qualname__
    if module is None or not of_a_module or file.suffix != ".py" or not file.is_file():
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
