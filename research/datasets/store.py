"""From a pack's bytes to observation tables: nothing is read that does not match its SHA-256."""

from __future__ import annotations

import os
import re
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Literal

import pandas as pd

from research.datasets.dataset import Dataset
from research.datasets.periods import period_end
from research.datasets.registry import Pack, read_registry
from research.datasets.release import known_at
from research.datasets.validation import validate
from research.errors import IntegrityError, ValidationError
from research.provenance import hash_bytes


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
    where = f"{dataset.id}: {dataset.file}"
    raw = _read_table(_verified_bytes(pack, dataset.file, dataset.id), dataset.file, where)
    read = dataset.read
    columns = read.parts
    sums = [name for names in columns.values() for name in names]
    published = [rule.column for rule in dataset.release if rule.column and not read.known_at]
    for name in filter(None, [read.observed_for, read.known_at, *sums, *read.where, *published]):
        if name not in raw.columns:
            raise ValidationError(f"{where}: no column {name!r}; the file has {', '.join(map(str, raw.columns))}")
    for name, wanted in read.where.items():
        raw = raw[raw[name] == wanted]
    n_rows = len(raw)
    if dataset.kind == "series":
        raw = raw[raw[sums].notna().all(axis=1)]
    n_empty = n_rows - len(raw)
    raw = raw.reset_index(drop=True)
    try:
        observed_for = read.periods(raw)
        rows = read.wanted_rows(observed_for, raw, dataset.key)
        raw, observed_for = raw[rows].reset_index(drop=True), observed_for[rows].reset_index(drop=True)
        table = pd.DataFrame({"observed_for": observed_for})
        table["known_at"] = _known_at(pack, dataset, raw, observed_for)
        for name, parts in columns.items():
            table[name] = raw[parts[0]] if name in dataset.key else _numbers(raw[parts]) * read.scale
    except (ValidationError, ValueError) as error:
        raise ValidationError(f"{where}: {error}") from None
    checked = validate(table, dataset, where)
    checked.attrs["empty_rows"] = n_empty
    return checked


def verify(pack: Pack) -> list[str]:
    """Check every pinned file; return one line per file that is missing or changed."""
    problems = []
    for file in pack.files:
        try:
            _verified_bytes(pack, file, pack.name)
        except IntegrityError as error:
            problems.append(str(error))
    return problems


def pin(folder: Path) -> int:
    """Write the SHA-256 of every file named in ``folder/registry.toml`` into its ``[files]``.

    Returns the number of pins that changed. The registry is replaced atomically.
    """
    path = folder / "registry.toml"
    text = path.read_text(encoding="utf-8")
    pack = read_registry(folder)
    changed = 0
    for file, digest in pack.files.items():
        now = hash_bytes((pack.root / file).read_bytes())
        if now != digest:
            text, found = re.subn(
                rf'^("?{re.escape(file)}"?\s*=\s*)"[^"]*"', rf'\g<1>"{now}"', text, flags=re.MULTILINE
            )
            changed += found
    write_atomically(path, text.encode("utf-8"))
    return changed


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
        _sync(path.parent)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    """A renamed file is on the disk once its folder is."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def _verified_bytes(pack: Pack, file: str, what: str) -> bytes:
    path = pack.root / file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise IntegrityError(f"{what}: {path}: {error.strerror}; restore the file or fetch it again") from None
    digest = hash_bytes(content)
    if digest != pack.files[file]:
        raise IntegrityError(
            f"{what}: {path} has SHA-256 {digest[:12]}…, the registry pins {pack.files[file][:12]}…; "
            "restore the file, or pin it anew if the change is yours"
        )
    return content


def _read_table(content: bytes, file: str, where: str) -> pd.DataFrame:
    try:
        if file.endswith(".parquet"):
            return pd.read_parquet(BytesIO(content))
        compression: Literal["gzip"] | None = "gzip" if file.endswith(".gz") else None
        return pd.read_csv(BytesIO(content), compression=compression, dtype={"published_on": "str"})
    except (ValueError, OSError) as error:
        raise ValidationError(f"{where}: cannot be read as a table: {error}") from None


def _known_at(pack: Pack, dataset: Dataset, raw: pd.DataFrame, observed_for: pd.Series) -> pd.Series:
    recorded = dataset.read.known_at
    if recorded and pd.api.types.is_datetime64_any_dtype(raw[recorded]):
        moments: pd.Series = raw[recorded].dt.tz_convert("UTC").astype("datetime64[us, UTC]")
        return moments
    published = {rule.column: raw[rule.column] for rule in dataset.release if rule.column}
    exceptions = {}
    for rule in dataset.release:
        if rule.exceptions:
            late = _read_table(_verified_bytes(pack, rule.exceptions, dataset.id), rule.exceptions, dataset.id)
            exceptions[rule.exceptions] = pd.DataFrame(
                {name: period_end(late[name], column=name) for name in ("observed_for", "known_at")}
            )
    return known_at(dataset.release, observed_for, published, exceptions)


def _numbers(parts: pd.DataFrame) -> pd.Series:
    """Sum of the columns, row by row; with one column, that column."""
    total: pd.Series = parts.apply(pd.to_numeric, errors="raise").astype("float64").sum(axis=1, skipna=False)
    return total
