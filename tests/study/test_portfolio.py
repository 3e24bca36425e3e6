"""The thesis as one portfolio: weights, benchmarks and statistics by other code, and what a missing leg says."""

import json

import numpy as np
import pandas as pd
import pytest

from research import strategy
from research.datasets.data import open_data
from research.errors import NoData, NoDecision
from research.execution import Execution
from research.ledger import Ledger
from research.signals.risk import equal_risk
from research.study import compare, portfolio
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


def test_its_lines_name_what_times_each_leg(trial):
    from research.report.study_words import portfolio_lines

    lines = portfolio_lines(trial)
    for leg in trial.legs.index:
        start = f"{leg.replace('_', ' ')}, timed by {trial.strategies[leg].name}: "
        assert any(line.startswith(start) for line in lines), lines
    assert not any("<Strategy" in line for line in lines)


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
    assert "foreign_money" in trial.missing["foreign_money"]
    assert trial.missing == portfolio(data=DATA, end="2024").missing


def test_the_timing_return_is_the_sum_over_the_legs_recomputed(trial):
    result = trial.result
    w, m = result.leg_weights.to_numpy()[:-1], result.leg_excess_returns.to_numpy()
    z = np.array([w[t] - (w[:t].mean(axis=0) if t else w[0]) for t in range(len(w))])
    gross = ((z - z.mean(axis=0)) * (m - m.mean(axis=0))).sum(axis=1)
    assert trial.evidence.return_before_costs.value == pytest.approx(12 * gross.mean(), abs=2e-6)
    assert trial.evidence.timing_return.value < trial.evidence.return_before_costs.value


def test_harder_terms_are_those_of_accounts_on_harder_terms(trial):
    """One bar later is that of an account filled one bar later, on the periods that both have."""
    later = portfolio(data=DATA, execution=Execution(delay=2), ledger=None)
    assert np.sign(later.evidence.timing_return.value) == np.sign(trial.evidence.robustness.longer_delay)
    dearer = portfolio(data=DATA, execution=Execution(fees=0.002, slippage=0.001), ledger=None)
    plain = trial.evidence
    cost = plain.return_before_costs.value - plain.timing_return.value
    assert dearer.evidence.timing_return.value == pytest.approx(plain.timing_return.value - cost, rel=1e-2)


def test_benchmarks_hold_what_they_say(trial):
    held = {name: item.target_weights for name, item in trial.benchmarks.items()}
    assert (held["metals_held"] == 0.5).all(axis=None)
    assert (held["bills"] == 0).all(axis=None)
    average = trial.result.leg_weights.iloc[:-1].mean()
    assert (held["matched_exposure"] == average).all(axis=None)
    np.testing.assert_allclose(held["equal_risk"].sum(axis=1), 1.0)
    for item in trial.benchmarks.values():
        assert item.returns.index.equals(trial.result.returns.index)


def test_it_counts_like_everything_else(tmp_path):
    ledger = Ledger(tmp_path / "trials.sqlite")
    first = portfolio({"gold": "momentum_12_months", "silver": "momentum_12_months"}, DATA, ledger=ledger)
    other = portfolio({"gold": "gold_silver_ratio", "silver": "momentum_12_months"}, DATA, ledger=ledger)
    again = portfolio({"gold": "momentum_12_months", "silver": "momentum_12_months"}, DATA, ledger=ledger)
    assert (first.evidence.n_recorded, other.evidence.n_recorded, again.evidence.n_recorded) == (0, 1, 1)
    assert first.evidence.decided_by == "p_with_record"
    assert again.evidence.p_with_record.supporting >= first.evidence.p_with_record.supporting


def test_a_leg_always_held_at_equal_risk_is_its_own_benchmark():
    held = portfolio({"gold": always, "silver": always}, DATA)
    np.testing.assert_allclose(held.result.equity, held.benchmarks["equal_risk"].equity, rtol=1e-12)
    assert held.evidence.events >= 0


def test_start_and_end_cut_the_account_and_not_its_warm_up(trial):
    short = portfolio(data=DATA, start="2010", end="2020")
    assert short.decided.index[0] == pd.Timestamp("2010-01-31")
    pd.testing.assert_frame_equal(short.decided, trial.decided["2010":"2020"], check_freq=False)
    with pytest.raises(NoDecision, match="never decide together after 2100"):
        portfolio(data=DATA, start="2100")


def test_no_leg_at_all_is_an_error_with_the_reason():
    with pytest.raises(NoData, match="no legs were named"):
        portfolio({}, DATA)
    with pytest.raises(NoData, match="palladium"):
        portfolio({"palladium": strategy_on("palladium")}, DATA)


def strategy_on(metal):
    @strategy(claim="Held.", metal=metal, inputs={"price": "{metal}_price"}, expected_sign=+1)
    def held(panel):
        return panel["price"] * 0 + 1

    return held


def test_the_study_of_the_thesis_carries_it_into_json():
    study = compare(["whole_thesis"], DATA)
    document = json.loads(json.dumps(study.to_json()))
    assert document["portfolio"]["verdict"]["word"] == str(study.portfolio.verdict.word)
    assert document["portfolio"]["missing"].keys() == {"foreign_money"}
    assert "portfolio" in study.claims["C20+"].rows
    assert study.portfolio.evidence.p_adjusted.supporting >= study.claims["C20+"].evidence.p_adjusted.supporting


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


def test_the_account_says_what_made_it(trial):
    told = trial.result.provenance
    assert told["legs"]["gold"]["source"] == told["legs"]["silver"]["source"] == whole_thesis.source_hash
    assert told["data"]["silver_price"] == DATA["silver_price"].sha256
    assert set(told["data"]) > {"gold_price", "bill_rate"}
    assert told["execution"]["delay"] == 1
