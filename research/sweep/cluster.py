"""The same blocks on Dask distributed: workers on this machine, or a cluster at an address.

The bytes are those of a serial sweep. The problem (panel, market, strategy) is a task that all others need: it travels
once to each worker, and after that a task is a number. A worker that dies costs the time of its unfinished blocks: the
scheduler gives them to others, and the problem to a worker that takes its place. At most a few blocks a worker are
under way, so that results never pile up here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from types import ModuleType
from typing import TYPE_CHECKING

from research.errors import ExecutionError, RunError, need
from research.sweep.problem import Floats, Problem, evaluate
from research.sweep.store import fingerprint

if TYPE_CHECKING:
    from distributed import Client, Future

_AHEAD = 3  # blocks under way for each worker
_PATIENCE = "15s"
_ALONE = 60.0  # seconds after which somebody looks whether any worker is left


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
