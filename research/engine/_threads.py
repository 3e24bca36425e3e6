"""Parts of a work on as many threads as it is worth; the compiled loops hold no lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_WORTH_A_THREAD = 200_000  # bars times accounts


def in_threads(run: Callable[[int], None], parts: range, size: int, threads: int | None = None) -> None:
    """Run every part; ``size`` is that of the whole in bars times accounts, ``threads`` by default one a core."""
    workers = min(threads or cores(), len(parts), 1 + size // _WORTH_A_THREAD)
    if workers <= 1:
        for part in parts:
            run(part)
        return
    pool = ThreadPoolExecutor(workers)
    try:
        list(pool.map(run, parts))
    finally:
        pool.shutdown(cancel_futures=True)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
