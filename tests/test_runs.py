"""A run is written whole, replayed to the last byte, and what changed is named."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from research import Execution, compare, open_data
from research.cli import main
from research.datasets.store import pin
from research.discovery import find_strategy
from research.errors import RunError
from research.runs import RESULTS, diff, replay, save
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
    """A pack, a strategy file and a run of it; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("runs")
    enclosure.monthly_pack(folder / "pack")
    (folder / "rising.py").write_text(STRATEGY)
    data = open_data(folder / "pack", bundled=False)
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


def test_a_run_folder_holds_everything(made):
    run = made / "run"
    assert {path.name for path in run.iterdir()} == {"manifest.json", "environment.json", "source", *RESULTS}
    assert (run / "source" / "rising.py").read_text() == STRATEGY
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["trials"]["counted"] == 4
    assert manifest["seed"]
    assert (run / "equity.csv").read_text().startswith("date,rising/gold/strategy,rising/gold/buy_and_hold")
    assert not [path for path in made.iterdir() if path.name.startswith(".")]


def test_a_replay_is_identical_to_the_last_byte(place):
    result = replay(place / "run")
    assert result.identical, result
    assert "identical" in str(result)


def test_another_process_with_other_hashes_and_thread_counts_writes_the_same_bytes(made, tmp_path):
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "77",
        "ASSAY_HOME": str(tmp_path / "home"),
        **dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    }
    arguments = [str(made / "pack"), str(made / "rising.py"), str(tmp_path / "run")]
    subprocess.run([sys.executable, "-c", MAKE, *arguments], check=True, cwd=REPOSITORY, env=environment)
    for name in (*RESULTS, "manifest.json"):
        assert (tmp_path / "run" / name).read_bytes() == (made / "run" / name).read_bytes(), name
    assert diff(tmp_path / "run", made / "run") == ()


def test_one_flipped_digit_is_found_and_placed(place):
    year = flip_a_digit(place / "pack" / "gold_price.csv", 100)
    result = replay(place / "run")
    assert not result.identical
    assert kinds(result.differences)[0] == "data"
    assert f"gold_price: {place / 'pack' / 'gold_price.csv'}" in result.differences[0].what
    assert f"values of {year} differ" in result.differences[0].what
    assert "arithmetic" not in kinds(result.differences)


def test_one_flipped_digit_that_was_pinned_anew_is_found_too(place):
    year = flip_a_digit(place / "pack" / "gold_price.csv", 100)
    assert pin(place / "pack") == 1
    result = replay(place / "run")
    assert not result.identical
    assert f"values of {year} differ" in result.differences[0].what
    assert kinds(result.differences)[1:] == ["results"] * (len(result.differences) - 1)


def test_another_release_rule_is_another_history(place):
    registry = place / "pack" / "registry.toml"
    registry.write_text(registry.read_text().replace("day = 5, months_after = 1", "day = 5, months_after = 2"))
    result = replay(place / "run")
    assert set(kinds(result.differences)) == {"data", "results"}


def test_changed_code_is_shown(place):
    file = place / "rising.py"
    file.write_text(STRATEGY.replace("price >", "price >= 1.01 *"))
    result = replay(place / "run")
    assert kinds(result.differences)[0] == "code"
    assert "price >= 1.01 *" in result.differences[0].what


def test_a_strategy_that_is_gone_is_said(place):
    (place / "rising.py").unlink()
    result = replay(place / "run")
    assert kinds(result.differences) == ["code"]
    assert "no such file" in result.differences[0].what


def test_a_result_that_nothing_explains_is_arithmetic(place):
    equity = place / "run" / "equity.csv"
    lines = equity.read_text().splitlines(keepends=True)
    lines[50] = lines[50].replace("1", "2", 1)
    equity.write_text("".join(lines))
    result = replay(place / "run")
    assert kinds(result.differences) == ["arithmetic"]
    assert "line 51" in result.differences[0].what


def test_other_versions_are_named(place):
    environment = place / "run" / "environment.json"
    document = json.loads(environment.read_text())
    environment.write_text(json.dumps({**document, "numpy": "1.0"}))
    assert replay(place / "run").identical, "the bytes are the same, whatever computed them"
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
    assert any("delay 1 -> 2" in item.what for item in found)
    assert replay(place / "other").identical


def test_what_is_no_run_is_refused(place):
    with pytest.raises(RunError, match="is no run"):
        replay(place / "pack")
    data = open_data(place / "pack", bundled=False)
    study = compare([find_strategy(str(place / "rising.py"))], data, metals=["gold"])
    with pytest.raises(RunError, match="exists and is no run"):
        save(study, place / "pack", data)
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
