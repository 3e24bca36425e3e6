import numpy as np
import pytest

from .calibration.worlds import GOLD, SILVER, VOLATILITY, WORLDS, student_garch

WORKING_1960_AUTOCORRELATION_OF_21_DAY_AVERAGES = (21**2 - 1) / (2 * (2 * 21**2 + 1))


def autocorrelation(x, lag=1):
    x = x - x.mean()
    return (x[lag:] @ x[:-lag]) / (x @ x)


def series(world, delay=1, metal=0):
    """The timing series of every strategy, by plain numpy; 0 where there is none yet."""
    held, m = world.held(delay)[delay + 1 :], world.returns[delay + 1 :, metal]
    out = np.zeros_like(held)
    for k, w in enumerate(held.T):
        first = int(np.argmax(~np.isnan(w)))
        w = w[first:]
        z = w - np.concatenate([w[:1], np.cumsum(w)[:-1] / np.arange(1, w.size)])
        out[first:, k] = (z - z.mean()) * (m[first:] - m[first:].mean())
    return out


def ratios(world, **options):
    psi = series(world, **options)
    spread = psi.std(axis=0)
    return np.divide(psi.mean(axis=0), spread, out=np.zeros_like(spread), where=spread > 0) * np.sqrt(12)


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_is_decided_by_its_seed_and_cannot_be_changed(name):
    one, same, other = (WORLDS[name](seed=s, n_bars=300) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.returns, same.returns)
    np.testing.assert_array_equal(one.weights, same.weights)
    assert (one.returns != other.returns).any()
    assert one.weights.shape == (300, 10)
    assert one.returns.shape == one.prices.shape == (300, 2 if name == "two_metals" else 1)
    assert one.name == name
    assert (one.prices > 0).all()
    with pytest.raises(ValueError, match="read-only"):
        one.returns[0] = 1


@pytest.mark.parametrize("name", WORLDS)
def test_weights_do_not_know_the_future(name):
    found = np.concatenate([ratios(WORLDS[name](seed=seed)) for seed in range(60)])
    biased = name.endswith(("contrarian", "momentum"))
    assert abs(found.mean()) < (0.08 if biased else 0.06), "0.16 is the error of one ratio, and ten share a metal"


def test_averages_correlate_as_working_said_and_the_right_fill_does_not_earn_it():
    worlds = [WORLDS["averaged_prices"](seed=seed) for seed in range(40)]
    correlation = np.mean([autocorrelation(world.returns[:, 0]) for world in worlds])
    assert correlation == pytest.approx(WORKING_1960_AUTOCORRELATION_OF_21_DAY_AVERAGES, abs=0.025)
    assert np.mean([ratios(world)[0] for world in worlds]) < 0.08
    assert np.mean([ratios(world, delay=0)[0] for world in worlds]) > 0.5
    variance = np.var(np.concatenate([world.returns for world in worlds]))
    assert variance == pytest.approx(2 / 3 * VOLATILITY**2, rel=0.05)
    points = [WORLDS["point_prices"](seed=seed).returns[:, 0] for seed in range(40)]
    assert abs(np.mean([autocorrelation(returns) for returns in points])) < 0.03


@pytest.mark.parametrize("metal", [GOLD, SILVER])
def test_the_metals_cluster_have_fat_tails_and_are_uncorrelated(metal):
    noise, shocks = student_garch(np.random.default_rng(1), 40_000, metal)
    assert shocks.std() == pytest.approx(1, rel=0.05)
    assert noise.std() == pytest.approx(metal[3], rel=0.4)
    assert abs(autocorrelation(noise)) < 0.04
    assert autocorrelation(np.abs(noise)) > 0.05
    assert np.mean(((noise - noise.mean()) / noise.std()) ** 4) > 5


def test_worlds_are_what_they_say():
    bull = [WORLDS["bull_market"](seed=s).returns.mean() * 12 for s in range(30)]
    assert np.mean(bull) == pytest.approx(0.15, abs=0.02)
    regimes = WORLDS["regime_change"](seed=0).returns
    assert regimes[240:].std() > 1.6 * regimes[:240].std()
    for name, sign in (("held_in_wild", 1), ("held_in_calm", -1)):
        world = WORLDS[name](seed=1)
        held = world.held()[2:, 0] == 1
        assert sign * (world.returns[2:][held].std() - world.returns[2:][~held].std()) > 0.005
    for n in (6, 8, 20):
        entered = np.diff(WORLDS[f"{n}_events"](seed=0).weights, axis=0) > 0
        assert (entered.sum(axis=0) == n).all()
    late = WORLDS["unequal_windows"](seed=0).weights
    assert list(np.isnan(late).sum(axis=0)[[0, -1]]) == [0, 320]
    both = np.corrcoef(np.concatenate([WORLDS["two_metals"](seed=s).returns for s in range(20)]).T)[0, 1]
    assert both == pytest.approx(0.7, abs=0.1)


@pytest.mark.parametrize("name", WORLDS)
def test_a_planted_information_ratio_is_what_it_adds(name):
    without, planted = (WORLDS[name](seed=3, information_ratio=ratio) for ratio in (0.0, 0.4))
    assert planted.information_ratio == 0.4
    np.testing.assert_array_equal(planted.weights, without.weights)
    for metal in range(without.returns.shape[1]):
        before, after = (series(world, metal=metal)[:, 0] for world in (without, planted))
        added = (after.mean() - before.mean()) / before.std() * np.sqrt(12)
        assert added == pytest.approx(0.4, rel=1e-9)


def test_delay_and_what_comes_before_the_first_decision():
    world = WORLDS["random_walk"](seed=3, n_bars=100)
    for t in range(3, 100):
        np.testing.assert_array_equal(world.held(2)[t], world.weights[t - 3])
    assert np.isnan(world.held(2)[:3]).all()
    expected = np.nan_to_num(world.held()) * world.returns
    np.testing.assert_array_equal(world.excess_returns(), expected)
