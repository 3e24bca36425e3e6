"""From sightings to one leak: the input and the observation that it learned from, and what usually makes it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import numpy as np
import pandas as pd

from research.lookahead.history import Future, History, delayed, rewrite_table, rewritten, value_columns
from research.lookahead.probes import Sighting
from research.lookahead.report import CALENDAR, USUAL, Leak, LeakKind, Probe
from research.lookahead.runner import Runner, equal

_FAR = 0.2  # of the history: what reaches further than this is no window


_STRANGENESS: dict[Probe, int] = {"truncation": 0, "perturbation": 0, "vintage": 1, "gap": 3, "delay": 4}


class _Row(NamedTuple):
    known_at: pd.Timestamp
    period: pd.Timestamp
    value: float
    revision: bool


def explain(runner: Runner, sightings: Sequence[Sighting], n_cells: int) -> Leak:
    """One leak: of what the true history shows, or else of what only a strange one does, the largest move.

    Parameters
    ----------
    n_cells
        Points of the grid that were looked at.
    """
    best = min(map(_strangeness, sightings))
    told = [s for s in sightings if _strangeness(s) == best]
    shown = min(s.cell.number for s in told)
    case = _Case(runner, [s for s in told if s.cell.number == shown])
    return case.leak(len({s.cell.number for s in sightings}), n_cells)


def _strangeness(sighting: Sighting) -> int:
    """What the true data show comes before what only another calendar or another history does."""
    return 2 if sighting.only_calendar else _STRANGENESS[sighting.probe]


class _Case:
    """What one cell showed; the clearest of it is asked again, narrower."""

    def __init__(self, runner: Runner, alike: list[Sighting]) -> None:
        self.runner, self.alike, self.history = runner, alike, alike[0].base_history
        middle = len(self.history.index) // 2  # where there is as much to learn from as to spoil
        self.shown = max(alike, key=lambda s: (s.sizes(s.altered, s.moved).sum(), -abs(s.cut - middle)))
        self.after = self.history.decisions.iloc[self.shown.cut]
        self.culprit = None if self.shown.only_calendar else self._culprit()
        self.row: _Row | None = None
        self.nearest: np.ndarray = self.shown.altered
        self.reach = 0
        if self.culprit:
            self._find_source(self.culprit)

    def leak(self, n_leaking: int, n_cells: int) -> Leak:
        """The report's line."""
        shown, index = self.shown, self.history.index
        bars = shown.moved_by(self.nearest)
        sizes = shown.sizes(self.nearest, bars)
        bar = int(bars[0] if shown.probe == "delay" else bars[sizes == sizes.max()][-1])
        kind = self._kind(bar)
        several = CALENDAR if shown.only_calendar else ", ".join(sorted(self.history.tables))
        return Leak(
            kind=kind,
            probe=shown.probe,
            metal=self.history.metal,
            parameters=dict(shown.cell.parameters),
            input=self.culprit or several,
            moved=pd.Timestamp(index[bar]),
            knowing=float(shown.base[bar]),
            unknowing=float(self.nearest[bar]),
            largest=float(shown.sizes(shown.altered, shown.moved).max()),
            n_moved=len(shown.moved),
            cut=pd.Timestamp(index[shown.cut]),
            learned_from=self.row and self.row.known_at,
            period=self.row and self.row.period,
            value=self.row and self.row.value,
            n_cuts=len({s.cut for s in self.alike}),
            n_cells=n_leaking,
            of_cells=n_cells,
            cause=USUAL[kind]["cause"],
            remedy=USUAL[kind]["remedy"],
        )

    def _kind(self, bar: int) -> LeakKind:
        """Name the mistake by how far it reaches, in which direction, and by what it does when all comes later."""
        index, shown, row = self.history.index, self.shown, self.row
        horizon = max(s.cut + 1 - int(s.moved[0]) for s in self.alike)
        if shown.only_calendar:
            return "end of sample"
        if shown.probe == "vintage" or (row is not None and row.revision and not self._by_first_prints()):
            return "newest vintage"
        far = self.reach > max(24, _FAR * (len(index) - shown.cut))
        if far or (self.culprit is None and horizon > _FAR * len(index)):
            return "whole sample"
        if shown.probe == "gap" or self._nothing_known(bar):
            return "filled hole"
        if shown.probe == "delay" or (row is not None and row.period <= index[bar] and self._ignores_delays()):
            return "period dates"
        if horizon > max(24, 0.4 * shown.cut):
            return "whole sample"
        return "next bar" if horizon == 1 and self.reach <= 1 else self._window()

    def _window(self) -> LeakKind:
        """Whether a few later bars are those of a period that is not over yet, or any."""
        starts, cuts = [int(s.moved[0]) for s in self.alike], [s.cut for s in self.alike]
        for unit in "WMQY":
            span = self.history.index.to_period(unit)
            if bool((span[starts] == span[cuts]).all()) and self._still_at_ends(span):
                return "period start"
        return "later bars"

    def _still_at_ends(self, span: pd.PeriodIndex) -> bool:
        """Whether nothing moves when the history is cut where periods end."""
        ends = np.flatnonzero(span[:-1] != span[1:])
        few = ends[np.unique(np.linspace(0, len(ends) - 1, 12).astype(int))] if len(ends) else ends
        closed = [replace(self.shown, cut=int(end)) for end in few]
        return bool(closed) and not any(
            len(end.moved_by(self._weights(way, Future(self.history.decisions.iloc[end.cut]))))
            for end in closed
            for way in ("raised", "lowered")
        )

    def _by_first_prints(self) -> bool:
        """Whether later first prints move something too, and not only the revisions of what was known."""
        if self.culprit is None:
            return False
        true, dataset = self.history.tables[self.culprit], self.history.datasets[self.culprit]
        revision = true.duplicated(["observed_for", *dataset.key])
        tables = (rewrite_table(true, dataset, way, Future(self.after)) for way in ("raised", "lowered"))
        histories = (self.history.with_tables({str(self.culprit): t.where(~revision, true)}) for t in tables)
        return any(len(self.shown.moved_by(self._decided(history))) for history in histories)

    def _ignores_delays(self) -> bool:
        """Whether weights stay on their dates when everything becomes known two bars later; else they move with it."""
        late, base = self._decided(delayed(self.history)), self.shown.base[:-2]
        return late is not None and bool(equal(base, late[:-2]).mean() > equal(base, late[2:]).mean())

    def _nothing_known(self, bar: int) -> bool:
        """Whether the input had no usable value where the output moved."""
        if self.culprit is None or self.history.datasets[self.culprit].kind != "series":
            return False
        return bool(np.isnan(self.history.panel()[self.culprit].iloc[bar]))

    def _culprit(self) -> str | None:
        """The one input whose future alone moves most; ``None`` if it takes several."""
        ids = sorted(self.history.tables)
        if len(ids) == 1:
            return ids[0]
        ways = dict.fromkeys((self.shown.way, "raised", "lowered"))
        sizes = {i: max(self._size(self._weights(way, Future(self.after), i)) for way in ways) for i in ids}
        best = max(sizes, key=lambda identity: sizes[identity])
        return best if sizes[best] > 0 else None

    def _find_source(self, identity: str) -> None:
        """The first later row that moves something, the weights without it, and how many bars ahead the farthest is."""
        table = self.history.tables[identity]
        known = table["known_at"] <= self.after
        if self.shown.way == "revised":
            if known.any():
                self.row = self._row(identity, int(np.flatnonzero(known)[-1]))
            return
        moments = [self.after, *table["known_at"][~known].drop_duplicates()]
        n = len(moments) - 1
        ways = dict.fromkeys((self.shown.way, "raised", "lowered", "mirrored", "scrambled"))
        for way in sorted(ways, key=lambda way: way == "dropped"):  # without a row the next is in its place

            def altered(first: int, last: int, way: str = way) -> np.ndarray | None:
                return self._weights(way, Future(moments[first], moments[last]), identity)

            if not n or not self._shows(altered(0, n)):
                continue
            if self.row is None:
                first = 1 + bisect_left(range(1, n), True, key=lambda last: self._shows(altered(0, last)))
                self.nearest = cast(np.ndarray, altered(0, first))
                self.row = self._row(identity, int(np.flatnonzero(table["known_at"] == moments[first])[-1]))
            n_last = 1 + bisect_left(range(1, n), True, key=lambda k: self._shows(altered(n - k, n)))
            ahead = pd.Series([moments[n - n_last + 1], self.row.known_at])
            self.reach = max(self.reach, int(self.history.bars_at(ahead).max()) - self.shown.cut)

    def _row(self, identity: str, place: int) -> _Row:
        table, dataset = self.history.tables[identity], self.history.datasets[identity]
        row, columns = table.iloc[place], value_columns(table, dataset)
        revision = bool(table.iloc[: place + 1].duplicated(["observed_for", *dataset.key]).iloc[-1])
        value = float(row[columns[0]]) if columns else float("nan")
        return _Row(pd.Timestamp(row["known_at"]), pd.Timestamp(row["observed_for"]), value, revision)

    def _size(self, weights: np.ndarray | None) -> float:
        """How far other weights move, all bars together."""
        return 0.0 if weights is None else float(self.shown.sizes(weights, self.shown.moved_by(weights)).sum())

    def _shows(self, weights: np.ndarray | None) -> bool:
        return len(self.shown.moved_by(weights)) > 0

    def _weights(self, way: str, future: Future, only: str | None = None) -> np.ndarray | None:
        return self._decided(rewritten(self.history, way, future, only))

    def _decided(self, history: History) -> np.ndarray | None:
        return self.runner.run_all(history, [self.shown.cell.parameters])[0].weights
