"""What stands between the accounts and the judge: parts of a record, rows of a claim, keys of what was tried."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from research import Execution, open_data, strategy
from research.claims import load_thesis
from research.diagnostics.timing import MINIMUM_PERIODS, Timing, independent_events
from research.errors import NoData, NoDecision, StrategyError
from research.ledger import Ledger
from research.study.candidates import (
    Terms,
    attempted,
    candidate,
    decides,
    entry_of,
    pairs_of,
    prices_of,
    record_grid,
    recorded_on,
    ruined_at,
    series_of,
    since,
    timing_of,
)
from research.study.claims import Families, Member, Part, TestedClaim, split
from research.study.judge import measure
from research.verdict import Evidence, Rules, Verdict, Word
from research.weights import UNKNOWN
from tests.diagnostics.test_timing import exposure, world
from tests.study.test_ledger import momentum as rising
from tests.zoo import enclosure


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return open_data(enclosure.monthly_pack(tmp_path_factory.mktemp("composition") / "pack"), bundled=False)


@pytest.fixture(scope="module")
def risen(data):
    return {metal: candidate(rising, data, metal, None, Terms(Execution())) for metal in ("gold", "silver")}


# --- parts of a record


def rows():
    long, short = world(3, 480), world(4, 150)
    return [Timing.of(exposure(*long)), Timing.of(exposure(*short, start="1985-01"))]


def test_a_record_is_split_at_a_day_by_when_its_periods_opened():
    found = rows()
    day = pd.Timestamp("1990-06-30")
    before, after = split(found, 1, day.date())
    opened = [timing.dates - pd.Timedelta(days=365.25 / 12) for timing in found]
    for part, inside in ((before, [when <= day for when in opened]), (after, [when > day for when in opened])):
        dates = [timing.dates[mask] for timing, mask in zip(found, inside, strict=True)]
        assert part.first == min(when[0] for when in dates)
        assert part.last == max(when[-1] for when in dates)
        assert part.periods == max(map(len, dates))
        assert part.years == pytest.approx(part.periods / 12)
        events = independent_events(found)
        assert part.events == sum(event in when for event in events for when in [dates[0].union(dates[1])])
        pieces = [timing.series(1)[mask] for timing, mask in zip(found, inside, strict=True)]
        exact = np.array([np.sqrt(piece.size) / piece.std() for piece in pieces])
        mean = sum(12 * piece.mean() * weight for piece, weight in zip(pieces, exact, strict=True)) / exact.sum()
        assert part.timing_return.value == pytest.approx(mean)
        assert part.timing_return.degrees_of_freedom == 8
    assert before.events + after.events == len(events)


def test_a_period_that_opens_on_the_day_was_known_to_its_author():
    (timing, _) = rows()
    opens = timing.dates[100] - pd.Timedelta(days=365.25 / 12)
    moved = replace(timing, dates=timing.dates + (opens.normalize() - opens))
    before, after = split([moved], 1, opens.date())
    assert before.last == moved.dates[100]
    assert after.first == moved.dates[101]


def test_an_empty_part_says_nothing():
    before, after = split(rows(), 1, date(2030, 1, 1))
    assert before.periods == 480
    plain = after.to_json(Rules())
    assert plain == {
        "first": None,
        "last": None,
        "events": 0,
        "periods": 0,
        "timing_return": None,
        "low": None,
        "high": None,
    }
    told = before.to_json(Rules())
    assert told["first"] == "1980-01-31"
    assert told["low"] < told["timing_return"] < told["high"]
    (timing, _) = rows()
    nothing = np.where(timing.dates <= "1990-01-31", 0.0, 1.0)
    before, after = split([replace(timing, gross=timing.gross * nothing, cost=timing.cost * 0)], 1, date(1990, 1, 1))
    assert np.isnan(before.timing_return.value), "nothing moved in it"
    assert np.isfinite(after.timing_return.value)


def test_a_claim_of_a_thesis_tells_what_came_before_and_after_its_publication():
    words = dict.fromkeys(("short", "sentence", "falsifier", "rests_on"), "x")
    claim = TestedClaim(
        id="C1+",
        claim="C1",
        sign=1,
        **words,
        strategies=("s",),
        metals=("gold",),
        evidence=Evidence(sign=1, events=7, periods=480, years=40.0),
        verdict=Verdict(word=Word.UNDECIDABLE, reason="x"),
        rows={},
        timings={"row": rows()[0]},
        published=date(1990, 1, 1),
    )
    told = claim.to_json()["publication"]
    assert (told["date"], told["before"]["last"], told["after"]["last"]) == ("1990-01-01", "1990-01-31", "2019-12-31")
    assert "publication" not in replace(claim, published=None).to_json()


@pytest.mark.parametrize(
    ("periods", "events", "shown"),
    [(MINIMUM_PERIODS, 6, True), (MINIMUM_PERIODS - 1, 6, False), (MINIMUM_PERIODS, 5, False)],
)
def test_an_interval_of_a_part_needs_periods_and_events(periods, events, shown):
    part = Part(first=None, last=None, events=events, periods=periods, years=1.0)
    assert part.shows_interval(Rules()) is shown


# --- candidates


def test_what_can_be_ruined_is_only_what_is_short_or_borrows(data):
    market = data.market("gold")
    index = market.price.index
    rising_price = replace(market, price=pd.Series(np.geomspace(100, 1000, len(index)), index=index))
    free = Execution(fees=0, slippage=0, storage=0, borrow=0, max_leverage=3)
    for weight in (0.0, 1.0, np.nan):
        assert ruined_at(pd.Series(weight, index=index), rising_price, free) is None
    opened_once = pd.Series(np.nan, index=index)
    opened_once.iloc[0] = -1.0
    closed = ruined_at(opened_once, rising_price, free)
    fill = rising_price.price.iloc[1]
    cash = np.cumprod(1 + market.bill_accrual.to_numpy())
    worth = 2 * cash / cash[1] - rising_price.price.to_numpy() / fill
    assert closed == index[np.flatnonzero(worth <= 0)[0]]
    assert ruined_at(opened_once, replace(market, price=pd.Series(100.0, index=index)), free) is None
    falling = replace(market, price=pd.Series(np.geomspace(1000, 10, len(index)), index=index))
    borrowed = pd.Series(np.nan, index=index)
    borrowed.iloc[0] = 3.0
    assert ruined_at(borrowed, falling, free) is not None
    assert timing_of(borrowed, falling, free).n_periods < timing_of(borrowed, rising_price, free).n_periods


def test_unknown_is_no_decision_and_a_start_takes_the_target_in_force():
    index = pd.date_range("2000-01-31", periods=4, freq="ME")
    assert not decides(pd.Series([np.nan, UNKNOWN, UNKNOWN, np.nan], index=index))
    assert decides(pd.Series([np.nan, UNKNOWN, 0.0, np.nan], index=index))
    weights = pd.Series([0.5, np.nan, np.nan, 1.0], index=index)
    pd.testing.assert_series_equal(since(weights, index[2]), pd.Series([0.5, 1.0], index=index[2:]))


def test_a_candidate_holds_what_was_declared_and_what_was_chosen(data):
    other = candidate(rising, data, "gold", {"months": 3}, Terms(Execution()))
    assert list(other.points) == list(other.grid)
    assert len(other.points) == 3
    assert {name for name, point in other.points.items() if point.declared} == set(other.points) - {other.label}
    assert len({point.key for point in other.points.values()}) == 3
    assert list(other.signals) == ["price"]
    assert list(other.prices()) == ["gold", "silver"]
    with pytest.raises(NoDecision, match="too late to earn two returns"):
        candidate(rising, data, "gold", {"months": 176}, Terms(Execution()))

    @strategy(
        claim="Long waits.", metal="gold", inputs={"price": "gold_price"}, expected_sign=1, grid={"wait": [6, 400]}
    )
    def patient(panel, wait=6):
        price = panel["price"]
        return price.where(price.shift(wait).notna()) * 0 + 1

    known = candidate(patient, data, "gold", None, Terms(Execution()))
    assert (len(known.points), len(known.grid)) == (1, 2), "a point that never decides is none"
    with pytest.raises(NoDecision):
        candidate(patient, data, "gold", {"wait": 400}, Terms(Execution()))


# --- what was tried


def test_what_cannot_be_made_is_told_unless_nothing_can():
    def half(number):
        if number % 2:
            raise NoDecision(f"{number} is odd")
        return number // 2

    assert attempted([4, 3, 2, 1], half) == ({4: 2, 2: 1}, {3: "3 is odd", 1: "1 is odd"})
    assert attempted([], half) == ({}, {})
    with pytest.raises(NoDecision, match="3 is odd"):
        attempted([3, 1], half)


def test_series_are_those_of_the_judge_whether_it_made_them_or_not(risen):
    item = risen["silver"]
    timings, keys = ({name: getattr(at, what) for name, at in item.points.items()} for what in ("timing", "key"))
    (made, *_), price = series_of(timings.items(), keys.get, "p", -1), prices_of(item.market)
    name = made.label
    numbers = measure(SimpleNamespace(sign=-1, rows={name: timings[name]}, worthwhile_return=np.inf))
    np.testing.assert_allclose(made.numbers.supporting, numbers.supporting)
    np.testing.assert_allclose(made.numbers.opposing, numbers.opposing)
    assert made.numbers.events == numbers.events
    np.testing.assert_allclose(made.timing[1], -timings[name].gross, rtol=1e-6)
    handed = list(series_of(timings.items(), keys.get, "p", -1, {name: replace(numbers, events=77)}))
    assert handed[0].numbers.events == 77
    assert handed[1].numbers.events == list(series_of(timings.items(), keys.get, "p", -1))[1].numbers.events
    assert len(price) == 64
    still = {name: Timing.of(exposure(np.ones(60), world(1, 60)[1]))}
    assert list(series_of(still.items(), keys.get, "p", 1)) == []


def test_the_chosen_trial_is_listed_with_its_numbers(risen):
    written = entry_of(risen["gold"], {"p": 0.5}, Terms(Execution()))
    assert set(written.data) == {"gold_price", "bill_rate"}
    assert (written.kind, written.numbers, written.parameters["months"]) == ("chosen", {"p": 0.5}, 12)


def test_of_a_huge_grid_some_series_are_kept_and_its_entry_says_of_how_many(data, monkeypatch):
    monkeypatch.setattr("research.study.candidates.MOST_SERIES", 2)

    class Listed(Ledger):
        def record(self, entries):
            self.entries = list(entries)
            return ""

        def keep(self, series):
            self.series = list(series)
            return ""

    ledger = Listed()
    record_grid(rising, "gold", [{"months": n} for n in range(1, 8)], ledger, data, Terms(Execution()))
    assert [(entry.kind, entry.parameters) for entry in ledger.entries] == [("sweep", {"variants": 7})]
    assert [item.label for item in ledger.series] == ["momentum/gold/months=1", "momentum/gold/months=7"]


def test_a_grid_is_kept_at_its_ends_and_counted_once(data, tmp_path):
    terms, ledger = Terms(Execution()), Ledger(tmp_path / "trials.sqlite")
    variants = [{"months": n} for n in range(1, 8)]
    assert record_grid(rising, "gold", variants, ledger, data, terms) == ""
    price = data["gold_price"].sha256
    others, status = recorded_on(ledger, [price], 12, [])
    assert (len(others), status) == (7, "recorded")
    mine = candidate(rising, data, "gold", None, terms).points.values()
    left, _ = recorded_on(ledger, [price], 12, [point.key for point in mine])
    assert len(left) == 6, "six months were declared; twelve were not among these"
    assert recorded_on(None, [price], 12, [])[1].startswith("not recorded")
    assert record_grid(rising, "gold", variants, None, data, terms) == ""
    (tmp_path / "file").write_text("this is no database, but long enough to be taken for one" * 40)
    broken = Ledger(tmp_path / "file")
    assert "could not be" in record_grid(rising, "gold", variants, broken, data, terms)
    assert "could not be" in recorded_on(broken, [price], 12, [])[1]


# --- families


def test_a_second_measure_decides_nothing_unless_it_is_the_only_one(risen):
    def rows(*candidates, beside=(), worth=0.04):
        said = SimpleNamespace(id="C+", sign=1, beside=beside, worthwhile_return=worth)
        return Member(said, candidates).rows

    gold, silver = (replace(risen[metal], strategy=replace(rising, name=metal)) for metal in ("gold", "silver"))
    both = rows(gold, silver)
    assert (len(both.rows), len(both.undeclared), both.worthwhile_return) == (4, 0, 0.04)
    beside = rows(gold, silver, beside=["silver"])
    assert set(beside.rows) == set(gold.points)
    assert set(beside.undeclared) == set(silver.points)
    alone = rows(silver, beside=["silver"])
    assert (set(alone.rows), alone.undeclared) == (set(silver.points), {})
    often = replace(silver, strategy=replace(rising, tried=5))
    assert rows(gold, often).tried == 5, "as often as the most tried of them"
    (first, one), *rest = gold.points.items()
    chosen = replace(gold, points={first: one} | {name: replace(other, declared=False) for name, other in rest})
    outside = rows(chosen)
    assert (set(outside.rows), len(outside.undeclared)) == ({first}, 1)
    silent = replace(gold, points={first: replace(one, timing=None)} | dict(rest))
    assert set(rows(silent).rows) == {name for name, _ in rest}


def test_a_family_is_made_once_and_kept(data, monkeypatch, tmp_path):
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path))
    thesis = load_thesis()
    told = []
    families = Families(data, Terms(Execution()), thesis, told.append)
    said = thesis.said(rising)
    assert (said.id, said.short, said.sign, said.worthwhile_return) == (rising.name, rising.claim, 1, np.inf)
    assert families.others("own", []) == {}
    families.keep("own", {"rising": measure_nothing()})
    member = families.member(rising)
    assert [(item.metal, len(item.points)) for item in member.candidates] == [("gold", 2), ("silver", 2)]
    given = candidate(rising, data, "silver", {"months": 3}, Terms(Execution()))
    assert families.member(rising, [given]).candidates[1] is given
    baselines = list(families._of("baseline"))
    some, rest = baselines[:1], baselines[1:]
    made = families.others("baseline", some)
    assert list(made) == rest
    assert len(told) == len(rest)
    kept = families.others("baseline", some)
    assert len(told) == len(rest), "each is made once"
    families.keep("baseline", {**made, some[0]: measure_nothing()})
    for name in rest:
        np.testing.assert_allclose(kept[name].supporting, made[name].supporting)
    (folder,) = tmp_path.rglob("families")
    written = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    assert len(written) == len(baselines)
    families.keep("baseline", kept)
    assert {file: file.stat().st_mtime_ns for file in folder.iterdir()} == written, "all of it is there"


def measure_nothing():
    return measure(SimpleNamespace(rows={}))


def test_every_strategy_is_paired_with_the_metals_that_are_asked_for(data):
    def pairs(*asked):
        return [
            (item.name, metal)
            for item, metal in pairs_of([rising], asked or None, data, Terms(Execution()), load_thesis())
        ]

    assert pairs() == [(rising.name, metal) for metal in rising.metals]
    assert pairs("gold", "gold") == [(rising.name, "gold")]
    with pytest.raises(NoData, match="iron"):
        pairs("iron")
    asked = [replace(rising, name=f"r{number}", metals=("gold",)) for number in range(5)]
    with pytest.raises(StrategyError, match=r"^r0, r1, r2 and 2 more: claims nothing about silver;"):
        pairs_of(asked, ["silver"], data, Terms(Execution()), load_thesis())
