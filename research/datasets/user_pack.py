"""The user's own data pack: written by fetch and add, read like any other pack.

Data files are named by their content and never changed; ``registry.toml``, which pins them, is replaced in one
step. So at any moment, also after a power cut, the registry and the files it names agree: a write either happened
or did not. A lock keeps two writers apart, and the registry ends in a seal over its own bytes::

    pack/
        registry.toml                       what each dataset is, the pins, the manifest, the seal
        gold_price-1f0c….parquet            observed_for, known_at, value: every vintage
        .lock
"""

from __future__ import annotations

import os
import re
import time
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import TypedDict, cast

import pandas as pd

from research.datasets.optional import need
from research.datasets.registry import FORMAT, read_registry
from research.datasets.store import load, write_atomically
from research.datasets.store import verify as verify_files
from research.datasets.vintages import Merged
from research.errors import AssayError, DataError, IntegrityError, RegistryError
from research.provenance import hash_bytes

LOCK_TIMEOUT = 120.0
"""Seconds to wait for another fetch to finish writing."""

_UNUSED_SECONDS = 3600.0
_SEAL = re.compile(rb"# seal: sha256 ([0-9a-f]{64})\n\Z")


class ManifestLine(TypedDict, total=False):
    """Where the newest state of a dataset came from, and what it covers."""

    source: str
    address: str
    retrieved_at: datetime
    bytes: int
    sha256: str
    rows: int
    first: date
    last: date


class _Document(TypedDict):
    """The pack's registry."""

    pack: dict[str, object]
    files: dict[str, str]
    datasets: dict[str, dict[str, object]]
    manifest: dict[str, ManifestLine]


def keep(
    folder: Path,
    identity: str,
    description: Mapping[str, object],
    update: Callable[[pd.DataFrame | None], Merged],
    line: ManifestLine,
    *,
    anew: bool = False,
) -> Merged:
    """Merge new observations into the pack and record where they came from, as one step.

    Parameters
    ----------
    folder
        The pack; made if it is not there.
    identity
        Dataset id.
    description
        The dataset's registry fields, without ``file`` and ``read``; for a table, ``columns`` too.
    update
        From the observation table kept so far (or None) to the merged one. Called under the lock.
    line
        The manifest's, without what the table says.
    anew
        Start from nothing: what is kept of this dataset is dropped, damaged or not.

    Raises
    ------
    IntegrityError
        If what is kept already was altered; nothing is written then.
    DataError
        If another process holds the lock for too long, or the disk refuses.
    """
    filelock = need("filelock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / ".lock", timeout=LOCK_TIMEOUT):
            document = _read_document(folder)
            known = identity in document["datasets"] and not anew
            kept = observations(folder, identity) if known else None
            merged = update(kept)
            if kept is None or merged.changed:
                _store(folder, document, identity, description, merged.table)
            periods = merged.table["observed_for"]
            spanned = {"rows": len(periods), "first": periods.min().date(), "last": periods.max().date()}
            document["manifest"][identity] = cast(ManifestLine, line | spanned)
            body = need("tomli_w").dumps(document).encode("utf-8")
            write_atomically(folder / "registry.toml", body + f"# seal: sha256 {hash_bytes(body)}\n".encode())
            _remove_unused(folder, document)
            return merged
    except filelock.Timeout:
        why = f"{folder}: another fetch has been writing for {LOCK_TIMEOUT:g} s"
        raise DataError(f"{why}; wait for it and retry") from None
    except OSError as error:
        why = f"{folder}: {error.strerror or error}"
        raise DataError(f"{why}; nothing was changed, make room or allow writing") from None


def observations(folder: Path, identity: str) -> pd.DataFrame | None:
    """The observation table of one dataset in the pack, or None where there is none."""
    if not (folder / "registry.toml").exists():
        return None
    pack = read_registry(folder)
    return load(pack, pack.datasets[identity]) if identity in pack.datasets else None


def manifest(folder: Path) -> dict[str, ManifestLine]:
    """The manifest by dataset id."""
    return _read_document(folder)["manifest"]


def verify_pack(folder: Path) -> list[str]:
    """Find every byte that is not as written, in the data files and in the registry; one line each."""
    path = folder / "registry.toml"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    problems = [] if _sealed(content) else [f"{path}: altered since it was written; restore it, or fetch again"]
    try:
        return problems + verify_files(read_registry(folder))
    except AssayError as error:
        return [*problems, str(error)]


def _read_document(folder: Path) -> _Document:
    path = folder / "registry.toml"
    empty = {"pack": {"format": FORMAT, "name": "user"}, "files": {}, "datasets": {}, "manifest": {}}
    content = path.read_bytes() if path.exists() else b""
    if _SEAL.search(content) and not _sealed(content):
        cure = "restore it, or remove its last line if you edited it"
        raise IntegrityError(f"{path}: altered since it was written; {cure}")
    try:
        return cast(_Document, empty | tomllib.loads(content.decode("utf-8")))
    except ValueError as error:
        raise RegistryError(f"{path}: not valid TOML: {error}; restore it") from None


def _sealed(content: bytes) -> bool:
    found = _SEAL.search(content)
    return found is not None and hash_bytes(content[: found.start()]).encode() == found.group(1)


def _store(folder: Path, document: _Document, identity: str, about: Mapping[str, object], table: pd.DataFrame) -> None:
    """Write the table under a name of its content, and name it in the registry in place of the former one."""
    content = table.to_parquet(index=False)
    digest = hash_bytes(content)
    name = f"{identity}-{digest[:16]}.parquet"
    write_atomically(folder / name, content)
    columns = {"columns": about["columns"]} if about.get("kind") == "table" else {"value": "value"}
    former = str(document["datasets"].get(identity, {}).get("file"))
    if former in document["files"] and former != name:
        del document["files"][former]
        with suppress(FileNotFoundError):
            os.utime(folder / former)
    document["files"][name] = digest
    document["datasets"][identity] = {key: value for key, value in about.items() if key != "columns"} | {
        "file": name,
        "read": {"observed_for": "observed_for", "known_at": "known_at"} | columns,
    }


def _remove_unused(folder: Path, document: _Document) -> None:
    """Delete what no registry names any more, an hour later: a reader may still hold the old registry."""
    oldest = time.time() - _UNUSED_SECONDS
    for path in [*folder.glob("*.parquet"), *folder.glob(".*.parquet.*"), *folder.glob(".registry.toml.*")]:
        if path.name not in document["files"] and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
