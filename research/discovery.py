"""Find strategies: by name in the ``strategies`` package, by entry point, or by file."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from research.errors import AssayError, StrategyError, UnknownStrategy, did_you_mean
from research.thesis import Strategy

PACKAGE = "strategies"
ENTRY_POINT_GROUP = "assay.strategies"


def find_strategy(name: str, among: Mapping[str, Strategy] | None = None) -> Strategy:
    """Return one strategy by name, or by file: ``path/to/idea.py``, ``path/to/ideas.py:name``.

    Names are those of :func:`all_strategies`, or of ``among`` where it is given.

    Raises
    ------
    UnknownStrategy
        If there is none of that name, with the nearest one named.
    StrategyError
        If a file does not import, or holds none or several strategies and none is chosen.
    """
    file, _, chosen = name.partition(".py:")
    if name.endswith(".py") or chosen:
        return _from_file(Path(file if name.endswith(".py") else f"{file}.py"), chosen)
    everything = all_strategies() if among is None else among
    if name not in everything:
        raise UnknownStrategy(f"strategy {name!r}: not found{did_you_mean(name, everything)}")
    return everything[name]


def all_strategies() -> dict[str, Strategy]:
    """Every strategy of the package and of installed entry points, by name."""
    found: dict[str, Strategy] = {}
    package = importlib.import_module(PACKAGE)
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        _collect(_import(f"{PACKAGE}.{module.name}"), found)
    for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name):
        try:
            loaded = entry.load()
        except Exception as error:
            raise StrategyError(f"entry point {entry.name!r}: {type(error).__name__}: {error}") from error
        if not isinstance(loaded, Strategy):
            raise StrategyError(f"entry point {entry.name!r}: {loaded!r} is no strategy; use @strategy(…)")
        _add(loaded, found, f"entry point {entry.name!r}")
    return dict(sorted(found.items()))


def strategies_in(folder: Path) -> dict[str, Strategy]:
    """Every strategy of the modules in a folder, or in its folder ``strategies`` where it has one, by name."""
    found: dict[str, Strategy] = {}
    place = folder / PACKAGE if (folder / PACKAGE).is_dir() else folder
    for path in sorted(place.glob("*.py")):
        for item in _in_file(path).values():
            _add(item, found, str(path))
    return found


def _from_file(path: Path, chosen: str) -> Strategy:
    if not path.is_file():
        raise UnknownStrategy(f"strategy file {path}: no such file; give a path to a .py file with an @strategy in it")
    found = _in_file(path)
    if chosen:
        if chosen not in found:
            raise UnknownStrategy(f"{path}: no strategy {chosen!r}{did_you_mean(chosen, found)}")
        return found[chosen]
    if len(found) != 1:
        remedy = f"choose one with {path}:NAME" if found else "decorate its function with @strategy(…)"
        raise StrategyError(f"{path}: holds {len(found)} strategies ({', '.join(found) or 'none'}); {remedy}")
    return next(iter(found.values()))


def _in_file(path: Path) -> dict[str, Strategy]:
    name = f"_assay_strategy_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except AssayError:
        raise
    except Exception as error:
        line = _line_of(error, path)
        raise StrategyError(f"{path}{line}: does not import: {type(error).__name__}: {error}") from error
    found: dict[str, Strategy] = {}
    _collect(module, found)
    return found


def _collect(module: ModuleType, found: dict[str, Strategy]) -> None:
    for value in vars(module).values():
        if isinstance(value, Strategy) and value.signal.__module__ == module.__name__:
            _add(value, found, module.__name__)


def _add(strategy: Strategy, found: dict[str, Strategy], where: str) -> None:
    if found.get(strategy.name, strategy) is not strategy:
        raise StrategyError(f"{where}: a second strategy is called {strategy.name!r}; rename one")
    found[strategy.name] = strategy


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except AssayError:
        raise
    except Exception as error:
        raise StrategyError(f"{name}: does not import: {type(error).__name__}: {error}") from error


def _line_of(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError):
        return f":{error.lineno}"
    trace = error.__traceback__
    line = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f":{line}" if line else ""
