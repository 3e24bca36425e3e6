"""Find strategies: those that ship with the package, of a folder, or by file."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from research.errors import AssayError, StrategyError, UnknownStrategy, did_you_mean
from research.home import BUNDLED, PACKAGE
from research.provenance import hash_text, identity
from research.thesis import Strategy
from research.values import frozen

_helpers: set[str] = set()  # modules that strategy files brought from their own folders


def find_strategy(name: str | Strategy, among: Mapping[str, Strategy] | None = None) -> Strategy:
    """Return one strategy by name, or by file: ``path/to/idea.py``, ``path/to/ideas.py:name``; a strategy is itself.

    Names are those of ``all_strategies``, or of ``among`` where it is given.

    A file is executed anew at each call, with its folder first on the path, as python does for a script; the helper
    modules that it imports from there are its own.

    Raises
    ------
    UnknownStrategy
        If there is none of that name, with the nearest one named.
    StrategyError
        If a file does not import, or holds none or several strategies and none is chosen.
    """
    if isinstance(name, Strategy):
        return name
    file, _, chosen = name.partition(".py:")
    if name.endswith(".py") or chosen:
        return _from_file(Path(file if name.endswith(".py") else f"{file}.py"), chosen)
    everything = all_strategies() if among is None else among
    if name not in everything and Path(name).exists():
        raise UnknownStrategy(f"{name}: is no .py file; give a path to one with an @strategy in it")
    if name not in everything:
        raise UnknownStrategy(f"strategy {name!r}: not found{did_you_mean(name, everything)}")
    return everything[name]


@cache
def all_strategies() -> Mapping[str, Strategy]:
    """Every bundled strategy by name, whatever is called ``strategies`` on the path."""
    return frozen(dict(sorted(strategies_in(BUNDLED).items())))


def strategies_in(folder: Path) -> dict[str, Strategy]:
    """Every strategy of the modules in a folder, or in its folder ``strategies`` where it has one, by name.

    They are executed anew at each call, and may import each other by name or, as a package, by a dot.
    """
    place = (folder / PACKAGE if (folder / PACKAGE).is_dir() else folder).resolve()
    return _strategies(place, sorted(set(place.glob("*.py")) - {place / "__init__.py"}))


def distinct(strategies: Iterable[Strategy]) -> list[Strategy]:
    """The strategies without repetitions, in order.

    Raises
    ------
    StrategyError
        If two of one name compute different things: a study tells its strategies apart by name.
    """
    kept: dict[str, Strategy] = {}
    for item in strategies:
        if kept.setdefault(item.name, item) is not item and identity(kept[item.name]) != identity(item):
            raise StrategyError(
                f"{item.name}: two different strategies of this name in one study; "
                "give one another: @strategy(name=…), or rename its function"
            )
    return list(kept.values())


def _from_file(path: Path, chosen: str) -> Strategy:
    if not path.is_file():
        raise UnknownStrategy(f"strategy file {path}: no such file; give a path to a .py file with an @strategy in it")
    found = _strategies(path.resolve(), [path])
    if chosen:
        if chosen not in found:
            raise UnknownStrategy(f"{path}: no strategy {chosen!r}{did_you_mean(chosen, found)}")
        return found[chosen]
    if len(found) != 1:
        remedy = f"choose one with {path}:NAME" if found else "decorate its function with @strategy(…)"
        raise StrategyError(f"{path}: holds {len(found)} strategies ({', '.join(found) or 'none'}); {remedy}")
    return next(iter(found.values()))


def _strategies(whole: Path, files: Iterable[Path]) -> dict[str, Strategy]:
    """The strategies of some modules in one folder by name: ``whole`` is the folder, or the one file that is asked."""
    found: dict[str, Strategy] = {}
    folder, package = whole if whole.is_dir() else whole.parent, f"_assay_strategy_{hash_text(str(whole))[:12]}"
    for name in [name for name in sys.modules if _root(name) == package]:
        del sys.modules[name]
    sys.modules[package] = ModuleType(package)
    sys.modules[package].__path__ = [str(folder)]
    with _beside(folder):
        for file in files:
            _collect(_executed(f"{package}.{file.stem.replace('.', '_')}", file), found)
    return found


@contextmanager
def _beside(folder: Path) -> Iterator[None]:
    """Import helper modules from ``folder``, not those that another strategy's folder or the caller has by their name.

    Afterwards the folder stays last on the path, for what a signal imports when it runs.
    """
    for name in _helpers:
        sys.modules.pop(name, None)
    _helpers.clear()
    theirs = _names_in(folder)
    aside = {name: module for name, module in sys.modules.items() if _root(name) in theirs and not _is_in(name, folder)}
    for name in aside:
        del sys.modules[name]
    before, kept = set(sys.modules), sys.dont_write_bytecode
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode |= folder != BUNDLED  # a file of one size written twice in one second would be the first
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.dont_write_bytecode = kept
        sys.path.remove(str(folder))
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
        taken = {_root(name) for name in aside}
        for name in [name for name in set(sys.modules) - before if _is_in(name, folder)]:
            if _root(name) in taken:
                del sys.modules[name]
            else:
                _helpers.add(name)
        sys.modules.update(aside)


def _names_in(folder: Path) -> set[str]:
    """Modules and packages that could be imported from a folder."""
    names = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    return names - set(sys.stdlib_module_names) - {"research", "__main__", "__init__"}


def _root(name: str) -> str:
    return name.partition(".")[0]


def _is_in(name: str, folder: Path) -> bool:
    file = getattr(sys.modules[name], "__file__", None)
    return file is not None and not name.startswith("_assay_strategy_") and Path(file).is_relative_to(folder)


def _executed(name: str, file: Path) -> ModuleType:
    """The module of that name; an error of the code that it executes becomes one line with the place."""
    spec = spec_from_file_location(name, file)
    assert spec is not None  # of a .py file there is one, with a loader
    assert spec.loader is not None
    try:
        if name not in sys.modules:  # else a neighbour has imported it
            sys.modules[name] = module_from_spec(spec)
            spec.loader.exec_module(sys.modules[name])
        return sys.modules[name]
    except AssayError:
        raise
    except SystemExit as error:
        raise StrategyError(f"{file}{_line_of(error, file)}: ends the process (sys.exit); take that out") from error
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise StrategyError(f"{file}{_line_of(error, file)}: does not import: {what}") from error


def _collect(module: ModuleType, found: dict[str, Strategy]) -> None:
    for value in vars(module).values():
        mine = isinstance(value, Strategy) and value.signal.__module__ == module.__name__
        if mine and found.setdefault(value.name, value) is not value:
            raise StrategyError(f"{module.__name__}: a second strategy is called {value.name!r}; rename one")


def _line_of(error: BaseException, file: Path) -> str:
    if isinstance(error, SyntaxError):
        return f":{error.lineno}" if error.lineno else ""
    inside = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file.resolve())
    ]
    return f":{inside[-1]}" if inside else ""
