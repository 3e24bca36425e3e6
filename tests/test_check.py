"""What ``assay check`` sees beside the zoo: imports, dates, cells, ends of samples, seeds, and what it says."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from research import UNKNOWN, open_data, strategy
from research.cli import main
from research.discovery import find_strategy
from research.lookahead import check, dated_bars
from research.lookahead.checking import _histories
from research.lookahead.history import history_of, rewrite_table
from research.lookahead.report import different
from research.lookahead.runner import equal, held, moves
from research.values import plain
from tests.zoo import animal, enclosure

HEAD = """
import numpy as np
import pandas as pd
from pathlib import Path
from research import open_data, strategy

def declared(signal, **more):
    return strategy(claim="A claim.", metal="gold", inputs={"price": "gold_price"}, expected_sign=+1, **more)(signal)

"""
TAIL = """
@declared
def idea(panel):
    price = panel["price"]
    return (price > MU).astype(float)
"""


@pytest.fixture(scope="module")
def bundled():
    return open_data()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return open_data(enclosure.monthly_pack(tmp_path_factory.mktemp("check") / "pack"), bundled=False)


@pytest.fixture
def written(tmp_path):
    def write(text, name="idea"):
        (tmp_path / f"{name}.py").write_text(HEAD + text)
        return find_strategy(f"{tmp_path / f'{name}.py'}:idea")

    return write


def kinds(report):
    return {item.kind for item in (*report.leaks, *report.violations)}


# -- values made at import


@pytest.mark.parametrize(
    "text",
    [
        'MU = open_data().observations("gold_price")["value"].quantile(0.8)\n' + TAIL,
        'TABLE = open_data().observations("gold_price")\nX = TABLE[-300:]\nMU = float(X["value"].mean())\n' + TAIL,
        "with open(FILE) as file:\n    rows = file.read().split()\nMU = float(len(rows))\n" + TAIL,
        'MU = 0.0\nfor value in pd.read_csv(FILE)["value"]:\n    MU = max(MU, 0.5 * value)\n' + TAIL,
        """
class Scaler:
    def fit(self, values):
        self.mean = float(values.mean())
        return self

SCALER = Scaler()
SCALER.fit(pd.read_csv(FILE)["value"])

@declared
def idea(panel):
    return (panel["price"] > SCALER.mean).astype(float)
""",
        """
def learn():
    return pd.read_csv(FILE)["value"].median()

MU = learn()

@declared
def idea(panel, threshold=MU):
    return (panel["price"] > threshold).astype(float)
""",
        """
class Settings:
    level = float(pd.read_csv(FILE)["value"].median())

def above(price):
    return price > Settings.level

@declared
def idea(panel):
    return above(panel["price"]).astype(float)
""",
    ],
    ids=["quantile", "two-steps", "open", "loop", "scaler", "default", "class"],
)
def test_a_value_made_from_data_at_import_is_a_breach_that_names_it(text, written, bundled, tmp_path):
    file = tmp_path / "own.csv"
    file.write_text("value\n" + "\n".join(str(value) for value in np.linspace(100, 900, 40)))
    report = check(written(f"FILE = Path({str(file)!r})\n" + text), bundled, n_cuts=4)
    assert "import" in kinds(report), report
    said = next(str(item) for item in report.violations if item.kind == "import")
    assert "idea.py:" in said
    assert any(name in said for name in ("MU", "SCALER", "Settings", "idea()"))


@pytest.mark.parametrize(
    "text",
    [
        "MU = np.sqrt(2) * 300\n" + TAIL,
        "ALL = sorted(open_data())\nprint(len(ALL))\nMU = 450.0\n" + TAIL,
        'MU = 450.0\ndef surprise(panel):\n    return panel.observations("price")["value"].iloc[-1]\n' + TAIL,
    ],
    ids=["arithmetic", "read-but-not-used", "a-helper-of-the-panel"],
)
def test_a_constant_and_data_that_are_not_used_are_no_breach(text, written, bundled):
    assert check(written(text), bundled, n_cuts=4).passed


def test_a_notebook_cell_is_read_where_it_cannot_be_run_again(data):
    mu = open_data().observations("gold_price")["value"].quantile(0.8)

    @animal(price="gold_price")
    def idea(panel):
        return (panel["price"] > mu).astype(float)

    report = check(idea, data, n_cuts=4)
    assert kinds(report) == {"import"}, report
    assert "mu, made from data" in report.violations[0].what


def test_a_name_of_another_function_is_no_evidence(data):
    def elsewhere():
        level = open_data().observations("gold_price")["value"].mean()
        return level

    level = 450.0

    @animal(price="gold_price")
    def idea(panel):
        return (panel["price"] > level).astype(float)

    assert elsewhere is not None
    assert check(idea, data, n_cuts=4).passed


def test_what_was_not_looked_at_is_said(written, bundled):
    report = check(written("MU = 450.0\n" + TAIL), bundled, n_cuts=4)
    assert "MU=450" in str(report).splitlines()[-1]
    assert "not looked at" in str(report).splitlines()[-1]


# -- dates

BEARS = """
BEARS = [("1980-02", "1982-06"), ("1983-03", "1986-05"), ("1987-06", "1991-02"), ("2011-05", "2015-12"),
         ("2021-02", "2022-09")]

