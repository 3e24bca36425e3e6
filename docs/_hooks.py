"""What the site shows beside the written pages: notebooks with their outputs, every command's help, formulas."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("0*.ipynb"))


def on_files(files: Any, config: Any) -> Any:
    """Add a page for each notebook, and one that lists them."""
    from mkdocs.structure.files import File

    pages = {f"notebooks/{file.stem}.md": page_of(file) for file in NOTEBOOKS}
    titles = {name: text.split("\n", 1)[0].removeprefix("# ").split(". ", 1)[1] for name, text in pages.items()}
    listed = "\n".join(f"1. [{title}]({Path(name).name})" for name, title in titles.items())
    pages["notebooks/index.md"] = (
        f"# Notebooks\n\nRun when these pages were built, on the bundled data. `make lab` opens them.\n\n{listed}\n"
    )
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the commands where the page of commands asks for them."""
    return markdown.replace("<!-- commands -->", commands()) if "<!-- commands -->" in markdown else markdown


def on_page_content(html: str, **_: Any) -> str:
    """Draw the formulas of docstrings as MathML, which needs neither a script nor a network."""
    from html import unescape

    from latex2mathml.converter import convert

    html = re.sub(r"<p>::</p>", "", html).replace("::</p>", ":</p>")  # what opens a block of code in a docstring
    formula = r"(<p>)?:math:<code>([^<]*)</code>(?(1)</p>)"  # alone in its paragraph it is a block

    def drawn(found: re.Match[str]) -> str:
        return convert(unescape(found[2]), display="block" if found[1] else "inline")

    return re.sub(formula, drawn, html)


def page_of(file: Path) -> str:
    """A notebook as Markdown, with what its cells show."""
    return rendered(executed(file, file.read_text(encoding="utf-8")))


@functools.cache
def executed(file: Path, text: str) -> Any:
    """The notebook with its outputs, run where it lies and on the bundled data alone; once as long as ``text`` is."""
    import os
    import tempfile

    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.reads(text, as_version=4)
    with tempfile.TemporaryDirectory() as home:
        paths = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "ASSAY_HOME": home, "PYTHONPATH": paths}
        client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(file.parent)}})
        client.execute(env=environment)
    return notebook


def rendered(notebook: Any) -> str:
    """Markdown of every cell, in order, each followed by its outputs."""
    parts = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        parts += [shown for output in cell.outputs if (shown := _shown(output))]
    return "\n\n".join(parts) + "\n"


def _shown(output: Any) -> str:
    """One output as a block that Markdown leaves alone: no blank line ends it early."""
    data = output.get("data", {})
    if "text/html" in data:
        lines = [line for line in data["text/html"].splitlines() if line.strip()]
        return '<div class="output">\n' + "\n".join(lines) + "\n</div>"
    text = data.get("text/plain") or output.get("text") or ""
    return f"```text\n{text.rstrip()}\n```" if text.strip() else ""


def commands() -> str:
    """The help of every command, a section each."""
    import click

    from research.cli.app import app

    def told(command: Any, path: str) -> list[str]:
        context = click.Context(command, info_name=path, terminal_width=100, max_content_width=100)
        names = command.list_commands(context) if isinstance(command, click.Group) else []
        own = [f"## {path}\n\n```text\n{command.get_help(context).strip()}\n```"]
        return own + [part for name in names for part in told(command.get_command(context, name), f"{path} {name}")]

    return "\n\n".join(told(app, "assay"))
