"""Frames, trades and files: the account's own numbers, found again by other ways."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from research import Execution, compare, open_data, strategy
from research.cli import main
from research.errors import ExecutionError
from research.study import Study
from research.study.exports import check_export, export


@strategy(claim="x", metal="silver", inputs={"price": "silver_price"}, expected_sign=1, falsifier="y")
def in_and_out(panel):
    """Half in metal for 5 months, then all for 3, then none for 4, from a year on."""
    month = np.arange(len(panel.index)) % 12
    return pd.Series(np.where(month < 5, 0.5, np.where(month < 8, 1.0, 0.0)), index=panel.index)


@pytest.fixture(scope="module")
def study() -> Study:
    return compare([in_and_out], open_data(), ledger=None, start="1990", end="2000-06", execution=Execution(storage=0))


@pytest.fixture(scope="module")
def trial(study):
    return study.trials[0]


def test_a_frame_of_a_trial_is_its_account_bar_by_bar(trial):
    frame = trial.to_frame()
    pd.testing.assert_index_equal(frame.index, trial.equity.index, check_names=False)
    assert frame["equity"].iloc[-1] == pytest.approx(100 * (1 + frame["returns"]).prod())
    assert np.isnan(frame["returns"].iloc[0])
    held = trial.benchmarks["buy_and_hold"].equity
    np.testing.assert_array_equal(frame["equity_buy_and_hold"], held)
    assert set(frame["weight"].round(2)) >= {0.5, 1.0, 0.0}
    assert frame["costs"].sum() == pytest.approx(trial.result.costs.to_numpy().sum())


def test_round_trips_are_what_the_orders_bought_and_sold(trial):
    trades, orders = trial.trades, trial.result.orders
    orders = orders[orders["column"] == "metal"]
    sign = np.where(orders["side"] == "buy", 1, -1)
    paid = pd.Series((sign * orders["size"] * orders["price"] + orders["fees"]).to_numpy(), index=orders["date"])
    closed = trades[~trades["open"]]
    assert len(closed) >= 9
    for trip in closed.itertuples():
        assert trip.profit == pytest.approx(-paid.loc[trip.entry : trip.exit].sum())
        assert trip.days == (trip.exit - trip.entry).days
        assert trip.entry_price == trial.market.price[trip.entry]
    whole = closed[closed["days"] > 200]
    assert len(whole) >= 9, "from half to all is one trip, not two"
    assert trades["entry"].is_monotonic_increasing
    assert (trades["side"] == "long").all()


def test_the_vectorbt_portfolio_is_the_account(trial):
    portfolio = trial.to_vectorbt()
    assert type(portfolio).__module__.startswith("vectorbt")
    np.testing.assert_allclose(portfolio.value().to_numpy(), trial.equity.to_numpy(), rtol=1e-12)


def test_a_frame_of_a_study_has_a_row_a_trial(study, trial):
    row = study.to_frame().loc[("in_and_out", "silver")]
    assert row["verdict"] == str(trial.verdict.word)
    assert row["timing_return"] == trial.evidence.timing_return.value
    assert row["cagr"] == trial.performance["strategy"].cagr
    few = replace(trial, verdict=replace(trial.verdict, rules=replace(trial.verdict.rules, min_events=10_000)))
    hidden = replace(study, trials=(few,)).to_frame().iloc[0]
    assert hidden[["low", "high", "p_adjusted", "p_shifted"]].isna().all()


def test_the_series_of_returns_is_in_the_json(trial):
    told = trial.to_json()["returns"]
    assert list(told.values()) == trial.returns.tolist()
    assert next(iter(told)) == f"{trial.returns.index[0]:%Y-%m-%d}"


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_files_hold_the_same_numbers(study, trial, tmp_path, form):
    files = export(study, tmp_path / "new" / "er", form)
    assert [file.name for file in files] == [
        f"{name}.{form}"
        for name in ("rows", "in_and_out-silver-bars", "in_and_out-silver-orders", "in_and_out-silver-trades")
    ]
    read = pd.read_parquet if form == "parquet" else pd.read_csv
    np.testing.assert_array_equal(read(files[1])["equity"], trial.equity)
    assert len(read(files[2])) == len(trial.result.orders)
    np.testing.assert_array_equal(read(files[3])["profit"], trial.trades["profit"])


def test_a_name_is_no_way_out_of_the_folder(study, trial, tmp_path):
    evil = replace(trial, strategy=replace(trial.strategy, name="../../x y"))
    files = export(replace(study, trials=(evil,)), tmp_path)
    assert {file.resolve().parent for file in files} == {tmp_path.resolve()}


def test_a_folder_that_cannot_be_filled_is_refused_before_the_work(tmp_path, capsys):
    check_export(tmp_path / "new")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("x")
    with pytest.raises(ExecutionError, match=r"holds note\.txt already; name an empty or a new folder"):
        check_export(tmp_path / "full")
    assert main(["compare", "--out", str(tmp_path / "full" / "note.txt")]) == 2
    told = capsys.readouterr()
    assert not told.out
    assert len(told.err.splitlines()) == 1
