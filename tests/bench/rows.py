"""The questions: each function checks that both sides agree, takes their time in turns and yields rows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from research.engine import kernel, portfolio
from research.engine.exposure import Exposure
from research.execution import Execution

from . import limits, peers
from .bench_kernel import FEES, SLIPPAGE, TERMS, by_hand, history, ready, sweeps, traded, vectorbt
from .timing import Row, agree, compared, duration, exponent, installed, spent, take_turns

N_BARS = 6_600  # 26 years of days
ENGINES = ("rust", "numba")
FLAT_FEE = 0.0015
FLAT = Execution(fees=FLAT_FEE, slippage=0.0, storage=0.0, borrow=0.0)


def single(n_bars: int = N_BARS) -> Iterator[Row]:
    """One backtest of metal and bills: vectorbt, and a loop over the rows of a frame."""
    task = f"one backtest, {n_bars:,} bars"
    market, targets = history(n_bars), sweeps(1, n_bars)[0][1]
    close, weights = ready(targets, market)
    ours = kernel.paths(targets, traded(market))[0]
    opened = ~np.isnan(ours)
    named = {"columns": ["metal", "bills"]}
    frames = (
        pd.DataFrame(close.to_numpy(), close.index, **named),
        pd.DataFrame(weights.to_numpy(), close.index, **named),
    )
    fast = "kernel, summary"
    cases: dict[str, Callable[[], object]] = {fast: lambda: kernel.sweep(targets, traded(market))}
    said = {}
    for engine in ENGINES:
        total, drawdown = vectorbt(close, weights, engine)
        summary = kernel.sweep(targets, traded(market))
        agree(summary.max_drawdown, drawdown, 1e-10)
        said[f"vectorbt ({engine})"] = (
            f"total return and drawdown {agree(summary.total_return, total, 1e-10)}; metal and bills, fees, slippage"
        )
        cases[f"vectorbt ({engine})"] = lambda engine=engine: vectorbt(close, weights, engine)
    path = peers.pandas_loop(*frames, FEES, SLIPPAGE)
    said["pandas loop"] = (
        f"equity at every bar {agree(path[opened], ours[opened], 1e-10)}; metal and bills, fees, slippage"
    )
    cases["pandas loop"] = lambda: peers.pandas_loop(*frames, FEES, SLIPPAGE)
    times = take_turns(cases)
    for name, words in said.items():
        yield compared(f"{task}: kernel, {name}", times[fast], times[name], words)


def engine_of_record(n_bars: int = N_BARS) -> Iterator[Row]:
    """The engine of record with its whole result beside bare vectorbt asked for the same paths."""
    market, targets = history(n_bars), sweeps(1, n_bars)[0][1]
    price, accrual, _ = market
    days = pd.bdate_range("1990-01-01", periods=n_bars)
    real = _market(price, accrual, days)
    decided = pd.Series(targets[0], index=days)
    close, weights = ready(targets, market)

    equity = portfolio.run(decided, real, TERMS, name="bench").equity.to_numpy() / portfolio.CAPITAL
    words = agree(equity, account(close, weights).value().to_numpy()[1:], 1e-10)
    times = take_turns(
        {
            "ours": lambda: portfolio.run(decided, real, TERMS, name="bench"),
            "equity": lambda: account(close, weights).value(),
            "the same": lambda: paths_of(account(close, weights)),
        }
    )
    asked = {"the same": "equity, returns, weights and orders, as the result has", "equity": "equity only"}
    for question, what in asked.items():
        yield compared(
            f"one backtest, {n_bars:,} bars: engine of record with its result, bare vectorbt (rust)",
            times["ours"],
            times[question],
            f"equity at every bar {words}; vectorbt is asked for {what}",
        )


def event_driven(n_bars: int = N_BARS, n_variants: int = 1_000, *, budget: float = 8.0) -> Iterator[Row]:
    """Long or flat: one backtest in each peer, and as many as a sweep has."""
    price, filled, decided = long_or_flat(n_bars)
    still = np.zeros(n_bars)
    market = price, still, still
    equity = kernel.paths(decided, traded(market, FLAT))[0]
    many = np.tile(decided, (n_variants, 1))
    for name, (distribution, make) in peers.PEERS.items():
        if installed(distribution) is None:
            yield Row(task=f"{name}: not installed, skipped", ours="")
            continue
        peer = make(price, filled, FLAT_FEE)
        words = agree_where_nothing_is_filled(peer(), equity, filled)
        times = take_turns(
            {
                "one": lambda: kernel.sweep(decided, traded(market, FLAT)),
                "sweep": lambda: kernel.sweep(many, traded(market, FLAT)),
                "peer": peer,
            },
            budget=budget,
            rounds=4,
        )
        words = f"{words}; long or flat, fee {FLAT_FEE:.2%}, no slippage, cash earns nothing"
        yield compared(f"one backtest, {n_bars:,} bars: kernel, {name}", times["one"], times["peer"], words)
        yield compared(
            f"{n_variants:,} variants × {n_bars:,} bars: kernel, {name}",
            times["sweep"],
            times["peer"] * n_variants,
            f"as above; {name}: one run × {n_variants:,}",
        )


def sweep(n_variants: int = 1_000, n_bars: int = N_BARS, few: int = 20) -> Iterator[Row]:
    """A sweep of finished weights through the kernel, a plain compiled loop and vectorbt."""
    market = history(n_bars)
    for kind, targets in sweeps(n_variants, n_bars)[::3]:
        summary = kernel.sweep(targets, traded(market))
        frames = ready(targets[:few], market)
        task = f"{n_variants:,} variants × {n_bars:,} bars, {kind}: kernel"
        said = {"plain": f"total return and drawdown {agree_with_the_loop(targets, market, summary)}"}
        cases: dict[str, Callable[[], object]] = {
            "ours": lambda targets=targets: kernel.sweep(targets, traded(market)),
            "plain": lambda targets=targets: plain(targets, market),
            "read": lambda targets=targets: limits.read(targets),
            "divide": lambda: limits.divide(2 * n_variants * n_bars),
        }
        for engine in ENGINES:
            total, drawdown = vectorbt(*frames, engine)
            agree(summary.max_drawdown[:few], drawdown, 1e-10)
            words = f"total return and drawdown {agree(summary.total_return[:few], total, 1e-10)}"
            said[engine] = f"{words}; vectorbt: {few} variants × {n_variants // few}"
            cases[engine] = lambda frames=frames, engine=engine: vectorbt(*frames, engine)
        times = take_turns(cases, budget=12.0)
        # A weight that changes at every bar is divided by twice: the value before it is filled and after.
        name = "read" if kind.endswith("keep") else "divide"
        what = {"read": "reading every weight once", "divide": "two divisions a bar"}[name]
        for engine in ENGINES:
            yield compared(
                f"{task}, vectorbt ({engine})", times["ours"], times[engine] * (n_variants / few), said[engine],
                limit=times[name],
            )  # fmt: skip
        words = f"{said['plain']}; the limit is {what} ({duration(times[name].processor)})"
        yield compared(f"{task}, plain compiled loop", times["ours"], times["plain"], words, limit=times[name])


def plain(targets: np.ndarray, market: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    """The sums of the accounts by the plain loop, ``(n_variants, 8)``."""
    price, accrual, _ = market
    out = np.empty((len(targets), 8))
    limits.plain(targets, price, accrual, (1 + FEES) * (1 + SLIPPAGE), (1 - FEES) * (1 - SLIPPAGE), out)
    return out


def agree_with_the_loop(targets: np.ndarray, market: tuple, summary: kernel.Summary) -> str:
    """Compare a summary with the plain loop's: returns, falls, exposure and costs."""
    sums = plain(targets, market)
    for name, column in {"max_drawdown": 1, "exposure": 5, "turnover": 6, "costs": 7}.items():
        factor = {"max_drawdown": 1.0, "exposure": 1 / summary.n_periods}.get(name, 252 / summary.n_periods)
        agree(getattr(summary, name), sums[:, column] * factor, 1e-9)
    return agree(summary.total_return, sums[:, 0], 1e-10)


