"""Every command line and every piece of Python in the documents runs, and every command and heading is told."""

from __future__ import annotations

import doctest
import functools
import importlib
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from research.cli import main

from ..conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
DOCUMENTS = [REPOSITORY / "README.md", *sorted(DOCS.rglob("*.md"))]
QUICK = {"lookahead"}
TARGETS = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
WITH_EXAMPLES = sorted(
    file.relative_to(REPOSITORY).with_suffix("").as_posix().replace("/", ".")
    for file in (REPOSITORY / "research").rglob("*.py")
    if ">>> " in file.read_text(encoding="utf-8")
)
SLOW = ("research.study.study",)
NOT_RUN = ("source .venv/bin/activate",)
NETWORK = ("assay data fetch", "assay data archive")  # looked at, not run
DIFFERS = ("assay diff first second", "assay check --demo")  # runs that differ, and a leak, on purpose: exit code 1
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SAVED = re.compile(r"[Ss]ave this as `([\w./]+)`")


def blocks(document: Path):
    """Language, content and the words before each fenced block."""
    text = document.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        yield found[1], found[2], text[: found.start()].rstrip().rpartition("\n\n")[2]


def commands(document: Path) -> list[str]:
    """Every line of the console blocks."""
    return [line for kind, text, _ in blocks(document) if kind == "console" for line in text.splitlines() if line]


@functools.cache
def understood(*words: str) -> bool:
    return main([*words, "--help"]) == 0


def with_programs(document: Path) -> bool:
    return any(kind in ("console", "python") for kind, _, _ in blocks(document))


def write_files(folder: Path) -> None:
    """The files of one's own that the documents speak of, made up: daily prices, contracts and a further series."""
    days = pd.bdate_range("2012-01-02", "2024-12-31", name="Date")
    steps = np.random.default_rng(1).normal(0.0, 0.01, (2, len(days))).cumsum(axis=1)
    for name, level, path in zip(("gold", "silver"), (1300.0, 20.0), np.exp(steps), strict=True):
        close = pd.Series((level * path).round(2), index=days, name="Close")
        close.to_csv(folder / f"{name}.csv")
    months = pd.date_range("2012-02-01", "2026-02-01", freq="2MS")
    spot = 1300.0 * np.exp(steps[0])
    contracts = []
    for later in range(3):
        month = months[months.searchsorted(days, side="right") + later]
        close = (spot * (1 + (month - days).days / 9000)).round(1)
        quotes = dict.fromkeys(("open", "high", "low", "close"), close)
        contracts.append(pd.DataFrame({"date": days, "contract": month.strftime("%Y%m"), **quotes, "volume": 1000}))
    pd.concat(contracts).to_csv(folder / "futures.csv", index=False)
    pd.Series(range(100), index=days[:100], name="tonnes").to_csv(folder / "mine.csv")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    write_files(folder)
    return folder


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(file, marks=() if file.stem in QUICK else pytest.mark.slow, id=file.stem)
        for file in DOCUMENTS
        if with_programs(file)
    ],
)
def test_its_commands_and_code_run_in_the_order_they_stand(document, files, tmp_path, monkeypatch, capsys):
    folder = Path(shutil.copytree(files, tmp_path / "work"))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")
    names: dict = {}
    for kind, text, before in blocks(document):
        for file in SAVED.findall(before):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
        if kind == "python":
            exec(compile(text, document.name, "exec"), names)
        if kind != "console":
            continue
        for line in filter(None, text.splitlines()):
            program, *words = shlex.split(line)
            if program == "assay" and not line.startswith(NETWORK):
                assert main(words) == (line in DIFFERS), f"{document.name}: {line}: {capsys.readouterr().err}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.stem)
def test_its_commands_exist_with_their_options(document):
    """Cheap, and so for every line: `--help` behind a line is answered once all else in it is understood."""
    for line in commands(document):
        program, *words = shlex.split(line)
        if program == "assay":
            assert understood(*words), f"{document.name}: {line}"
        elif program == "make":
            assert set(words) <= TARGETS, f"{document.name}: {line}: no such target"
        else:
            assert line in NOT_RUN, f"{document.name}: {line}: neither assay nor make; say how to check it"


def test_every_command_is_documented():
    from research.cli.app import HOMES

    told = "\n".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    missing = [name for name in HOMES if f"assay {name}" not in told]
    assert missing == []


