"""Data packs on the disk: bytes that match their SHA-256 become observation tables, and new ones are kept.

The user's own pack, written by fetch and add, is read like any other. Its data files are named by their content and
never changed; ``registry.toml``, which pins them, is replaced in one step. So at any moment, also after a power cut,
the registry and the files it names agree: a write either happened or did not. A lock keeps two writers apart, and the
registry ends in a seal over its own bytes::

    pack/
        registry.toml                       what each dataset is, the pins, the manifest, the seal
        gold_price-1f0c….parquet            observed_for, known_at, value: every vintage
        .lock
"""

from __future__ import annotations

import os
import re
import tempfile
import time
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from research.datasets.registry import FORMAT, Dataset, Pack, read_registry
from research.datasets.release import known_at
from research.datasets.vintages import Merged
from research.errors import AssayError, DataError, IntegrityError, NoData, RegistryError, ValidationError, located, need
from research.kept import kept
from research.provenance import hash_bytes, hash_text

# Seconds to wait for another fetch to finish writing.
LOCK_TIMEOUT = 120.0

_UNUSED_SECONDS = 3600.0
_SEAL = re.compile(rb"# seal: sha256 ([0-9a-f]{64})\n\Z")


# Where the newest state of a dataset came from, and what it covers: source, address, retrieved_at, bytes, sha256, rows,
# first, last.
ManifestLine = dict[str, Any]

# The user's registry: ``pack``, ``files``, ``datasets`` and ``manifest``.
_Document = dict[str, dict[str, Any]]


def load(pack: Pack, dataset: Dataset) -> pd.DataFrame:
    """Read one dataset as an observation table.

    Returns
    -------
    pd.DataFrame
        ``observed_for`` (last day of the period, naive), ``known_at`` (UTC) and ``value``, or the
        named columns of a table; sorted by ``known_at``, then ``observed_for``. Its ``attrs`` count the
        ``empty_rows`` that were left out.

    Raises
    ------
    IntegrityError
        If the file is missing or differs from its pin.
    ValidationError
        If a row is one that no observation table may have.
    """
    files = [dataset.file, *(rule.exceptions for rule in dataset.release if rule.exceptions)]
    with located(dataset.id):
        content = {file: _verified_bytes(pack, file) for file in files}

    def make() -> pd.DataFrame:
        with located(f"{dataset.id}: {dataset.file}"):
            try:
                return _rows(dataset, {file: _read_table(content[file], file) for file in files})
            except ValueError as error:
                raise ValidationError(str(error)) from None

    made_from = hash_text(repr((dataset, [pack.files[file] for file in files])))
    return kept(f"{dataset.id}-{hash_text(str(pack.root))[:12]}", made_from, make)


