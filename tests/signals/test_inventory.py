import numpy as np
import pandas as pd
import pytest

from research.signals.inventory import (
    OUNCES_PER_CONTRACT,
    adjustment,
    days_of_cover,
    free_float,
    open_interest_coverage,
    reclassified,
)
from research.signals.series import drawdown_from_high
from research.units import TROY_OUNCES_PER_TONNE


def days(values, start="2025-01-01", freq="D"):
    return pd.Series(values, index=pd.date_range(start, periods=len(values), freq=freq), dtype="float64")


def test_units():
    assert pytest.approx(32_150.7466) == TROY_OUNCES_PER_TONNE
    assert OUNCES_PER_CONTRACT == {"gold": 100, "silver": 5_000}


def test_drawdown_of_a_stock_that_halves():
    stock = days([100, 120, 60, 90])
    assert drawdown_from_high(stock, "365D").tolist()[1:] == pytest.approx([0, 0.5, 0.25])


def test_days_of_cover_at_a_steady_pace():
    stock = days(np.arange(1000, 900, -2.0))  # two a day
    cover = days_of_cover(stock, "20D")
    assert cover.iloc[:20].isna().all()
    assert cover.iloc[20] == pytest.approx(960 / 2)
    assert np.isinf(days_of_cover(days(np.arange(100.0)), "20D").iloc[-1])


def test_coverage_is_a_multiple_in_ounces():
    assert open_interest_coverage(74_000, 88.2e6, ounces_per_contract=5_000) == pytest.approx(370 / 88.2)
    assert open_interest_coverage(10, 1000, ounces_per_contract=100) == 1


def test_adjustments_of_a_relabelling_sum_to_zero():
    registered, eligible = days([100, 90, 93]), days([200, 215, 215])
    into, out = days([0, 0, 5]), days([0, 0, 2])
    moved = adjustment(registered, into, out)
    mirrored = adjustment(eligible, days([0, 5, 0]), days([0, 0, 0]))
    assert moved.iloc[1] == -10
    assert (moved + mirrored).iloc[1:].tolist() == [0, 0]


def test_only_the_mirrored_part_counts_as_relabelled():
    registered, eligible = days([100, 90, 95, 99]), days([200, 215, 212, 216])
    share = reclassified(registered, eligible, restatements=())
    assert np.isnan(share.iloc[0])
    assert share.tolist()[1:] == pytest.approx([-10 / 100, 3 / 90, 0])  # the last: both grew, a deposit


def test_restatements_and_gaps_say_nothing():
    index = pd.DatetimeIndex(["2011-04-26", "2011-04-27", "2011-04-28", "2011-05-20"])
    registered = pd.Series([100.0, 60, 60, 50], index=index)
    eligible = pd.Series([200.0, 240, 240, 250], index=index)
    share = reclassified(registered, eligible)
    assert share.isna().tolist() == [True, True, False, True]
    assert reclassified(registered, eligible, restatements=())["2011-04-27"] == pytest.approx(-0.4)


@pytest.mark.parametrize(
    ("vaults", "funds", "pmbug_com_free_float"), [(26_255, 20_450, 5_805), (27_187, 21_317, 5_870)]
)
def test_free_float_of_october_and_november_2025(vaults, funds, pmbug_com_free_float):
    assert free_float(vaults, funds) == pmbug_com_free_float
