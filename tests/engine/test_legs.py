"""Several legs in one account, against an independent ledger and against the account of one metal."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.datasets.market import Market
from research.engine.legs import Legs
from research.engine.portfolio import CAPITAL, run, run_legs
from research.errors import NoDecision, SignalError
from research.execution import Execution

NAMES = ("gold", "silver", "foreign_money")


def make_legs(price, accrual=None):
    index = pd.date_range("2000-01-31", periods=len(price), freq="ME", unit="us")
    accrual = np.zeros(len(price)) if accrual is None else np.asarray(accrual, dtype=float)
    return Legs(
        price=pd.DataFrame(price, index=index, columns=list(NAMES[: np.shape(price)[1]])),
        bill_accrual=pd.Series(accrual, index=index),
        storable=frozenset({"gold", "silver"}),
        averaged=False,
        periods_per_year=12,
    )


def ledger(weights, legs, execution):
    """Cash and units by hand, in plain Python, written from the definition; the last asset is bills."""
    price, accrual = legs.price.to_numpy().tolist(), legs.bill_accrual.tolist()
    days = [0, *(gap.days for gap in np.diff(legs.price.index.to_pydatetime()))]
    n_legs = len(price[0])
    stored = [name in legs.storable for name in legs.price]
    fees, slippage = [execution.fees] * n_legs + [0.0], [execution.slippage] * n_legs + [0.0]
    filled = [[float("nan")] * n_legs] * execution.delay + weights.tolist()[: len(price) - execution.delay]
    first = next(t for t, row in enumerate(filled) if row[0] == row[0])
    cash, units, quote, side = CAPITAL, [0.0] * (n_legs + 1), [1.0] * (n_legs + 1), [0.0] * n_legs
    equity = []
    for t in range(first, len(price)):
        if t > first:
            for k in range(n_legs):
                years = days[t] / 365 if stored[k] else 0.0
                carry = -execution.storage * years if side[k] > 0 else execution.borrow * years if side[k] < 0 else 0.0
                quote[k] *= price[t][k] / price[t - 1][k] * (1 + carry)
            quote[n_legs] *= 1 + accrual[t]
        if filled[t][0] == filled[t][0]:
            wealth = cash + sum(u * q for u, q in zip(units, quote, strict=True))
            target = [*filled[t], 1 - sum(filled[t])]
            orders = {k: target[k] * wealth - units[k] * quote[k] for k in range(n_legs + 1)}
            for k in sorted(orders, key=orders.get):  # sales first, then purchases from the smallest up
                if orders[k] < 0:
                    cash -= orders[k] * (1 - slippage[k]) * (1 - fees[k])
                    units[k] += orders[k] / quote[k]
                else:
                    paid = min(orders[k] * (1 + slippage[k]) * (1 + fees[k]), cash)
                    cash -= paid
                    units[k] += paid / ((1 + slippage[k]) * (1 + fees[k])) / quote[k]
            side = filled[t]
        equity.append(cash + sum(u * q for u, q in zip(units, quote, strict=True)))
    return np.array(equity)


@st.composite
def histories(draw, *, low=-0.5):
    n, n_legs = draw(st.integers(6, 50)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    price = 10 * np.cumprod(1 + rng.uniform(-0.15, 0.17, (n, n_legs)), axis=0)
    accrual = np.concatenate([[0], rng.uniform(0, 0.01, n - 1)])
    weights = rng.uniform(low, 0.6, (n, n_legs)) * draw(st.sampled_from([1.0, 0.5]))
    weights[rng.random(n) < 0.3] = np.nan
    weights[0] = 0.25
    execution = Execution(
        delay=draw(st.integers(1, 2)),
        fees=draw(st.sampled_from([0, 0.001, 0.02])),
        slippage=draw(st.sampled_from([0, 0.0005, 0.01])),
        storage=draw(st.sampled_from([0, 0.004])),
        borrow=draw(st.sampled_from([0, 0.03])),
    )
    return weights, make_legs(price, accrual), execution


def record(weights, legs, execution):
    table = pd.DataFrame(weights, index=legs.price.index, columns=legs.price.columns)
    return run_legs(table, legs, execution, name="random")


@settings(max_examples=80, deadline=None)
@given(histories())
def test_equity_equals_an_independent_ledger(history):
    weights, legs, execution = history
    expected = ledger(weights, legs, execution)
    if (expected <= 0.01 * CAPITAL).any():
        return
    result = record(weights, legs, execution)
    # Covering a short at a cost leaves residues, and vectorbt drops what is under a billionth of its origin.
    dust = 1e-10 if (weights < 0).any() and execution.fees + execution.slippage > 0 else 1e-12
    np.testing.assert_allclose(result.equity.to_numpy(), expected, rtol=dust)
    assert np.prod(1 + result.returns) == pytest.approx(expected[-1] / CAPITAL, rel=dust)


@settings(max_examples=60, deadline=None)
@given(histories(low=0.0))
def test_long_only_accounts_equal_the_ledger_to_the_last_digits(history):
    weights, legs, execution = history
    np.testing.assert_allclose(
        record(weights, legs, execution).equity.to_numpy(), ledger(weights, legs, execution), rtol=1e-12
    )


def test_one_leg_is_the_account_of_one_metal_bit_by_bit():
    rng = np.random.default_rng(4)
    price, accrual = 10 * np.cumprod(1 + rng.normal(0, 0.05, 300)), np.append(0, np.full(299, 0.002))
    weights = rng.uniform(-1, 1, 300)
    legs, execution = make_legs(price[:, None], accrual), Execution()
    one = Market("gold", legs.price["gold"], legs.bill_accrual, False, 12, {})
    alone = run(pd.Series(weights, index=legs.price.index), one, execution, name="x")
    many = record(weights[:, None], legs, execution)
    assert (alone.equity.to_numpy() == many.equity.to_numpy()).all()
    assert (alone.weights.to_numpy() == many.leg_weights["gold"].to_numpy()).all()
    assert (alone.costs.to_numpy() == many.costs.to_numpy()).all()
    assert (alone.metal_excess_returns.to_numpy() == many.leg_excess_returns["gold"].to_numpy()).all()


def test_without_costs_the_excess_return_is_the_weighted_sum_of_the_legs():
    rng = np.random.default_rng(5)
    legs = make_legs(10 * np.cumprod(1 + rng.normal(0, 0.04, (200, 3)), axis=0), np.append(0, np.full(199, 0.003)))
    weights = rng.uniform(0, 0.33, (200, 3))
    result = record(weights, legs, Execution(fees=0, slippage=0, storage=0, borrow=0))
    expected = (weights[:-2] * result.leg_excess_returns.to_numpy()).sum(axis=1)
    np.testing.assert_allclose(result.excess_returns, expected, atol=1e-13)
    np.testing.assert_allclose(result.weights, weights[:-1].sum(axis=1), rtol=1e-12)


def test_money_pays_no_storage_and_metal_does():
    legs = make_legs(np.full((3, 3), 10.0))
    execution = Execution(fees=0, slippage=0, storage=0.0365, borrow=0)
    days = (legs.price.index[2] - legs.price.index[1]).days
    for leg, expected in (("gold", -0.0001 * days), ("foreign_money", 0.0)):
        weights = np.tile([float(leg == name) for name in NAMES], (3, 1))
        assert record(weights, legs, execution).returns.iloc[-1] == pytest.approx(expected, abs=1e-15)


def test_costs_are_those_of_the_orders():
    rng = np.random.default_rng(6)
    legs = make_legs(10 * np.cumprod(1 + rng.normal(0, 0.04, (100, 3)), axis=0))
    result = record(rng.uniform(0, 0.33, (100, 3)), legs, Execution())
    amounts = result.costs.mul(result.equity.shift(1, fill_value=CAPITAL), axis=0)
    assert amounts["fees"].sum() == pytest.approx(result.orders["fees"].sum(), rel=1e-12)
    assert (amounts[["slippage", "storage"]].sum() > 0).all()
    assert set(result.orders["column"]) == {*NAMES, "bills"}


def test_what_cannot_be_run_says_why():
    legs = make_legs(np.full((4, 2), 10.0))
    table = pd.DataFrame(0.5, index=legs.price.index, columns=["gold", "silver"])
    with pytest.raises(SignalError, match="the legs are gold, silver"):
        run_legs(table[["silver", "gold"]], legs, Execution(), name="x")
    with pytest.raises(SignalError, match="some weights of 2000-02-29"):
        run_legs(
            table.mask((table.index == "2000-02-29")[:, None] & (table.columns == "gold")), legs, Execution(), name="x"
        )
    with pytest.raises(SignalError, match="calendar"):
        run_legs(table.iloc[:3], legs, Execution(), name="x")
    with pytest.raises(NoDecision, match="every weight is NaN"):
        run_legs(table * np.nan, legs, Execution(), name="x")