def circular_shifts(n_shifts: int = 10_000, n_bars: int = 15_000, few: int = 20) -> Iterator[Row]:
    """The statistic of the study's circular shifts, of one series of weights moved in a circle."""
    market = history(n_bars)
    shifts = np.random.default_rng(2).integers(1, n_bars, n_shifts)
    for kind, targets in sweeps(1, n_bars)[::3]:
        exposure, terms = moved_exposure(targets[0], market)
        moved = np.stack([by_hand(targets[0], shift) for shift in shifts[:few]])
        frames = ready(moved, market)
        words = agree(kernel.sweep(moved, traded(market)).total_return, vectorbt(*frames)[0], 1e-10)
        alone = moved_alone(terms, shifts[:few], exposure.n_periods)
        same = agree(exposure.moved_ratios(shifts, 1)[:few], alone, 1e-11)
        times = take_turns(
            {
                "ours": lambda exposure=exposure: exposure.moved_ratios(shifts, 1),
                "plain": lambda terms=terms, n=exposure.n_periods: moved_alone(terms, shifts[:few], n),
                "divide": lambda: limits.divide(n_shifts * n_bars),
                "vectorbt": lambda frames=frames: vectorbt(*frames),
            },
            budget=10.0,
            rounds=4,
        )
        scaled = n_shifts / few
        task = f"{n_shifts:,} circular shifts × {n_bars:,} bars, {kind}: timing, its costs and those of the average"
        yield compared(
            f"{task}, vectorbt (rust) accounts", times["ours"], times["vectorbt"] * scaled,
            f"total return of the accounts {words}; vectorbt: {few} shifts × {n_shifts // few}", limit=times["divide"],
        )  # fmt: skip
        yield compared(
            f"{task}, plain compiled loop", times["ours"], times["plain"] * scaled,
            f"statistic {same}; plain loop: {few} shifts × {n_shifts // few}; "
            f"the limit is one division a bar ({duration(times['divide'].processor)})", limit=times["divide"],
        )  # fmt: skip


