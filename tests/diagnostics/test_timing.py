"""The timing series by other code, its error by its definition, and what events and moved histories are."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from research.diagnostics.long_run import Estimate
from research.diagnostics.timing import (
    MINIMUM_PERIODS,
    Effects,
    Numbers,
    Timing,
    circular_shifts,
    comparable,
    cosine_numbers,
    independent_events,
    integrated_autocorrelation_time,
    n_cosines,
    pooled,
    share_as_good,
    shifted_statistics,
    unit_of_mean,
    unit_of_ratio,
)
from research.engine.exposure import Exposure


def exposure(weights, metal, *, fees=0.0, bills=0.0, start="1980-01", unknown=0):
    w, m = np.asarray(weights, dtype=float).reshape(len(metal), -1), np.asarray(metal).reshape(len(metal), -1)
    return Exposure(
        wanted=w,
        long=1 + bills + m,
        short=1 + bills + m,
        bills=np.full(len(m), 1 + bills),
        buying=np.full(w.shape[1], fees),
        selling=np.full(w.shape[1], fees),
        dates=pd.date_range(start, periods=len(m), freq="ME"),
        periods_per_year=12,
        n_unknown=unknown,
    )


def world(seed=1, n=240, rho=0.9):
    rng = np.random.default_rng(seed)
    x, w = 0.0, np.empty(n)
    for t in range(n):
        x = rho * x + rng.standard_normal()
        w[t] = x > 0
    return w, 0.004 + 0.05 * rng.standard_normal(n)


def test_the_series_is_the_definition_by_plain_loops():
    w, m = world()
    z = [w[t] - (np.mean(w[:t]) if t else w[0]) for t in range(len(w))]
    expected = (np.array(z) - np.mean(z)) * (m - np.mean(m))
    timing = Timing.of(exposure(w, m))
    np.testing.assert_allclose(timing.gross, expected, atol=1e-15)
    np.testing.assert_allclose(timing.active, z, atol=1e-15)
    np.testing.assert_allclose(timing.series(-1), -expected, atol=1e-15)
    assert timing.weight_covariance == pytest.approx(np.cov(z, w, ddof=0)[0, 1])


def test_drift_cancels_exactly_and_a_fixed_weight_times_nothing():
    w, m = world()
    np.testing.assert_allclose(Timing.of(exposure(w, m + 0.01)).gross, Timing.of(exposure(w, m)).gross, atol=1e-15)
    assert not Timing.of(exposure(np.full(len(m), 0.6), m)).is_timed
    opening = np.where(np.arange(len(m)) < 100, 1.0, 0.0)
    assert Timing.of(exposure(opening, m)).entries.empty, "an opening spell is no event"


def test_costs_are_of_the_trades_beyond_those_of_the_average_held():
    w = np.array([1.0, 1.0, 0.0, 0.0, 1.0, 1.0])
    timing = Timing.of(exposure(w, np.zeros(6), fees=0.01))
    averages = [1.0, 1.0, 1.0, 2 / 3, 0.5, 0.6]
    own = [0, 0, 0.01, 0, 0.01, 0]
    mix = [0, *(0.01 * np.abs(np.diff(averages)))]
    np.testing.assert_allclose(timing.cost, np.array(own) - mix, atol=1e-15)
    np.testing.assert_allclose(timing.series(1), timing.gross - timing.cost, atol=1e-15)


def test_several_legs_add_up():
    w, m = world(1)
    v, k = world(2)
    both = Timing.of(exposure(np.column_stack([0.5 * w, 0.5 * v]), np.column_stack([m, k])))
    alone = [Timing.of(exposure(0.5 * x, y)) for x, y in ((w, m), (v, k))]
    np.testing.assert_allclose(both.gross, alone[0].gross + alone[1].gross, atol=1e-15)


def test_the_numbers_are_the_cosines_of_lazarus_and_the_interval_is_students():
    rng = np.random.default_rng(3)
    psi = rng.standard_normal(300)
    nu = n_cosines(300)
    assert nu == round(0.25 * 300 ** (2 / 3)) == 11
    assert n_cosines(60) == 8
    assert n_cosines(40 * 252, 252) == n_cosines(480) == 15, "by the calendar"
    numbers = cosine_numbers(psi, nu)
    t = (np.arange(300) + 0.5) / 300
    expected = [np.sqrt(2 / 300) * np.cos(np.pi * j * t) @ psi for j in range(1, nu + 1)]
    np.testing.assert_allclose(numbers, [np.sqrt(300) * psi.mean(), *expected], atol=1e-12)
    estimate = mean_of(psi, nu)
    error = 12 * np.sqrt(np.mean(np.square(expected)) / 300)
    assert estimate.value == pytest.approx(12 * psi.mean())
    assert estimate.error == pytest.approx(error)
    low, high = estimate.interval(0.9)
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.95, nu) * error)
    assert estimate.upper_limit(0.95) == pytest.approx(high)
    assert estimate.p_value == pytest.approx(stats.t.sf(estimate.t, nu))


def test_the_t_of_white_noise_is_students():
    rng = np.random.default_rng(4)
    ts = [Estimate.of_numbers(cosine_numbers(rng.standard_normal(200), 8)).t for _ in range(3000)]
    assert stats.kstest(ts, stats.t(8).cdf).pvalue > 0.01


def mean_of(psi, nu, effects=None):
    """Of one row of months, a year."""
    degrees = effects.degrees_of_freedom if effects else None
    return Estimate.of_numbers(pooled([psi], nu, effects), unit_of_mean([psi], [12.0]), degrees)


def sparse(rng, n=480, events=6, hold=6):
    w = np.zeros(n)
    for start in 20 + 76 * np.arange(events) + rng.integers(0, 30, events):
        w[start : start + hold] = 1.0
    return w


def test_an_effect_does_not_widen_its_own_error():
    rng = np.random.default_rng(8)
    w, m = sparse(rng), 0.05 * rng.standard_normal(480)
    found = []
    for effect in (0.0, 0.03):
        row = Timing.of(exposure(w, m + effect * w))
        found.append(mean_of(row.gross, 15, Effects.of([row], 15)))
        plain = mean_of(row.gross, 15)
    assert found[1].error == pytest.approx(found[0].error)
    assert found[1].value == pytest.approx(found[0].value + 12 * 0.03 * row.weight_covariance)
    assert plain.error > 1.2 * found[1].error


def test_the_freed_error_is_that_of_bell_and_mccaffrey_by_plain_matrices():
    rng = np.random.default_rng(9)
    w, n, nu = sparse(rng), 480, 15
    row = Timing.of(exposure(w, rng.standard_normal(n)))
    effects = Effects.of([row], nu)
    t = (np.arange(n) + 0.5) / n
    C = np.vstack([np.full(n, n**-0.5), *(np.sqrt(2 / n) * np.cos(np.pi * j * t) for j in range(1, nu + 1))])
    z = row.active - row.active.mean()
    g = C @ (z * (w - w.mean()))
    R = np.column_stack([-g[1:] / g[0], np.eye(nu)]) @ C @ np.diag(z)  # independent returns to residual cosines
    V = R @ R.T
    assert effects.bias == pytest.approx(np.trace(V) / nu / np.mean(z**2))
    assert effects.degrees_of_freedom == pytest.approx(np.trace(V) ** 2 / np.trace(V @ V))
    assert 4 < effects.degrees_of_freedom < 7
    d = C @ row.gross
    assert abs(effects.bias - 1) > 0.1
    np.testing.assert_allclose(effects.free(d, 0)[1:], (d[1:] - d[0] * g[1:] / g[0]) / np.sqrt(effects.bias))
    often = Timing.of(exposure(np.tile([1.0, 0.0], n // 2), rng.standard_normal(n)))
    assert Effects.of([often], nu).degrees_of_freedom == pytest.approx(nu, abs=0.2)
    other, smaller = (Timing.of(exposure(size * sparse(np.random.default_rng(11)), row.gross)) for size in (1.0, 0.3))
    pair, unequal = Effects.of([row, other], nu), Effects.of([row, smaller], nu)
    assert (unequal.bias, unequal.degrees_of_freedom) == pytest.approx((pair.bias, pair.degrees_of_freedom))
    twice = Effects.of([row, row], nu)
    assert (twice.bias, twice.degrees_of_freedom) == pytest.approx((effects.bias, effects.degrees_of_freedom))


def test_six_events_have_a_t_of_so_many_degrees():
    rng = np.random.default_rng(10)
    w = sparse(rng)
    row = Timing.of(exposure(w, rng.standard_normal(480)))
    effects = Effects.of([row], 15)
    p = []
    for _ in range(3000):
        m = rng.standard_normal(480)
        psi = (row.active - row.active.mean()) * (m - m.mean())
        p.append(mean_of(psi, 15, effects).p_value)
        numbers = Numbers.of([psi], [psi], 6, 15, effects)
        assert Estimate.of_numbers(numbers.supporting).p_value == pytest.approx(p[-1])
        assert Estimate.of_numbers(numbers.opposing).p_value == pytest.approx(1 - p[-1])
    for level in (0.01, 0.05):
        assert np.mean(np.array(p) <= level) == pytest.approx(level, abs=0.4 * level + 2 * np.sqrt(level / 3000))


def test_an_odd_number_of_periods_has_a_memory_too():
    assert integrated_autocorrelation_time(np.repeat([1.0, 0.0, 1.0, 0.0, 1.0], 5)) > 2


def test_so_many_periods_can_be_timed_and_no_fewer():
    w, m = world(n=MINIMUM_PERIODS)
    assert Timing.of(exposure(w, m)).is_timed
    assert not Timing.of(exposure(w[1:], m[1:])).is_timed


def test_no_mean_and_no_error_have_a_t_that_says_so():
    still = np.array([0.0, 1.0, 2.0])
    np.testing.assert_array_equal(comparable(still, 2), still)
    beyond = np.array([1e12, 1.0, 1.0])  # no p-value of it can be told from 0
    np.testing.assert_array_equal(comparable(beyond, 40), beyond)
    assert np.isnan(Estimate(1.0, 0.0, 8).t)


def test_price_units_are_the_difference_of_means_of_a_position_known_from_the_start():
    """Where the average so far stands still, cov(z, m) / cov(z, w) is the mean in position less the mean out of it."""
    rng = np.random.default_rng(5)
    w = np.tile([1.0, 0.0], 2000)
    m = rng.standard_normal(4000)
    timing = Timing.of(exposure(w, m))
    gap = timing.gross.mean() / timing.weight_covariance
    assert gap == pytest.approx(m[w == 1].mean() - m[w == 0].mean(), abs=2e-3)


def test_a_claim_pools_rows_at_equal_risk_on_their_own_clocks():
    (w, m), (v, k) = world(1, 300), world(2, 120)
    rows = [Timing.of(exposure(w, m)), Timing.of(exposure(v, 7 * k, start="1995-01"))]
    series, nu = [row.series(1) for row in rows], 8
    expected = np.mean([cosine_numbers(psi / psi.std(), nu) for psi in series], axis=0)
    np.testing.assert_allclose(pooled(series, nu), expected)

    def information_ratio(series, dates, nu, year):
        return Estimate.of_numbers(pooled(series, nu), unit_of_ratio(series, dates, year))

    once = information_ratio(series[:1], [rows[0].dates], nu, 12)
    assert once.value == pytest.approx(series[0].mean() / series[0].std() * np.sqrt(12))
    twice = information_ratio([series[0]] * 2, [rows[0].dates] * 2, nu, 12)
    assert (twice.value, twice.error) == pytest.approx((once.value, once.error)), "a copy changes nothing"
    apart = information_ratio([series[0], series[0]], [rows[0].dates, rows[0].dates + pd.DateOffset(years=50)], nu, 12)
    assert apart.value == pytest.approx(once.value * np.sqrt(2)), "two records that share no month are worth more"


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_the_memory_is_the_sum_of_autocorrelations_on_both_sides(rho):
    rng = np.random.default_rng(6)
    x = np.zeros(60_000)
    noise = rng.standard_normal(x.size)
    for t in range(1, x.size):
        x[t] = rho * x[t - 1] + noise[t]
    assert integrated_autocorrelation_time(x) == pytest.approx((1 + rho) / (1 - rho), rel=0.1)
    assert integrated_autocorrelation_time(np.zeros(50)) == 1.0


def test_events_are_entries_farther_apart_than_the_memory():
    n = 480
    squeeze = np.zeros(n)
    for start in range(20, n, 60):
        squeeze[start : start + 13] = 1.0
        squeeze[start + 6] = 0.0  # left and entered again: one event
    rng = np.random.default_rng(7)
    timing = Timing.of(exposure(squeeze, rng.standard_normal(n)))
    assert len(timing.entries) == 16
    assert len(independent_events([timing])) == 8
    vars(timing)["memory"] = 60.0  # what is just so far away is another event
    assert len(independent_events([timing])) == 8
    busy = Timing.of(exposure(rng.random(n) > 0.5, rng.standard_normal(n)))
    assert len(independent_events([busy])) > 80, "a rule that trades without pause is not one event for ever"
    assert len(independent_events([timing, timing])) == 8
    short = Timing.of(exposure(-squeeze, rng.standard_normal(n)))
    assert len(independent_events([short])) == 8
    assert short.entries.equals(timing.entries), "a short is entered when it is opened"


def test_moved_histories_are_those_of_moved_weights():
    w, m = world(8, 120)
    row = Timing.of(exposure(w, m, fees=0.002))
    shifts = np.array([7, 60, -5])
    (found,) = shifted_statistics([row], shifts, 1)
    for shift, (against, supporting) in zip([0, *shifts], found, strict=True):
        moved = Timing.of(exposure(np.roll(w, shift), m, fees=0.002))
        for series, value in ((moved.series(1), supporting), (moved.gross, -against)):
            assert value == pytest.approx(np.sqrt(120) * series.mean() / series.std(), rel=1e-9)
    assert shifted_statistics([row], shifts, -1)[0][0, 0] == pytest.approx(-found[0, 0])
    drawn = circular_shifts([row], 1000, 1)
    assert drawn.min() >= row.memory
    assert drawn.max() <= 120 - row.memory


def test_of_several_rows_the_longest_memory_and_the_longest_calendar_count():
    quick = np.resize([1.0, 0.0, 0.0], 240)
    slow = np.repeat(np.resize([1.0, 0.0], 20), 12)[:120]
    long, short = (Timing.of(exposure(w, world(n=len(w))[1])) for w in (quick, slow))
    assert short.memory > 6 > long.memory
    shifts = circular_shifts([long, short], 1000, 1)
    memory = int(np.ceil(short.memory))
    assert (shifts.min(), shifts.max()) == (memory, 240 - memory)
    together = independent_events([long, short])
    assert len(together) < 240 / memory + 1 < len(independent_events([long]))


def test_the_share_of_moved_histories_counts_ties_and_gaps_against_the_truth():
    assert share_as_good(np.array([2.0, 1.0, 3.0, 2.0, np.nan])) == pytest.approx(4 / 5)
    assert np.isnan(share_as_good(np.array([np.nan, 1.0])))
    assert share_as_good(np.array([1e3, 1e3 - 5e-7, 1e3 - 5e-6])) == pytest.approx(2 / 3), "equal but for rounding"
