"""The engine of record against an independent ledger, and the identities of accounting."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.datasets.market import Market
from research.engine._vectorbt import order_records
from research.engine.legs import Legs
from research.engine.portfolio import CAPITAL, run
from research.errors import ExecutionError, NoDecision, SignalError
from research.execution import Execution

FREE = Execution(delay=1, fees=0, slippage=0, storage=0, borrow=0)


def make_market(price, accrual=None, periods_per_year=12):
    index = pd.date_range("2000-01-31", periods=len(price), freq="ME", unit="us")
    accrual = np.zeros(len(price)) if accrual is None else np.asarray(accrual, dtype=float)
    return Market(
        "silver",
        pd.Series(price, index=index, dtype=float),
        pd.Series(accrual, index=index),
        averaged=False,
        periods_per_year=periods_per_year,
        datasets={},
    )


def ledger(weights, price, accrual, days, execution):
    """Cash and units by hand: an account in plain Python, written from the definition."""
    delay = execution.delay
    filled = [np.nan] * delay + list(weights[: len(weights) - delay])
    first = next(i for i, w in enumerate(filled) if not np.isnan(w))
    cash, ounces, bills = CAPITAL, 0.0, 0.0
    bill_price, per_ounce, side, equity = 1.0, 1.0, 0, []
    for t in range(first, len(price)):
        if t > first:
            years = days[t] / 365
            carry = -execution.storage * years if side > 0 else execution.borrow * years if side < 0 else 0.0
            per_ounce *= price[t] / price[t - 1] * (1 + carry)
            bill_price *= 1 + accrual[t]
        w = filled[t]
        if not np.isnan(w):
            value = cash + ounces * per_ounce + bills * bill_price
            want_metal = w * value / per_ounce - ounces
            want_bills = (1 - w) * value / bill_price - bills

            sell_metal_first = want_metal * per_ounce <= want_bills * bill_price
            for metal_now in (sell_metal_first, not sell_metal_first):
                if metal_now and want_metal > 0:
                    unit = per_ounce * (1 + execution.slippage) * (1 + execution.fees)
                    want_metal = min(want_metal, cash / unit)
                    cash, ounces = cash - want_metal * unit, ounces + want_metal
                elif metal_now:
                    cash -= want_metal * per_ounce * (1 - execution.slippage) * (1 - execution.fees)
                    ounces += want_metal
                else:
                    want_bills = min(want_bills, cash / bill_price)
                    cash, bills = cash - want_bills * bill_price, bills + want_bills
            side = np.sign(w)
        equity.append(cash + ounces * per_ounce + bills * bill_price)
    return np.array(equity)


weight = st.one_of(st.just(np.nan), st.sampled_from([0.0, 1.0, -1.0]), st.floats(-1, 1).map(lambda w: round(w, 3)))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_equity_equals_an_independent_ledger(data):
    n = data.draw(st.integers(4, 60))
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    price = 10 * np.cumprod(1 + rng.uniform(-0.2, 0.25, n))
    accrual = np.concatenate([[0], rng.uniform(0, 0.01, n - 1)])
    weights = np.array(data.draw(st.lists(weight, min_size=n, max_size=n)))
    execution = Execution(
        delay=data.draw(st.integers(1, 2)),
        fees=data.draw(st.sampled_from([0, 0.001, 0.02])),
        slippage=data.draw(st.sampled_from([0, 0.0005, 0.01])),
        storage=data.draw(st.sampled_from([0, 0.004])),
        borrow=data.draw(st.sampled_from([0, 0.03])),
    )
    if np.isnan(weights[: n - execution.delay - 1]).all():
        weights[0] = 0.5
    market = make_market(price, accrual)
    days = np.concatenate([[0], np.diff(market.price.index.to_numpy()) / np.timedelta64(1, "D")])
    expected = ledger(weights, price, accrual, days, execution)
    if (expected <= 0.01 * CAPITAL).any():
        return
    result = run(pd.Series(weights, index=market.price.index), market, execution, name="random")
    # Covering a short at a cost leaves residues, and vectorbt drops what is under a billionth of its origin.
    dust = 1e-10 if (weights < 0).any() and execution.fees + execution.slippage > 0 else 1e-12
    np.testing.assert_allclose(result.equity.to_numpy(), expected, rtol=dust)
    assert np.prod(1 + result.returns) == pytest.approx(expected[-1] / CAPITAL, rel=dust)


def vectorbt_account(targets, index, bills, terms):
    """The same account by vectorbt's public call."""
    import vectorbt as vbt

    names = [*map(str, range(index.shape[1])), "bills"]
    return vbt.Portfolio.from_orders(
        pd.DataFrame(np.column_stack([index, bills]), columns=names),
        size=np.column_stack([targets, 1 - targets.sum(axis=1)]),
        size_type="targetpercent",
        fees=np.array([[*(item.fees for item in terms), 0.0]]),
        slippage=np.array([[*(item.slippage for item in terms), 0.0]]),
        init_cash=CAPITAL,
        cash_sharing=True,
        group_by=True,
        call_seq="auto",
        freq="1D",
        engine="rust",
    )


