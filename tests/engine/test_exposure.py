"""Exposures against the engine of record, and their moved accounts against a walk in plain Python."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.datasets.market import Market
from research.engine import _loops
from research.engine import exposure as module
from research.engine.exposure import Exposure
from research.engine.legs import Legs
from research.engine.portfolio import run, run_legs
from research.errors import NoDecision
from research.execution import Execution
from research.weights import UNKNOWN

FREE = Execution(delay=1, fees=0.0, slippage=0.0, storage=0.0, borrow=0.0)
COSTLY = Execution(delay=2, fees=0.0005, slippage=0.0003, storage=0.0025, borrow=0.02)
RATE = 0.0008
N = 260
DAYS = pd.bdate_range("2001-01-01", periods=N, unit="us")


def gold(seed=1, n=N):
    rng = np.random.default_rng(seed)
    price = pd.Series(300 * np.exp(np.cumsum(rng.normal(0, 0.012, n))), index=DAYS[:n])
    accrual = pd.Series(np.append(0, rng.uniform(0, 0.0004, n - 1)), index=DAYS[:n])
    return Market("gold", price, accrual, averaged=False, periods_per_year=252, datasets={})


def pair(seed=1):
    one, other = gold(seed), gold(seed + 100)
    price = pd.DataFrame({"gold": one.price, "foreign_money": other.price})
    return legs_of(price, one.bill_accrual)


def legs_of(price, accrual):
    return Legs(price=price, bill_accrual=accrual, storable=frozenset({"gold"}), averaged=False, periods_per_year=252)


def decisions(seed, levels=None, *, low=-0.8, high=1.4, kept=0.4):
    rng = np.random.default_rng(seed)
    weights = rng.uniform(low, high, N) if levels is None else rng.choice(levels, N)
    weights[rng.random(N) < kept] = np.nan
    weights[:3], weights[3] = np.nan, 0.5 if levels is None else levels[0]
    return pd.Series(weights, index=DAYS)


# --- the account as it is ---


@pytest.mark.parametrize("seed", range(4))
def test_without_costs_held_weights_are_the_engine_s_whatever_is_wanted(seed):
    decided = decisions(seed)
    _, held, cost = Exposure.of_metal(decided, gold(seed), FREE).walked()
    record = run(decided, gold(seed), FREE, name="x")
    np.testing.assert_allclose(held[:, 0], record.weights.iloc[:-1], rtol=1e-10, atol=1e-12)
    assert not cost.any()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kept", [0.0, 0.9])
def test_all_or_nothing_is_held_exactly_at_any_cost(seed, kept):
    decided = decisions(seed, (0.0, 1.0), kept=kept)
    exposure = Exposure.of_metal(decided, gold(seed), COSTLY)
    _, held, _ = exposure.walked()
    record = run(decided, gold(seed), COSTLY, name="x")
    np.testing.assert_allclose(held[:, 0], record.weights.iloc[:-1], rtol=0, atol=1e-12)
    assert exposure.dates.equals(pd.DatetimeIndex(record.returns.index))
    np.testing.assert_allclose(exposure.excess[:, 0], record.metal_excess_returns, atol=1e-14)


@pytest.mark.parametrize("seed", range(4))
def test_a_buy_cut_by_costs_moves_a_held_weight_by_no_more_than_the_cost(seed):
    decided = decisions(seed)
    _, held, _ = Exposure.of_metal(decided, gold(seed), COSTLY).walked()
    record = run(decided, gold(seed), COSTLY, name="x")
    np.testing.assert_allclose(held[:, 0], record.weights.iloc[:-1], rtol=0, atol=2e-3)


def test_the_active_weight_is_that_held_over_the_average_so_far():
    active, held, _ = Exposure.of_metal(decisions(5), gold(5), COSTLY).walked()
    so_far = [held[0, 0], *(np.mean(held[:k, 0]) for k in range(1, len(held)))]
    np.testing.assert_allclose(active[:, 0], held[:, 0] - so_far, atol=1e-13)


@pytest.mark.parametrize("levels", [(0.0, 1.0), None])
def test_costs_are_those_of_the_engine_less_those_of_the_average_to_second_order(levels):
    """Costs of a bar are taken as fractions of the account at its prices, before the trade."""
    decided, market = decisions(6, levels), gold(6)
    exposure = Exposure.of_metal(decided, market, COSTLY)
    active, held, cost = exposure.walked()
    average = pd.Series(np.nan, index=DAYS)
    average.iloc[3 : 3 + len(held)] = (held - active)[:, 0]

    def paid(targets):
        record = run(targets, market, COSTLY, name="x")
        before = record.equity.shift(1)
        fills = record.costs[["fees", "slippage"]].sum(axis=1) * before
        return (fills / (record.equity + fills)).iloc[1:-1].to_numpy(), record.costs["borrow"].iloc[1:].to_numpy()

    (own, own_borrowed), (mix, mix_borrowed) = paid(decided), paid(average)
    years = market.year_fraction.to_numpy()[-len(held) :]
    growth = market.price.to_numpy()[-len(held) :] / market.price.to_numpy()[-len(held) - 1 : -1]
    borrowed = (np.maximum(-held, 0) - np.maximum(active - held, 0))[:, 0] * growth * years
    expected = own - mix
    np.testing.assert_allclose(cost[1:] - (borrowed * (0.02 + 0.0025))[1:], expected, atol=12 * RATE**2)
    assert abs(expected).max() > 100 * RATE**2
    if levels is None:
        np.testing.assert_allclose(own_borrowed - mix_borrowed, borrowed * 0.02, atol=1e-6)


# --- several legs ---


def table(seed, *, kept):
    rng = np.random.default_rng(seed)
    weights = rng.uniform(-0.4, 0.8, (N, 2))
    weights[rng.random(N) < kept] = np.nan
    weights[:3], weights[3] = np.nan, (0.3, 0.4)
    return pd.DataFrame(weights, index=DAYS, columns=["gold", "foreign_money"])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("execution", "tolerance"), [(FREE, 1e-11), (COSTLY, 3e-3)])
def test_several_legs_are_held_as_the_engine_holds_them(seed, execution, tolerance):
    decided, legs = table(seed, kept=0.5), pair(seed)
    exposure = Exposure.of(decided, legs, execution)
    _, held, _ = exposure.walked()
    record = run_legs(decided, legs, execution, name="x")
    np.testing.assert_allclose(held, record.leg_weights.iloc[:-1], rtol=0, atol=tolerance)
    np.testing.assert_allclose(exposure.excess, record.leg_excess_returns, atol=1e-14)
    if execution is FREE:
        np.testing.assert_allclose((held * exposure.excess).sum(axis=1), record.excess_returns, atol=1e-12)


def test_one_of_two_legs_that_is_never_held_changes_nothing():
    decided = decisions(8)
    both = pd.DataFrame({"gold": decided, "foreign_money": decided * 0.0})
    shifts = np.arange(-20, 20)
    one = Exposure.of(both[["gold"]], legs_of(pair(8).price[["gold"]], pair(8).bill_accrual), COSTLY)
    two = Exposure.of(both, pair(8), COSTLY)
    np.testing.assert_allclose(two.moved_ratios(shifts, 1), one.moved_ratios(shifts, 1), rtol=1e-10)


# --- periods ---


def test_periods_of_which_the_number_is_unknown_are_left_out():
    decided, market = decisions(9, kept=0.0), gold(9)
    whole = Exposure.of_metal(decided, market, COSTLY)
    hidden = decided.copy()
    hidden.iloc[50:60] = UNKNOWN
    hidden.iloc[60:65] = np.nan  # keeps what is unknown
    exposure = Exposure.of_metal(hidden, market, COSTLY)
    left = np.ones(whole.n_periods, dtype=bool)
    left[50 - 3 : 65 - 3] = False
    assert (exposure.n_unknown, whole.n_unknown) == (15, 0)
    assert exposure.dates.equals(whole.dates[left])
    for name in ("wanted", "long", "short", "bills"):
        np.testing.assert_array_equal(getattr(exposure, name), getattr(whole, name)[left])


def test_a_closed_account_ends_where_it_was_closed():
    exposure = Exposure.of_metal(decisions(9), gold(9), COSTLY, closed=DAYS[100])
    assert exposure.dates[-1] == DAYS[100]


def test_nothing_known_or_nothing_to_earn_in_is_said():
    with pytest.raises(NoDecision, match="every weight is unknown"):
        Exposure.of_metal(decisions(9) * 0 + UNKNOWN, gold(9), COSTLY)
    with pytest.raises(NoDecision, match="no period"):
        Exposure.of_metal(decisions(9), gold(9), replace(COSTLY, delay=N))


@pytest.mark.parametrize("bars", [1, 3])
def test_later_is_a_longer_delay(bars):
    decided, market = decisions(10), gold(10)
    later = Exposure.of_metal(decided, market, COSTLY).later(bars)
    delayed = Exposure.of_metal(decided, market, replace(COSTLY, delay=COSTLY.delay + bars))
    assert later.dates.equals(delayed.dates)
    for name in ("wanted", "long", "short", "bills"):
        np.testing.assert_array_equal(getattr(later, name), getattr(delayed, name))


# --- moved in a circle ---


def by_hand(exposure, shift, sign):
    """Ratio before and after costs of one moved account, a period and a leg at a time."""
    n, legs = exposure.wanted.shape
    long, short, bills = exposure.long.tolist(), exposure.short.tolist(), exposure.bills.tolist()
    moved = np.roll(exposure.wanted, shift, axis=0).tolist()
    if np.isnan(moved[0]).any():
        moved[0] = pd.DataFrame(exposure.wanted).ffill().iloc[-shift % n].tolist()

    def drifted(weights, k):
        growth = [(long if w >= 0 else short)[k][leg] for leg, w in enumerate(weights)]
        value = (1 - sum(weights)) * bills[k] + sum(w * g for w, g in zip(weights, growth, strict=True))
        return [w * g / value for w, g in zip(weights, growth, strict=True)]

    def trade(before, after):
        pairs = zip(before, after, exposure.buying, exposure.selling, strict=True)
        return sum((b - a) * buy if b > a else (a - b) * sell for a, b, buy, sell in pairs)

    def borrowed(weights, k):
        return sum(max(-w, 0) * (short[k][leg] - long[k][leg]) for leg, w in enumerate(weights))

    own = mix = moved[0]
    history, active, cost = [own], [[0.0] * legs], [0.0]
    for k in range(1, n):
        before = drifted(own, k - 1)
        own = before if np.isnan(moved[k]).any() else moved[k]
        average = np.mean(history, axis=0).tolist()
        paid = trade(before, own) + borrowed(own, k)
        cost.append(paid - trade(drifted(mix, k - 1), average) - borrowed(average, k))
        active.append([a - b for a, b in zip(own, average, strict=True)])
        mix = average
        history.append(own)
    excess = exposure.excess - exposure.excess.mean(axis=0)
    timing = sign * ((np.array(active) - np.mean(active, axis=0)) * excess).sum(axis=1)
    return [series.mean() / series.std() for series in (timing, timing - np.array(cost))]


KINDS = {
    "graded, every bar": {"levels": None, "kept": 0.0},
    "0 or 1, every bar": {"levels": (0.0, 1.0), "kept": 0.0},
    "0 or 1, kept": {"levels": (0.0, 1.0), "kept": 0.9},
    "long, short or flat, kept": {"levels": (0.5, -1.0, 0.0, 1.0), "kept": 0.8},
    "graded, kept": {"levels": None, "kept": 0.6},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sign", [1, -1])
def test_moved_ratios_equal_a_walk_by_hand(kind, sign):
    exposure = Exposure.of_metal(decisions(11, **KINDS[kind]), gold(11), COSTLY)
    shifts = np.array([0, 1, -1, 7, 100, 250, 3 * N, -2 * N - 5, 64, 65, 66])  # no multiple of the lanes
    expected = [by_hand(exposure, int(shift), sign) for shift in shifts]
    np.testing.assert_allclose(exposure.moved_ratios(shifts, sign), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kept", [0.0, 0.7])
def test_moved_ratios_of_two_legs_equal_a_walk_by_hand(kept):
    exposure = Exposure.of(table(12, kept=kept), pair(12), COSTLY)
    shifts = np.array([0, 3, -50, 200])
    expected = [by_hand(exposure, int(shift), 1) for shift in shifts]
    np.testing.assert_allclose(exposure.moved_ratios(shifts, 1), expected, rtol=1e-10, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(5, 200), st.sampled_from([0.0, 0.5, 0.98]), st.integers(1, 40))
def test_accounts_in_step_are_those_of_the_loop_over_one_after_the_other(seed, n, kept, n_shifts):
    rng = np.random.default_rng(seed)
    levels = (None, (0.0, 1.0), (0.25,), (-1.0, 0.0, 1.5))[rng.integers(4)]
    wanted = rng.uniform(-1, 2, n) if levels is None else rng.choice(levels, n)
    wanted[1:][rng.random(n - 1) < kept] = np.nan
    bills = 1 + rng.uniform(-0.0001, 0.0005, n)
    long = bills + rng.normal(0, 0.01, n)
    exposure = Exposure(
        wanted=wanted[:, None], long=long[:, None], short=(long + rng.uniform(0, 1e-4, n))[:, None], bills=bills,
        buying=np.array([rng.choice([0.0, 0.0015, 0.02])]), selling=np.array([rng.choice([0.0, 0.001])]),
        dates=pd.bdate_range("2000", periods=n), periods_per_year=252,
    )  # fmt: skip
    shifts = rng.integers(-3 * n, 3 * n, n_shifts)
    alone = np.empty((n_shifts, 2))
    _loops.moved_ratios_of_legs(exposure.account, np.mod(-shifts, n), -1.0, alone)
    np.testing.assert_allclose(exposure.moved_ratios(shifts, -1), alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_plain_python_and_the_compiler_give_the_same_digits(kind, monkeypatch):
    one = Exposure.of_metal(decisions(14, **KINDS[kind]), gold(14), COSTLY)
    both = Exposure.of(table(14, kept=0.5), pair(14), COSTLY)
    found = []
    for is_little in (True, False):
        monkeypatch.setattr(module, "_is_little", lambda _, answer=is_little: answer)
        found.append([*one.walked(), *both.walked(), *module.moved_ratios([one], np.arange(70), -1)])
    for plain, compiled in zip(*found, strict=True):
        np.testing.assert_array_equal(plain, compiled)


def test_the_compiler_comes_for_much_work_alone(monkeypatch):
    def come():
        raise ImportWarning

    monkeypatch.delitem(sys.modules, "research.engine._loops", raising=False)
    monkeypatch.setattr(module, "_spent", 0.0)
    monkeypatch.setattr(module, "start_compiler", come)
    exposure = Exposure.of_metal(decisions(15), gold(15), COSTLY)
    exposure.walked()
    assert module.moved_ratios([exposure], np.arange(N), 1)[0].shape == (N, 2)
    with pytest.raises(ImportWarning):
        module.moved_ratios([exposure], np.arange(100_000), 1)
    with pytest.raises(ImportWarning):
        exposure.walked()


@pytest.mark.parametrize("counts", [(1, 2, 3), (4, 4)])
def test_rows_moved_together_are_those_moved_alone(counts, monkeypatch):
    monkeypatch.setattr(module, "_is_little", lambda _: True)
    exposures = [Exposure.of_metal(decisions(k), gold(k), COSTLY).later(later) for k, later in enumerate(counts)]
    shifts = np.arange(-5, 90)
    for together, item in zip(module.moved_ratios(exposures, shifts, -1), exposures, strict=True):
        np.testing.assert_array_equal(together, item.moved_ratios(shifts, -1))


def test_rows_of_one_leg_and_of_two_are_moved_by_the_compiler(monkeypatch):
    monkeypatch.setattr(module, "_is_little", lambda _: True)
    mixed = [Exposure.of_metal(decisions(14), gold(14), COSTLY), Exposure.of(table(14, kept=0.5), pair(14), COSTLY)]
    shifts = np.arange(70)
    for together, item in zip(module.moved_ratios(mixed, shifts, 1), mixed, strict=True):
        np.testing.assert_array_equal(together, item.moved_ratios(shifts, 1))


@pytest.mark.parametrize("weight", [0.0, 1.0, 0.3])
@pytest.mark.parametrize("execution", [FREE, COSTLY])
def test_a_weight_that_never_changes_times_nothing(weight, execution):
    exposure = Exposure.of_metal(pd.Series(weight, index=DAYS), gold(), execution)
    assert np.isnan(exposure.moved_ratios(np.arange(5), 1)).all()


def test_neighbours_and_threads_change_no_digit():
    exposure = Exposure.of_metal(decisions(13), gold(13), COSTLY)
    shifts = np.arange(-700, 700)
    together = exposure.moved_ratios(shifts, 1)
    apart = np.concatenate([exposure.moved_ratios(shifts[k : k + 1], 1) for k in range(0, shifts.size, 97)])
    np.testing.assert_array_equal(together[::97], apart)
