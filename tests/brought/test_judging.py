"""What is brought is judged as what is made here: by the same account, the same judge, the same numbers."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from research import Execution, backtest, judge
from research.brought.judging import on_bars, timing_of_returns
from research.cli import main
from research.datasets.importing import ImportOptions
from research.errors import AssayError
from research.ledger import Ledger
from research.study.candidates import Terms, candidate
from research.study.judge import ClaimRows, measure
from research.study.judge import judge as judged_claims
from research.values import plain
from research.verdict import Rules
from tests.brought.made import (
    above_its_mean,
    backtesting_stats,
    bt_result,
    column,
    noise,
    rising,
    vectorbt_like,
    written,
)
from tests.study.test_judge import claim, family, signal

TERMS = Execution()


@pytest.fixture(scope="module")
def native(months):
    return backtest(rising, months, metal="gold", ledger=None)


@pytest.fixture(scope="module")
def exported(months, tmp_path_factory):
    """The native strategy's own weights, as anybody may write them down."""
    weights = candidate(rising, months, "gold", None, Terms(TERMS)).chosen.decided.dropna()
    path = tmp_path_factory.mktemp("exported") / "mine.csv"
    weights.rename("weight").to_csv(path, index_label="date", float_format="%.17g")
    return path


def leaves(value, at=""):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{at}/{key}")
    else:
        yield at, value


def test_the_same_weights_have_the_verdict_and_numbers_of_the_native_run(months, native, exported):
    found = judge(exported, metal="gold", data=months, trials=1, ledger=None)
    assert found.verdict == native.verdict
    mine, theirs = (dict(leaves(plain(item.evidence))) for item in (found, native))
    assert mine.keys() == theirs.keys()
    for name, value in theirs.items():
        assert mine[name] == (value if isinstance(value, str) or value is None else pytest.approx(value, rel=1e-9)), (
            name
        )
    account = found.study.trials[0]
    np.testing.assert_allclose(account.equity, native.equity, rtol=1e-12)
    assert account.performance["buy_and_hold"] == native.performance["buy_and_hold"]


def test_every_try_is_paid_for(months, exported):
    one, many = (judge(exported, metal="gold", data=months, trials=n, ledger=None) for n in (1, 2))
    p = one.evidence.p_with_record.supporting + one.evidence.p_value.supporting
    assert many.evidence.p_with_record.supporting == pytest.approx(min(1, p))
    assert many.evidence.n_tried == 2
    assert many.evidence.p_with_record.opposing == one.evidence.p_with_record.opposing
    assert not any("tried" in line for line in one.open)
    silent = judge(exported, metal="gold", data=months, ledger=None)
    assert silent.evidence == one.evidence
    assert any("--trials N" in line for line in silent.open)
    with pytest.raises(AssayError, match="this one too: 1 or more"):
        judge(exported, metal="gold", data=months, trials=0)


def test_enough_tries_turn_the_word_and_never_to_a_better_one():
    planted = family(effect=0.016)[0]
    words, ps = [], []
    for tried in (1, 10, 1_000, 10**9):
        rows = ClaimRows(id="x", sign=1, rows=planted.rows, tried=tried)
        found = judged_claims([rows], Rules(), decided_by="p_with_record")["x"]
        words.append(str(found.verdict.word))
        ps.append(found.evidence.p_with_record.supporting)
        (row,) = found.rows.values()
        assert row.evidence.p_with_record.supporting == ps[-1]
        assert row.evidence.n_tried == tried
    alone = found.evidence.p_value.supporting
    assert words[0] == "supported"
    assert words[-1] != "supported"
    np.testing.assert_allclose(ps, [min(1, ps[0] + (n - 1) * alone) for n in (1, 10, 1_000, 10**9)])
    wide = judged_claims([ClaimRows(id="x", sign=1, rows=planted.rows, tried=50)], Rules())["x"]
    assert wide.evidence.detectable > found.evidence.detectable / 10
    assert wide.evidence.detectable > judged_claims([planted], Rules())["C0+"].evidence.detectable


