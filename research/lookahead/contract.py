"""Is the signal a pure function of its panel? What else it touches, remembers or draws."""

from __future__ import annotations

import ast
import os
import pickle
import random
import subprocess
import sys
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from research.lookahead.cuts import in_the_middle
from research.lookahead.history import History, begun_at
from research.lookahead.importing import made_at_import
from research.lookahead.report import USUAL, Violation, different
from research.lookahead.runner import Cell, Runner, equal, same
from research.lookahead.state import Reachable, same_random_state
from research.lookahead.watch import Watch, another_clock
from research.provenance import node_of
from research.thesis import Strategy

_HASHED = {"hash", "set", "frozenset", "__hash__"}
_CHILD = """
import pickle, sys
strategy, history, parameters = pickle.load(sys.stdin.buffer)
weights = strategy.decide(history.panel(), parameters).to_numpy(dtype="float64")
sys.stdout.buffer.write(b"weights:" + pickle.dumps(weights))
"""


def violation(kind: str, metal: str, what: str, remedy: str = "") -> Violation:
    """A breach of the contract with its usual cause and remedy."""
    usual = USUAL[kind]
    return Violation(kind=kind, metal=metal, what=what, cause=usual["cause"], remedy=remedy or usual["remedy"])


def touched(watch: Watch, metal: str) -> Iterator[Violation]:
    """Everything that the watch saw, one violation a kind."""
    for kind, things in watch.seen.items():
        yield violation(kind, metal, _some(things))


def held_outside(runner: Runner, importing: Watch, metal: str) -> Iterator[Violation]:
    """Tables of data, and values made from data at import, that the signal reaches without its panel."""
    if runner.state.data_held:
        yield violation("outside_data", metal, _some(dict.fromkeys(runner.state.data_held)))
    made = dict(made_at_import(runner.state, importing))
    if made:
        what = [f"{name}, made from data read at {place}" for name, place in made.items()]
        yield violation("import", metal, f"the signal uses {_some(what)}, when the module is imported")


def random_cell(
    runner: Runner, history: History, cells: Sequence[tuple[Mapping[str, object], np.ndarray]]
) -> str | None:
    """Where two runs on the same panel differ, if they do: nothing else can be said of such a signal."""
    for seed in (1, 2):
        with same_random_state():
            np.random.seed(seed)  # noqa: NPY002
            random.seed(seed)
            again = runner.run_all(history, [parameters for parameters, _ in cells])
        for (_, base), answer in zip(cells, again, strict=True):
            if not same(base, answer.weights):
                return f"two runs on the same panel differ{_where(history, base, answer.weights)}"
    return None


def impurities(runner: Runner, history: History, base: np.ndarray, others: Iterable[History]) -> Iterator[Violation]:
    """Run under another clock and out of order: the weights must be the same, and the panel what it was.

    Parameters
    ----------
    others
        The other metals that the strategy trades.
    """
    metal, panel, untouched = history.metal, history.panel(), history.panel()
    runner.state.restore()
    with another_clock(runner.state.namespaces):
        (later,) = runner.decide(panel, [runner.parameters])
    served = [(one.decision_times, *map(one.observations, history.tables)) for one in (panel, untouched)]
    if not all(after.equals(before) for after, before in zip(*served, strict=True)):
        yield violation("mutation", metal, "the panel serves other values after the signal ran than before")
    yield from _differ("clock", history, base, later.weights, "the weights are others ten years later")
    if any(_asks_for_now(function) for function in runner.state.functions):
        yield violation("clock", metal, "the text 'now' or 'today' is turned into a time")
    yield from islice(_memory(runner, history, base, others), 1)


def other_process(runner: Runner, history: History, base: np.ndarray) -> Iterator[Violation]:
    """Run in a process with another hash seed, if a hash or a set is in the code.

    What cannot be sent there is not judged.
    """
    if not hashes(runner.state):
        return
    try:
        question = pickle.dumps((runner.strategy, history, dict(runner.parameters)))
    except Exception:  # noqa: BLE001 - whatever an object may raise that cannot be pickled
        return
    paths = os.pathsep.join(path or os.curdir for path in sys.path)
    for seed in ("1", "2"):
        answer = subprocess.run(
            [sys.executable, "-c", _CHILD],
            input=question,
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths},
        )
        _, mark, result = answer.stdout.partition(b"weights:")
        weights = pickle.loads(result) if mark else None
        runner.elsewhere |= weights is not None
        if weights is not None and not same(base, weights):
            yield from _differ("hash_seed", history, base, weights, "another process with another hash seed differs")
            return


def hashes(state: Reachable) -> bool:
    """Whether the code of a signal makes a set or asks for a hash."""
    return bool(_HASHED & state.names) or any(
        isinstance(node, ast.Set | ast.SetComp) for function in state.functions for node in _nodes(function)
    )


def used_before(strategy: Strategy, runner: Runner, history: History, base: np.ndarray) -> Iterator[Violation]:
    """Whether the strategy as handed in, perhaps called before, decides otherwise than a new import of it."""
    weights = replace(runner, strategy=strategy, state=Reachable(None)).run(history).weights
    yield from _differ("state", history, base, weights, "earlier calls in this process changed the weights")


def warm_up(runner: Runner, history: History, cell: Cell) -> Iterator[str]:
    """A note where a longer history before the first bar changes the weights of the last year."""
    n_bars = len(cell.base)
    last = history.index >= history.index[-1] - np.timedelta64(365, "D")
    for start in (n_bars // 4, n_bars // 2):
        shorter = runner.run(begun_at(history, start)).weights
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


def _memory(runner: Runner, history: History, base: np.ndarray, others: Iterable[History]) -> Iterator[Violation]:
    """Whether a call leaves something behind that changes the next one."""
    calls: list[tuple[str, History, int | None]] = [("a first run", history, None)]
    calls += [(f"a run on {other.metal}", other, None) for other in others]
    calls += [("a run on the whole history", history, cut + 1) for cut in in_the_middle(history, 2)]
    for what, earlier, n_bars in calls:
        expected = base if n_bars is None else runner.run(history, n_bars).weights
        runner.run(earlier)
        after = runner.run(history, n_bars, forget=False).weights
        if expected is not None:
            yield from _differ("state", history, expected, after, f"the weights are others after {what}")


def _asks_for_now(function: types.FunctionType) -> bool:
    """Whether the text of a function turns 'now' or 'today' into a time: compiled code that no other clock reaches."""
    for node in _nodes(function):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if node.args[0].value in ("now", "today") and name in ("Timestamp", "to_datetime", "datetime64"):
                return True
    return False


def _nodes(function: types.FunctionType) -> Iterator[ast.AST]:
    """What the text of a function is made of, where it is to be had."""
    node = node_of(function)
    return iter(()) if node is None else ast.walk(node)


def _some(things: Iterable[str]) -> str:
    names = list(things)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _differ(
    kind: str, history: History, base: np.ndarray | None, other: np.ndarray | None, what: str
) -> Iterator[Violation]:
    if not same(base, other):
        yield violation(kind, history.metal, what + _where(history, base, other))


def _where(history: History, left: np.ndarray | None, right: np.ndarray | None) -> str:
    if left is None or right is None or len(left) != len(right):
        return ": one of them is no Series of weights"
    bar = int(np.argmax(~equal(left, right)))
    one, two = different(float(left[bar]), float(right[bar]))
    return f": {one} and {two} on {history.index[bar]:%Y-%m-%d}"
