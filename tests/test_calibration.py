"""The judge judged. The long version is the one that counts; the short one sees that nothing is badly off."""

import ast
import inspect
import pkgutil
from importlib import import_module

import numpy as np
import pytest
from research.calibration.__main__ import main
from research.calibration.cases import cases
from research.calibration.families import null_rates, power_rates
from research.calibration.rate import Rate, across, down
from research.calibration.sizes import Case, p_values, size_rates

import research.diagnostics
from research.diagnostics.finding import Finding
from research.synthetic import WORLDS

FALSE_SUPPORTED = "any of ten falsely supported"

# What the statistics are known to do; each bound is on the true rate, chance is allowed for on top.
# A predictor with autocorrelation 0.98 and a break in drift and volatility are outside every test's null.
HARD = {"persistent_predictor": 0.10, "regime_change": 0.10, "garch": 0.08}
HARD_SUPPORTED = {"persistent_predictor": 0.06}
SIZE, COVERAGE = 0.08, 0.92  # worst that a rate may be without a remark

ALL = list(cases())
NO_TEST = {  # descriptions: neither p-value nor interval
    "expected_maximum",
    "markov_regimes",
    "mean_breaks",
    "minimum_backtest_length",
    "minimum_detectable_alpha",
    "minimum_detectable_information_ratio",
    "minimum_detectable_sharpe",
    "minimum_track_record",
    "overfitting_from_moments",
    "probability_of_backtest_overfitting",
    "rolling_alpha",
}
SEVERAL_OF_ANOTHER = {"both_ways", "predictive_regressions"}  # they call what is in the table


def within(rate, bound):
    return rate.rate <= bound + 3 * np.sqrt(bound * (1 - bound) / rate.samples)


def as_they_say(rates):
    """Those that are off by more than chance and say not why."""
    off = []
    for rate in rates:
        if rate.target is None or rate.remark:
            continue
        covers = rate.target >= 0.9
        bound = 1 - COVERAGE if covers else SIZE
        missed = rate.target - rate.rate if covers else rate.rate - rate.target
        allowed = bound - (1 - rate.target if covers else rate.target)
        if missed > allowed + 3 * np.sqrt(bound * (1 - bound) / rate.samples):
            off.append(f"{rate.question}, {rate.world}: {rate.rate:.3f}")
    return off


def questions_of_the_diagnostics():
    """Public functions that return findings, by name."""
    found = {}
    for info in pkgutil.iter_modules(research.diagnostics.__path__):
        module = import_module(f"research.diagnostics.{info.name}")
        for name, function in vars(module).items():
            if name.startswith("_") or not inspect.isfunction(function) or function.__module__ != module.__name__:
                continue
            if "Finding" in str(inspect.signature(function).return_annotation):
                found[name] = function
    return found


def test_every_question_with_a_p_value_or_an_interval_is_in_the_table():
    asked = {case.function for case in ALL}
    questions = questions_of_the_diagnostics()
    assert len(questions) > 25
    assert set(questions) - asked - NO_TEST - SEVERAL_OF_ANOTHER == set()
    assert NO_TEST & asked <= {"mean_breaks"}


@pytest.mark.parametrize("name", sorted(NO_TEST & set(questions_of_the_diagnostics())))
def test_a_description_sets_neither_p_value_nor_interval(name):
    tree = ast.parse(inspect.getsource(questions_of_the_diagnostics()[name]))
    given = {keyword.arg for call in ast.walk(tree) if isinstance(call, ast.Call) for keyword in call.keywords}
    assert not given & {"p_value", "interval"}


def test_every_case_gives_rates():
    for case in ALL:
        rates = size_rates([case], samples=2)
        assert rates, f"{case.function}, {case.where}: nothing was counted"
        assert {rate.samples for rate in rates} <= {1, 2}
        assert set(case.remarks) <= {rate.question.split("` ")[1] for rate in rates}


def test_sizes_in_short():
    cheap = {"sharpe_ratio", "alpha_break", "cusum", "granger_causality", "incremental_value", "toda_yamamoto"}
    rates = size_rates([case for case in ALL if case.function in cheap], samples=60)
    assert as_they_say(rates) == []


