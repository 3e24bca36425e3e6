"""Questions about whole processes: their peak memory, and how long a command takes from nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from research.provenance import LIBRARIES

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


FLOOR = "import numpy, pandas, numba, scipy.special"  # what any answer is computed with
IDEA = """
from research import strategy

@strategy(claim="Silver rises when the lease rate is high", metal="silver", inputs={"lease": "silver_lease_rate"},
          expected_sign=1, grid={"threshold": [0.5, 1.0, 1.5]})
def my_idea(panel, threshold=1.0):
    lease = panel["lease"]
    return (lease > threshold).astype(float).where(lease.notna())
"""


def start_up() -> Iterator[Row]:
    """Fresh processes of what a person types, beside importing vectorbt; the floor is importing what computes."""
    with tempfile.TemporaryDirectory() as folder:
        idea = Path(folder) / "my_idea.py"
        idea.write_text(IDEA, encoding="utf-8")
        asked = {
            "--help": ["--help"],
            "strategies": ["strategies"],
            "data": ["data"],
            "backtest my_idea.py": ["backtest", str(idea)],
            "backtest lease_rate_spike --metal silver": ["backtest", "lease_rate_spike", "--metal", "silver"],
        }
        environment = surroundings(folder)
        cases = {f"`assay {name}`": ["-m", "research", *words] for name, words in asked.items()}
        times = fresh({**cases, "vectorbt": ["-c", "import vectorbt"], "floor": ["-c", FLOOR]}, environment)
        first = {name: from_disk(words, environment) for name, words in cases.items()}
    for name in cases:
        yield compared(
            f"start-up: {name}, `import vectorbt`", times[name], times["vectorbt"],
            f"fresh processes, bytecode and files in memory; {first[name].wall:.1f} s of wall time when the files come "
            f"from disk; the floor is `{FLOOR}`",
            limit=times["floor"],
        )  # fmt: skip


def thesis() -> Iterator[Row]:
    """The whole thesis as a table, as JSON and as a page: the same verdicts, and what a form costs over the table."""
    with tempfile.TemporaryDirectory() as folder:
        environment = surroundings(folder)
        words = ["-m", "research", "compare"]
        forms = {"table": words, "--json": [*words, "--json"], "--html": [*words, "--html", f"{folder}/thesis.html"]}
        table, document = (printed(forms[name], environment) for name in ("table", "--json"))
        words = agree_on_verdicts(table, document)
        times = fresh({**forms, "floor": ["-c", FLOOR]}, environment)
    n_rows = len(json.loads(document)["trials"])
    for name in forms:
        yield compared(
            f"`assay compare`, {n_rows} rows: {name}, over the table", times[name], times["table"],
            f"{words}; a fresh process; the floor is `{FLOOR}`", limit=times["floor"],
        )  # fmt: skip


def agree_on_verdicts(table: str, document: str) -> str:
    """Compare the last line of a table with the verdicts of its JSON."""
    counted = Counter(claim["verdict"]["word"] for claim in json.loads(document)["claims"].values())
    told = " ".join(table.split())
    for word, n in counted.items():
        assert f"{n} {word}" in told, f"{n} {word} is not in the table"
    return f"{len(document):,} bytes of JSON with the verdicts of the table"


def surroundings(folder: str) -> dict[str, str]:
    """A user's home of its own, with bytecode that is kept."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"ASSAY_HOME": f"{folder}/home", "PYTHONPYCACHEPREFIX": f"{folder}/bytecode", "COLUMNS": "100"}


def fresh(cases: Mapping[str, Sequence[str]], environment: Mapping[str, str]) -> dict[str, Time]:
    """Least time of each in fresh processes, in turns; the first, which compiles bytecode, does not count."""
    best = dict.fromkeys(cases, Time(np.inf, np.inf))
    for turn in range(6):
        for name, words in cases.items():
            taken = command(words, environment, str(ROOT))
            if turn:
                best[name] = Time(min(best[name].wall, taken.wall), min(best[name].processor, taken.processor))
    return best


def from_disk(words: Sequence[str], environment: Mapping[str, str]) -> Time:
    """Time of a fresh process whose files the system has just been asked to forget."""
    for root in {*LIBRARIES, str(ROOT / "research"), str(ROOT / "data"), environment["PYTHONPYCACHEPREFIX"]}:
        for path in Path(root).rglob("*"):
            if path.is_file() and hasattr(os, "posix_fadvise"):
                with path.open("rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return command(words, environment, str(ROOT))


def printed(words: Sequence[str], environment: Mapping[str, str]) -> str:
    """What a command prints."""
    ran = subprocess.run([sys.executable, *words], env=dict(environment), cwd=ROOT, capture_output=True, check=True)
    return ran.stdout.decode()
