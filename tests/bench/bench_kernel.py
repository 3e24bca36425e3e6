"""The fast path beside vectorbt in one run: agreement first, then times, peak memory and start-up.

``python tests/bench/bench_kernel.py`` prints one table. Both sides take turns, the best of each counts, and
vectorbt is timed on ready-made frames of a few variants at a time, which is where it is fastest, for
its total returns, Sharpe ratios and drawdowns. The kernel does all of its summary. vectorbt works on one core
and the kernel on all, so the ratio is given twice: of wall times, and of processor times (one core each),
which other work on the machine disturbs less.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from research import Execution  # noqa: E402
from research.engine import kernel  # noqa: E402
from research.engine.kernel import TradedMarket  # noqa: E402
from tests.bench.arrays import of_arrays  # noqa: E402

FEES, SLIPPAGE = 0.001, 0.0005
TERMS = Execution(delay=1, fees=FEES, slippage=SLIPPAGE, storage=0.0, borrow=0.0)
ROUNDS = 5
PEAK = """
import numpy as np
from research import Execution
from research.engine import kernel
from research.engine.kernel import TradedMarket
from tests.bench.arrays import of_arrays
from tests.bench.peak import peak_mebibytes
random = np.random.default_rng(0)
price = 100 * np.exp(np.cumsum(random.normal(0, 0.01, 6600)))
blocks = (random.integers(-1, 2, (500, 6600)).astype(float) for _ in range({blocks}))
market = TradedMarket.of(of_arrays(price, np.full(6600, 1e-4), np.full(6600, 1 / 252)), Execution())
summaries = [kernel.sweep(block, market) for block in blocks]
print(sum(map(len, summaries)), peak_mebibytes())
"""
FIRST_CALL = """
import time
begin = time.perf_counter()
import numba
imported = time.perf_counter()
import numpy as np
from research.engine import kernel
from research.engine.kernel import TradedMarket
from research.execution import Execution
from tests.bench.arrays import of_arrays
market = TradedMarket.of(of_arrays(np.ones(3), np.zeros(3), np.zeros(3)), Execution())
kernel.paths(np.ones(3), market)
print(imported - begin, time.perf_counter() - imported)
"""


def main() -> None:
    """Print the table."""
    for blocks in (2, 200):
        count, peak = run(PEAK.format(blocks=blocks)).split()
        print(f"{int(count):,} variants x 6,600 bars in blocks of 500: peak {float(peak):,.0f} MiB")
    print(f"{'what':<64}{'vectorbt':>14}{'kernel':>14}{'ratio':>8}{'one core':>10}")
    for name, targets in sweeps(1000, 6600):
        market = history(6600)
        compare(
            f"1,000 variants x 6,600 bars, {name}",
            targets,
            market,
            lambda targets=targets, market=market: kernel.sweep(targets, traded(market)),
        )
    with tempfile.TemporaryDirectory() as cache:
        for state in ("cold", "warm", "warm"):
            numba_import, first_call = map(float, run(FIRST_CALL, NUMBA_CACHE_DIR=cache).split())
            print(f"first call, {state} cache: {first_call:.2f} s after {numba_import:.2f} s of importing numba")


def compare(
    name: str,
    sample: np.ndarray,
    market: tuple[np.ndarray, np.ndarray, np.ndarray],
    fast: Callable[[], kernel.Summary],
) -> None:
    """Print one line; vectorbt is timed on a few of the `sample`, scaled by the number of variants."""
    few = sample[:20]
    frames = ready(few, market)
    total, drawdown = vectorbt(*frames)
    summary = fast()
    np.testing.assert_allclose(summary.total_return[: len(few)], total, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(summary.max_drawdown[: len(few)], drawdown, rtol=1e-10, atol=1e-10)
    slow, quick = np.full(2, np.inf), np.full(2, np.inf)
    for _ in range(ROUNDS):
        slow = np.minimum(slow, seconds(lambda: vectorbt(*frames)))
        quick = np.minimum(quick, seconds(fast))
    slow *= len(sample) / len(few)
    wall, processor = slow / quick
    print(f"{name:<64}{slow[0]:>12.2f} s{quick[0]:>12.4f} s{wall:>8.0f}{processor:>10.0f}", flush=True)


def vectorbt(close: pd.DataFrame, size: pd.DataFrame, engine: str = "rust") -> tuple[np.ndarray, np.ndarray]:
    """Total return and drawdown of each pair of columns; the Sharpe ratio is computed as well."""
    import vectorbt as vbt

    pairs = close.shape[1] // 2
    portfolio = vbt.Portfolio.from_orders(
        close,
        size,
        size_type="targetpercent",
        fees=np.tile([FEES, 0.0], pairs)[None, :],
        slippage=np.tile([SLIPPAGE, 0.0], pairs)[None, :],
        init_cash=1e6,
        cash_sharing=True,
        group_by=np.repeat(np.arange(pairs), 2),
        call_seq="auto",
        freq="D",
        engine=engine,
    )
    portfolio.sharpe_ratio()
    return np.atleast_1d(portfolio.total_return()), np.atleast_1d(portfolio.max_drawdown())


def ready(targets: np.ndarray, market: tuple[np.ndarray, np.ndarray, np.ndarray]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Frames of prices and of filled weights, metal and bills in turn."""
    price, accrual, _ = market
    bills = np.cumprod(1 + np.concatenate([[0.0], accrual[1:]]))
    filled = np.full((price.size, len(targets)), np.nan)
    filled[1:] = targets[:, :-1].T
    days = pd.date_range("1966-01-03", periods=price.size, freq="D")
    close = np.tile(np.column_stack([price, bills]), len(targets))
    size = np.stack([filled, 1 - filled], axis=2).reshape(price.size, -1)
    return pd.DataFrame(close, index=days), pd.DataFrame(size, index=days)


