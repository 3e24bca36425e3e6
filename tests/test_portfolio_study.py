"""The thesis as one portfolio: weights, benchmarks and statistics by other code, and what a missing leg says."""

import json

import numpy as np
import pandas as pd
import pytest

from research import strategy
from research.datasets.data import open_data
from research.errors import NoData, NoDecision
from research.execution import Execution
from research.signals.risk import equal_risk
from research.study import compare, portfolio, with_portfolio
from research.study.portfolio import _book, _decisions, _t_statistics
from strategies.whole_thesis import whole_thesis

DATA = open_data()
METALS = {"gold": "whole_thesis", "silver": "whole_thesis"}


@strategy(claim="Always held.", metal=("gold", "silver"), inputs={"price": "{metal}_price"}, expected_sign=+1)
def always(panel):
    return (panel["price"] > 0).astype(float)


@pytest.fixture(scope="module")
def trial():
    return portfolio(data=DATA)


def known_prices(metal):
    market = DATA.market(metal)
    return DATA.panel(metal, {"price": f"{metal}_price"}, market)["price"]


def test_weights_are_the_shares_of_the_signals_at_equal_risk(trial):
    shares, inverse = {}, {}
    for metal in METALS:
        panel = DATA.panel(metal, whole_thesis.inputs_for(metal, DATA), DATA.market(metal))
        shares[metal] = whole_thesis.weights(panel).ffill()
        known = known_prices(metal).to_numpy()
        change = pd.Series(known[1:] / known[:-1] - 1, index=panel.index[1:])
        inverse[metal] = pd.Series(
            {day: 1 / np.std(change[:day].to_numpy()[-36:], ddof=1) for day in trial.decided.index}
        )
    total = inverse["gold"] + inverse["silver"]
    for metal in METALS:
        expected = shares[metal][trial.decided.index] * inverse[metal] / total
        np.testing.assert_allclose(trial.decided[metal], expected, rtol=1e-9)
    assert (trial.decided.sum(axis=1) <= 1 + 1e-12).all()


def test_the_leg_that_no_pack_holds_is_named(trial):
    assert list(trial.strategies) == ["gold", "silver"]
    assert "dollar_index" in trial.missing["foreign_money"]
    assert trial.missing == portfolio(data=DATA, end="2024").missing


def test_alpha_is_that_of_least_squares_on_both_metals(trial):
    result = trial.result
    legs = result.leg_excess_returns
    design = np.column_stack([np.ones(len(legs)), legs])
    alpha, *betas = np.linalg.lstsq(design, result.excess_returns, rcond=None)[0]
    found = trial.findings["timing_alpha"]
    assert found.estimate == pytest.approx(12 * alpha, rel=1e-9)
    assert list(found.details["beta"].values()) == pytest.approx(betas, rel=1e-9)
    half = len(legs) // 2
    first = np.linalg.lstsq(design[:half], result.excess_returns[:half], rcond=None)[0][0]
    assert trial.robustness.first_half == pytest.approx(12 * first, rel=1e-8)


def test_harder_terms_are_those_of_accounts_on_harder_terms(trial):
    later = portfolio(data=DATA, execution=Execution(delay=2))
    assert later.findings["timing_alpha"].estimate == pytest.approx(trial.robustness.longer_delay, abs=1e-12)
    dearer = portfolio(data=DATA, execution=Execution(fees=0.002, slippage=0.001))
    assert dearer.findings["timing_alpha"].estimate == pytest.approx(trial.robustness.doubled_costs, abs=1e-12)


def test_benchmarks_hold_what_they_say(trial):
    held = {name: item.target_weights for name, item in trial.benchmarks.items()}
    assert (held["metals_held"] == 0.5).all(axis=None)
    assert (held["bills"] == 0).all(axis=None)
    average = trial.result.leg_weights.iloc[:-1].mean()
    assert (held["matched_exposure"] == average).all(axis=None)
    np.testing.assert_allclose(held["equal_risk"].sum(axis=1), 1.0)
    for item in trial.benchmarks.values():
        assert item.returns.index.equals(trial.result.returns.index)


