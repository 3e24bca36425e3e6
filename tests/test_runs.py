"""A run is written whole, replayed to the last byte, and what changed is named."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from research import Execution, compare, open_data
from research.cli import main
from research.differences import RESULTS
from research.discovery import find_strategy
from research.errors import RunError
from research.ledger import Ledger
from research.runs import check_folder, diff, replay, save
from tests.copper.made_up import copper
from tests.pins import pin
from tests.zoo import enclosure

REPOSITORY = Path(__file__).resolve().parents[1]
STRATEGY = """
from research import strategy


@strategy(claim="It rises on.", metal=("gold", "silver"), inputs={"price": "{metal}_price"}, expected_sign=+1,
          grid={"months": [6, 12]})
def rising(panel, months=12):
    price = panel["price"]
    return (price > price.shift(months)).astype(float).where(price.shift(months).notna())
"""
MAKE = """
import sys
from research import compare, open_data
from research.discovery import find_strategy
from research.runs import save

pack, file, folder = sys.argv[1:]
data = open_data(pack, bundled=False)
save(compare([find_strategy(file)], data), folder, data)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A pack, a strategy file and a run of it on a machine without a history; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("runs")
    enclosure.monthly_pack(folder / "pack")
    (folder / "rising.py").write_text(STRATEGY)
    data = open_data(folder / "pack", bundled=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_HOME", str(tmp_path_factory.mktemp("home_of_runs")))
        save(compare([find_strategy(str(folder / "rising.py"))], data), folder / "run", data)
    return folder


@pytest.fixture
def place(made, tmp_path):
    """The same, under a folder that a test may change."""
    shutil.copytree(made, tmp_path / "made")
    manifest = tmp_path / "made" / "run" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(str(made), str(tmp_path / "made")))
    return tmp_path / "made"


def flip_a_digit(file, line):
    """Change one digit of one line."""
    lines = file.read_text().splitlines(keepends=True)
    date, value = lines[line].strip().split(",")
    lines[line] = f"{date},{value[:-1]}{(int(value[-1]) + 1) % 10}\n"
    file.write_text("".join(lines))
    return date[:4]


def kinds(differences):
    return [item.kind for item in differences]


def causes(differences):
    return [item for item in differences if item.kind not in ("results", "arithmetic")]


def test_a_run_folder_holds_everything(made):
    run = made / "run"
    assert {path.name for path in run.iterdir()} == {
        "manifest.json",
        "environment.json",
        "record.json",
        "source",
        *RESULTS,
    }
    assert (run / "source" / "rising.py").read_text() == STRATEGY
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["trials"]["counted"] == 4
    assert manifest["seed"]
    assert (run / "equity.csv").read_text().startswith("date,rising/gold/strategy,rising/gold/buy_and_hold")
    assert not [path for path in made.iterdir() if path.name.startswith(".")]


def test_a_replay_is_identical_to_the_last_byte(place):
    assert replay(place / "run") == ()


def test_another_process_with_other_hashes_and_thread_counts_writes_the_same_bytes(made, tmp_path):
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "77",
        "ASSAY_HOME": str(tmp_path / "home"),
        **dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "2"),  # here there is one
    }
    arguments = [str(made / "pack"), str(made / "rising.py"), str(tmp_path / "run")]
    subprocess.run([sys.executable, "-c", MAKE, *arguments], check=True, cwd=REPOSITORY, env=environment)
    for name in (*RESULTS, "manifest.json"):
        assert (tmp_path / "run" / name).read_bytes() == (made / "run" / name).read_bytes(), name
    assert diff(tmp_path / "run", made / "run") == ()


def test_one_flipped_digit_is_found(place):
    flip_a_digit(place / "pack" / "gold_price.csv", 100)
    (cause,) = replay(place / "run")
    assert cause.kind == "data"
    assert "cannot be run again: gold_price: " in cause.what
    assert "SHA-256" in cause.what


def test_one_flipped_digit_that_was_pinned_anew_is_found_and_placed(place):
    year = flip_a_digit(place / "pack" / "gold_price.csv", 100)
    assert pin(place / "pack") == 1
    result = replay(place / "run")
    (cause,) = causes(result)
    assert f"values of {year} differ" in cause.what
    assert set(kinds(result)) == {"data", "results"}


@pytest.mark.parametrize("content", [None, "month,usd\n"])
def test_a_file_that_cannot_be_read_any_more_is_named(place, content):
    file = place / "pack" / "gold_price.csv"
    file.unlink() if content is None else file.write_text(content)
    (cause,) = replay(place / "run")
    assert cause.kind == "data"
    assert "cannot be run again: gold_price: " in cause.what
    assert str(file) in cause.what


