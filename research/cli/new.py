"""``assay new NAME``: a strategy, its test and a notebook, that run as they are and are there to be changed."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template
from typing import Annotated

import click

from research.cli.options import Plain, thesis_in_force
from research.cli.output import answer
from research.errors import StrategyError

TEMPLATES = Path(__file__).with_name("template")


def new(name: Annotated[str, click.Argument], *, asked: Plain) -> None:
    """A strategy module and its test that pass at once, and a notebook that uses it.

    Parameters
    ----------
    name : NAME
        Lower case with underscores: my_idea.
    """
    strategy, test, notebook = written = scaffold(name, Path())
    lines = [
        f"wrote {strategy}: change the claim, the inputs and the signal",
        f"wrote {test}: run it with python -m pytest {test}",
        f"wrote {notebook}: open it with jupyter lab {notebook}",
    ]
    short, why = "three files, which run as they are.", "an idea is best changed from one that works."
    answer(asked, lambda: {"written": [str(file) for file in written]}, lines, short, why, "backtest", str(strategy))


def scaffold(name: str, folder: Path) -> tuple[Path, Path, Path]:
    """Write the three files of a new strategy into one folder.

    Raises
    ------
    StrategyError
        If the name is no name for a function, is taken, or a file is there already. Then nothing is written.
    """
    from research.datasets.store import write_atomically

    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise StrategyError(
            f"{name!r}: no name for a strategy; use lower-case letters, digits and underscores, like my_idea"
        )
    if name in thesis_in_force().strategies:
        raise StrategyError(f"{name!r}: there is a strategy of that name; choose another (see assay strategies)")
    strategy, test, notebook = (folder / file for file in (f"{name}.py", f"test_{name}.py", f"{name}.ipynb"))
    for file in (strategy, test, notebook):
        if file.exists():
            raise StrategyError(f"{file}: is there already; choose another name, or move it away")
    for file, kind in ((strategy, "strategy"), (test, "test"), (notebook, "notebook")):
        template = Template((TEMPLATES / f"{kind}.txt").read_text(encoding="utf-8"))
        write_atomically(file, template.substitute(name=name).encode("utf-8"))
    return strategy, test, notebook
