"""Read a data pack's ``registry.toml``; fail closed on anything it does not say clearly."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from research.datasets.dataset import Dataset
from research.datasets.fields import from_table
from research.datasets.price import Price, parse_price
from research.datasets.release import parse_release
from research.errors import RegistryError, located, reason
from research.home import fetchable
from research.values import frozen

Fields = Mapping[str, Any]
"""A registry's fields, as TOML has them."""

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
    except (OSError, ValueError) as error:
        told = f"{folder}: no registry.toml that can be read ({reason(error)})"
        raise RegistryError(f"{told}, so this is no data pack; name the pack's folder") from None
    head = document.get("pack", {})
    name, root = str(head.get("name", folder.name)), (folder / str(head.get("root", "."))).resolve()
    files = {str(file): str(digest) for file, digest in document.get("files", {}).items()}
    datasets, prices = {}, {}
    with located(str(path)):
        if head.get("format") != FORMAT:
            raise RegistryError(f"[pack] format is {head.get('format')!r}; this version reads format {FORMAT}")
        for identity, entry in document.get("datasets", {}).items():
            with located(f"[datasets.{identity}]"):
                datasets[identity] = _dataset(identity, entry, files, name)
        if not datasets:
            raise RegistryError("no [datasets.…] entries; a pack without data is not usable")
        for which, entry in document.get("prices", {}).items():
            with located(f"[prices.{which}]"):
                prices[which] = parse_price(which, entry)
    return Pack(name, root, frozen(files), frozen(datasets), folder.resolve(), frozen(prices))


def descriptions(folder: Path) -> Mapping[str, Fields]:
    """What a registry says of each id, whoever delivers it: the fields that are not of one file.

    From ``[datasets]``, and from ``[described]``, where ids stand that the pack describes and does not hold.
    """
    file = folder / "registry.toml"
    document = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    entries = document.get("datasets", {}) | document.get("described", {})
    return {
        identity: {key: value for key, value in entry.items() if key in ABOUT} for identity, entry in entries.items()
    }


def how_to_get(ids: Iterable[str]) -> str:
    """The commands that would bring these datasets, as they are typed.

    >>> how_to_get(["sofr", "my_own"])
    'type: assay data fetch sofr; assay data add FILE --as my_own'
    """
    wanted = sorted(ids)
    fetched = [identity for identity in wanted if identity in fetchable()]
    lines = [f"assay data fetch {' '.join(fetched)}"] if fetched else []
    lines += [f"assay data add FILE --as {identity}" for identity in wanted if identity not in fetchable()]
    return f"type: {'; '.join(lines)}"


def _dataset(identity: str, entry: object, files: Mapping[str, str], pack: str) -> Dataset:
    own = dict(entry) if isinstance(entry, Mapping) else {}
    release = parse_release(own.pop("release", None))
    for file in filter(None, (own.get("file"), *(rule.exceptions for rule in release))):
        if file not in files:
            raise RegistryError(f"file {file!r} is not pinned under [files]; add its SHA-256")
    sha256 = files.get(str(own.get("file")), "")
    dataset = from_table(Dataset, own, id=identity, release=release, pack=pack, sha256=sha256)
    if dataset.longest_useful_age_days <= 0:
        told = f"longest_useful_age_days is {dataset.longest_useful_age_days}"
        raise RegistryError(f"{told}; say after how many days a value is stale")
    if not (dataset.read.value if dataset.kind == "series" else dataset.read.columns):
        raise RegistryError("kind must be 'series' with read.value, or 'table' with read.columns")
    if dataset.price and dataset.decision is None:
        example = '`decision = { time = "13:30", timezone = "America/New_York" }`'
        raise RegistryError(f"a price needs {example}, the moment of each bar at which a strategy decides")
    return dataset
