"""The words of the findings: each is said by some function, and what its braces name is given."""

import ast
import tomllib
from pathlib import Path
from string import Formatter

import numpy as np
import pytest

import research
from research.diagnostics.finding import Finding
from research.diagnostics.long_run import Estimate
from research.diagnostics.specification import READINGS

HOUSE = Path(research.__file__).parent
WORDS = tomllib.loads((HOUSE / "diagnostics" / "findings.toml").read_text(encoding="utf-8"))
PARTS = {"unit", "null", "alternative", "method", "reference", "sentence"}


NAMED_BY_A_VARIABLE = {
    "evidence.decided_by": ("p_adjusted", "p_with_record"),
    "name": ("probabilistic_sharpe_ratio", "deflated_sharpe_ratio"),
}
ALWAYS = {"estimate", "level", "p_value", "effective_n"}


def calls():
    """Of every ``Finding.of`` in the house: the names it may have, the call, and the function that it stands in."""
    for file in HOUSE.rglob("*.py"):
        functions = [node for node in ast.parse(file.read_text(encoding="utf-8")).body if hasattr(node, "args")]
        for function in functions:
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "Finding.of":
                    name = ast.unparse(call.args[0])
                    callers = [other for other in functions if f"{function.name}(" in ast.unparse(other)]
                    yield NAMED_BY_A_VARIABLE.get(name) or (ast.literal_eval(name),), call, [function, *callers]


def texts(node):
    return {part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)}


def keywords(node):
    return {part.arg for part in ast.walk(node) if isinstance(part, ast.keyword)}


def braces(entry):
    every = [text for part in entry.values() for text in (part.values() if isinstance(part, dict) else [part])]
    return {field for text in every for _, field, _, _ in Formatter().parse(text) if field is not None}


def test_every_entry_has_all_its_parts_and_no_other():
    for name, entry in WORDS.items():
        assert {"unit", "method", "reference", "sentence"} <= set(entry) <= PARTS, name
        assert ("null" in entry) == ("alternative" in entry), name


def test_every_entry_is_used_and_every_finding_has_its_entry_and_its_sentence():
    used = {}
    for names, call, _ in calls():
        says = [texts(keyword.value) for keyword in call.keywords if keyword.arg == "says"]
        for name in names:
            used[name] = used.get(name, set()).union(*says)
    used["stationarity"] = set(READINGS.values())
    assert set(used) == set(WORDS)
    for name, says in used.items():
        tables = [set(text) for text in WORDS[name].values() if isinstance(text, dict)]
        assert all(table == says for table in tables), name
        assert bool(tables) == bool(says), name


def test_what_an_entry_has_in_braces_is_given():
    for names, _, functions in calls():
        given = ALWAYS.union(*(texts(function) | keywords(function) for function in functions))
        for name in names:
            assert braces(WORDS[name]) <= given, name


def test_an_estimate_brings_its_test_and_a_number_brings_none():
    found = Estimate(0.02, 0.01, 30)
    tested = Finding.of("incremental_value", found, controls="nothing else", delay=1, degrees_of_freedom=30)
    assert (tested.estimate, tested.statistic, tested.p_value) == (0.02, found.t, found.two_sided)
    assert tested.interval == found.interval()
    assert f"{found.two_sided:.1%}" in tested.sentence
    bare = Finding.of("arch_effects", 0.5, p_value=0.25, details={"lags": 3})
    assert (bare.statistic, bare.interval) == (None, None)
    assert bare.method == "Lagrange multiplier with 3 lags, chi-squared with 3 degrees of freedom"


@pytest.mark.parametrize(
    ("name", "given"),
    [("arch_effects", {}), ("no_such_finding", {}), ("mean_breaks", {"says": "none", "shortest": 1, "most": 1})],
)
def test_what_is_missing_is_an_error(name, given):
    with pytest.raises(KeyError):
        Finding.of(name, 0.0, p_value=0.5, **given)


def test_details_cannot_be_written_into():
    with pytest.raises(TypeError):
        Finding.of("arch_effects", np.float64(0.5), p_value=0.25, details={"lags": 3}).details["lags"] = 4
