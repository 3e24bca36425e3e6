"""Read a data pack's ``registry.toml``; fail closed on anything it does not say clearly."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from research.datasets.dataset import Dataset
from research.datasets.fields import from_table
from research.datasets.price import Price, moment_of, parse_prices
from research.datasets.release import parse_release
from research.datasets.shaping import Read
from research.errors import RegistryError
from research.values import frozen

FORMAT = 1

ABOUT = (
    "title", "unit", "frequency", "kind", "key", "price", "decision", "release", "longest_useful_age_days", "lag_note",
    "forecast", "plausible",
)  # fmt: skip
"""Fields that say what a dataset is, and so are the same whoever delivers it."""


@dataclass(frozen=True)
class Pack:
    """A folder of data files with a registry: what they are, and the SHA-256 of each."""

    name: str
    root: Path
    files: Mapping[str, str]
    datasets: Mapping[str, Dataset]
    folder: Path | None = None  # where its registry.toml is
    prices: Mapping[str, Price] = field(default_factory=dict)  # by name, the best first


def read_registry(folder: Path) -> Pack:
    """Read ``folder/registry.toml``.

    The data files stand beside it, or under ``[pack] root``, taken relative to the registry.

    Raises
    ------
    RegistryError
        If it is missing, is not TOML, lacks a field, or names a file that is not pinned.
    """
    path = folder / "registry.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise RegistryError(f"{folder}: no registry.toml, so this is no data pack; name the pack's folder") from None
    except OSError as error:
        raise RegistryError(f"{path}: cannot be read: {error.strerror}; name another pack's folder") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RegistryError(f"{path}: not valid TOML: {error}") from None
    head = document.get("pack", {})
    if head.get("format") != FORMAT:
        raise RegistryError(f"{path}: [pack] format is {head.get('format')!r}; this version reads format {FORMAT}")
    name = str(head.get("name", folder.name))
    root = (folder / str(head.get("root", "."))).resolve()
    files = {str(file): str(digest) for file, digest in document.get("files", {}).items()}
    datasets = {
        identity: _dataset(identity, entry, files, name, f"{path}: [datasets.{identity}]")
        for identity, entry in document.get("datasets", {}).items()
    }
    if not datasets:
        raise RegistryError(f"{path}: no [datasets.…] entries; a pack without data is not usable")
    prices = parse_prices(document.get("prices", {}), str(path))
    return Pack(name, root, frozen(files), frozen(datasets), folder.resolve(), prices)


def descriptions(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """What a registry says of each id, whoever delivers it: the fields that are not of one file.

    From ``[datasets]``, and from ``[described]``, where ids stand that the pack describes and does not hold.
    """
    file = folder / "registry.toml"
    document = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    entries = document.get("datasets", {}) | document.get("described", {})
    return {
        identity: {key: value for key, value in entry.items() if key in ABOUT} for identity, entry in entries.items()
    }


def _dataset(identity: str, entry: object, files: Mapping[str, str], pack: str, where: str) -> Dataset:
    own = dict(entry) if isinstance(entry, Mapping) else {}
    release = parse_release(own.pop("release", None), where)
    for file in filter(None, (own.get("file"), *(rule.exceptions for rule in release))):
        if file not in files:
            raise RegistryError(f"{where}: file {file!r} is not pinned under [files]; add its SHA-256")
    age, decision = own.pop("longest_useful_age_days", None), own.pop("decision", {})
    if not isinstance(age, int | float) or age <= 0:
        raise RegistryError(f"{where}: longest_useful_age_days is {age!r}; say after how many days a value is stale")
    dataset = from_table(
        Dataset,
        own,
        where,
        id=identity,
        read=from_table(Read, own.pop("read", {}), f"{where}: read"),
        decision=moment_of(decision),
        release=release,
        longest_useful_age=pd.Timedelta(days=age),
        pack=pack,
        sha256=files.get(str(own.get("file")), ""),
    )
    if not (dataset.read.value if dataset.kind == "series" else dataset.read.columns):
        raise RegistryError(f"{where}: kind must be 'series' with read.value, or 'table' with read.columns")
    if dataset.price and not all(dataset.decision):
        raise RegistryError(
            f'{where}: a price needs `decision = {{ time = "13:30", timezone = "America/New_York" }}`, '
            "the moment of each bar at which a strategy decides"
        )
    return dataset