def test_too_few_events_stay_without_p_whatever_was_tried():
    few = np.zeros(480)
    few[100:106] = few[300:306] = 1.0
    rare = claim("rare", few, noise(480), tried=7)
    assert np.isnan(judged_claims([rare], Rules())["rare"].evidence.p_with_record.supporting)


def test_weights_by_the_day_count_by_the_bar(months, tmp_path):
    days = pd.date_range("2008-01-01", "2016-12-31", freq="B")
    weights = pd.Series((np.arange(len(days)) // 90) % 2, index=days, dtype=float)
    found = judge(weights.rename("weight"), metal="gold", data=months, ledger=None)
    decided = found.study.trials[0].decided
    for month in ("2009-03-31", "2012-08-31"):
        assert decided[month] == weights.loc[:month].iloc[-1]
    assert decided.index[-1] == pd.Timestamp("2016-12-31"), "nothing is held after the file ends"
    assert any("the last by each bar counts: 108" in line for line in found.read)


def test_a_weight_waits_for_its_bar_and_a_bar_without_one_keeps_what_there_is():
    bars = pd.date_range("2020-01-31", periods=4, freq="ME")
    dates = pd.DatetimeIndex(["2019-06-30", "2019-12-31", "2020-02-01", "2020-03-31", "2020-07-01"])
    placed = on_bars(pd.Series([9.0, 1.0, 0.5, 0.0, 7.0], index=dates), bars)
    np.testing.assert_array_equal(placed, [1.0, 0.5, 0.0, np.nan])
    placed = on_bars(pd.Series([1.0, 0.0], index=pd.DatetimeIndex(["2020-01-15", "2020-04-30"])), bars)
    np.testing.assert_array_equal(placed, [1.0, np.nan, np.nan, 0.0])


def test_a_start_opens_the_account_with_the_weight_in_force(months, exported):
    found = judge(exported, metal="gold", data=months, start="2012", ledger=None)
    assert found.study.trials[0].decided.index[0] == pd.Timestamp("2012-01-31")
    assert backtest(rising, months, metal="gold", start="2012", ledger=None).evidence == found.evidence


def test_what_lies_outside_the_prices_is_one_line(months):
    late = pd.Series([1.0, 0.0], index=pd.DatetimeIndex(["2031-01-31", "2032-01-31"]), name="weight")
    with pytest.raises(AssayError, match="lies outside the price of gold, 2005-01-31 to 2019-12-31"):
        judge(late, metal="gold", data=months)
    with pytest.raises(AssayError, match="0 periods in common"):
        judge(late.rename("returns") - 0.5, metal="gold", data=months, options=ImportOptions(unit="fraction"))


def test_a_shift_by_a_bar_tells_what_foresight_earns(days):
    price = days.market("gold").price
    foresight = (price.shift(-1) > price).astype(float).rename("weight").iloc[:-1]
    found = judge(foresight, metal="gold", data=days, ledger=None).same_bar
    assert found.suspicious
    assert found.same_bar > 0.5
    assert found.p_value < 1e-6
    assert abs(found.delayed) < 0.2
    lasting = backtest_of(days, (price.shift(-2) > price).astype(float).iloc[:-2]).same_bar
    assert lasting.p_value < 1e-6
    assert not lasting.suspicious, "what a bar of delay leaves is no sign of look-ahead"
    honest = judge(above_its_mean(price).rename("weight"), metal="gold", data=days, ledger=None)
    assert not honest.same_bar.suspicious
    early = backtest_of(days, above_its_mean(price).shift(-1).iloc[:-1])
    assert honest.same_bar.same_bar == pytest.approx(early.evidence.timing_return.value, abs=2e-3)
    assert honest.same_bar.delayed == pytest.approx(honest.evidence.timing_return.value, rel=1e-9)


def backtest_of(data, weights):
    return judge(weights.rename("weight"), metal="gold", data=data, ledger=None)


def test_trials_elsewhere_count_here_and_a_rerun_costs_nothing(months, exported, tmp_path):
    ledger = Ledger(tmp_path / "trials.sqlite")
    first = judge(exported, metal="gold", data=months, ledger=ledger)
    again = judge(exported, metal="gold", data=months, ledger=ledger)
    assert again.evidence == first.evidence
    returns = pd.Series(noise(160), index=months.market("gold").price.index[:160], name="returns")
    brought = judge(returns, metal="gold", data=months, ledger=ledger)
    assert brought.evidence.n_recorded == 1
    assert judge(returns, metal="gold", data=months, ledger=ledger).evidence.n_recorded == 1
    assert judge(-returns, metal="gold", data=months, ledger=ledger).evidence.n_recorded == 2
    assert judge(exported, metal="gold", data=months, ledger=ledger).evidence.n_recorded == 2


def test_returns_are_judged_by_what_the_metal_leaves_of_them(months):
    market = months.market("gold")
    bills, metal = market.bill_accrual, market.price.pct_change() - 0.0025 * market.year_fraction
    skill = pd.Series(noise(len(metal), 0.01, seed=3), index=metal.index) + 0.01
    returns = (0.4 * metal + 0.6 * bills + skill).rename("returns").dropna()
    found = judge(returns, metal="gold", data=months, trials=1, ledger=None)
    import statsmodels.api as sm

    m, e = (metal - bills).dropna(), (returns - bills).dropna()
    design = pd.DataFrame({k: m.shift(-k) for k in (-1, 0, 1)}).dropna().loc[e.index[2] :]
    fit = sm.OLS(e.loc[design.index], sm.add_constant(design)).fit()
    assert found.evidence.timing_return.value == pytest.approx(12 * fit.params["const"], rel=0.05)
    assert found.evidence.p_with_record.supporting < 0.001
    assert found.verdict.word == "undecidable", "no word is given that hangs on what only weights can show"
    assert "shifted, robust" in found.verdict.reason
    assert found.same_bar is None
    assert any("no circular shifts" in line for line in found.open)
    assert np.isnan(found.evidence.price_gap.value)


def test_metal_bought_and_held_has_no_timing_by_its_returns(months):
    held = months.market("gold").price.pct_change().dropna().rename("returns")
    found = judge(held, metal="gold", data=months, ledger=None)
    assert found.evidence.events <= 1
    assert found.verdict.word == "undecidable"


def test_returns_by_the_day_meet_prices_by_the_month(months):
    days = pd.bdate_range("2006-01-02", "2018-12-31")
    returns = pd.Series(noise(len(days), 0.008), index=days, name="returns")
    timing, _ = timing_of_returns(returns, months.market("gold"), TERMS, "x")
    assert timing.year == 12
    assert set(timing.dates) <= set(months.market("gold").price.index)
    whole = (1 + returns).cumprod()
    month = whole.groupby(whole.index.to_period("M")).last().pct_change()
    kept = month[timing.dates[5].to_period("M")]
    m = timing.gross[5] - kept
    assert abs(m) < 0.02, "what is left of a return that has nothing to do with the metal is nearly all of it"


def test_closes_of_metal_that_is_held_are_no_skill_beside_monthly_averages(months):
    """With the one beta of the same month a rising metal that is only held would show 5 % a year."""
    days = pd.bdate_range("2004-12-01", "2019-12-31")
    steps = 0.2 / 252 + 0.01 * np.random.default_rng(4).standard_normal(len(days))
    closes = pd.Series(np.exp(steps.cumsum()), index=days)
    market = months.market("gold")
    market = replace(market, price=closes.resample("ME").mean().reindex(market.price.index))
    timing, words = timing_of_returns(closes.pct_change().dropna(), market, TERMS, "x")
    assert abs(12 * timing.gross.mean()) < 0.02
    assert "with 1.11 of gold" in words
    month = closes.groupby(closes.index.to_period("M")).last().pct_change()
    own, metal = month[timing.dates.to_period("M")].to_numpy(), market.price.pct_change()[timing.dates].to_numpy()
    one = np.polyfit(metal, own, 1)
    assert one[0] < 0.8, "a single beta is too small"
    assert 12 * one[1] > 0.05, "and the rest passes for skill: the neighbours are needed"


def test_figures_of_returns_are_those_of_the_account_that_made_them(months, native):
    claims = ["Sharpe 1", "CAGR 9 %", "max drawdown 9 %", "volatility 9 %"]
    found = judge(native.returns.rename("returns"), metal="gold", data=months, ledger=None, claims=claims)
    row = native.performance["strategy"]
    for figure, value in zip(found.figures, (row.sharpe, row.cagr, row.max_drawdown, row.volatility), strict=True):
        assert figure.own == pytest.approx(value, rel=0.02), figure.name
        assert np.isnan(figure.account)
    same = judge(native.decided.rename("weight"), metal="gold", data=months, ledger=None, claims=claims)
    assert [figure.account for figure in same.figures] == pytest.approx(
        [row.sharpe, row.cagr, row.max_drawdown, row.volatility]
    )


def test_the_p_of_returns_without_skill_is_uniform(months):
    market = months.market("gold")
    bills, metal = market.bill_accrual, market.price.pct_change()
    low = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        side = np.repeat(rng.integers(0, 2, 31), 6)[: len(metal)]
        returns = (bills + side * rng.normal(0.0, 0.04, len(metal)) + 0.3 * (metal - bills)).dropna()
        timing, _ = timing_of_returns(returns, market, TERMS, "x")
        numbers = measure(ClaimRows(id="x", sign=1, rows={"x": timing})).supporting
        t = numbers[0] / np.sqrt(np.mean(numbers[1:] ** 2))
        low += t > 1.812  # 5 % of Student's t with ten degrees of freedom
    assert low <= 8, "of 60, three are expected"


def test_results_of_other_libraries(days):
    price = days.market("gold").price
    stats = judge(backtesting_stats(), metal="gold", data=days, ledger=None, claims=["trades 44"])
    result = judge(bt_result(), metal="gold", data=days, ledger=None)
    rule = judge(above_its_mean(price).rename("weight"), metal="gold", data=days, ledger=None)
    assert stats.kind == "trades"
    assert stats.figures[0].difference == 0
    assert result.evidence.events == rule.evidence.events
    assert result.evidence.timing_return.value == pytest.approx(rule.evidence.timing_return.value, abs=2e-3)
    later = backtest_of(days, above_its_mean(price).shift(1).dropna())
    assert stats.evidence.timing_return.value == pytest.approx(later.evidence.timing_return.value, abs=5e-3)


def test_what_a_vectorbt_portfolio_tells(days):
    price = days.market("gold").price
    held = above_its_mean(price)
    found = judge(vectorbt_like(price, held), metal="gold", data=days, ledger=None, claims=["total return 4 %"])
    rule = backtest_of(days, held)
    assert found.evidence.timing_return.value == pytest.approx(rule.evidence.timing_return.value, rel=0.02)
    assert found.evidence.events == rule.evidence.events
    grown = (1 + held.shift(1) * price.pct_change()).prod() - 1
    assert found.figures[0].own == pytest.approx(grown)
    several = vectorbt_like(price, held, ("silver", "gold"))
    assert judge(several, metal="gold", data=days, ledger=None).evidence == found.evidence
    with pytest.raises(AssayError, match="holds silver, gold; bring one account"):
        judge(several, metal="tin", data=days, ledger=None)


@pytest.mark.slow
def test_a_vectorbt_portfolio_is_the_account_of_its_trades(days):
    import vectorbt as vbt

    price, weights = days.market("gold").price, above_its_mean(days.market("gold").price)
    settings = {"size": weights, "size_type": "targetpercent", "freq": "1D", "init_cash": 100.0}
    portfolio = vbt.Portfolio.from_orders(price, fees=0.0, **settings)
    claims = [f"total return {100 * portfolio.total_return():.9f} %", f"volatility {7:d} %"]
    found = judge(portfolio, metal="gold", data=days, ledger=None, claims=claims)
    rule = judge(weights.rename("weight"), metal="gold", data=days, ledger=None)
    assert found.evidence.timing_return.value == pytest.approx(rule.evidence.timing_return.value, rel=0.02)
    assert abs(found.figures[0].difference) < 1e-9
    several = vbt.Portfolio.from_orders(pd.DataFrame({"gold": price, "other": price}), fees=0.0, **settings)
    same = judge(several, metal="gold", data=days, ledger=None)
    assert same.evidence == found.evidence
    with pytest.raises(AssayError, match="holds gold, other; bring one account"):
        judge(several, metal="silver", data=days, ledger=None)


@pytest.mark.parametrize("library", ["backtesting", "bt"])
def test_live(library, days):
    """Against the libraries themselves, where they are installed."""
    module = pytest.importorskip(library, reason=f"{library} is not installed")
    price = days.market("gold").price.rename_axis("date")
    rule = above_its_mean(price)
    if library == "bt":
        algos = [module.algos.SelectAll(), module.algos.WeighTarget(rule.to_frame("gold")), module.algos.Rebalance()]
        brought = module.run(module.Backtest(module.Strategy("x", algos), price.to_frame("gold")))
    else:

        class Held(module.Strategy):
            def init(self):
                self.rule = self.I(lambda: rule.to_numpy())

            def next(self):
                if self.rule[-1] and not self.position:
                    self.buy()
                elif not self.rule[-1] and self.position:
                    self.position.close()

        bars = pd.DataFrame({"Open": price, "High": price, "Low": price, "Close": price})
        brought = module.Backtest(bars, Held, cash=1_000_000, finalize_trades=True).run()
    found = judge(brought, metal="gold", data=days, ledger=None)
    shifted = rule if library == "bt" else rule.shift(1).dropna()
    own = backtest_of(days, shifted)
    assert found.evidence.events == pytest.approx(own.evidence.events, abs=1)
    assert found.evidence.timing_return.value == pytest.approx(own.evidence.timing_return.value, abs=5e-3)


def test_on_the_command_line(months, exported, tmp_path, capsys):
    pack = str(months.packs[0].root)
    words = ["judge", str(exported), "--metal", "gold", "--data", pack, "--price", "monthly", "--trials", "4"]
    assert main([*words, "--claims", "Sharpe 1.8", "--claims", "CAGR 22 %", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["trials"] == 4
    assert document["evidence"]["n_tried"] == 4
    assert [figure["name"] for figure in document["figures"]] == ["Sharpe", "CAGR"]
    assert document["study"]["manifest"]["trials"]["status"] == "recorded"
    assert main(words) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "mine.csv on gold: " in out
    assert "look-ahead cannot be excluded from results" in out
    returns = written(tmp_path, column("returns", noise(100)), "returns.csv")
    assert main(["judge", str(returns), "--metal", "gold", "--data", pack, "--price", "monthly", "--no-ledger"]) == 0
    assert "bring weights for those" in " ".join(capsys.readouterr().out.split())


def test_a_trial_of_its_own_signal_is_not_what_the_thesis_claims(months, exported, tmp_path):
    """A file with the name of a strategy is judged as one's own."""
    same = tmp_path / "lease_rate_spike.csv"
    same.write_bytes(exported.read_bytes())
    found = judge(same, metal="gold", data=months, ledger=None)
    assert found.evidence.decided_by == "p_with_record"
    assert found.evidence.family_size == 1
    assert signal(0).size  # the worlds of the judge's own tests
