"""Every command line and every piece of Python in the documents runs, and every command is documented."""

from __future__ import annotations

import doctest
import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from research.cli import main

from .conftest import REPOSITORY

DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
TARGETS = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
WITH_EXAMPLES = sorted(
    file.relative_to(REPOSITORY).with_suffix("").as_posix().replace("/", ".")
    for file in (REPOSITORY / "research").rglob("*.py")
    if ">>> " in file.read_text(encoding="utf-8")
)
NOT_RUN = ("source .venv/bin/activate",)
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(document: Path):
    """Language, content and the words before each fenced block."""
    text = document.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        yield found[1], found[2], text[: found.start()].rstrip().rpartition("\n\n")[2]


def commands(document: Path) -> list[str]:
    """Every line of the console blocks."""
    return [line for kind, text, _ in blocks(document) if kind == "console" for line in text.splitlines() if line]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.stem)
def test_its_commands_and_code_run_in_the_order_they_stand(document, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for kind, text, before in blocks(document):
        if kind == "python":
            for file in re.findall(r"[Ss]ave this as `([\w.]+)`", before):
                Path(file).write_text(text, encoding="utf-8")
            exec(compile(text, document.name, "exec"), names)
        if kind != "console":
            continue
        for line in filter(None, text.splitlines()):
            program, *words = shlex.split(line)
            if program == "assay":
                assert main(words) == 0, f"{document.name}: {line}: {capsys.readouterr().err}"
            elif program == "make":
                assert set(words) <= TARGETS, f"{document.name}: {line}: no such target"
            else:
                assert line in NOT_RUN, f"{document.name}: {line}: neither assay nor make; say how to check it"


def test_every_command_is_documented():
    from typer.main import get_command

    from research.cli.app import app

    told = "\n".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    missing = [name for name in get_command(app).commands if f"assay {name}" not in told]
    assert missing == []


def test_the_documents_run_more_than_a_few_commands():
    assert sum(len(commands(document)) for document in DOCUMENTS) > 20


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_in_docstrings_are_right(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocstrings", reason="the docs extra is not installed")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    assert "jensen_alpha" in (tmp_path / "site" / "reference" / "index.html").read_text(encoding="utf-8")
