"""Read a data pack's ``registry.toml``; fail closed on anything it does not say clearly."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from research.datasets.dataset import Dataset, Frequency
from research.datasets.price import Price, parse_prices
from research.datasets.release import parse_release
from research.datasets.shaping import check_read
from research.errors import RegistryError, did_you_mean
from research.values import frozen

FORMAT = 1

_REQUIRED = ("title", "publisher", "source", "licence", "unit", "frequency", "file", "read")
_OPTIONAL = ("kind", "key", "price", "decision", "attribution", "notes", "lag_note", "forecast")
_SPECIAL = ("release", "longest_useful_age_days")

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
    document = tomllib.loads((folder / "registry.toml").read_text(encoding="utf-8"))
    entries = document.get("datasets", {}) | document.get("described", {})
    return {
        identity: {key: value for key, value in entry.items() if key in ABOUT} for identity, entry in entries.items()
    }


def _dataset(identity: str, entry: Any, files: Mapping[str, str], pack: str, where: str) -> Dataset:
    if not isinstance(entry, dict):
        raise RegistryError(f"{where}: must be a table of fields, not {entry!r}")
    allowed = (*_REQUIRED, *_OPTIONAL, *_SPECIAL)
    for key in entry:
        if key not in allowed:
            raise RegistryError(f"{where}: unknown field {key!r}{did_you_mean(key, allowed)}")
    for key in _REQUIRED:
        if key not in entry or entry[key] in ("", {}):
            raise RegistryError(f"{where}: field {key!r} is missing; every dataset must say it")
    release = parse_release(entry.get("release"), where)
    if entry["frequency"] not in get_args(Frequency):
        raise RegistryError(
            f"{where}: frequency {entry['frequency']!r}{did_you_mean(str(entry['frequency']), get_args(Frequency))}"
        )
    if entry["file"] not in files:
        raise RegistryError(f"{where}: file {entry['file']!r} is not pinned under [files]; add its SHA-256")
    for rule in release:
        if rule.exceptions and rule.exceptions not in files:
            raise RegistryError(f"{where}: exceptions file {rule.exceptions!r} is not pinned under [files]")
    check_read(entry["read"], where)
    kind = entry.get("kind", "series")
    if kind not in ("series", "table") or (kind == "series" and "value" not in entry["read"]):
        raise RegistryError(f"{where}: kind must be 'series' with read.value, or 'table' with read.columns")
    if kind == "table" and "columns" not in entry["read"]:
        raise RegistryError(f"{where}: a table needs read.columns, the list of its value columns")
    age = entry.get("longest_useful_age_days")
    if not isinstance(age, int | float) or age <= 0:
        raise RegistryError(f"{where}: longest_useful_age_days is {age!r}; say after how many days a value is stale")
    return Dataset(
        id=identity,
        **{key: entry[key] for key in _REQUIRED if key != "read"},
        read=frozen(entry["read"]),
        kind=kind,
        key=tuple(entry.get("key", ())),
        **_price_fields(entry, where),
        attribution=str(entry.get("attribution", "")),
        notes=str(entry.get("notes", "")),
        lag_note=str(entry.get("lag_note", "")),
        forecast=bool(entry.get("forecast", False)),
        release=release,
        longest_useful_age=pd.Timedelta(days=age),
        pack=pack,
        sha256=files[entry["file"]],
    )


def _price_fields(entry: Mapping[str, Any], where: str) -> dict[str, Any]:
    price = entry.get("price", "")
    if price not in ("", "average", "close"):
        raise RegistryError(f"{where}: price must be 'average' or 'close', not {price!r}")
    decision = entry.get("decision", {})
    if price and set(decision) != {"time", "timezone"}:
        raise RegistryError(
            f'{where}: a price needs `decision = {{ time = "13:30", timezone = "America/New_York" }}`, '
            "the moment of each bar at which a strategy decides"
        )
    return {"price": price, "decision": (decision.get("time", ""), decision.get("timezone", ""))}
