"""Is the signal a pure function of its panel? What else it touches, remembers or draws.

The last part follows values that a module made from data when it was imported: fitted on all years. Which lines read
data is seen while the module runs, and read off its text where it cannot be run once more (a notebook cell, a function
in a function). From those lines the values are followed through the names that they are given.
"""

from __future__ import annotations

import ast
import dis
import inspect
import os
import pickle
import random
import subprocess
import sys
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from research.lookahead.history import History
from research.lookahead.probes import in_the_middle
from research.lookahead.report import different
from research.lookahead.runner import Cell, Reachable, Runner, equal, same
from research.lookahead.watch import WATCHED, Watch, another_clock
from research.provenance import nested, node_of
from research.thesis import Strategy

_READERS, _OF_MODULES = set(WATCHED["readers"]["functions"]), set(WATCHED["readers"]["of_modules"])
_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
_HASHED = {"hash", "set", "frozenset", "__hash__"}
_CHILD = """
import pickle, sys
strategy, history, parameters = pickle.load(sys.stdin.buffer)
weights = strategy.decide(history.panel(), parameters).to_numpy(dtype="float64")
sys.stdout.buffer.write(b"weights:" + pickle.dumps(weights))
"""

Breach = tuple[str, str]  # of which kind, and what was seen


def touched(watch: Watch) -> Iterator[Breach]:
    """Everything that the watch saw, one breach a kind."""
    for kind, things in watch.seen.items():
        yield kind, _some(things)


def held_outside(runner: Runner, importing: Watch) -> Iterator[Breach]:
    """Tables of data, and values made from data at import, that the signal reaches without its panel."""
    if runner.state.data_held:
        yield "outside_data", _some(dict.fromkeys(runner.state.data_held))
    made = dict(_made_at_import(runner.state, importing))
    if made:
        what = [f"{name}, made from data read at {place}" for name, place in made.items()]
        yield "import", f"the signal uses {_some(what)}, when the module is imported"


def random_cell(
    runner: Runner, history: History, cells: Sequence[tuple[Mapping[str, object], np.ndarray]]
) -> Iterator[Breach]:
    """Where two runs on the same panel differ, if they do: nothing else can be said of such a signal."""
    for seed in (1, 2):
        runner.state.restore()
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        again = runner.run_all(history, [parameters for parameters, _ in cells], forget=False)
        for (_, base), answer in zip(cells, again, strict=True):
            yield from _differ("randomness", history, base, answer.weights, "two runs on the same panel differ")


def impurities(runner: Runner, history: History, base: np.ndarray, others: Iterable[History]) -> Iterator[Breach]:
    """Run under another clock and out of order: the weights must be the same, and the panel what it was.

    Parameters
    ----------
    others
        The other metals that the strategy trades.
    """
    panel, untouched = history.panel(), history.panel()
    runner.state.restore()
    with another_clock(runner.state.namespaces):
        (later,) = runner.decide(panel, [runner.parameters])
    served = [(one.decision_times, *map(one.observations, history.tables)) for one in (panel, untouched)]
    if not all(after.equals(before) for after, before in zip(*served, strict=True)):
        yield "mutation", "the panel serves other values after the signal ran than before"
    yield from _differ("clock", history, base, later.weights, "the weights are others ten years later")
    if any(map(_asks_for_now, _nodes(runner.state))):
        yield "clock", "the text 'now' or 'today' is turned into a time"
    yield from islice(_memory(runner, history, base, others), 1)


def other_process(runner: Runner, history: History, base: np.ndarray) -> Iterator[Breach]:
    """Run in a process with another hash seed, if a hash or a set is in the code.

    What cannot be sent there is not judged.
    """
    if not hashes(runner.state):
        return
    try:
        question = pickle.dumps((runner.strategy, history, dict(runner.parameters)))
    except Exception:  # noqa: BLE001 - whatever an object may raise that cannot be pickled
        return
    for seed in ("1", "2"):
        paths = os.pathsep.join(path or os.curdir for path in sys.path)
        terms = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths}
        answer = subprocess.run(
            [sys.executable, "-c", _CHILD], input=question, capture_output=True, check=False, env=terms
        )
        _, mark, result = answer.stdout.partition(b"weights:")
        if mark:
            runner.elsewhere = True
            weights = pickle.loads(result)
            yield from _differ("hash_seed", history, base, weights, "another process with another hash seed differs")


