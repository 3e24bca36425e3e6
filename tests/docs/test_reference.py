"""The reference: every public name is in it, and every parameter of what is in it is described."""

from __future__ import annotations

import importlib
import inspect
import re

import pytest

import research

from ..conftest import REPOSITORY

PAGES = sorted((REPOSITORY / "docs" / "reference").glob("*.md"))
DIRECTIVES = [name for page in PAGES for name in re.findall(r"^::: ([\w.]+)", page.read_text("utf-8"), re.MULTILINE)]
SECTION = re.compile(r"^(?:Parameters|Attributes)\n-+\n(.*?)(?=^[A-Z]\w*\n-+\n|\Z)", re.MULTILINE | re.DOTALL)


def documented(directive: str):
    """Qualified name and object of what a directive shows: one public name, or all that a module defines."""
    path, _, name = directive.rpartition(".")
    try:
        found = importlib.import_module(directive) if name not in research.__all__ else getattr(research, name)
    except ModuleNotFoundError:
        found = getattr(importlib.import_module(path), name)
    if inspect.ismodule(found):
        shown = {
            f"{directive}.{name}": value
            for name, value in vars(found).items()
            if not name.startswith("_") and (hasattr(found, "__all__") or getattr(value, "__module__", "") == directive)
        }
    else:
        shown = {directive: found}
    for name, value in shown.items():
        if not callable(value):
            continue
        yield name, value
        if inspect.isclass(value):
            for inner, method in vars(value).items():
                if inspect.isfunction(method) and not inner.startswith("_"):
                    yield f"{name}.{inner}", method


def described(text: str) -> set[str]:
    """Names that a docstring's sections describe, or that it speaks of in double backticks."""
    names = set(re.findall(r"``(\w+)``", text))
    for section in SECTION.findall(text):
        for line in section.splitlines():
            if line and not line[0].isspace():
                names |= {name.strip(" *") for name in line.split(":")[0].split(",")}
    return names


@pytest.mark.parametrize("directive", DIRECTIVES)
def test_every_parameter_is_described(directive):
    missing = []
    for name, value in documented(directive):
        text = inspect.getdoc(value) or ""
        whole = "\n".join(inspect.getdoc(base) or "" for base in value.__mro__) if inspect.isclass(value) else text
        assert text, f"{name}: no docstring"
        assert not re.search(r":(?!math)\w+:`", text), f"{name}: a raw role in its docstring"
        if inspect.isclass(value) and (issubclass(value, (BaseException, str)) or hasattr(value, "_is_protocol")):
            continue
        parameters = {
            name
            for name, parameter in inspect.signature(value).parameters.items()
            if name not in ("self", "cls") and str(parameter.annotation).lower() != name  # `trial: Trial` says it
        }
        missing += [f"{name}: {parameter}" for parameter in sorted(parameters - described(whole))]
    assert missing == []


def test_every_public_name_is_in_the_reference():
    shown = {name.rpartition(".")[2] for name in DIRECTIVES}
    shown |= {name.rpartition(".")[2] for directive in DIRECTIVES for name, _ in documented(directive)}
    assert sorted(set(research.__all__) - shown) == []


def test_what_is_missing_is_seen():
    text = "One.\n\nParameters\n----------\nfirst, second\n    Told.\n\nRaises\n------\nError\n    If ``third``."
    assert described(text) == {"first", "second", "third"}