def test_equity_is_what_vectorbt_itself_reports():
    price, w = random_prices(300), pd.Series(np.random.default_rng(12).uniform(-1, 1, 300))
    market = make_market(price, np.append(0, np.full(299, 0.002)))
    w.index = market.price.index
    execution = Execution()
    result = run(w, market, execution, name="test")
    targets, here = w.shift(1).iloc[1:].to_frame("metal"), market.since(market.price.index[1])
    index, _ = Legs.of(here, "metal").index(targets, execution)
    bills = np.cumprod(1 + here.bill_accrual.to_numpy())
    portfolio = vectorbt_account(targets.to_numpy(), index, bills, [execution])
    np.testing.assert_allclose(result.equity, portfolio.value(), rtol=1e-12)


@pytest.mark.parametrize("seed", range(24))
def test_orders_are_those_of_vectorbt_to_the_byte(seed):
    """One to three legs, kept and changed, short and borrowed, free and dear, through ruin and back."""
    rng = np.random.default_rng(seed)
    n_bars, n_legs = int(rng.integers(2, 400)), 1 + seed % 3
    index = np.exp(np.cumsum(rng.normal(0, [0.02, 0.3][seed % 2], (n_bars, n_legs)), axis=0))
    bills = np.cumprod(1 + rng.uniform(0, 0.01, n_bars))
    targets = rng.choice([0.0, 1.0, -1.0, 1 / 3, 2.5, 1e-9], (n_bars, n_legs))
    targets[rng.random(n_bars) < [0.0, 0.5, 0.95][seed % 3]] = np.nan
    fees, slippage = [(0.0, 0.0), (0.001, 0.0005), (0.05, 0.02), (0.0, 0.01)][seed % 4]
    terms = [Execution(fees=fees * (1 + leg), slippage=slippage) for leg in range(n_legs)]
    ours = order_records(targets, index, bills, terms, CAPITAL)
    theirs = vectorbt_account(targets, index, bills, terms).order_records
    assert ours.dtype == theirs.dtype
    assert ours.tobytes() == theirs.tobytes()
    assert np.isnan(targets).all() or len(ours)


def test_an_account_imports_none_of_what_vectorbt_wraps_around_its_simulation():
    code = """if True:
        import sys
        import pandas as pd
        from research import Execution
        from research.datasets.market import Market
        from research.engine.portfolio import run
        one = pd.Series(1.0, pd.bdate_range('2000', periods=4))
        market = Market('gold', one, one * 0, averaged=False, periods_per_year=252, datasets={})
        orders = run(one, market, Execution(), name='x').orders.iloc[:2]
        print(len(orders), sorted({'vectorbt', 'vectorbt.portfolio.enums', 'plotly'} & {*sys.modules}))
        sys.modules['rfc3987_syntax'] = None  # grammars of addresses, which take seconds to build
        import vectorbt
        print(vectorbt.Portfolio.__name__)
    """
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "1 []\nPortfolio\n"


def backtest(weights, price, execution=FREE, accrual=None):
    market = make_market(price, accrual)
    return run(pd.Series(weights, index=market.price.index, dtype=float), market, execution, name="test")


def random_prices(n=120, seed=1, sigma=0.05):
    return 20 * np.cumprod(1 + np.random.default_rng(seed).normal(0.005, sigma, n))


