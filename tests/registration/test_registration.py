"""A claim on record: what is frozen, what is refused, and that only what comes after it counts."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from dataclasses import fields, replace
from math import exp, log, sqrt

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from research import follow, load_thesis, open_data, register
from research.cli import main
from research.diagnostics import anytime
from research.errors import AssayError, RegistrationError, UnknownStrategy
from research.execution import Execution
from research.registration import anchor, line_since, read
from research.registration.counting import FOLDER
from research.report.terminal import print_following
from tests.copper.made_up import copper

MOMENT = pd.Timestamp("2005-06-15 12:00", tz="UTC")


@pytest.fixture
def clock(monkeypatch):
    def at(moment: pd.Timestamp) -> None:
        monkeypatch.setattr("research.registration.freezing._now", lambda: moment)

    at(MOMENT)
    return at


@pytest.fixture
def on_record(copper_thesis, copper_data, clock):
    """K1+ as it was registered in June 2005, on what was known then."""
    return register("K1+", copper_data.known_by(MOMENT), thesis=copper_thesis)


@pytest.fixture
def file(on_record, tmp_path):
    return on_record.write(tmp_path)


def test_a_registration_holds_all_that_is_claimed(on_record, copper_thesis):
    sentence = copper_thesis.sentences["K1+"]
    assert on_record.registered == "2005-06-15T12:00:00Z"
    assert (on_record.sentence, on_record.sign, on_record.falsifier) == (sentence.sentence, 1, sentence.falsifier)
    assert on_record.grid == {"drained": {"threshold": ["0.1", "0.2"]}}
    assert on_record.code == {"drained": copper_thesis.strategies["drained"].source_hash}
    assert "def drained(panel" in on_record.sources["copper.py"]
    assert on_record.data["copper_stock"].startswith("tonnes; known ")
    assert "20 days" in on_record.data["copper_stock"]
    assert on_record.terms == vars(Execution())
    assert sorted(on_record.scales) == ["drained/copper/threshold=0.1", "drained/copper/threshold=0.2"]
    assert (on_record.level, on_record.registered_with) == (0.05, 1)


def test_it_reads_back_as_it_was_written(on_record, file):
    assert read(file) == on_record
    assert on_record.line == f"assay registration K1+ 2005-06-15T12:00:00Z sha256:{read(file).hashes['digest']}"


EDITS = {
    "name": ('name = "K1+"', 'name = "K1-"'),
    "registered": ("2005-06-15T12", "2004-06-15T12"),
    "assay": ('assay = "', 'assay = "9'),
    "house": ('house = "', 'house = "9'),
    "claim": ('claim = "Copper', 'claim = "Silver'),
    "sentence": ("a tenth below", "a fifth below"),
    "sign": ("sign = 1", "sign = -1"),
    "falsifier": ("earns no more than", "earns less than"),
    "level": ("level = 0.05", "level = 0.5"),
    "registered_with": ("registered_with = 1", "registered_with = 0"),
    "price": ('price = "plain"', 'price = "spot"'),
    "strategies": ('strategies = ["drained"]', 'strategies = ["drained_and_done"]'),
    "legs": ("[legs]", '[legs]\ncopper = "drained"'),
    "terms": ("fees = 0.001", "fees = 0.0"),
    "grid": ('["0.1", "0.2"]', '["0.1"]'),
    "effect": ("information_ratio = 0.5", "information_ratio = 0.05"),
    "scales": ('"drained/copper/threshold=0.1" = 0.', '"drained/copper/threshold=0.1" = 0.9'),
    "data": ("used for 100 days", "used for 900 days"),
    "code": ('drained = "', 'drained = "9'),
    "sources": ("above=threshold", "below=threshold"),
    "hashes": ('digest = "', 'digest = "0'),
    "layout": ("# A claim put on record", "# A claim put upon record"),
}


@pytest.mark.parametrize("part", EDITS)
def test_an_edit_is_refused_by_the_name_of_the_part(file, part):
    before, after = EDITS[part]
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))
    with pytest.raises(RegistrationError, match=f"changed since it was registered: {part};"):
        read(file)


def test_every_part_is_edited_above(on_record):
    assert set(EDITS) == {item.name for item in fields(on_record)} | {"hashes", "layout"}


def test_a_part_that_is_missing_or_new_is_named(file):
    text = file.read_text()
    file.write_text(text.replace("\nlevel = 0.05", ""))
    with pytest.raises(RegistrationError, match=r"changed since it was registered: level;"):
        read(file)
    file.write_text(text + "\n[extra]\na = 1\n")
    with pytest.raises(RegistrationError, match=r"changed since it was registered: extra;"):
        read(file)


def test_a_hash_made_anew_for_one_part_does_not_hide_the_edit(on_record, file):
    forged = replace(on_record, terms={**on_record.terms, "fees": 0.0})
    text = file.read_text().replace("fees = 0.001", "fees = 0.0")
    file.write_text(text.replace(on_record.hashes["terms"], forged.hashes["terms"]))
    with pytest.raises(RegistrationError, match="changed since it was registered: hashes;"):
        read(file)


def test_a_date_to_come_is_refused(copper_thesis, copper_data, clock, tmp_path):
    clock(pd.Timestamp.now("UTC") + pd.Timedelta("2D"))
    path = register("K1+", copper_data, thesis=copper_thesis).write(tmp_path)
    with pytest.raises(RegistrationError, match="still to come"):
        read(path)


def test_what_is_no_registration_is_refused(tmp_path):
    (tmp_path / "x.registered.toml").write_text("= nothing")
    for name in ("x.registered.toml", "nosuch.registered.toml"):
        with pytest.raises(RegistrationError, match="cannot be read"):
            read(tmp_path / name)


def test_a_claim_is_not_registered_twice(on_record, file):
    with pytest.raises(RegistrationError, match="registered already"):
        on_record.write(file.parent)


def git(folder, *arguments):
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    return subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_an_anchor_names_the_commit_and_is_outside_the_hashed_bytes(on_record, file):
    git(file.parent, "init", "-q")
    with pytest.raises(RegistrationError, match="commit"):
        anchor(file, "HEAD")
    git(file.parent, "add", file.name)
    git(file.parent, "commit", "-qm", "claim")
    before = file.read_bytes()
    sidecar = tomllib.loads(anchor(file, "HEAD").read_text())
    assert file.read_bytes() == before
    assert sidecar["commit"] == git(file.parent, "rev-parse", "HEAD").strip()
    assert sidecar["digest"] == on_record.hashes["digest"]
    forged = replace(on_record, terms={**on_record.terms, "fees": 0.0})  # whole again, by its own hashes
    file.write_text(forged.text())
    with pytest.raises(RegistrationError, match="changed since it was registered: digest"):
        read(file)
    with pytest.raises(RegistrationError, match="digest, which K1"):
        anchor(file, "HEAD")


def test_an_anchor_is_not_given_to_other_bytes(file, on_record):
    git(file.parent, "init", "-q")
    file.write_text(replace(on_record, terms={**on_record.terms, "fees": 0.0}).text())
    git(file.parent, "add", file.name)
    git(file.parent, "commit", "-qm", "another")
    file.write_text(on_record.text())
    with pytest.raises(RegistrationError, match="does not contain it as it is"):
        anchor(file, "HEAD")


def test_what_came_after_is_recomputed_by_hand(on_record, file, copper_data, copper_thesis):
    """Weights and prices, plain numpy, an integral instead of the closed form."""
    claim = follow([file], copper_data).claims[0]
    market = copper_data.market("copper")
    growth = market.price.to_numpy()[1:] / market.price.to_numpy()[:-1]
    storage = 1 - Execution().storage * market.year_fraction.to_numpy()[1:]
    excess = growth * storage - market.bill_accrual.to_numpy()[1:] - 1
    bars, item = market.price.index, copper_thesis.strategies["drained"]
    panel = copper_data.panel("copper", item.inputs_for("copper", copper_data), market)
    n = len(claim.evidence)
    total = np.zeros(n)
    for threshold in (0.1, 0.2):
        wanted = item.weights(panel, {"threshold": threshold})
        from_here = int(np.argmax(wanted.notna()))
        held, dates = wanted.to_numpy()[from_here:-2], bars[from_here + 2 :]  # decided at t, from t + 1 to t + 2
        m = excess[from_here + 1 :]
        so_far = np.concatenate([held[:1], np.cumsum(held)[:-1] / np.arange(1, held.size)])
        after = (panel.decision_times > MOMENT).to_numpy()[from_here:-2]
        assert list(dates[after]) == list(claim.evidence.index)
        z, m = (held - so_far)[after], m[after]
        scale = on_record.scales[f"drained/copper/threshold={threshold}"]
        total += (z - z.mean()) * (m - m.mean()) / scale / 2
    width = int(sqrt(n)) + 1
    centred = total - total.mean()
    lags = [(1 - j / width) * (centred[j:] @ centred[: n - j]) for j in range(width)]
    variance = max(total @ total, lags[0] + 2 * sum(lags[1:])) / n
    t = total.sum() / sqrt(variance)
    expected = quad(lambda r: 2 * norm.pdf(r, 0, 0.5 / sqrt(12)) * exp(r * t - r * r * n / 2), 0, 3)[0]
    gross = claim.evidence["supporting"].iloc[-1]
    assert log(gross) == pytest.approx(log(expected), rel=0.05)  # costs are left out here
    free = replace(on_record, terms={**on_record.terms, "fees": 0.0, "slippage": 0.0})
    exact = follow([free.write(file.parent / "free")], copper_data).claims[0].evidence["supporting"].iloc[-1]
    assert exact == pytest.approx(expected, rel=1e-8)
    assert exact > gross


def test_the_planted_claim_is_supported_and_its_opposite_ruled_out(copper_thesis, copper_data, clock, tmp_path):
    known = copper_data.known_by(MOMENT)
    paths = [register(name, known, thesis=copper_thesis, registered_with=2).write(tmp_path) for name in ("K1+", "K1-")]
    found = follow(paths, copper_data)
    plus, minus = found.claims
    assert plus.threshold == minus.threshold == 40
    first = plus.since["supported"]
    assert plus.word == f"supported since {first:%Y-%m-%d}"
    until = plus.evidence["supporting"].loc[:first]
    assert until.iloc[:-1].max() < 40 <= until.iloc[-1]
    assert minus.word == f"ruled out since {minus.since['ruled out']:%Y-%m-%d}"
    assert "2 claims, 185 months since: 1 supported, 1 ruled out" in found.line


def test_a_claim_pays_for_those_that_it_was_registered_with(copper_thesis, copper_data, clock, tmp_path):
    path = register("K1+", copper_data.known_by(MOMENT), thesis=copper_thesis, registered_with=30).write(tmp_path)
    assert follow([path], copper_data).claims[0].threshold == 600


def test_nothing_before_the_registration_counts(file, copper_data, copper_folder, tmp_path):
    """Other returns before it, the same after: the same evidence."""
    other = copper(tmp_path / "other", effect=0.04)
    table = pd.read_csv(other / "copper_price.csv")
    early = pd.to_datetime(table["date"]) < MOMENT.tz_localize(None)
    last = table.loc[early, "value"].iloc[-1]
    table.loc[early, "value"] = last * np.exp(np.linspace(-3, 0, early.sum()) + 0.3 * np.sin(np.arange(early.sum())))
    text = table.to_csv(index=False)
    write_pinned(other, "copper_price.csv", text)
    mine, theirs = (follow([file], one).claims[0].evidence for one in (copper_data, open_data(other, bundled=False)))
    pd.testing.assert_frame_equal(mine, theirs, rtol=1e-9)
    assert mine["supporting"].iloc[-1] > 20


def test_no_look_knows_what_came_later(file, copper_data):
    whole = follow([file], copper_data).claims[0].evidence
    for when in ("2007-03-10", "2012-11-25"):
        then = follow([file], copper_data.known_by(pd.Timestamp(when, tz="UTC"))).claims[0].evidence
        assert len(then) > 12
        pd.testing.assert_frame_equal(then, whole.loc[: then.index[-1]], rtol=1e-9)


@pytest.mark.parametrize(
    ("moment", "first"),
    [
        ("2005-05-31 20:00:00", "2005-08-31"),  # the decision of that very moment does not count
        ("2005-05-31 19:59:59", "2005-07-31"),
        ("2005-06-30 19:59:59", "2005-08-31"),
    ],
)
def test_a_decision_counts_when_it_is_taken_after_the_registration(
    copper_thesis, copper_data, clock, tmp_path, moment, first
):
    clock(pd.Timestamp(moment, tz="UTC"))
    path = register("K1+", copper_data, thesis=copper_thesis).write(tmp_path)
    evidence = follow([path], copper_data).claims[0].evidence
    assert f"{evidence.index[0]:%Y-%m-%d}" == first
    assert (evidence.iloc[: anytime.FIRST_LOOK - 1] == 1).all(axis=None)


def test_a_longer_delay_begins_later_and_is_part_of_what_was_registered(copper_thesis, copper_data, clock, tmp_path):
    on_record = register("K1+", copper_data, thesis=copper_thesis, execution=Execution(delay=3))
    evidence = follow([on_record.write(tmp_path)], copper_data).claims[0].evidence
    assert f"{evidence.index[0]:%Y-%m-%d}" == "2005-10-31"  # decided at the end of June, filled in September's


def test_a_strategy_of_the_thesis_may_be_registered_by_its_name(copper_thesis, copper_data, clock, tmp_path):
    on_record = register("drained_and_done", copper_data, thesis=copper_thesis)
    assert (on_record.name, on_record.sign) == ("drained_and_done", -1)
    assert on_record.sentence == copper_thesis.strategies["drained_and_done"].claim
    found = follow([on_record.write(tmp_path)], copper_data).claims[0].evidence
    assert found["supporting"].iloc[-1] < 1 < found["opposing"].iloc[-1]


def test_before_any_month_has_come_it_is_open(copper_thesis, copper_data, clock, tmp_path):
    clock(pd.Timestamp("2021-01-05", tz="UTC"))
    found = follow([register("K1+", copper_data, thesis=copper_thesis).write(tmp_path)], copper_data)
    assert (found.claims[0].word, len(found.claims[0].evidence)) == ("open", 0)
    assert found.line == "on record since 2021-01-05: 1 claim, no month has come since"


OWN = """
from research import hold_while, strategy
from helper import smoothed