def test_the_documents_run_more_than_a_few_commands():
    assert sum(len(commands(document)) for document in DOCUMENTS) > 60


def test_every_heading_of_a_table_is_in_the_glossary():
    from research.report.columns import CLAIM_COLUMNS, ROW_COLUMNS, columns
    from research.report.study_words import WORDS

    glossary = (DOCS / "glossary.md").read_text(encoding="utf-8")
    headings = [column.heading for column in (*CLAIM_COLUMNS, *ROW_COLUMNS, *columns("accounts"))]
    missing = [name for name in (*headings, *WORDS) if f"**{name}**\n:   " not in glossary]
    assert missing == []


def test_no_document_speaks_of_the_first_judge():
    """Its words are gone; the changelog alone says what became of them."""
    old = re.compile(r"not supported|timing alpha|step-down bootstrap|\bFindable\b|minimum detectable|shift_placebo")
    written = [*DOCUMENTS, *(REPOSITORY / "notebooks").glob("*.ipynb")]
    found = [f"{file.name}: {word}" for file in written for word in old.findall(file.read_text(encoding="utf-8"))]
    assert found == []


def test_the_home_page_links_every_page():
    home = (DOCS / "index.md").read_text(encoding="utf-8")
    pages = {file.relative_to(DOCS).as_posix() for file in DOCS.rglob("*.md")} - {"index.md"}
    assert sorted(page for page in pages if f"]({page})" not in home) == []


def test_what_came_out_is_what_the_findings_say():
    """The counts of the README stand in the findings that it names."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    section = " ".join(readme.partition("## What came out")[2].partition("\n## ")[0].split())
    for page, words in (("findings-monthly", "bundled months"), ("findings", "daily prices")):
        first = (DOCS / f"{page}.md").read_text(encoding="utf-8")
        counted = re.search(r"(\d+) claims: (\d+) supported, (\d+) contradicted, (\d+) ruled out, (\d+) undec", first)
        n, *counts = (int(number) for number in counted.groups())
        told = re.search(
            rf"{words}[^.]*?(\d+) claims[^:]*: (\d+) supported, (\d+) contradicted, (\d+) ruled out[^.]*?"
            r"(\d+) undecidable",
            section,
        )
        assert told, f"README, What came out: no counts for {words}"
        assert [int(number) for number in told.groups()] == [n, *counts], page


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in WITH_EXAMPLES]
)
def test_examples_in_docstrings_are_right(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0


def test_formulas_are_drawn_and_outputs_shown_without_a_script():
    pytest.importorskip("latex2mathml", reason="the docs extra is not installed")
    hooks = runpy.run_path(str(DOCS / "_hooks.py"))
    page = hooks["on_page_content"](
        "<p>With :math:<code>a &lt; b</code> known</p><p>:math:<code>a^2</code></p>"
        "<p>:math:<code>a_1</code>, :math:<code>b_1</code></p><p>::</p>"
    )
    assert page.startswith("<p>With <math")
    assert page.count("<math") == page.count("</math>") == 4
    assert page.count('display="block"') == 1
    assert ":math:" not in page
    assert "::" not in page
    assert "## assay data add\n" in hooks["commands"]()
    cells = [
        nbformat.v4.new_markdown_cell("# 1. One"),
        nbformat.v4.new_code_cell(
            "1",
            outputs=[
                nbformat.v4.new_output("display_data", {"text/html": "<p>\n\na</p>"}),
                nbformat.v4.new_output("stream", text="said\n"),
            ],
        ),
    ]
    shown = hooks["rendered"](nbformat.v4.new_notebook(cells=cells))
    assert shown == (
        '# 1. One\n\n```python\n1\n```\n\n<div class="output">\n<p>\na</p>\n</div>\n\n```text\nsaid\n```\n'
    )


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocstrings", reason="the docs extra is not installed")
    site = tmp_path / "site"
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    pages = {file.relative_to(site).as_posix(): file.read_text(encoding="utf-8") for file in site.rglob("*.html")}
    assert "jensen_alpha" in pages["reference/diagnostics/index.html"]
    assert "assay data add" in pages["reference/commands/index.html"]
    notebooks = [text for name, text in pages.items() if re.match(r"notebooks/0\d", name)]
    assert len(notebooks) == 5
    assert all('<div class="output">' in text for text in notebooks)
    assert [name for name, text in pages.items() if re.search(r":(class|func|math):|\\.\\. math", text)] == []