def test_always_long_is_the_price_from_the_fill_bar_on():
    price = random_prices()
    result = backtest(np.ones(len(price)), price)
    np.testing.assert_allclose(result.equity / CAPITAL, price[1:] / price[1], rtol=1e-12)
    assert len(result.orders) == 1


def test_flat_compounds_bills():
    accrual = np.full(50, 0.003)
    result = backtest(np.zeros(50), random_prices(50), accrual=accrual)
    assert result.equity.iloc[-1] / CAPITAL == pytest.approx(1.003**48, rel=1e-12)


def test_zero_cost_equity_is_the_product_of_weighted_returns():
    rng = np.random.default_rng(3)
    price, w = random_prices(), rng.uniform(-1, 1, 120)
    result = backtest(w, price)
    relative = price[1:] / price[:-1] - 1
    expected = np.cumprod(1 + w[:-2] * relative[1:])
    np.testing.assert_allclose(result.equity.iloc[1:] / CAPITAL, expected, rtol=1e-12)


def test_long_and_short_negate_each_bar_and_their_product_is_not_one():
    price = random_prices()
    long = backtest(np.ones(120), price)
    short = backtest(-np.ones(120), price)
    np.testing.assert_allclose(long.returns, -short.returns, atol=1e-12)
    product = long.equity.iloc[-1] * short.equity.iloc[-1] / CAPITAL**2
    assert product == pytest.approx(np.prod(1 - long.returns**2), rel=1e-10)


def test_a_constant_short_trades_every_bar_where_a_long_trades_once():
    price = random_prices(60)
    shorts = backtest(-np.ones(60), price).orders
    assert (shorts["column"] == "metal").sum() == 59
    assert (backtest(np.ones(60), price).orders["column"] == "metal").sum() == 1


def test_round_trip_at_a_flat_price_costs_what_the_formula_says():
    c = 0.001
    result = backtest([1, 0, 0, 0], np.full(4, 50.0), Execution(delay=1, fees=c, slippage=0, storage=0, borrow=0))
    assert result.equity.iloc[-1] / CAPITAL == pytest.approx((1 - c / (1 + c)) * (1 - c), rel=1e-12)
    assert result.equity.iloc[-1] / CAPITAL == pytest.approx(0.9980019980, abs=1e-10)


def test_costs_only_lower_equity_where_there_is_turnover():
    price, w = random_prices(), np.random.default_rng(5).choice([0.0, 1.0], 120)
    ends = [
        backtest(w, price, Execution(delay=1, fees=f, slippage=0, storage=0, borrow=0)).equity.iloc[-1]
        for f in (0, 0.001, 0.01)
    ]
    assert ends[0] > ends[1] > ends[2]
    costly = Execution(delay=1, fees=0.01, slippage=0, storage=0, borrow=0)
    assert backtest(np.zeros(120), price, costly).equity.iloc[-1] == CAPITAL


def test_price_unit_leaves_returns_unchanged():
    price, w = random_prices(), np.random.default_rng(6).uniform(0, 1, 120)
    execution = Execution()
    ounces, kilograms = backtest(w, price, execution), backtest(w, price * 32.1507466, execution)
    np.testing.assert_allclose(ounces.returns, kilograms.returns, rtol=1e-9)


def test_the_future_does_not_move_the_past():
    price, w = random_prices(), np.random.default_rng(7).uniform(-1, 1, 120)
    whole = backtest(w, price, Execution())
    price2, w2 = price.copy(), w.copy()
    price2[80:] *= 3
    w2[80:] = 0
    changed = backtest(w2, price2, Execution())
    assert (whole.equity.iloc[:79].to_numpy() == changed.equity.iloc[:79].to_numpy()).all()


def test_knowing_the_next_return_does_not_help_after_the_delay():
    rng = np.random.default_rng(8)
    price = 20 * np.cumprod(1 + rng.normal(0, 0.05, 400))
    oracle = np.sign(np.append(np.diff(price), 0.0))
    assert backtest(oracle, price).equity.iloc[-1] < 10 * CAPITAL
    cheated = np.prod(1 + oracle[:-1] * (price[1:] / price[:-1] - 1))
    assert cheated > 1e5


