"""Lists and tables kept on this machine by the content of all that they were made from: nothing is read twice.

The key is a SHA-256 over every byte that went in, of this package's own code, and over the moments at which packages
were last installed: whatever changes, the thing is made again.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import pickle
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from research.home import home_folder
from research.provenance import hash_bytes, hash_code, hash_text
from research.values import plain

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")


def kept(name: str, folders: Iterable[Path], make: Callable[[], T]) -> T:
    """What ``make`` returns, as plain JSON: read where it was kept under the same content, else made and kept.

    Parameters
    ----------
    folders
        Of packs, theses and strategies.
    """
    try:
        key = _key(folders)
    except (OSError, ValueError):  # a file is missing or is no registry: making the list says so
        return make()
    if (content := read_kept(f"{name}.json", key)) is not None:
        found: T = json.loads(content)
        return found
    made: T = plain(make())
    write_kept(f"{name}.json", key, json.dumps(made).encode())
    return made


def kept_table(name: str, made_from: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """The table that ``make`` returns, read where it was kept under the same hash of what it is made from."""
    key = hash_text(f"{made_from} {_code()}")
    if (content := read_kept(f"{name}.table", key)) is not None:
        found: pd.DataFrame = pickle.loads(content)  # our own bytes, whole: their hash stands before them
        return found
    made = make()
    write_kept(f"{name}.table", key, pickle.dumps(made))
    return made


def read_kept(name: str, key: str) -> bytes | None:
    """What was kept under a key, if it is there and whole."""
    with suppress(OSError):
        head, _, content = (home_folder() / "kept" / name).read_bytes().partition(b"\n")
        if head.decode("ascii", "replace") == f"{key} {hash_bytes(content)}":
            return content
    return None


def write_kept(name: str, key: str, content: bytes) -> None:
    """Keep it, or let it be where that cannot be done: it is made again."""
    with suppress(OSError):
        path = home_folder() / "kept" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.write_bytes(f"{key} {hash_bytes(content)}\n".encode() + content)
        fresh.replace(path)


@functools.cache
def _code() -> str:
    """Of this package, and of when packages were installed."""
    digest = hashlib.sha256(hash_code().encode())
    for place in sys.path:
        if os.path.isdir(place) and "site-packages" in place:
            digest.update(f"{place} {os.stat(place).st_mtime_ns}".encode())
    return digest.hexdigest()


def _key(folders: Iterable[Path]) -> str:
    digest = hashlib.sha256(_code().encode())
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
