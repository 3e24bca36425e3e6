"""The fast path against a ledger written anew here, against vectorbt, and against identities."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.engine import kernel
from research.engine.kernel import TradedMarket
from research.errors import AssayError, ExecutionError, SignalError
from research.execution import Execution

ROOT = Path(__file__).resolve().parents[2]
FREE = Execution(delay=1, fees=0.0, slippage=0.0, storage=0.0, borrow=0.0)
COSTLY = Execution(delay=1, fees=0.001, slippage=0.0005, storage=0.0025, borrow=0.005)


def traded(execution, price, accrual, years, *, periods_per_year=252):
    market = {"price": price, "bill_accrual": accrual, "year_fraction": years, "periods_per_year": periods_per_year}
    return TradedMarket.of(SimpleNamespace(**market, in_price=frozenset()), execution)


def frame(summary):
    return pd.DataFrame(vars(summary))


# --- an independent ledger: units, prices and cash, an order at a time ---


def indices(filled, price, accrual, years, storage, borrow):
    """Total-return index of metal for this sequence of fills, and the bills' index."""
    metal, bills, side = [100.0], [100.0], 0.0
    for bar in range(1, len(price)):
        if not np.isnan(filled[bar - 1]):
            side = filled[bar - 1]
        carry = 1 - storage * years[bar] if side > 0 else 1 + borrow * years[bar] if side < 0 else 1.0
        metal.append(metal[-1] * (price[bar] / price[bar - 1]) * carry)
        bills.append(bills[-1] * (1 + accrual[bar]))
    return np.array(metal), np.array(bills)


def delayed(target, delay):
    target = np.asarray(target, dtype=float)
    return np.concatenate([np.full(min(delay, len(target)), np.nan), target[: max(len(target) - delay, 0)]])


def ledger(target, execution, price, accrual, years):
    """Equity, metal weight after each bar, and the metal orders as (bar, value at the bar's price, cost)."""
    fees, slippage = execution.fees, execution.slippage
    filled = delayed(target, execution.delay)
    metal_index, bill_index = indices(filled, price, accrual, years, execution.storage, execution.borrow)
    cash, units = 1.0, {"metal": 0.0, "bills": 0.0}
    equity, weights, orders = [], [], []
    for bar in range(len(price)):
        quote = {"metal": metal_index[bar], "bills": bill_index[bar]}
        value = cash + units["metal"] * quote["metal"] + units["bills"] * quote["bills"]
        if value <= 0:
            rest = [0.0] * (len(price) - bar)
            return np.array(equity + rest), np.array(weights + rest), orders
        if not np.isnan(filled[bar]):
            wanted = {"metal": filled[bar], "bills": 1 - filled[bar]}
            order = {name: wanted[name] * value - units[name] * quote[name] for name in units}
            for name in sorted(units, key=order.__getitem__):  # metal, the first, on a tie
                if abs(order[name]) < 1e-12 * value:
                    continue
                size = order[name] / quote[name]
                fee, slip = (fees, slippage) if name == "metal" else (0.0, 0.0)
                if size < 0:
                    quantity, price_paid = size, quote[name] * (1 - slip)
                    cash -= quantity * price_paid * (1 - fee)
                else:
                    price_paid = quote[name] * (1 + slip)
                    quantity = min(size, cash / (price_paid * (1 + fee)))
                    cash = max(cash - quantity * price_paid * (1 + fee), 0.0)
                units[name] += quantity
                if name == "metal" and quantity != 0:
                    paid = abs(quantity * (price_paid - quote[name])) + abs(quantity) * price_paid * fee
                    orders.append((bar, abs(quantity * quote[name]) / value, paid / (equity[-1] if equity else 1.0)))
            value = cash + units["metal"] * quote["metal"] + units["bills"] * quote["bills"]
        equity.append(value)
        weights.append(units["metal"] * quote["metal"] / value)
    first = np.flatnonzero(~np.isnan(filled))
    equity = np.array(equity)
    equity[: first[0] if first.size else len(equity)] = np.nan
    return equity, np.array(weights), orders


@st.composite
def markets(draw, largest_bar=120):
    n_bars = draw(st.integers(2, largest_bar))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    price = 1000 * np.exp(np.cumsum(random.normal(0, draw(st.sampled_from([0.001, 0.01, 0.03])), n_bars)))
    accrual = random.uniform(-0.0001, 0.0005, n_bars)
    years = random.integers(1, 5, n_bars) / 365
    return price, accrual, years


