"""The verdict: every rule at both sides of its threshold, and no way to a word that the evidence has not earned."""

from dataclasses import replace
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.diagnostics.long_run import Estimate
from research.errors import ParameterError
from research.values import plain
from research.verdict import Evidence, PValues, Robustness, Rules, Word, decide

KEEPS = Robustness(longer_delay=0.1, doubled_costs=0.1, first_half=0.1, second_half=0.1)
LOSES = Robustness(longer_delay=-0.1, doubled_costs=-0.1, first_half=-0.1, second_half=-0.1)


def evidence(p=0.5, against=0.5, shifted=0.5, shifted_against=0.5, upper=1.0, **changes):
    """Neither here nor there, unless told otherwise; ``upper`` is the one-sided 95 % limit of the ratio."""
    error = 0.2
    ratio = Estimate(0.1, error, 20)
    before = Estimate(0.0, error, 20)
    before = replace(before, value=upper - before.upper_limit(0.95))
    return Evidence(
        **{
            "sign": 1,
            "events": 20,
            "periods": 400,
            "years": 33.0,
            "timing_return": Estimate(0.01, 0.02, 20),
            "information_ratio": ratio,
            "ratio_before_costs": before,
            "return_before_costs": Estimate(0.0, 0.01, 20),
            "p_adjusted": PValues(supporting=p, opposing=against),
            "p_shifted": PValues(supporting=shifted, opposing=shifted_against),
            "robustness": KEEPS,
            "robustness_before_costs": KEEPS,
            **changes,
        }
    )


def word(rules=None, **given_evidence):
    return decide(evidence(**given_evidence), rules).word


SUPPORTED = {"p": 0.05, "shifted": 0.05}
CONTRADICTED = {"against": 0.025, "shifted_against": 0.025, "robustness_before_costs": LOSES}


def test_supported_at_the_thresholds_and_not_beyond():
    assert word(**SUPPORTED) == "supported"
    assert word(**{**SUPPORTED, "p": 0.0500001}) == "undecidable"
    assert word(**{**SUPPORTED, "shifted": 0.0500001}) == "undecidable"


@pytest.mark.parametrize("check", ["longer_delay", "doubled_costs", "first_half", "second_half"])
def test_a_sign_lost_or_zero_anywhere_supports_and_contradicts_nothing(check):
    for value in (-0.1, 0.0):
        assert word(**SUPPORTED, robustness=replace(KEEPS, **{check: value})) == "undecidable"
    for value in (0.1, 0.0):
        lost = replace(LOSES, **{check: value})
        assert word(**{**CONTRADICTED, "robustness_before_costs": lost}) == "undecidable"


def test_contradicted_at_half_the_level_and_not_beyond():
    assert word(**CONTRADICTED) == "contradicted"
    assert word(**{**CONTRADICTED, "against": 0.0250001}) == "undecidable"
    assert word(**{**CONTRADICTED, "shifted_against": 0.0250001}) == "undecidable"
    assert word(rules=Rules(level=0.02), **CONTRADICTED) == "undecidable"


def test_costs_alone_cannot_contradict():
    """After costs every check is lost; before them the sign is the claimed one."""
    assert word(**{**CONTRADICTED, "robustness": LOSES, "robustness_before_costs": KEEPS}) == "undecidable"


def test_ruled_out_when_the_upper_limit_is_under_what_is_worth_having():
    assert word(upper=0.4999) == "ruled out"
    assert word(upper=0.5) == "undecidable"
    assert word(upper=0.4, rules=Rules(worthwhile_information_ratio=0.3)) == "undecidable"


def test_the_smaller_of_the_ratio_and_the_declared_return_must_be_excluded():
    limit = Estimate(0.0, 0.01, 20).upper_limit(0.95)
    assert word(upper=0.4, worthwhile_return=limit + 1e-6) == "ruled out"
    assert word(upper=0.4, worthwhile_return=limit - 1e-6) == "undecidable"
    assert word(upper=0.6, worthwhile_return=limit + 1e-6) == "undecidable"
    assert word(upper=0.4, worthwhile_return=limit) == "undecidable", "at the limit it is not excluded"
    assert "returns up to" in decide(evidence(upper=0.4, worthwhile_return=limit)).reason
    assert "information ratios up to 0.50" in decide(evidence(upper=0.5)).reason


def test_a_stricter_level_takes_a_wider_limit():
    assert word(upper=0.49) == "ruled out"
    assert word(upper=0.49, rules=Rules(level=0.01)) == "undecidable"


def test_a_word_that_is_earned_goes_before_what_is_ruled_out():
    assert word(**SUPPORTED, upper=0.4) == "supported"
    assert word(**CONTRADICTED, upper=-0.4) == "contradicted"


