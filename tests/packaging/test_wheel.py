"""The wheel alone: in an environment without the clone, in an empty folder, it answers as the clone does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

from ..conftest import REPOSITORY


def run(*words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    folder = more.pop("cwd", None)
    return subprocess.run(
        list(map(str, words)), capture_output=True, text=True, cwd=folder, env={**environment, **more}, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, REPOSITORY)
    if built.returncode and "hatchling" in built.stderr:
        pytest.skip("the build's own requirement, hatchling, cannot be had here")
    assert built.returncode == 0, built.stderr[-500:]
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory) -> Path:
    """A new environment that has the wheel, and the dependencies of this one by a path."""
    folder = tmp_path_factory.mktemp("environment")
    assert run(sys.executable, "-m", "venv", "--without-pip", folder).returncode == 0
    paths = {"base": str(folder), "platbase": str(folder)}
    site = Path(sysconfig.get_path("purelib", vars=paths))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    here = [sysconfig.get_path(kind) for kind in ("purelib", "platlib")]
    (site / "dependencies.pth").write_text("\n".join(dict.fromkeys(here)), encoding="utf-8")
    return Path(sysconfig.get_path("scripts", vars=paths)) / "python"


@pytest.mark.slow
def test_it_answers_anywhere(python, tmp_path):
    home = {"ASSAY_HOME": str(tmp_path / "home"), "cwd": str(tmp_path)}
    where = run(python, "-c", "import research; print(research.__file__)", **home)
    assert str(REPOSITORY) not in where.stdout
    answer = run(python, "-m", "assay", "compare", "lease_rate_spike", "--metal", "silver", "--json", **home)
    assert answer.returncode == 0, answer.stderr[-500:]
    (trial,) = json.loads(answer.stdout)["trials"]
    assert trial["strategy"] == "lease_rate_spike"
    claims = run(python, "-m", "assay", "claims", **home)
    assert claims.returncode == 0, claims.stderr[-500:]


@pytest.mark.slow
def test_it_answers_with_docstrings_and_assertions_stripped(python, tmp_path):
    home = {"ASSAY_HOME": str(tmp_path / "home"), "cwd": str(tmp_path), "PYTHONOPTIMIZE": "2"}
    answer = run(python, "-m", "assay", "backtest", "momentum_12_months", "--metal", "gold", "--json", **home)
    assert answer.returncode == 0, answer.stderr[-500:]


@pytest.mark.slow
def test_the_wheel_carries_no_tool_of_ours(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "research/_bundled/registry.toml" in names
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"research", "strategies", "assay.py"}


def test_every_floor_is_at_most_what_is_pinned():
    """A floor above the lock would make the lock a lie; both are PEP 508 lines."""
    from packaging.requirements import Requirement

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    lines = (REPOSITORY / "requirements-dev.lock").read_text(encoding="utf-8").splitlines()
    pinned = {}
    for line in lines:
        if line and line[0].isalnum():
            found = Requirement(line)
            pinned.setdefault(found.name, []).append(next(iter(found.specifier)).version)
    for requirement in map(Requirement, asked):
        versions = pinned.get(requirement.name, [])
        assert all(requirement.specifier.contains(version) for version in versions), requirement


def test_the_image_copies_all_that_it_installs():
    """No container can be built in every place where the tests run; its files can be looked for."""
    lines = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]}
    assert all((REPOSITORY / name).exists() for name in copied)
    build = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = build["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {
        *wheel["packages"],
        *wheel["force-include"],
        build["project"]["readme"],
        *build["project"]["license-files"],
    }
    assert needed <= copied
    assert len([line for line in lines if line and not line.startswith("#")]) <= 12
