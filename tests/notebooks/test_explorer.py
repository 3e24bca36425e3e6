"""explore: sliders over the declared grid, what they show, and that every look is counted."""

from __future__ import annotations

import sys

import pytest

from research import compare, explore, hold_while, open_data, strategy
from research.errors import DataError
from research.ledger import Ledger
from research.report.sentences import signed_percent


@strategy(
    claim="Silver rises after its lease rate has risen.",
    metal="silver",
    inputs={"lease": "silver_lease_rate"},
    expected_sign=+1,
    grid={"months": [3, 6]},
)
def rising_lease(panel, months=3):
    return hold_while(panel["lease"].diff(months), above=0.0)


@pytest.fixture(scope="module")
def data():
    return open_data(user=False)


def test_a_slider_moves_the_trial_the_numbers_and_the_chart(data, tmp_path):
    pytest.importorskip("ipywidgets", reason="the lab extra is not installed")
    ledger = Ledger(tmp_path / "trials.sqlite")
    view = explore(rising_lease, data, ledger=ledger)
    assert list(view.controls) == ["metal", "months"]
    assert view.point == ("silver", 3)
    first = view.box.children[-1].value
    view.controls["months"].value = 6
    second = view.box.children[-1].value
    assert view.trial.parameters == {"months": 6}
    for trial, page in zip([study.trials[0] for study in view.studies.values()], (first, second), strict=True):
        assert f"Timing return {signed_percent(trial.evidence.timing_return.value)} a year" in page
        assert 'role="img"' in page
    assert "1 of 2 points looked at" in first
    assert "2 of 2 points looked at" in second
    assert "2 trials on these prices" in second  # the grid was counted before the first look
    assert "recorded" in second
    assert [entry.parameters["months"] for entry in ledger.entries(strategy="rising_lease")] == [3, 6]
    view.controls["months"].value = 3
    assert view.box.children[-1].value.startswith(first[:60])
    assert len(ledger.entries(strategy="rising_lease")) == 2  # looking again is no further trial
    assert "application/vnd.jupyter.widget-view+json" in view._repr_mimebundle_()


def test_without_a_ledger_it_says_so(data):
    pytest.importorskip("ipywidgets", reason="the lab extra is not installed")
    assert "not recorded (--no-ledger)" in explore(rising_lease, data, ledger=None).box.children[-1].value


def test_without_ipywidgets_it_is_one_clear_error(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(DataError, match="ipywidgets: not installed; pip install ipywidgets"):
        explore(rising_lease, data)


def test_values_show_themselves(data):
    assert repr(rising_lease) == "<Strategy rising_lease on silver: Silver rises after its lease rate has risen.>"
    shown = rising_lease._repr_html_()
    assert "months: 3, 6 (2 a metal)" in shown
    assert "lease = silver_lease_rate" in shown
    assert repr(data).startswith(f"<Data of {len(data)} datasets in ")
    assert data._repr_html_().count('scope="row"') == len(data)


def test_a_claim_shows_its_sentence_and_verdict(data):
    claim = compare([rising_lease], data, ledger=None).claims["rising_lease"]
    assert repr(claim) == f"<Claim rising_lease, {rising_lease.claim}: {claim.verdict.word}>"
    shown = claim._repr_html_()
    assert claim.verdict.reason in shown
    assert claim.falsifier in shown
