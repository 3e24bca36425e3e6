from itertools import product

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from research.diagnostics._loops import write_counts
from research.diagnostics.multiplicity import (
    _Family,
    automatic_block_length,
    block_length,
    bootstrap_means,
    bootstrap_variance,
    spa_exceedances,
    superior_predictive_ability,
)
from research.errors import DataError, ParameterError

METHODS_3_5_SERIES = np.array([2.0, -1, 3, 0, 1, 4, -2, 1])
METHODS_3_5_VARIANCES = {1: 3.5, 2: 1.735107421875, 4: 0.956430435181}
BLOCK_LENGTHS_FROM_PATTON_POLITIS_WHITE_2009 = {(200, 0.7): 11.4652, (1000, 0.3): 7.5754, (2500, 0.05): 2.9289}
METHODS_3_9_GAINS = np.array([[1, 0.5], [2, -1], [-1, 0.5], [0.5, 1]])
METHODS_3_9_UNSTUDENTIZED_P = 0.1953125  # 50 of 256 resamples


def table(values):
    values = np.asarray(values, dtype=float)
    return pd.DataFrame(values, columns=[f"s{i}" for i in range(values.shape[1])])


def autoregression(n, rho, rng):
    x = np.empty(n)
    x[0] = rng.standard_normal() / np.sqrt(1 - rho**2)
    for t in range(1, n):
        x[t] = rho * x[t - 1] + rng.standard_normal()
    return x


def every_resample(gains):
    """Means of all n^n independent resamples: no random numbers at all."""
    draws = np.array(list(product(range(len(gains)), repeat=len(gains))))
    return gains[draws].mean(axis=1)


# --- the bootstrap


@pytest.mark.parametrize(("block", "variance"), METHODS_3_5_VARIANCES.items())
def test_variance_of_the_bootstrapped_mean_is_the_published_closed_form(block, variance):
    assert bootstrap_variance(METHODS_3_5_SERIES[:, None], block)[0] == pytest.approx(variance, rel=1e-11)
    means = bootstrap_means(METHODS_3_5_SERIES[:, None], block_length=block, n_draws=100_000, seed=3)[:, 0]
    assert means.mean() == pytest.approx(1.0, abs=4 * means.std() / np.sqrt(means.size))
    assert 8 * means.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / means.size))


def test_counts_are_blocks_of_geometric_length_around_the_calendar():
    n, mean_block = 1000, 10
    counts = np.empty((2000, n))
    write_counts(counts, np.uint64(99), 0, 1 / mean_block)
    assert (counts.sum(axis=1) == n).all()
    assert counts.mean(axis=0).std() < 3 * np.sqrt(mean_block * 2 / 2000)
    # Neighbouring bars, the seam included, come together except where a block ends.
    joint = np.mean((counts - 1) * (np.roll(counts, -1, axis=1) - 1), axis=0)
    variance = np.mean((counts - 1) ** 2)
    assert joint.mean() / variance == pytest.approx(1 - 1 / mean_block, abs=0.01)
    assert joint[-1] / variance == pytest.approx(1 - 1 / mean_block, abs=0.15)


def test_a_draw_depends_on_the_seed_and_its_number_only(monkeypatch):
    import research.diagnostics.multiplicity as module

    series = np.random.default_rng(0).standard_normal((300, 5))
    many = bootstrap_means(series, block_length=4, n_draws=100, seed=11)
    few = bootstrap_means(series, block_length=4, n_draws=30, seed=11)
    np.testing.assert_allclose(many[:30], few, rtol=0, atol=1e-15)
    monkeypatch.setattr(module, "CELLS_AT_ONCE", 2100)
    np.testing.assert_allclose(bootstrap_means(series, block_length=4, n_draws=100, seed=11), many, rtol=0, atol=1e-15)
    assert np.abs(bootstrap_means(series, block_length=4, n_draws=100, seed=12) - many).max() > 0.01


def test_p_values_do_not_depend_on_the_number_of_threads():
    differences = pd.DataFrame(np.random.default_rng(0).standard_normal((500, 12))).rename(columns=str)
    answers = set()
    for threads in (1, 2):
        with threadpool_limits(threads):
            answers.add(str(superior_predictive_ability(differences, seed=1, n_draws=2000).details))
    assert len(answers) == 1


@pytest.mark.parametrize(("n", "rho"), [(240, 0.7), (1000, 0.3), (2500, 0.3), (2500, 0.9)])
def test_block_length_equals_arch(n, rho):
    """arch normalises each autocorrelation by its own overlap, which moves the window only at the margin."""
    from arch.bootstrap import optimal_block_length

    for seed in range(5):
        x = autoregression(n, rho, np.random.default_rng(seed))
        theirs = optimal_block_length(x).iloc[0]
        assert block_length(x) == pytest.approx(theirs["stationary"], rel=1e-9), seed
        assert block_length(x, circular=True) == pytest.approx(theirs["circular"], rel=1e-9), seed


def block_length_of_an_autoregression(n, rho):
    return (2 * rho / (1 - rho**2)) ** (2 / 3) * n ** (1 / 3)


@pytest.mark.parametrize(("case", "length"), BLOCK_LENGTHS_FROM_PATTON_POLITIS_WHITE_2009.items())
def test_closed_form_of_the_block_length(case, length):
    assert block_length_of_an_autoregression(*case) == pytest.approx(length, abs=5e-5)


@pytest.mark.parametrize(("n", "rho"), [(20_000, 0.5), (20_000, 0.3)])
def test_block_length_of_an_autoregression_nears_the_closed_form(n, rho):
    found = [block_length(autoregression(n, rho, np.random.default_rng(seed))) for seed in range(8)]
    assert np.mean(found) == pytest.approx(block_length_of_an_autoregression(n, rho), rel=0.15)


