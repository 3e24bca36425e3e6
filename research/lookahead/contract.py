"""Is the signal a pure function of its panel? What else it touches, remembers or draws."""

from __future__ import annotations

import ast
import os
import pickle
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from research.lookahead.history import History
from research.lookahead.importing import made_at_import
from research.lookahead.probes import in_the_middle
from research.lookahead.report import different
from research.lookahead.runner import Cell, Runner, equal, same
from research.lookahead.state import Reachable
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

Breach = tuple[str, str]  # of which kind, and what was seen


def touched(watch: Watch) -> Iterator[Breach]:
    """Everything that the watch saw, one breach a kind."""
    for kind, things in watch.seen.items():
        yield kind, _some(things)


def held_outside(runner: Runner, importing: Watch) -> Iterator[Breach]:
    """Tables of data, and values made from data at import, that the signal reaches without its panel."""
    if runner.state.data_held:
        yield "outside_data", _some(dict.fromkeys(runner.state.data_held))
    made = dict(made_at_import(runner.state, importing))
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
    """Whether the code of a signal makes a set or asks for a hash."""
    return bool(_HASHED & state.names) or any(isinstance(node, ast.Set | ast.SetComp) for node in _nodes(state))


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
