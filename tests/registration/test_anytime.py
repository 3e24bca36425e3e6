"""The running e-values: their formula, and that they err as seldom as they say, looked at every month."""

from __future__ import annotations

from math import exp, sqrt

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from research.diagnostics.anytime import FIRST_LOOK, PRIOR_MONTHS, Account, crossed, log_e_value, running
from tests.registration import alternatives
from tests.registration.calibrate import (
    WORLDS_FOLLOWED,
    Sample,
    falsely_ruled_out,
    falsely_supported,
    main,
    months_to_decide,
)


def test_it_is_the_mixture_of_bets_on_every_ratio():
    series = np.random.default_rng(3).standard_normal(100) + 0.2
    variance = max(float(series @ series), bartlett(series)) / 100
    t = series.sum() / sqrt(variance)
    expected = quad(lambda r: 2 * norm.pdf(r, 0, 0.5 / sqrt(12)) * exp(r * t - 50 * r * r), 0, 3)[0]
    assert exp(log_e_value(series)) == pytest.approx(expected, rel=1e-8)
    assert PRIOR_MONTHS == 48


def bartlett(series):
    n, width = len(series), int(sqrt(len(series))) + 1
    centred = series - series.mean()
    lags = [(1 - j / width) * centred[j:] @ centred[: n - j] for j in range(width)]
    return lags[0] + 2 * sum(lags[1:])


def test_memory_makes_it_cautious():
    """Months that come in runs count for less than months that do not, of the same mean and spread."""
    rng = np.random.default_rng(8)
    runs = np.repeat(rng.standard_normal(40) + 0.5, 6)
    alone = rng.permutation(runs)
    assert bartlett(runs) > float(runs @ runs)
    assert log_e_value(runs) < log_e_value(alone) - 1


@pytest.mark.parametrize("series", [np.ones(FIRST_LOOK - 1), np.zeros(60), np.empty(0)])
def test_it_says_nothing_of_a_short_or_a_still_series(series):
    assert log_e_value(series) == 0


def test_its_unit_does_not_matter():
    series = np.random.default_rng(1).standard_normal(60)
    assert log_e_value(series) == pytest.approx(log_e_value(1e6 * series))


def test_its_mean_is_at_most_one_where_nothing_is_to_be_found():
    series = np.random.default_rng(5).standard_t(5, (120, 10_000))
    e_values = np.exp(log_e_value(series))
    assert e_values.mean() < 1 + 2 * e_values.std() / 100


def account(returns, held, dates, **terms):
    so_far = np.concatenate([held[:1], np.cumsum(held)[:-1] / np.arange(1, len(held))])
    given = {"cost": np.zeros(len(held)), "scale": 1.0, **terms}
    return Account(active=(held - so_far)[:, None], held=held[:, None], excess=returns[:, None], dates=dates, **given)


def test_the_metals_own_mean_is_nothing_to_it():
    rng = np.random.default_rng(2)
    held, returns = (rng.random(120) < 0.5).astype(float), 0.05 * rng.standard_normal(120)
    dates = pd.date_range("2001-01-31", periods=120, freq="ME")
    one, other = (running([account(returns + drift, held, dates)], 1) for drift in (0.0, 0.03))
    pd.testing.assert_frame_equal(one, other, rtol=1e-9)


def test_what_is_worth_having_turns_the_question_round():
    """Of a return of 0.01 declared for a full weight, the rest is the series without it."""
    rng = np.random.default_rng(4)
    held, returns = (rng.random(120) < 0.5).astype(float), 0.05 * rng.standard_normal(120)
    dates = pd.date_range("2001-01-31", periods=120, freq="ME")
    bare = account(returns, held, dates)
    _, effect = ((bare.active - bare.active.mean()) * (one - one.mean()) for one in (bare.excess, bare.held))
    declared = 12 * 0.01 * float(effect.mean())
    planted = account(returns + 0.01 * held, held, dates, worthwhile_return=declared)
    np.testing.assert_allclose(planted.series(120, 1)[1], -bare.series(120, 1)[0], atol=1e-12)
    assert running([planted], 1)["opposing"].iloc[-1] == pytest.approx(running([bare], -1)["supporting"].iloc[-1])


def test_without_a_declared_return_an_information_ratio_of_a_half_is_worth_having():
    rng = np.random.default_rng(4)
    held, returns = (rng.random(240) < 0.5).astype(float), 0.05 * rng.standard_normal(240)
    row = account(returns, held, pd.date_range("2001-01-31", periods=240, freq="ME"), scale=0.02)
    supporting, opposing = row.series(240, 1)
    assert (supporting + opposing).mean() / supporting.std() * sqrt(12) == pytest.approx(0.5)
    weekly = account(returns, held, row.dates, scale=0.02, periods_per_year=52)
    assert (supporting + weekly.series(240, 1)[1]).mean() / supporting.std() * sqrt(52) == pytest.approx(0.5)