def out(index):
    return np.logical_or.reduce([(index >= first) & (index <= last) for first, last in BEARS])

idea = strategy(claim="A claim.", metal="silver", inputs={"price": "silver_price"}, expected_sign=+1)

@idea
def idea(panel):
    price = panel["price"]
    return (price > price.shift(12)).astype(float).where(~out(panel.index), 0.0)
"""


def test_dates_of_bear_markets_are_hindsight_and_their_share_of_the_result_is_told(written, bundled):
    idea = written(BEARS)
    report = check(idea, bundled, start="1975", n_cuts=4)
    assert kinds(report) == {"hindsight"}, report
    dated = report.dated[0]
    assert dated.kind == "periods"
    assert dated.inputs_matter
    assert dated.p_shifted <= 0.01
    assert 0.3 * dated.total < dated.carried
    assert all(any(first <= f"{bar:%Y-%m}" <= last for first, last in _bears()) for span in dated.spans for bar in span)
    assert dated == dated_bars(idea, bundled, "silver", start="1975")
    assert json.loads(json.dumps(plain(dated)))["accused"] is True


def _bears():
    return [("1980-02", "1982-06"), ("1983-03", "1986-05"), ("1987-06", "1991-02"), ("2011-05", "2015-12"),
            ("2021-02", "2022-09")]  # fmt: skip


def test_what_dated_bars_carry_is_the_return_that_they_miss(data):
    market = data.market("gold")
    excess = (market.price.pct_change() - market.bill_accrual).to_numpy()

    @animal(price="gold_price")
    def absent(panel):
        dates = panel.index
        return pd.Series(1.0, dates).where((dates < "2010-01") | (dates >= "2010-07"), 0.0)

    dated = dated_bars(absent, data, "gold")
    first = int(np.flatnonzero(market.price.index >= "2010-01")[0])
    assert dated.n_bars == 6
    assert dated.carried * len(excess) / 12 == pytest.approx(-excess[first + 2 : first + 8].sum())
    assert not dated.inputs_matter
    decided = absent.decide(data.panel("gold", absent.inputs_for("gold", data), market), {})
    assert dated_bars(absent, data, "gold", decided=decided) == dated


@pytest.mark.parametrize("kind", ["seasonal", "inception", "schedule", "schedule_of_weeks", "since_and_until_data"])
def test_seasons_schedules_and_inception_dates_are_no_accusation(kind, data):
    @animal(price="gold_price")
    def dated(panel):
        price, dates = panel["price"], panel.index
        trend = (price > price.shift(6)).astype(float)
        if kind == "seasonal":
            return trend.where(dates.month < 9, 1.0)
        if kind == "inception":
            return trend.where(dates >= "2009-05-01", 0.0)
        if kind == "schedule":  # eight meetings a year, of which each year's calendar is known beforehand
            meetings = pd.DatetimeIndex([f"{year}-{month:02}-28" for year in range(2006, 2019) for month in
                                         (1, 3, 4, 6, 7, 9, 10, 12)])  # fmt: skip
            return trend.where(~dates.to_period("M").isin(meetings.to_period("M")), 0.0)
        if kind == "schedule_of_weeks":
            meetings = pd.DatetimeIndex(["2012-01-31", "2012-04-30", "2012-07-31", "2012-10-31", "2013-01-31",
                                         "2013-04-30", "2013-07-31", "2013-10-31"])  # fmt: skip
            return trend.where(~dates.isin(meetings), 0.5)
        return trend

    report = check(dated, data, n_cuts=4)
    assert report.passed, report
    assert len(report.dated) == kind.startswith("schedule")
    if kind == "schedule_of_weeks":
        assert report.dated[0].kind == "schedule"
    assert any("one date" in note for note in report.notes) == (kind == "inception")


def test_unlucky_dates_are_a_note(bundled, written):
    late = BEARS.replace("2011-05", "2003-05").replace("2015-12", "2005-12").replace("1980-02", "1977-02")
    late = late.replace("1982-06", "1978-06").replace("1987-06", "1994-06").replace("1991-02", "1997-02")
    report = check(written(late), bundled, start="1975", n_cuts=4)
    assert report.passed
    assert len(report.dated) == 1
    assert any("dates are written in the rule" in note for note in report.notes)


# -- cells and metals


def test_a_leak_in_one_cell_of_the_second_metal_is_found(data):
    @animal(metals=("gold", "silver"), price="{metal}_price", grid={"months": list(range(1, 7)), "mode": ["a", "b"]})
    def idea(panel, months=3, mode="a"):
        price = panel["price"]
        if panel.metal == "silver" and months == 5 and mode == "b":
            return (price.shift(-1) > price).astype(float)
        return (price > price.shift(months)).astype(float)

    report = check(idea, data)
    assert [(leak.metal, dict(leak.parameters)) for leak in report.leaks] == [("silver", {"months": 5, "mode": "b"})]
    assert report.coverage.of_cells == 24
    assert report.coverage.cells == 24
    assert "24 of 24 cells" in str(report)
    assert check(idea, data, metal="silver", parameters={"months": 2}).passed


def test_rare_states_are_cut_first(data):
    @animal(x="lease")
    def idea(panel):
        x = panel["x"]
        return (x > x.shift(1)).astype(float).where(x.shift(-1) <= 4.0 * x.expanding().mean(), 0.25)

    assert not check(idea, data, n_cuts=4).passed


def test_every_change_of_position_meets_another_next_observation(data):
    @animal(x="lease")
    def idea(panel):
        return (panel["x"] > panel["x"].shift(1)).astype(float)

    report = check(idea, data)
    assert report.coverage.moves == report.coverage.of_moves > 60
    assert "100% of" in str(report).splitlines()[0]


def test_a_grid_past_the_limit_says_so(data, monkeypatch):
    monkeypatch.setattr("research.lookahead.checking._MOST_CELLS", 100)

    @animal(x="lease", grid={"level": [level / 100 for level in range(150)]})
    def idea(panel, level=0.5):
        return (panel["x"] > level).astype(float)

    report = check(idea, data, n_cuts=4)
    assert report.passed
    assert not report.complete
    assert report.coverage.cells < 150 == report.coverage.of_cells
    assert "cells, past the limit of work" in str(report)


def test_the_answer_is_the_same_again(data):
    @animal(x="lease", grid={"level": [0.5, 1.0]})
    def idea(panel, level=0.5):
        return (panel["x"] > level).astype(float)

    first, again = (check(idea, data, n_cuts=6) for _ in range(2))
    assert str(first) == str(again)


# -- ends of samples, randomness, hash seeds, nothing to check, warm-up


def test_a_leak_through_the_end_that_shows_in_one_year_only_is_found(data):
    @animal(x="lease")
    def idea(panel):
        n_bars = len(panel.index)
        weights = pd.Series(1.0, panel.index)
        if n_bars != 180:
            weights.iloc[n_bars // 2] = 0.0
        return weights if n_bars % 12 else weights.where(pd.Series(range(n_bars), panel.index) < 100, 1.0)

    report = check(idea, data)
    assert kinds(report) == {"end of sample"}


def test_randomness_is_all_that_is_said_of_a_random_strategy(data):
    @animal(metals=("gold", "silver"), price="{metal}_price", grid={"n": [1, 2]})
    def idea(panel, n=1):
        if n == 1:
            return pd.Series(1.0, panel.index)
        return pd.Series(np.random.default_rng().integers(0, 2, len(panel.index)).astype(float), panel.index)

    report = check(idea, data)
    assert kinds(report) == {"randomness"}
    assert not report.leaks
    assert len(report.violations) == 1


def test_a_seed_from_a_hash_is_found_in_another_process(written, bundled):
    text = """
