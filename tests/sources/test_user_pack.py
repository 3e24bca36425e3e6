"""The user's pack survives kills and crowds, and every flipped byte in it is found."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from research.datasets.registry import read_registry
from research.datasets.store import keep, load, manifest, observations, verify, verify_pack
from research.datasets.vintages import merge
from research.errors import DataError, IntegrityError, RegistryError
from research.home import home_folder, user_pack_folder

DESCRIPTION = {
    "title": 'A series with "quotes", ü and \\',
    "publisher": "tests",
    "source": "tests",
    "licence": "none",
    "unit": "index",
    "frequency": "day",
    "release": {"rule": "lag", "days": 1, "time": "09:00", "timezone": "UTC"},
    "longest_useful_age_days": 10,
}
AT = datetime(2026, 1, 1, tzinfo=UTC)
WHERE = {"source": "tests", "address": "file", "retrieved_at": AT, "bytes": 1, "sha256": "0" * 64}


def release(days: pd.Series) -> pd.Series:
    return (days + pd.Timedelta(days=1, hours=9)).dt.tz_localize("UTC")


def grow(folder: Path, identity: str, days: list[str], value: float = 1.0, at: datetime = AT):
    fresh = pd.DataFrame({"observed_for": pd.to_datetime(days).astype("datetime64[us]"), "value": value})
    return keep(folder, identity, DESCRIPTION, lambda kept: merge(kept, fresh, release=release, retrieved_at=at), WHERE)


def test_home_folder(monkeypatch, tmp_path):
    assert home_folder() == tmp_path / "home"
    monkeypatch.delenv("ASSAY_HOME")
    assert home_folder().name == "assay"
    assert user_pack_folder(tmp_path) == tmp_path / "pack"


def test_what_is_kept_is_read_by_the_ordinary_loader(tmp_path):
    grow(tmp_path, "a", ["2024-01-01", "2024-01-02"])
    pack = read_registry(tmp_path)
    table = load(pack, pack.datasets["a"])
    assert table["value"].tolist() == [1.0, 1.0]
    assert table["known_at"].tolist() == [
        pd.Timestamp("2024-01-02 09:00", tz="UTC"),
        pd.Timestamp("2024-01-03 09:00", tz="UTC"),
    ]
    assert pack.datasets["a"].title == DESCRIPTION["title"]
    assert verify(pack) == []
    assert verify_pack(tmp_path) == []


def test_the_manifest_says_where_it_came_from(tmp_path):
    grow(tmp_path, "a", ["2024-01-01", "2024-01-02"])
    line = manifest(tmp_path)["a"]
    assert line["rows"] == 2
    assert (line["first"].isoformat(), line["last"].isoformat()) == ("2024-01-01", "2024-01-02")
    assert line["retrieved_at"] == AT


def test_one_dataset_does_not_touch_another(tmp_path):
    grow(tmp_path, "a", ["2024-01-01"])
    before = (tmp_path / read_registry(tmp_path).datasets["a"].file).read_bytes()
    grow(tmp_path, "b", ["2024-01-01", "2024-01-02"])
    pack = read_registry(tmp_path)
    assert set(pack.datasets) == {"a", "b"}
    assert (tmp_path / pack.datasets["a"].file).read_bytes() == before


def test_a_refusal_inside_the_update_changes_nothing(tmp_path):
    grow(tmp_path, "a", ["2024-01-01"])
    before = (tmp_path / "registry.toml").read_bytes()

    def refuse(_: object):
        raise DataError("no")

    with pytest.raises(DataError):
        keep(tmp_path, "a", DESCRIPTION, refuse, WHERE)
    assert (tmp_path / "registry.toml").read_bytes() == before


def test_every_flipped_byte_is_found(tmp_path):
    grow(tmp_path, "a", ["2024-01-01", "2024-01-02"])
    draw = random.Random(5)
    for path in [tmp_path / "registry.toml", *sorted(tmp_path.glob("*.parquet"))]:
        content = path.read_bytes()
        places = range(0, len(content), 3) if path.suffix == ".toml" else draw.sample(range(len(content)), 30)
        for place in places:
            path.write_bytes(content[:place] + bytes([content[place] ^ 1 << draw.randrange(8)]) + content[place + 1 :])
            assert verify_pack(tmp_path), f"{path.name}: byte {place}"
        for cut in (0, 1, len(content) // 2, len(content) - 1):
            path.write_bytes(content[:cut])
            assert verify_pack(tmp_path), f"{path.name}: cut to {cut}"
        path.unlink()
        if path.suffix != ".toml":
            assert verify_pack(tmp_path)
        path.write_bytes(content)
    assert verify_pack(tmp_path) == []


def test_nothing_is_written_over_damaged_data(tmp_path):
    grow(tmp_path, "a", ["2024-01-01"])
    path = tmp_path / read_registry(tmp_path).datasets["a"].file
    path.write_bytes(b"rubbish")
    registry = (tmp_path / "registry.toml").read_bytes()
    with pytest.raises(IntegrityError, match="restore"):
        grow(tmp_path, "a", ["2024-01-01", "2024-01-02"])
    assert (tmp_path / "registry.toml").read_bytes() == registry
    fresh = pd.DataFrame({"observed_for": pd.to_datetime(["2024-01-05"]).astype("datetime64[us]"), "value": 5.0})
    keep(
        tmp_path, "a", DESCRIPTION, lambda kept: merge(kept, fresh, release=release, retrieved_at=AT), WHERE, anew=True
    )
    assert verify_pack(tmp_path) == []


def test_an_altered_registry_is_not_written_over(tmp_path):
    grow(tmp_path, "a", ["2024-01-01"])
    path = tmp_path / "registry.toml"
    path.write_bytes(path.read_bytes().replace(b"index", b"indxe", 1))
    with pytest.raises(IntegrityError, match="altered"):
        grow(tmp_path, "a", ["2024-01-02"])
    path.write_bytes(b"[pack\n")
    with pytest.raises(RegistryError, match="TOML"):
        grow(tmp_path, "a", ["2024-01-02"])


def test_files_no_longer_named_stay_an_hour_then_go(tmp_path):
    grow(tmp_path, "a", ["2024-01-01"])
    old = tmp_path / read_registry(tmp_path).datasets["a"].file
    grow(tmp_path, "a", ["2024-01-02"])
    assert old.exists()
    leftover = tmp_path / ".a-0.parquet.xyz"
    leftover.write_bytes(b"half")
    past = time.time() - 7200
    os.utime(old, (past, past))
    os.utime(leftover, (past, past))
    grow(tmp_path, "a", ["2024-01-03"])
    assert not old.exists()
    assert not leftover.exists()
    assert len(observations(tmp_path, "a")) == 3


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="nothing was changed"):
        grow(tmp_path / "file" / "pack", "a", ["2024-01-01"])


def test_eight_writers_at_once_lose_nothing(tmp_path):
    jobs = [(f"d{n % 3}", f"2024-01-{n + 1:02d}") for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda job: grow(tmp_path, job[0], [job[1]]), jobs))
    assert verify_pack(tmp_path) == []
    for name in ("d0", "d1", "d2"):
        kept = {day.strftime("%Y-%m-%d") for day in observations(tmp_path, name)["observed_for"]}
        assert kept == {day for identity, day in jobs if identity == name}


WRITER = """
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from tests.sources.test_user_pack import grow, observations
import pandas as pd
folder = Path(sys.argv[1])
kept = observations(folder, "a")
start = 0 if kept is None else len(kept)
with TemporaryDirectory() as warm:
    grow(Path(warm), "a", ["2000-01-01"])
