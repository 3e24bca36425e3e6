"""From sightings to one leak: the input and the observation that it learned from, and what usually makes it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pandas as pd

from research.lookahead.history import History, delayed, rewritten, value_columns
from research.lookahead.probes import Sighting
from research.lookahead.report import CALENDAR, USUAL, Leak
from research.lookahead.runner import Runner, equal

_FAR = 0.2  # of the history: what reaches further than this is no window
_STRANGENESS = {"truncation": 0, "perturbation": 0, "vintage": 1, "gap": 3, "delay": 4}


def explain(runner: Runner, sightings: Sequence[Sighting], n_cells: int) -> Leak:
    """One leak: of what the true history shows, or else of what only a strange one does, the largest move.

    Parameters
    ----------
    n_cells
        Points of the grid that were looked at.
    """
    best = min(map(_strangeness, sightings))
    case = _Case(runner, [sighting for sighting in sightings if _strangeness(sighting) == best])
    return case.leak(len({sighting.cell.number for sighting in sightings}), n_cells)


def _strangeness(sighting: Sighting) -> tuple[int, int]:
    """What the true data show comes before what only another calendar or another history does."""
    return (2 if sighting.only_calendar else _STRANGENESS[sighting.probe], sighting.cell.number)


class _Case:
    """What one cell showed; the clearest of it is asked again, narrower."""

    def __init__(self, runner: Runner, alike: list[Sighting]) -> None:
        self.runner, self.alike, self.history = runner, alike, alike[0].base_history
        middle = len(self.history.index) // 2  # where there is as much to learn from as to spoil
        self.shown = max(alike, key=lambda s: (s.sizes(s.altered).sum(), -abs(s.cut - middle)))
        self.after = self.history.decisions.iloc[self.shown.cut]
        self.culprit = None if self.shown.only_calendar else self._culprit()
        self.row: dict[str, Any] = {}  # the one that it learned from, as the report has it
        self.revision = False
        self.nearest = self.shown.altered
        self.reach = 0
        if self.culprit:
            self._find_source(self.culprit)

    def leak(self, n_leaking: int, n_cells: int) -> Leak:
        """The report's line."""
        shown, index, sizes = self.shown, self.history.index, self.shown.sizes(self.nearest)
        largest = np.flatnonzero(sizes == sizes.max())
        bar = int(np.flatnonzero(sizes)[0] if shown.probe == "delay" else largest[-1])
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
            cut=pd.Timestamp(index[shown.cut]),
            n_cells=n_leaking,
            of_cells=n_cells,
            **(self.row | USUAL[kind]),
        )

    def _kind(self, bar: int) -> str:
        """Name the mistake by how far it reaches, in which direction, and by what it does when all comes later."""
        index, shown, period = self.history.index, self.shown, self.row.get("period")
        horizon = max(s.cut + 1 - int(s.moved[0]) for s in self.alike)
        if shown.only_calendar:
            return "end of sample"
        if shown.probe == "vintage" or self.revision:
            return "newest vintage"
        far = self.reach > max(24, _FAR * (len(index) - shown.cut))
        if far or (self.culprit is None and horizon > _FAR * len(index)):
            return "whole sample"
        if shown.probe == "gap" or self._nothing_known(bar):
            return "filled hole"
        if shown.probe == "delay" or (period is not None and period <= index[bar] and self._ignores_delays()):
            return "period dates"
        if horizon > max(24, 0.4 * shown.cut):
            return "whole sample"
        return "next bar" if horizon == 1 and self.reach <= 1 else self._window()

    def _window(self) -> str:
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
        return len(few) > 0 and not any(
            replace(self.shown, cut=int(end)).sizes(self._weights(way, self.history.decisions.iloc[end])).any()
            for end in few
            for way in ("raised", "lowered")
        )

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
        sizes = {
            identity: max(self.shown.sizes(self._weights(way, self.after, only=identity)).sum() for way in ways)
            for identity in ids
        }
        best = max(ids, key=lambda identity: sizes[identity])
        return best if sizes[best] > 0 else None

    def _find_source(self, identity: str) -> None:
        """The first later row that moves something, the weights without it, and how many bars ahead the last is."""
        known_at = self.history.tables[identity]["known_at"]
        known = known_at <= self.after
        if self.shown.way == "revised":
            self._learned_from(identity, known)
            return
        moments = [self.after, *known_at[~known].drop_duplicates()]
        n = len(moments) - 1

        def shows(way: str, first: int, last: int) -> bool:
            return bool(self.shown.sizes(self._weights(way, moments[first], moments[last], only=identity)).any())

        ways = dict.fromkeys((self.shown.way, "raised", "lowered", "mirrored"))
        for way in sorted(ways, key=lambda way: way == "dropped"):  # without a row the next is in its place
            if shows(way, 0, n):
                first = 1 + bisect_left(range(1, n), True, key=lambda last: shows(way, 0, last))
                last = n - bisect_left(range(1, n), True, key=lambda k: shows(way, n - k, n))
                self.nearest = cast(np.ndarray, self._weights(way, self.after, moments[first], only=identity))
                self._learned_from(identity, known_at == moments[first])
                self.reach = int(self.history.bars_at(pd.Series([moments[last]]))[0]) - self.shown.cut
                return

    def _learned_from(self, identity: str, these: pd.Series) -> None:
        """Name the last of some rows."""
        table, dataset = self.history.tables[identity], self.history.datasets[identity]
        place = int(np.flatnonzero(these)[-1])
        row, columns = table.iloc[place], value_columns(table, dataset)
        self.revision = bool(table.iloc[: place + 1].duplicated(["observed_for", *dataset.key]).iloc[-1])
        value = float(row[columns[0]]) if columns else float("nan")
        self.row = {"learned_from": row["known_at"], "period": row["observed_for"], "value": value}

    def _weights(self, way: str, *between: pd.Timestamp, only: str | None = None) -> np.ndarray | None:
        return self._decided(rewritten(self.history, way, *between, only=only))

    def _decided(self, history: History) -> np.ndarray | None:
        return self.runner.run_all(history, [self.shown.cell.parameters])[0].weights
