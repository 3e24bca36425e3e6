"""History: what one strategy could know of one metal, and that history with its future rewritten.

Everything is altered at the observation tables, so that a strategy that reads ``panel["id"]``,
``panel.native``, ``panel.observations`` or ``panel.each_release`` meets the same other history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from research.datasets.data import Data
from research.datasets.panel import Panel
from research.datasets.registry import Dataset
from research.thesis import Strategy
from research.units import Floats

SEED = 20251201
_ALWAYS, _NEVER = pd.Timestamp("1700-01-01", tz="UTC"), pd.Timestamp("2261-01-01", tz="UTC")


@dataclass(frozen=True, kw_only=True)
class History:
    """The calendar, the decision times and the observation tables behind a panel."""

    metal: str
    decisions: pd.Series
    inputs: Mapping[str, str]
    datasets: Mapping[str, Dataset]
    tables: Mapping[str, pd.DataFrame]

    def panel(self, n_bars: int | None = None) -> Panel:
        """A new panel of the first ``n_bars`` bars; nothing in it is shared with another panel."""
        decisions = self.decisions.iloc[:n_bars].copy(deep=True)  # tables are copied by the panel itself
        return Panel(self.metal, decisions, self.inputs, self.datasets, self.tables)

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


def history_of(strategy: Strategy, data: Data, metal: str, start: str | None = None, end: str | None = None) -> History:
    """Gather what ``strategy`` may know when it trades ``metal``.

    Raises
    ------
    UnknownDataset, NoData
        If the data do not hold what it declares.
    """
    inputs = strategy.inputs_for(metal, data)
    panel, ids = data.panel(metal, inputs, data.market(metal, start, end)), sorted(set(inputs.values()))
    return History(
        metal=metal,
        decisions=panel.decision_times,
        inputs=inputs,
        datasets={identity: data[identity] for identity in ids},
        tables={identity: panel.observations(identity) for identity in ids},
    )


def rewritten(
    history: History, way: str, after: pd.Timestamp = _ALWAYS, until: pd.Timestamp = _NEVER, *, only: str | None = None
) -> History:
    """``history`` with the future of every input, or of one, rewritten; without a moment, the whole of it."""
    tables = dict(history.tables)
    for identity in tables if only is None else (only,):
        tables[identity] = rewrite_table(tables[identity], history.datasets[identity], way, after, until)
    return replace(history, tables=tables)


def rewrite_table(
    table: pd.DataFrame, dataset: Dataset, way: str, after: pd.Timestamp, until: pd.Timestamp = _NEVER
) -> pd.DataFrame:
    """An observation table with another future: the rows known after one moment and, if given, up to another.

    Parameters
    ----------
    way
        ``dropped``, ``revised``, or the name of one of ``CHANGES``.
    """
    if way == "revised":
        return _revised(table, dataset, after)
    known_at = table["known_at"].to_numpy(dtype="datetime64[us]")
    rows = np.asarray((known_at > after.to_datetime64()) & (known_at <= until.to_datetime64()))
    if way == "dropped":  # nothing is published any more, revisions neither
        return table[~rows].reset_index(drop=True)
    result, groups = table.copy(deep=False), [np.arange(len(table))]
    if dataset.key and way in ("flat", "mirrored"):  # these go on from the last known value
        groups = [np.asarray(places) for places in table.groupby(list(dataset.key), sort=False).indices.values()]
    for column in value_columns(table, dataset):
        true = table[column].to_numpy()
        values = true.astype("float64")
        for group in groups:
            known, later = group[~rows[group]], group[rows[group]]
            if len(later):
                values[later] = CHANGES[way](values[later], values[known])
        result[column] = values.astype(true.dtype)
    return result


def dates_moved(history: History, years: int) -> History:
    """The same history a multiple of 28 years away: every date on the same weekday, leap years where they were."""
    shift = pd.Timedelta(days=years // 28 * (28 * 365 + 7))
    decisions = history.decisions.set_axis(history.index + shift) + shift
    tables = {
        identity: table.assign(observed_for=table["observed_for"] + shift, known_at=table["known_at"] + shift)
        for identity, table in history.tables.items()
    }
    return replace(history, decisions=decisions, tables=tables)


def with_hole(history: History, cut: int) -> History:
    """``history`` with every input silent up to one bar for so long that its last value is stale there."""
    moment = history.decisions.iloc[cut]
    tables = {}
    for identity, table in history.tables.items():
        begin = moment - history.datasets[identity].longest_useful_age - 4 * history.bar
        tables[identity] = rewrite_table(table, history.datasets[identity], "dropped", begin, moment)
    return replace(history, tables=tables)


def delayed(history: History, n_bars: int = 2) -> History:
    """``history`` in which everything becomes known ``n_bars`` later; the periods stay what they are."""
    late = {i: table.assign(known_at=table["known_at"] + n_bars * history.bar) for i, table in history.tables.items()}
    return replace(history, tables=late)


def _larger(later: Floats, known: Floats, *, factor: float, spreads: int) -> Floats:
    """Values some times as large, or some spreads higher where they can be negative."""
    values = np.append(known, later)
    spread = float(np.nanstd(values) or np.nanmax(np.abs(values)) or 1.0)
    return later * factor if (values > 0).all() else later + spreads * spread


def _flat(later: Floats, known: Floats) -> Floats:
    """Values that stay what they last were."""
    return np.full(len(later), known[-1]) if len(known) else later


def _mirrored(later: Floats, known: Floats) -> Floats:
    """What rises falls by as much from the last known value on: returns (or changes) with the other sign."""
    last = known[-1] if len(known) else later[0]
    other: Floats = last**2 / later if last > 0 and (later > 0).all() else 2 * last - later
    return other


def _jittered(later: Floats, known: Floats) -> Floats:
    """Values moved in their twelfth digit: what no decision may hang on, unless two values tie."""
    return later * (1 + 1e-12 * np.random.default_rng(SEED).standard_normal(len(later)))


CHANGES: dict[str, Callable[[Floats, Floats], Floats]] = {  # of the later values of a series, beside the known ones
    "raised": partial(_larger, factor=3.0, spreads=5),
    "lowered": partial(_larger, factor=1 / 3, spreads=-5),
    "flat": _flat,
    "mirrored": _mirrored,
    "jittered": _jittered,
}


def _revised(table: pd.DataFrame, dataset: Dataset, after: pd.Timestamp) -> pd.DataFrame:
    """Every period known so far is revised just after the cut, by up to a half either way."""
    known = table[table["known_at"] <= after].drop_duplicates(["observed_for", *dataset.key], keep="last")
    revision = known.assign(known_at=after + pd.Timedelta("1us")).astype({"known_at": table["known_at"].dtype})
    random = np.random.default_rng(SEED)
    for column in value_columns(table, dataset):
        factor = random.choice([0.5, 0.7, 1.4, 1.9], len(revision))
        revision[column] = (revision[column] * factor).astype(table[column].dtype)
    return pd.concat([table, revision]).sort_values(["known_at", "observed_for"], kind="stable", ignore_index=True)


def value_columns(table: pd.DataFrame, dataset: Dataset) -> list[str]:
    """Columns of numbers that describe a period, and not the row's own identity."""
    fixed = {"observed_for", "known_at", *dataset.key}
    return [name for name in table.columns if name not in fixed and pd.api.types.is_numeric_dtype(table[name])]