def test_block_length_of_a_family_is_the_median_between_one_and_the_root():
    rng = np.random.default_rng(0)
    slow, quick = autoregression(900, 0.8, rng), rng.standard_normal((900, 2))
    lengths = [block_length(column) for column in (slow, *quick.T)]
    assert automatic_block_length(table(np.column_stack([slow, quick]))) == max(1.0, np.median(lengths))
    assert automatic_block_length(table(np.zeros((50, 2)))) == 1
    assert automatic_block_length(table(np.cumsum(rng.standard_normal((100, 3)), axis=0))) == 10


# --- Hansen


def test_exact_enumeration_of_every_resample():
    family = _Family.of(table(METHODS_3_9_GAINS), 1.0, studentize=False)
    deviations = (every_resample(METHODS_3_9_GAINS) - METHODS_3_9_GAINS.mean(axis=0)) / family.scales
    assert family.statistics.max() == pytest.approx(1.25)
    assert spa_exceedances(family.statistics, deviations, family.poor_thresholds)[1] == METHODS_3_9_UNSTUDENTIZED_P


def test_exact_enumeration_studentized():
    """The same 256 resamples, each mean over its own standard error, by plain loops."""
    gains = METHODS_3_9_GAINS
    errors = [np.sqrt(np.mean((d - d.mean()) ** 2) / 4) for d in gains.T]
    best = max(d.mean() / e for d, e in zip(gains.T, errors, strict=True))
    count = 0
    for draw in product(range(4), repeat=4):
        resampled = [(np.mean([d[i] for i in draw]) - d.mean()) / e for d, e in zip(gains.T, errors, strict=True)]
        count += max(0, *resampled) >= best - 1e-12
    assert count == 74

    family = _Family.of(table(gains), 1.0)
    deviations = (every_resample(gains) - gains.mean(axis=0)) / family.scales
    assert family.statistics.max() == pytest.approx(best)
    assert spa_exceedances(family.statistics, deviations, family.poor_thresholds) == (74 / 256,) * 3
    drawn = superior_predictive_ability(table(gains), seed=1, n_draws=40_000, block_length=1)
    assert drawn.p_value == pytest.approx(74 / 256, abs=4 * np.sqrt(0.29 * 0.71 / 40_000))


def gains_of_a_family(seed=0, n=400, k=8):
    rng = np.random.default_rng(seed)
    return table(0.05 * rng.standard_normal((n, 1)) + rng.standard_normal((n, k)) + 0.03)


def spa(performance, **options):
    return superior_predictive_ability(performance, **{"seed": 5, "n_draws": 2000, "block_length": 3} | options)


def all_three(found):
    return found.details["p_value_lower"], found.p_value, found.details["p_value_upper"]


def test_permuting_and_duplicating_strategies_change_nothing():
    family = gains_of_a_family()
    permuted = family[["s3", "s0", "s7", "s1", "s6", "s2", "s5", "s4"]]
    assert all_three(spa(permuted)) == all_three(spa(family))
    doubled = family.assign(copy=family["s3"])
    assert all_three(spa(doubled)) == all_three(spa(family))


def test_the_scale_of_a_strategy_does_not_matter_when_studentized():
    family = gains_of_a_family()
    levered = family.assign(s2=7.3 * family["s2"])
    assert all_three(spa(levered)) == all_three(spa(family))
    assert spa(levered, studentize=False).p_value != spa(family, studentize=False).p_value


def test_a_poor_strategy_hurts_the_upper_p_value_and_not_the_consistent_one():
    family = gains_of_a_family() + 0.05
    rng = np.random.default_rng(1)
    poor = family.assign(**{f"poor{i}": rng.standard_normal(400) - 1 for i in range(30)})
    assert spa(poor).p_value == pytest.approx(spa(family).p_value, abs=0.002)
    assert spa(poor).details["p_value_upper"] > spa(family).details["p_value_upper"] + 0.05


def test_the_three_recentrings_are_ordered():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        lower, consistent, upper = all_three(spa(gains_of_a_family(seed) + rng.normal(0, 0.15, 8)))
        assert lower <= consistent <= upper


def test_agrees_with_arch_when_nothing_is_scaled():
    """arch does not studentize whatever it is told, so the comparison is of the unstudentized test."""
    from arch.bootstrap import SPA

    family = gains_of_a_family(seed=3) + 0.02
    theirs = SPA(np.zeros(400), -family.to_numpy(), block_size=3, reps=2000, seed=1, studentize=False)
    theirs.compute()
    ours = all_three(spa(family, studentize=False))
    for mine, name in zip(ours, ("lower", "consistent", "upper"), strict=True):
        assert mine == pytest.approx(theirs.pvalues[name], abs=5 * np.sqrt(0.25 / 2000))


def test_a_family_worse_than_the_benchmark_has_p_one():
    assert spa(gains_of_a_family() - 1).p_value == 1


def test_a_strategy_that_never_differs_has_no_weight():
    family = gains_of_a_family()
    assert all_three(spa(family.assign(idle=0.0))) == all_three(spa(family))
    with pytest.raises(DataError, match="nothing to test"):
        spa(table(np.zeros((20, 2))))


def test_bad_families_are_named():
    family = gains_of_a_family(n=30)
    with pytest.raises(DataError, match="s3: missing values inside"):
        spa(family.assign(s3=family["s3"].where(family.index != 9)))
    with pytest.raises(DataError, match="s3: 0 values"):
        spa(family.assign(s3=np.nan))
    with pytest.raises(DataError, match="no strategy"):
        spa(family[[]])
    with pytest.raises(ParameterError, match="block_length"):
        spa(family, block_length=0.5)
    with pytest.raises(ParameterError, match="n_draws"):
        spa(family, n_draws=0)
