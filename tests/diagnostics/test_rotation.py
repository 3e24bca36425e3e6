"""p-values by rotation: right for one, honest for many, free for copies, and blind to order."""

import numpy as np
import pytest
from scipy import stats

from research.diagnostics import rotation
from research.diagnostics.rotation import monte_carlo_error, rotate


def family(seed, nu=12, n=10, correlation=0.5):
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((nu + 1, 1))
    return np.sqrt(correlation) * common + np.sqrt(1 - correlation) * rng.standard_normal((nu + 1, n))


def test_one_claim_has_the_p_of_students_t():
    for seed in range(5):
        numbers = family(seed, n=1)
        t = numbers[0, 0] / np.sqrt(np.mean(numbers[1:, 0] ** 2))
        found = rotate(numbers)
        assert found.statistics[0] == pytest.approx(t)
        exact = stats.t.sf(t, 12)
        assert found.p_values[0] == pytest.approx(exact, abs=4 * monte_carlo_error(exact) + 1e-4)
    assert rotate(numbers).critical_value(0.05) == pytest.approx(stats.t.ppf(0.95, 12), abs=0.05)


def test_adjusted_p_values_recomputed_step_by_step():
    numbers = family(3)
    found = rotate(numbers, n_rotations=2000)
    u = np.random.default_rng(rotation.SEED).standard_normal((2000, 13))
    u /= np.linalg.norm(u, axis=1)[:, None]
    squares = (numbers**2).sum(0)
    t = numbers[0] / np.sqrt((squares - numbers[0] ** 2) / 12)
    means = u @ numbers
    moved = means / np.sqrt((squares - means**2) / 12)
    rest, before = list(np.argsort(-t)), 0.0
    while rest:
        first = rest[0]
        p = (1 + sum(draw[rest].max() >= t[first] for draw in moved)) / 2001
        before = max(before, p)
        assert found.p_values[first] == pytest.approx(before)
        rest.pop(0)


def test_a_copy_costs_nothing_and_order_and_portions_do_not_matter(monkeypatch):
    numbers = family(4)
    plain = rotate(numbers).p_values
    np.testing.assert_allclose(rotate(np.column_stack([numbers, numbers])).p_values[:10], plain)
    order = np.random.default_rng(1).permutation(10)
    np.testing.assert_allclose(rotate(numbers[:, order]).p_values, plain[order])
    monkeypatch.setattr(rotation, "AT_ONCE", 3)
    np.testing.assert_allclose(rotate(numbers).p_values, plain)


def test_any_false_rejection_among_ten_is_at_its_level():
    rejected = [rotate(family(seed), n_rotations=399).p_values.min() <= 0.05 for seed in range(1500)]
    assert np.mean(rejected) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 1500))


def test_a_counted_p_has_the_error_of_a_share():
    assert monte_carlo_error(0.05) == pytest.approx(np.sqrt(0.05 * 0.95 / 9_999))
    assert monte_carlo_error(0.2, 100) == pytest.approx(0.04)
