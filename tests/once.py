"""What is dear and the same whenever a test asks for it: computed once in each process of the tests.

Every function here is pure where it is kept, by the content of its arguments: nothing that a test changes is kept.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest


def _commands(get_command: Callable) -> Callable:
    """typer builds all commands anew for each line that is typed, which takes longer than most lines do."""
    return functools.cache(get_command)


def _installed(distributions: Callable) -> Callable:
    """Every run that is kept names every package, and reads a file for each."""

    @functools.cache
    def once() -> list[SimpleNamespace]:
        return [SimpleNamespace(name=item.name, version=item.version) for item in distributions()]

    return once


def _bundled_tables(load: Callable) -> Callable:
    """Files of the bundled pack do not change; those of a pack that a test writes may."""
    from research.home import bundled_folder

    tables: dict[object, object] = {}

    def once(pack, dataset):
        if pack.root != bundled_folder():
            return load(pack, dataset)
        key = repr((pack.files, dataset))
        if key not in tables:
            tables[key] = load(pack, dataset)
        return tables[key].copy(deep=False)

    return once


def _regimes(markov_regimes: Callable) -> Callable:
    """More than half of an appendix, and of the metal alone: the same for every strategy of the same bars."""
    found: dict[object, object] = {}

    def once(returns, **how):
        key = (returns.to_numpy().tobytes(), returns.index.to_numpy().tobytes(), *sorted(how.items()))
        if key not in found:
            found[key] = markov_regimes(returns, **how)
        return found[key]

    return once


DEAR = {
    ("research.cli", "get_command"): _commands,
    ("research.runs", "distributions"): _installed,
    ("research.datasets.data", "load"): _bundled_tables,
    ("research.study.appendix", "markov_regimes"): _regimes,
}


@contextmanager
def dear_things_once() -> Iterator[None]:
    """Keep them, of the modules that the tests have loaded."""
    with pytest.MonkeyPatch.context() as patch:
        for (module, name), keeping in DEAR.items():
            if hasattr(sys.modules.get(module), name):
                patch.setattr(f"{module}.{name}", keeping(getattr(sys.modules[module], name)))
        yield
