import numpy as np
import pytest
from research.diagnostics.placebo import alpha_t_statistics

from research.errors import ParameterError
from research.synthetic import VOLATILITY, WORLDS

WORKING_1960_AUTOCORRELATION_OF_21_DAY_AVERAGES = (21**2 - 1) / (2 * (2 * 21**2 + 1))
PLANTABLE = [name for name in WORLDS if name != "averaged_prices"]


def autocorrelation(x, lag=1):
    x = x - x.mean()
    return (x[lag:] @ x[:-lag]) / (x @ x)


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_is_decided_by_its_seed_and_cannot_be_changed(name):
    one, same, other = (WORLDS[name](seed=s, n_bars=200) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.returns, same.returns)
    np.testing.assert_array_equal(one.weights, same.weights)
    assert (one.returns != other.returns).any()
    assert one.weights.shape == (200, 10)
    assert one.returns.shape == one.prices.shape == (200,)
    assert one.name == name
    assert (one.prices > 0).all()
    with pytest.raises(ValueError, match="read-only"):
        one.returns[0] = 1


@pytest.mark.parametrize("name", WORLDS)
def test_weights_do_not_know_the_future(name):
    """Worlds of one seed and different length cannot be compared, so ask the data: no weight predicts at delay 0."""
    t = np.concatenate(
        [
            alpha_t_statistics((w := WORLDS[name](seed=seed, n_bars=480)).excess_returns(), w.returns)
            for seed in range(40)
        ]
    )
    t = t[np.isfinite(t)]
    assert abs(t.mean()) < (0.6 if name == "persistent_predictor" else 0.25)


def test_stambaugh_bias_is_there_to_be_found():
    """Slope of the return on the last predictor: negative shock correlation biases it upwards."""
    slopes = []
    for seed in range(200):
        rng_world = WORLDS["persistent_predictor"](seed=seed, n_bars=120)
        held = rng_world.weights[:-1, 0]
        if held.std() > 0:
            slopes.append(np.polyfit(held, rng_world.returns[1:], 1)[0])
    assert np.mean(slopes) > 3 * np.std(slopes) / np.sqrt(len(slopes))


def test_averages_correlate_as_working_said_and_the_right_fill_does_not_earn_it():
    right, wrong, correlation = [], [], []
    for seed in range(60):
        world = WORLDS["averaged_prices"](seed=seed, n_bars=480)
        correlation.append(autocorrelation(world.returns))
        right.append(alpha_t_statistics(world.excess_returns(delay=1), world.returns)[0])
        wrong.append(alpha_t_statistics(world.excess_returns(delay=0), world.returns)[0])
    assert np.mean(correlation) == pytest.approx(WORKING_1960_AUTOCORRELATION_OF_21_DAY_AVERAGES, abs=0.02)
    assert abs(np.mean(right)) < 3 / np.sqrt(60)
    assert np.mean(wrong) > 3
    variance = np.var(np.concatenate([WORLDS["averaged_prices"](seed=s).returns for s in range(20)]))
    assert variance == pytest.approx(2 / 3 * VOLATILITY**2, rel=0.05)


def test_garch_clusters_and_is_uncorrelated():
    returns = np.concatenate([WORLDS["garch"](seed=s, n_bars=1000).returns for s in range(20)])
    assert returns.std() == pytest.approx(VOLATILITY, rel=0.08)
    assert abs(autocorrelation(returns)) < 0.04
    assert autocorrelation(returns**2) > 0.1


def test_the_bull_and_the_regime_are_what_they_say():
    assert np.mean([WORLDS["bull_market"](seed=s).returns.mean() * 12 for s in range(30)]) == pytest.approx(
        0.15, abs=0.02
    )
    assert WORLDS["bull_market"](seed=0).weights.mean() == pytest.approx(0.8, abs=0.01)
    world = WORLDS["regime_change"](seed=0)
    assert world.returns[240:].std() > 1.6 * world.returns[:240].std()
    events = WORLDS["clustered_events"](seed=0)
    assert events.weights.mean() < 0.2
    overlap = np.corrcoef(events.weights.T)[np.triu_indices(10, 1)]
    assert overlap.mean() > 0.2


@pytest.mark.parametrize("name", PLANTABLE)
def test_a_planted_information_ratio_is_there(name):
    """Mean over many worlds of alpha over residual volatility, by plain least squares."""
    found, others = [], []
    for seed in range(60):
        world = WORLDS[name](seed=seed, n_bars=960, information_ratio=0.4)
        assert world.information_ratio == 0.4
        for k, into in ((0, found), (1, others)):
            y, m = world.excess_returns()[:, k], world.returns
            X = np.column_stack([np.ones_like(m), m])
            (alpha, beta), *_ = np.linalg.lstsq(X, y, rcond=None)
            into.append(alpha / (y - X @ [alpha, beta]).std() * np.sqrt(12))
    centre = np.mean(found)
    assert centre == pytest.approx(0.4, abs=0.08)
    if name not in ("clustered_events", "persistent_predictor"):
        assert abs(np.mean(others)) < 0.12


def test_costs_and_delay():
    world = WORLDS["random_walk"](seed=3, n_bars=100)
    w, m = world.weights, world.returns
    expected = np.zeros((100, 10))
    for t in range(100):
        now = w[t - 3] if t >= 3 else 0 * w[0]
        later = now if t == 99 else (w[t - 2] if t >= 2 else 0 * w[0])
        expected[t] = now * m[t] - 0.01 * np.abs(later - now)
    np.testing.assert_allclose(world.excess_returns(delay=2, cost=0.01), expected, atol=1e-15)


def test_nothing_can_be_planted_in_an_average():
    with pytest.raises(ParameterError, match="averaged_prices"):
        WORLDS["averaged_prices"](seed=0, information_ratio=0.5)
