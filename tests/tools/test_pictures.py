"""The committed pictures are those that the code draws today; ``make pictures`` makes them anew."""

from __future__ import annotations

import pytest

from research import compare, open_data
from research.claims import load_thesis
from tests.conftest import REPOSITORY

from .pictures import GALLERY, OF_STUDY, OF_TRIAL, of_study, of_trial


def stale(made: dict[str, str]) -> list[str]:
    return [name for name, text in made.items() if (GALLERY / name).read_text(encoding="utf-8") != text]


def test_the_pictures_of_a_trial_and_their_page_are_current():
    study = compare(["lease_rate_spike"], open_data(user=False), metals=["silver"], ledger=None)
    assert stale(of_trial(study.trials[0])) == [], "make pictures"


@pytest.mark.slow
def test_the_pictures_of_the_whole_thesis_are_current():
    study = compare(load_thesis().of_kind("thesis"), open_data(user=False), ledger=None)
    assert stale(of_study(study)) == [], "make pictures"


def test_every_picture_is_shown_and_none_asks_for_anything():
    page = (GALLERY / "index.md").read_text(encoding="utf-8")
    assert {file.stem for file in GALLERY.glob("*.svg")} == {*OF_TRIAL, *OF_STUDY, "terminal"}
    assert all(f"({name}.svg)" in page for name in (*OF_TRIAL, *OF_STUDY))
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    for name in ("terminal.svg", "report.png"):
        assert f"(docs/gallery/{name})" in readme
        assert (GALLERY / name).exists()
    for file in GALLERY.glob("*.svg"):
        text = file.read_text(encoding="utf-8")
        assert "url(http" not in text
        assert "href=" not in text
