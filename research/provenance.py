"""Hashes and versions: what made a number, each told in one way.

The identity of a strategy is one hash of what it computes, the same in a module, a file and a notebook cell. Into it go

- the syntax tree of the signal, without comments, docstrings and annotations, its local names replaced by their order
  of appearance; attributes, the names of globals, and constants as they are written;
- its default values, and what its free names stand for: values by content, functions and classes of the user's own by
  this same rule, of a module only what the code names, a library's things by their full name;
- the declared inputs, which decide what the panel serves.

Not in it are the strategy's name, its claim and its grid. A container that the code itself fills (a cache) counts as
empty, so that running a strategy does not change what it is.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import dis
import functools
import hashlib
import linecache
import os
import sys
import sysconfig
import types
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import pandas as pd

    from research.thesis import Strategy

PACKAGES = ("numpy", "pandas", "vectorbt", "statsmodels", "scipy")

_PACKAGE = Path(__file__).resolve().parent
_PATHS = sysconfig.get_paths()
LIBRARIES = tuple(
    {str(Path(_PATHS[name]).resolve()) for name in ("stdlib", "platstdlib", "purelib", "platlib") if name in _PATHS}
    | {str(Path(entry).resolve()) for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")}
)
"""Folders whose modules are nobody's own work."""


def identity(strategy: Strategy) -> str:
    """SHA-256, in hex, of what a strategy computes: see the top of this module.

    It is computed anew each time, since a notebook may have given a global another value; what a piece of code says is
    read once.
    """
    declared = (sorted(strategy.inputs.items()), sorted(strategy.optional), sorted(strategy.vectorised))
    filled: dict[int, set[str]] = {}
    whole = _Description(strategy.signal, filled).whole
    if any(filled.values()):  # what one function fills another may have read before that was known
        whole = _Description(strategy.signal, filled).whole
    return hash_text(repr((declared, whole)))


