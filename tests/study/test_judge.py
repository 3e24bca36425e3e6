"""The composition: what the judge makes of accounts, tested as hard as its parts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from research.diagnostics.rotation import rotate
from research.diagnostics.timing import Effects, Numbers, Timing, cosine_numbers, n_cosines
from research.study.judge import ClaimRows, _hangs_on_shifts, judge, measure
from research.verdict import PValues, Rules
from tests.diagnostics.test_timing import exposure

RULES = Rules()
N = 480


def signal(seed, n=N, rho=0.7):
    rng = np.random.default_rng(seed)
    x, w = 0.0, np.empty(n)
    for t in range(n):
        x = rho * x + rng.standard_normal()
        w[t] = x > 0
    return w


def metal(seed=100, n=N, weights=None, effect=0.0):
    m = 0.004 + 0.05 * np.random.default_rng(seed).standard_normal(n)
    return m if weights is None else m + effect * (weights - weights.mean())


def claim(name, weights, returns, sign=1, fees=0.0015, **further):
    return ClaimRows(
        id=name, sign=sign, rows={f"{name}/row": Timing.of(exposure(weights, returns, fees=fees))}, **further
    )


def family(n=6, effect=0.0):
    planted = signal(0)
    m = metal(weights=planted, effect=effect)
    return [claim(f"C{k}+", signal(k), m) for k in range(n)]


def test_a_planted_effect_is_supported_and_its_opposite_contradicted():
    found = judge(family(effect=0.03), RULES)
    assert found["C0+"].verdict.word == "supported"
    opposite = replace(family(effect=0.03)[0], sign=-1)
    assert judge([opposite], RULES)["C0+"].verdict.word == "contradicted"
    assert all(found[f"C{k}+"].verdict.word not in ("supported", "contradicted") for k in range(1, 6))


def test_evidence_recomputed_from_the_series():
    w, m = signal(0), metal()
    evidence = judge([claim("x", w, m)], RULES)["x"].evidence
    row = Timing.of(exposure(w, m, fees=0.0015))
    psi, nu = row.series(1), n_cosines(N)
    effects = Effects.of([row], nu)
    error = np.sqrt(np.mean(effects.free(cosine_numbers(psi, nu), 0)[1:] ** 2) / N)
    assert evidence.timing_return.value == pytest.approx(12 * psi.mean())
    assert evidence.timing_return.error == pytest.approx(12 * error)
    assert evidence.information_ratio.value == pytest.approx(np.sqrt(12) * psi.mean() / psi.std())
    assert evidence.information_ratio.t == pytest.approx(evidence.timing_return.t)
    assert evidence.return_before_costs.value == pytest.approx(12 * row.gross.mean())
    assert evidence.price_gap.value == pytest.approx(12 * row.gross.mean() / row.weight_covariance)
    assert evidence.price_gap.t == pytest.approx(
        np.sqrt(N) * row.gross.mean() / np.sqrt(np.mean(effects.free(cosine_numbers(row.gross, nu), 0)[1:] ** 2))
    )
    half = np.sqrt(12) / psi.std()
    assert evidence.robustness.first_half == pytest.approx(half * psi[:240].mean())
    assert evidence.robustness.second_half == pytest.approx(half * psi[240:].mean())
    assert evidence.robustness.doubled_costs == pytest.approx(half * (row.gross - 2 * row.cost).mean())
    late = Timing.of(exposure(w[:-1], m[1:], fees=0.0015))
    assert evidence.robustness.longer_delay == pytest.approx(half * late.series(1).mean())
    kept = np.cov(late.active, row.held[1:], ddof=0)[0, 1] / row.weight_covariance
    assert evidence.delayed.share == pytest.approx(kept)
    assert 0.3 < kept < 0.9
    assert evidence.delayed.correlation == pytest.approx(np.corrcoef(row.gross[1:], late.gross)[0, 1])
    before = np.sqrt(12) / row.gross.std()
    assert evidence.robustness_before_costs.doubled_costs == pytest.approx(before * row.gross.mean())
    assert evidence.robustness_before_costs.longer_delay == pytest.approx(before * late.gross.mean())
    assert evidence.years == pytest.approx(40)


def test_for_a_claim_after_costs_and_against_it_before_them():
    w = signal(0, rho=0.0)  # trades every other month
    found = {fees: measure(claim("x", w, metal(), fees=fees)) for fees in (0.0, 0.01)}
    assert found[0.01].supporting[0] < found[0.0].supporting[0]
    np.testing.assert_allclose(found[0.01].opposing, found[0.0].opposing)
    np.testing.assert_allclose(found[0.0].opposing, -found[0.0].supporting)


def test_costs_alone_contradict_nothing():
    w = signal(3, rho=0.0)
    found = judge([claim("dear", w, metal(), fees=0.05)], RULES)["dear"]
    assert found.evidence.information_ratio.value < -1
    assert found.verdict.word != "contradicted"


def test_p_adjusted_is_that_of_the_whole_family_whatever_was_asked_for():
    claims = family()
    whole = judge(claims, RULES)
    columns = np.column_stack([measure(item).supporting for item in claims])
    expected = rotate(columns).p_values
    others = {item.id: measure(item) for item in claims}
    for k, item in enumerate(claims):
        alone = judge([item], RULES, others={name: n for name, n in others.items() if name != item.id})
        for found in (whole, alone):
            assert found[item.id].evidence.p_adjusted.supporting == pytest.approx(expected[k])
    assert whole["C0+"].evidence.family_size == 6


def test_a_claim_with_too_few_events_takes_no_part_in_the_family():
    few = np.zeros(N)
    few[100:106] = few[300:306] = 1.0
    rare = claim("rare", few, metal())
    with_it = judge([*family(), rare], RULES)
    assert with_it["rare"].evidence.events == 2
    assert np.isnan(with_it["rare"].evidence.p_adjusted.supporting)
    assert with_it["C1+"].evidence.p_adjusted == judge(family(), RULES)["C1+"].evidence.p_adjusted
    exactly = Numbers(np.ones(9), -np.ones(9), RULES.min_events)
    assert judge(family(), RULES, others={"six": exactly})["C1+"].evidence.family_size == 7
    assert judge(family(), RULES, others={"five": replace(exactly, events=5)})["C1+"].evidence.family_size == 6


def test_the_record_widens_only_p_with_record_and_a_copy_costs_nothing():
    claims = family()
    plain = judge(claims, RULES)["C0+"].evidence
    others = [measure(claim(f"o{k}", signal(50 + k), metal())) for k in range(30)]
    found = judge(claims, RULES, record=others)["C0+"].evidence
    assert found.p_adjusted == plain.p_adjusted
    assert found.p_with_record.supporting > plain.p_with_record.supporting
    assert found.n_recorded == 30
    shuffled = judge(claims, RULES, record=others[::-1])["C0+"].evidence
    assert shuffled.p_with_record == found.p_with_record, "order does not matter"
    copies = judge(claims, RULES, record=[measure(item) for item in claims])["C0+"].evidence
    assert copies.p_with_record == plain.p_with_record, "a rerun costs nothing"


def test_the_record_decides_for_ones_own():
    mine = family(effect=0.02)[:1]
    others = [measure(claim(f"o{k}", signal(50 + k), metal())) for k in range(200)]
    by_family = judge(mine, RULES, record=others)["C0+"]
    by_record = judge(mine, RULES, record=others, decided_by="p_with_record")["C0+"]
    assert by_family.evidence.deciding == by_family.evidence.p_adjusted
    assert by_record.evidence.deciding == by_record.evidence.p_with_record
    assert by_record.evidence.detectable > by_family.evidence.detectable, "a wider family finds less"


def test_rows_are_adjusted_within_their_claim_and_never_better_than_it():
    planted = signal(0)
    m = metal(weights=planted, effect=0.02)
    rows = {f"r{k}": Timing.of(exposure(signal(k), m)) for k in range(4)}
    mixed = ClaimRows(id="C", sign=1, rows=rows)
    found = judge([mixed, *family()], RULES)["C"]
    columns = np.column_stack([measure(ClaimRows(id="r", sign=1, rows={"r": row})).supporting for row in rows.values()])
    within = rotate(columns).p_values
    for p, row in zip(within, found.rows.values(), strict=True):
        assert row.evidence.p_adjusted.supporting == pytest.approx(max(p, found.evidence.p_adjusted.supporting))
        assert row.evidence.family_size == 4


def test_a_row_with_too_few_events_has_no_p_in_a_claim_that_has_one():
    few = np.zeros(N)
    few[100:106] = few[300:306] = 1.0
    rows = {"rare": Timing.of(exposure(few, metal())), "busy": Timing.of(exposure(signal(1), metal()))}
    found = judge([ClaimRows(id="C", sign=1, rows=rows)], RULES)["C"]
    assert not np.isnan(found.evidence.p_adjusted.supporting)
    assert np.isnan(found.rows["rare"].evidence.p_adjusted.supporting)
    assert found.rows["rare"].verdict.word == "undecidable"


def test_a_claim_pools_its_rows_and_a_copied_row_changes_nothing():
    m = metal()
    one, two = (Timing.of(exposure(signal(k), m)) for k in (1, 2))
    pair = judge([ClaimRows(id="C", sign=1, rows={"a": one, "b": two})], RULES)["C"].evidence
    nu = n_cosines(N)
    effects = Effects.of([one, two], nu)
    expected = np.mean(
        [effects.free(cosine_numbers(row.series(1) / row.series(1).std(), nu), k) for k, row in enumerate((one, two))],
        axis=0,
    )
    assert pair.information_ratio.t == pytest.approx(expected[0] / np.sqrt(np.mean(expected[1:] ** 2)))
    risks, means = zip(*((row.series(1).std(), row.series(1).mean()) for row in (one, two)), strict=True)
    assert pair.timing_return.value == pytest.approx(12 * np.average(means, weights=1 / np.array(risks)))
    assert pair.timing_return.t == pytest.approx(pair.information_ratio.t)
    assert pair.price_gap.t == pytest.approx(pair.ratio_before_costs.t)
    single = judge([ClaimRows(id="C", sign=1, rows={"a": one})], RULES)["C"].evidence
    double = judge([ClaimRows(id="C", sign=1, rows={"a": one, "copy": one})], RULES)["C"].evidence
    for name in ("information_ratio", "timing_return", "price_gap"):
        assert getattr(double, name).value == pytest.approx(getattr(single, name).value)
    assert double.p_shifted == single.p_shifted
    assert double.events == single.events


def test_a_point_outside_the_grid_is_a_row_and_no_part_of_the_claim():
    inside = claim("C", signal(1), metal())
    outside = replace(inside, undeclared={"mine": Timing.of(exposure(signal(2), metal()))})
    plain, with_it = (judge([item], RULES)["C"] for item in (inside, outside))
    assert with_it.evidence == plain.evidence
    assert set(with_it.rows) == {"C/row", "mine"}


def test_moved_histories_are_asked_only_where_a_word_hangs_on_them():
    quiet = judge(family(), RULES, shift_all=False)
    assert all(np.isnan(item.evidence.p_shifted.supporting) for item in quiet.values())
    loud = judge(family(effect=0.03), RULES, shift_all=False)
    assert loud["C0+"].verdict.word == "supported"
    assert loud["C0+"].evidence.p_shifted == judge(family(effect=0.03), RULES)["C0+"].evidence.p_shifted


def test_a_word_hangs_on_moved_histories_at_the_level_itself():
    bare = judge(family()[:1], RULES)["C0+"].evidence
    for supporting, opposing, hangs in ((0.05, 0.9, True), (0.051, 0.025, True), (0.051, 0.026, False)):
        p = PValues(supporting=supporting, opposing=opposing)
        assert _hangs_on_shifts(replace(bare, p_adjusted=p), RULES) is hangs


def test_a_claim_that_times_nothing_is_undecidable_and_harms_no_other():
    flat = claim("flat", np.full(N, 0.5), metal())
    found = judge([flat, *family()], RULES)
    assert found["flat"].verdict.word == "undecidable"
    assert found["C1+"].evidence.p_adjusted == judge(family(), RULES)["C1+"].evidence.p_adjusted
    never = ClaimRows(id="none", sign=1, rows={"short": Timing.of(exposure(signal(1, 20), metal(n=20)))})
    assert judge([never], RULES)["none"].verdict.word == "undecidable"


def test_windows_of_unequal_length_share_the_degrees_of_freedom_of_the_shortest():
    short = claim("short", signal(9, 160), metal(n=160))
    found = judge([short, *family()], RULES)
    nu = n_cosines(160)
    columns = np.column_stack([measure(item).supporting[: nu + 1] for item in [short, *family()]])
    assert found["C1+"].evidence.p_adjusted.supporting == pytest.approx(rotate(columns).p_values[2])
    against = np.column_stack([measure(item).opposing[: nu + 1] for item in [short, *family()]])
    assert found["C1+"].evidence.p_adjusted.opposing == pytest.approx(rotate(against).p_values[2])
    assert n_cosines(160) < found["C1+"].evidence.information_ratio.degrees_of_freedom <= n_cosines(N)


def test_unknown_periods_are_counted_and_left_out():
    w, m = signal(1), metal()
    timing = Timing.of(exposure(w, m, unknown=17))
    assert judge([ClaimRows(id="C", sign=1, rows={"r": timing})], RULES)["C"].evidence.unknown_periods == 17


def test_a_declared_return_worth_having_reaches_the_verdict():
    w = signal(11)
    for seed in range(101, 140):
        item = claim("C", w, metal(seed=seed))
        if judge([item], RULES)["C"].verdict.word == "ruled out":
            break
    tiny = judge([replace(item, worthwhile_return=1e-4)], RULES)["C"]
    assert tiny.verdict.word == "undecidable"
    assert "returns up to" in tiny.verdict.reason


def test_dates_of_rows_on_two_calendars_are_joined():
    early = Timing.of(exposure(signal(1, 240), metal(n=240)))
    late = Timing.of(exposure(signal(2, 240), metal(n=240), start="2000-01"))
    evidence = judge([ClaimRows(id="C", sign=1, rows={"a": early, "b": late})], RULES)["C"].evidence
    assert evidence.years == pytest.approx(40)
    assert evidence.decidable.year > pd.Timestamp(late.dates[-1]).year


def test_lengths_are_of_the_longest_row_and_now_is_the_newest_date():
    whole = Timing.of(exposure(signal(1, 400), metal(n=400), unknown=3))
    part = Timing.of(exposure(signal(2, 100), metal(n=100), unknown=9))
    evidence = judge([ClaimRows(id="C", sign=1, rows={"part": part, "whole": whole})], RULES)["C"].evidence
    assert (evidence.periods, evidence.unknown_periods) == (400, 3)
    assert measure(ClaimRows(id="C", sign=1, rows={"part": part, "whole": whole})).nu == n_cosines(100)
    ended, later = (Timing.of(exposure(signal(k, 240), metal(n=240), start=at)) for k, at in ((1, "1980"), (2, "2000")))
    both = judge([ClaimRows(id="C", sign=1, rows={"a": ended, "b": later})], RULES)["C"].evidence
    now = later.dates[-1].year + (later.dates[-1].day_of_year - 1) / 365.25
    needed = both.years * (both.detectable / RULES.worthwhile_information_ratio) ** 2
    assert both.decidable.year == pytest.approx(now + max(needed - both.years, 0.0))
