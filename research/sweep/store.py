"""Finished blocks on disk: an interrupted sweep goes on where it stopped.

A sweep has a folder of its own, named by a hash of everything that decides its numbers: the strategy's source, the
grid, the data, the terms, the windows and the code that computes them. A block is written beside and renamed, so that
a file is whole or absent; two processes at work on the same sweep write the same bytes.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from research.datasets.store import write_atomically
from research.errors import RunError
from research.home import home_folder
from research.provenance import hash_code, hash_table, hash_text
from research.sweep.problem import STATISTICS, Floats, Problem


class BlockStore:
    """Records of one sweep, block by block.

    Parameters
    ----------
    problem
        What is being swept.
    cache
        Folder under which the sweep gets its own; by default ``sweeps`` in the user's own.
    """

    def __init__(self, problem: Problem, cache: Path | None = None) -> None:
        self._problem = problem
        self._described = describe(problem)
        text = json.dumps(self._described, sort_keys=True, default=repr)
        self.key = hash_text(text)[:24]
        self.folder = (cache or home_folder() / "sweeps") / self.key

    def open(self, *, fresh: bool = False) -> None:
        """Make the folder; with ``fresh``, without what was in it."""
        if fresh:
            shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            described = json.dumps(self._described, indent=2, default=repr)
            write_atomically(self.folder / "sweep.json", described.encode())
        except OSError as error:
            raise RunError(
                f"sweep: cannot write to {self.folder}: {error.strerror}; name another folder with ASSAY_HOME"
            ) from None

    def kept(self) -> set[int]:
        """Blocks that are on disk and whole."""
        found = (int(path.stem) for path in self.folder.glob("*.npy") if path.stem.isdigit())
        return {block for block in found if block < self._problem.n_blocks and self._read(block) is not None}

    def write(self, block: int, records: Floats) -> int:
        """Keep one block; return its number of variants."""
        buffer = io.BytesIO()
        np.save(buffer, np.ascontiguousarray(records), allow_pickle=False)
        try:
            write_atomically(self._path(block), buffer.getvalue())
        except OSError as error:
            raise RunError(f"sweep: {self._path(block)}: {error.strerror}; what is finished is kept") from None
        return len(records)

    def __iter__(self) -> Iterator[tuple[int, Floats]]:
        """Number of the first variant, and the records, block by block."""
        for block in range(self._problem.n_blocks):
            records = self._read(block)
            if records is None:
                raise RunError(f"sweep: block {block} is gone from {self.folder}; run the sweep again")
            yield self._problem.numbers(block).start, records

    def _read(self, block: int) -> Floats | None:
        try:
            records = np.load(self._path(block), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        wanted = (len(self._problem.numbers(block)), self._problem.n_columns)
        return records if records.shape == wanted and records.dtype == np.float64 else None

    def _path(self, block: int) -> Path:
        return self.folder / f"{block:06d}.npy"


def describe(problem: Problem) -> dict[str, object]:
    """Everything that decides the numbers of a sweep, as plain values."""
    strategy, market, panel = problem.strategy, problem.market, problem.panel
    return {
        "strategy": strategy.name,
        "source": strategy.source_hash,
        "code": fingerprint(),
        "metal": market.metal,
        "grid": {name: [repr(value) for value in values] for name, values in problem.grid.axes.items()},
        "fixed": {name: repr(value) for name, value in problem.grid.fixed.items()},
        "inputs": {identity: hash_table(panel.observations(identity)) for identity in sorted(panel.inputs.values())},
        "decisions": hash_table(panel.decision_times.to_frame()),
        "market": hash_table(market.price.to_frame().assign(bills=market.bill_accrual)),
        "execution": vars(problem.execution),
        "windows": vars(problem.windows) | {"folds": [vars(fold) for fold in problem.windows.folds]},
        "periods_per_year": market.periods_per_year,
        "record": {"statistics": STATISTICS, "columns": problem.n_columns, "rows": problem.rows_per_block},
    }


@cache
def fingerprint() -> str:
    """SHA-256 of the code and the libraries that decide a number: equal on all machines of one sweep."""
    libraries = {name: version(name) for name in ("numpy", "numba", "pandas", "scipy")}
    return hash_text(json.dumps([sys.version_info[:2], libraries, hash_code()]))
