"""History: what one strategy could know of one metal, and that history with its future rewritten.

Everything is altered at the observation tables, so that a strategy that reads ``panel["id"]``,
``panel.native``, ``panel.observations`` or ``panel.each_release`` meets the same other history.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from research.datasets.data import Data
from research.datasets.dataset import Dataset
from research.datasets.panel import Panel
from research.thesis import Strategy
from research.units import Floats

SEED = 20251201

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True, kw_only=True)
class History:
    """The calendar, the decision times and the observation tables behind a panel."""

    metal: str
    decisions: pd.Series
    inputs: Mapping[str, str]
    datasets: Mapping[str, Dataset]
    tables: Tables

    def panel(self, n_bars: int | None = None) -> Panel:
        """A new panel of the first ``n_bars`` bars; nothing in it is shared with another panel."""
        decisions = self.decisions.iloc[:n_bars].copy(deep=True)  # tables are copied by the panel itself
        return Panel(self.metal, decisions, self.inputs, self.datasets, self.tables)

    def with_tables(self, tables: Tables) -> History:
        """The same calendar with other histories."""
        return replace(self, tables={**self.tables, **tables})

    @property
    def index(self) -> pd.DatetimeIndex:
        """The trading calendar."""
        return pd.DatetimeIndex(self.decisions.index)

    def bars_at(self, known_at: pd.Series) -> np.ndarray:
        """Position of the first bar whose decision could use each moment; the number of bars if none could."""
        times = self.decisions.to_numpy(dtype="datetime64[us]")
        return np.searchsorted(times, known_at.to_numpy(dtype="datetime64[us]"), side="left")

    @property
    def bar(self) -> pd.Timedelta:
        """Usual time between two decisions."""
        return pd.Timedelta(self.decisions.diff().median())


@dataclass(frozen=True)
class Future:
    """Rows known after one moment and, if given, up to another."""

    after: pd.Timestamp
    until: pd.Timestamp | None = None

    def rows(self, table: pd.DataFrame) -> pd.Series:
        """Which rows of an observation table lie there."""
        later = table["known_at"] > self.after
        return later if self.until is None else later & (table["known_at"] <= self.until)


Rewrite = Callable[[pd.DataFrame, Dataset, Future], pd.DataFrame]


def history_of(strategy: Strategy, data: Data, metal: str, start: str | None = None, end: str | None = None) -> History:
    """Gather what ``strategy`` may know when it trades ``metal``.

    Raises
    ------
    UnknownDataset, NoData
        If the data do not hold what it declares.
    """
    inputs = strategy.inputs_for(metal, data)
    decisions = data.panel(metal, inputs, data.market(metal, start, end)).decision_times
    ids = sorted(set(inputs.values()))
    known = {identity: data.observations(identity) for identity in ids}
    return History(
        metal=metal,
        decisions=decisions,
        inputs=inputs,
        datasets={identity: data[identity] for identity in ids},
        tables={
            identity: table[table["known_at"] <= decisions.iloc[-1]].reset_index(drop=True)
            for identity, table in known.items()
        },
    )


def rewritten(history: History, rewrite: Rewrite, future: Future, only: str | None = None) -> History:
    """``history`` with the future of every input, or of one, rewritten."""
    ids = history.tables if only is None else (only,)
    return history.with_tables({i: rewrite(history.tables[i], history.datasets[i], future) for i in ids})


def rewritten_whole(history: History, rewrite: Rewrite, only: str | None = None) -> History:
    """``history`` with the whole history of every input, or of one, rewritten."""
    return rewritten(history, rewrite, Future(pd.Timestamp("1700-01-01", tz="UTC")), only)


def dates_moved(history: History, years: int) -> History:
    """The same history a multiple of 28 years away: every date on the same weekday, leap years where they were."""
    shift = pd.Timedelta(days=years // 28 * (28 * 365 + 7))
    dates = history.decisions.copy()
    dates.index = history.index + shift
    tables = {
        identity: table.assign(observed_for=table["observed_for"] + shift, known_at=table["known_at"] + shift)
        for identity, table in history.tables.items()
    }
    return replace(history, decisions=dates + shift, tables=tables)


def begun_at(history: History, bar: int) -> History:
    """The same history on a calendar that begins at a later bar, as ``--start`` has it."""
    return replace(history, decisions=history.decisions.iloc[bar:])


def raised(table: pd.DataFrame, dataset: Dataset, future: Future) -> pd.DataFrame:
    """Values three times as large, or five spreads higher where they can be negative."""
    return _with_values(table, dataset, future, partial(_larger, factor=3.0, spreads=5))


def lowered(table: pd.DataFrame, dataset: Dataset, future: Future) -> pd.DataFrame:
    """Values a third as large, or five spreads lower where they can be negative."""
    return _with_values(table, dataset, future, partial(_larger, factor=1 / 3, spreads=-5))


def scrambled(table: pd.DataFrame, dataset: Dataset, future: Future) -> pd.DataFrame:
    """Values in another order, each moved by up to a half."""
    random = _random(dataset)

    def shuffle(later: Floats, _: Floats) -> Floats:
        moved: Floats = random.permutation(later) * random.uniform(0.5, 1.5, len(later))
        return moved

    return _with_values(table, dataset, future, shuffle)


def scaled(table: pd.DataFrame, dataset: Dataset, future: Future) -> pd.DataFrame:
    """Values times 1000, as when a publisher changes the unit."""
    return _with_values(table, dataset, future, lambda later, _: later * 1000)


def flat(table: pd.DataFrame, dataset: Dataset, future: Future) -> pd.DataFrame:
    """Values that stay what they last were."""
    return _with_values(table, dataset, future, lambda later, known: np.full(len(later), known[-1]), by_key=True)


def mirrored(table: pd.DataFrame, dataset: Dataset, future: Future) -> pd.DataFrame:
    """What rises falls by as much from the last known value on: returns (or changes) with the other sign."""

    def mirror(later: Floats, known: Floats) -> Floats:
        positive = known[-1] > 0 and (later > 0).all()
        turned: Floats = known[-1] ** 2 / later if positive else 2 * known[-1] - later
        return turned

    return _with_values(table, dataset, future, mirror, by_key=True)


def dropped(table: pd.DataFrame, dataset: Dataset, future: Future) -> pd.DataFrame:
    """Nothing is published any more: later rows, revisions among them, are gone."""
    return table[~future.rows(table)].reset_index(drop=True)


def revised(table: pd.DataFrame, dataset: Dataset, future: Future) -> pd.DataFrame:
    """Every period known so far is revised just after the cut, by up to a half either way."""
    moment = future.after + pd.Timedelta("1us")
    key = ["observed_for", *dataset.key]
    known = table[table["known_at"] <= future.after].drop_duplicates(key, keep="last")
    random = _random(dataset)
    revision = known.assign(known_at=moment).astype({"known_at": table["known_at"].dtype})
    for column in value_columns(table, dataset):
        factor = random.choice([0.5, 0.7, 1.4, 1.9], len(revision))
        revision[column] = (revision[column] * factor).astype(table[column].dtype)
    return pd.concat([table, revision]).sort_values(["known_at", "observed_for"], kind="stable", ignore_index=True)


def jittered(table: pd.DataFrame, dataset: Dataset, future: Future) -> pd.DataFrame:
    """Values moved in their twelfth digit: what no decision may hang on, unless two values tie."""
    random = np.random.default_rng([SEED, len(table)])
    noise = 1 + 1e-12 * random.standard_normal(len(table))
    return _with_values(table, dataset, future, lambda later, _: later * noise[-len(later) :])


def with_hole(history: History, cut: int) -> History:
    """``history`` with every input silent up to one bar for so long that its last value is stale there."""
    moment = history.decisions.iloc[cut]
    tables = {}
    for identity, table in history.tables.items():
        hole = Future(moment - history.datasets[identity].longest_useful_age - 4 * history.bar, moment)
        tables[identity] = dropped(table, history.datasets[identity], hole)
    return history.with_tables(tables)


def delayed(history: History, n_bars: int = 2) -> History:
    """``history`` in which everything becomes known ``n_bars`` later; the periods stay what they are."""
    late = {i: table.assign(known_at=table["known_at"] + n_bars * history.bar) for i, table in history.tables.items()}
    return history.with_tables(late)


def _with_values(
    table: pd.DataFrame,
    dataset: Dataset,
    future: Future,
    change: Callable[[Floats, Floats], Floats],
    *,
    by_key: bool = False,
) -> pd.DataFrame:
    """Later values as a function of themselves and of the known ones; key by key where a last known one is needed."""
    rows = future.rows(table).to_numpy()
    result = table.copy()
    groups = [np.arange(len(table))]
    if by_key and dataset.key:
        groups = [np.asarray(rows) for rows in table.groupby(list(dataset.key), sort=False).indices.values()]
    for column in value_columns(table, dataset):
        values = table[column].to_numpy()
        changed = values.astype("float64")
        for group in groups:
            known, later = group[~rows[group]], group[rows[group]]
            if len(later) and (len(known) or not by_key):
                changed[later] = change(changed[later], changed[known])
        result[column] = changed.astype(values.dtype)
    return result


def _larger(later: Floats, known: Floats, *, factor: float, spreads: int) -> Floats:
    values = np.append(known, later)
    spread = float(np.nanstd(values) or np.nanmax(np.abs(values)) or 1.0)
    return later * factor if (values > 0).all() else later + spreads * spread


def _random(dataset: Dataset) -> np.random.Generator:
    return np.random.default_rng([SEED, zlib.crc32(dataset.id.encode())])


def value_columns(table: pd.DataFrame, dataset: Dataset) -> list[str]:
    """Columns of numbers that describe a period, and not the row's own identity."""
    fixed = {"observed_for", "known_at", *dataset.key}
    return [name for name in table.columns if name not in fixed and pd.api.types.is_numeric_dtype(table[name])]
