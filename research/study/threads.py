"""One thread for linear algebra: a sum split over threads rounds differently on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold every BLAS that is loaded to one thread in this block, so that the same inputs give the same bytes."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
