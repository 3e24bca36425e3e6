"""Take turns, keep the best of each, and write one row."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version

import numpy as np

PACKAGES = ("numpy", "pandas", "numba", "vectorbt", "vectorbt-rust")
PEERS = ("backtesting", "backtrader", "bt", "lib-pybroker")
HEAD = """\
| Task | assay | other | ratio, processor | ratio, wall | of its limit | agreement and terms |
|---|---:|---:|---:|---:|---:|---|"""


@dataclass(frozen=True)
class Time:
    """Seconds of wall and of processor, the least seen of each."""

    wall: float
    processor: float

    def __mul__(self, factor: float) -> Time:
        return Time(self.wall * factor, self.processor * factor)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    task: str
    ours: str
    other: str = ""
    processor: str = ""
    wall: str = ""
    limit: str = ""
    agreement: str = ""

    def markdown(self) -> str:
        cells = (self.task, self.ours, self.other, self.processor, self.wall, self.limit, self.agreement)
        return f"| {' | '.join(cells)} |"


def compared(task: str, ours: Time, other: Time, agreement: str, *, limit: Time | None = None) -> Row:
    """Ratios of the other's time to ours: above 1 is faster than the other; and of ours to its limit's."""
    return Row(
        task=task,
        ours=duration(ours.processor),
        other=duration(other.processor),
        processor=f"{figure(other.processor / ours.processor)} ×",
        wall=f"{figure(other.wall / ours.wall)} ×",
        limit=f"{figure(ours.processor / limit.processor)} ×" if limit else "",
        agreement=agreement,
    )


def take_turns(cases: Mapping[str, Callable[[], object]], *, budget: float = 4.0, rounds: int = 7) -> dict[str, Time]:
    """Call every case once unmeasured, then in turn for `rounds`, or fewer (but two) when `budget` seconds are spent.

    A case that is over in a few milliseconds is repeated within its turn: the processor's clock is coarse.
    """
    repeats = {name: max(1, int(0.02 / max(spent(case).wall, 1e-6))) for name, case in cases.items()}
    best = {name: Time(np.inf, np.inf) for name in cases}
    begin = time.perf_counter()
    for turn in range(rounds):
        if turn >= 2 and time.perf_counter() - begin > budget:
            break
        for name, case in cases.items():
            taken = spent(case, repeats[name])
            best[name] = Time(min(best[name].wall, taken.wall), min(best[name].processor, taken.processor))
    return best


def spent(case: Callable[[], object], repeats: int = 1) -> Time:
    """Time of one call, the mean of `repeats`."""
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        case()
    return Time(time.perf_counter() - wall, time.process_time() - processor) * (1 / repeats)


def command(words: Sequence[str], environment: Mapping[str, str], folder: str) -> Time:
    """Time of a fresh process, which must succeed."""
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *words], env=dict(environment), cwd=folder, capture_output=True, check=True)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - wall
    return Time(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Slope of log time on log size, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def agree(actual: object, expected: object, tolerance: float) -> str:
    """Say how well two results agree; raise AssertionError if they do not."""
    actual, expected = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)
    return f"equal to {tolerance:.0e}"


def machine() -> list[str]:
    """What the figures were measured with: date, machine, versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = [f"{name} {installed(name) or 'absent'}" for name in (*PACKAGES, *PEERS)]
    load = f", load at the start {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return [
        f"- Measured on {date.today():%Y-%m-%d}",
        f"- Machine: {processor_model()}, {cores} cores, {platform.system()} {platform.machine()}{load}",
        f"- Versions: Python {platform.python_version()}, {', '.join(versions)}",
    ]


def installed(name: str) -> str | None:
    """The version of a distribution, None when absent."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def processor_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown processor"


def duration(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{figure(seconds * 1e6)} µs"
    return f"{figure(seconds * 1e3)} ms" if seconds < 1 else f"{figure(seconds)} s"


def figure(value: float) -> str:
    """Three significant digits, no exponent."""
    digits = max(0, 2 - int(np.floor(np.log10(abs(value))))) if value else 0
    return f"{float(f'{value:.3g}'):,.{digits}f}"
