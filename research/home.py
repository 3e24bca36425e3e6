"""Where things lie on this machine: the bundled data pack, and the folder of everything that is the user's."""

from __future__ import annotations

import os
import tomllib
from functools import cache
from pathlib import Path

_HERE = Path(__file__).resolve().parent
PACKAGE = "strategies"
BUNDLED = _HERE.parent / PACKAGE
"""Folder of the strategies that ship with the package."""


def bundled_folder() -> Path:
    """The folder of the pack that ships with the package (``data/`` in a clone)."""
    installed = _HERE / "_bundled"
    return installed if installed.is_dir() else _HERE.parent / "data"


def home_folder(home: str | Path | None = None) -> Path:
    """The folder of everything that is the user's: ``home``, else ``$ASSAY_HOME``, else the platform's."""
    if home is not None:
        return Path(home).expanduser()
    if named := os.environ.get("ASSAY_HOME"):
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_path("assay", appauthor=False))


def user_pack_folder(home: str | Path | None = None) -> Path:
    """Where the user's pack is; it exists once something is kept (``registry.toml`` in it)."""
    return home_folder(home) / "pack"


def pack_folders(*packs: str | Path, bundled: bool = True, user: bool | None = None) -> list[Path]:
    """The packs in force, the later over the earlier: bundled, the user's where there is one, and the named ones.

    ``user`` is by default as ``bundled``.
    """
    folders = [bundled_folder()] if bundled else []
    if (bundled if user is None else user) and (user_pack_folder() / "registry.toml").exists():
        folders.append(user_pack_folder())
    return [*folders, *(Path(pack).expanduser() for pack in packs)]


@cache
def fetchable() -> frozenset[str]:
    """What the catalogue of sources has that programs may download; the catalogue is data, read and not imported."""
    document = tomllib.loads((_HERE / "sources" / "catalog.toml").read_text(encoding="utf-8"))
    by_hand = {name for name, provider in document["providers"].items() if provider.get("by_hand")}
    return frozenset(name for name, one in document["datasets"].items() if one["provider"] not in by_hand)


def shadows(folder: Path | None = None) -> list[str]:
    """One line for each file in ``folder`` (by default the working folder) that hides ``research`` from notebooks."""
    folder = (folder or Path()).resolve()
    return [
        f"{theirs}: `import research` in a notebook or script here means this, not assay's own; rename it, or write "
        "`import assay`"
        for theirs in (folder / "research" / "__init__.py", folder / "research.py")
        if theirs.is_file() and theirs.parent.resolve() != _HERE
    ]
