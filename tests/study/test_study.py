"""The main job, recomputed from the same files without the house's own code."""

from dataclasses import astuple

import numpy as np
import pandas as pd
import pytest
from pandas.tseries.holiday import USFederalHolidayCalendar

from research import Execution, backtest, compare, load_thesis, open_data, strategy
from research.errors import NoData, ParameterError, SignalError, StrategyError
from research.weights import UNKNOWN
from tests.copper.made_up import copper

FREE = Execution(fees=0, slippage=0, storage=0, borrow=0)
HEADLINES = ("central_bank_buying", "lease_rate_spike", "registered_drawdown")


@pytest.fixture(scope="module")
def data():
    return open_data()


@pytest.fixture(scope="module")
def study(data):
    return compare(HEADLINES, data)


@pytest.fixture(scope="module")
def spike(data):
    """One strategy of the study, alone."""
    return compare(["lease_rate_spike"], data, ledger=None)


def always(weight, metals=("gold", "silver")):
    @strategy(
        claim="Metal is held at one weight.",
        metal=metals,
        inputs={"price": "{metal}_price"},
        expected_sign=1,
        name=f"always_{weight}".replace(".", "_"),
    )
    def hold(panel):
        return pd.Series(weight, index=panel.index)

    return hold


def test_three_signals_on_two_metals_are_judged(study):
    assert {(trial.name, trial.metal) for trial in study.trials} == {
        (name, metal) for name in HEADLINES for metal in ("gold", "silver")
    }
    assert not study.skipped
    assert list(study.claims) == ["C10+", "C1+", "C2+"]
    assert len(study.claims["C1+"].rows) == 36, "18 of the claim, and 18 on the other rule beside them"
    assert all(trial.claim in study.claims for trial in study.trials)


def test_lease_rate_spike_recomputed_from_the_csv_files(study):
    """Decisions from the raw table, in plain Python and no house code."""
    folder = open_data().packs[0].root
    table = pd.read_csv(folder / "silver_lease_rate.csv")[["month", "lease_rate_pct"]].dropna()
    holidays = USFederalHolidayCalendar().holidays("1978", "1991").to_numpy().astype("datetime64[D]")
    known, rates = [], table["lease_rate_pct"].tolist()
    for month in table["month"]:
        if month < "1990":  # dated by the monthly bill rate: second business day of the next month
            first = np.datetime64(month, "M") + 1
            known.append(pd.Timestamp(np.busday_offset(first.astype("datetime64[D]"), 1, "forward", holidays=holidays)))
        else:
            known.append(pd.Timestamp(month) + pd.offsets.MonthEnd(0))
    scores = []
    for i, now in enumerate(known):
        window = [rates[j] for j in range(i + 1) if known[j] > now - pd.Timedelta(days=1826)]
        ready = len(window) >= 12 and now - known[0] >= pd.Timedelta(days=730)
        scores.append((rates[i] - np.mean(window)) / np.std(window, ddof=1) if ready else np.nan)
    weights, last_spike, warm = {}, None, False
    for date in pd.date_range("1978-01-31", "2026-07-31", freq="ME"):
        before = [i for i, moment in enumerate(known) if moment <= date]
        score = scores[before[-1]] if before and date - known[before[-1]] <= pd.Timedelta(days=45) else np.nan
        warm = warm or not np.isnan(score)
        last_spike = date if score > 2.0 else last_spike
        holding = last_spike is not None and date - last_spike < pd.Timedelta(days=183)
        if warm:
            weights[date] = float(holding)
    decided = study["lease_rate_spike", "silver"].decided
    expected = pd.Series(weights)
    assert list(decided.index) == list(expected.index)
    assert (decided.to_numpy() == expected.to_numpy()).all()


