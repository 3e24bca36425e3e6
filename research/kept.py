"""Lists kept on this machine by the content of all that they were made from, so that a second look need not load it.

The key is a SHA-256 over every byte of the packs and theses asked about, of this package's own code, and over the
moments at which packages were last installed: whatever changes, the list is made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from research.home import home_folder
from research.provenance import hash_code
from research.values import plain

T = TypeVar("T")


def kept(name: str, folders: Iterable[Path], make: Callable[[], T], *, lasting: Callable[[], bool] = lambda: True) -> T:
    """What ``make`` returns, as plain JSON: read where it was kept under the same content, else made and kept.

    Parameters
    ----------
    folders
        Of packs, theses and strategies.
    lasting
        Asked after ``make``: whether nothing but these went into it.
    """
    try:
        key = _key(folders)
    except (OSError, ValueError):  # a file is missing or is no registry: making the list says so
        return make()
    path = home_folder() / "kept" / f"{name}.json"
    with suppress(OSError, ValueError, KeyError):
        document = json.loads(path.read_text("utf-8"))
        if document["key"] == key:
            found: T = document["value"]
            return found
    made: T = plain(make())
    if lasting():
        with suppress(OSError):  # what cannot be kept is made again
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f".{name}.{os.getpid()}")
            fresh.write_text(json.dumps({"key": key, "value": made}), "utf-8")
            fresh.replace(path)
    return made


def _key(folders: Iterable[Path]) -> str:
    digest = hashlib.sha256(hash_code().encode())
    for place in sys.path:
        if os.path.isdir(place) and "site-packages" in place:
            digest.update(f"{place} {os.stat(place).st_mtime_ns}".encode())
    for folder in folders:
        for path in _files(folder.resolve()):
            digest.update(f"{path}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    """The registry of a pack and its data, the text of a thesis, and the modules of its strategies."""
    yield from sorted(folder.glob("*.toml"))
    yield from sorted([*folder.glob("*.py"), *folder.glob("strategies/*.py")])
    if (folder / "registry.toml").is_file():
        document = tomllib.loads((folder / "registry.toml").read_text("utf-8"))
        root = folder / str(document.get("pack", {}).get("root", "."))
        yield from (root / str(file) for file in document.get("files", {}))
