"""From a pack's bytes to observation tables: nothing is read that does not match its SHA-256."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from research.datasets.dataset import Dataset
from research.datasets.registry import Pack
from research.datasets.release import known_at
from research.errors import IntegrityError, NoData, ValidationError, located
from research.kept import kept
from research.provenance import hash_bytes, hash_text


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
                return _observations(dataset, {file: _read_table(content[file], file) for file in files})
            except ValueError as error:
                raise ValidationError(str(error)) from None

    made_from = hash_text(repr((dataset, [pack.files[file] for file in files])))
    return kept(f"{dataset.id}-{hash_text(str(pack.root))[:12]}", made_from, make)


def _observations(dataset: Dataset, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
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
    raw = raw.reset_index(drop=True)
    observed_for = read.periods(raw)
    rows = read.wanted_rows(observed_for, raw, dataset.key)
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
            numbers = raw[parts].apply(pd.to_numeric).astype("float64")
            table[name] = numbers.sum(axis=1, skipna=False) * read.scale
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
