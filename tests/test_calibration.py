"""The judge judged. The long version is the one that counts; the short one sees that nothing is badly off."""

import numpy as np
import pytest

from research.calibration import Rate, main, markdown, null_rates, power_rates
from research.synthetic import WORLDS

FALSE_SUPPORTED = "any of ten falsely supported"

# What the statistics are known to do; each bound is on the true rate, chance is allowed for on top.
# A predictor with autocorrelation 0.98 and a break in drift and volatility are outside every test's null.
HARD = {"persistent_predictor": 0.10, "regime_change": 0.10, "garch": 0.08}
HARD_SUPPORTED = {"persistent_predictor": 0.08}


def within(rate, bound):
    return rate.rate <= bound + 3 * np.sqrt(bound * (1 - bound) / rate.samples)


@pytest.mark.parametrize("name", ["random_walk", "clustered_events"])
def test_worlds_without_effects_in_short(name):
    rates = {rate.question: rate for rate in null_rates(name, samples=25, n_bars=240)}
    assert within(rates[FALSE_SUPPORTED], 0.05)
    assert within(rates["any of ten falsely contradicted"], 0.06)
    assert within(rates["step-down rejects any of ten"], 0.07)
    assert within(rates["placebo rejects"], 0.06)
    assert rates["95 % interval covers 0"].rate > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
def test_worlds_without_effects(name):
    rates = {rate.question: rate for rate in null_rates(name, samples=600)}
    assert within(rates[FALSE_SUPPORTED], HARD_SUPPORTED.get(name, 0.05))
    assert within(rates["timing alpha rejects"], 0.07)
    assert within(rates["step-down rejects any of ten"], HARD.get(name, 0.06))
    assert rates["95 % interval covers 0"].rate > 0.92


@pytest.mark.slow
def test_power_grows_with_the_effect():
    found = [r.rate for r in power_rates("random_walk", samples=100) if r.question.endswith(": supported")]
    assert found == sorted(found)
    assert found[0] <= 0.05
    assert found[2] > 0.4
    assert found[-1] > 0.95


def test_the_table_and_the_command(capsys):
    rates = [
        Rate(world="random_walk", question="it rejects", rate=0.25, samples=100, target=0.05),
        Rate(world="garch", question="it finds", rate=0.5, samples=100),
    ]
    assert rates[0].error == pytest.approx(np.sqrt(0.05 * 0.95 / 100))
    assert rates[1].error == pytest.approx(0.05)
    assert markdown(rates).splitlines() == [
        "| % of families | random walk | garch | should be |",
        "|---|---:|---:|---:|",
        "| it rejects | 25.0 ± 2.2 |  | 5 |",
        "| it finds |  | 50.0 ± 5.0 |  |",
    ]
    with pytest.raises(SystemExit):
        main(["--samples", "0"])
    assert "at least 1" in capsys.readouterr().err