def test_the_loop_counts_what_it_is_told():
    def finding(p_value):
        return Finding(
            name="f", estimate=0.0, unit="", null="", alternative="", method="", reference="", sentence="",
            p_value=p_value, interval=(p_value - 0.5, p_value + 0.25),
            details={"inner": {"p_value_naive": 0.01, "other": 1.0}, "p_value_none": None},
        )  # fmt: skip

    case = Case(function="f", where="w", draw=lambda rng: (rng.random(),), ask=finding, remarks={"p_value": "why"})
    by = {rate.question: rate for rate in size_rates([case], samples=2000, seed=1)}
    assert by["`f` p_value"].rate == pytest.approx(0.05, abs=0.02)
    assert by["`f` p_value"].remark == "why"
    assert by["`f` interval"].rate == pytest.approx(0.5, abs=0.04)
    assert by["`f` interval"].target == 0.95
    assert by["`f` inner.p_value_naive"].rate == 1
    assert "`f` p_value_none" not in by
    assert [line.split(",")[0] for line in as_they_say(by.values())] == ["`f` inner.p_value_naive", "`f` interval"]
    assert dict(p_values({"a": {"p_value": 1.0}, "p_value_b": None})) == {"a.p_value": 1.0, "p_value_b": None}


@pytest.mark.parametrize("name", ["random_walk", "clustered_events"])
def test_worlds_without_effects_in_short(name):
    rates = {rate.question: rate for rate in null_rates(name, samples=25, n_bars=240)}
    assert within(rates[FALSE_SUPPORTED], 0.05)
    assert within(rates["any of ten falsely contradicted"], 0.06)
    assert within(rates["step-down rejects any of ten"], 0.07)
    assert within(rates["placebo rejects"], 0.06)
    assert rates["95 % interval covers 0"].rate > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
def test_worlds_without_effects(name):
    rates = {rate.question: rate for rate in null_rates(name, samples=200)}
    assert within(rates[FALSE_SUPPORTED], HARD_SUPPORTED.get(name, 0.05))
    assert within(rates["timing alpha rejects"], 0.07)
    assert within(rates["placebo rejects"], 0.07)
    assert within(rates["step-down rejects any of ten"], HARD.get(name, 0.06))
    assert rates["95 % interval covers 0"].rate > 0.92


@pytest.mark.slow
@pytest.mark.parametrize("function", sorted({case.function for case in ALL}))
def test_sizes(function):
    assert as_they_say(size_rates([case for case in ALL if case.function == function], samples=200)) == []


@pytest.mark.slow
def test_power_grows_with_the_effect_and_shrinks_with_every_step():
    rates = {rate.question: rate.rate for rate in power_rates("random_walk", samples=100)}
    found = [rate for question, rate in rates.items() if question.endswith(": supported")]
    assert found == sorted(found)
    assert found[0] <= 0.05
    assert found[2] > 0.4
    assert found[-1] > 0.95
    after_costs = [rate for question, rate in rates.items() if question.endswith(": step-down after costs")]
    placebo = [rate for question, rate in rates.items() if question.endswith(": and placebo")]
    assert all(a >= b >= c for a, b, c in zip(after_costs, placebo, found, strict=True))


def test_the_tables_and_the_command(capsys):
    rates = [
        Rate(world="random_walk", question="it rejects", rate=0.25, samples=100, target=0.05, remark="naive"),
        Rate(world="garch", question="it finds", rate=0.5, samples=100),
    ]
    assert rates[0].error == pytest.approx(np.sqrt(0.05 * 0.95 / 100))
    assert rates[1].error == pytest.approx(0.05)
    assert across(rates).splitlines() == [
        "| % of families | random walk | garch | should be |",
        "|---|---:|---:|---:|",
        "| it rejects | 25.0 ± 2.2 |  | 5 |",
        "| it finds |  | 50.0 ± 5.0 |  |",
    ]
    assert down(rates).splitlines()[2:] == [
        "| it rejects | random_walk | 25.0 ± 2.2 | 5 | naive |",
        "| it finds | garch | 50.0 ± 5.0 |  |  |",
    ]
    with pytest.raises(SystemExit):
        main(["--samples", "0"])
    assert "at least 1" in capsys.readouterr().err
