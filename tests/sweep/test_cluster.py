"""The same bytes from workers, whatever becomes of them."""

import hashlib
import os
import signal
import threading
import time

import pytest

from research import open_data
from research.errors import DataError, ExecutionError, ParameterError, RunError
from research.sweep import blocks
from research.sweep import problem as problem_module
from research.sweep.sweep import run_sweep

from . import ideas
from .conftest import write_market

distributed = pytest.importorskip("distributed", reason="Dask distributed is not installed")

AXES = {"window": [60, 120, 250], "threshold": [0.0, 0.5, 1.0, 1.5]}


def files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.npy"))}


@pytest.fixture
def address():
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, protocol="tcp"
    ) as local:
        yield local.scheduler_address


def test_a_scheduler_at_an_address_gives_the_bytes_of_a_serial_sweep(data, tmp_path, address, monkeypatch):
    monkeypatch.setattr(problem_module.Problem, "rows_per_block", property(lambda self: 2))
    options = {"axes": AXES, "n_folds": 3, "memory": 20}
    serial = run_sweep(ideas.surge, data, cache=tmp_path / "serial", **options)
    remote = run_sweep(ideas.surge, data, cache=tmp_path / "remote", scheduler=address, **options)
    assert len(files(serial.folder)) == 6
    assert files(remote.folder) == files(serial.folder)
    assert remote.to_json() == serial.to_json()


def test_a_worker_with_other_code_is_refused(data, tmp_path, address, monkeypatch):
    monkeypatch.setattr(blocks, "fingerprint", threading.get_ident)  # the worker's thread is another than the caller's
    with pytest.raises(RunError, match="other versions"):
        run_sweep(ideas.surge, data, memory=20, cache=tmp_path, scheduler=address)


def test_an_address_where_nobody_answers_is_an_error_of_one_line(data, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "_PATIENCE", "500ms")
    with pytest.raises(ExecutionError, match="no Dask scheduler answers"):
        run_sweep(ideas.surge, data, memory=20, cache=tmp_path, scheduler="tcp://127.0.0.1:9")


def test_a_cluster_without_workers_is_not_waited_for_for_ever(data, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "_ALONE", 0.3)
    options = {"processes": False, "dashboard_address": None, "protocol": "tcp"}
    with (
        distributed.LocalCluster(n_workers=0, **options) as empty,
        pytest.raises(RunError, match=r"no worker is left at tcp.*start workers and type the same command again"),
    ):
        run_sweep(ideas.surge, data, axes=AXES, memory=20, cache=tmp_path, scheduler=empty.scheduler_address)


def test_workers_and_scheduler_exclude_each_other_and_counts_make_sense(data, tmp_path):
    with pytest.raises(ExecutionError, match="exclude"):
        run_sweep(ideas.surge, data, cache=tmp_path, workers=2, scheduler="tcp://127.0.0.1:9")
    for nothing in ({"workers": 0}, {"n_folds": 0}, {"memory": -1}):
        with pytest.raises(ParameterError, match=r"; use \d or more"):
            run_sweep(ideas.surge, data, cache=tmp_path, **nothing)


def test_without_dask_the_remedy_is_named(data, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(DataError, match="pip install distributed"):
        run_sweep(ideas.surge, data, memory=20, cache=tmp_path, workers=2)


@pytest.mark.slow
def test_a_killed_worker_costs_time_and_nothing_else(tmp_path):
    data = open_data(write_market(tmp_path / "pack", 4_000), bundled=False)
    axes = {"window": [60, 120, 250], "threshold": [number / 400 for number in range(800)]}
    serial = run_sweep(ideas.surge, data, axes=axes, memory=250, cache=tmp_path / "serial")
    killed: list[int] = []
    seen = threading.Event()

    def kill_one(done, total, what):
        if "left" in what and not killed:
            killed.append(spawned(os.getpid())[-1])
            os.kill(killed[0], signal.SIGKILL)
            seen.set()

    parallel = run_sweep(ideas.surge, data, axes=axes, memory=250, cache=tmp_path / "two", workers=2, progress=kill_one)
    assert seen.is_set()
    time.sleep(0.1)
    assert not os.path.exists(f"/proc/{killed[0]}") or "Z" in state(killed[0])
    assert files(parallel.folder) == files(serial.folder)
    assert parallel.to_json() == serial.to_json()


@pytest.fixture(scope="module")
def a_million(tmp_path_factory):
    folder = tmp_path_factory.mktemp("million")
    data = open_data(write_market(folder / "pack", 400), bundled=False)
    axes = {"window": list(range(20, 120, 2)), "threshold": [number / 10_000 for number in range(20_000)]}
    options = {"axes": axes, "by": ["window"], "memory": 120, "n_folds": 3}
    return data, options, hashes(run_sweep(ideas.surge, data, cache=folder / "serial", **options).folder)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 4])
def test_a_million_variants_over_workers_of_which_one_is_killed(a_million, tmp_path, workers):
    data, options, serial = a_million
    killed = []

    def kill_one(done, total, what):
        if "left" in what and done > total // 3 and not killed:
            killed.append(spawned(os.getpid())[-1])
            os.kill(killed[0], signal.SIGKILL)

    found = run_sweep(ideas.surge, data, cache=tmp_path, workers=workers, progress=kill_one, **options)
    assert killed
    assert len(found.grid) == 1_000_000
    assert hashes(found.folder) == serial


def hashes(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.npy"))}


def spawned(parent):
    """Worker processes among the descendants of one."""
    children = [int(pid) for pid in os.popen(f"pgrep -P {parent}").read().split()]
    return [pid for pid in descendants(children) if "spawn_main" in command(pid) or "forkserver" in command(pid)]


def descendants(pids):
    found = []
    for pid in pids:
        children = [int(child) for child in os.popen(f"pgrep -P {pid}").read().split()]
        found += [pid, *descendants(children)]
    return found


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return file.read()
    except OSError:
        return ""


def state(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().split()[2]