def test_another_release_rule_is_another_history(place):
    registry = place / "pack" / "registry.toml"
    registry.write_text(registry.read_text().replace("day = 5, months_after = 1", "day = 5, months_after = 2"))
    result = replay(place / "run")
    assert set(kinds(result)) == {"data", "results"}


def test_changed_code_is_shown(place):
    file = place / "rising.py"
    file.write_text(STRATEGY.replace("price >", "price >= 1.01 *"))
    result = replay(place / "run")
    (cause,) = causes(result)
    assert cause.kind == "code"
    assert "price >= 1.01 *" in cause.what


def test_answers_come_first_and_lines_of_files_last(place):
    file = place / "rising.py"
    file.write_text(STRATEGY.replace("price >", "price >= 1.01 *"))
    told = [str(item) for item in replay(place / "run")]
    change = r"[\w ]+, timing return [+-]\d+\.\d\d% a year"
    assert re.match(rf"results: claim rising: {change} -> {change}$", told[0])
    gold = re.match(rf"results: rising on gold: {change}, CAGR ([+-]\d+\.\d\d)% -> {change}, CAGR [+-]", told[1])
    assert gold
    before = json.loads((place / "run" / "study.json").read_text())["trials"][0]["performance"]["strategy"]["cagr"]
    assert float(gold[1]) == round(100 * before, 2)
    assert [line.split(":")[0].strip() for line in told[3:]] == ["code", "results", "results", "results"]
    assert [line.split(":")[1].strip() for line in told[4:]] == list(RESULTS)


def test_another_word_is_said_first(place):
    shutil.copytree(place / "run", place / "other")
    study = place / "other" / "study.json"
    document = json.loads(study.read_text())
    before = document["trials"][1]["verdict"]["word"]
    document["trials"][1]["verdict"]["word"] = "another"
    study.write_text(json.dumps(document))
    assert re.match(rf"rising on silver: {before}, .* -> another, ", diff(place / "run", place / "other")[0].what)


def test_a_comment_is_no_other_code(place):
    file = place / "rising.py"
    file.write_text(STRATEGY.replace("months=12):", "months=12):  # a year"))
    assert replay(place / "run") == ()


def test_a_changed_helper_is_other_code(place):
    (place / "helper_of_runs.py").write_text("def past(price, months):\n    return price.shift(months)\n")
    text = STRATEGY.replace("price > price.shift(months)", "price > helper_of_runs.past(price, months)")
    (place / "rising.py").write_text("import helper_of_runs\n" + text)
    data = open_data(place / "pack", bundled=False)
    save(compare([find_strategy(str(place / "rising.py"))], data, ledger=None), place / "helped", data)
    assert replay(place / "helped") == ()
    (place / "helper_of_runs.py").write_text("def past(price, months):\n    return price.shift(months + 1)\n")
    (cause,) = causes(replay(place / "helped"))
    assert (cause.kind, cause.what) == ("code", "rising: in what it imports or closes over")


def test_what_the_ledger_held_is_part_of_the_run(place, tmp_path):
    data = open_data(place / "pack", bundled=False)
    ledger = Ledger(tmp_path / "trials.sqlite")
    for factor in (1.02, 1.05):
        (place / "rising.py").write_text(STRATEGY.replace("price >", f"price >= {factor} *"))
        study = compare([find_strategy(str(place / "rising.py"))], data, ledger=ledger)
    save(study, place / "counted", data)
    assert len(json.loads((place / "counted" / "record.json").read_text())[0]) == 4
    assert replay(place / "counted") == (), "the ledger has grown by the run itself since, and that is no matter"
    (place / "counted" / "record.json").write_text("[[]]")
    assert replay(place / "counted") != ()


def test_a_killed_run_leaves_nothing_for_long(place):
    folder = place / "runs"
    (folder / ".run.assay-dead").mkdir(parents=True)
    (folder / ".run.assay-live").mkdir()
    (folder / ".run.backup").mkdir()
    for name in (".run.assay-dead", ".run.backup"):
        os.utime(folder / name, (0, 0))
    data = open_data(place / "pack", bundled=False)
    save(compare([find_strategy(str(place / "rising.py"))], data, ledger=None), folder / "run", data)
    assert {path.name for path in folder.iterdir()} == {"run", ".run.assay-live", ".run.backup"}


def test_nothing_is_written_before_there_is_something_to_write(place, monkeypatch):
    data = open_data(place / "pack", bundled=False)
    study = compare([find_strategy(str(place / "rising.py"))], data, ledger=None)
    seen = []
    monkeypatch.setattr(type(study), "to_json", lambda self, **_: seen.append({*place.iterdir()}) or 1 / 0)
    before = {*place.iterdir()}
    with pytest.raises(ZeroDivisionError):
        save(study, place / "new", data)
    assert seen == [before]
    assert {*place.iterdir()} == before


