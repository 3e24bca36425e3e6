"""The ledger: whole, tied to the strategies, and honest about what was not asked."""

import json
import re

import pytest
from typer.testing import CliRunner

from research.claims import ledger, load_claims, load_limits
from research.cli.app import app
from research.datasets.data import open_data
from research.discovery import all_strategies
from research.errors import RegistryError
from research.report.findings import findings_page
from research.study import compare

FOUND = all_strategies()
THESIS = [item for item in FOUND.values() if item.role == "thesis"]


def test_there_are_twenty_claims_each_with_sources_and_a_test_or_a_reason():
    claims = load_claims()
    assert [claim.number for claim in claims] == [f"C{n}" for n in range(1, 21)]
    for claim in claims:
        assert claim.sources
        assert bool(claim.form) == claim.testable
        assert bool(claim.why_not) != claim.testable


def test_every_testable_claim_has_a_strategy_and_every_thesis_strategy_a_claim():
    numbers = {claim.number for claim in load_claims()}
    tested = {number for item in THESIS for number in item.claims}
    assert {claim.number for claim in load_claims() if claim.testable} <= tested
    for item in THESIS:
        assert item.claims, item.name
        assert set(item.claims) <= numbers, item.name
    assert {item.name for item in FOUND.values() if item.role == "baseline"} >= {
        "momentum_12_months",
        "gold_silver_ratio",
    }


@pytest.mark.parametrize(
    ("plus", "minus"),
    [("lease_rate_spike", "lease_rate_squeeze_fades"), ("london_premium", "london_premium_fades")],
)
def test_two_sided_claims_register_both_signs(plus, minus):
    assert (FOUND[plus].expected_sign, FOUND[minus].expected_sign) == (1, -1)
    assert FOUND[plus].claims == FOUND[minus].claims
    assert FOUND[plus].grid == FOUND[minus].grid


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("claims = [{ number = 'C1', claim = 'x' }]", "'evidence' is missing"),
        ("claims = [{ number = 'C1', claim = 'x', evidence = 'y', testable = false, sources = ['z'] }]", "why_not"),
        ("claims = [{ number = 'C1', claim = 'x', evidence = 'y', testable = true, form = 'f' }]", "no sources"),
        ("claims = [{ number = 'C1', claim = 'x', evidence = 'y' }]", "testable must be"),
        ("claims = 1 +", "restore the ledger"),
    ],
)
def test_a_ledger_that_does_not_say_everything_is_refused(tmp_path, text, says):
    path = tmp_path / "claims.toml"
    path.write_text(text)
    with pytest.raises(RegistryError, match=says):
        load_claims(path)


def test_missing_data_are_named_and_no_verdict_is_invented():
    entries = {entry.claim.number: entry for entry in ledger(load_claims(), THESIS, open_data())}
    tests = {test.strategy: test for test in entries["C13"].tests if test.metal == "gold"}
    assert "sge_gold_price" in tests["shanghai_premium"].missing
    assert all(test.verdict == "" for entry in entries.values() for test in entry.tests)
    assert entries["C19"].tests == ()


@pytest.fixture(scope="module")
def study():
    return compare(["pboc_buying", "shanghai_premium", "silver_deficit"], open_data())


def test_verdicts_are_those_of_the_study(study):
    entries = {entry.claim.number: entry for entry in ledger(load_claims(), THESIS, open_data(), study)}
    (pboc,) = [test for test in entries["C11"].tests if test.strategy == "pboc_buying"]
    assert pboc.verdict == str(study["pboc_buying", "gold"].verdict.word)
    premium = [test for test in entries["C13"].tests if test.strategy == "shanghai_premium"]
    assert {test.verdict for test in premium} == {"not run"}


def test_the_page_of_findings_carries_every_number_and_no_adjective(study):
    entries = ledger(load_claims(), THESIS, open_data(), study)
    page = findings_page(study, None, entries, [], load_limits())
    row = next(line for line in page.splitlines() if line.startswith("| `pboc_buying`"))
    trial = study["pboc_buying", "gold"]
    assert f"{trial.findings['timing_alpha'].estimate * 100:+.1f} %" in row
    assert f"{trial.robustness.longer_delay * 100:+.1f} %" in row
    assert row.endswith(f"| {trial.verdict.word} |")
    for heading in ("What survived", "What did not survive", "What nobody can know yet", "What the data cannot say"):
        assert f"## {heading}" in page
    assert not re.search(r"\b(strong|robust|impressive|remarkable|excellent|significantly)\b", page, re.IGNORECASE)
    silver = next(line for line in page.splitlines() if line.startswith("| `silver_deficit`"))
    assert silver.count("|  |") >= 1  # one event: no interval, no p-value


def test_command_line(tmp_path):
    run = CliRunner().invoke(app, ["claims", "--json"])
    assert run.exit_code == 0
    document = json.loads(run.stdout)
    assert len(document["claims"]) == 20
    assert "--verdicts" in document["note"]
    page = tmp_path / "claims.html"
    run = CliRunner().invoke(app, ["claims", "--html", str(page)])
    assert run.exit_code == 0
    text = page.read_text()
    assert text.count("<h2") == 20
    assert "http" not in text.replace("http-equiv", "")
    assert "C17" in run.stdout
