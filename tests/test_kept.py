"""Lists kept by content: made once, made again when anything changes, and read without what made them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from research import open_data
from research.cli import main
from research.datasets import store
from research.errors import IntegrityError
from research.home import bundled_folder, home_folder
from research.kept import kept_list

REPOSITORY = Path(__file__).resolve().parents[1]
LISTS = (["data"], ["data", "sources"], ["strategies"], ["trials"])


@pytest.fixture(autouse=True)
def _home(monkeypatch, tmp_path):
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))


def counted(folder):
    calls = []

    def make():
        calls.append(1)
        return {"rows": (1.5, None, "é")}

    return calls, lambda **options: kept_list("list", [folder], make, **options)


def test_a_list_is_made_once_until_a_byte_changes(tmp_path):
    folder = shutil.copytree(bundled_folder(), tmp_path / "pack")
    calls, look = counted(folder)
    assert look() == look() == {"rows": [1.5, None, "é"]}
    assert len(calls) == 1
    for name in ("registry.toml", "usdcny.csv.gz", "thesis.toml"):
        (folder / name).write_bytes((folder / name).read_bytes() + b"\n")
        look()
    (folder / "more.py").write_text("")
    look()
    assert len(calls) == 5


def test_what_cannot_be_kept_is_made_again(tmp_path):
    calls, look = counted(bundled_folder())
    look()
    (home_folder() / "kept" / "list").write_text("rubbish")
    look()
    shutil.rmtree(home_folder())
    home_folder().write_text("a file where the folder would be")
    look()
    assert len(calls) == 3


def test_a_missing_or_changed_file_is_said_whatever_is_kept(tmp_path, monkeypatch, capsys):
    folder = shutil.copytree(bundled_folder(), tmp_path / "pack")
    line = ["data", "--data", str(folder), "--json"]
    assert main(line) == main(line) == 0
    (folder / "metals_monthly.csv").write_bytes(b"month,gold_usd_oz\n")
    with pytest.raises(IntegrityError, match="SHA-256"):
        main([*line, "--debug"])
    (folder / "metals_monthly.csv").unlink()
    assert main(line) == 2


def test_a_table_is_read_once_until_its_file_its_entry_or_what_is_kept_changes(tmp_path, monkeypatch):
    folder = shutil.copytree(bundled_folder(), tmp_path / "pack")
    calls = []
    read = store._rows
    monkeypatch.setattr(store, "_rows", lambda *given: calls.append(1) or read(*given))

    def look(name="comex_gold_total"):
        return open_data(folder, bundled=False)._own(name)

    first, again = look(), look()
    assert len(calls) == 1
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    assert first.attrs == again.attrs
    registry = folder / "registry.toml"
    text = registry.read_text()
    registry.write_text(text.replace("time = ", "time  = "))
    look()
    assert len(calls) == 1  # it says the same
    registry.write_text(text.replace('time = "09:30"', 'time = "09:31"'))
    look()
    assert len(calls) == 2
    (kept_at,) = (home_folder() / "kept").glob("comex_gold_total-*")
    kept_at.write_bytes(kept_at.read_bytes()[:-1])
    registry.write_text(text)
    look()
    assert len(calls) == 3
    pinned = open_data(folder, bundled=False)["comex_gold_total"].file
    (folder / pinned).write_bytes((folder / pinned).read_bytes() + b"\n")
    with pytest.raises(IntegrityError, match="SHA-256"):
        look()


def test_a_second_look_is_the_same_and_loads_no_pandas(capsys):
    first = {}
    for words in LISTS:
        assert main([*words, "--json"]) == 0
        first[" ".join(words)] = capsys.readouterr().out
    script = (
        "import io, sys; from contextlib import redirect_stdout; from research.cli import main\n"
        f"for words in {LISTS!r}:\n"
        "    print(main([*words, '--json']), end=' ')\n"
        "    with redirect_stdout(io.StringIO()):\n"
        "        status = main(words)\n"
        "    print(status, 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == "".join(f"{first[' '.join(words)]}0 0 False\n" for words in LISTS)
