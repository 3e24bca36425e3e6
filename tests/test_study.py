"""The main job, recomputed from the same files without the house's own code."""

import numpy as np
import pandas as pd
import pytest
from pandas.tseries.holiday import USFederalHolidayCalendar

from research import Execution, backtest, compare, open_data, strategy
from research.engine.traded_market import TradedMarket
from research.errors import NoData, ParameterError, SignalError, StrategyError
from research.study.evidence import alpha_t_statistics, independent_events

FREE = Execution(fees=0, slippage=0, storage=0, borrow=0)
HEADLINES = ("central_bank_buying", "lease_rate_spike", "registered_drawdown")


@pytest.fixture(scope="module")
def data():
    return open_data()


@pytest.fixture(scope="module")
def study(data):
    return compare(HEADLINES, data)


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
    assert study.family_size == 2 * (9 + 3 + 2)
    assert 0 < study.family_tested < study.family_size


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
    decided = study["lease_rate_spike", "silver"].accounts.decided
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


def test_timing_alpha_is_zero_for_a_fixed_mix(data):
    trial = backtest(always(0.6), data, start="1990")
    assert trial.findings["timing_alpha"].estimate == pytest.approx(0, abs=2e-3)
    assert trial.verdict.word == "undecidable"


def test_the_placebo_statistic_recomputed_from_the_ledger(study):
    """White's t of the alpha over the mix of the average weight wanted so far, by plain loops and statsmodels."""
    import statsmodels.api as sm

    trial = next(t for t in study.trials if (t.name, t.metal) == ("lease_rate_spike", "silver"))
    result, decided = trial.result, trial.accounts.decided
    execution = result.execution
    wanted = decided.ffill().shift(execution.delay + 1)[result.excess_returns.index].tolist()
    metal = result.metal_excess_returns.to_numpy()
    over_the_mix = [
        r - np.mean(wanted[:t] or wanted[:1]) * m
        for t, (r, m) in enumerate(zip(result.excess_returns, metal, strict=True))
    ]
    fit = sm.OLS(over_the_mix, sm.add_constant(metal)).fit(cov_type="HC0")
    moved = np.column_stack([decided, np.roll(decided.ffill(), 60)])
    found = alpha_t_statistics(moved, TradedMarket.of(trial.accounts.market, execution))
    assert found[0] == pytest.approx(fit.tvalues[0], rel=1e-8)
    assert trial.findings["shift_placebo"].statistic == pytest.approx(found[0], rel=1e-12)
    assert found[1] != found[0]


def test_benchmarks_share_bars_and_costs(study):
    for trial in study.trials:
        for account in trial.accounts.benchmarks.values():
            assert account.equity.index.equals(trial.result.equity.index)
            assert account.execution == trial.result.execution
        mix = trial.accounts.benchmarks["matched_exposure"]
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
        return pd.Series(np.where((position < 3) | (position == 4), 1.0, 0.0), index=panel.index)

    trial = backtest(five_bursts, data, start="1980-01", end="1999-12")
    assert trial.events == independent_events(trial.accounts.decided, 12) == 5
    assert trial.verdict.word == "undecidable"
    assert "5 independent events" in trial.verdict.reason


def test_the_same_study_twice_is_the_same_to_the_last_digit(data):
    import json

    first, again = (compare(HEADLINES, data, ledger=None) for _ in range(2))
    assert json.dumps(first.to_json(), sort_keys=True) == json.dumps(again.to_json(), sort_keys=True)


def test_every_p_value_stays_silent_under_six_events(study):
    trial = study["registered_drawdown", "gold"]
    assert trial.events < 6
    assert all(finding["p_value"] is None for finding in trial.verdict.to_json()["deciding"])


def test_the_cell_that_was_chosen_is_in_the_family_even_outside_the_grid(data):
    study = compare(["lease_rate_spike"], data, metals=["silver"], parameters={"lease_rate_spike": {"threshold": 2.5}})
    assert study.family_size == 10


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
    assert late.accounts.decided.index[0] == pd.Timestamp("2000-01-31")
    pd.testing.assert_series_equal(late.accounts.decided, whole.accounts.decided.loc["2000":])


def test_a_start_inside_a_kept_position_opens_with_it(data):
    @strategy(claim="x", metal="gold", inputs={"price": "gold_price"}, expected_sign=1)
    def buy_once(panel):
        weights = pd.Series(np.nan, index=panel.index)
        weights.iloc[100] = 1.0
        return weights

    trial = backtest(buy_once, data, start="2000")
    assert trial.accounts.decided.iloc[0] == 1.0
    assert trial.accounts.decided.iloc[1:].isna().all()
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