def hash_bytes(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def hash_text(text: str) -> str:
    """SHA-256 of a text as UTF-8."""
    return hash_bytes(text.encode("utf-8", "surrogatepass"))


def hash_table(table: pd.DataFrame) -> str:
    """SHA-256 of a table's rows, index and names of columns."""
    import pandas as pd

    rows = pd.util.hash_pandas_object(table, index=True).to_numpy()
    return hash_bytes(repr(list(table.columns)).encode() + rows.tobytes())


@functools.cache
def hash_code(*parts: str) -> str:
    """SHA-256 of modules of this package by path below it: files or folders, by default all."""
    digest = hashlib.sha256()
    for part in parts or (".",):
        path = _PACKAGE / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.relative_to(_PACKAGE).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Of assay, of Python, and of the packages that compute."""
    python = ".".join(map(str, sys.version_info[:3]))
    return {"assay": _version("assay"), "python": python, **{name: _version(name) for name in PACKAGES}}


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold every BLAS that is loaded to one thread in this block: a sum split over threads rounds differently."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield


@functools.cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def is_own(module: str, file: str | None, home: str) -> bool:
    """Whether a module is its user's own work, and no library.

    Parameters
    ----------
    home
        First part of the name of the module that asks: a package is no library to itself, wherever it is installed.
    """
    root = module.partition(".")[0]
    if root in ("__main__", home):
        return True
    if root in ("", "builtins", "research") or root in sys.stdlib_module_names:
        return False
    return file is None or not str(Path(file).resolve()).startswith(LIBRARIES)


def by_value(values: object, function: object) -> bytes:
    """Pickle something with the code of a function's own package and of its neighbours in the folder inside."""
    import cloudpickle

    folder = Path(getattr(function, "__globals__", {}).get("__file__", "/")).parent
    root = (getattr(function, "__module__", None) or "").partition(".")[0]
    known = cloudpickle.list_registry_pickle_by_value()
    inside = [
        module
        for name, module in list(sys.modules.items())
        if name not in known and name != "__main__" and isinstance(module, types.ModuleType)
        if name == root or str(folder) == os.path.dirname(getattr(module, "__file__", None) or "")
    ]
    for module in inside:
        cloudpickle.register_pickle_by_value(module)
    try:
        content: bytes = cloudpickle.dumps(values)
        return content
    finally:
        for module in inside:
            cloudpickle.unregister_pickle_by_value(module)


class _Description:
    """What a function computes, as nested tuples of text; ``whole`` is all of it."""

    def __init__(self, signal: object, filled: dict[int, set[str]]) -> None:
        self._filled = filled  # names that code writes into, by the identity of their namespace
        self._home = (getattr(signal, "__module__", None) or "").partition(".")[0]
        self._signals = {id(signal)}
        self._under_way: list[int] = []
        self._done: dict[int, tuple[object, object]] = {}  # the value is kept, so that its id stays its own
        self.whole = self._of(signal)

    def _of(self, value: object, names: frozenset[str] = frozenset()) -> object:
        """``names`` are those by which the code could reach into a module."""
        if value is None or isinstance(value, bool | int | float | complex | str | bytes | types.EllipsisType):
            return (type(value).__name__, repr(value))
        if isinstance(value, types.ModuleType):
            return self._module(value, names)
        if id(value) in self._under_way:
            return ("again", len(self._under_way) - self._under_way.index(id(value)))
        if id(value) not in self._done:
            self._under_way.append(id(value))
            description = self._new(value)
            self._under_way.pop()
            self._done[id(value)] = (value, description)
        return self._done[id(value)][1]

    def _new(self, value: Any) -> object:
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, types.MethodType):
            return ("method", self._of(value.__func__), self._of(value.__self__))
        if isinstance(value, property):
            return ("property", self._of(value.fget), self._of(value.fset), self._of(value.fdel))
        if type(value).__name__ == "Strategy" and type(value).__module__ == "research.thesis":
            self._signals.add(id(value.signal))
            declared = (dict(value.inputs), value.metals, value.optional, value.vectorised)
            return ("strategy", self._of(declared), self._of(value.signal))
        if type(value) in (dict, types.MappingProxyType):
            return (type(value).__name__, *((self._of(key), self._of(item)) for key, item in value.items()))
        if type(value) in (list, tuple, set, frozenset):
            items = map(self._of, value)
            return (type(value).__name__, *(items if isinstance(value, list | tuple) else sorted(items, key=repr)))
        if hasattr(value, "__wrapped__"):  # a static or class method, or a cache of results around a function
            return (type(value).__name__, self._of(value.__wrapped__))
        return _table(value) or self._object(value)

    def _object(self, value: object) -> object:
        """Any other object by what pickle would rebuild it from, else by its attributes."""
        try:
            parts = value.__reduce_ex__(4)
        except Exception:  # noqa: BLE001 - whatever an object may raise that cannot be pickled
            return ("object", self._of(type(value)), self._of(getattr(value, "__dict__", {})))
        if isinstance(parts, str):
            return ("named", getattr(value, "__module__", None) or type(value).__module__, parts)
        made = [list(part) if isinstance(part, Iterator) else part for part in parts]
        return ("object", self._of(type(value)), *map(self._of, made))

    def _module(self, module: types.ModuleType, names: frozenset[str]) -> object:
        if not is_own(module.__name__, getattr(module, "__file__", None), self._home):
            return ("module", module.__name__)
        key = id(module)
        if key in self._under_way:
            return ("again", "module")
        self._under_way.append(key)
        found = [(name, self._of(vars(module)[name], names)) for name in sorted(names & set(vars(module)))]
        self._under_way.pop()
        return ("own module", *found)

    def _class(self, kind: type) -> object:
        if not is_own(kind.__module__, getattr(sys.modules.get(kind.__module__), "__file__", None), self._home):
            return ("class", kind.__module__, kind.__qualname__)
        members = sorted((name, item) for name, item in vars(kind).items() if name not in _INCIDENTAL)
        return ("class", tuple(map(self._of, kind.__bases__)), *((name, self._of(item)) for name, item in members))

    def _function(self, function: types.FunctionType) -> object:
        space = function.__globals__
        if not is_own(function.__module__ or "", space.get("__file__"), self._home):
            return ("function", function.__module__, function.__qualname__)
        code, node = function.__code__, node_of(function)
        names = frozenset(_names(code))
        filled = frozenset() if node is None else _filled(node)
        self._filled.setdefault(id(space), set()).update(filled & _globals(code))
        filled |= self._filled[id(space)] - set(code.co_varnames)
        positional = code.co_varnames[: code.co_argcount]
        used = {name: space.get(name, f"builtin {hasattr(builtins, name)}") for name in sorted(_globals(code))}
        used |= dict(zip(code.co_freevars, map(_contents, function.__closure__ or ()), strict=True))
        used |= dict(zip(reversed(positional), reversed(function.__defaults__ or ()), strict=False))
        used |= function.__kwdefaults__ or {}
        told = [
            (name, "filled by the code" if name in filled and not isinstance(value, _CODE) else self._of(value, names))
            for name, value in used.items()
        ]
        text = _normal(code, node, id(function) in self._signals) if node else self._bytecode(code)
        return ("def", text, *told)

    def _bytecode(self, code: types.CodeType) -> object:
        """What stands for the syntax tree where the source is not to be had."""
        parts = [
            (part, [item for item in part.co_consts if not isinstance(item, types.CodeType)]) for part in nested(code)
        ]
        return [(part.co_code.hex(), part.co_names, self._of(constants)) for part, constants in parts]


