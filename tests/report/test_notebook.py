"""What a cell shows: the answer first, errors as one line, and nothing of the data as markup."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from IPython.core.interactiveshell import InteractiveShell

from research.errors import NoData

from .conftest import EVIL


def test_a_trial_shows_verdict_table_and_chart(trial):
    shown = trial._repr_html_()
    ElementTree.fromstring(shown)
    assert shown.index("verdict") < shown.index("<table") < shown.index('role="img"')
    assert trial.verdict.reason in shown
    assert f"p shifted {trial.evidence.p_shifted.supporting:.3f}" in shown
    assert shown.count('scope="row"') == 4
    assert len(shown) < 100_000


def test_a_trial_with_too_few_events_shows_no_p_value(too_few):
    shown = too_few._repr_html_()
    assert "p shifted" not in shown
    assert "2 independent events" in shown


def test_a_study_shows_every_trial_and_escapes_names(study):
    shown = study._repr_html_()
    ElementTree.fromstring(shown)
    assert EVIL not in shown
    assert all(f"{trial.evidence.events}" in shown for trial in study.trials)
    assert shown.count("<tr") == len(study.claims) + 1 + len(study.trials) + 1


def test_a_class_of_ones_own_shows_itself_as_the_one_that_it_is_made_of(study):
    class Mine(type(study)):
        """A study with more to it."""

    mine = object.__new__(Mine)
    mine.__dict__.update(vars(study))
    own, its = (re.sub(r"chart-\d+", "", one._repr_html_()) for one in (mine, study))
    assert own == its


def test_plain_representations_are_one_short_line(trial, study):
    assert repr(trial) == f"<Trial lease_rate_spike on silver: {trial.verdict.word}>"
    assert repr(study).startswith(f"<Study of {len(study.claims)} claims")


def test_a_chart_shows_itself(trial):
    from research.report import charts

    ElementTree.fromstring(charts.equity(trial)._repr_html_())


def test_an_error_in_a_cell_is_one_line(capsys):
    shell = InteractiveShell()
    shell.run_cell("from research import open_data\nopen_data().market('gold', start='2150')")
    out = capsys.readouterr().out.strip()
    assert out.startswith("NoData: gold_price: no history from 2150")
    assert "\n" not in out
    assert NoData("x")._render_traceback_() == ["NoData: x"]
