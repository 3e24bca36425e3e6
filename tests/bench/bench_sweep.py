"""A sweep with its signals beside vectorbt without any, and one worker beside two.

``python tests/bench/bench_sweep.py [--workers]`` prints one table. A thousand variants of each idea are decided and
evaluated on 6,600 daily bars; vectorbt is handed finished weights, twenty variants a frame, and is asked for total
returns, Sharpe ratios and drawdowns only. Both take turns and the best of each counts. *Signals and kernel* is the same
answer as vectorbt's; *whole records* adds the sums that walks and overfitting are judged from. *Not shared* is what the
signals cost when every variant has a panel of its own.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from research import Execution, open_data  # noqa: E402
from research.datasets.market import Market  # noqa: E402
from research.engine import kernel  # noqa: E402
from research.study.candidates import Terms  # noqa: E402
from research.sweep.grid import grid_of  # noqa: E402
from research.sweep.problem import Problem, decide, evaluate  # noqa: E402
from research.sweep.sweep import _problem, run_sweep  # noqa: E402
from tests.bench.bench_kernel import ready, seconds, vectorbt  # noqa: E402
from tests.sweep import ideas  # noqa: E402
from tests.sweep.conftest import write_market  # noqa: E402

ROUNDS = 5
FREE_CARRY = Execution(storage=0.0, borrow=0.0)
AXES = {
    "surge": {"window": range(60, 460, 20), "threshold": np.linspace(0, 2, 50).tolist()},
    "surge_at_once": {"window": range(60, 460, 20), "threshold": np.linspace(0, 2, 50).tolist()},
    "surge_and_hold": {"threshold": np.linspace(0.5, 3, 50).tolist(), "hold_days": range(10, 210, 10)},
}


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        data = open_data(write_market(Path(folder) / "pack", 6_600), bundled=False)
        if "--workers" in sys.argv:
            workers(data, Path(folder))
            return
        print(f"{'1,000 variants x 6,600 bars, processor seconds':<52}{'ours':>9}{'vectorbt':>10}{'ratio':>7}")
        for name, axes in AXES.items():
            idea = getattr(ideas, name)
            grid = grid_of(idea, axes)
            problem = _problem(idea, data, "silver", grid, Terms(FREE_CARRY), 5, 250)
            compare(name, problem)


def compare(name: str, problem: Problem) -> None:
    """Check that both sides agree, then time them in turn."""
    targets = decide(problem, range(20))
    frames = ready(targets, series(problem.market))
    total, drawdown = vectorbt(*frames)
    summary = kernel.sweep(targets, problem.traded)
    np.testing.assert_allclose(summary.total_return, total, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(summary.max_drawdown, drawdown, rtol=1e-10, atol=1e-10)
    questions = {
        "signals and kernel": lambda: [
            kernel.sweep(decide(fresh, fresh.numbers(block)), problem.traded)
            for fresh in [again(problem)]
            for block in range(fresh.n_blocks)
        ],
        "whole records": lambda: [
            evaluate(fresh, block) for fresh in [again(problem)] for block in range(fresh.n_blocks)
        ],
        "signals not shared": lambda: [decide(again(problem), [number]) for number in range(0, len(problem.grid), 10)],
    }
    slow, ours = np.full(2, np.inf), {what: np.full(2, np.inf) for what in questions}
    for _ in range(ROUNDS):
        slow = np.minimum(slow, seconds(lambda: vectorbt(*frames)))
        for what, ask in questions.items():
            ours[what] = np.minimum(ours[what], seconds(ask))
    slow *= len(problem.grid) / len(targets)
    ours["signals not shared"] *= 10
    for what, spent in ours.items():
        print(f"{name + ', ' + what:<52}{spent[1]:>9.3f}{slow[1]:>10.2f}{slow[1] / spent[1]:>7.1f}", flush=True)


def series(market: Market) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Prices, bill accruals and year fractions."""
    return market.price.to_numpy(), market.bill_accrual.to_numpy(), market.year_fraction.to_numpy()


def again(problem: Problem) -> Problem:
    """The same problem with a panel that remembers nothing."""
    import copy
    from dataclasses import replace

    return replace(problem, panel=copy.copy(problem.panel))


def workers(data: object, folder: Path) -> None:
    """Time one and two worker processes on the same grid, from the first block to the last."""
    axes = {"threshold": np.linspace(0.5, 3, 200).tolist(), "hold_days": range(10, 410, 4)}
    spent = {}
    for n in (1, 2, 1, 2):
        clock: list[tuple[float, int]] = []
        run_sweep(
            ideas.surge_and_hold,
            data,
            axes=axes,
            memory=250,
            workers=n,
            cache=folder / str(time.monotonic()),
            progress=lambda done, total, what, clock=clock: clock.append((time.monotonic(), done)),
        )
        (began, first), (ended, last) = clock[1], clock[-1]
        pace = (last - first) / (ended - began)
        spent[n] = max(spent.get(n, 0.0), pace)
        print(f"{n} workers: {pace:,.0f} variants a second after the first block; start {began - clock[0][0]:.1f} s")
    print(f"2 workers against 1: {spent[2] / spent[1]:.2f}")


if __name__ == "__main__":
    main()