def test_the_placebo_moves_all_legs_together(trial):
    """The observed statistic is that of the account; a history moved by a year is the account of the moved table."""
    found, _ = _decisions(dict.fromkeys(METALS, whole_thesis), DATA, Execution(), None)
    book = _book({leg: item.price for leg, item in found.items()}, DATA, None).since(trial.decided.index[0])
    table = trial.decided.to_numpy()
    stacked = np.stack([table, np.roll(table, 12, axis=0)], axis=1)
    observed, moved = _t_statistics(stacked, book, Execution())
    assert observed == pytest.approx(trial.findings["shift_placebo"].statistic, rel=1e-9)
    assert observed == pytest.approx(white_t(trial.result), rel=1e-8)
    from research.engine.legs import run_legs

    other = pd.DataFrame(np.roll(table, 12, axis=0), index=trial.decided.index, columns=trial.decided.columns)
    assert moved == pytest.approx(white_t(run_legs(other, book, Execution(), name="moved")), rel=1e-8)


def white_t(result):
    import statsmodels.api as sm

    fit = sm.OLS(result.excess_returns, sm.add_constant(result.leg_excess_returns)).fit(cov_type="HC0")
    return fit.tvalues["const"]


def test_more_tests_of_one_family_raise_its_p_value(trial):
    many = portfolio(data=DATA, n_trials=20)
    alone, among = trial.findings["step_down"].p_value, many.findings["step_down"].p_value
    assert among == pytest.approx(1 - (1 - alone) ** 20)
    assert many.findings["timing_alpha"].p_value == trial.findings["timing_alpha"].p_value


def test_a_leg_always_held_at_equal_risk_is_its_own_benchmark():
    held = portfolio({"gold": always, "silver": always}, DATA)
    np.testing.assert_allclose(held.result.equity, held.benchmarks["equal_risk"].equity, rtol=1e-12)
    assert held.events == 0 or held.decided.sum(axis=1).std() < 1e-9


def test_start_and_end_cut_the_account_and_not_its_warm_up(trial):
    short = portfolio(data=DATA, start="2010", end="2020")
    assert short.decided.index[0] == pd.Timestamp("2010-01-31")
    pd.testing.assert_frame_equal(short.decided, trial.decided["2010":"2020"], check_freq=False)
    with pytest.raises(NoDecision, match="never decide together after 2100"):
        portfolio(data=DATA, start="2100")


def test_no_leg_at_all_is_an_error_with_the_reason():
    with pytest.raises(NoData, match="no legs were named"):
        portfolio({}, DATA)
    with pytest.raises(NoData, match="platinum"):
        portfolio({"platinum": strategy_on("platinum")}, DATA)


def strategy_on(metal):
    @strategy(claim="Held.", metal=metal, inputs={"price": "{metal}_price"}, expected_sign=+1)
    def held(panel):
        return panel["price"] * 0 + 1

    return held


def test_the_study_of_the_thesis_carries_it_into_json():
    study = with_portfolio(compare(["whole_thesis"], DATA), DATA)
    document = json.loads(json.dumps(study.to_json()))
    assert document["portfolio"]["verdict"]["word"] == str(study.portfolio.verdict.word)
    assert document["portfolio"]["missing"].keys() == {"foreign_money"}
    assert study.portfolio.findings["step_down"].details["counted_trials"] == study.family_tested + 1


def test_equal_risk_is_inverse_to_volatility_and_sums_to_one():
    rng = np.random.default_rng(1)
    price = pd.DataFrame(np.cumprod(1 + rng.normal(0, [0.01, 0.02, 0.04], (400, 3)), axis=0), columns=list("abc"))
    weights = equal_risk(price, window=100, warm_up=50)
    assert weights.iloc[:50].isna().all(axis=None)
    np.testing.assert_allclose(weights.iloc[50:].sum(axis=1), 1.0)
    risk = weights.iloc[399] * price.pct_change().iloc[300:].std()
    assert np.ptp(risk) < 1e-12
    holed = price.copy()
    holed.iloc[-1, 0] = np.nan  # the last known price stands
    assert equal_risk(holed, window=100, warm_up=50).notna().all(axis=1).iloc[-1]
