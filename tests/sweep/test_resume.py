"""An interrupted sweep goes on where it stopped, and ends with the same bytes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from research import Execution
from research.errors import RunError
from research.study.candidates import Terms
from research.sweep import problem as problem_module
from research.sweep import sweep as sweep_module
from research.sweep.blocks import BlockStore
from research.sweep.grid import grid_of
from research.sweep.sweep import run_sweep

from . import ideas
from .conftest import write_market

AXES = {"window": [60, 120, 250], "threshold": [0.0, 0.5, 1.0, 1.5]}
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(problem_module.Problem, "rows_per_block", property(lambda self: 2))


def sweep(data, cache, idea=ideas.surge, **options):
    return run_sweep(idea, data, **{"axes": AXES, "n_folds": 3, "memory": 20, "cache": cache, **options})


def files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.npy"))}


class Counted:
    """Counts the blocks that are really evaluated."""

    def __init__(self, monkeypatch):
        self.blocks = []
        inner = sweep_module.evaluate
        monkeypatch.setattr(
            sweep_module, "evaluate", lambda problem, block: (self.blocks.append(block), inner(problem, block))[1]
        )


def test_interrupted_anywhere_it_loses_nothing(data, tmp_path, monkeypatch):
    whole = sweep(data, tmp_path / "whole")
    counted = Counted(monkeypatch)
    for stop in (2, 6, 8):

        def interrupt(done, total, what, stop=stop):
            if done >= stop and "left" in what:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            sweep(data, tmp_path / "parts", progress=interrupt)
    resumed = sweep(data, tmp_path / "parts")
    assert sorted(counted.blocks) == list(range(6))
    assert files(resumed.folder) == files(whole.folder)
    assert resumed.to_json() == whole.to_json()


def test_what_is_finished_is_not_computed_again_unless_asked(data, tmp_path, monkeypatch):
    sweep(data, tmp_path)
    counted = Counted(monkeypatch)
    sweep(data, tmp_path)
    assert counted.blocks == []
    sweep(data, tmp_path, fresh=True)
    assert len(counted.blocks) == 6


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY torn", None])
def test_a_torn_or_lost_block_is_computed_again(data, tmp_path, damage):
    found = sweep(data, tmp_path)
    before = files(found.folder)
    victim = found.folder / "000003.npy"
    if damage is None:
        np.save(victim, np.zeros((1, 1)))
    else:
        victim.write_bytes(damage)
    sweep(data, tmp_path)
    assert files(found.folder) == before


@pytest.mark.parametrize(
    "changed",
    [
        {"axes": {**AXES, "threshold": [0.0, 0.5, 1.0, 1.6]}},
        {"axes": {**AXES, "threshold": [0, 0.5, 1.0, 1.5]}},
        {"execution": Execution(fees=0.002)},
        {"start": "2001"},
        {"end": "2002"},
        {"memory": 21},
        {"n_folds": 4},
        {"idea": ideas.surge_at_once},
    ],
)
def test_whatever_decides_a_number_gets_a_folder_of_its_own(data, tmp_path, changed):
    assert folder(data, tmp_path) == folder(data, tmp_path)
    assert folder(data, tmp_path) != folder(data, tmp_path, **changed)


def folder(data, cache, idea=ideas.surge, axes=AXES, start=None, end=None, execution=None, n_folds=3, memory=20):
    """Where a sweep would keep its blocks."""
    grid = grid_of(idea, axes)
    terms = Terms(execution or Execution(), start, end)
    problem = sweep_module._problem(idea, data, "silver", grid, terms, n_folds, memory)
    return BlockStore(problem, cache).folder


def test_the_folder_is_that_of_the_sweep(data, tmp_path):
    assert sweep(data, tmp_path).folder == folder(data, tmp_path)


def test_another_layout_of_the_records_gets_a_folder_of_its_own(problem_of, tmp_path, monkeypatch):
    before = BlockStore(problem_of(ideas.surge), tmp_path).key
    monkeypatch.setattr(problem_module.Problem, "rows_per_block", property(lambda self: 3))
    fewer_rows = BlockStore(problem_of(ideas.surge), tmp_path).key
    monkeypatch.setattr(problem_module.Problem, "n_columns", 7)
    assert len({before, fewer_rows, BlockStore(problem_of(ideas.surge), tmp_path).key}) == 3


def test_other_data_get_a_folder_of_their_own(data, tmp_path):
    from research import open_data

    other = open_data(write_market(tmp_path / "other", 900, seed=8), bundled=False)
    assert folder(data, tmp_path) != folder(other, tmp_path)


def test_a_block_that_vanishes_is_missed(problem_of, tmp_path):
    store = BlockStore(problem_of(ideas.surge), tmp_path)
    store.open()
    with pytest.raises(RunError, match="block 0 is gone"):
        list(store)


def test_a_cache_that_cannot_be_written_names_the_remedy(problem_of, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match="ASSAY_HOME"):
        BlockStore(problem_of(ideas.surge), tmp_path / "file").open()


def test_it_lies_in_the_folder_that_is_the_users(problem_of, monkeypatch, tmp_path):
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path))
    assert BlockStore(problem_of(ideas.surge)).folder.parent == tmp_path / "sweeps"


@pytest.mark.slow
def test_a_killed_process_is_resumed_from_the_command_line(tmp_path):
    pack = write_market(tmp_path / "pack", 4_000)
    words = [sys.executable, "-m", "research", "sweep", "tests/sweep/ideas.py:surge", "--data", str(pack)]
    words += ["--grid", "threshold=0:2:0.001", "--grid", "window=60,120", "--memory", "250", "--json"]
    environment = {**os.environ, "ASSAY_HOME": str(tmp_path / "cache")}
    running = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 240
    while len(list((tmp_path / "cache").rglob("*.npy"))) < 3:
        assert time.monotonic() < deadline
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.npy")}
    resumed = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, check=True, text=True)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    environment["ASSAY_HOME"] = str(tmp_path / "other")
    straight = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, check=True, text=True)
    assert json.loads(resumed.stdout) == json.loads(straight.stdout)
