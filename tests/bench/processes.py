"""Questions about whole processes: their peak memory, and how long a command takes from nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import numpy as np

from .bench_kernel import PEAK, ROOT, run
from .timing import Row, Time, command, compared, figure

PEAK_VECTORBT = """
from tests.bench.bench_kernel import history, ready, sweeps, vectorbt
from tests.bench.peak import peak_mebibytes
vectorbt(*ready(sweeps({n}, 6600)[0][1], history(6600)))
print({n}, peak_mebibytes())
"""


def memory() -> Iterator[Row]:
    """Peak memory of whole processes."""
    per_vectorbt = [float(run(PEAK_VECTORBT.format(n=n)).split()[1]) for n in (20, 200)]
    slope = (per_vectorbt[1] - per_vectorbt[0]) / 180
    for blocks in (2, 200):
        count, peak = run(PEAK.format(blocks=blocks)).split()
        other = per_vectorbt[0] + slope * (int(count) - 20)
        yield Row(
            task=f"peak memory, {int(count):,} variants × 6,600 bars: kernel in blocks of 500, vectorbt (rust)",
            ours=f"{float(peak):,.0f} MiB",
            other=f"{other:,.0f} MiB",
            processor=f"{figure(other / float(peak))} × (memory)",
            agreement=(
                f"vectorbt in one frame: line through {per_vectorbt[0]:,.0f} MiB with 20 "
                f"and {per_vectorbt[1]:,.0f} MiB with 200 variants"
            ),
        )


def start_up() -> Iterator[Row]:
    """Fresh processes: help, a mistake in the arguments, and a backtest, beside importing vectorbt."""
    cases = {
        "`assay --help`": ["-m", "research", "--help"],
        "`assay strategies`": ["-m", "research", "strategies"],
        "cold `assay backtest lease_rate_spike --metal silver`": [
            *("-m", "research", "backtest", "lease_rate_spike", "--metal", "silver")
        ],
        "vectorbt": ["-c", "import vectorbt"],
    }
    best = dict.fromkeys(cases, Time(np.inf, np.inf))
    with tempfile.TemporaryDirectory() as folder:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment |= {"ASSAY_HOME": f"{folder}/home", "PYTHONPYCACHEPREFIX": f"{folder}/bytecode", "COLUMNS": "100"}
        for turn in range(3):
            for name, words in cases.items():
                taken = command(words, environment, str(ROOT))
                if turn:  # the first compiles bytecode
                    best[name] = Time(min(best[name].wall, taken.wall), min(best[name].processor, taken.processor))
    for name in list(cases)[:-1]:
        words = "fresh processes from compiled bytecode"
        yield compared(f"start-up: {name}, `import vectorbt`", best[name], best["vectorbt"], words)
