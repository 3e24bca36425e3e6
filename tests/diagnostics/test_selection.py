"""Sharpe ratios after selection: probabilistic, deflated, track records, overfitting."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from research.diagnostics.selection import (
    deflated_sharpe_ratio,
    expected_maximum,
    minimum_track_record,
    overfitting_from_moments,
    probabilistic_sharpe_ratio,
)
from research.diagnostics.sharpe import SharpeMoments

PSR_FROM_BAILEY_LOPEZ_DE_PRADO_2012 = {"normal": 0.981675, "with moments": 0.913361}
MINIMUM_TRACK_RECORD_FROM_BAILEY_LOPEZ_DE_PRADO_2012 = {252: 2.731, 52: 2.829, 12: 3.240}
DSR_FROM_BAILEY_LOPEZ_DE_PRADO_2014 = {"threshold": 0.113172, "dsr": 0.900397}
EXPECTED_MAXIMUM_OF_BAILEY_LOPEZ_DE_PRADO_2014 = {2: 0.51976, 5: 1.19259}
HEDGE_FUND = SharpeMoments(sharpe=0.458, n_observations=24, skewness=-2.448, kurtosis=10.164)


def test_published_probabilistic_sharpe_ratios():
    normal = probabilistic_sharpe_ratio(SharpeMoments(sharpe=0.458, n_observations=24))
    assert normal.estimate == pytest.approx(PSR_FROM_BAILEY_LOPEZ_DE_PRADO_2012["normal"], abs=5e-7)
    fat = probabilistic_sharpe_ratio(HEDGE_FUND)
    assert fat.estimate == pytest.approx(PSR_FROM_BAILEY_LOPEZ_DE_PRADO_2012["with moments"], abs=5e-7)
    assert fat.p_value == pytest.approx(1 - fat.estimate)


def test_psr_of_the_benchmark_itself_is_one_half():
    assert probabilistic_sharpe_ratio(HEDGE_FUND, benchmark_sharpe=0.458).estimate == 0.5


def test_psr_by_hand_from_returns():
    returns = np.random.default_rng(0).standard_t(6, 120) * 0.04 + 0.01
    ratio = returns.mean() / returns.std(ddof=1)
    skewness, kurtosis = stats.skew(returns), stats.kurtosis(returns, fisher=False)
    error = np.sqrt((1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2) / 119)
    assert probabilistic_sharpe_ratio(returns).estimate == pytest.approx(stats.norm.cdf(ratio / error), rel=1e-10)


@pytest.mark.parametrize(("year", "years"), MINIMUM_TRACK_RECORD_FROM_BAILEY_LOPEZ_DE_PRADO_2012.items())
def test_published_minimum_track_records(year, years):
    moments = SharpeMoments(sharpe=2 / np.sqrt(year), n_observations=5 * year)
    finding = minimum_track_record(moments, periods_per_year=year, benchmark_sharpe=1 / np.sqrt(year))
    assert finding.estimate == pytest.approx(years, abs=5e-4)
    assert "long enough" in finding.sentence


def test_minimum_track_record_inverts_the_psr():
    confidence = probabilistic_sharpe_ratio(HEDGE_FUND).estimate
    finding = minimum_track_record(HEDGE_FUND, periods_per_year=12, level=confidence)
    assert finding.details["periods"] == pytest.approx(24, rel=1e-9)


def test_no_record_is_long_enough_below_the_benchmark():
    finding = minimum_track_record(HEDGE_FUND, periods_per_year=12, benchmark_sharpe=0.5)
    assert finding.estimate == np.inf
    assert finding.to_json()["estimate"] is None


def test_published_deflated_sharpe_ratio():
    moments = SharpeMoments(sharpe=2.5 / np.sqrt(250), n_observations=1250, skewness=-3, kurtosis=10)
    finding = deflated_sharpe_ratio(moments, n_trials=100, trial_variance=0.5 / 250)
    assert finding.details["benchmark_sharpe"] == pytest.approx(
        DSR_FROM_BAILEY_LOPEZ_DE_PRADO_2014["threshold"], abs=5e-7
    )
    assert finding.estimate == pytest.approx(DSR_FROM_BAILEY_LOPEZ_DE_PRADO_2014["dsr"], abs=5e-7)


def test_more_trials_deflate_more():
    values = [deflated_sharpe_ratio(HEDGE_FUND, n_trials=n, trial_variance=0.02).estimate for n in (1, 2, 5, 30, 1000)]
    assert values == sorted(values, reverse=True)
    assert values[0] == probabilistic_sharpe_ratio(HEDGE_FUND).estimate


@pytest.mark.parametrize(("n", "published"), EXPECTED_MAXIMUM_OF_BAILEY_LOPEZ_DE_PRADO_2014.items())
def test_expected_maximum(n, published):
    assert expected_maximum(n) == pytest.approx(published, abs=5e-6)


def test_the_error_of_the_expected_maximum_fades():
    draws = np.random.default_rng(0).standard_normal((20_000, 100)).max(axis=1)
    assert expected_maximum(100) == pytest.approx(draws.mean(), abs=4 * draws.std() / np.sqrt(20_000) + 0.01)
    assert expected_maximum(1) == 0


def overfitting_of(returns, n_blocks=16):
    """Of a table of returns, the oldest rows left out that fill no block."""
    blocks = returns[len(returns) % n_blocks :].reshape(n_blocks, -1, returns.shape[1])
    sums = blocks.sum(axis=1), (blocks**2).sum(axis=1)
    return overfitting_from_moments(lambda: [sums], rows_per_block=blocks.shape[1])


def test_overfitting_by_hand():
    returns = np.random.default_rng(1).normal(size=(66, 5))
    returns[:, 4] = 0.0
    blocks = returns[2:].reshape(8, 8, 5)
    logits = []
    for half in combinations(range(8), 4):
        inside = np.concatenate([blocks[b] for b in half])
        outside = np.concatenate([blocks[b] for b in range(8) if b not in half])

        def sharpes(rows):
            spread = rows.std(axis=0)
            return np.where(spread > 0, rows.mean(axis=0) / np.where(spread > 0, spread, 1), 0)

        ranks = stats.rankdata(sharpes(outside))
        omega = ranks[np.argmax(sharpes(inside))] / 6
        logits.append(np.log(omega / (1 - omega)))
    finding = overfitting_of(returns, n_blocks=8)
    assert finding.estimate == pytest.approx(np.mean(np.array(logits) <= 0))
    assert finding.details["median_logit"] == pytest.approx(np.median(logits))
    assert finding.details["n_splits"] == 70
    assert finding.p_value is None


def test_noise_is_overfitted_half_the_time_and_skill_never():
    rng = np.random.default_rng(2)
    noise = [overfitting_of(rng.normal(size=(400, 20)), n_blocks=10).estimate for _ in range(60)]
    assert np.mean(noise) == pytest.approx(0.51, abs=3 * np.std(noise) / np.sqrt(60))
    skilled = rng.normal(size=(2000, 20))
    skilled[:, 3] += 0.3
    assert overfitting_of(skilled).estimate == 0


def test_identical_variants_tie_with_the_median_and_count_as_overfitted():
    returns = np.repeat(np.random.default_rng(3).normal(size=(64, 1)), 3, axis=1)
    assert overfitting_of(returns, n_blocks=4).estimate == 1
