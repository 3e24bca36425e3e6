"""Lists, tables and numbers kept on this machine by the content of all that they were made from: nothing is read twice.

The key is a SHA-256 over every byte that went in, of this package's own code, and over the versions of what computes:
whatever changes, the thing is made again.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar, cast

from research.home import home_folder
from research.provenance import hash_bytes, hash_code, hash_text, versions
from research.values import plain

T = TypeVar("T")


def kept_list(name: str, folders: Iterable[Path], make: Callable[[], T]) -> T:
    """What ``make`` returns, in plain values: read where it was kept under the same content, else made and kept.

    Parameters
    ----------
    folders
        Of packs, theses and strategies.
    """
    try:
        content = _content(folders)
    except (OSError, ValueError):  # a file is missing or is no registry: making the list says so
        return make()
    return kept(name, content, lambda: cast(T, plain(make())))


def kept(name: str, made_from: str, make: Callable[[], T]) -> T:
    """What ``make`` returns, read where it was kept under the same hash of what it is made from.

    Where it cannot be kept, or is not whole, it is made again.
    """
    path, key = home_folder() / "kept" / name, hash_text(f"{made_from} {_code()}")
    with suppress(OSError):
        head, _, content = path.read_bytes().partition(b"\n")
        if head.decode("ascii", "replace") == f"{key} {hash_bytes(content)}":
            return cast(T, pickle.loads(content))  # our own bytes, whole: their hash stands before them
    made = make()
    content = pickle.dumps(made)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.write_bytes(f"{key} {hash_bytes(content)}\n".encode() + content)
        fresh.replace(path)
    return made


@functools.cache
def _code() -> str:
    """Of this package, and the versions of what computes."""
    return hash_text(f"{hash_code()} {versions()}")


def _content(folders: Iterable[Path]) -> str:
    digest = hashlib.sha256()
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
