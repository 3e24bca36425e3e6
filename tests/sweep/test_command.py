"""``assay sweep``: what it prints, what it refuses, and how light it is until it must compute."""

import json
import re
import resource
import subprocess
import sys
from html import escape
from pathlib import Path
from types import SimpleNamespace

import pytest

from research.cli import main
from research.report import sweep as report

from .conftest import write_market

ROOT = Path(__file__).resolve().parents[2]
IDEA = "tests/sweep/ideas.py:surge"


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(ROOT)


def run(capsys, *words):
    status = main(["sweep", *words])
    out, err = capsys.readouterr()
    return status, out, err


def test_it_prints_map_ranking_walks_and_the_odds_of_luck(capsys, pack):
    status, out, _ = run(capsys, IDEA, "--data", str(pack), "--memory", "20", "--folds", "3")
    assert status == 0
    assert max(map(len, out.splitlines())) <= 100
    for expected in (
        "surge on silver: 8 variants, 8 of them ever trade",
        "remembers 20 bars",
        "Sharpe ratio: window by threshold",
        "Best variants",
        "Walk forward, anchored",
        "Walk forward, rolling",
        "The best of 8 variants in one half of history",
        "The best of 8 trials without skill",
        "Run again through vectorbt",
    ):
        assert expected in out, expected


def test_json_holds_everything_and_nothing_else_is_printed(capsys, pack):
    words = (IDEA, "--data", str(pack), "--grid", "threshold=0.5:1.5:0.5", "--grid", "window=100", "--memory", "20")
    status, out, err = run(capsys, *words, "--json")
    found = json.loads(out)
    assert (status, err) == (0, "")
    assert found["grid"] == {"threshold": [0.5, 1.0, 1.5], "window": [100]}
    assert found["trials"] == 3
    assert len(found["ranking"]) == 3
    assert found["disagreement_with_vectorbt"] < 1e-12
    assert found["overfitting"]["details"]["n_variants"] == 3
    assert found["deflated_sharpe"]["details"]["n_trials"] == 3
    assert [len(walk["folds"]) for walk in found["walk_forward"].values()] == [5, 5]


def test_a_long_axis_is_shown_in_groups(capsys, pack):
    words = (IDEA, "--data", str(pack), "--memory", "20", "--grid", "threshold=0:2:0.04", "--grid", "window=60,120")
    status, out, _ = run(capsys, *words)
    assert status == 0
    assert "groups, named by their first value" in out
    assert max(map(len, out.splitlines())) <= 100
    assert report.MOST_ROWS < 51


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([IDEA, "--grid", "threshold"], "write NAME=VALUE"),
        ([IDEA, "--grid", "treshold=1"], "did you mean 'threshold'"),
        ([IDEA, "--folds", "0"], "'--folds': 0 is not in the range x>=1"),
        ([IDEA, "--workers", "0"], "'--workers': 0 is not in the range x>=1"),
        ([IDEA, "--workers", "2", "--scheduler", "tcp://x:1"], "exclude each other"),
        ([IDEA, "--memory", "-1"], "'--memory': -1 is not in the range x>=0"),
        ([IDEA, "--by", "windw"], "did you mean 'window'"),
        (["surg"], "not found"),
        ([IDEA], "silver_demand"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(capsys, words, said):
    status, out, err = run(capsys, *words)
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_an_interruption_says_what_is_kept(capsys, pack, monkeypatch):
    from research.report import progress

    def interrupt(self, done, total, what):
        raise KeyboardInterrupt

    monkeypatch.setattr(progress.Progress, "__call__", interrupt)
    status, out, err = run(capsys, IDEA, "--data", str(pack), "--memory", "20")
    assert (status, out) == (130, "")
    assert "interrupted; 0 variants are kept" in err


def test_a_sweep_on_one_process_needs_no_dask():
    code = "import sys, research.sweep.sweep; print(sorted({'dask', 'distributed', 'vectorbt'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_hundred_thousand_variants_stay_under_a_gigabyte(tmp_path):
    pack = write_market(tmp_path / "pack", 6_600)
    words = [sys.executable, "-m", "research", "sweep", "tests/sweep/ideas.py:surge_at_once", "--data", str(pack)]
    words += ["--grid", "window=60:258:2", "--grid", "threshold=0:1.998:0.002", "--memory", "250", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=True)
    assert json.loads(done.stdout)["trials"] == 100_000
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    assert peak < 1e9, f"{peak / 1e6:.0f} MB"


def test_what_a_sweep_tried_is_written_down_unless_told_not_to(capsys, pack):
    from research.ledger import Ledger

    words = ["sweep", IDEA, "--data", str(pack), "--grid", "threshold=1,1.5,2", "--grid", "window=60", "--json"]
    assert main([*words, "--no-ledger"]) == 0
    assert "not recorded" in capsys.readouterr().err
    assert Ledger().entries() == []
    assert main(words) == 0
    assert [(entry.kind, entry.parameters) for entry in Ledger().entries()] == [("sweep", {"variants": 3})]


# -- how much it is, and asking


def large(monkeypatch, most):
    monkeypatch.setattr("research.sweep.problem._MOST_ROWS", 16)
    monkeypatch.setattr("research.cli.sweep.MOST_VARIANTS", most)


WORDS = (IDEA, "--grid", "threshold=0:2:0.04", "--memory", "20", "--folds", "3", "--no-ledger")


def test_how_much_it_is_stands_before_the_work(capsys, pack, monkeypatch):
    large(monkeypatch, 10**6)
    status, out, err = run(capsys, *WORDS, "--data", str(pack), "--json")
    assert status == 0
    assert "51 variants: about 0:0" in err
    assert "kB on disk" in err
    json.loads(out)
    status, _, err = run(capsys, *WORDS, "--data", str(pack), "--json")
    assert (status, "variants:" in err) == (0, False)  # all are kept: nothing is left to tell


def test_a_large_grid_waits_for_a_yes(capsys, pack, monkeypatch):
    large(monkeypatch, 18)
    words = (*WORDS, "--data", str(pack), "--json")
    status, out, err = run(capsys, *words)  # nobody can answer here
    assert (status, out) == (2, "")
    assert "start it with --yes" in err.splitlines()[-1]
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True, readline=lambda *_: ""))
    asked = []
    monkeypatch.setattr("click.confirm", lambda text, **_: bool(asked.append(text)))
    assert run(capsys, *words)[0] == 130
    assert asked == ["Start?"]
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    assert run(capsys, *words, "--yes")[0] == 0


