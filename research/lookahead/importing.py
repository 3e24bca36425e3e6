"""Values that a module made from data when it was imported, and that its signal uses: fitted on all years.

Which lines read data is seen while the module runs, and read off its text where it cannot be run once more (a notebook
cell, a function in a function). From those lines the values are followed through the names that they are given.
"""

from __future__ import annotations

import ast
import dis
import inspect
import sys
import types
from collections.abc import Iterator
from pathlib import Path

from research.lookahead.state import Reachable
from research.lookahead.watch import WATCHED, Watch
from research.provenance import nested

_READERS, _OF_MODULES = set(WATCHED["readers"]["functions"]), set(WATCHED["readers"]["of_modules"])
_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def made_at_import(reachable: Reachable, importing: Watch) -> Iterator[tuple[str, str]]:
    """Pairs of (name that the signal uses, where its data were read)."""
    exported: dict[str, dict[str, int]] = {}
    texts: dict[str, tuple[ast.Module, set[int]]] = {}
    for module in _modules(reachable):
        tree = _source(module)
        if tree is not None:
            seen = importing.lines.get(getattr(module, "__file__", None) or "")
            texts[module.__name__] = tree, _lines_that_read(tree) if seen is None else seen
            exported[module.__name__] = _follow(*texts[module.__name__], exported)
    for function in reachable.functions:
        home = function.__module__ or ""
        made = exported.get(home, {})
        if home in texts and function.__code__.co_freevars:
            made = _follow(*texts[home], exported, function.__code__.co_firstlineno)
        used = {
            instruction.argval: None
            for code in nested(function.__code__)
            for instruction in dis.get_instructions(code)
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF")
        }
        if function.__defaults__ or function.__kwdefaults__:
            used[f"{function.__name__}()"] = None
        for word in used:
            if word in made and not isinstance(function.__globals__.get(word), types.ModuleType):
                yield word, f"{Path(function.__code__.co_filename).name}:{made[word]}"


def _modules(reachable: Reachable) -> list[types.ModuleType]:
    """The modules in which the signal's code is written, helpers first, so that what they export is known."""
    names = dict.fromkeys(function.__module__ for function in reversed(reachable.functions) if function.__module__)
    return [sys.modules[name] for name in names if name in sys.modules]


def _source(module: types.ModuleType) -> ast.Module | None:
    try:
        if module.__name__ == "__main__" and isinstance(getattr(module, "In", None), list):  # a notebook's cells
            cells = ["\n".join(line for line in cell.split("\n") if line[:1] not in "%!?") for cell in module.In]
            return ast.parse("\n".join(cells))
        return ast.parse(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):
        return None


def _lines_that_read(tree: ast.Module) -> set[int]:
    """Lines of the calls that read data, by themselves or by a function that does, in a text that was not seen run."""
    readers = {node.name for node in ast.walk(tree) if isinstance(node, _FUNCTION) and any(map(_reads, ast.walk(node)))}
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {call.lineno for call in calls if _reads(call) or getattr(call.func, "id", "") in readers}


def _follow(tree: ast.Module, lines: set[int], others: dict[str, dict[str, int]], inside: int = 0) -> dict[str, int]:
    """Name -> line at which data that it was made from were read; ``f()`` stands for the defaults of ``f``.

    Parameters
    ----------
    lines
        Lines that were at work when data were read.
    inside
        A line: what the functions around it do is followed too.
    """
    tainted: dict[str, int] = {}

    def origin(parts: list[ast.AST]) -> int | None:
        for node in (node for part in parts for node in ast.walk(part)):
            first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
            if any(first <= line <= last for line in lines):
                return first
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in tainted:
                return tainted[node.id]
        return None

    for _ in range(2):  # a loop may use at its top what its end has made
        for statement in _statements(tree, inside):
            parts = [child for child in ast.iter_child_nodes(statement) if not isinstance(child, ast.stmt)]
            names = list(_targets(parts, by_calls=isinstance(statement, ast.Expr)))
            if isinstance(statement, ast.ImportFrom):
                known = others.get(statement.module or "", {})
                tainted |= {a.asname or a.name: statement.lineno for a in statement.names if a.name in known}
            elif isinstance(statement, _FUNCTION):
                names, parts = [f"{statement.name}()"], [statement.args]
            elif isinstance(statement, ast.ClassDef):
                names, parts = [statement.name], [part for part in statement.body if not isinstance(part, _FUNCTION)]
            if (made := origin(parts)) is not None:
                tainted |= dict.fromkeys(names, made)
    return tainted


def _statements(tree: ast.Module, inside: int) -> Iterator[ast.stmt]:
    """Statements in order, those in branches and in the functions around a line too."""
    waiting: list[ast.stmt] = list(reversed(tree.body))
    while waiting:
        statement = waiting.pop()
        yield statement
        around = statement.lineno < inside <= (statement.end_lineno or 0)
        if around or not isinstance(statement, (*_FUNCTION, ast.ClassDef)):
            inner = [child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.stmt)]
            waiting.extend(reversed(inner))


def _targets(parts: list[ast.AST], *, by_calls: bool) -> Iterator[str]:
    """Names that get a value, or, ``by_calls``, whose object a method is called of (``scaler.fit(x)``)."""
    for node in (node for part in parts for node in ast.walk(part)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            yield from (n.id for n in ast.walk(node.value) if isinstance(n, ast.Name))
        elif by_calls and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield from (n.id for n in ast.walk(node.func.value) if isinstance(n, ast.Name))


def _reads(call: ast.AST) -> bool:
    """Whether a call reads data otherwise than from a panel."""
    function = getattr(call, "func", None)
    if isinstance(function, ast.Attribute):
        owner = function.value.id if isinstance(function.value, ast.Name) else ""
        return (function.attr in _READERS and owner != "panel") or f"{owner}.{function.attr}" in _OF_MODULES
    return isinstance(function, ast.Name) and function.id in _READERS
