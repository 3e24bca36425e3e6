"""Watch how a signal gets at its data: files, network, processes, the call stack, the data store.

Python's audit hooks cannot be taken out again, so one is put in on first use and does nothing
unless a ``Watch`` is open.
"""

from __future__ import annotations

import datetime
import functools
import importlib.metadata
import inspect
import os
import pkgutil
import sys
import sysconfig
import threading
import time
import tomllib
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from research.provenance import LIBRARIES

WATCHED = tomllib.loads(Path(__file__).with_name("watched.toml").read_text(encoding="utf-8"))
_EVENTS = {event: kind for kind, events in WATCHED["events"].items() for event in events}
_CODE_FILES, _SYSTEM = tuple(WATCHED["paths"]["endings"]), tuple(WATCHED["paths"]["folders"])
_PREFIXES = tuple({str(Path(path).resolve()) for path in (sys.prefix, sys.base_prefix)})
_HOUSE = str(Path(__file__).resolve().parent)  # these frames stand between an event and its cause
_IMPORTING = ("<frozen importlib", str(Path(importlib.metadata.__file__).parent))  # also asks what is installed
_PACKAGES = tuple(str(Path(sysconfig.get_paths()[name]).resolve()) for name in ("purelib", "platlib"))
_FORBIDDEN = ("network", "process")
_CLOCKS = (types.BuiltinFunctionType, type)
_NOW = ("now", "today", "utcnow")
_LATER = 10 * 365.25 * 86400.0  # ten years on another clock

_open: list[Watch] = []


class Watch:
    """What was touched while open: kind -> what, in order of first sight.

    Parameters
    ----------
    data_folders
        Folders of data packs: a file in them is data even where the package itself is installed.
    """

    def __init__(self, data_folders: tuple[Path, ...] = ()) -> None:
        self.seen: dict[str, dict[str, None]] = {}
        self.executed: set[str] = set()  # modules that were run once more while this was open
        self.lines: dict[str, dict[int, None]] = {}  # file -> lines of modules that were at work when data were read
        self._folders = tuple(str(folder.resolve()) for folder in data_folders)
        self._bystanders: set[int | None] = set()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Watch this block."""
        _install_hook()
        self._bystanders = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}
        _open.append(self)
        try:
            yield
        finally:
            _open.pop()

    @contextmanager
    def following(self, sources: set[str]) -> Iterator[None]:
        """Also follow every call made from the files ``sources``: slower, so for one run only."""
        codes = _watched_calls()

        def profile(frame: types.FrameType, event: str, argument: object) -> None:
            if event == "call" and frame.f_code in codes:
                kind, what = codes[frame.f_code]
                if kind not in WATCHED["own_calls"] or _called_from(frame, sources):
                    self.note(kind, what)
            elif event == "c_call" and argument is sys._getframe and frame.f_code.co_filename in sources:
                self.note("introspection", "sys._getframe")

        if sys.getprofile() is not None:  # there can be one profiler only, and somebody else's stays
            yield
            return
        sys.setprofile(profile)
        try:
            yield
        finally:
            sys.setprofile(None)

    def note(self, kind: str, what: str) -> None:
        """Remember one touch, and which line of which module being imported led to it."""
        self.seen.setdefault(kind, {})[what] = None
        frame: types.FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_name == "<module>":
                self.lines.setdefault(frame.f_code.co_filename, {})[frame.f_lineno] = None
            frame = frame.f_back

    def hear(self, event: str, arguments: tuple[object, ...]) -> None:
        """Judge one audit event; those of threads that ran before are none of the signal's."""
        if threading.get_ident() in self._bystanders:
            return
        kind = _EVENTS[event]
        if kind == "file":
            path = arguments[0] if arguments else None
            if not isinstance(path, str | bytes | os.PathLike) or path == ":memory:":
                return
            name = os.fsdecode(path)
            if self._is_data(name) or not (self._is_code(name) or _done_by_a_library(while_importing=True)):
                self.note(kind, name)
        elif kind != "process" or not _done_by_a_library(while_importing=False):
            first = next((a for a in arguments if isinstance(a, str | tuple | list)), "")
            self.note(kind, f"{event} {first}".strip())
            if kind in _FORBIDDEN:
                raise PermissionError(f"{event}: a signal under check may not leave its panel")

    def _is_data(self, path: str) -> bool:
        """Whether ``path`` is in a data pack."""
        return bool(self._folders) and os.path.realpath(path).startswith(self._folders)

    def _is_code(self, path: str) -> bool:
        """Whether reading ``path`` is what importing and the interpreter do by themselves."""
        full = os.path.realpath(path)
        system = path.startswith(_SYSTEM) or full.startswith((*_SYSTEM, *_PREFIXES))
        return system or full.endswith((*_CODE_FILES, "__pycache__"))