def moved_exposure(target: np.ndarray, market: tuple) -> tuple[Exposure, tuple]:
    """One series of weights as the circular shifts read it, and a loop over one account after the other."""
    days = pd.bdate_range("1960-01-01", periods=len(target))
    exposure = Exposure.of_metal(pd.Series(target, days), _market(*market[:2], days), TERMS)
    return exposure, exposure.account


def moved_alone(terms: tuple, shifts: np.ndarray, n: int) -> np.ndarray:
    """Ratios of moved accounts by the loop over one after the other."""
    from research.engine import _loops

    out = np.empty((len(shifts), 2))
    _loops.moved_ratios_of_legs(terms, np.mod(-shifts, n), 1.0, out)
    return out


def growth(n_bars: int = N_BARS, n_variants: int = 500) -> Iterator[Row]:
    """How the cost grows with bars, variants and strategies."""
    market, targets = history(8 * n_bars), sweeps(n_variants, 8 * n_bars)[0][1]

    def evaluate(variants: int, bars: int) -> Callable[[], object]:
        cut = tuple(series[:bars] for series in market)
        part = np.ascontiguousarray(targets[:variants, :bars])
        return lambda: kernel.sweep(part, traded(cut))

    bars = [n_bars // 2 * factor for factor in (1, 2, 4, 8)]
    yield _grown(f"kernel, {n_variants} variants, bars", bars, [evaluate(n_variants, size) for size in bars])
    variants = [n_variants // 8 * factor for factor in (1, 2, 4, 8)]
    yield _grown(f"kernel, {n_bars:,} bars, variants", variants, [evaluate(size, n_bars) for size in variants])
    yield _strategies()


def whole_trial() -> Iterator[Row]:
    """A trial with its verdict, and a sweep with its signals, on a daily market made for it."""
    from research import backtest, open_data
    from research.study.candidates import Terms
    from research.sweep.grid import grid_of
    from research.sweep.problem import decide
    from research.sweep.sweep import _problem
    from tests.sweep import ideas
    from tests.sweep.conftest import write_market

    from .bench_sweep import AXES, FREE_CARRY, again, series

    with tempfile.TemporaryDirectory() as folder:
        data = open_data(write_market(Path(folder) / "pack", N_BARS), bundled=False)
        for name in AXES:
            idea = getattr(ideas, name)
            problem = _problem(idea, data, "silver", grid_of(idea, AXES[name]), Terms(FREE_CARRY), 5, 250)
            few = decide(problem, range(20))
            frames = ready(few, series(problem.market))
            summary = kernel.sweep(few, problem.traded)
            words = agree(summary.total_return, vectorbt(*frames)[0], 1e-10)

            def ours(problem=problem) -> object:
                fresh = again(problem)
                blocks = (decide(fresh, fresh.numbers(block)) for block in range(fresh.n_blocks))
                return [kernel.sweep(block, fresh.traded) for block in blocks]

            times = take_turns({"ours": ours, "vectorbt": lambda frames=frames: vectorbt(*frames)}, rounds=4)
            n = len(problem.grid)
            yield compared(
                f"{n:,} variants × {N_BARS:,} bars with the signals of `{name}`: sweep, vectorbt (rust) without them",
                times["ours"],
                times["vectorbt"] * (n / 20),
                f"total return {words}; vectorbt: 20 finished variants × {n // 20}",
            )
            if name == "surge":
                yield compared(
                    f"the last line of `{name}` in plain pandas, {n:,} times and nothing else, vectorbt (rust)",
                    take_turns({"pandas": partial(_last_lines, problem.panel["demand"], n)}, rounds=4)["pandas"],
                    times["vectorbt"] * (n / 20),
                    "the author's own compare, astype, notna and where, one by one: a sweep asks them at once",
                )
        trial = take_turns({"ours": lambda: backtest(ideas.surge, data, ledger=None)}, rounds=2)["ours"]
        yield Row(
            task=f"`backtest()` to the verdict, {N_BARS:,} bars, grid of 8: circular shifts, bootstrap, all findings",
            ours=duration(trial.processor),
            agreement="no peer gives a verdict; for scale only",
        )


def _last_lines(score: pd.Series, times: int) -> None:
    """What `surge` does anew at every threshold, its score at hand."""
    for threshold in np.linspace(0, 2, times):
        (score > threshold).astype(float).where(score.notna())


def account(close: pd.DataFrame, weights: pd.DataFrame):
    """One account of metal and bills in bare vectorbt."""
    import vectorbt as vbt

    return vbt.Portfolio.from_orders(
        close,
        weights,
        size_type="targetpercent",
        fees=np.array([[FEES, 0.0]]),
        slippage=np.array([[SLIPPAGE, 0.0]]),
        init_cash=1.0,
        cash_sharing=True,
        group_by=True,
        call_seq="auto",
        freq="D",
        engine="rust",
    )


def paths_of(account) -> tuple[pd.Series, pd.Series, pd.Series, np.ndarray]:
    """Equity, returns, weights of metal and order records."""
    value = account.value()
    return value, account.returns(), account.asset_value(group_by=False).iloc[:, 0] / value, account.order_records


def agree_where_nothing_is_filled(theirs: np.ndarray, ours: np.ndarray, filled: np.ndarray) -> str:
    """Compare equity paths on bars without a fill: some peers enter a fill at the close on the next bar only."""
    ours = np.where(np.isnan(ours), 1.0, ours)
    still = np.isnan(filled)
    return f"equity at every bar without a fill {agree(theirs[still], ours[still], 1e-8)}"


def long_or_flat(n_bars: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Price, weights as filled (0 or 1 at a switch, else NaN) and the decisions one bar earlier."""
    price = history(n_bars)[0]
    weights = sweeps(1, n_bars)[1][1][0]
    switches = np.append(False, np.diff(weights) != 0)
    if weights[0] == 1:
        switches[1] = True  # the first bar cannot be filled: nothing was decided before it
    filled = np.where(switches, weights, np.nan)
    filled[-1] = np.nan
    opened = np.flatnonzero(filled == 1)[0]
    filled[:opened] = np.nan
    return price, filled, np.append(filled[1:], np.nan)


def _grown(what: str, sizes: list[int], cases: list[Callable[[], object]]) -> Row:
    times = take_turns({str(size): case for size, case in zip(sizes, cases, strict=True)}, rounds=5)
    seconds = [times[str(size)].processor for size in sizes]
    return _growth_row(what, sizes, seconds)


def _growth_row(what: str, sizes: list[int], seconds: list[float]) -> Row:
    return Row(
        task=f"growth: {what} {sizes[0]:,} to {sizes[-1]:,}",
        ours=f"{duration(seconds[0])} to {duration(seconds[-1])}",
        processor=f"size^{exponent(sizes, seconds):.2f}",
        agreement=f"fitted through {', '.join(f'{size:,}' for size in sizes)}",
    )


def _strategies() -> Row:
    """`compare()` of more and more strategies on the bundled data, by trials in the family."""
    from research import compare, open_data
    from research.discovery import find_strategy

    names = ["momentum_12_months", "gold_silver_ratio", "lease_rate_spike", "falling_dollar"]
    data = open_data()
    sizes, seconds = [], []
    for count in (1, 2, 4):
        chosen = [find_strategy(name) for name in names[:count]]
        study = compare(chosen, data, ledger=None)
        seconds.append(spent(lambda chosen=chosen: compare(chosen, data, ledger=None)).processor)
        sizes.append(len(study.trials))
    return _growth_row("`compare()` on the bundled data, trials", sizes, seconds)


def _market(price: np.ndarray, accrual: np.ndarray, days: pd.DatetimeIndex):
    from research.datasets.market import Market

    return Market("gold", pd.Series(price, days), pd.Series(accrual, days), False, 252, {})