@st.composite
def target_rows(draw, n_bars, lowest=-1.5, highest=2.0):
    """Weights of every kind: dense or rare, from a few levels or from a range, with a warm-up of NaN."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(
        st.sampled_from([(0.0, 1.0), (-1.0, 0.0, 1.0), (0.5,), (1.0,), (-1.0,), (lowest, 0.3, highest), None])
    )
    shape = (draw(st.integers(1, 4)), n_bars)
    rows = random.uniform(lowest, highest, shape) if levels is None else random.choice(levels, shape)
    rows[random.random(shape) < draw(st.sampled_from([0.0, 0.5, 0.95]))] = np.nan
    rows[:, : draw(st.integers(0, n_bars))] = np.nan
    return rows


terms = st.builds(
    Execution,
    delay=st.integers(1, 4),
    fees=st.sampled_from([0.0, 0.0001, 0.001, 0.02]),
    slippage=st.sampled_from([0.0, 0.0005, 0.01]),
    storage=st.sampled_from([0.0, 0.0025]),
    borrow=st.sampled_from([0.0, 0.005, 0.35]),
)


def close(actual, expected, tolerance=1e-10):
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def history(n_bars=300, seed=3, volatility=0.01):
    random = np.random.default_rng(seed)
    price = 20 * np.exp(np.cumsum(random.normal(0.0002, volatility, n_bars)))
    return price, np.full(n_bars, 0.0001), np.full(n_bars, 1 / 252)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_equity_and_summary_equal_the_ledger(data):
    market = data.draw(markets())
    rows = data.draw(target_rows(len(market[0])))
    execution = data.draw(terms)
    equity = kernel.paths(rows, traded(execution, *market))
    summary = kernel.sweep(rows, traded(execution, *market))
    price, accrual, years = market
    for i, row in enumerate(rows):
        expected, weights, orders = ledger(row, execution, *market)
        close(equity[i], expected)
        assert summary.n_trades[i] == len(orders)
        opened = np.flatnonzero(~np.isnan(expected))
        if opened.size == 0:
            assert summary.first_fill[i] == -1
            assert np.isnan(summary.total_return[i])
            continue
        first = opened[0]
        assert summary.first_fill[i] == first
        close(summary.total_return[i], expected[-1] - 1)
        n = len(price) - 1 - first
        assert summary.n_periods[i] == n
        if n == 0 or summary.bankrupt_at[i] >= 0:
            continue
        value = np.concatenate([[1.0], expected[first + 1 :]])
        returns = value[1:] / value[:-1] - 1
        close(summary.cagr[i], np.prod(1 + returns) ** (252 / n) - 1)
        seeded = np.concatenate([[1.0], expected[first:]])
        close(summary.max_drawdown[i], np.min(seeded / np.maximum.accumulate(seeded)) - 1)
        close(summary.exposure[i], np.mean(weights[first:-1]))
        close(summary.turnover[i], sum(order[1] for order in orders) * 252 / n)
        close(summary.costs[i], sum(order[2] for order in orders) * 252 / n)
        if n < 4:
            continue
        excess = returns - accrual[first + 1 :]
        close(summary.volatility[i], np.std(returns, ddof=1) * np.sqrt(252), 1e-9)
        risk = np.std(excess, ddof=1)
        if risk > 1e-9:
            close(summary.sharpe[i], np.mean(excess) / risk * np.sqrt(252), 1e-8)
        metal = price[first + 1 :] / price[first:-1] * (1 - execution.storage * years[first + 1 :])
        factor = metal - 1 - accrual[first + 1 :]
        design = np.column_stack([np.ones(n), factor])
        (alpha, beta), *_ = np.linalg.lstsq(design, excess, rcond=None)
        close(summary.alpha[i], alpha * 252, 1e-8)
        close(summary.beta[i], beta, 1e-8)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_equity_equals_vectorbt(data):
    market = data.draw(markets())
    row = data.draw(target_rows(len(market[0])))[0]
    execution = data.draw(terms)
    agree_with_vectorbt(row, market, execution)


@pytest.mark.parametrize("levels", [(0.0, 1.0), (-1.0, 0.0, 1.0), (0.3, 0.7), (-1.5, 2.0)])
@pytest.mark.parametrize("keep", [0.0, 0.9])
def test_equity_equals_vectorbt_on_one_history(levels, keep):
    random = np.random.default_rng(7)
    n_bars = 600
    price = 30 * np.exp(np.cumsum(random.normal(0, 0.01, n_bars)))
    market = price, random.uniform(0, 0.0004, n_bars), random.integers(1, 5, n_bars) / 365
    row = random.choice(levels, n_bars)
    row[random.random(n_bars) < keep] = np.nan
    agree_with_vectorbt(row, market, COSTLY)


def agree_with_vectorbt(row, market, execution, tolerance=1e-10):
    vectorbt = pytest.importorskip("vectorbt")
    import pandas as pd

    filled = delayed(row, execution.delay)
    metal, bills = indices(filled, *market, execution.storage, execution.borrow)
    days = pd.date_range("2000-01-03", periods=len(metal))
    portfolio = vectorbt.Portfolio.from_orders(
        pd.DataFrame({"metal": metal, "bills": bills}, index=days),
        pd.DataFrame({"metal": filled, "bills": 1 - filled}, index=days),
        size_type="targetpercent",
        fees=np.array([[execution.fees, 0.0]]),
        slippage=np.array([[execution.slippage, 0.0]]),
        init_cash=1e6,
        cash_sharing=True,
        group_by=True,
        call_seq="auto",
        freq="D",
        engine="rust",
    )
    expected = portfolio.value().to_numpy() / 1e6
    expected[: int(np.argmax(~np.isnan(filled))) if not np.isnan(filled).all() else None] = np.nan
    ruin = np.flatnonzero(expected <= 0)
    if ruin.size:
        expected[ruin[0] :] = 0.0  # vectorbt goes on below zero
    close(kernel.paths(row, traded(execution, *market))[0], expected, tolerance)


def test_a_ruined_account_agrees_with_vectorbt_until_then():
    price = np.array([1.0, 1.0, 1.5, 1.9, 2.5, 0.9, 0.8])
    row = np.array([-1.0, np.nan, -0.8, np.nan, -1.0, 0.5, 0.5])
    agree_with_vectorbt(row, (price, np.full(7, 0.001), np.full(7, 0.1)), COSTLY)


@pytest.mark.parametrize("levels", [(0.0, 1.0), (-1.0, 0.0, 1.0), (0.3, np.nan), (-3.0, np.nan)])
def test_summary_equals_the_engine_of_record(levels):
    import pandas as pd

    from research.datasets.market import Market
    from research.engine.portfolio import run

    price, accrual, _ = history(400, volatility=0.03)
    days = pd.date_range("2001-01-01", periods=400, freq="B", unit="us")
    years = np.diff(days, prepend=days[:1]) / pd.Timedelta(days=365)
    market = Market(
        "gold",
        pd.Series(price, index=days),
        pd.Series(accrual, index=days),
        averaged=False,
        periods_per_year=252,
        datasets={},
    )
    weights = np.random.default_rng(13).choice(levels, 400)
    weights[:7] = np.nan
    record = run(pd.Series(weights, index=days), market, COSTLY, name="one")
    fast = kernel.sweep(weights, traded(COSTLY, price, accrual, years))
    assert days[fast.first_fill[0]] == record.first_fill
    close(fast.total_return[0], record.equity.iloc[-1] / record.capital - 1)
    if record.closed is not None:
        assert days[fast.bankrupt_at[0]] == record.closed
        return
    excess, factor = record.excess_returns, record.metal_excess_returns
    close(fast.sharpe[0], excess.mean() / excess.std() * np.sqrt(252))
    close(fast.volatility[0], record.returns.std() * np.sqrt(252))
    close(fast.beta[0], excess.cov(factor) / factor.var())
    close(fast.exposure[0], record.weights.iloc[:-1].mean())
    close(fast.costs[0], record.costs[["fees", "slippage"]].to_numpy().sum() * 252 / len(record.returns))
    assert fast.n_trades[0] == (record.orders["column"] == "metal").sum()


# --- long histories ---


def by_bars(targets, market, accrual):
    """Statistics of one account from its equity, a bar at a time: the long way round."""
    equity = kernel.paths(targets, market)[0]
    first = int(np.argmax(~np.isnan(equity)))
    seeded = np.append(1.0, equity[first:])
    value = np.append(1.0, equity[first + 1 :])
    x, m = value[1:] / value[:-1] - 1 - accrual[first + 1 :], market.metal_excess[first + 1 :]
    design = np.column_stack([np.ones_like(m), m])
    (alpha, beta), *_ = np.linalg.lstsq(design, x, rcond=None)
    return {
        "total_return": equity[-1] - 1,
        "volatility": np.std(x + accrual[first + 1 :], ddof=1) * np.sqrt(252),
        "sharpe": np.mean(x) / np.std(x, ddof=1) * np.sqrt(252),
        "max_drawdown": np.min(seeded / np.maximum.accumulate(seeded)) - 1,
        "alpha": alpha * 252,
        "beta": beta,
    }


@pytest.mark.parametrize("held", [3, 40, 900])
@pytest.mark.parametrize("drift", [0.001, -0.001])
def test_long_or_flat_equals_its_bars_over_five_orders_of_magnitude(held, drift):
    n_bars, random = 15_000, np.random.default_rng(held)
    price = 10 * np.exp(np.cumsum(random.standard_t(4, n_bars) * 0.008 + drift))
    assert price.max() / price.min() > 1e5
    accrual, years = random.uniform(-0.0002, 0.0006, n_bars), np.full(n_bars, 1 / 252)
    accrual[0] = 0.0
    market = traded(COSTLY, price, accrual, years)
    targets = np.full(n_bars, np.nan)
    changes = np.flatnonzero(random.random(n_bars) < 1 / held)
    targets[changes] = np.resize([1.0, 0.0], changes.size)
    summary = kernel.sweep(targets, market)
    for name, expected in by_bars(targets, market, accrual).items():
        np.testing.assert_allclose(getattr(summary, name)[0], expected, rtol=1e-10, atol=1e-12, err_msg=name)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_repeating_a_settled_target_changes_no_digit(data):
    price, accrual, years = data.draw(markets())
    market = traded(data.draw(terms), price, accrual, years)
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    kept = np.where(random.random(price.size) < 0.1, random.choice([0.0, 1.0], price.size), np.nan)
    kept[0] = 1.0
    repeated = kept[np.maximum.accumulate(np.where(np.isnan(kept), 0, np.arange(kept.size)))]
    one, other = kernel.sweep(kept, market), kernel.sweep(repeated, market)
    assert frame(one).equals(frame(other))


# --- many variants ---


def test_threads_and_blocks_change_no_digit():
    market = history(500)
    rows = np.random.default_rng(10).uniform(-1, 1, (700, 500))
    one = frame(kernel.sweep(rows, traded(COSTLY, *market), threads=1))
    for threads in (2, 5):
        many = kernel.sweep(rows, traded(COSTLY, *market), threads=threads)
        assert frame(many).equals(one)
    blocks = [frame(kernel.sweep(rows[low : low + 33], traded(COSTLY, *market))) for low in range(0, 700, 33)]
    assert pd.concat(blocks, ignore_index=True).equals(one)
    assert len(one) == 700
    np.testing.assert_array_equal(
        kernel.paths(rows, traded(COSTLY, *market), threads=1), kernel.paths(rows, traded(COSTLY, *market), threads=3)
    )


def test_neighbours_change_no_digit():
    """Accounts are walked in step, and what happens to one must not show in another."""
    random, n_bars = np.random.default_rng(17), 400
    rows = random.uniform(-1, 2, (43, n_bars))
    rows[::3] = random.choice([0.0, 1.0], (15, n_bars))
    rows[::4][random.random((11, n_bars)) < 0.95] = np.nan
    rows[5], rows[6, :150], rows[7, 1:], rows[8, 1:] = np.nan, np.nan, np.nan, np.nan
    rows[8, 0], rows[9], rows[10] = -8.0, 1.0, 0.0
    market = traded(COSTLY, *history(n_bars, volatility=0.03))
    together, equity = frame(kernel.sweep(rows, market)), kernel.paths(rows, market)
    assert (together["bankrupt_at"] >= 0).any()
    for i, row in enumerate(rows):
        assert frame(kernel.sweep(row, market)).iloc[0].equals(together.iloc[i])
        np.testing.assert_array_equal(kernel.paths(row, market)[0], equity[i])


def test_an_infinite_target_counts_only_where_it_would_be_filled():
    price, accrual, years = history()
    rows = np.random.default_rng(19).uniform(-1, 1, (3, 300))
    rows[1, 20], rows[2, 299] = np.inf, np.inf
    with pytest.raises(SignalError, match=r"variant 1 .* bar 20"):
        kernel.sweep(rows, traded(COSTLY, price, accrual, years))
    assert len(kernel.sweep(rows[[0, 2]], traded(COSTLY, price, accrual, years))) == 2


def test_callers_may_run_side_by_side():
    market = history(500)
    rows = np.random.default_rng(11).uniform(-1, 1, (200, 500))
    expected = frame(kernel.sweep(rows, traded(COSTLY, *market)))
    found = []
    callers = [
        threading.Thread(target=lambda: found.append(frame(kernel.sweep(rows, traded(COSTLY, *market)))))
        for _ in range(4)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(found) == 4
    assert all(frame.equals(expected) for frame in found)


def test_inputs_are_left_alone_and_may_be_read_only():
    price, accrual, years = history()
    rows = np.asfortranarray(np.random.default_rng(12).choice([0, 1], (3, 300)))
    inputs = [rows, price, accrual, years]
    copies = [array.copy() for array in inputs]
    for array in inputs:
        array.flags.writeable = False
    kernel.sweep(rows, traded(COSTLY, *inputs[1:]))
    assert all(np.array_equal(array, copy) for array, copy in zip(inputs, copies, strict=True))


# --- edges and errors ---


def test_nothing_to_trade_gives_nothing():
    market = history(20)
    nothing = kernel.sweep(np.full((2, 20), np.nan), traded(COSTLY, *market))
    assert nothing.first_fill.tolist() == [-1, -1]
    assert nothing.n_trades.tolist() == [0, 0]
    assert np.isnan(nothing.total_return).all()
    assert np.isnan(kernel.paths(np.full(20, np.nan), traded(COSTLY, *market))).all()
    late = kernel.sweep(np.ones(20), traded(replace(COSTLY, delay=20), *market))
    assert late.first_fill.tolist() == [-1]


@pytest.mark.parametrize("n_bars", [0, 1])
def test_no_bar_or_one_bar_is_too_short_to_fill(n_bars):
    market = np.ones(n_bars), np.zeros(n_bars), np.zeros(n_bars)
    summary = kernel.sweep(np.ones((3, n_bars)), traded(COSTLY, *market))
    assert summary.first_fill.tolist() == [-1, -1, -1]
    assert kernel.paths(np.ones((3, n_bars)), traded(COSTLY, *market)).shape == (3, n_bars)
    assert len(kernel.sweep(np.ones((0, n_bars)), traded(COSTLY, *market))) == 0


def test_a_fill_at_the_last_bar_costs_and_earns_nothing():
    market = history(10)
    summary = kernel.sweep(np.ones(10), traded(replace(FREE, fees=0.001, delay=9), *market))
    assert (summary.first_fill[0], summary.n_periods[0], summary.n_trades[0]) == (9, 0, 1)
    close(summary.total_return[0], 1 / 1.001 - 1, 1e-15)
    close(summary.max_drawdown[0], 1 / 1.001 - 1, 1e-15)
    assert np.isnan([summary.cagr[0], summary.sharpe[0], summary.turnover[0]]).all()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"targets": np.ones((1, 4))}, SignalError, "targets: shape"),
        ({"targets": np.array([[1.0, 0.0, 1.0], [0.0, np.inf, 0.0]])}, SignalError, "variant 1 .* bar 1"),
        (
            {"execution": replace(COSTLY, storage=0.9), "years": np.full(3, 2.0)},
            ExecutionError,
            "eats the whole",
        ),
    ],
)
def test_errors_are_one_line_that_names_the_culprit(change, error, words):
    arguments = {
        "targets": np.ones((1, 3)),
        "price": np.ones(3),
        "accrual": np.zeros(3),
        "years": np.full(3, 0.1),
        "periods_per_year": 12,
        "execution": COSTLY,
        **change,
    }
    targets = arguments.pop("targets")
    with pytest.raises(error, match=words) as caught:
        kernel.sweep(targets, traded(**arguments))
    assert isinstance(caught.value, AssayError)
    assert "\n" not in str(caught.value)


def test_importing_the_kernel_does_not_import_the_compiler():
    check = "import sys; import research.engine.kernel; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode == 0


@pytest.mark.slow
def test_works_where_no_cache_can_be_written(tmp_path):
    check = (
        "import numba.core.caching as caching\n"
        "caching.CacheImpl._locator_classes = []\n"
        "from research.engine import kernel\n"
        "from tests.engine.test_kernel import FREE, traded\n"
        "print(kernel.paths([1.0, 1.0, 1.0], traded(FREE, [1.0, 2.0, 4.0], [0.0] * 3, [0.0] * 3))[0, -1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.stdout == "2.0\n", done.stderr
