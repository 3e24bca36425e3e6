"""Panel: what was known at each decision, and nothing else.

The value of a dataset at the decision time ``T`` is, among the rows with ``known_at <= T``, the
newest period's newest vintage; it is NaN once that period ended more than the dataset's longest
useful age before ``T``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping

import numpy as np
import pandas as pd

from research.datasets.registry import Dataset
from research.datasets.vintages import Moments, last_known
from research.errors import SignalError, did_you_mean
from research.memo import Memo, numbers_of


class Panel:
    """A read-only view of the declared inputs for one metal, aligned to its trading calendar.

    Parameters
    ----------
    metal
        The metal that is traded.
    decisions
        Decision time (UTC) of each bar, indexed by the bar's date.
    inputs
        Alias -> dataset id; both can be asked for, and nothing else.
    datasets, tables
        Dataset id -> its description and its observation table.
    memo
        That of other panels with the same decision times and, id by id, the same tables; by default a new one.

    Attributes
    ----------
    memo
        What was already computed from the same decisions and tables; it serves the points of a grid.
    """

    __slots__ = ("_datasets", "_decisions", "_inputs", "_tables", "memo", "metal")

    def __init__(
        self,
        metal: str,
        decisions: pd.Series,
        inputs: Mapping[str, str],
        datasets: Mapping[str, Dataset],
        tables: Mapping[str, pd.DataFrame],
        memo: Memo | None = None,
    ) -> None:
        end = decisions.iloc[-1]
        self.metal, self._decisions = metal, decisions
        self._inputs, self._datasets = dict(inputs), dict(datasets)
        self._tables: dict[str, pd.DataFrame] = {
            identity: table[table["known_at"] <= end].reset_index(drop=True) for identity, table in tables.items()
        }
        self.memo = Memo() if memo is None else memo  # from here on nothing is set any more

    def __setattr__(self, name: str, value: object) -> None:
        if hasattr(self, "memo"):
            raise SignalError(f"panel.{name}: a panel is read-only; build a new series instead")
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[type[Panel], tuple[object, ...]]:
        datasets = {identity: self._datasets[identity] for identity in self._tables}
        return Panel, (self.metal, self._decisions, self._inputs, datasets, self._tables)

    @property
    def index(self) -> pd.DatetimeIndex:
        """The trading calendar: one naive date per bar."""
        return pd.DatetimeIndex(self._decisions.index)

    @property
    def decision_times(self) -> pd.Series:
        """The moment (UTC) at which each bar's decision is taken, indexed by the bar's date."""
        return self._decisions.copy()

    @property
    def inputs(self) -> dict[str, str]:
        """Alias -> dataset id of everything this panel serves."""
        return dict(self._inputs)

    def __contains__(self, name: str) -> bool:
        return name in self._inputs or name in self._inputs.values()

    def __getitem__(self, name: str) -> pd.Series:
        """The series as known at each decision, on the trading calendar; NaN when unknown or stale."""
        identity = self._identity(name)
        return self.memo.keep(("aligned", identity), lambda: self._aligned(identity))

    def native(self, name: str) -> pd.Series:
        """The series at its own frequency, dated by ``known_at``; a revision is a row of its own.

        ``panel.observations(name)`` holds the same rows with the period beside each value.

        Parameters
        ----------
        name
            Alias or id of a declared input.
        """
        identity = self._identity(name)
        table = self._series_table(identity)
        known = pd.DatetimeIndex(table["known_at"])
        return self.memo.keep(("native", identity), lambda: pd.Series(table["value"].to_numpy(), known, name=identity))

    def observations(self, name: str) -> pd.DataFrame:
        """The observation table, row by row as ``native`` has it, up to the last decision.

        Parameters
        ----------
        name
            Alias or id of a declared input.
        """
        return self._tables[self._identity(name)].copy()

    def each_release(self, name: str, statistic: Callable[[pd.Series], float]) -> pd.Series:
        """Apply ``statistic`` to the history as it stood at each release.

        At every distinct ``known_at`` the argument is the series by period, each period in its
        newest vintage known by then, so that neither a revision nor a late print reaches back.

        Parameters
        ----------
        name
            Alias or id of a declared input.

        Returns
        -------
        pd.Series
            One value per release, dated by ``known_at``; use ``asof`` to bring it back.
        """
        identity = self._identity(name)
        return self.memo.keep(("each_release", identity, statistic), lambda: self._each_release(identity, statistic))

    def asof(self, series: pd.Series, *, max_age: pd.Timedelta | str | None = None) -> pd.Series:
        """Bring a native series back to the trading calendar: the last value known at each decision.

        Parameters
        ----------
        series
            Indexed by ``known_at`` (UTC), as ``native`` and ``each_release`` return it.
        max_age
            Time after its ``known_at`` for which a value may be used. By default the longest useful
            age of the dataset that the series is named after, else the longest among the inputs.

        Raises
        ------
        SignalError
            If the index is not timezone-aware: periods are not moments of knowledge.
        """
        if not isinstance(series.index, pd.DatetimeIndex) or series.index.tz is None:
            raise SignalError("panel.asof: needs a series dated by known_at (UTC); start from panel.native(id)")
        dataset = self._datasets.get(str(series.name))
        ages = [item.longest_useful_age for item in ([dataset] if dataset else self._datasets.values())]
        longest = pd.Timedelta(max_age) if max_age is not None else max(ages)
        return self.memo.keep(("asof", series, longest), lambda: self._asof(series, longest))

    def forgetting(self, moment: pd.Timestamp) -> Panel:
        """The panel of a trader who knows nothing that was published before ``moment`` (UTC)."""
        tables = {identity: table[table["known_at"] >= moment] for identity, table in self._tables.items()}
        return Panel(self.metal, self._decisions, self._inputs, self._datasets, tables)

    def _aligned(self, identity: str) -> pd.Series:
        table = self._series_table(identity)
        newest = table[table["observed_for"] >= table["observed_for"].cummax()]
        ended, longest = newest["observed_for"].to_numpy(), self._datasets[identity].longest_useful_age
        return self._carried(newest["value"], newest["known_at"], ended, longest, identity)

    def _each_release(self, identity: str, statistic: Callable[[pd.Series], float]) -> pd.Series:
        table = self._series_table(identity)
        moments, values = _utc(table["known_at"]), table["value"].to_numpy(dtype=float)
        index, place = np.unique(table["observed_for"].to_numpy(dtype="datetime64[us]"), return_inverse=True)
        periods = pd.DatetimeIndex(index, name="observed_for")
        ends = np.flatnonzero(np.append(moments[1:] != moments[:-1], len(moments) > 0)) + 1
        newest, printed = np.full(len(periods), np.nan), np.zeros(len(periods), dtype=bool)
        results, kept, history = np.empty(len(ends)), numbers_of(statistic, identity), hashlib.sha1()
        start = 0
        for release, end in enumerate(ends):
            rows = slice(start, end)
            newest[place[rows]], printed[place[rows]] = values[rows], True
            history.update(index[place[rows]].tobytes() + values[rows].tobytes() + b"|")
            if (told := history.digest()) not in kept:
                n_periods = int(printed.sum())
                so_far = slice(n_periods) if printed[:n_periods].all() else printed  # a late print leaves a hole
                kept[told] = float(statistic(pd.Series(newest[so_far].copy(), periods[so_far], name=identity)))
            results[release] = kept[told]
            start = int(end)
        dates = pd.DatetimeIndex(table["known_at"].iloc[ends - 1], name="known_at")
        return pd.Series(results, index=dates, name=identity)

    def _asof(self, series: pd.Series, longest: pd.Timedelta) -> pd.Series:
        ordered = series.sort_index(kind="stable")
        known = ordered.index.to_series()
        return self._carried(ordered, known, _utc(known), longest, series.name)

    def _carried(
        self, values: pd.Series, known: pd.Series, since: Moments, longest: pd.Timedelta, name: Hashable
    ) -> pd.Series:
        """Values at each decision, on the trading calendar."""
        numbers = values.to_numpy(dtype=float)
        found = last_known(numbers, _utc(known), _utc(self._decisions), since, longest.to_timedelta64())
        return pd.Series(found, index=self.index, name=name)

    def _identity(self, name: str) -> str:
        identity = self._inputs.get(name, name)
        if identity not in self._inputs.values():
            names = {*self._inputs, *self._inputs.values()}
            raise SignalError(f"panel[{name!r}]: not among the strategy's declared inputs{did_you_mean(name, names)}")
        return identity

    def _series_table(self, identity: str) -> pd.DataFrame:
        if self._datasets[identity].kind != "series":
            raise SignalError(f"{identity}: is a table of columns; use panel.observations({identity!r})")
        return self._tables[identity]


def _utc(moments: pd.Series) -> Moments:
    """As naive numpy moments, in UTC and to the microsecond."""
    return moments.astype("datetime64[us, UTC]").to_numpy(dtype="datetime64[us]")