@contextmanager
def another_clock(namespaces: list[dict[str, object]]) -> Iterator[None]:
    """Let every clock of Python and pandas stand ten years later, also under the names in ``namespaces``."""
    real_date, real_datetime, stamp = datetime.date, datetime.datetime, pd.Timestamp
    later = datetime.timedelta(seconds=_LATER)
    read, read_ns, local, greenwich = time.time, time.time_ns, time.localtime, time.gmtime
    clocks: dict[object, object] = {
        read: lambda: read() + _LATER,
        read_ns: lambda: read_ns() + int(_LATER * 1e9),
        local: lambda seconds=None: local(read() + _LATER if seconds is None else seconds),
        greenwich: lambda seconds=None: greenwich(read() + _LATER if seconds is None else seconds),
        real_datetime: _later_class(real_datetime, later),
        real_date: _later_class(real_date, later),
    }
    clocked = [vars(time), vars(datetime), *namespaces]
    before = [
        {name: value for name, value in names.items() if isinstance(value, _CLOCKS) and value in clocks}
        for names in clocked
    ]
    methods = {name: vars(stamp)[name] for name in _NOW if name in vars(stamp)}
    try:
        for names, real in zip(clocked, before, strict=True):
            names.update({name: clocks[value] for name, value in real.items()})
        for name in methods:
            setattr(stamp, name, classmethod(_later_method(getattr(stamp, name), later)))
        yield
    finally:
        for names, real in zip(clocked, before, strict=True):
            names.update(real)
        for name, method in methods.items():
            setattr(stamp, name, method)


def _later_class(real: type[datetime.date], later: datetime.timedelta) -> type:
    class Instances(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real)

    methods = {name: classmethod(_later_method(getattr(real, name), later)) for name in _NOW if hasattr(real, name)}
    return Instances(real.__name__, (real,), {"__new__": lambda cls, *a, **k: real(*a, **k), **methods})


def _later_method(method: Callable[..., datetime.date], later: datetime.timedelta) -> Callable[..., datetime.date]:
    return lambda cls, *arguments, **options: method(*arguments, **options) + later


@functools.cache
def _install_hook() -> None:
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _open and event in _EVENTS:
        watch = _open.pop()  # whatever the judging itself opens is not the signal's doing
        try:
            watch.hear(event, arguments)
        finally:
            _open.append(watch)


def _done_by_a_library(*, while_importing: bool) -> bool:
    """Whether what is being audited is the doing of a library that the signal uses, and not its own.

    A library may look around while it is imported, and count the machine's cores at any time.
    """
    frame: types.FrameType | None = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if while_importing and file.startswith(_IMPORTING):
            return True
        if not file.startswith(("<", _HOUSE)):
            if not file.startswith(LIBRARIES):
                return False
            if not while_importing and file.startswith(_PACKAGES):
                return True
        frame = frame.f_back
    return False


def _watched_calls() -> dict[types.CodeType, tuple[str, str]]:
    """Code -> kind and name."""
    kinds = {**WATCHED["calls"], **WATCHED["own_calls"]}
    names = [(kind, name) for kind, names in kinds.items() for name in names if name.partition(":")[0] in sys.modules]
    return {inspect.unwrap(pkgutil.resolve_name(name)).__code__: (kind, name.replace(":", ".")) for kind, name in names}


def _called_from(frame: types.FrameType, sources: set[str]) -> bool:
    """Whether the strategy's own code made this call, directly or through ``Mapping.get``."""
    caller = frame.f_back
    if caller is not None and "_collections_abc" in caller.f_code.co_filename:
        caller = caller.f_back
    return caller is not None and caller.f_code.co_filename in sources
