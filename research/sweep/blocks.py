"""The blocks of a sweep: finished ones on disk, and others evaluated by workers of Dask distributed.

A sweep has a folder of its own, named by a hash of everything that decides its numbers: the strategy's source, the
grid, the data, the terms, the windows and the code that computes them. A block is written beside and renamed, so that
a file is whole or absent; two processes at work on the same sweep write the same bytes, and an interrupted sweep goes
on where it stopped.

Workers on this machine, or of a cluster at an address, give the bytes of a serial sweep. The problem (panel, market,
strategy) is a task that all others need: it travels once to each worker, and after that a task is a number. A worker
that dies costs the time of its unfinished blocks: the scheduler gives them to others, and the problem to a worker that
takes its place. At most a few blocks a worker are under way, so that results never pile up here.
"""

from __future__ import annotations

import io
import json
import logging
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import cache
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from research.datasets.store import write_atomically
from research.errors import ExecutionError, RunError, need
from research.home import home_folder
from research.provenance import hash_code, hash_table, hash_text
from research.sweep.problem import STATISTICS, Floats, Problem, evaluate

if TYPE_CHECKING:
    from distributed import Client, Future

_AHEAD = 3  # blocks under way for each worker
_PATIENCE = "15s"
_ALONE = 60.0  # seconds after which somebody looks whether any worker is left


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
        self.key = hash_text(json.dumps(describe(problem), sort_keys=True, default=repr))[:24]
        self.folder = (cache or home_folder() / "sweeps") / self.key

    def open(self, *, fresh: bool = False) -> None:
        """Make the folder; with ``fresh``, without what was in it."""
        if fresh:
            shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
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
    """SHA-256 of the code and of the libraries that decide a number: equal on all machines of one sweep."""
    libraries = {name: version(name) for name in ("numpy", "numba", "pandas", "scipy")}
    return hash_text(json.dumps([sys.version_info[:2], libraries, hash_code()]))


def evaluate_blocks(
    problem: Problem, key: str, blocks: Iterable[int], *, workers: int | None, scheduler: str | None
) -> Iterator[tuple[int, Floats]]:
    """Evaluate blocks on ``workers`` local processes, or on the cluster at ``scheduler``, as they finish.

    Raises
    ------
    ExecutionError
        If nothing answers at the address.
    DataError
        If Dask distributed is not installed.
    RunError
        If a block kills every worker that tries it, no worker is left, or a worker runs other versions.
    """
    distributed = need("distributed")
    with ExitStack() as stack:
        client = stack.enter_context(_client(distributed, stack, workers, scheduler))
        import cloudpickle

        # the strategy's own code inside: workers need not have its files
        brought = client.submit(cloudpickle.loads, cloudpickle.dumps(problem), key=f"assay-{key}")

        def submit(block: int) -> Future:
            return client.submit(_evaluate_block, brought, block, fingerprint(), key=f"{key}-{block}")

        waiting = iter(blocks)
        n_workers = workers or max(1, _count(client))
        block_of = {submit(block): block for block in islice(waiting, _AHEAD * n_workers)}
        while block_of:
            try:
                done = distributed.wait(list(block_of), timeout=_ALONE, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                if not _count(client):
                    remedy = "start workers and type the same command again: what is finished is kept"
                    raise RunError(f"cluster: no worker is left at {scheduler or 'this machine'}; {remedy}") from None
                continue
            for future in done:
                block = block_of.pop(future)
                try:
                    yield block, future.result()
                except distributed.KilledWorker:
                    remedy = "give the workers more memory"
                    raise RunError(f"cluster: block {block} killed every worker that tried it; {remedy}") from None
                future.release()
                block_of |= {submit(following): following for following in islice(waiting, 1)}


def _evaluate_block(problem: Problem, block: int, expected_fingerprint: str) -> Floats:
    """Records of one block, computed on one thread of a worker whose digits are the caller's."""
    if fingerprint() != expected_fingerprint:
        raise RunError("cluster: a worker runs other versions of assay or its libraries; install the same on all")
    return evaluate(problem, block, threads=1)


def _count(client: Client) -> int:
    return len(client.scheduler_info(n_workers=-1)["workers"])


def _client(distributed: ModuleType, stack: ExitStack, workers: int | None, scheduler: str | None) -> Client:
    if scheduler:
        try:
            return distributed.Client(scheduler, timeout=_PATIENCE)
        except (OSError, ValueError) as error:
            raise ExecutionError(f"--scheduler {scheduler}: no Dask scheduler answers there ({error})") from None
    local = distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=logging.CRITICAL
    )
    return distributed.Client(stack.enter_context(local))