print("ready", flush=True)
for n in range(start, 10_000):
    grow(folder, "a", [(pd.Timestamp("2000-01-01") + pd.Timedelta(days=n)).strftime("%Y-%m-%d")])
    print(n + 1, flush=True)
"""


def kill_while_writing(folder: Path, times: int, seed: int) -> None:
    draw, acknowledged = random.Random(seed), 0
    for number in range(times):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        said = [writer.stdout.readline()] if number % 2 == 0 else []  # every other time also before the first write
        time.sleep(draw.uniform(0.0, 0.3))
        os.kill(writer.pid, signal.SIGKILL)
        said += writer.stdout.read().splitlines()
        writer.wait()
        acknowledged = max([acknowledged, *(int(line) for line in said if line.strip().isdigit())])
        if (folder / "registry.toml").exists():
            assert verify_pack(folder) == []
            kept = observations(folder, "a")
            assert len(kept) >= acknowledged  # what was acknowledged is there
            days = (kept["observed_for"] - pd.Timestamp("2000-01-01")).dt.days
            assert days.tolist() == list(range(len(kept)))
            document = tomllib.loads((folder / "registry.toml").read_text())
            assert document["manifest"]["a"]["rows"] == len(kept)
    assert acknowledged > 0


def test_killed_at_random_moments(tmp_path):
    kill_while_writing(tmp_path, times=1, seed=1)


@pytest.mark.slow
def test_killed_a_hundred_times(tmp_path):
    kill_while_writing(tmp_path, times=100, seed=2)
