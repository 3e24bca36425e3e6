"""From sightings to one leak: the input and the observation that it learned from, and what usually makes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import numpy as np
import pandas as pd

from research.lookahead.history import Future, History, delayed, rewritten, value_columns
from research.lookahead.probes import REWRITES, Sighting
from research.lookahead.report import CALENDAR, Leak, LeakKind
from research.lookahead.runner import Runner, equal, moves

_FAR = 0.2  # of the history: what reaches further than this is no window

USUAL: dict[LeakKind, tuple[str, str]] = {
    "end of sample": (
        "the end or the length of the sample decides (len(panel.index), a ramp to the last bar, a permutation)",
        "let each bar use only bars at or before it",
    ),
    "newest vintage": (
        "the newest vintage of a period replaces the one that was known then",
        "use panel.native or panel.each_release, which keep every vintage at its own known_at",
    ),
    "filled hole": (
        "a hole is filled from its far side: bfill, interpolate, or a nearest match",
        "carry the last known value forward (ffill), or leave the hole NaN",
    ),
    "whole sample": (
        "one number from the whole sample (mean, deviation, quantile, maximum, count, fit) is applied to its own past",
        "use an expanding or trailing window, or refit at each bar on what was known there",
    ),
    "period dates": (
        "values are dated by the period that they describe (observed_for) and not by known_at",
        "use panel[id], panel.native with panel.asof, or panel.each_release",
    ),
    "next bar": (
        "the value of the next bar is used (shift(-1), pct_change(-1), a label as a feature)",
        "shift forward, never back; the engine already fills a decision later",
    ),
    "period start": (
        "a value of a whole week, month, quarter or year is placed at its beginning (resample, groupby.transform)",
        "label a period by its end and use it after that",
    ),
    "later bars": (
        "later bars are used: a centred window, a negative shift, a match forward, or smoothing both ways",
        "use trailing windows and one-sided (filtered) estimates",
    ),
}


class _Row(NamedTuple):
    known_at: pd.Timestamp
    period: pd.Timestamp
    value: float
    revision: bool


def explain(runner: Runner, sightings: Sequence[Sighting], n_cells: int) -> list[Leak]:
    """One leak: of what the true history shows, or else of what only a strange one does, the largest move.

    Parameters
    ----------
    n_cells
        Points of the grid that were looked at.
    """
    strange = ("gap", "delay", "scale")
    groups = [
        [s for s in sightings if s.probe in ("truncation", "perturbation") and not s.only_calendar],
        [s for s in sightings if s.probe == "vintage"],
        [s for s in sightings if s.only_calendar],
        *([s for s in sightings if s.probe == probe] for probe in strange),
    ]
    told = next(group for group in groups if group)
    shown = min(s.cell.number for s in told)
    alike = [s for s in told if s.cell.number == shown]
    leaking = {s.cell.number for s in sightings}
    middle = len(alike[0].base_history.index) // 2  # where there is as much to learn from as to spoil
    return [_leak(runner, max(alike, key=lambda s: (s.size, -abs(s.cut - middle))), alike, len(leaking), n_cells)]


def _leak(runner: Runner, sighting: Sighting, alike: list[Sighting], n_leaking: int, n_cells: int) -> Leak:
    history, cut = sighting.base_history, sighting.cut
    culprit = None if sighting.only_calendar else _culprit(runner, sighting)
    row, nearest, reach = _source(runner, sighting, culprit) if culprit else (None, None, 0)
    altered = sighting.altered if nearest is None else nearest
    bars = _moved(sighting, altered)
    sizes = moves(sighting.base[bars], altered[bars])
    clearest = bars[np.flatnonzero(sizes == sizes.max())]
    bar = int(bars[0] if sighting.probe == "delay" else clearest[-1])
    kind = _kind(runner, sighting, alike, culprit, row, reach, bar)
    cause, remedy = USUAL[kind]
    return Leak(
        kind=kind,
        probe=sighting.probe,
        metal=history.metal,
        parameters=dict(sighting.cell.parameters),
        input=culprit or (CALENDAR if sighting.only_calendar else ", ".join(sorted(history.tables))),
        moved=pd.Timestamp(history.index[bar]),
        knowing=float(sighting.base[bar]),
        unknowing=float(altered[bar]),
        largest=float(moves(sighting.base[sighting.moved], sighting.altered[sighting.moved]).max()),
        n_moved=len(sighting.moved),
        cut=pd.Timestamp(history.index[cut]),
        learned_from=None if row is None else row.known_at,
        period=None if row is None else row.period,
        value=None if row is None else row.value,
        n_cuts=len({s.cut for s in alike}),
        n_cells=n_leaking,
        of_cells=n_cells,
        cause=cause,
        remedy=remedy,
    )


def _kind(
    runner: Runner,
    sighting: Sighting,
    alike: list[Sighting],
    culprit: str | None,
    row: _Row | None,
    reach: int,
    bar: int,
) -> LeakKind:
    """Name the mistake by how far it reaches, in which direction, and by what it does when everything comes later."""
    index = sighting.base_history.index
    horizon = max(s.cut + 1 - int(s.moved[0]) for s in alike)
    if sighting.only_calendar:
        return "end of sample"
    if sighting.probe == "vintage" or (
        row is not None and row.revision and not _by_first_prints(runner, sighting, culprit)
    ):
        return "newest vintage"
    if reach > max(24, _FAR * (len(index) - sighting.cut)) or (culprit is None and horizon > _FAR * len(index)):
        return "whole sample"
    if sighting.probe == "gap" or _nothing_known(sighting, culprit, bar):
        return "filled hole"
    if sighting.probe == "delay":
        return "period dates"
    if row is not None and row.period <= index[bar] and _ignores_delays(runner, sighting):
        return "period dates"
    if horizon > max(24, 0.4 * sighting.cut):
        return "whole sample"
    return "next bar" if horizon == 1 and reach <= 1 else _window(runner, sighting, alike)


def _window(runner: Runner, sighting: Sighting, alike: list[Sighting]) -> LeakKind:
    """Whether a few later bars are those of a period that is not over yet, or any."""
    index = sighting.base_history.index
    starts, cuts = [int(s.moved[0]) for s in alike], [s.cut for s in alike]
    for unit in "WMQY":
        span = index.to_period(unit)
        if bool((span[starts] == span[cuts]).all()) and _still_at_ends(runner, sighting, span):
            return "period start"
    return "later bars"


def _still_at_ends(runner: Runner, sighting: Sighting, span: pd.PeriodIndex) -> bool:
    """Whether nothing moves when the history is cut where periods end."""
    ends = np.flatnonzero(span[:-1] != span[1:])
    for end in ends[np.unique(np.linspace(0, len(ends) - 1, 12).astype(int))] if len(ends) else ():
        closed = replace(sighting, cut=int(end))
        future = Future(sighting.base_history.decisions.iloc[end])
        for rewrite in ("raised", "lowered"):
            altered = rewritten(sighting.base_history, REWRITES[rewrite], future)
            if _shows(closed, runner.run_all(altered, [sighting.cell.parameters])[0].weights):
                return False
    return len(ends) > 0


def _by_first_prints(runner: Runner, sighting: Sighting, culprit: str | None) -> bool:
    """Whether later first prints move something too, and not only the revisions of what was known."""
    history = sighting.base_history
    if culprit is None:
        return False
    true = history.tables[culprit]
    revision = true.duplicated(["observed_for", *history.datasets[culprit].key])
    for rewrite in ("raised", "lowered"):
        table = REWRITES[rewrite](true, history.datasets[culprit], Future(history.decisions.iloc[sighting.cut]))
        altered = history.with_tables({culprit: table.where(~revision, true)})
        if _shows(sighting, runner.run_all(altered, [sighting.cell.parameters])[0].weights):
            return True
    return False


def _ignores_delays(runner: Runner, sighting: Sighting) -> bool:
    """Whether weights stay on their dates when everything becomes known two bars later; else they move with it."""
    late = runner.run_all(delayed(sighting.base_history), [sighting.cell.parameters])[0].weights
    if late is None:
        return False
    stay = equal(sighting.base[:-2], late[:-2]).mean()
    follow = equal(sighting.base[:-2], late[2:]).mean()
    return bool(stay > follow)


def _culprit(runner: Runner, sighting: Sighting) -> str | None:
    """The one input whose future alone moves most; ``None`` if it takes several."""
    history, future = sighting.base_history, Future(sighting.base_history.decisions.iloc[sighting.cut])
    ids = sorted(history.tables)
    if len(ids) == 1:
        return ids[0]
    sizes: dict[str, float] = {}
    for identity in ids:
        for rewrite in dict.fromkeys((sighting.rewrite, "raised", "lowered")):
            altered = _weights(runner, sighting, rewrite, future, identity)
            if altered is not None:
                bars = _moved(sighting, altered)
                sizes[identity] = max(sizes.get(identity, 0.0), float(moves(sighting.base[bars], altered[bars]).sum()))
    best = max(sizes, key=lambda identity: sizes[identity], default=None)
    return best if best is not None and sizes[best] > 0 else None


def _source(runner: Runner, sighting: Sighting, identity: str) -> tuple[_Row | None, np.ndarray | None, int]:
    """The first later row that moves something, the weights without it, and how many bars ahead the farthest lies."""
    history = sighting.base_history
    table = history.tables[identity]
    after = history.decisions.iloc[sighting.cut]
    if sighting.rewrite == "revised":
        known = table[table["known_at"] <= after]
        return (None if known.empty else _row(known, len(known) - 1, history, identity)), None, 0
    later = table.index[table["known_at"] > after]
    moments = table["known_at"].loc[later].drop_duplicates().tolist()
    nearest: tuple[_Row | None, np.ndarray | None] = None, None
    reach = 0
    others = dict.fromkeys((sighting.rewrite, "raised", "lowered", "mirrored", "scrambled"))
    for rewrite in sorted(others, key=lambda name: name == "dropped"):  # without a row the next one is in its place

        def until(n: int, rewrite: str = rewrite) -> np.ndarray | None:
            return _weights(runner, sighting, rewrite, Future(after, moments[n]), identity)

        def since(n: int, rewrite: str = rewrite) -> np.ndarray | None:
            return _weights(runner, sighting, rewrite, Future(moments[n - 1] if n else after), identity)

        last = len(moments) - 1
        if last < 0 or not _shows(sighting, until(last)):
            continue
        if nearest[0] is None:
            first = _bisect(last + 1, lambda n: _shows(sighting, until(n)))
            place = int(table.index[table["known_at"] == moments[first]][-1])
            nearest = _row(table, place, history, identity), until(first)
        farthest = last - _bisect(last + 1, lambda n: _shows(sighting, since(last - n)))  # noqa: B023
        ahead = [moments[farthest], *([nearest[0].known_at] if nearest[0] else [])]
        reach = max(reach, int(history.bars_at(pd.Series(ahead)).max()) - sighting.cut)
    return *nearest, reach


def _bisect(n: int, shows: Callable[[int], bool]) -> int:
    """The first of ``n`` that shows, where the last is known to."""
    low, high = 0, n - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if shows(middle) else (middle + 1, high)
    return low


def _row(table: pd.DataFrame, place: int, history: History, identity: str) -> _Row:
    row = cast(pd.Series, table.loc[place])
    columns = value_columns(table, history.datasets[identity])
    same = table.iloc[:place][["observed_for", *history.datasets[identity].key]]
    revision = bool((same == row[same.columns]).all(axis=1).any())
    value = float(row[columns[0]]) if columns else float("nan")
    return _Row(pd.Timestamp(row["known_at"]), pd.Timestamp(row["observed_for"]), value, revision)


def _weights(runner: Runner, sighting: Sighting, rewrite: str, future: Future, identity: str) -> np.ndarray | None:
    altered = rewritten(sighting.base_history, REWRITES[rewrite], future, only=identity)
    return runner.run_all(altered, [sighting.cell.parameters])[0].weights


def _moved(sighting: Sighting, weights: np.ndarray) -> np.ndarray:
    here = slice(0, sighting.cut + 1)
    return np.flatnonzero(~equal(sighting.base[here], weights[here]) & sighting.cell.stable[here])


def _shows(sighting: Sighting, weights: np.ndarray | None) -> bool:
    return weights is not None and len(_moved(sighting, weights)) > 0


def _nothing_known(sighting: Sighting, culprit: str | None, bar: int) -> bool:
    """Whether the input had no usable value where the output moved."""
    history = sighting.base_history
    if culprit is None or history.datasets[culprit].kind != "series":
        return False
    return bool(np.isnan(history.panel()[culprit].iloc[bar]))
