"""Every strategy on the daily pack: it decides, looks back only, and bears one more day of delay."""

from math import sqrt

import numpy as np
import pandas as pd
import pytest

from research import UNKNOWN
from research.discovery import all_strategies
from research.errors import NoDecision
from research.execution import Execution
from research.study import compare

FOUND = all_strategies()
PAIRS = [(name, metal) for name, item in FOUND.items() for metal in item.metals]


def weights(data, name, metal, end=None):
    item = FOUND[name]
    market = data.market(metal, None, end)
    return item.weights(data.panel(metal, item.inputs_for(metal, data), market))


def runnable(data, name, metal):
    return all(identity in data for identity in FOUND[name].inputs_for(metal, data).values())


@pytest.mark.parametrize(("name", "metal"), PAIRS)
def test_a_decision_does_not_change_when_the_future_is_cut_off(daily, name, metal):
    if not runnable(daily, name, metal):
        pytest.skip("the daily pack lacks an input")
    whole = weights(daily, name, metal)
    for end in ("2025-10-10", "2019-07-17"):
        try:
            part = weights(daily, name, metal, end)
        except NoDecision:
            assert whole.loc[:end].isna().all()
            continue
        cut = whole.loc[:end]
        assert part.index.equals(cut.index)  # `check_index` would walk through its dates in Python
        assert (part.index.dtype, part.index.name) == (cut.index.dtype, cut.index.name)
        pd.testing.assert_series_equal(part, cut, check_index=False, check_freq=False, rtol=1e-9)


def test_every_strategy_has_its_data(daily):
    assert all(runnable(daily, *pair) for pair in PAIRS)


def test_the_whole_thesis_is_the_mean_of_its_parts(daily):
    from strategies.whole_thesis import PARTS

    parts = []
    for part in PARTS:
        if "gold" in part.metals and runnable(daily, part.name, "gold"):
            try:
                part_of = weights(daily, part.name, "gold")
                parts.append(part_of.mask(part_of == UNKNOWN))
            except NoDecision:
                continue
    expected = pd.concat(parts, axis=1).mean(axis=1)
    np.testing.assert_allclose(weights(daily, "whole_thesis", "gold"), expected)
    assert len(parts) > 8


def test_the_parts_of_the_thesis_agree_on_what_an_alias_means():
    from strategies.whole_thesis import INPUTS, PARTS

    for part in PARTS:
        for alias, identity in part.inputs.items():
            assert INPUTS[alias] == identity, f"{part.name}: {alias}"


@pytest.mark.slow
def test_one_more_day_of_delay_overturns_no_verdict_of_the_thesis(daily):
    names = ["lease_rate_spike", "london_premium", "backwardation", "whole_thesis"]
    at_once, later = (compare(names, daily, metals=["silver"], execution=Execution(delay=delay)) for delay in (1, 2))
    for name in names:
        first, second = at_once[name, "silver"], later[name, "silver"]
        assert first.verdict.word == second.verdict.word
        # what the study says of one bar later is what a study one bar later says
        risk = float(first.timing.series(first.evidence.sign).std()) * sqrt(first.timing.year)
        found = first.evidence.robustness.longer_delay * risk
        assert second.evidence.timing_return.value == pytest.approx(found, abs=5e-4, nan_ok=True)