def test_one_more_leading_bar_shifts_equity_by_one_bar():
    price, w = random_prices(), np.random.default_rng(9).uniform(0, 1, 120)
    base = backtest(w, price)
    longer = backtest(np.append(np.nan, w), np.append(20.0, price))
    np.testing.assert_allclose(base.equity.to_numpy(), longer.equity.to_numpy(), rtol=1e-12)


def test_profit_is_units_times_price_changes_less_fees_plus_interest():
    price, w = random_prices(), np.random.default_rng(10).uniform(0, 1, 120)
    execution = Execution(delay=1, fees=0.002, slippage=0, storage=0, borrow=0)
    result = backtest(w, price, execution, accrual=np.append(0, np.full(119, 0.002)))
    orders = result.orders
    profit = result.equity.iloc[-1] - CAPITAL
    index = result.equity.index
    prices = {"metal": price[1:] / price[1], "bills": 1.002 ** np.arange(119)}
    gains = 0.0
    for column, series in prices.items():
        mine = orders[orders["column"] == column]
        signed = np.where(mine["side"] == "buy", mine["size"], -mine["size"])
        units = pd.Series(signed, index=mine["date"]).groupby(level=0).sum().reindex(index, fill_value=0).cumsum()
        gains += float((units.to_numpy()[:-1] * np.diff(series)).sum())
    assert profit == pytest.approx(gains - orders["fees"].sum(), rel=1e-9)


def test_costs_add_up_to_the_gap_between_costly_and_free_growth():
    price = random_prices()
    w = np.tile([1.0, 1.0, 0.0], 40)
    execution = Execution()
    result = backtest(w, price, execution)
    fees = result.orders["fees"].sum()
    amounts = result.costs.mul(result.equity.shift(1, fill_value=CAPITAL), axis=0)
    assert amounts["fees"].sum() == pytest.approx(fees, rel=1e-12)
    assert (amounts[["slippage", "storage"]].sum() > 0).all()
    assert amounts["borrow"].sum() == 0


def test_nan_keeps_the_units():
    price = random_prices(40)
    result = backtest([0.5] + [np.nan] * 39, price)
    assert len(result.orders) == 2
    expected = 0.5 * price[1:] / price[1] + 0.5
    np.testing.assert_allclose(result.equity / CAPITAL, expected, rtol=1e-12)


def test_a_ruined_short_is_closed_at_zero():
    result = backtest([-1, np.nan, np.nan, np.nan, np.nan], [10, 10, 15, 25, 5])
    assert result.closed == result.equity.index[2]
    assert result.equity.to_numpy()[2:].tolist() == [0, 0]
    assert result.returns.to_numpy()[1:].tolist() == [-1, 0]


def test_short_pays_borrow_and_long_pays_storage():
    execution = Execution(delay=1, fees=0, slippage=0, storage=0.0365, borrow=0.0730)
    days = 29
    long = backtest([1, np.nan, np.nan], [10, 10, 10], execution)
    short = backtest([-1, np.nan, np.nan], [10, 10, 10], execution)
    index = long.equity.index
    days = (index[1] - index[0]).days
    assert long.returns.iloc[-1] == pytest.approx(-0.0001 * days)
    assert short.returns.iloc[-1] == pytest.approx(-0.0002 * days)


def test_a_decision_too_late_to_earn_is_refused():
    with pytest.raises(NoDecision, match="nothing to earn"):
        backtest([np.nan, np.nan, 1.0, 1.0], [1, 2, 3, 4])


def test_weights_off_the_calendar_are_refused():
    market = make_market([1, 2, 3])
    with pytest.raises(SignalError, match="calendar"):
        run(pd.Series([1.0, 1.0], index=market.price.index[:2]), market, FREE, name="x")


@pytest.mark.parametrize("field", ["fees", "slippage", "storage", "borrow"])
def test_execution_refuses_negative_costs(field):
    with pytest.raises(ExecutionError, match=field):
        Execution(**{field: -0.001})


def test_execution_refuses_no_delay():
    with pytest.raises(ExecutionError, match="delay"):
        Execution(delay=0)
