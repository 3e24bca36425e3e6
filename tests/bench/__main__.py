"""``python -m tests.bench [--out FILE]``: assay beside others, in one run, as one table in Markdown."""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from . import processes, rows, sweeps
from .timing import HEAD, machine

QUESTIONS = (
    rows.single,
    rows.engine_of_record,
    rows.event_driven,
    rows.sweep,
    rows.whole_trial,
    rows.circular_shifts,
    rows.growth,
    sweeps.large_sweeps,
    sweeps.workers,
    processes.memory,
    processes.start_up,
    processes.thesis,
)
WORDS = """\
Both sides of a row are run in turns in one process, each once before it is timed (compilers and caches are warm), and
the least time of each counts. Times are processor times, all threads together; **the ratio of processor times is the
one to quote**, because other work on the machine disturbs it least. The ratio of wall times also has the kernel's use
of all cores in it. A ratio above 1 means that assay takes less. Results are compared before anything is timed, to the
tolerance in the last column; where a library cannot keep an account of metal and bills, both sides keep the simpler
one that is named there. PyBroker cannot size an order at its fill price, so the number of units is given to it.
*Of its limit* is our time over that of a part which no way of working can leave out, taken in the same turns: reading
every weight once, or the divisions, in the widest vectors of the machine; for a command, importing what computes. The
plain compiled loop walks one account after the other, bar by bar. Where the other side was run for a part only and
multiplied, the column says so. Each
library does what its plain call does: the event-driven ones also write down trades and, backtesting.py and PyBroker,
their own statistics.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every question and print the table as it grows."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--out", type=Path, help="write the document to this file as well")
    parser.add_argument("--only", choices=[question.__name__ for question in QUESTIONS], action="append")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")  # of the peers; assay's own are errors in the tests
    begin = time.perf_counter()
    lines: list[str] = []

    def tell(text: str) -> None:
        lines.append(text)
        print(text, flush=True)

    tell("# Benchmarks\n\nWritten by `make bench`.\n")
    tell("\n".join(machine()) + "\n")
    tell(WORDS)
    tell(HEAD)
    for question in QUESTIONS:
        if not options.only or question.__name__ in options.only:
            for row in question():
                tell(row.markdown())
    tell(f"\nMeasured in {time.perf_counter() - begin:.0f} s.")
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
