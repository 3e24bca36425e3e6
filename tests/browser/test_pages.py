"""Every page in a real browser, offline: nothing sticks out, nothing is asked for, nothing goes wrong, all can read it.

Needs Chromium on the path (or ``ASSAY_CHROMIUM``); with ``make axe`` (npm) axe-core looks at every page too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pandas as pd
import pytest

from research import Execution, compare, follow, open_data, register
from research.claims import load_thesis
from research.cli import main
from research.datasets.data import Data
from research.report import template
from research.report.claims import claims_page
from research.report.html import report
from research.study import Study
from tests.conftest import REPOSITORY
from tests.copper.made_up import copper
from tests.engine.test_result import short_at_twenty_times
from tests.sweep.conftest import write_market
from tests.sweep.test_command import IDEA

from .chromium import Tab, chromium

pytestmark = pytest.mark.xdist_group("browser")

AXE = Path(os.environ.get("ASSAY_AXE", REPOSITORY / ".axe" / "node_modules" / "axe-core" / "axe.min.js"))
WIDTHS = (360, 768, 1280)
TALLEST = 12_000  # pixels on a phone, before anything is unfolded

OPEN_ALL = "document.querySelectorAll('details').forEach(d => d.open = true)"
SIZE = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
AXE_RUN = """axe.run(document, {resultTypes: ['violations']}).then(found => JSON.stringify(found.violations
  .filter(fault => ['serious', 'critical'].includes(fault.impact))
  .map(fault => [fault.id, fault.impact, fault.nodes.slice(0, 3).map(node => node.html.slice(0, 200))])))"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory) -> Iterator[Tab]:
    binary = chromium()
    if binary is None:
        pytest.skip("no chromium on the path; install it, or name one with ASSAY_CHROMIUM")
    with Tab(binary, tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture(scope="module")
def study() -> Study:
    return compare(["lease_rate_spike"], open_data(), ledger=None)


@pytest.fixture(scope="module")
def page(study, tmp_path_factory) -> Callable[[str], Path]:
    @cache
    def made(kind: str) -> Path:
        file = tmp_path_factory.mktemp("page") / "page.html"
        file.write_text(PAGES[kind](study), encoding="utf-8")
        return file

    return made


def of_one(study: Study) -> str:
    return report(replace(study, trials=(study["lease_rate_spike", "silver"],)))


def of_too_few(study: Study) -> str:
    few = next(trial for trial in study.trials if not trial.shows_p_values)
    return report(replace(study, trials=(few,)))


def of_claims(study: Study) -> str:
    return claims_page(load_thesis(), open_data(), study)


def of_gold_alone(study: Study) -> str:
    packs = open_data().packs
    gold = [replace(p, datasets={k: v for k, v in p.datasets.items() if not k.startswith("silver")}) for p in packs]
    return report(compare(["lease_rate_spike"], Data(gold), ledger=None))


def of_ruin(study: Study) -> str:
    return report(compare([short_at_twenty_times], open_data(), execution=Execution(max_leverage=20.0), ledger=None))


def of_sweep(study: Study) -> str:
    with TemporaryDirectory() as folder:
        pack, page = write_market(Path(folder) / "pack", 900), Path(folder) / "page.html"
        words = ["--data", str(pack), "--memory", "20", "--folds", "3", "--no-ledger", "--html", str(page)]
        assert main(["sweep", IDEA, *words]) == 0
        return page.read_text(encoding="utf-8")


def of_following(study: Study) -> str:
    then = pd.Timestamp("2005-06-15 12:00", tz="UTC")
    with TemporaryDirectory() as folder, patch("research.registration.freezing._now", lambda: then):
        thesis, page = copper(Path(folder) / "thesis", effect=0.04), Path(folder) / "page.html"
        on_record = load_thesis(thesis), open_data(thesis, bundled=False)
        files = [
            register(name, on_record[1].known_by(then), thesis=on_record[0]).write(Path(folder))
            for name in ("K1+", "K3+")
        ]
        found = follow(files, on_record[1], thesis=on_record[0])
        page.write_text(template.page("follow.html", "what has come since", found=found), encoding="utf-8")
        return page.read_text(encoding="utf-8")


PAGES: dict[str, Callable[[Study], str]] = {
    "compare": report,
    "backtest": of_one,
    "claims": of_claims,
    "too few events": of_too_few,
    "gold alone": of_gold_alone,
    "ruin": of_ruin,
    "sweep": of_sweep,
    "following": of_following,
}


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_fits_asks_for_nothing_and_can_be_read_by_all(kind, tab, page):
    tab.open(page(kind))
    tab.show(WIDTHS[0])
    assert tab.evaluate(SIZE)[1] < TALLEST
    tab.evaluate(OPEN_ALL)
    for dark in (False, True):
        for width in WIDTHS:
            tab.show(width, dark=dark)
            assert tab.evaluate(SIZE)[0] == width, f"something sticks out at {width} px"
    assert not tab.requests
    assert not tab.errors
    if not AXE.exists():
        pytest.skip(f"looked at, but not by axe-core: there is no {AXE}; make axe")
    tab.evaluate(AXE.read_text(encoding="utf-8"))
    for width, dark in ((360, False), (1280, True)):
        tab.show(width, dark=dark)
        assert json.loads(str(tab.evaluate(AXE_RUN))) == []


def test_the_browser_sees_what_is_wrong(tab, tmp_path):
    """The checks above can fail: a page that sticks out, asks and throws is seen to do so."""
    file = tmp_path / "bad.html"
    file.write_text(
        "<!DOCTYPE html><html><head><title>x</title></head><body><p style='width:900px'>wide</p>"
        "<img src='https://example.org/x.png'><script>console.error('no'); throw new Error('x')</script></body></html>"
    )
    tab.open(file)
    tab.show(360)
    assert tab.evaluate(SIZE)[0] > 360
    assert tab.requests == ["https://example.org/x.png"]
    assert len(tab.errors) >= 2
    if AXE.exists():
        tab.evaluate(AXE.read_text(encoding="utf-8"))
        assert {fault[0] for fault in json.loads(str(tab.evaluate(AXE_RUN)))} >= {"html-has-lang", "image-alt"}


def test_a_link_opens_what_is_folded_and_paper_has_it_all_open(tab, page):
    tab.open(page("compare"))
    shut = "[...document.querySelectorAll('main details')].filter(d => !d.open).length"
    before = tab.evaluate(shut)
    tab.evaluate("document.querySelector('nav a[href=\"#methods\"]').click()")
    assert tab.evaluate(shut) == before - 1
    seen = "document.querySelector('#manifest table').checkVisibility()"
    assert not tab.evaluate(seen)
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.evaluate(seen)
    tab.call("Emulation.setEmulatedMedia", media="")
