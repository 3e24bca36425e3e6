"""One contract for every strategy that discovery finds."""

import numpy as np
import pandas as pd
import pytest

from research import UNKNOWN, Execution, load_thesis, open_data
from research.datasets.panel import Panel
from research.discovery import all_strategies
from research.errors import AssayError, NoData, NoDecision
from research.lookahead import check
from research.lookahead.history import history_of
from research.lookahead.runner import fresh
from research.study import compare
from research.weights import in_bills

STRATEGIES = list(all_strategies().values())
DATA = open_data()
PAIRS = [  # what the bundled pack has data for; tests/daily tries the others
    pytest.param(item, metal, id=f"{item.name}-{metal}")
    for item in STRATEGIES
    for metal in item.metals
    if all(identity in DATA for identity in item.inputs_for(metal, DATA).values())
]
ONCE = list({pair.values[0].name: pair for pair in PAIRS}.values())  # one metal each; the slow tests try every one


@pytest.fixture(scope="module")
def data():
    return DATA


@pytest.mark.parametrize("item", STRATEGIES, ids=lambda item: item.name)
def test_the_declaration_is_complete(item):
    assert item.name.isidentifier()
    for text in (item.claim, item.falsifier):
        assert len(text.split()) >= 5, "say it in a sentence"
        assert text.endswith(".")
    assert item.expected_sign in (-1, 1)
    assert load_thesis().kind_of(item) in ("thesis", "baseline"), "thesis.toml names it"
    assert (item.signal.__doc__ or "").strip(), "the signal says in a docstring what it does"
    for metal in item.metals:
        assert all(identity and "{" not in identity for identity in item.inputs_for(metal).values())
    assert set(item.grid) <= set(item.defaults)
    assert item.defaults in item.variants()


@pytest.mark.parametrize("item", STRATEGIES, ids=lambda item: item.name)
def test_its_module_can_be_imported_anew(item):
    again = fresh(item)
    assert again is not None
    assert again.source_hash == item.source_hash


@pytest.mark.parametrize(("item", "metal"), PAIRS)
def test_weights_can_be_traded_at_every_point_of_the_grid(item, metal, data):
    history = history_of(item, data, metal)
    for parameters in item.variants():
        weights = item.weights(history.panel(), parameters)
        assert weights.index.equals(history.index)
        assert np.nanmax(np.abs(in_bills(weights))) <= Execution().max_leverage
        assert weights.equals(item.weights(history.panel(), parameters)), "the same panel gives the same weights"


@pytest.mark.parametrize(("item", "metal"), ONCE)
def test_it_is_honest(item, metal, data):
    report = check(item, data, metal=metal, n_cuts=1)  # where it moves most rarely; more cuts are among the slow tests
    assert report.outcome != "failed", report


@pytest.mark.parametrize(("item", "metal"), PAIRS)
def test_unknown_is_not_no(item, metal, data):
    """Where nothing has been published for years no strategy has an answer, and it says so instead of holding bills."""
    market = data.market(metal, "1975")
    whole = data.panel(metal, item.inputs_for(metal, data), market)
    decided = item.weights(whole)
    first = decided[decided.notna() & (decided != UNKNOWN)].index[0]
    assert decided.loc[:first].iloc[:-1].isna().all(), "nothing is decided before the first number"
    silence = max(first + pd.DateOffset(months=1), pd.Timestamp("1976"))
    tables = {i: whole.observations(i) for i in whole.inputs.values()}
    quiet = {i: t[t["known_at"] < silence.tz_localize("UTC")] for i, t in tables.items()}
    panel = Panel(metal, whole.decision_times, whole.inputs, {i: data[i] for i in tables}, quiet)
    known = item.weights(panel)
    longest = max(data[i].longest_useful_age for i in tables) + pd.Timedelta(days=max(item.grid.get("hold_days", (0,))))
    later = known.loc[silence + longest :]
    assert len(later) > 0
    assert (later == UNKNOWN).all()
    assert not set(np.unique(known.dropna())) - {UNKNOWN, 0.0, 1.0} or item.name == "whole_thesis"


@pytest.mark.parametrize(("item", "metal"), PAIRS)
def test_a_short_history_gives_weights_or_a_clear_error(item, metal, data):
    history = history_of(item, data, metal)
    for n_bars in (1, 2, 13, 60):
        message = item.name
        try:
            item.weights(history.panel(n_bars))
        except AssayError as error:
            message = str(error)
        assert item.name in message
        assert "\n" not in message


@pytest.mark.parametrize(("item", "metal"), PAIRS)
def test_it_runs_in_a_year_in_which_it_may_have_nothing_to_say(item, metal, data):
    market = data.market(metal, "2018", "2019")
    panel = data.panel(metal, item.inputs_for(metal, data), market)
    message = item.name
    try:
        assert item.weights(panel).index.equals(market.price.index)
    except (NoData, NoDecision) as error:
        message = str(error)
    assert item.name in message


@pytest.mark.slow
@pytest.mark.parametrize(("item", "metal"), PAIRS)
def test_it_comes_to_a_verdict_on_every_claimed_metal(item, metal, data):
    study = compare([item], data, metals=[metal])
    assert study.trials[0].verdict.word
    assert check(item, data, metal=metal).outcome != "failed"
