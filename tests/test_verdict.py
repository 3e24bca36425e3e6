import json
import pickle
from dataclasses import FrozenInstanceError, replace
from itertools import product
from math import inf, nan

import pytest

from research.diagnostics.finding import Finding
from research.errors import ParameterError
from research.verdict import Evidence, Robustness, Rules, Word, decide

KEEPS_ITS_SIGN = Robustness(longer_delay=0.02, doubled_costs=0.01, first_half=0.03, second_half=0.001)


def finding(name="statistic", estimate=0.0, **rest):
    return Finding(
        name=name,
        estimate=estimate,
        unit="unit",
        null="nothing",
        alternative="something",
        method="by hand",
        reference="nobody",
        sentence="A sentence.",
        **rest,
    )


def evidence(
    alpha=0.03,
    family=(0.01, 0.99),
    placebo=(0.02, 0.98),
    robustness=KEEPS_ITS_SIGN,
    reach=0.4,
    events=20.0,
    sign=1,
    power_details=None,
):
    return Evidence(
        primary=finding("timing_alpha", alpha, p_value=0.005),
        family=finding("step_down", alpha, p_value=family[0], details={"p_value_opposite": family[1]}),
        placebo=finding("shift_placebo", 0.02, p_value=placebo[0], details={"p_value_opposite": placebo[1]}),
        robustness=robustness,
        power=finding(
            "power", reach, p_value=0.5, statistic=1.0, details=power_details or {"level": 0.05, "power": 0.8}
        ),
        independent_events=events,
        expected_sign=sign,
    )


def word(**changes):
    return decide(evidence(**changes)).word


def test_everything_holds():
    verdict = decide(evidence())
    assert verdict.word is Word.SUPPORTED == "supported"
    assert [f.name for f in verdict.deciding] == ["timing_alpha", "step_down", "shift_placebo"]
    assert dict(verdict.steps) == {"primary": True, "placebo": True, "robust": True, "power": True}
    assert "+3.00%" in verdict.reason
    assert "0.010" in verdict.reason


def test_the_level_itself_is_evidence_and_anything_above_is_not():
    assert word(family=(0.05, 0.95), placebo=(0.05, 0.95)) == "supported"
    assert word(family=(0.0500001, 0.95)) == "not supported"
    assert word(placebo=(0.0500001, 0.95)) == "not supported"


@pytest.mark.parametrize("check", ["longer_delay", "doubled_costs", "first_half", "second_half"])
@pytest.mark.parametrize("alpha", [-0.001, 0.0])
def test_each_robustness_check_can_fail_alone(check, alpha):
    broken = replace(KEEPS_ITS_SIGN, **{check: alpha})
    verdict = decide(evidence(robustness=broken))
    assert verdict.word == "not supported"
    assert f"sign lost: {check.replace('_', ' ')};" in verdict.reason
    assert word(robustness=broken, reach=0.6) == "undecidable"


def test_power_separates_not_supported_from_undecidable_at_the_worthwhile_ratio():
    nothing = {"alpha": 0.001, "family": (0.4, 0.9), "placebo": (0.4, 0.6)}
    assert word(**nothing, reach=0.5) == "not supported"
    assert word(**nothing, reach=0.500001) == "undecidable"
    assert word(**nothing, reach=nan) == "undecidable"
    assert word(**nothing, reach=inf) == "undecidable"


LOSES_THROUGHOUT = Robustness(longer_delay=-0.01, doubled_costs=-0.02, first_half=-0.01, second_half=-0.01)


def test_wrong_sign_significant_and_lasting_is_contradicted():
    against = {"alpha": -0.03, "family": (0.99, 0.05), "placebo": (0.99, 0.05), "robustness": LOSES_THROUGHOUT}
    verdict = decide(evidence(**against))
    assert verdict.word == "contradicted"
    assert "against the claim" in verdict.reason
    assert word(**against, reach=inf) == "contradicted"
    assert word(**{**against, "family": (0.99, 0.0501)}) == "not supported"
    in_one_half = replace(LOSES_THROUGHOUT, first_half=0.01)
    assert word(**{**against, "robustness": in_one_half}) == "not supported"
    assert word(**{**against, "robustness": replace(LOSES_THROUGHOUT, first_half=nan)}) == "undecidable"


def test_nothing_is_contradicted_without_the_placebo():
    assert word(alpha=-0.03, family=(1.0, 0.001), placebo=(0.5, 0.5)) == "not supported"


def test_primary_and_placebo_that_disagree_earn_no_word():
    verdict = decide(evidence(placebo=(0.4, 0.6)))
    assert verdict.word == "not supported"
    assert "p 0.400 of the placebo" in verdict.reason
    assert word(alpha=-0.03, family=(0.99, 0.01), placebo=(0.01, 0.99)) == "not supported"
    assert word(family=(0.3, 0.8), placebo=(0.01, 0.99)) == "not supported"


def test_a_significant_p_value_with_the_other_sign_is_not_believed():
    assert word(alpha=-0.03, family=(0.01, 0.99)) == "not supported"
    assert word(alpha=0.0, family=(0.01, 0.99)) == "not supported"


def test_a_negative_claim_mirrors_a_positive_one():
    negative = Robustness(longer_delay=-0.02, doubled_costs=-0.01, first_half=-0.03, second_half=-0.001)
    assert word(alpha=-0.03, robustness=negative, sign=-1) == "supported"
    assert word(alpha=-0.03, robustness=KEEPS_ITS_SIGN, sign=-1) == "not supported"
    assert word(alpha=0.03, family=(0.99, 0.01), placebo=(0.99, 0.01), sign=-1) == "contradicted"