def test_a_strategy_that_is_gone_is_said(place):
    (place / "rising.py").unlink()
    result = replay(place / "run")
    assert kinds(result) == ["code"]
    assert "no such file" in result[0].what


def test_a_result_that_nothing_explains_is_arithmetic(place):
    equity = place / "run" / "equity.csv"
    lines = equity.read_text().splitlines(keepends=True)
    lines[50] = lines[50].replace("1", "2", 1)
    equity.write_text("".join(lines))
    result = replay(place / "run")
    assert kinds(result) == ["arithmetic"]
    assert "line 51" in result[0].what


def test_other_versions_are_named(place):
    environment = place / "run" / "environment.json"
    document = json.loads(environment.read_text())
    environment.write_text(json.dumps({**document, "numpy": "1.0"}))
    assert replay(place / "run") == (), "the bytes are the same, whatever computed them"
    shutil.copytree(place / "run", place / "other")
    environment.write_text(json.dumps(document))
    (difference,) = diff(place / "run", place / "other")
    assert difference.kind == "versions"
    assert "-> 1.0" in difference.what


def test_other_parameters_and_terms_are_named(place):
    data = open_data(place / "pack", bundled=False)
    chosen = find_strategy(str(place / "rising.py"))
    other = compare([chosen], data, parameters={"rising": {"months": 6}}, execution=Execution(delay=2), ledger=None)
    save(other, place / "other", data)
    found = diff(place / "run", place / "other")
    assert "parameters" in kinds(found)
    assert "arithmetic" not in kinds(found)
    assert any(item.what == "execution: delay: 1 -> 2" for item in found)
    assert replay(place / "other") == ()


def test_what_is_no_run_is_refused(place):
    with pytest.raises(RunError, match="is no run"):
        replay(place / "pack")
    data = open_data(place / "pack", bundled=False)
    study = compare([find_strategy(str(place / "rising.py"))], data, metals=["gold"])
    with pytest.raises(RunError, match="exists and is no run"):
        save(study, place / "pack", data)
    with pytest.raises(RunError, match="exists and is no run"):
        check_folder(place / "pack")
    save(study, place / "run", data)
    assert json.loads((place / "run" / "manifest.json").read_text())["tried"][0][1] == "gold"


def test_the_commands(place, capsys):
    pack, file, run = str(place / "pack"), str(place / "rising.py"), str(place / "by hand")
    assert main(["backtest", file, "--metal", "gold", "--data", pack, "--run", run, "--no-ledger", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["manifest"]["trials"]["status"] == "not recorded (--no-ledger)"
    assert main(["replay", run]) == 0
    assert "identical" in capsys.readouterr().out
    assert main(["diff", run, str(place / "run")]) == 1
    capsys.readouterr()
    assert main(["replay", str(place / "nowhere")]) == 2
    assert "is no run" in capsys.readouterr().err


def test_the_portfolio_is_kept_as_it_was_printed(tmp_path, capsys):
    of = "--thesis", str(copper(tmp_path / "copper", effect=0.04))
    assert main([*of, "compare", "--start", "2010", "--run", str(tmp_path / "run"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    kept = json.loads((tmp_path / "run" / "study.json").read_text())
    assert printed["portfolio"] == kept["portfolio"]
    assert "portfolio/strategy" in (tmp_path / "run" / "equity.csv").read_text().partition("\n")[0]
    assert "portfolio/copper" in (tmp_path / "run" / "weights.csv").read_text().partition("\n")[0]
    assert replay(tmp_path / "run") == ()


def test_what_could_not_be_written_is_refused_before_the_work(place, capsys, monkeypatch):
    monkeypatch.setattr("research.cli.options.Packs.open", lambda self: pytest.fail("the work began"))
    file = str(place / "rising.py")
    missing = place / "no such" / "page.html"
    assert main(["backtest", file, "--html", str(missing)]) == 2
    assert f"mkdir -p '{missing.parent}'" in capsys.readouterr().err
    assert main(["compare", file, "--html", str(place / "pack")]) == 2
    assert "is a folder" in capsys.readouterr().err
    assert main(["compare", file, "--run", str(place / "pack")]) == 2
    assert "exists and is no run" in capsys.readouterr().err
    assert main(["claims", "--html", str(missing)]) == 2


def test_what_was_computed_is_printed_even_if_it_cannot_be_written(place, capsys, monkeypatch):
    def full(self, path, *, appendix):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("research.study.Study.report", full)
    command = ["backtest", str(place / "rising.py"), "--data", str(place / "pack"), "--no-ledger", "--json"]
    assert main([*command, "--html", str(place / "page.html")]) == 2
    told = capsys.readouterr()
    assert json.loads(told.out)["trials"]
    assert "page.html: cannot be written: No space left on device" in told.err
