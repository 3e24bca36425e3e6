"""What every test may ask for."""

from __future__ import annotations

import compileall
import gc
import itertools
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from research.claims import Thesis
    from research.datasets.data import Data
from threadpoolctl import threadpool_limits

from tests.once import dear_things_once

REPOSITORY = Path(__file__).resolve().parents[1]
HOMES = itertools.count()

# Each source is compiled once, also where the environment keeps bytecode off: many processes load the same.
sys.dont_write_bytecode = False
for sources in ("research", "strategies", "tests/zoo"):
    compileall.compile_dir(REPOSITORY / sources, quiet=2)
# What nbformat loads would build 38 grammars of addresses, which takes seconds and which no notebook here needs.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
# Modules and tests stay until the end: whoever looks for garbage need not look at a million objects of theirs.
gc.disable()


def pytest_collection_finish() -> None:
    """From here on there is garbage, looked for as seldom as a command does."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


def pytest_sessionfinish() -> None:
    """Look for it once more; pytest would five times through all that is left."""
    gc.collect()
    gc.freeze()


def market_folder() -> Path:
    """Folder of the daily vendor history, which may not be redistributed and so is not in the repository."""
    return Path(os.environ.get("ASSAY_MARKET", REPOSITORY.parent / "shared" / "market"))


@pytest.fixture(scope="session")
def market() -> Path:
    """The vendors' daily history, or a skip that says why."""
    folder = market_folder()
    if not folder.is_dir():
        pytest.skip(f"no daily vendor history at {folder}; name its folder with ASSAY_MARKET")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _no_real_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fixtures that live longer than one test do not touch the user's home either."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_HOME", str(tmp_path_factory.mktemp("home_of_all")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_bytecode_of_strategies() -> Iterator[None]:
    """A strategy that a test writes twice in one second is not taken from the bytecode of the first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Small regressions on several threads spend ten times the work on waiting for each other."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture(scope="session", autouse=True)
def _dear_things_once() -> Iterator[None]:
    with dear_things_once():
        yield


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for every test: nothing reads or writes the user's pack; the families' cache is shared."""
    folder = tmp_path_factory.getbasetemp() / f"home_{next(HOMES)}"  # `mktemp` would look at all the others first
    families = Path(tempfile.gettempdir()) / f"assay-families-{os.getuid()}"
    families.mkdir(exist_ok=True)
    (folder / "kept").mkdir(parents=True)
    (folder / "kept" / "families").symlink_to(families, target_is_directory=True)
    monkeypatch.setenv("ASSAY_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def copper_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another thesis, about copper, on data that are made up, with an effect in them."""
    from tests.copper.made_up import copper

    return copper(tmp_path_factory.mktemp("copper") / "thesis", effect=0.04)


@pytest.fixture(scope="session")
def copper_thesis(copper_folder: Path) -> Thesis:
    """It, read."""
    from research.claims import load_thesis

    return load_thesis(copper_folder)


@pytest.fixture(scope="session")
def copper_data(copper_folder: Path) -> Data:
    """Its data alone."""
    from research.datasets.data import open_data

    return open_data(copper_folder, bundled=False)