def test_growth_recomputed_from_weights_prices_and_bills(data):
    @strategy(claim="x", metal="gold", inputs={"price": "gold_price"}, expected_sign=1)
    def even_years(panel):
        return pd.Series(np.where(panel.index.year % 2 == 0, 1.0, 0.0), index=panel.index)

    trial = backtest(even_years, data, execution=FREE, start="1975", end="2000")
    folder = data.packs[0].root
    price = pd.read_csv(folder / "metals_monthly.csv").set_index("month")["gold_usd_oz"]
    bills = pd.read_csv(folder / "tbill_monthly.csv").set_index("month")["tb3ms_pct"]
    price, bills = price.loc["1975-01":"2000-12"], bills.loc["1975-01":"2000-12"]
    ends = pd.to_datetime(price.index) + pd.offsets.MonthEnd(0)
    days = np.diff(ends) / np.timedelta64(1, "D")
    discount = bills.to_numpy()[:-1] / 100
    earned = 365 * discount / (360 - 91 * discount) * days / 365
    gold = price.to_numpy()[1:] / price.to_numpy()[:-1] - 1
    held = np.where(ends.year % 2 == 0, 1.0, 0.0)
    filled = held[:-2]  # decided at t, filled at t + 1, earning t + 1 -> t + 2
    growth = np.where(filled == 1, gold[1:], earned[1:])
    np.testing.assert_allclose(trial.returns.to_numpy(), growth, atol=1e-12)
    assert trial.performance["strategy"].cagr == pytest.approx(np.prod(1 + growth) ** (12 / len(growth)) - 1)


def test_a_fixed_mix_times_nothing(data):
    trial = backtest(always(0.6), data, start="1990")
    assert np.isnan(trial.evidence.timing_return.value)
    assert trial.verdict.word == "undecidable"
    assert trial.appendix["jensen_alpha"].estimate == pytest.approx(0, abs=2e-3)


def test_the_timing_return_recomputed_from_the_account_by_plain_loops(data):
    """Weights held, the metal's excess return and the costs are the engine of record's."""
    trial = backtest("momentum_12_months", data, metal="silver", start="1980")
    assert trial.evidence.unknown_periods == 0
    result = trial.result
    w, m = result.weights.to_numpy()[:-1], result.metal_excess_returns.to_numpy()
    z = np.array([w[t] - (np.mean(w[:t]) if t else w[0]) for t in range(len(w))])
    gross = (z - z.mean()) * (m - m.mean())
    paid = (result.costs["fees"] + result.costs["slippage"]).to_numpy()
    averages = np.array([np.mean(w[:t]) if t else w[0] for t in range(len(w))])
    metal, bills = 1 + result.metal_returns.to_numpy(), 1 + result.bill_returns.to_numpy()
    drifted = averages * metal / (averages * metal + (1 - averages) * bills)
    rate = (1 + 0.001) * (1 + 0.0005) - 1
    mix = rate * np.abs(averages[1:] - drifted[:-1])
    entry = paid[0] - rate * w[0]
    expected = 12 * (gross.mean() - (paid[:-1].sum() - entry - rate * w[0] - mix.sum()) / len(w))
    assert trial.evidence.return_before_costs.value == pytest.approx(12 * gross.mean(), rel=1e-9)
    assert trial.evidence.timing_return.value == pytest.approx(expected, abs=2e-6)
    assert trial.evidence.price_gap.value == pytest.approx(12 * gross.mean() / np.cov(z, w, ddof=0)[0, 1], rel=1e-9)


def test_the_same_p_alone_in_compare_and_after_other_commands(data):
    """The declared family is the thesis, whatever was asked for and whatever was tried before."""
    together = compare(HEADLINES, data).claims["C10+"].evidence
    for months in (3, 7, 11):
        backtest("momentum_12_months", data, metal="gold", start=f"19{80 + months}")
        compare(["lease_rate_spike"], data, metals=["silver"], parameters={"lease_rate_spike": {"threshold": months}})
    alone = compare(["central_bank_buying"], data, metals=["silver"]).claims["C10+"].evidence
    assert alone.p_adjusted == together.p_adjusted
    assert alone.information_ratio == together.information_ratio
    assert alone.family_size == together.family_size
    assert alone.n_recorded > together.n_recorded
    row = compare(["central_bank_buying"], data, ledger=None)["central_bank_buying", "gold"].evidence
    again = backtest("central_bank_buying", data, metal="gold").evidence
    np.testing.assert_array_equal(astuple(again.p_adjusted), astuple(row.p_adjusted))  # NaN where nothing is decided


