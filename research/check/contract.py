"""Is the signal a pure function of its panel? What else it touches, remembers or draws."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from research.check.causes import equal
from research.check.cuts import in_the_middle
from research.check.probes import Runner
from research.check.report import Violation
from research.check.state import State
from research.check.watch import Watch, another_clock
from research.check.world import World, lowered, raised, rewritten_whole, scrambled, years_later
from research.thesis import Strategy

_TOUCHED = {
    "file": ("data are read or written past the panel", "declare a dataset and read panel[id]"),
    "network": ("data are fetched while the signal runs", "fetch into a data pack first, then declare the dataset"),
    "process": ("another program is started", "compute the signal in Python from the panel"),
    "outside_data": (
        "the data store or a table kept in the module is used, which holds the future and every metal",
        "declare the dataset in `inputs` and read panel[id]",
    ),
    "environment": ("the machine's environment decides", "make it a parameter of the signal"),
    "introspection": ("the caller's memory is searched", "use only what the panel serves"),
}
_CLOCK_WORDS = {"now", "today"}
_CLOCK_READERS = {"Timestamp", "to_datetime", "datetime64"}


def touched(watch: Watch, metal: str) -> Iterator[Violation]:
    """Everything that the watch saw, one violation a kind."""
    for kind, things in watch.seen.items():
        cause, remedy = _TOUCHED[kind]
        names = list(things)
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield Violation(kind=kind, metal=metal, what=", ".join(names[:3]) + more, cause=cause, remedy=remedy)


def held(runner: Runner, metal: str) -> Iterator[Violation]:
    """Tables of data that the signal reaches without its panel."""
    names = list(dict.fromkeys(runner.state.data_held))
    if names:
        cause, remedy = _TOUCHED["outside_data"]
        yield Violation(kind="outside_data", metal=metal, what=", ".join(names[:3]), cause=cause, remedy=remedy)


def read_at_import(importing: Watch, runner: Runner, metal: str) -> Iterator[Violation]:
    """Files that the module read when it was imported, if the signal reaches something that could hold them."""
    holders = list(dict.fromkeys([*runner.state.collections_held, *runner.state.data_held]))
    if holders and importing.seen:
        cause, remedy = _TOUCHED["file"]
        things = ", ".join([name for names in importing.seen.values() for name in names][:3])
        what = f"{things}, when the module is imported; the signal uses {', '.join(holders[:3])}"
        yield Violation(kind="file", metal=metal, what=what, cause=cause, remedy=remedy)


def impurities(runner: Runner, world: World, base: np.ndarray, others: list[World]) -> Iterator[Violation]:
    """Run twice, out of order, with other seeds and under another clock: the weights must be the same.

    Parameters
    ----------
    others
        The other metals that the strategy trades.
    """
    metal = world.metal
    if runner.mutated:
        yield Violation(
            kind="mutation",
            metal=metal,
            what="the panel serves other values after the signal ran than before",
            cause="private tables of the panel are written to",
            remedy="work on the copies that the panel serves",
        )
    again = [_seeded(runner, world, seed) for seed in (1, 2)]
    if not all(same(base, weights) for weights in again):
        where = next(_where(world, base, weights) for weights in again if not same(base, weights))
        yield Violation(
            kind="randomness",
            metal=metal,
            what=f"two runs on the same panel differ{where}",
            cause="numbers are drawn without a fixed seed, or ids, hashes or threads decide",
            remedy="draw from numpy.random.default_rng(seed) with the seed as a parameter",
        )
        return
    runner.state.restore()
    with another_clock(runner.state.namespaces):
        later = runner.run(world, forget=False).weights
    if not same(base, later):
        yield _clock(metal, f"the weights are others ten years later{_where(world, base, later)}")
    elif runner.state.constants & _CLOCK_WORDS and runner.state.names & _CLOCK_READERS:
        yield _clock(metal, "the text 'now' or 'today' is turned into a time")
    yield from _memory(runner, world, base, others)


def hindsight(runner: Runner, world: World, base: np.ndarray) -> Iterator[Violation]:
    """Whether the dates of the moves are written in the rule.

    If no input matters, and 28 years later (when every date falls on the same weekday again) the same bars are
    decided otherwise, then the rule knows dates: no seasonal rule and no count of bars does.
    """
    filled = base[~np.isnan(base)]
    if np.count_nonzero(np.diff(filled)) < 3:
        return
    for rewrite in (scrambled, raised, lowered):
        if not same(base, runner.run(rewritten_whole(world, rewrite)).weights):
            return
    moved = runner.run(years_later(world)).weights
    if moved is not None and not same(base, moved):
        yield Violation(
            kind="hindsight",
            metal=world.metal,
            what=f"no input matters, but the year does{_where(world, base, moved)} when all dates move 28 years",
            cause="the dates of known tops and bottoms are written in the rule",
            remedy="decide from the declared inputs",
        )


def same(left: np.ndarray | None, right: np.ndarray | None) -> bool:
    """Whether two runs gave the same weights."""
    if left is None or right is None:
        return left is right
    return len(left) == len(right) and bool(equal(left, right).all())


def _memory(runner: Runner, world: World, base: np.ndarray, others: list[World]) -> Iterator[Violation]:
    """Whether a call leaves something behind that changes the next one."""
    calls: list[tuple[str, World, int | None, np.ndarray | None]] = [
        ("a first run", world, None, base),
        *((f"a run on {other.metal}", other, None, base) for other in others),
    ]
    lengths = [cut + 1 for cut in in_the_middle(world, 3)]
    calls += [("a run on the whole history", world, n_bars, runner.run(world, n_bars).weights) for n_bars in lengths]
    for what, earlier, n_bars, expected in calls:
        runner.run(earlier)
        after = runner.run(world, n_bars, forget=False).weights
        if expected is not None and not same(expected, after):
            yield _remembers(world.metal, f"the weights are others after {what}{_where(world, expected, after)}")
            return


def used_before(strategy: Strategy, runner: Runner, world: World, base: np.ndarray) -> Iterator[Violation]:
    """Whether the strategy as handed in, perhaps called before, decides otherwise than a new import of it."""
    as_given = replace(runner, strategy=strategy, state=State(None), cuts=set())
    weights = as_given.run(world).weights
    if not same(base, weights):
        yield _remembers(
            world.metal, f"earlier calls in this process changed the weights{_where(world, base, weights)}"
        )


def _seeded(runner: Runner, world: World, seed: int) -> np.ndarray | None:
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)
    try:
        return runner.run(world).weights
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)


def _clock(metal: str, what: str) -> Violation:
    return Violation(
        kind="clock",
        metal=metal,
        what=what,
        cause="the time of day at which the test is run decides",
        remedy="use panel.index or panel.decision_times, never the clock",
    )


def _remembers(metal: str, what: str) -> Violation:
    return Violation(
        kind="state",
        metal=metal,
        what=what,
        cause="a cache, a global, an attribute or a default argument survives between calls",
        remedy="compute everything from the panel at each call, or key the cache by all that it depends on",
    )


def _where(world: World, left: np.ndarray | None, right: np.ndarray | None) -> str:
    if left is None or right is None or len(left) != len(right):
        return ": one of them is no Series of weights"
    bar = int(np.argmax(~equal(left, right)))
    return f": {left[bar]:.4g} and {right[bar]:.4g} on {world.index[bar]:%Y-%m-%d}"
