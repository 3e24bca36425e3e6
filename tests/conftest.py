"""What every test may ask for."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

# Every process of a run loads the same sources: compile each once, wherever the environment says not to.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# What nbformat loads would build 38 grammars of addresses, which takes seconds and which no notebook here needs.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

REPOSITORY = Path(__file__).resolve().parents[1]


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
def _one_thread() -> Iterator[None]:
    """Small regressions on several threads spend ten times the work on waiting for each other."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for every test: nothing reads or writes the user's pack; the families' cache is shared."""
    folder = tmp_path_factory.mktemp("home")
    families = Path(tempfile.gettempdir()) / f"assay-families-{os.getuid()}"
    families.mkdir(exist_ok=True)
    (folder / "families").symlink_to(families, target_is_directory=True)
    monkeypatch.setenv("ASSAY_HOME", str(folder))
    return folder