def test_a_cold_and_a_damaged_family_cache_give_the_same(home, tmp_path):
    folder = copper(tmp_path / "copper", effect=0.04)
    thesis, data = load_thesis(folder), open_data(folder, bundled=False)

    def p_adjusted():
        return compare([thesis.strategies["drained"]], data, thesis=thesis).claims["K1+"].evidence.p_adjusted

    warm = p_adjusted()
    (home / "kept" / "families").unlink()
    assert p_adjusted() == warm
    files = list((home / "kept" / "families").iterdir())
    whole = [file.read_bytes() for file in files]
    assert len(files) > 1
    for damaged in (b"{", whole[0].replace(b"1", b"2", 100), whole[0][:-1]):
        for file in files:
            file.write_bytes(damaged)
        assert p_adjusted() == warm
        assert [file.read_bytes() for file in files] == whole


def test_an_unknown_number_is_not_no(data):
    """The account lies in bills there, and the periods take no part in the timing return."""

    def known_since_2000(gaps):
        @strategy(claim="x", metal="gold", inputs={"price": "gold_price"}, expected_sign=1, name="gap")
        def idea(panel):
            wanted = pd.Series(np.where(panel.index.month <= 3, 1.0, 0.0), index=panel.index)
            return wanted.where(~gaps(panel.index), UNKNOWN)

        return backtest(idea, data, start="1990", end="2019")

    whole = known_since_2000(lambda index: index.year < 0)
    holed = known_since_2000(lambda index: (index.year >= 2004) & (index.year <= 2006))
    assert holed.evidence.unknown_periods == 36
    assert holed.evidence.periods == whole.evidence.periods - 36
    assert (holed.weights["2004-03":"2006-12"] == 0).all()
    late = known_since_2000(lambda index: index.year < 2000)
    pd.testing.assert_series_equal(late.decided, whole.decided.loc["2000":], check_freq=False)


def test_benchmarks_share_bars_and_costs(study):
    for trial in study.trials:
        for account in trial.benchmarks.values():
            assert account.equity.index.equals(trial.result.equity.index)
            assert account.execution == trial.result.execution
        mix = trial.benchmarks["matched_exposure"]
        assert mix.weights.mean() == pytest.approx(trial.performance["strategy"].exposure, abs=0.01)


def test_a_one_month_rule_on_averaged_random_walks_earns_nothing_our_way():
    """Averages of a random walk follow themselves (Working 1960), and the month between pays none of it."""
    rng = np.random.default_rng(11)
    n_worlds, months, days = 200, 240, 21
    daily = np.exp(np.cumsum(rng.normal(0, 0.01, (n_worlds, months * days)), axis=1))
    average = daily.reshape(n_worlds, months, days).mean(axis=2)
    change = average[:, 1:] / average[:, :-1] - 1
    rule = np.sign(change)
    wrong = (rule[:, :-1] * change[:, 1:]).mean(axis=1)  # earns t -> t + 1
    ours = (rule[:, :-2] * change[:, 2:]).mean(axis=1)  # decides at t, earns t + 1 -> t + 2
    error = ours.std(ddof=1) / np.sqrt(n_worlds)
    assert abs(ours.mean()) < 3 * error
    assert wrong.mean() > 20 * error
    correlation = np.mean([np.corrcoef(c[:-1], c[1:])[0, 1] for c in change])
    assert correlation == pytest.approx((days**2 - 1) / (2 * (2 * days**2 + 1)), abs=0.02)


def test_events_are_clustered_and_counted(data):
    @strategy(claim="x", metal="gold", inputs={"price": "gold_price"}, expected_sign=1)
    def five_bursts(panel):
        position = np.arange(len(panel.index)) % 48
        return pd.Series(np.where((position < 13) & (position != 6), 1.0, 0.0), index=panel.index)

    trial = backtest(five_bursts, data, start="1980-01", end="1999-12")
    assert trial.evidence.events == 5
    assert trial.verdict.word == "undecidable"
    assert "5 independent events" in trial.verdict.reason


