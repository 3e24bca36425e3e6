"""The notebooks: numbered, without outputs, importing what they use, and running from the first cell to the last."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from ..conftest import REPOSITORY

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("0*.ipynb"))
QUICK = "02_write_your_own_strategy"


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_it_is_clean(file: Path):
    notebook = nbformat.read(file, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [], f"{file.name}: strip the outputs before committing"
            assert cell.execution_count is None, f"{file.name}: strip the execution counts before committing"
            assert not cell.source.lstrip().startswith(("%", "!"))
    assert notebook.cells[0].source.startswith(f"# {int(file.stem[:2])}. ")


@pytest.mark.parametrize(
    "file",
    [pytest.param(file, marks=() if file.stem == QUICK else pytest.mark.slow, id=file.stem) for file in NOTEBOOKS],
)
def test_it_runs(file: Path, monkeypatch):
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    notebook = nbformat.read(file, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(file.parent)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in shown if output.output_type == "stream" and output.name == "stderr"]
    assert any("text/html" in output.get("data", {}) for output in shown)


def test_there_are_five():
    assert [file.stem[:2] for file in NOTEBOOKS] == ["01", "02", "03", "04", "05"]