@strategy(claim="Copper rises while stock is low.", metal="copper", inputs={"stock": "copper_stock"}, expected_sign=1)
def low_stock(panel, level=900.0):
    return hold_while(smoothed(panel["stock"]), below=level)
"""


def test_the_registered_code_runs_whatever_became_of_the_file(copper_data, clock, tmp_path):
    place = tmp_path / "mine"
    place.mkdir()
    (place / "helper.py").write_text("def smoothed(series):\n    return series.rolling(2).mean()\n")
    (place / "idea.py").write_text(OWN)
    on_record = register(str(place / "idea.py"), copper_data.known_by(MOMENT))
    assert on_record.name == "low_stock"
    assert sorted(on_record.sources) == ["helper.py", "idea.py"]
    path = on_record.write(tmp_path)
    before = follow([path], copper_data).claims[0].evidence
    assert len(before) > 100
    (place / "helper.py").write_text("def smoothed(series):\n    return -series\n")
    (place / "idea.py").unlink()
    pd.testing.assert_frame_equal(follow([path], copper_data).claims[0].evidence, before)


def test_source_that_does_not_compute_its_hash_is_refused_by_name(on_record, copper_data, tmp_path):
    sources = {name: text.replace("above=threshold", "below=threshold") for name, text in on_record.sources.items()}
    forged = replace(on_record, sources=sources)
    with pytest.raises(RegistrationError, match="code: drained"):
        follow([forged.write(tmp_path)], copper_data)


def test_a_portfolio_is_followed_with_its_legs(copper_thesis, copper_data, clock, tmp_path):
    on_record = register("K3+", copper_data.known_by(MOMENT), thesis=copper_thesis)
    assert on_record.legs == {"copper": "copper_by_signals"}
    assert "portfolio" in on_record.scales
    claim = follow([on_record.write(tmp_path)], copper_data).claims[0]
    assert len(claim.evidence) == 185
    alone = replace(on_record, scales={"portfolio": on_record.scales["portfolio"]})
    only = follow([alone.write(tmp_path / "alone")], copper_data).claims[0]
    assert only.evidence["supporting"].iloc[-1] > 5


def test_the_declared_return_is_worth_having_where_it_is_less(on_record, copper_data, tmp_path):
    assert on_record.effect == {"information_ratio": 0.5, "worthwhile_return": 0.02}
    paths = [on_record.write(tmp_path / "declared")]
    for name, effect in (("none", {}), ("more", {"worthwhile_return": 9.0})):
        paths.append(replace(on_record, effect={"information_ratio": 0.5, **effect}).write(tmp_path / name))
    declared, none, more = (follow([path], copper_data).claims[0].evidence["opposing"] for path in paths)
    assert (none == more).all()
    assert not np.allclose(declared, none)


def test_other_data_rules_are_said(file, copper_data, copper_folder, tmp_path):
    other = copper(tmp_path / "other", effect=0.04)
    registry = other / "registry.toml"
    registry.write_text(registry.read_text().replace("days = 20", "days = 25"))
    notes = follow([file], open_data(other, bundled=False)).claims[0].notes
    assert any("another rule" in note and "copper_stock" in note for note in notes)
    assert not follow([file], copper_data).claims[0].notes


def test_what_cannot_be_counted_says_why(file):
    claim = follow([file], open_data(user=False)).claims[0]
    assert (claim.word, len(claim.evidence)) == ("open", 0)
    assert any("cannot be counted" in note for note in claim.notes)


def test_nothing_to_follow_says_what_to_type(copper_thesis, copper_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RegistrationError, match="assay register NAME"):
        follow(None, copper_data, thesis=copper_thesis)


def test_a_laxer_level_is_refused(copper_thesis, copper_data):
    with pytest.raises(AssayError, match="level"):
        register("K1+", copper_data, thesis=copper_thesis, level=0.1)


@pytest.mark.parametrize("what", ["K9+", "drainde"])
def test_what_is_unknown_has_its_nearest_named(copper_thesis, copper_data, what):
    with pytest.raises(UnknownStrategy, match=r"did you mean|there are"):
        register(what, copper_data, thesis=copper_thesis)


def test_a_missing_file_and_a_cell_are_refused(copper_data, copper_thesis):
    with pytest.raises(UnknownStrategy):
        register("nosuch.py", copper_data)
    space: dict[str, object] = {}
    exec(OWN.replace("from helper import smoothed", "smoothed = abs"), space)
    with pytest.raises(RegistrationError, match="save it as a"):
        register(space["low_stock"], copper_data)


def run(capsys, *words):
    code = main(list(map(str, words)))
    streams = capsys.readouterr()
    return code, streams.out, streams.err


def test_the_commands_register_and_follow(copper_folder, clock, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    base = ("--thesis", copper_folder)
    code, out, err = run(capsys, *base, "register", "--all")
    assert code == 0, err
    assert [line.split()[2] for line in out.splitlines() if line.startswith("assay registration")] == [
        "K1+",
        "K1-",
        "K3+",
    ]
    assert "--anchor COMMIT" in out
    assert "registered_with = 3" in (tmp_path / "K1+.registered.toml").read_text()
    code, out, err = run(capsys, *base, "register", "K1+")
    assert (code, err.count("\n")) == (2, 1)
    code, out, _ = run(capsys, *base, "follow", "--json", "--html", tmp_path / "page.html")
    found = json.loads(out)
    assert code == 0
    assert found["correction"] == "Bonferroni"
    assert found["claims"][0]["threshold"] == 60
    assert len(found["claims"][0]["evidence"]) == 185
    page = (tmp_path / "page.html").read_text()
    assert page.count("<figure") == 3
    assert "1e+100" not in page  # the axis spans what is to be seen
    assert "Bonferroni" in page
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "K1+.registered.toml")
    git(tmp_path, "commit", "-qm", "claim")
    code, out, err = run(capsys, *base, "register", "K1+.registered.toml", "--anchor", "HEAD")
    assert (code, (tmp_path / "K1+.registered.anchor.toml").is_file()) == (0, True), err
    code, _, err = run(capsys, *base, "register")
    assert (code, err.count("\n")) == (2, 1)


@pytest.mark.parametrize("width", [40, 80, 160])
def test_no_line_is_wider_than_the_terminal(file, copper_data, capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    found = follow([file], copper_data)
    print_following(found)
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= width
    assert " ".join(found.claims[0].word.split()) in " ".join(out.split())
    assert f"{found.claims[0].evidence['supporting'].iloc[-1]:.3g}" in out


def test_compare_ends_with_one_line_of_what_came_since(copper_folder, copper_data, clock, tmp_path):
    copied = copper(tmp_path / "carries", effect=0.04)
    thesis = load_thesis(copied)
    assert line_since(copper_data, thesis) == ""
    register("K1+", copper_data.known_by(MOMENT), thesis=thesis).write(copied / FOLDER)
    line = line_since(copper_data, thesis)
    assert re.fullmatch(r"on record since 2005-06-15: 1 claim, 185 months since: 1 \w+.*", line)
    assert line_since(copper_data, thesis) == line  # kept


def write_pinned(folder, name, text):
    import hashlib

    old = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / name).write_text(text)
    registry = folder / "registry.toml"
    registry.write_text(registry.read_text().replace(old, hashlib.sha256(text.encode()).hexdigest()))


def test_the_thesis_is_on_record_as_it_stands():
    """Remade by `make registrations`, before a release and never after it."""
    thesis = load_thesis()
    files = sorted((thesis.folder / FOLDER).glob("*.registered.toml"))
    found = {item.name: item for item in map(read, files)}
    assert sorted(found) == sorted(thesis.sentences)
    for name, item in found.items():
        sentence = thesis.sentences[name]
        assert item.sentence == sentence.sentence
        assert (item.falsifier, item.sign) == (sentence.falsifier, sentence.sign)
        assert list(item.strategies) == list(sentence.strategies)
        assert item.registered_with == len(thesis.sentences)
        for strategy, digest in item.code.items():
            assert thesis.strategies[strategy].source_hash == digest, f"{name}: {strategy} changed: make registrations"