def sweeps(n_variants: int, n_bars: int) -> list[tuple[str, np.ndarray]]:
    """Targets as strategies make them: a bar each, held for 40 bars on average, or changed at every bar."""
    random = np.random.default_rng(1)
    changes = random.random((n_variants, n_bars)) < 1 / 40
    changes[:, 0] = True
    latest = np.maximum.accumulate(np.where(changes, np.arange(n_bars), 0), axis=1)

    def held(levels: tuple[float, ...]) -> np.ndarray:
        return np.take_along_axis(random.choice(levels, changes.shape), latest, axis=1)

    long_flat = held((0.0, 1.0))
    return [
        ("long or flat, NaN = keep", np.where(changes, long_flat, np.nan)),
        ("long or flat, every bar", long_flat),
        ("long, short or flat, every bar", held((-1.0, 0.0, 1.0))),
        ("a new weight every bar", random.uniform(-1, 1, changes.shape)),
    ]


def by_hand(target: np.ndarray, shift: int) -> np.ndarray:
    """Turn decisions that begin at the first bar in a circle; one inside a kept position begins with it."""
    shifted = np.roll(target, shift)
    if np.isnan(shifted[0]):
        shifted[0] = shifted[~np.isnan(shifted)][-1]
    return shifted


def traded(market: tuple[np.ndarray, np.ndarray, np.ndarray], execution: Execution = TERMS) -> TradedMarket:
    """What the kernel reads, made anew: its making is a part of every time that is taken."""
    return TradedMarket.of(of_arrays(*market), execution)


def history(n_bars: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Prices, bill accruals and year fractions."""
    random = np.random.default_rng(0)
    return (
        100 * np.exp(np.cumsum(random.normal(0, 0.01, n_bars))),
        np.full(n_bars, 1e-4),
        np.full(n_bars, 1 / 252),
    )


def seconds(work: Callable[[], object]) -> np.ndarray:
    """Wall time and processor time of one call."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return np.array([time.perf_counter() - wall, time.process_time() - processor])


def run(code: str, **environment: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


if __name__ == "__main__":
    main()
