"""The code of a registration: the text of its files, and strategies made of that text again."""

from __future__ import annotations

import ast
import atexit
import tempfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from research.discovery import strategies_in
from research.errors import RegistrationError
from research.thesis import Strategy


def sources_of(strategies: Iterable[Strategy]) -> dict[str, str]:
    """Text by file name: each strategy's own file, and the neighbours that these import.

    Raises
    ------
    RegistrationError
        If a strategy stands in no file.
    """
    found: dict[str, str] = {}
    todo = []
    for item in strategies:
        todo.append(Path(item.signal.__code__.co_filename))
        if not todo[-1].is_file():
            raise RegistrationError(f"{item.name}: stands in no file; save it as a .py file and register that")
    while todo:
        path = todo.pop()
        if path.name not in found:
            found[path.name] = path.read_text(encoding="utf-8")
            nearby = (path.parent / f"{name}.py" for name in sorted(_imported(found[path.name])))
            todo += [file for file in nearby if file.is_file()]
    return dict(sorted(found.items()))


def strategies_of(sources: Mapping[str, str], sha256: Mapping[str, str], where: str) -> dict[str, Strategy]:
    """The strategies of these files that are named, each once its code is known to be the registered one.

    Raises
    ------
    RegistrationError
        If one is not there, or computes something else.
    """
    found = _loaded(tuple(sources.items()))
    for name, digest in sha256.items():
        if name not in found or found[name].source_hash != digest:
            files = ", ".join(sources)
            raise RegistrationError(f"{where}: code: {name} computes something else by {files} alone; register it anew")
    return {name: found[name] for name in sha256}


@cache
def _loaded(sources: tuple[tuple[str, str], ...]) -> dict[str, Strategy]:
    folder = tempfile.TemporaryDirectory(prefix="assay_registered_")
    atexit.register(folder.cleanup)
    for name, text in sources:
        (Path(folder.name) / Path(name).name).write_text(text, encoding="utf-8")
    return strategies_in(Path(folder.name))


def _imported(text: str) -> set[str]:
    """First names of everything that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} if node.module else {alias.name for alias in node.names}
    return {name.partition(".")[0] for name in names}