_INCIDENTAL = frozenset(
    {"__dict__", "__weakref__", "__module__", "__doc__", "__qualname__", "__annotations__", "__annotate_func__",
     "__firstlineno__", "__static_attributes__", "__abstractmethods__", "_abc_impl", "__orig_bases__"}
)  # fmt: skip
_CODE = types.FunctionType, types.ModuleType, type
_FILLING = frozenset({"append", "extend", "insert", "add", "update", "setdefault", "pop", "popitem", "clear", "remove"})


def _contents(cell: types.CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # a name of the enclosing function that has no value yet
        return "undefined"


def _table(value: Any) -> object:
    """Arrays, series, tables and indexes by content; ``None`` for anything else."""
    root = type(value).__module__.partition(".")[0]
    if root == "numpy" and hasattr(value, "tobytes") and not value.dtype.hasobject:
        return (type(value).__name__, value.dtype.str, repr(value.shape), hash_bytes(value.tobytes()))
    table = value.to_frame() if hasattr(value, "to_frame") else value
    if root == "pandas" and hasattr(table, "columns"):
        try:
            return (type(value).__name__, table.dtypes.astype(str).tolist(), repr(table.index.names), hash_table(table))
        except TypeError:  # of objects that have no hash
            return None
    return None


def nested(code: types.CodeType) -> Iterator[types.CodeType]:
    """A piece of code and all that is defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from nested(constant)


@functools.lru_cache(maxsize=1024)
def _globals(code: types.CodeType) -> frozenset[str]:
    loads = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
    return frozenset(
        str(step.argval) for part in nested(code) for step in dis.get_instructions(part) if step.opname in loads
    )


def _names(code: types.CodeType) -> Iterator[str]:
    """Attributes, globals and texts: whatever code could reach something by."""
    for part in nested(code):
        yield from part.co_names
        yield from (constant for constant in part.co_consts if isinstance(constant, str))


@functools.lru_cache(maxsize=1024)
def _filled(node: ast.AST) -> frozenset[str]:
    """Names of what the code itself writes into, at any depth."""
    names: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Global | ast.Nonlocal):
            names |= set(part.names)
        called = part.func if isinstance(part, ast.Call) else None
        filled = isinstance(called, ast.Attribute) and called.attr in _FILLING
        written = isinstance(part, ast.Subscript | ast.Attribute) and not isinstance(part.ctx, ast.Load)
        place = called if filled else part if written else None
        while isinstance(place, ast.Subscript | ast.Attribute):
            place = place.value
        if isinstance(place, ast.Name):
            names.add(place.id)
    return frozenset(names)


def node_of(function: types.FunctionType) -> _Node | None:
    """The syntax tree of a function, if the source at hand is that of the code that runs."""
    code = function.__code__
    for look_again in (False, True):
        if look_again:
            linecache.checkcache(code.co_filename)
        text = "".join(linecache.getlines(code.co_filename, function.__globals__))
        future = code.co_flags & __future__.annotations.compiler_flag  # of an earlier cell
        if found := _trees(text, future).get(code):
            return found
    return None


_Node: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@functools.lru_cache(maxsize=64)
def _trees(text: str, flags: int) -> dict[types.CodeType, _Node]:
    """Every function and lambda in a source by its code; of several lambdas in one line none."""
    flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # a notebook cell may
    try:
        tree = compile(text, "source", "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True)
        whole = compile(text, "source", "exec", flags, dont_inherit=True)
    except (SyntaxError, ValueError):
        return {}
    nodes: dict[tuple[str, int], list[_Node]] = defaultdict(list)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            first = min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", ()))])
            nodes[getattr(node, "name", "<lambda>"), first].append(node)
    here = {code: nodes[code.co_name, code.co_firstlineno] for code in nested(whole)}
    return {code: found[0] for code, found in here.items() if len(found) == 1}


class _Normal:
    """The tree of a function as text that neither layout, remarks nor local names can change.

    The names of parameters stay, since a caller may use them; but for the signal's first, which is the panel, and
    those of a lambda, unless something in the function is called by that name.
    """

    def __init__(self, code: types.CodeType, node: _Node, *, signal: bool) -> None:
        kept = set(code.co_freevars) | _globals(code)
        for part in ast.walk(node):
            if isinstance(part, ast.keyword):
                kept.add(str(part.arg))
            elif isinstance(part, ast.alias):
                kept.add(part.name.partition(".")[0])
            elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                arguments = [*part.args.args, *part.args.kwonlyargs]
                kept |= {item.arg for item in (arguments[1:] if signal and part is node else arguments)}
        self._local = {name for part in nested(code) for name in (*part.co_varnames, *part.co_cellvars)} - kept
        self._numbers: dict[str, int] = {}
        body = node.body if isinstance(node.body, list) else [node.body]
        parameters = [self._of(getattr(node.args, kind)) for kind in _PARAMETERS]
        self.text = repr((type(node).__name__, parameters, self._of(body)))

    def _of(self, part: object) -> object:
        if isinstance(part, list):
            return [self._of(item) for item in part if not _is_remark(item)]
        if isinstance(part, ast.Constant):
            return (type(part.value).__name__, repr(part.value))
        if isinstance(part, ast.AnnAssign):
            return ("Assign", ("targets", [self._of(part.target)]), ("value", self._of(part.value)))
        if isinstance(part, str):
            return self._numbers.setdefault(part, len(self._numbers)) if part in self._local else part
        if not isinstance(part, ast.AST):
            return part
        items = ((field, getattr(part, field, None)) for field in part._fields if field not in _UNIMPORTANT)
        told = (
            (field, item if field in _VERBATIM else self._of(item)) for field, item in items if item not in (None, [])
        )
        return (type(part).__name__, *told)


@functools.lru_cache(maxsize=1024)
def _normal(code: types.CodeType, node: _Node, signal: bool) -> str:
    return _Normal(code, node, signal=signal).text


_VERBATIM = frozenset({"attr", "kwd_attrs", "module"})  # names of what belongs to something else
_PARAMETERS = ("posonlyargs", "args", "vararg", "kwonlyargs", "kwarg")
_UNIMPORTANT = frozenset({"ctx", "annotation", "returns", "type_comment", "type_params", "kind", "simple"})


def _is_remark(part: object) -> bool:
    """A docstring, a bare constant, ``pass``, or an annotation without a value: nothing that computes."""
    if isinstance(part, ast.AnnAssign):
        return part.value is None
    return isinstance(part, ast.Pass) or (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
