"""The ledger of trials: everything that was ever tried on this machine, so that it can be counted.

One SQLite file, ``trials.sqlite`` under ``$ASSAY_HOME`` or the user's data folder, safe for parallel
processes (write-ahead log, waiting writers). A ledger that cannot be read or written never stops a run: the reason
is one line, and it is stamped on the result.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from research.datasets.user_pack import home_folder

WAIT_SECONDS = 30.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS trials (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    strategy TEXT NOT NULL,
    source TEXT NOT NULL,
    metal TEXT NOT NULL,
    parameters TEXT NOT NULL,
    label TEXT NOT NULL,
    prices TEXT NOT NULL,
    data TEXT NOT NULL,
    execution TEXT NOT NULL,
    versions TEXT NOT NULL,
    numbers TEXT NOT NULL
)
"""
_INDEX = "CREATE INDEX IF NOT EXISTS trials_by_prices ON trials (prices, label)"
_COLUMNS = (
    "at", "kind", "strategy", "source", "metal", "parameters", "label", "prices", "data", "execution", "versions",
    "numbers",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One trial as it is written down.

    Attributes
    ----------
    kind
        ``"chosen"`` for a trial that was looked at, ``"grid"`` for another point of its declared grid.
    source
        SHA-256 of the strategy's source.
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
    parameters: Mapping[str, Any]
    label: str
    prices: str
    data: Mapping[str, str] = field(default_factory=dict)
    execution: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)
    at: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values only."""
        return {name: getattr(self, name) for name in _COLUMNS}


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

    def tried(self, prices: Iterable[str]) -> tuple[frozenset[str], str]:
        """Labels of every trial on any of these price histories, and why they cannot be read, if so."""
        wanted = sorted(set(prices))
        marks = ",".join("?" * len(wanted))
        try:
            if not self.file.exists():
                return frozenset(), ""
            with self._connection() as connection:
                rows = connection.execute(f"SELECT DISTINCT label FROM trials WHERE prices IN ({marks})", wanted)
                return frozenset(label for (label,) in rows), ""
        except (sqlite3.Error, OSError) as error:
            return frozenset(), self._problem("read", error)

    def record(self, entries: Iterable[Entry]) -> str:
        """Write trials down in one transaction; return ``""``, or in one line why it could not be done.

        A point of a declared grid is written once; a chosen trial each time.
        """
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        rows = [_row(entry, moment) for entry in entries]
        insert = f"INSERT INTO trials ({','.join(_COLUMNS)}) SELECT {','.join('?' * len(_COLUMNS))}"
        unless_there = " WHERE ? = 'chosen' OR NOT EXISTS (SELECT 1 FROM trials WHERE prices = ? AND label = ?)"
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self._connection() as connection:
                connection.execute("BEGIN IMMEDIATE")
                for row in rows:
                    values = dict(zip(_COLUMNS, row, strict=True))
                    extra = (values["kind"], values["prices"], values["label"])
                    connection.execute(insert + unless_there, (*row, *extra))
                connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            return self._problem("written", error)
        return ""

    def entries(self, *, kind: str | None = "chosen", strategy: str | None = None, last: int = 0) -> list[Entry]:
        """Trials, oldest first.

        Parameters
        ----------
        kind
            ``None`` for all.
        last
            Only so many of the newest; 0 for all.

        Raises
        ------
        sqlite3.Error, OSError
            If the ledger cannot be read.
        """
        if not self.file.exists():
            return []
        query = f"SELECT {','.join(_COLUMNS)} FROM trials WHERE (? IS NULL OR kind = ?) AND (? IS NULL OR strategy = ?)"
        with self._connection() as connection:
            rows = connection.execute(
                f"{query} ORDER BY id DESC LIMIT ?", (kind, kind, strategy, strategy, last or -1)
            ).fetchall()
        return [_entry(row) for row in reversed(rows)]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.file, timeout=WAIT_SECONDS, isolation_level=None)
        try:
            _prepare(connection)
            yield connection
        finally:
            connection.close()

    def _problem(self, what: str, error: Exception) -> str:
        return f"the ledger {self.file} could not be {what}: {error}; set ASSAY_HOME to a folder that can"


def _prepare(connection: sqlite3.Connection) -> None:
    """Write-ahead log and table; a lock held by another process that does the same is waited for."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(_SCHEMA)
            connection.execute(_INDEX)
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _row(entry: Entry, moment: str) -> tuple[str, ...]:
    values = {**entry.to_json(), "at": entry.at or moment}
    return tuple(
        value if isinstance(value := values[name], str) else json.dumps(value, sort_keys=True, default=str)
        for name in _COLUMNS
    )


def _entry(row: tuple[str, ...]) -> Entry:
    values: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
    for name in ("parameters", "data", "execution", "versions", "numbers"):
        values[name] = json.loads(values[name])
    return Entry(**values)
