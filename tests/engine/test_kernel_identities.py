"""What must hold of any account, by arithmetic alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from research.engine import kernel
from tests.engine.test_kernel import COSTLY, FREE, close, history, traded


def test_account_without_costs_is_the_product_of_weighted_returns():
    price, _, years = history()
    accrual = np.zeros_like(price)
    weights = np.random.default_rng(0).uniform(-1, 1, price.size)
    growth = 1 + np.concatenate([[0, 0], weights[:-2]]) * np.concatenate([[0], price[1:] / price[:-1] - 1])
    equity = kernel.paths(weights, traded(FREE, price, accrual, years))[0]
    close(equity[1:], np.cumprod(growth)[1:], 1e-12)


def test_always_long_follows_the_price_from_the_fill_on():
    price, accrual, years = history()
    equity = kernel.paths(np.ones(price.size), traded(FREE, price, accrual, years))[0]
    assert np.isnan(equity[0])
    close(equity[1:], price[1:] / price[1], 1e-12)
    summary = kernel.sweep(np.ones(price.size), traded(FREE, price, accrual, years))
    close(summary.alpha, 0.0, 1e-12)
    close(summary.beta, 1.0, 1e-12)
    assert summary.n_trades[0] == 1


def test_flat_account_compounds_the_bills():
    price, _, years = history()
    accrual = np.random.default_rng(1).uniform(0, 0.001, price.size)
    summary = kernel.sweep(np.zeros(price.size), traded(COSTLY, price, accrual, years))
    close(summary.total_return[0], np.prod(1 + accrual[2:]) - 1, 1e-12)
    close(summary.volatility[0], np.std(accrual[2:], ddof=1) * np.sqrt(252), 1e-9)
    assert np.isnan(summary.sharpe[0])
    assert (summary.n_trades[0], summary.costs[0], summary.exposure[0]) == (0, 0.0, 0.0)


def test_costs_lower_the_end_when_there_is_turnover_and_only_then():
    market = history()
    trading = np.resize([1.0, 1.0, 0.0], 300)
    ends = [
        kernel.paths(trading, traded(replace(FREE, fees=fee), *market))[0, -1]
        for fee in (0, 0.0005, 0.001, 0.002, 0.01)
    ]
    assert (np.diff(ends) < 0).all()
    idle = np.zeros(300)
    assert (
        kernel.paths(idle, traded(FREE, *market))[0, -1]
        == kernel.paths(idle, traded(replace(FREE, fees=0.01), *market))[0, -1]
    )


def test_price_unit_does_not_matter():
    price, accrual, years = history()
    weights = np.random.default_rng(2).uniform(-1, 1.5, price.size)
    ounces = kernel.paths(weights, traded(COSTLY, price, accrual, years))
    grams = kernel.paths(weights, traded(COSTLY, price / 31.1034768, accrual, years))
    np.testing.assert_allclose(grams, ounces, rtol=1e-12)


def test_the_future_changes_nothing_before_it():
    price, accrual, years = history()
    weights = np.random.default_rng(4).uniform(-1, 1, price.size)
    before = kernel.paths(weights, traded(COSTLY, price, accrual, years))[0, :200]
    price[200:] *= 3
    weights[200:] = -0.5
    accrual[200:] = 0.01
    assert np.array_equal(kernel.paths(weights, traded(COSTLY, price, accrual, years))[0, :200], before, equal_nan=True)


def test_looking_ahead_pays_only_when_it_undoes_the_delay():
    price, accrual, years = history()
    returns = np.concatenate([[0], price[1:] / price[:-1] - 1])
    honest = kernel.paths(np.sign(returns), traded(FREE, price, accrual, years))[0, -1]
    peeking = kernel.paths(np.sign(np.roll(returns, -2)), traded(FREE, price, accrual, years))[0, -1]
    assert peeking > 5
    assert honest < 1.5


def test_short_is_the_mirror_of_long_bar_by_bar():
    price, _, years = history()
    none = np.zeros(price.size)
    long = kernel.paths(np.ones(price.size), traded(FREE, price, none, years))[0, 1:]
    short = kernel.paths(-np.ones(price.size), traded(FREE, price, none, years))[0, 1:]
    returns = price[2:] / price[1:-1] - 1
    close(short[1:] / short[:-1] - 1, -returns, 1e-12)
    close(long[-1] * short[-1], np.prod(1 - returns**2), 1e-12)


def test_constant_short_trades_at_every_bar():
    market = history(400)
    constant = np.vstack([np.ones(400), -np.ones(400)])
    assert kernel.sweep(constant, traded(FREE, *market)).n_trades.tolist() == [1, 399]


def test_round_trip_at_a_flat_price_costs_what_it_must():
    flat = np.full(4, 50.0), np.zeros(4), np.zeros(4)
    equity = kernel.paths([1.0, 0.0, np.nan, np.nan], traded(replace(FREE, fees=0.001), *flat))[0]
    close(equity[-1], 0.9980019980, 1e-10)
    close(equity[-1], (1 - 0.001 / 1.001) * (1 - 0.001), 1e-15)


def test_prepending_a_bar_shifts_equity_by_one():
    price, accrual, years = history()
    weights = np.random.default_rng(5).choice([-1.0, 0.0, 1.0, np.nan], price.size)
    equity = kernel.paths(weights, traded(COSTLY, price, accrual, years))[0]
    longer = [
        np.concatenate([[value], series]) for value, series in zip((9, 0.5, 3), (price, accrual, years), strict=True)
    ]
    shifted = kernel.paths(np.concatenate([[np.nan], weights]), traded(COSTLY, *longer))[0]
    np.testing.assert_allclose(shifted[1:], equity, rtol=1e-12)


def test_a_split_account_compounds_to_the_whole():
    price, accrual, years = history()
    weights = np.random.default_rng(6).uniform(-1, 1, price.size)
    whole = kernel.paths(weights, traded(FREE, price, accrual, years))[0]
    rest = kernel.paths(np.where(np.arange(price.size) < 149, np.nan, weights), traded(FREE, price, accrual, years))[0]
    assert np.isnan(rest[:150]).all()
    close(whole[150] * rest[150:], whole[150:], 1e-12)


def test_nan_keeps_the_units():
    price, accrual, years = history()
    weights = np.full(price.size, np.nan)
    weights[0] = 0.4
    equity = kernel.paths(weights, traded(FREE, price, accrual, years))[0]
    bills = np.cumprod(1 + accrual)
    close(equity[1:], 0.4 * price[1:] / price[1] + 0.6 * bills[1:] / bills[1], 1e-12)


@pytest.mark.parametrize(("weight", "rate"), [(1.0, -0.0025), (-1.0, 0.35), (0.0, 0.0)])
def test_carry_follows_the_side_held(weight, rate):
    n_bars = 5
    flat = np.full(n_bars, 10.0), np.zeros(n_bars), np.full(n_bars, 0.1)
    keep = np.full(n_bars, np.nan)
    keep[0] = weight
    equity = kernel.paths(keep, traded(replace(FREE, storage=0.0025, borrow=0.35), *flat))[0]
    close(equity[-1], 1 - weight + weight * (1 + rate * 0.1) ** 3, 1e-12)


# --- ruin ---


def test_squeezed_short_is_closed_at_zero_and_stays_there():
    price = np.array([1.0, 1.0, 1.5, 2.5, 1.0, 0.5])
    market = price, np.zeros(6), np.zeros(6)
    equity = kernel.paths([-1.0, np.nan, np.nan, 1.0, 1.0, 1.0], traded(FREE, *market))[0]
    close(equity[1:3], [1.0, 0.5])
    assert equity[3:].tolist() == [0.0, 0.0, 0.0]
    summary = kernel.sweep([[-1.0, *[np.nan] * 5]], traded(FREE, *market))
    assert summary.bankrupt_at[0] == 3
    assert summary.n_periods[0] == 2
    assert (summary.total_return[0], summary.cagr[0], summary.max_drawdown[0]) == (-1.0, -1.0, -1.0)
    assert np.isnan([summary.sharpe[0], summary.volatility[0], summary.alpha[0]]).all()


def test_leverage_can_be_ruined_too():
    price = np.array([1.0, 1.0, 0.6, 2.0])
    keep = np.array([3.0, np.nan, np.nan, np.nan])
    summary = kernel.sweep(keep, traded(FREE, price, np.zeros(4), np.zeros(4)))
    assert summary.bankrupt_at[0] == 2


@pytest.mark.parametrize("wobble", [0.0, 1e-12, 1e-9, 1e-7])
def test_a_metal_that_hardly_moves_gives_no_alpha(wobble):
    n = 300
    price = 35.0 * (1 + wobble * np.random.default_rng(3).standard_normal(n))
    market = price, np.full(n, 0.001), np.full(n, 1 / 12)
    summary = kernel.sweep(np.resize([1.0, 1.0, 0.0], n), traded(replace(FREE, fees=0.005), *market))
    assert summary.n_trades[0] > 100
    for name in ("alpha", "beta"):
        assert np.isnan(getattr(summary, name)[0])
