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
from contextlib import ExitStack, contextmanager
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
_LATER = datetime.timedelta(days=3652.5)  # on another clock

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
        self.lines: dict[str, set[int]] = {}  # file -> lines of modules that were at work when data were read
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

        before = sys.getprofile()  # there can be one profiler only, and somebody else's stays
        sys.setprofile(before or profile)
        try:
            yield
        finally:
            sys.setprofile(before)

    def note(self, kind: str, what: str) -> None:
        """Remember one touch, and which line of which module, or class in it, being imported led to it."""
        self.seen.setdefault(kind, {})[what] = None
        frame: types.FrameType | None = sys._getframe(1)
        while frame is not None:
            if not frame.f_code.co_flags & inspect.CO_OPTIMIZED:
                self.lines.setdefault(frame.f_code.co_filename, set()).add(frame.f_lineno)
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
            in_a_pack = os.path.realpath(name).startswith(self._folders)
            if in_a_pack or not (_is_code(name) or _done_by_a_library(while_importing=True)):
                self.note(kind, name)
        elif kind != "process" or not _done_by_a_library(while_importing=False):
            first = next((a for a in arguments if isinstance(a, str | tuple | list)), "")
            self.note(kind, f"{event} {first}".strip())
            if kind in _FORBIDDEN:
                raise PermissionError(f"{event}: a signal under check may not leave its panel")


@contextmanager
def another_clock(namespaces: list[dict[str, object]]) -> Iterator[None]:
    """Let every clock of Python and pandas stand ten years later, also under the names in ``namespaces``."""
    later, read, read_ns, local, greenwich = _LATER, time.time, time.time_ns, time.localtime, time.gmtime
    clocks: dict[object, object] = {
        read: lambda: read() + later.total_seconds(),
        read_ns: lambda: read_ns() + int(later.total_seconds() * 1e9),
        local: lambda seconds=None: local(read() + later.total_seconds() if seconds is None else seconds),
        greenwich: lambda seconds=None: greenwich(read() + later.total_seconds() if seconds is None else seconds),
        datetime.datetime: _later_class(datetime.datetime),
        datetime.date: _later_class(datetime.date),
    }
    with ExitStack() as stack:
        for names in (vars(time), vars(datetime), *namespaces):
            real = {name: value for name, value in names.items() if isinstance(value, _CLOCKS) and value in clocks}
            stack.callback(names.update, real)
            names.update({name: clocks[value] for name, value in real.items()})
        for name in _NOW:
            stack.callback(setattr, pd.Timestamp, name, vars(pd.Timestamp)[name])
            setattr(pd.Timestamp, name, classmethod(_later_method(getattr(pd.Timestamp, name))))
        yield


def _later_class(real: type[datetime.date]) -> type:
    class Instances(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real)

    methods = {name: classmethod(_later_method(getattr(real, name))) for name in _NOW if hasattr(real, name)}
    return Instances(real.__name__, (real,), {"__new__": lambda cls, *a, **k: real(*a, **k), **methods})


def _later_method(method: Callable[..., datetime.date]) -> Callable[..., datetime.date]:
    return lambda cls, *arguments, **options: method(*arguments, **options) + _LATER


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


def _is_code(path: str) -> bool:
    """Whether reading ``path`` is what importing and the interpreter do by themselves."""
    full = os.path.realpath(path)
    system = path.startswith(_SYSTEM) or full.startswith((*_SYSTEM, *_PREFIXES))
    return system or full.endswith((*_CODE_FILES, "__pycache__"))


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