def hashes(state: Reachable) -> bool:
    """Whether the text of a signal makes a set or asks for a hash."""
    return any(
        isinstance(node, ast.Set | ast.SetComp) or getattr(node, "id", getattr(node, "attr", "")) in _HASHED
        for node in _nodes(state)
    )


def used_before(strategy: Strategy, runner: Runner, history: History, base: np.ndarray) -> Iterator[Breach]:
    """Whether the strategy as handed in, perhaps called before, decides otherwise than a new import of it."""
    weights = replace(runner, strategy=strategy, state=Reachable(None)).run(history).weights
    yield from _differ("state", history, base, weights, "earlier calls in this process changed the weights")


def warm_up(runner: Runner, history: History, cell: Cell) -> Iterator[str]:
    """A note where a longer history before the first bar changes the weights of the last year."""
    n_bars = len(cell.base)
    last = history.index >= history.index[-1] - np.timedelta64(365, "D")
    for start in (n_bars // 4, n_bars // 2):
        shorter = runner.run(replace(history, decisions=history.decisions.iloc[start:])).weights
        if shorter is None or len(shorter) <= last.sum():
            continue
        tail, other = cell.base[last], shorter[-int(last.sum()) :]
        moved = np.flatnonzero(~equal(tail, other) & cell.stable[last])
        if len(moved):
            one, two = different(float(tail[moved[-1]]), float(other[moved[-1]]))
            yield (
                f"{history.metal}: warm-up: {len(moved)} of the last year's {last.sum()} weights hang on the first "
                f"bar: begun in {history.index[start]:%Y-%m} and not {history.index[0]:%Y-%m}, "
                f"that of {history.index[last][moved[-1]]:%Y-%m-%d} is {two} and not {one}"
            )
            return


def _memory(runner: Runner, history: History, base: np.ndarray, others: Iterable[History]) -> Iterator[Breach]:
    """Whether a call leaves something behind that changes the next ones, on the whole history or on less of it."""
    shorter = [cut + 1 for cut in in_the_middle(history, 2)]
    expected = [(None, base), *((n_bars, runner.run(history, n_bars).weights) for n_bars in shorter)]
    for earlier in (history, *others):
        runner.run(earlier)
        for n_bars, weights in expected:
            after = runner.run(history, n_bars, forget=False).weights
            if weights is not None:
                what = f"the weights are others after a run on the whole history of {earlier.metal}"
                yield from _differ("state", history, weights, after, what)


def _asks_for_now(node: ast.AST) -> bool:
    """Whether a call turns 'now' or 'today' into a time: compiled code that no other clock reaches."""
    if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
        return False
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    return node.args[0].value in ("now", "today") and name in ("Timestamp", "to_datetime", "datetime64")


def _nodes(state: Reachable) -> Iterator[ast.AST]:
    """What the text of the author's functions is made of, where it is to be had."""
    for function in state.functions:
        if (node := node_of(function)) is not None:
            yield from ast.walk(node)


def _some(things: Iterable[str]) -> str:
    names = list(things)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _differ(
    kind: str, history: History, left: np.ndarray | None, right: np.ndarray | None, what: str
) -> Iterator[Breach]:
    """What differs between two runs that should give the same weights, and where."""
    if same(left, right):
        return
    if left is None or right is None or len(left) != len(right):
        yield kind, f"{what}: one of them is no Series of weights"
        return
    bar = int(np.argmax(~equal(left, right)))
    one, two = different(float(left[bar]), float(right[bar]))
    yield kind, f"{what}: {one} and {two} on {history.index[bar]:%Y-%m-%d}"


def _made_at_import(reachable: Reachable, importing: Watch) -> Iterator[tuple[str, str]]:
    """Pairs of (name that the signal uses, where its data were read)."""
    exported: dict[str, dict[str, int]] = {}
    texts: dict[str, tuple[ast.Module, set[int]]] = {}
    names = dict.fromkeys(function.__module__ for function in reversed(reachable.functions))
    for module in (sys.modules[name] for name in names if name in sys.modules):  # helpers first: what they export
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
