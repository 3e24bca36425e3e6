"""The bundled thesis: whole, tied to its strategies, honest about what was not asked, and a page to publish."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from research.claims import load_thesis
from research.cli import main
from research.datasets.data import open_data
from research.report.claims import claims_json, claims_page, findings_page, print_claims
from research.report.sentences import signed_percent
from research.report.study_words import quotation, what_would_change_it
from research.study import compare
from tests.report.test_html import Page

THESIS = load_thesis()
ASKED = ["pboc_buying", "shanghai_premium", "silver_deficit", "lease_rate_spike", "lease_rate_squeeze_fades"]


@pytest.fixture(scope="module")
def data():
    return open_data()


@pytest.fixture(scope="module")
def study(data):
    return compare(ASKED, data, ledger=None)


@pytest.fixture(scope="module")
def page(data, study):
    return claims_page(THESIS, data, study)


def test_there_are_twenty_claims_each_with_sources_and_a_test_or_a_reason():
    assert [claim.number for claim in THESIS.claims] == [f"C{n}" for n in range(1, 21)]
    for claim in THESIS.claims:
        assert claim.sources
        assert bool(claim.form) == claim.testable == bool(claim.sentences)
    assert f"{THESIS.published}" == "2025-12-12"
    assert THESIS.limits


def test_every_sentence_is_short_and_every_strategy_tests_one():
    for sentence in THESIS.sentences.values():
        assert 5 <= len(sentence.short.split()) <= 7
        assert len(sentence.short) <= 38, "or a claim takes two lines at 120 columns"
        assert sentence.sentence.endswith(".")
    named = [name for s in THESIS.sentences.values() for name in (*s.strategies, *s.beside)]
    assert sorted([*named, *THESIS.baselines]) == sorted(THESIS.strategies)


@pytest.mark.parametrize(("plus", "minus"), [("C1+", "C1-"), ("C6+", "C6-")])
def test_two_sided_claims_register_both_signs(plus, minus):
    one, other = (THESIS.strategies[THESIS.sentences[name].strategies[0]] for name in (plus, minus))
    assert (one.expected_sign, other.expected_sign) == (1, -1)
    assert one.grid == other.grid


def test_a_proxy_is_called_so(data, capsys):
    (proxied,) = [claim for claim in THESIS.claims if claim.number == "C8"]
    assert not proxied.testable
    assert proxied.shown == ("C3+",)
    print_claims(THESIS, data, None)
    assert "Nearest proxy: C3+" in capsys.readouterr().out


def test_missing_data_are_named_and_no_verdict_is_invented(data):
    document = claims_json(THESIS, data, None)
    sentences = {item["id"]: item for claim in document["claims"] for item in claim["sentences"]}
    assert "sge_gold_price" in sentences["C13+"]["missing"]
    assert all("verdict" not in item for item in sentences.values())
    assert "--verdicts" in document["note"]
    json.dumps(document, allow_nan=False)


def test_what_the_study_says_stands_beside_each_claim(data, study):
    document = claims_json(THESIS, data, study)
    sentences = {item["id"]: item for claim in document["claims"] for item in claim["sentences"]}
    for name, claim in study.claims.items():
        assert sentences[name]["verdict"]["word"] == str(claim.verdict.word)
        assert sentences[name]["publication"]["date"] == "2025-12-12"
    assert "verdict" not in sentences["C13+"]
    json.dumps(document, allow_nan=False)


def test_a_quotation_says_no_more_than_the_numbers_beside_it(study):
    for claim in study.claims.values():
        said, evidence = quotation(claim, study), claim.evidence
        last = max(timing.dates[-1] for timing in claim.timings.values())
        assert f"to {last:%B %Y}" in said
        if evidence.events < 6:
            assert "%" not in said
            assert str(evidence.events) in said or "no independent event" in said
            assert f"{6 - evidence.events} more independent" in what_would_change_it(claim)
        else:
            assert (
                f"{abs(evidence.price_gap.value):.1%} a year {'less' if evidence.price_gap.value < 0 else 'more'}"
                in said
            )
            low, high = (f"{100 * bound:+.1f}" for bound in evidence.price_gap.interval())
            assert f"{low} … {high} %" in said
            assert f"{evidence.events} independent" in said


def test_the_page_is_whole_and_asks_nothing_of_the_network(page, study):
    read = Page(page)
    assert not read.named("script", "link", "img", "iframe")
    assert "http" not in page.replace("http-equiv", "")
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] for attributes in read.named("a")]
    assert {link.removeprefix("#") for link in links} <= set(ids)
    assert {claim.number for claim in THESIS.claims} <= {link.removeprefix("#") for link in links}
    regions = [attributes["aria-label"] for attributes in read.named("div") if attributes.get("role") == "region"]
    assert len(regions) == len(set(regions)), "every region has a name of its own"
    levels = [int(tag[1]) for tag, _ in read.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_the_page_carries_each_verdict_with_its_picture_and_its_quotation(page, study):
    words = " ".join(" ".join(Page(page).words).split())
    for claim in study.claims.values():
        assert " ".join(quotation(claim, study).split()) in words
        assert claim.verdict.reason in words
    assert page.count('role="img"') >= 1 + 2 * 2  # all claims; signal and interval of the lease rate's two
    assert "no strategy" not in words
    assert "C13+" in words
    assert "which no pack here has" in words


def test_the_page_of_findings_carries_every_number_and_no_adjective(study):
    text = findings_page(study, None, [])
    assert text.index("## Every claim") < text.index("## Every row")
    claim = study.claims["C1+"]
    row = next(line for line in text.splitlines() if line.startswith("| C1+"))
    assert signed_percent(claim.evidence.price_gap.value) in row
    assert f"{claim.evidence.p_adjusted.supporting:.3f}" in row
    assert row.endswith(f"| {claim.verdict.word} |")
    for heading in ("What survived", "What is ruled out", "What nobody can know yet", "What the data cannot say"):
        assert f"## {heading}" in text
    assert "## Before and after 12 December 2025" in text
    assert not re.search(r"\b(strong|robust|impressive|remarkable|excellent|significantly)\b", text, re.IGNORECASE)
    silver = next(line for line in text.splitlines() if line.startswith("| `silver_deficit`"))
    assert silver.count("|  |") >= 1  # too few events: no interval, no p-value


def test_command_line(tmp_path, capsys):
    assert main(["claims", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["claims"]) == 20
    assert main(["claims"]) == 0
    assert "C17" in capsys.readouterr().out


def test_the_readme_says_what_the_findings_count():
    root = Path(__file__).resolve().parents[1]
    told = " ".join((root / "README.md").read_text(encoding="utf-8").split())
    told = told[told.index("What came out") :]
    for name in ("findings-monthly.md", "findings.md"):
        text = (root / "docs" / name).read_text(encoding="utf-8")
        n, *counts = map(int, re.search(r"\*\*(\d+) claims: (\d+) \w+, (\d+) \w+, (\d+) [\w ]+, (\d+)", text).groups())
        assert f"{n} claims" in told
        for count, word in zip(counts, ("supported", "contradicted", "ruled out", "undecidable"), strict=True):
            assert f"{count} {word}" in told
    rows = [line.split(" | ") for line in text_of(root / "docs" / "findings-monthly.md")]
    few = [row for row in rows if row[-1].startswith("undecidable") and int(row[1]) < 6]
    assert f"{len(few)} of them because" in told


def text_of(file):
    """Rows of the first table."""
    return [line for line in file.read_text(encoding="utf-8").splitlines() if re.match(r"\| C\d+", line)]


def test_the_readme_says_how_little_came_after_the_article():
    root = Path(__file__).resolve().parents[1]
    text = (root / "docs" / "findings-monthly.md").read_text(encoding="utf-8")
    after = re.findall(r"did not suggest the claim: (\d+) events? in (\d+) periods?", text)
    told = " ".join((root / "README.md").read_text(encoding="utf-8").split())
    assert max(int(events) for events, _ in after) == 1
    assert max(int(periods) for _, periods in after) == 7
    assert "is seven months with at most one event a claim" in told