@declared
def idea(panel):
    random = np.random.default_rng(hash("silver") % 2**32)
    return pd.Series(random.integers(0, 2, len(panel.index)).astype(float), panel.index)
"""
    assert kinds(check(written(text), bundled, n_cuts=4)) == {"hash_seed"}
    steady = text.replace('hash("silver")', 'len({"silver", "gold"})')
    assert check(written(steady, "steady"), bundled, n_cuts=4).passed


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_weights_that_are_nothing_are_nothing_to_check(value, data):
    @animal(x="lease")
    def idea(panel):
        return pd.Series(value, panel.index)

    report = check(idea, data)
    assert report.outcome == "nothing to check"
    assert not report.passed


def test_a_longer_history_before_the_first_bar_is_a_note(data):
    @animal(x="lease")
    def count(panel):
        return pd.Series(np.arange(len(panel.index)) % 7 / 7, panel.index)

    assert any("warm-up" in note for note in check(count, data, n_cuts=4).notes)

    @animal(x="lease")
    def window(panel):
        return (panel["x"] > panel["x"].rolling(12).mean()).astype(float)

    assert not any("warm-up" in note for note in check(window, data, n_cuts=4).notes)


def test_years_of_a_fixed_price_take_no_part_unless_asked(bundled):
    momentum = find_strategy("momentum_12_months")
    (gold,), _ = _histories(momentum, bundled, "gold", None, None)
    assert "1967" < f"{gold.index[0]:%Y-%m}" < "1973"
    early = check(momentum, bundled, metal="gold", start="1960", end="1967", n_cuts=4)
    assert early.outcome in ("passed", "nothing to check")


# -- futures, unknown weights, figures


def test_a_flat_and_a_mirrored_future(data):
    item = animal(price="gold_price")(lambda panel, x=1: panel["price"])
    history = history_of(item, data, "gold")
    table, dataset = history.tables["gold_price"], history.datasets["gold_price"]
    cut = history.decisions.iloc[99]
    later = (table["known_at"] > cut).to_numpy()
    last = table["value"][~later].iloc[-1]
    assert (rewrite_table(table, dataset, "flat", cut)["value"][later] == last).all()
    other = rewrite_table(table, dataset, "mirrored", cut)["value"]
    assert other[~later].equals(table["value"][~later])
    true = np.log(np.append(last, table["value"][later]))
    assert np.diff(np.log(np.append(last, other[later]))) == pytest.approx(-np.diff(true))


def test_a_leak_that_shows_only_under_a_mirrored_or_flat_future(data):
    @animal(x="lease")
    def idea(panel):
        x = panel["x"]
        ahead = x.shift(-1)
        inside = (ahead > 0.34 * x) & (ahead < 2.9 * x) & (x.shift(-1).notna())
        turned = inside & (np.sign(ahead - x) == 0)
        return pd.Series(0.5, panel.index).where(~turned, 1.0)

    assert not check(idea, data).passed


def test_an_unknown_weight_is_a_state_of_its_own(data):
    left = np.array([UNKNOWN, UNKNOWN, 0.5, np.nan])
    right = np.array([UNKNOWN, 0.5, 0.5, UNKNOWN])
    assert equal(left, right).tolist() == [True, False, True, False]
    assert moves(left, right).tolist() == [0.0, 1.0, 0.0, 1.0]
    assert held(left).tolist() == [0.0, 0.0, 0.5, 0.5]

    @animal(x="lease")
    def honest(panel):
        return (panel["x"] > 1).astype(float).where(panel["x"] < 5, UNKNOWN)

    assert check(honest, data, n_cuts=6).passed

    @animal(x="lease")
    def leaky(panel):
        x = panel["x"]
        return (x > 1).astype(float).where(x.shift(-1) > x, UNKNOWN)

    report = check(leaky, data, n_cuts=6)
    assert report.leaks[0].kind == "next bar"
    assert "unknown" in str(report)


def test_equal_figures_are_never_printed():
    assert different(0.5, 0.5 + 1e-9) == ("0.5", "0.500000001")
    assert different(1.0, float("nan")) == ("1", "no decision")


# -- the command


def test_the_demonstration_is_rejected(capsys):
    assert main(["check", "--demo", "--cuts", "4"]) == 1
    assert "next bar" in capsys.readouterr().out


def test_all_says_how_far_it_is_and_how_it_ended(monkeypatch, capsys):
    @strategy(claim="x", metal="gold", inputs={"price": "gold_price"}, expected_sign=1)
    def never(panel):
        return panel["price"] * 0.0

    few = {name: find_strategy(name) for name in ("silver_deficit", "shanghai_premium")} | {"never": never}
    monkeypatch.setattr("research.cli.check.thesis_in_force", lambda: SimpleNamespace(strategies=few))
    assert main(["check", "all", "--cuts", "2"]) == 3
    said = capsys.readouterr()
    assert "3 of 3: never" in said.err
    assert "In short: all 3: 1 passed, 1 nothing to check, 1 not checked. Why:" in " ".join(said.out.split())


def test_one_cell_can_be_asked_for(capsys):
    assert main(["check", "silver_deficit", "--param", "years=1", "--cuts", "2"]) == 0
    assert "1 of 1 cells" in capsys.readouterr().out
    assert main(["check"]) == 2
    assert "--demo" in capsys.readouterr().err
