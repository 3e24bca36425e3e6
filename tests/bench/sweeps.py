"""Whole sweeps in fresh processes: how time and memory grow with variants and bars, and what workers bring."""

from __future__ import annotations

from collections.abc import Iterator

from .bench_kernel import run
from .timing import Row, duration, exponent

BARS, VARIANTS = 900, (10_000, 100_000, 1_000_000, 10_000_000)
LONG = ((200, 100_000), (200, 1_000_000))
WHOLE = """
import tempfile, time
from pathlib import Path
import numpy as np
from research import Execution, open_data
from research.sweep.sweep import run_sweep
from tests.bench.peak import peak_mebibytes
from tests.sweep import ideas
from tests.sweep.conftest import write_market
with tempfile.TemporaryDirectory() as folder:
    data = open_data(write_market(Path(folder) / "pack", {bars}), bundled=False)
    axes = {{"window": range(60, 460, 20), "threshold": np.linspace(0, 2, {variants} // 20).tolist()}}
    wall, clock, free = time.perf_counter(), time.process_time(), Execution(fees=0, slippage=0, storage=0)
    options = dict(memory=250, n_folds=3, workers={workers}, execution=free)  # costs would leave too little to trade
    run_sweep(ideas.surge, data, axes=axes, by=["window"], cache=Path(folder) / "cache", **options)
    print(time.process_time() - clock, time.perf_counter() - wall, peak_mebibytes())
"""


def large_sweeps() -> Iterator[Row]:
    """Time and peak memory of whole sweeps with their signals, from the first variant to the odds of luck."""
    seconds, peaks = [], []
    for variants in VARIANTS:
        taken, _, peak = _whole(variants, BARS)
        seconds.append(taken)
        peaks.append(peak)
    yield Row(
        task=f"growth: a whole sweep, {BARS} bars, variants {VARIANTS[0]:,} to {VARIANTS[-1]:,}",
        ours=f"{duration(seconds[0])} to {duration(seconds[-1])}",
        processor=f"size^{exponent(VARIANTS, seconds):.2f}",
        agreement=f"peak memory {' and '.join(f'{peak:,.0f} MiB' for peak in (peaks[0], peaks[-1]))}",
    )
    for variants, bars in LONG:
        taken, _, peak = _whole(variants, bars)
        yield Row(
            task=f"a whole sweep, {variants} variants × {bars:,} bars", ours=duration(taken),
            agreement=f"peak memory {peak:,.0f} MiB",
        )  # fmt: skip


def workers(variants: int = 100_000) -> Iterator[Row]:
    """Wall time of one sweep over worker processes: what they bring, and what it costs to start and feed them."""
    _, alone, _ = _whole(variants, 6_600)
    for count in (1, 2, 4):
        _, wall, _ = _whole(variants, 6_600, count)
        yield Row(
            task=f"a whole sweep, {variants:,} variants × 6,600 bars: {count} workers, this process alone",
            ours=duration(wall), other=duration(alone), wall=f"{alone / wall:.2f} ×",
            agreement="the same bytes in tests/sweep; wall times, all threads of this process alone at work",
        )  # fmt: skip


def _whole(variants: int, bars: int, workers: int | None = None) -> list[float]:
    """Processor time, wall time and peak MiB."""
    return [float(word) for word in run(WHOLE.format(variants=variants, bars=bars, workers=workers)).split()]