def _rows(dataset: Dataset, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    raw, read = tables[dataset.file], dataset.read
    columns = read.parts
    sums = [name for names in columns.values() for name in names]
    published = [rule.column for rule in dataset.release if rule.column]
    for name in filter(None, [read.observed_for, read.known_at, *sums, *read.where, *published]):
        if name not in raw.columns and (name not in published or not read.known_at):
            raise ValidationError(f"no column {name!r}; the file has {', '.join(map(str, raw.columns))}")
    for name, wanted in read.where.items():
        raw = raw[raw[name] == wanted]
    n_rows = len(raw)
    if dataset.kind == "series":
        raw = raw[raw[sums].notna().all(axis=1)]
    n_empty = n_rows - len(raw)
    observed_for = read.periods(raw.reset_index(drop=True))
    rows = read.wanted_rows(observed_for).to_numpy()
    raw, observed_for = raw[rows].reset_index(drop=True), observed_for[rows].reset_index(drop=True)
    if read.known_at and pd.api.types.is_datetime64_any_dtype(raw[read.known_at]):
        moments = raw[read.known_at].dt.tz_convert("UTC").astype("datetime64[us, UTC]")
    else:
        stated = {name: raw[name] for name in published}
        moments = known_at(dataset.release, observed_for, stated, tables.get)
    table = pd.DataFrame({"observed_for": observed_for, "known_at": moments})
    for name, parts in columns.items():
        if name in dataset.key:
            table[name] = raw[parts[0]]
        else:
            table[name] = raw[parts].apply(pd.to_numeric).astype("float64").sum(axis=1, skipna=False)
    checked = _validated(table, dataset)
    checked.attrs["empty_rows"] = n_empty
    return checked


def verify(pack: Pack) -> list[str]:
    """Check every pinned file; return one line per file that is missing or changed."""
    problems = []
    for file in pack.files:
        try:
            with located(pack.name):
                _verified_bytes(pack, file)
        except IntegrityError as error:
            problems.append(str(error))
    return problems


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside ``path`` and rename, so that the old file stays until the new one is whole."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
        if os.name == "posix":  # a renamed file is on the disk once its folder is
            folder = os.open(path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _verified_bytes(pack: Pack, file: str) -> bytes:
    path = pack.root / file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise IntegrityError(f"{path}: {error.strerror}; restore the file or fetch it again") from None
    digest, pinned = hash_bytes(content), pack.files[file]
    if digest != pinned:
        told = f"{path} has SHA-256 {digest[:12]}…, the registry pins {pinned[:12]}…"
        raise IntegrityError(f"{told}; restore the file, or pin it anew if the change is yours")
    return content


def _read_table(content: bytes, file: str) -> pd.DataFrame:
    try:
        if file.endswith(".parquet"):
            return pd.read_parquet(BytesIO(content))
        compression: Literal["gzip"] | None = "gzip" if file.endswith(".gz") else None
        return pd.read_csv(BytesIO(content), compression=compression, dtype={"published_on": "str"})
    except (ValueError, OSError) as error:
        raise ValidationError(f"cannot be read as a table: {error}") from None


def _validated(table: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Return the table sorted by ``known_at``, then ``observed_for``, or say what is wrong with it.

    Refused are: no rows; missing dates; values that are missing or infinite; a price that is not
    positive; two rows for one period known at one moment; and, unless the dataset is a forecast,
    a value known before its period ends.

    Raises
    ------
    ValidationError, NoData
    """
    if table.empty:
        raise NoData("no rows; check the file and the registry's `read`")
    key = ["observed_for", "known_at", *dataset.key]
    period, moment = table["observed_for"], table["known_at"]
    refused = {"has no date": period.isna() | moment.isna()}
    if dataset.kind == "series":
        refused["is not finite"] = ~np.isfinite(table["value"])
        refused["is no positive price"] = (table["value"] <= 0) & bool(dataset.price)
    refused["is known before its period ends"] = (moment < period.dt.tz_localize("UTC")) & (not dataset.forecast)
    refused["two rows"] = table.duplicated(key)
    for what, rows in refused.items():
        if rows.any():
            row, more = table[rows].iloc[0], f" ({rows.sum()} rows in all)" if rows.sum() > 1 else ""
            when = f"{row['observed_for']:%Y-%m-%d}"
            if what == "two rows":
                raise ValidationError(f"two rows for {when} known at the same moment{more}; keep one of each")
            shown = f"{row['value']:g} " if dataset.kind == "series" else ""
            raise ValidationError(f"row for {when}: {shown}{what}{more}; correct or remove it")
    order = ["known_at", "observed_for", *dataset.key[::-1]]
    return table.iloc[np.lexsort([table[name] for name in order[::-1]])].reset_index(drop=True)


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
            document["manifest"][identity] = line | spanned
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
        return problems + verify(read_registry(folder))
    except AssayError as error:
        return [*problems, str(error)]


def _read_document(folder: Path) -> _Document:
    path = folder / "registry.toml"
    empty: _Document = {"pack": {"format": FORMAT, "name": "user"}, "files": {}, "datasets": {}, "manifest": {}}
    content = path.read_bytes() if path.exists() else b""
    if _SEAL.search(content) and not _sealed(content):
        cure = "restore it, or remove its last line if you edited it"
        raise IntegrityError(f"{path}: altered since it was written; {cure}")
    try:
        return empty | tomllib.loads(content.decode("utf-8"))
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
