"""What is dear and the same whenever a test asks for it: computed once in each process of the tests.

Every function here is pure where it is kept, by the content of its arguments: nothing that a test changes is kept.
"""

from __future__ import annotations

import functools
import pickle
import ssl
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pandas as pd
import pytest


def _installed(distributions: Callable) -> Callable:
    """Every run that is kept names every package, and reads a file for each."""

    @functools.cache
    def once() -> list[SimpleNamespace]:
        return [SimpleNamespace(name=item.name, version=item.version) for item in distributions()]

    return once


def _bundled_registry(read_registry: Callable) -> Callable:
    """The bundled pack does not change; one that a test writes may."""
    from research.home import bundled_folder

    once = functools.cache(read_registry)
    return lambda folder: (once if folder == bundled_folder() else read_registry)(folder)


def _bundled_tables(load: Callable) -> Callable:
    """Nor do its files; everybody gets a copy of what was read."""
    from research.home import bundled_folder

    tables: dict[str, pd.DataFrame] = {}

    def read(pack, dataset):
        if pack.root != bundled_folder():
            return load(pack, dataset)
        key = repr((pack.files, dataset))
        if key not in tables:
            tables[key] = load(pack, dataset)
        return tables[key].copy(deep=False)

    return read


def _documents(loads: Callable) -> Callable:
    """The same registry is parsed by everybody who opens its pack; everybody gets a document of his own."""
    once = functools.cache(lambda text: pickle.dumps(loads(text)))
    return lambda text: pickle.loads(once(text))


def _certificates(create: Callable) -> Callable:
    """Every client reads the certificates of all authorities, and the tests speak to this machine."""
    once = functools.cache(create)
    return lambda *asked, **how: once(*asked, **how)


DEAR = {
    (tomllib.__name__, "loads"): _documents,
    (ssl.__name__, "create_default_context"): _certificates,
    ("research.runs", "distributions"): _installed,
    ("research.datasets.data", "read_registry"): _bundled_registry,
    ("research.lookahead.checking", "read_registry"): _bundled_registry,
    ("research.datasets.data", "load"): _bundled_tables,
}


@contextmanager
def dear_things_once() -> Iterator[None]:
    """Keep them, of the modules that the tests have loaded."""
    with pytest.MonkeyPatch.context() as patch:
        for (module, name), keeping in DEAR.items():
            if hasattr(sys.modules.get(module), name):
                patch.setattr(f"{module}.{name}", keeping(getattr(sys.modules[module], name)))
        yield
