"""Lists kept by content: made once, made again when anything changes, and read without what made them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from research.cli import main
from research.errors import IntegrityError
from research.home import bundled_folder, home_folder
from research.kept import kept

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

    return calls, lambda **options: kept("list", [folder], make, **options)


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
    look(lasting=lambda: False)
    look()
    (home_folder() / "kept" / "list.json").write_text("rubbish")
    look()
    shutil.rmtree(home_folder())
    home_folder().write_text("a file where the folder would be")
    look()
    assert len(calls) == 4


def test_a_missing_or_changed_file_is_said_whatever_is_kept(tmp_path, monkeypatch, capsys):
    folder = shutil.copytree(bundled_folder(), tmp_path / "pack")
    line = ["data", "--data", str(folder), "--json"]
    assert main(line) == main(line) == 0
    (folder / "metals_monthly.csv").write_bytes(b"month,gold_usd_oz\n")
    with pytest.raises(IntegrityError, match="SHA-256"):
        main([*line, "--debug"])
    (folder / "metals_monthly.csv").unlink()
    assert main(line) == 2


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