def test_a_weight_that_rests_rules_nothing_out():
    returns = 0.05 * np.random.default_rng(4).standard_normal(60)
    row = account(returns, np.ones(60), pd.date_range("2001-01-31", periods=60, freq="ME"))
    assert (running([row], 1) == 1).all(axis=None)


def test_days_are_added_up_to_months_and_costs_taken_off():
    rng = np.random.default_rng(6)
    dates = pd.bdate_range("2001-01-01", "2004-12-31")
    held, returns = (rng.random(len(dates)) < 0.5).astype(float), 0.01 * rng.standard_normal(len(dates))
    cost = np.full(len(dates), 1e-4)
    row = account(returns, held, dates, cost=cost)
    found = running([row], 1)
    assert len(found) == 48
    assert found.index[-1] == dates[-1]
    centred = (row.active - row.active.mean()) * (row.excess - row.excess.mean())
    months = pd.Series(centred[:, 0] - cost, index=dates).groupby(dates.to_period("M")).sum()
    assert np.log(found["supporting"].iloc[-1]) == pytest.approx(float(log_e_value(months.to_numpy())))
    assert (found["supporting"] <= running([account(returns, held, dates)], 1)["supporting"] + 1e-12)[24:].all()


def test_a_row_that_begins_later_counts_from_there():
    rng = np.random.default_rng(7)
    dates = pd.date_range("2001-01-31", periods=60, freq="ME")
    held, returns = (rng.random(60) < 0.5).astype(float), 0.05 * rng.standard_normal(60)
    late = account(returns[30:], held[30:], dates[30:])
    both = running([account(returns, held, dates), late], 1)
    alone = running([account(returns, held, dates)], 1)
    np.testing.assert_allclose(both[:30], alone[:30])
    assert not np.allclose(both[30:], alone[30:])


def test_nothing_to_follow_is_an_empty_table():
    assert running([], 1).empty
    assert crossed(running([], 1)["supporting"], 20) is None


@pytest.mark.parametrize("world", ["silver", "bull_market", "slow signals, averages"])
def test_false_words_are_rare_however_often_one_looks(world):
    found = falsely_supported(world, 150, 0) | falsely_ruled_out(world, 150, 0)
    bar = 0.05 + 2 * sqrt(0.05 * 0.95 / 150)
    for question in ("supported", "supported, other sign", "ruled out"):
        assert np.mean(found.get(question, [0.0])) <= bar, question
    if world == "bull_market":
        assert np.mean(found["product of weight and return"]) > 0.1  # what the centring is for


def test_an_effect_is_found_and_its_lack_too():
    strong = months_to_decide("random_walk", 1.0, 60, 0)
    assert 60 < np.median(strong["months"]) < 160
    nothing = months_to_decide("random_walk", 0.0, 60, 0)
    assert np.mean(np.isfinite(nothing["months"])) > 0.6


def test_the_calibration_asks_the_function_that_is_in_use():
    """One sample of it through rows and dates."""
    sample = WORLDS_FOLLOWED["gold"](3, 0)
    scale, _ = sample.before_it()
    begin, n = sample.before, len(sample.returns)
    dates = pd.date_range("2001-01-31", periods=n - begin, freq="ME")
    k = 1
    row = Account(
        active=sample.active[begin:, k], held=sample.held[begin:, k], excess=sample.returns[begin:, k],
        cost=np.zeros(n - begin), dates=dates, scale=float(scale[k, 0]),
    )  # fmt: skip
    found = np.log(running([row], 1))
    np.testing.assert_allclose(found["supporting"], sample.log_e_values()[0][:, k], atol=1e-9)
    np.testing.assert_allclose(np.log(running([row], -1))["supporting"], sample.log_e_values()[1][:, k], atol=1e-9)
    np.testing.assert_allclose(found["opposing"], sample.log_e_values("opposing")[0][:, k], atol=1e-9)


def test_other_ways_start_at_one():
    rng = np.random.default_rng(0)
    z, m = rng.standard_normal((24, 5)), rng.standard_normal((24, 5))
    for way in (alternatives.naive, alternatives.white, alternatives.regression, alternatives.rotation):
        assert np.isfinite(way(z, m)).all()
        assert (way(z, m)[0] < 1).all()
    assert Sample.of(np.abs(np.sign(z)), m[:, :, None], 12).active.shape == (24, 5, 1)


@pytest.mark.slow
def test_the_calibration_misses_no_bar(tmp_path, capsys):
    assert main(["--samples", "400", "--pictures", str(tmp_path)]) == 0
    assert "No bar is missed." in capsys.readouterr().out
    assert (tmp_path / "following.svg").is_file()
