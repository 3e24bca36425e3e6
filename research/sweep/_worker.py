"""What runs inside a Dask worker. Imported only when a cluster is asked for."""

from __future__ import annotations

import cloudpickle
from distributed.diagnostics.plugin import WorkerPlugin

from research.errors import RunError
from research.sweep.problem import Floats, Problem, evaluate
from research.sweep.store import fingerprint

_problems: dict[str, Problem] = {}


class Bring(WorkerPlugin):  # type: ignore[misc]
    """Carries the problem to every worker once, also to one that joins or starts again later."""

    def __init__(self, key: str, payload: bytes) -> None:
        self.name = f"assay-{key}"
        self._key = key
        self._payload = payload

    def setup(self, worker: object) -> None:
        """Unpack the problem in the worker's process."""
        _problems[self._key] = cloudpickle.loads(self._payload)

    def teardown(self, worker: object) -> None:
        """Let it go."""
        _problems.pop(self._key, None)


def evaluate_block(key: str, block: int, expected_fingerprint: str) -> Floats:
    """Records of one block, computed on one thread.

    Raises
    ------
    RunError
        If this worker's code or libraries differ from the caller's: its digits might, too.
    """
    if fingerprint() != expected_fingerprint:
        raise RunError("cluster: a worker runs other versions of assay or its libraries; install the same on all")
    return evaluate(_problems[key], block, threads=1)