def test_a_disk_without_room_is_refused_whatever_is_agreed(capsys, pack, monkeypatch):
    large(monkeypatch, 10**6)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=1000))
    status, _, err = run(capsys, *WORDS, "--data", str(pack), "--yes")
    assert status == 2
    assert "has room for 0.0 GB" in err


def test_ten_thousand_million_variants_are_told_and_refused(capsys, pack, monkeypatch):
    monkeypatch.setattr("research.sweep.problem._MOST_ROWS", 16)  # of which the first block is timed
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=10**15))
    words = (
        "--grid",
        "threshold=0:9.9999:0.0001",
        "--grid",
        "window=100:99999:1",
        "--memory",
        "20",
        "--data",
        str(pack),
    )
    status, out, err = run(capsys, IDEA, *words)
    assert (status, out) == (2, "")
    assert "9,990,000,000 variants" in err
    assert " days and " in err
    assert "start it with --yes" in err
    status, _, err = run(capsys, IDEA, *words, "--by", "window,threshold")
    assert "name one axis, --by window" in err


# -- files


def test_the_page_says_what_the_terminal_says(capsys, pack, tmp_path):
    page = tmp_path / "sweep.html"
    words = (IDEA, "--data", str(pack), "--memory", "20", "--folds", "3", "--no-ledger", "--json")
    _, out, err = run(capsys, *words, "--html", str(page))
    found = json.loads(out)
    text = page.read_text(encoding="utf-8")
    assert f"wrote {page}" in err
    for expected in ("In plain words", "Heat map", "Best variants", "Walk forward", "The odds that the best is luck"):
        assert f">{expected}</h2>" in text, expected
    for finding in (found["overfitting"], found["deflated_sharpe"], found["walk_forward"]["rolling"]["sharpe"]):
        assert escape(finding["sentence"], quote=False) in text
    assert f"{found['heat_map']['sharpe'][0][0]:.2f}" in text
    assert "<script" not in text
    assert "src=" not in text


def test_one_variant_has_a_page_too(capsys, pack, tmp_path):
    page = tmp_path / "one.html"
    words = ("--grid", "threshold=1", "--data", str(pack), "--memory", "20", "--folds", "3", "--html", str(page))
    assert run(capsys, IDEA, *words)[0] == 0
    assert "Heat map" in page.read_text(encoding="utf-8")


def test_a_recorded_sweep_is_proved_identical_or_told_apart(capsys, pack, tmp_path):
    folder = tmp_path / "run"
    words = ("--data", str(pack), "--memory", "20", "--folds", "3", "--start", "2000-06", "--fees", "0.002")
    assert run(capsys, IDEA, *words, "--run", str(folder))[0] == 0
    assert json.loads((folder / "sweep.json").read_text())["execution"]["fees"] == 0.002
    assert main(["replay", str(folder)]) == 0
    assert "run: identical. Why: every byte is the same." in " ".join(capsys.readouterr().out.split())
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "execution": {**manifest["execution"], "fees": 0.0}}))
    assert main(["replay", str(folder)]) == 1
    assert "arithmetic: sweep.json: " in capsys.readouterr().out
    other = write_market(tmp_path / "other", 900, seed=8)
    assert main(["replay", str(folder), "--data", str(other)]) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert re.search(r"data: silver_demand: \w{12} -> \w{12}: values of 2000, ", told)
    assert main(["diff", str(folder), str(folder)]) == 0
    capsys.readouterr()
    assert main(["seal", str(folder), "-o", str(tmp_path / "seal.json")]) == 2
    assert "holds a sweep, and a study is needed" in capsys.readouterr().err
