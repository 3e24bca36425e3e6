"""The ledger of trials: everything that was ever tried on this machine, so that it can be counted.

One SQLite file, ``trials.sqlite`` under ``$ASSAY_HOME`` or the user's data folder. Parallel processes wait for each
other. A ledger that cannot be read or written never stops a run: the reason is one line, and it is stamped on the
result.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from research.home import home_folder
from research.units import Integers

if TYPE_CHECKING:
    from research.diagnostics.timing import Numbers

WAIT_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One trial as it is written down.

    Attributes
    ----------
    kind
        ``"chosen"`` for a trial that was looked at, ``"sweep"`` for all variants of a grid.
    strategy
        Its name.
    source
        SHA-256 of the strategy's source.
    metal
        Which metal.
    parameters
        Its parameters; of a sweep the number of ``variants``.
    label
        What makes it one trial: strategy, metal, parameters and period. The source is no part of it: editing a
        comment is no new trial.
    prices
        SHA-256 of the price history that it was tried on.
    data, execution, versions, numbers
        Hashes of all datasets, the terms, the versions of what computed it, and the main results.
    at
        When, in UTC; filled in by the ledger.
    """

    kind: str
    strategy: str
    source: str
    metal: str
    parameters: Mapping[str, object]
    label: str
    prices: str
    data: Mapping[str, str] = field(default_factory=dict)
    execution: Mapping[str, object] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)
    at: str = ""


_COLUMNS = [one.name for one in fields(Entry)]
_STATEMENTS = (
    f"CREATE TABLE IF NOT EXISTS trials (id INTEGER PRIMARY KEY, {' TEXT NOT NULL, '.join(_COLUMNS)} TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS series (key TEXT PRIMARY KEY, prices TEXT NOT NULL, year REAL NOT NULL, "
    "label TEXT NOT NULL, events INTEGER NOT NULL, numbers BLOB NOT NULL, dates BLOB NOT NULL, timing BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS series_by_prices ON series (prices, year)",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """The timing series of one trial, so that a later family can take it in.

    Attributes
    ----------
    key
        What makes it one trial: the strategy's code, metal, parameters, prices, dates and terms. A rerun has the same.
    prices, year
        SHA-256 of the price history, and periods a year: only trials on the same meet in a family.
    label
        Strategy, metal and parameters, to read.
    numbers
        What a family reads of it.
    dates
        Bar at which each period ends, nanoseconds since 1970.
    timing
        The timing series after costs and before them, ``(2, n_periods)``.
    """

    key: str
    prices: str
    year: float
    label: str
    numbers: Numbers
    dates: Integers
    timing: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Ledger:
    """The ledger in one file; by default the user's own, found anew at each use.

    Parameters
    ----------
    path
        The file; ``None`` for ``trials.sqlite`` in the user's data folder.
    """

    path: Path | None = None

    @property
    def file(self) -> Path:
        """Where the trials are written."""
        return self.path if self.path is not None else home_folder() / "trials.sqlite"

    def record(self, entries: Iterable[Entry]) -> str:
        """Write trials down in one transaction; return ``""``, or in one line why it could not be done.

        Parameters
        ----------
        entries
            What was tried.
        """
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        values = ",".join(f":{name}" for name in _COLUMNS)
        rows = [_row(entry, moment) for entry in entries]
        return self._write(f"INSERT INTO trials ({','.join(_COLUMNS)}) VALUES ({values})", rows)

    def entries(self, *, strategy: str | None = None, last: int = 0) -> list[Entry]:
        """Trials, oldest first.

        Parameters
        ----------
        strategy
            Of this one alone; ``None`` for all.
        last
            Only so many of the newest; 0 for all.

        Raises
        ------
        sqlite3.Error, OSError
            If the ledger cannot be read.
        """
        if not self.file.exists():
            return []
        asked = "kind != 'grid' AND (? IS NULL OR strategy = ?)"  # earlier ledgers listed every point of a grid
        query = f"SELECT {','.join(_COLUMNS)} FROM trials WHERE {asked} ORDER BY id DESC LIMIT ?"
        with self._transaction() as connection:
            rows = connection.execute(query, (strategy, strategy, last or -1)).fetchall()
        return [_entry(row) for row in reversed(rows)]

    def keep(self, series: Iterable[Series]) -> str:
        """Keep timing series, one for each key; return ``""``, or in one line why it could not be done.

        Parameters
        ----------
        series
            One a trial.
        """
        rows = [
            (
                *(item.key, item.prices, item.year, item.label, item.numbers.events),
                np.concatenate([item.numbers.supporting, item.numbers.opposing]).astype("<f8").tobytes(),
                zlib.compress(np.diff(item.dates, prepend=0).astype("<i8").tobytes()),
                zlib.compress(item.timing.astype("<f4").tobytes()),
            )
            for item in series
        ]
        return self._write("INSERT OR IGNORE INTO series VALUES (?,?,?,?,?,?,?,?)", rows)

    def kept(self, prices: Iterable[str], year: float) -> tuple[dict[str, Numbers], str]:
        """Numbers of every trial on these prices, by key in its order; and a problem in words.

        Parameters
        ----------
        prices
            SHA-256 of the price histories.
        year
            Periods a year.
        """
        from research.diagnostics.timing import Numbers

        wanted = sorted(set(prices))
        marks = ",".join("?" * len(wanted))
        query = f"SELECT key, events, numbers FROM series WHERE prices IN ({marks}) AND year = ? ORDER BY key"
        try:
            if not self.file.exists():
                return {}, ""
            with self._transaction() as connection:
                rows = connection.execute(query, (*wanted, year)).fetchall()
        except (sqlite3.Error, OSError) as error:
            return {}, self._problem("read", error)
        found: dict[str, Numbers] = {}
        for key, events, blob in rows:
            supporting, opposing = np.split(np.frombuffer(blob, "<f8"), 2)
            found[key] = Numbers(supporting, opposing, events)
        return found, ""

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """The tables, which nobody else writes in meanwhile; others wait."""
        connection = sqlite3.connect(self.file, timeout=WAIT_SECONDS, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            for statement in _STATEMENTS:
                connection.execute(statement)
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.close()

    def _write(self, statement: str, rows: Sequence[Mapping[str, object] | Sequence[object]]) -> str:
        """Run a statement for each row in one transaction."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self._transaction() as connection:
                connection.executemany(statement, rows)
        except (sqlite3.Error, OSError) as error:
            return self._problem("written", error)
        return ""

    def _problem(self, what: str, error: Exception) -> str:
        return f"the ledger {self.file} could not be {what}: {error}; set ASSAY_HOME to a folder that can"


def _row(entry: Entry, moment: str) -> dict[str, str]:
    values = {**vars(entry), "at": entry.at or moment}
    return {
        name: value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
        for name, value in values.items()
    }


def _entry(row: tuple[str, ...]) -> Entry:
    values: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
    read = {name: json.loads(values[name]) for name in ("parameters", "data", "execution", "versions", "numbers")}
    return Entry(**{**values, **read})


LEDGER = Ledger()
