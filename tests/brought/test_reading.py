"""Files as people have them are read in the one way that they can be; else the line says how to ask again."""

import numpy as np
import pandas as pd
import pytest

from research.brought.figures import parsed, recomputed
from research.brought.reading import read
from research.cli import main
from research.datasets.importing import ImportOptions
from research.errors import AssayError
from research.report.sentences import sentence
from tests.brought.made import backtesting_stats, bt_result, column, noise, written

TRADINGVIEW = """Trade #,Type,Signal,Date/Time,Price USD,Contracts,Profit USD,Profit %,Cum. Profit USD
1,Entry Long,Buy,2019-03-01 09:30,1300.10,1,12.00,0.92,12.00
1,Exit Long,Sell,2019-05-03 09:30,1312.10,1,12.00,0.92,12.00
2,Entry Short,Sell,2019-05-03 09:30,1312.10,1,-5.00,-0.38,7.00
2,Exit Short,Buy,2019-06-10 09:30,1317.10,1,-5.00,-0.38,7.00
"""
NEWER = """Trade number,Type,Date and time,Signal,Price USD,Size (qty),Size (value),Net PnL USD,Net PnL %
2,Exit short,2019-06-10,Open,1317.10,0.5,658.55,-5.00,-0.38
2,Entry short,2019-05-03,Sell,1312.10,0.5,656.05,-5.00,-0.38
1,Exit long,2019-05-03,Sell,1312.10,0.5,656.05,12.00,0.92
1,Entry long,2019-03-01,Buy,1300.10,0.5,650.05,12.00,0.92
"""
JOURNAL = """entry_date;exit_date;side;profit
01.03.2019;03.05.2019;long;12,5
03.05.2019;10.06.2019;short;-5,1
13.08.2019;;long;1,1
"""


def found(path, kind=None, metal="gold", **options):
    return read(path, kind, ImportOptions(**options), metal)


@pytest.mark.parametrize("text", [TRADINGVIEW, NEWER], ids=["older", "newer"])
def test_tradingview(tmp_path, text):
    trades = found(written(tmp_path, text))
    assert (trades.kind, trades.n_trades) == ("trades", 2)
    assert trades.weights.to_dict() == {
        pd.Timestamp("2019-03-01"): 1.0,
        pd.Timestamp("2019-05-03"): -1.0,
        pd.Timestamp("2019-06-10"): 0.0,
    }
    assert "each the whole account" in trades.words[0]


def test_a_journal_of_trades_with_one_still_open(tmp_path):
    trades = found(written(tmp_path, JOURNAL))
    assert trades.n_trades == 3
    np.testing.assert_array_equal(trades.weights, [1, -1, 0, 1])
    assert trades.weights.index[-1] == pd.Timestamp("2019-08-13")


def test_trades_open_at_once_share_the_account(tmp_path):
    text = "Entry Date,Exit Date\n2020-01-02,2020-03-02\n2020-02-03,2020-02-20\n2020-03-02,2020-04-01\n"
    trades = found(written(tmp_path, text))
    assert trades.weights.tolist() == [0.5, 1.0, 0.5, 0.5, 0.0]
    assert "1/2 of the account" in trades.words[0]
    assert "all taken as long" in trades.words[0]


def test_trades_are_long_or_short_by_the_sign_of_their_size(tmp_path):
    text = "Size,EntryTime,ExitTime\n-3,2020-01-02,2020-03-02\n4,2020-04-02,2020-05-04\n"
    assert found(written(tmp_path, text)).weights.tolist() == [-1.0, 0.0, 1.0, 0.0]


def test_headings_say_what_a_column_holds(tmp_path):
    weights = found(written(tmp_path, column("target_weight", [0, 1, 0.5])))
    assert (weights.kind, weights.weights.tolist()) == ("weights", [0, 1, 0.5])
    returns = found(written(tmp_path, column("Strategy Return", noise(30))))
    assert returns.kind == "returns"
    np.testing.assert_array_equal(returns.returns, noise(30))
    equity = found(written(tmp_path, column("Equity", [100, 110, 99])))
    assert equity.kind == "returns"
    np.testing.assert_allclose(equity.returns, [0.1, -0.1])
    assert found(written(tmp_path, column("a/gold", [0, 1, 1])), "weights").weights.tolist() == [0, 1, 1]
    two = "date,gold,silver\n2020-01-31,0.5,1\n2020-02-29,1,0\n"
    assert found(written(tmp_path, two), "weights", metal="silver").weights.tolist() == [1, 0]