@pytest.mark.parametrize("events", [0, 1, 5, 5.999, nan])
def test_under_six_events_there_is_no_p_value(events):
    verdict = decide(evidence(events=events))
    assert verdict.word == "undecidable"
    assert [f.name for f in verdict.deciding] == ["power"]
    assert all(f.p_value is None and f.statistic is None for f in verdict.deciding)
    assert all(holds is None for _, holds in verdict.steps)
    assert "0.010" not in verdict.reason
    assert word(events=6) == "supported"


@pytest.mark.parametrize(
    "missing", [{"alpha": nan}, {"family": (None, 0.9)}, {"family": (0.01, None)}, {"family": (0.01, nan)}]
)
def test_without_the_primary_test_nothing_can_be_said(missing):
    verdict = decide(evidence(**missing))
    assert verdict.word == "undecidable"
    assert "cannot give the timing alpha" in verdict.reason


def test_a_missing_piece_matters_only_when_the_word_hangs_on_it():
    assert word(placebo=(None, None)) == "undecidable"
    assert word(robustness=replace(KEEPS_ITS_SIGN, first_half=nan)) == "undecidable"
    assert word(family=(0.4, 0.9), placebo=(None, None)) == "not supported"
    assert word(family=(0.4, 0.9), robustness=replace(KEEPS_ITS_SIGN, first_half=nan)) == "not supported"
    half_known = Robustness(longer_delay=nan, doubled_costs=0.01, first_half=-0.02, second_half=0.01)
    assert word(robustness=half_known) == "not supported"
    reason = decide(evidence(robustness=replace(KEEPS_ITS_SIGN, first_half=nan))).reason
    assert reason == "The word hangs on what could not be computed: robust."


def test_every_combination_obeys_the_rules():
    """An independent reading of the rules over all combinations of three-valued steps."""
    alphas, p_values, halves, reaches, counts = (
        (0.03, -0.03),
        (0.01, 0.5, None),
        (0.1, -0.1, nan),
        (0.3, 0.9),
        (5, 6),
    )
    seen = set()
    for alpha, f, g, p, q, half, reach, n in product(
        alphas, p_values, p_values, p_values, p_values, halves, reaches, counts
    ):
        answer = word(
            alpha=alpha,
            family=(f, g),
            placebo=(p, q),
            robustness=replace(KEEPS_ITS_SIGN if alpha > 0 else LOSES_THROUGHOUT, second_half=half),
            reach=reach,
            events=n,
        )
        seen.add(answer)
        if n < 6 or None in (f, g):
            assert answer == "undecidable"
            continue
        supports = alpha > 0 and f == 0.01
        opposes = alpha < 0 and g == 0.01
        assert (answer == "supported") == (supports and p == 0.01 and half == 0.1)
        assert (answer == "contradicted") == (opposes and q == 0.01 and half == -0.1)
        hangs = (supports and p != 0.5 and half != -0.1 and (p is None or half != half)) or (
            opposes and q != 0.5 and half != 0.1 and (q is None or half != half)
        )
        if answer in ("not supported", "undecidable"):
            assert answer == ("undecidable" if hangs or reach > 0.5 else "not supported")
    assert seen == set(Word)


def test_rules_may_be_tightened_and_never_loosened():
    strict = Rules(level=0.01, min_events=30, worthwhile_information_ratio=0.3, power=0.9)
    fitting = {"level": 0.01, "power": 0.9}
    assert decide(evidence(power_details=fitting), strict).word == "undecidable"
    assert decide(evidence(events=30, power_details=fitting), strict).word == "undecidable"  # placebo p is 0.02
    assert decide(evidence(events=30, placebo=(0.01, 1.0), power_details=fitting), strict).word == "supported"
    for loose in (
        {"level": 0.1},
        {"level": 0},
        {"level": nan},
        {"min_events": 5},
        {"worthwhile_information_ratio": 0.6},
        {"power": 0.5},
        {"power": 1.0},
    ):
        with pytest.raises(ParameterError, match="Rules: "):
            Rules(**loose)


def test_power_must_be_computed_with_the_rules_thresholds():
    for details in ({"level": 0.1, "power": 0.8}, {"level": 0.05, "power": 0.5}, {"level": 0.05}):
        with pytest.raises(ParameterError, match="the rules demand"):
            decide(evidence(power_details=details))


def test_a_sign_is_plus_or_minus_one():
    with pytest.raises(ParameterError, match="expected_sign"):
        evidence(sign=0)


def test_the_verdict_is_a_frozen_plain_value():
    verdict = decide(evidence())
    with pytest.raises(FrozenInstanceError):
        verdict.word = Word.CONTRADICTED
    plain = json.loads(json.dumps(verdict.to_json(), allow_nan=False))
    assert plain["word"] == "supported"
    assert plain["rules"] == {
        "level": 0.05,
        "min_events": 6,
        "worthwhile_information_ratio": 0.5,
        "power": 0.8,
    }
    assert plain["deciding"][1]["p_value"] == 0.01
    assert pickle.loads(pickle.dumps(verdict)) == verdict
    assert str(verdict).startswith("supported: Alpha +3.00% a year")


def test_the_reason_is_one_sentence():
    for changes in (
        {},
        {"events": 2},
        {"alpha": nan},
        {"placebo": (0.4, 0.6)},
        {"reach": nan, "family": (0.3, 0.7)},
    ):
        reason = decide(evidence(**changes)).reason
        assert reason.endswith(".")
        assert reason.count(". ") == 0
        assert reason[0].isupper()
