"""The report: whole, safe, readable by machines, and written all or not at all."""

from __future__ import annotations

from html.parser import HTMLParser
from itertools import pairwise

import pytest

from research.report import html
from research.report.columns import CLAIM_COLUMNS, ROW_COLUMNS
from research.report.html import report
from research.study import Study

from .conftest import EVIL

VOID = {"meta", "rect", "line", "circle", "path"}


class Page(HTMLParser):
    """Collects elements with their attributes, checks that they nest, and keeps the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in VOID
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def named(self, *tags):
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.fixture(scope="module")
def page(study) -> Page:
    return Page(report(study))


@pytest.fixture(scope="module")
def single(study, trial) -> Study:
    from dataclasses import replace

    return replace(study, trials=(trial,))


def test_without_the_appendix_a_page_has_the_findings_that_decide_and_no_others(study, trial, page):
    short = Page(report(study, appendix=False))
    told = " ".join(short.words)
    assert all(finding.sentence in told for finding in trial.findings.values() if finding.p_value is None)
    assert not [finding.sentence for finding in trial.appendix.values() if finding.sentence in told]
    assert "What decides" in told
    assert "--verbose --html" in told
    assert "--verbose --html" not in " ".join(page.words)


def test_nothing_is_asked_of_the_network_and_nothing_runs(page):
    assert not page.named("script", "link", "iframe", "img", "object", "base")
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "action"):
            assert attributes.get(name, "#").startswith("#")
    style = "".join(page.words)
    assert "@import" not in style
    assert "url(" not in style


def test_what_comes_from_data_is_text(study, page):
    assert EVIL in "".join(page.words)
    assert "onerror=alert(2)" in "".join(page.words)


def test_links_lead_somewhere_and_ids_are_unique(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {attributes["href"][1:] for attributes in page.named("a")} <= set(ids)


def test_tables_are_real_and_scroll_by_themselves(page):
    assert all(cell.get("scope") in ("col", "row") for cell in page.named("th"))
    scrolling = [a for a in page.named("div") if a.get("class") == "scroll"]
    assert len(scrolling) == len(page.named("table"))
    assert all(a["tabindex"] == "0" and a["role"] == "region" and a["aria-label"] for a in scrolling)
    assert page.named("html")[0]["lang"] == "en"
    assert "width=device-width" in str(page.named("meta"))


def test_headings_never_skip_a_level(study, single):
    for text in (report(study), report(single)):
        levels = [int(tag[1]) for tag, _ in Page(text).elements if tag in ("h1", "h2", "h3", "h4")]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_first_screen_of_one_trial_has_claim_verdict_three_numbers_and_the_chart(single, trial):
    text = report(single)
    top = text[text.index("<main") : text.index('id="evidence"')]
    words = "".join(Page(top[: top.rindex("<section")].replace("<main>", "")).words)
    assert trial.strategy.claim in words
    assert str(trial.verdict.word) in words
    assert trial.verdict.reason in words
    assert f"{trial.evidence.timing_return.value:+.1%}".replace("%", " %") in words
    assert f"{trial.evidence.p_adjusted.supporting:.3f}" in words
    assert f"{trial.evidence.p_shifted.supporting:.3f}" in words
    assert top.count("<figure") == 1


def test_the_note_under_the_verdicts_says_what_every_column_is(page):
    words = "".join(page.words)
    for column in (*CLAIM_COLUMNS[:-1], *ROW_COLUMNS[:-1]):
        assert f"{column.heading}: {column.meaning}." in words


def test_without_events_enough_there_is_no_p_value(study, too_few):
    from dataclasses import replace

    words = "".join(Page(report(replace(study, trials=(too_few,)))).words)
    numbers = words[: words.index("It would be refuted by")]
    assert "Independent events" in numbers
    assert "p adjusted" not in numbers
    assert all(finding.p_value is None for finding in too_few.findings.values())
    assert "among its own shifted histories" not in words


def test_data_terms_trials_and_manifest_are_told(study, page):
    words = "".join(page.words)
    for dataset in study.datasets.values():
        assert dataset.sha256 in words
        assert dataset.licence in words
        assert dataset.publisher in words
    assert f"{study.claims['C1+'].evidence.family_size} claims with" in words
    assert study.manifest["versions"]["vectorbt"] in words
    assert str(study.manifest["seed"]) in words
    assert words.count("threshold = 3.0, hold_days = 183") == 2
    for digest in study.manifest["strategies"].values():
        assert digest in words


def test_the_old_report_stays_when_the_new_one_fails(study, tmp_path, monkeypatch):
    file = tmp_path / "report.html"
    assert study.report(file) == file
    before = file.read_text(encoding="utf-8")
    monkeypatch.setattr(html, "page", lambda *told, **values: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        study.report(file)
    assert file.read_text(encoding="utf-8") == before
    assert list(tmp_path.iterdir()) == [file]


def test_no_sentence_of_a_claim_or_a_finding_s_method_is_said_twice(study, page):
    words = " ".join(" ".join(page.words).split())
    sentence = study.claims["C1+"].sentence
    assert sentence != study.claims["C1+"].short
    assert words.count(sentence) == 1
    last = study.trials[-1]
    for item in {**last.findings, **last.appendix}.values():
        told = f"Null: {item.null}. Method: {item.method}. Source: {item.reference}."
        assert words.count(" ".join(told.split())) == 1, item.name
    assert words.count("Shaded: held above the average so far.") == 1
