"""Another thesis by the same commands: nothing of gold is nailed in, and the past of a verdict is what it was."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import research
from research.claims import load_thesis
from research.cli import main
from research.datasets.data import open_data
from research.diagnostics.timing import Timing
from research.engine.exposure import Exposure
from research.study import compare, history
from tests.copper.made_up import copper

ENDS = [f"{year}-{month}-28" for year, month in zip(range(2003, 2013), range(1, 11), strict=True)]


@pytest.fixture(scope="module")
def study(copper_thesis, copper_data):
    return compare(copper_thesis.of_kind("thesis"), copper_data, thesis=copper_thesis, ledger=None)


def test_nothing_in_the_framework_names_a_claim_or_a_strategy_of_the_thesis():
    words = {f"{claim.number}" for claim in load_thesis().claims} | set(load_thesis().strategies)
    words -= {"C1", "C2", "C3", "C5", "lease_rate_spike"}  # examples in docstrings, and a cell of a sheet
    words -= {"backwardation", "gold_silver_ratio", "london_premium", "shanghai_premium"}  # also words of the field
    pattern = re.compile(rf"\b({'|'.join(sorted(words))})\b")
    files = Path(research.__file__).parent.rglob("*.py")
    named = [f"{file.name}: {found.group()}" for file in files for found in pattern.finditer(file.read_text())]
    assert named == []


def test_the_planted_claim_is_found_and_its_opposite_is_not(study):
    assert list(study.claims) == ["K1+", "K1-", "K3+"]
    assert study.claims["K1+"].verdict.word == "supported"
    assert study.claims["K1-"].verdict.word == "contradicted"
    assert study.claims["K1+"].evidence.worthwhile_return == 0.02
    assert study.claims["K1+"].evidence.family_size == 3
    assert study.portfolio is not None
    assert list(study.portfolio.strategies) == ["copper"]


def test_the_record_is_split_at_publication(study, copper_thesis):
    claim = study.claims["K1+"]
    before, after = claim.since(copper_thesis.published)
    (timing,) = [claim.timings[name] for name in claim.timings if "0.1" in name]
    opened_later = timing.dates >= pd.Timestamp("2018-07-01")
    assert (before.last, after.first) == (pd.Timestamp("2018-06-30"), pd.Timestamp("2018-07-31"))
    assert after.periods == opened_later.sum()
    assert before.periods + after.periods == timing.n_periods
    pieces = [claim.timings[name].series(1)[opened_later] for name in claim.timings]
    expected = np.average([12 * psi.mean() for psi in pieces], weights=[1 / psi.std() for psi in pieces])
    assert after.timing_return.value == pytest.approx(expected, rel=1e-12)
    assert not claim.to_json()["publication"]["after"]["low"]
    early, late = claim.since(date(1990, 1, 1))
    assert (early.periods, late.periods) == (0, timing.n_periods)
    assert late.timing_return.value == pytest.approx(claim.evidence.timing_return.value, rel=1e-12)


def test_history_is_what_a_study_of_what_was_known_then_says(copper_thesis, copper_data):
    found = history("K1+", copper_data, moments=ENDS, thesis=copper_thesis).table
    assert len(found) == len(ENDS)
    for moment, row in found.iterrows():
        then = compare(
            copper_thesis.of_kind("thesis"), copper_data.known_by(moment), thesis=copper_thesis, ledger=None
        ).claims["K1+"]
        low, high = then.evidence.timing_return.interval()
        assert row["timing_return"] == pytest.approx(then.evidence.timing_return.value, rel=1e-12)
        assert row["events"] == then.evidence.events
        assert row["word"] == str(then.verdict.word)
        if then.evidence.shows_p_values(then.verdict.rules):
            assert (row["low"], row["high"]) == pytest.approx((low, high), rel=1e-12)
            assert row["p_adjusted"] == then.evidence.p_adjusted.supporting


def test_a_study_of_what_was_known_then_is_one_of_files_cut_then(copper_thesis, copper_data, copper_folder, tmp_path):
    moment = pd.Timestamp("2010-06-15", tz="UTC")
    known = copper_data.known_by(moment)
    for identity in copper_data:
        whole, cut = copper_data.observations(identity), known.observations(identity)
        assert cut["known_at"].max() <= moment
        assert len(cut) == (whole["known_at"] <= moment).sum()
    assert known.market("copper").price.index[-1] == pd.Timestamp("2010-05-31")


def test_the_chart_says_when_the_word_changed(copper_thesis, copper_data):
    shown = history("K1+", copper_data, moments=["1999-06-30", "2019-12-31"], thesis=copper_thesis)
    assert "undecidable from 1999" in shown._repr_html_()
    assert "supported from 2019" in shown._repr_html_()


def test_every_command_knows_the_other_thesis(copper_folder, capsys, tmp_path):
    def run(*words):
        assert main(["--thesis", str(copper_folder), *words]) == 0
        return capsys.readouterr().out

    assert "K1+  Copper rises while warehouses drain" in run("compare", "--no-ledger")
    document = json.loads(run("compare", "--no-ledger", "--json"))
    assert list(document["claims"]) == ["K1+", "K1-", "K3+"]
    assert document["claims"]["K1+"]["publication"]["date"] == "2018-06-12"
    assert json.loads(run("backtest", "drained", "--no-ledger", "--json"))["trials"][0]["claim_id"] == "K1+"
    assert {item["name"]: item["tests"] for item in json.loads(run("strategies", "--json"))}["drained"] == "K1+"
    page, findings = tmp_path / "page.html", tmp_path / "findings.md"
    run("claims", "--html", str(page), "--findings", str(findings))
    for text in (page.read_text(), findings.read_text()):
        assert "Copper rises while warehouses drain" in text
        assert "silver" not in text
    today = json.loads(run("today", "drained", "--json"))
    assert [want["metal"] for want in today["wants"]] == ["copper"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('evidence = "Nobody knows."', "", "'evidence' is missing"),
        ('form = "Copper by all signals."', "", "'form' is missing"),
        ("published = 2018-06-12", "", "'published' is missing"),
        ("published = 2018-06-12", 'published = "soon"', "give a date"),
        ("published = 2018-06-12", "publisched = 2018-06-12", "unknown field 'publisched'; did you mean 'published'?"),
        ('falsifier = "', 'falsifyer = "', "unknown field 'falsifyer'; did you mean 'falsifier'?"),
        ("testable = true", 'testable = "yes"', "testable is 'yes'; give true or false"),
        ('id = "K1-"', 'id = "K1+"', "'K1+' stands twice"),
        ('id = "K1-"', 'id = "K2-"', "must be K1+ or K1-"),
        ('strategies = ["drained_and_done"]', 'strategies = ["drainde"]', "no strategy 'drainde'; did you mean"),
        ('strategies = ["drained_and_done"]', 'strategies = ["drained"]', "'drained' stands twice"),
        ('strategies = ["drained_and_done"]', 'strategies = ["copper_momentum"]', "stands twice"),
        ('id = "K1-"', 'id = "K1a+"', "signs are never pooled"),
        ('shown = ["K1+"]', 'shown = ["K9+"]', "no sentence 'K9+'"),
        ('number = "K2"', 'number = "K1"', "claim 'K1' stands twice"),
        ("[[claims]]", "[[claims", "a thesis is a folder with"),
    ],
)
def test_a_thesis_that_does_not_say_everything_is_refused(copper_folder, tmp_path, old, new, says, capsys):
    text = (copper_folder / "thesis.toml").read_text()
    assert old in text
    copper(tmp_path / "t")
    (tmp_path / "t" / "thesis.toml").write_text(text.replace(old, new, 1))
    assert main(["--thesis", str(tmp_path / "t"), "claims"]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_two_readings_of_one_direction_are_two_claims_and_measures_of_one_are_pooled():
    thesis = load_thesis()
    both = [thesis.sentences[name] for name in ("C4r+", "C4e+")]
    assert not set(both[0].strategies) & set(both[1].strategies)
    assert {name: len(thesis.sentences[name].strategies) for name in ("C2+", "C3+", "C16+", "C17+")} == {
        "C2+": 2,
        "C3+": 2,
        "C16+": 2,
        "C17+": 3,
    }


def test_a_second_measure_is_judged_and_decides_nothing():
    study = compare(["lease_rate_spike"], open_data(), ledger=None)
    claim = study.claims["C1+"]
    assert any(name.startswith("active_lease_rate_spike/") for name in claim.rows)
    assert all(name.startswith("lease_rate_spike/") for name in claim.timings)
    assert "rests on" in claim.rests_on
    again = compare(["active_lease_rate_spike"], open_data(), ledger=None)
    assert again.claims["C1+"].evidence == claim.evidence


def test_a_period_of_which_the_number_is_unknown_takes_no_part(copper_data, copper_thesis):
    market = copper_data.market("copper")
    panel = copper_data.panel("copper", {"stock": "copper_stock"}, market)
    weights = copper_thesis.strategies["drained"].weights(panel)
    gap = weights.copy()
    gap.iloc[100:120] = research.UNKNOWN
    whole, holed = (Timing.of(Exposure.of_metal(item, market, research.Execution())) for item in (weights, gap))
    assert holed.exposure.n_unknown == 20
    assert holed.n_periods == whole.n_periods - 20