def test_the_same_study_twice_is_the_same_to_the_last_digit(data, spike):
    import json

    again = compare(["lease_rate_spike"], data, ledger=None)
    assert json.dumps(spike.to_json(), sort_keys=True) == json.dumps(again.to_json(), sort_keys=True)


def test_every_p_value_stays_silent_under_six_events(study):
    trial = study["registered_drawdown", "gold"]
    assert trial.evidence.events < 6
    assert not trial.shows_p_values
    assert all(item.p_value is None and item.interval is None for item in trial.appendix.values())
    assert all(trial.findings[name].p_value is None for name in ("information_ratio", "p_adjusted", "p_shifted"))


def test_the_cell_that_was_chosen_is_a_row_even_outside_the_grid(data, spike):
    other = {"lease_rate_spike": {"threshold": 2.5}}
    claim = compare(["lease_rate_spike"], data, metals=["silver"], parameters=other, ledger=None).claims["C1+"]
    assert len(claim.rows) == 37
    assert claim.evidence == spike.claims["C1+"].evidence


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        (lambda panel: pd.Series(1.0, index=panel.index[:-1]), "index other than panel.index"),
        (lambda panel: pd.Series(np.inf, index=panel.index), "infinite weight"),
        (lambda panel: pd.Series(1.5, index=panel.index), "beyond the leverage"),
        (lambda panel: pd.Series("long", index=panel.index), "not numbers"),
        (lambda panel: 1.0, "return a pandas Series"),
        (lambda panel: pd.Series(np.nan, index=panel.index), "never decides"),
    ],
)
def test_weights_that_cannot_be_traded_are_refused(data, weights, says):
    bad = strategy(claim="x", metal="gold", inputs={"p": "gold_price"}, expected_sign=1, name="bad")(weights)
    with pytest.raises(SignalError, match=says):
        backtest(bad, data)


def test_a_later_start_costs_no_warm_up_and_changes_no_decision(study, data):
    late = compare(["lease_rate_spike"], data, metals=["silver"], start="2000")["lease_rate_spike", "silver"]
    whole = study["lease_rate_spike", "silver"]
    assert late.decided.index[0] == pd.Timestamp("2000-01-31")
    pd.testing.assert_series_equal(late.decided, whole.decided.loc["2000":])


def test_a_start_inside_a_kept_position_opens_with_it(data):
    @strategy(claim="x", metal="gold", inputs={"price": "gold_price"}, expected_sign=1)
    def buy_once(panel):
        weights = pd.Series(np.nan, index=panel.index)
        weights.iloc[100] = 1.0
        return weights

    trial = backtest(buy_once, data, start="2000")
    assert trial.decided.iloc[0] == 1.0
    assert trial.decided.iloc[1:].isna().all()
    with pytest.raises(StrategyError, match=r"buy_once: the signal raised IndexError: .* \(test_study.py:\d+\)"):
        backtest(buy_once, data, end="1965")


def test_unknown_parameters_and_metals_are_refused(data):
    with pytest.raises(ParameterError, match="did you mean 'threshold'"):
        backtest("lease_rate_spike", data, treshold=1.0)
    with pytest.raises(NoData, match="no dataset 'copper_price'"):
        backtest("lease_rate_spike", data, metal="copper")
    with pytest.raises(StrategyError, match="claims nothing about gold"):
        compare([always(1.0, metals=("silver",))], data, metals=["gold"])


def test_a_range_without_the_signal_says_so(data):
    with pytest.raises(NoData, match="data cover"):
        compare(["lease_rate_spike"], data, start="2200")


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ({"grid": {"x": [1]}}, "grid names 'x'"),
        ({"grid": {"level": [2]}}, "not in its grid"),
        ({"grid": {"level": []}}, "is empty"),
        ({"expected_sign": 0}, "expected_sign is 0"),
        ({"claim": " "}, "no claim"),
        ({"inputs": {}}, "at least one metal and one input"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(declared, says):
    whole = {"claim": "x", "metal": "gold", "inputs": {"p": "gold_price"}, "expected_sign": 1} | declared
    with pytest.raises(StrategyError, match=says):

        @strategy(**whole)
        def idea(panel, level=1):
            return panel["p"]
