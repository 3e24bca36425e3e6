"""Options that several commands share, and how their text becomes values."""

from __future__ import annotations

import ast
import os
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from research.errors import ExecutionError, ParameterError

if TYPE_CHECKING:
    from research.claims import Thesis
    from research.datasets.data import Data
    from research.execution import Execution
    from research.thesis import Strategy
    from research.verdict import Rules

THESIS: ContextVar[Path | None] = ContextVar("thesis", default=None)
"""Folder of the thesis in force, set anew by every command."""

Packs = Annotated[
    list[Path] | None,
    typer.Option("--data", metavar="DIR", help="Another data pack; repeatable, later packs override earlier ones."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else.")]
PriceName = Annotated[
    str | None,
    typer.Option(
        "--price", metavar="NAME", help="monthly, spot, future or etf. Default: the best that is here and not stale."
    ),
]
Metals = Annotated[
    list[str] | None, typer.Option("--metal", metavar="METAL", help="A metal; repeatable. Default: all claimed.")
]
Start = Annotated[str | None, typer.Option("--start", metavar="DATE", help="First bar, YYYY or YYYY-MM-DD.")]
End = Annotated[str | None, typer.Option("--end", metavar="DATE", help="Last bar, YYYY or YYYY-MM-DD.")]
NoLedger = Annotated[bool, typer.Option("--no-ledger", help="Neither count nor record this; the result says so.")]
Delay = Annotated[int | None, typer.Option("--delay", metavar="BARS", help="Bars between decision and fill.")]
Fees = Annotated[float | None, typer.Option("--fees", metavar="FRACTION", help="Of the traded value, each way.")]
Slippage = Annotated[float | None, typer.Option("--slippage", metavar="FRACTION", help="Of the price, each way.")]
Storage = Annotated[float | None, typer.Option("--storage", metavar="FRACTION", help="Of the value held, a year.")]
Borrow = Annotated[float | None, typer.Option("--borrow", metavar="FRACTION", help="Of the value short, a year.")]

Level = Annotated[
    float | None, typer.Option("--level", metavar="P", help="Largest p-value that counts as evidence; at most 0.05.")
]
MinEvents = Annotated[
    int | None, typer.Option("--min-events", metavar="N", help="Fewest events that give a p-value; at least 6.")
]


def thesis_in_force() -> Thesis:
    """The thesis of ``assay --thesis DIR``, or the bundled one."""
    from research.claims import load_thesis

    return load_thesis(THESIS.get())


def strategy_named(name: str, thesis: Thesis) -> Strategy:
    """A strategy of a thesis, or one from a file."""
    from research.discovery import find_strategy

    return find_strategy(name, thesis.strategies)


def open_packs(packs: list[Path] | None, price: str | None = None) -> Data:
    """The bundled pack, the user's own over it, that of the thesis in force, if it has one, and the named ones."""
    from research.datasets.data import open_data

    folder = THESIS.get()
    own = [folder] if folder is not None and (folder / "registry.toml").is_file() else []
    return open_data(*own, *(packs or []), price=price)


def check_outputs(html: Path | None, run_folder: Path | None = None, out: Path | None = None) -> None:
    """Refuse, before the work, what could not be written after it.

    Raises
    ------
    ExecutionError, RunError
        If the file's folder is missing, a folder has its name, or the run's folder holds something else.
    """
    if html is not None and not html.parent.is_dir():
        raise ExecutionError(f"{html}: there is no folder {html.parent}; make it first: mkdir -p '{html.parent}'")
    if html is not None and (html.is_dir() or not os.access(html.parent, os.W_OK)):
        raise ExecutionError(f"{html}: {'is a folder' if html.is_dir() else 'may not be written'}; name another file")
    if run_folder is not None:
        from research.runs import check_folder

        check_folder(run_folder)
    if out is not None:
        from research.study.exports import check_export

        check_export(out)


def execution_of(**given: float | None) -> Execution:
    """The default terms with what was given on the line."""
    from research.execution import Execution

    return Execution(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


def rules_of(**given: float | None) -> Rules:
    """The default thresholds of the verdict with what was given on the line, which may only be stricter."""
    from research.verdict import Rules

    return Rules(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


def parameters_of(words: list[str] | None) -> dict[str, Any]:
    """``["threshold=2.0"]`` -> ``{"threshold": 2.0}``."""
    parameters: dict[str, Any] = {}
    for word in words or []:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise ParameterError(f"--param {word!r}: write NAME=VALUE, e.g. --param threshold=2.0")
        try:
            parameters[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            parameters[name] = text
    return parameters