def test_five_events_give_no_word_and_six_do():
    assert word(**SUPPORTED, events=5) == "undecidable"
    assert word(**SUPPORTED, events=6) == "supported"
    assert word(upper=0.1, events=5) == "undecidable"
    assert word(**SUPPORTED, events=9, rules=Rules(min_events=10)) == "undecidable"
    verdict = decide(evidence(**SUPPORTED, events=1))
    assert "Only 1 independent event, 6" in verdict.reason
    assert set(verdict.steps.values()) == {None}


def test_which_p_decides_is_said():
    own = evidence(**SUPPORTED, p_with_record=PValues(supporting=0.2, opposing=0.5))
    assert decide(own).word == "supported"
    assert "adjusted" in decide(own).reason
    assert decide(replace(own, decided_by="p_with_record")).word == "undecidable"
    assert "with all that was tried" in decide(replace(own, decided_by="p_with_record")).reason


def test_what_cannot_be_computed_is_undecidable_only_if_the_word_hangs_on_it():
    assert word(p=nan, against=nan) == "undecidable"
    assert word(**{**SUPPORTED, "shifted": nan}) == "undecidable"
    assert "could not be computed: shifted" in decide(evidence(**{**SUPPORTED, "shifted": nan})).reason
    assert word(p=0.3, shifted=nan, shifted_against=nan, upper=0.4) == "ruled out"
    assert word(p=0.3, robustness=replace(KEEPS, first_half=nan), upper=0.4) == "ruled out"
    assert word(**SUPPORTED, ratio_before_costs=Estimate(nan, nan, 8)) == "supported"
    assert word(ratio_before_costs=Estimate(nan, nan, 8)) == "undecidable"


def test_one_of_two_missing_numbers_is_a_missing_number():
    assert word(p=0.3, against=nan, upper=0.4) == "undecidable"
    assert word(p=nan, against=0.3, upper=0.4) == "undecidable"
    assert word(ratio_before_costs=Estimate(nan, nan, 8), return_before_costs=Estimate(0.0, 0.01, 20)) == "undecidable"
    no_return = evidence(upper=0.4, return_before_costs=Estimate(nan, nan, 8))
    assert decide(no_return).steps["excluded"] is None


def test_the_reason_names_what_failed():
    tried = {**SUPPORTED, "robustness": replace(KEEPS, first_half=-0.1, doubled_costs=-0.1)}
    assert "sign lost: doubled costs, first half" in decide(evidence(**tried)).reason
    assert "sign lost: every check" in decide(evidence(**{**SUPPORTED, "robustness": LOSES})).reason
    assert "not of the claimed sign" in decide(evidence(information_ratio=Estimate(-0.1, 0.2, 20))).reason
    assert "not of the claimed sign" not in decide(evidence()).reason
    assert "p <0.001 adjusted" in decide(evidence(p=0.0009, shifted=0.01)).reason
    assert "p 0.001 adjusted" in decide(evidence(p=0.001, shifted=0.01)).reason


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(-1, 1), st.integers(0, 12))
def test_no_evidence_earns_two_words_and_each_word_has_its_reasons(p, against, shifted, shifted_against, upper, events):
    found = decide(evidence(p, against, shifted, shifted_against, upper, events=events, robustness_before_costs=LOSES))
    if found.word is Word.SUPPORTED:
        assert events >= 6
        assert max(p, shifted) <= 0.05
    if found.word is Word.CONTRADICTED:
        assert events >= 6
        assert max(against, shifted_against) <= 0.025
    if found.word is Word.RULED_OUT:
        assert events >= 6
        assert upper < 0.5
    assert found.reason.count("\n") == 0
    assert found.reason.endswith(".")


@pytest.mark.parametrize(
    "looser",
    [
        {"level": 0.051},
        {"level": 0.0},
        {"level": nan},
        {"min_events": 5},
        {"worthwhile_information_ratio": 0.51},
        {"worthwhile_information_ratio": inf},
        {"power": 0.79},
        {"power": 1.0},
    ],
)
def test_rules_may_be_stricter_never_looser(looser):
    with pytest.raises(ParameterError, match="Rules: "):
        Rules(**looser)


def test_evidence_without_direction_is_refused():
    assert evidence(sign=-1).sign == -1
    with pytest.raises(ParameterError, match="sign"):
        evidence(sign=0)


def test_json_is_plain():
    import json

    told = json.loads(json.dumps(plain(evidence(detectable=nan))))
    assert told["detectable"] is None
    assert told["p_adjusted"] == {"supporting": 0.5, "opposing": 0.5}
    assert told["timing_return"]["low"] < told["timing_return"]["value"] < told["timing_return"]["high"]
    assert json.loads(json.dumps(plain(decide(evidence(**SUPPORTED)))))["word"] == "supported"