def test_per_cent(tmp_path):
    signs = found(written(tmp_path, column("weight", ["0 %", "100 %", "50 %"])))
    heading = found(written(tmp_path, column("weight %", [0, 100, 50])))
    declared = found(written(tmp_path, column("weight", [0, 100, 50])), unit="percent")
    for one in (signs, heading, declared):
        assert one.weights.tolist() == [0, 1, 0.5]
        assert "in per cent" in one.words[0]
    rounded = found(written(tmp_path, column("weight", [0, 1.003, -1.0])))
    assert rounded.weights.tolist() == [0, 1, -1]


def test_dates_and_numbers_as_they_are_written_elsewhere(tmp_path):
    text = "Datum;weight\n01.02.2020;0,5\n13.03.2020;1,0\n"
    read_so = found(written(tmp_path, text))
    assert read_so.weights.to_dict() == {pd.Timestamp("2020-02-01"): 0.5, pd.Timestamp("2020-03-13"): 1.0}
    backwards = "date,weight\n2020-03-31,1\n2020-02-29,\n2020-01-31,0\n"
    assert found(written(tmp_path, backwards)).weights.tolist() == [0, 1], "an empty cell keeps what there is"


REFUSED = {
    "what": (column("value", noise(30)), "is 'value' a weight, a return or an account's value?", {"kind": "returns"}),
    "which": (
        "date,weight a,weight b\n2020-01-31,0,1\n2020-02-29,1,0\n",
        "which of weight a, weight b is to be judged?",
        {"value_column": "weight b"},
    ),
    "borrowed": (column("weight", [0, 2.0, 1]), "pass --unit percent or --unit fraction", {"unit": "fraction"}),
    "per cent": (column("weight", [0, 100, 50]), "pass --unit percent or --unit fraction", {"unit": "percent"}),
    "returns in per cent": (column("return", 100 * noise(30)), "--unit percent", {"unit": "percent"}),
    "tiny": (column("return", noise(30) / 100), "--unit fraction if it is 150 %", {"unit": "fraction"}),
    "prices": (column("returns", 1300 + 100 * noise(30)), "never a loss", {"kind": "equity"}),
    "order": ("date,weight\n01/02/2020,0\n03/04/2020,1\n", "--dates dmy or --dates mdy", {"dates": "dmy"}),
    "decimal": ('date,return\n2020-01-31,"1,125"\n2020-02-29,"-2,250"\n', "--decimal point or --decimal comma",
                {"decimal": "comma", "unit": "percent"}),
    "entry": ("date,amount\n2020-01-31,3\n2020-02-29,4\n", "pass --as weights", {"kind": "equity"}),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_two_readings_are_refused_and_the_remedy_works(tmp_path, case):
    text, message, remedy = REFUSED[case]
    path, options = written(tmp_path, text), {name: value for name, value in remedy.items() if name != "kind"}
    with pytest.raises(AssayError) as refused:
        found(path)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith("mine.csv")
    assert found(path, remedy.get("kind"), **options)


WRONG = {
    "no such column": ({"value_column": "wieght"}, column("weight", [0, 1]), "did you mean 'weight'"),
    "twice": ({}, "date,weight\n2020-01-31,0\n2020-02-29,1\n2020-01-31,1\n", "line 4: '2020-01-31' stands there twice"),
    "one row": ({}, "date,weight\n2020-01-31,0\n", "1 values; bring a history"),
    "lost": ({}, column("equity", [100, 0, 50]), "an account's value of 0; pass --as returns"),
    "backwards": ({}, "entry_date,exit_date\n2020-02-03,2020-01-02\n", "'2020-01-02' is before the trade was opened"),
    "sideways": ({}, "entry_date,exit_date,side\n2020-01-03,2020-02-02,flat\n", "'flat' is neither long nor short"),
    "never closed": ({"kind": "trades"}, "date,trade\n2020-01-03,1\n2020-01-04,2\n", "name two columns entry_date"),
    "unknown kind": ({"kind": "prices"}, column("weight", [0, 1]), "no kind of results"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_one_line(tmp_path, case):
    options, text, message = WRONG[case]
    with pytest.raises(AssayError) as refused:
        found(written(tmp_path, text), options.get("kind"), value_column=options.get("value_column"))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_on_the_command_line_bad_input_is_one_line_and_exit_2(tmp_path, capsys):
    path = written(tmp_path, column("value", noise(30)))
    assert main(["judge", str(path), "--metal", "gold"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("assay: mine.csv: is 'value' a weight")
    assert error.count("\n") == 1
    assert main(["judge", str(tmp_path / "none.csv"), "--metal", "gold"]) == 2
    assert main(["judge", str(path), "--metal", "gold", "--as", "returns", "--claims", "CAGR 22"]) == 2
    assert "write 'CAGR 22 %'" in capsys.readouterr().err
    assert main(["judge", str(path), "--metal", "tin", "--as", "returns"]) == 2
    assert "metal 'tin'" in capsys.readouterr().err


def test_tables_and_series_of_pandas():
    days = pd.date_range("2020-01-31", periods=3, freq="ME")
    weights = pd.Series([0.0, 1.0, 0.5], index=days, name="weight")
    assert found(weights).weights.tolist() == [0, 1, 0.5]
    assert found(weights.to_frame()).weights.tolist() == [0, 1, 0.5]
    with pytest.raises(AssayError, match="pass --as weights"):
        found(weights.rename(None))
    assert found(weights.rename(None), "weights").weights.tolist() == [0, 1, 0.5]
    zoned = weights.tz_localize("America/New_York")
    assert found(zoned).weights.index[0] == days[0]
    with pytest.raises(AssayError, match="dict: no results that can be judged"):
        found({"weights": [1, 2]})


def test_accounts_of_other_libraries():
    stats = found(backtesting_stats())
    assert (stats.kind, stats.n_trades) == ("trades", 44)
    assert stats.weights.iloc[0] == 0, "in cash from the first bar on"
    held = stats.weights[stats.weights > 0]
    assert held.between(0.99, 1.0).all(), "the whole account each time"
    np.testing.assert_allclose(
        stats.returns.add(1).prod(), backtesting_stats()["_equity_curve"]["Equity"].iloc[-1] / 1e6
    )
    nothing = backtesting_stats()
    nothing["_trades"] = nothing["_trades"].iloc[:0]
    with pytest.raises(AssayError, match="finalize_trades=True"):
        found(nothing)
    result = found(bt_result())
    assert result.weights.notna().sum() == 89
    assert result.weights.dropna().isin([0.0]).sum() == 45
    with pytest.raises(AssayError, match="bt result: holds a, b"):
        found(bt_result("a", "b"))
    assert found(bt_result("a", "gold")).weights.equals(result.weights)


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("Sharpe 1.8", ("Sharpe", 1.8)),
        ("sharpe ratio: 1,8", ("Sharpe", 1.8)),
        ("CAGR 22 %", ("CAGR", 0.22)),
        ("cagr=22%", ("CAGR", 0.22)),
        ("max drawdown -12.5 %", ("max drawdown", -0.125)),
        ("Max. Drawdown 12.5%", ("max drawdown", -0.125)),
        ("vol 15 %", ("volatility", 0.15)),
        ("total return -3 %", ("total return", -0.03)),
        ("# Trades 44", ("trades", 44)),
    ],
)
def test_figures_that_are_claimed(text, read_as):
    assert parsed(text) == pytest.approx(read_as)


@pytest.mark.parametrize(
    "text", ["CAGR 22", "Sharpe 180 %", "luck 7", "Sharpe", "1.8", "Sharpe 1.8 or so", "trades 4 %"]
)
def test_figures_that_are_none(text):
    with pytest.raises(AssayError, match="--claims"):
        parsed(text)


def test_figures_recomputed():
    returns = pd.Series([0.02, -0.05, 0.01, 0.03, -0.01, 0.04])
    bills = pd.Series(0.001, index=returns.index)
    claims = dict(map(parsed, ["Sharpe 1.8", "CAGR 22 %", "vol 9 %", "max drawdown 3 %", "return 9 %", "trades 4"]))
    by_name = {item.name: item for item in recomputed(claims, (returns, bills, 12), None, 5)}
    excess = returns - 0.001
    growth = 1.02 * 0.95 * 1.01 * 1.03 * 0.99 * 1.04
    expected = {
        "Sharpe": np.mean(excess) / np.std(excess, ddof=1) * np.sqrt(12),
        "CAGR": growth ** (12 / 6) - 1,
        "volatility": np.std(returns, ddof=1) * np.sqrt(12),
        "max drawdown": -0.05,
        "total return": growth - 1,
        "trades": 5,
    }
    for name, value in expected.items():
        assert by_name[name].own == pytest.approx(value), name
        assert by_name[name].difference == pytest.approx(value - claims[name])
        assert np.isnan(by_name[name].account)
    bare = np.mean(returns) / np.std(returns, ddof=1) * np.sqrt(12)
    assert f"nothing deducted for bills {bare:.2f}" in sentence("judge.figure", figure=by_name["Sharpe"])
    (only,) = recomputed({"trades": 4}, None, (returns, bills, 12), None)
    assert sentence("judge.figure", figure=only) == "trades 4 claimed; it does not tell"
    (here,) = recomputed({"CAGR": 0.22}, None, (returns, bills, 12), None)
    assert here.difference == pytest.approx(growth**2 - 1 - 0.22)
    told = sentence("judge.figure", figure=here)
    assert told == f"CAGR 22.00% claimed; {growth**2 - 1:.2%} in the account on these terms: {growth**2 - 1.22:+.2%}"
