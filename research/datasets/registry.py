"""What a data pack's ``registry.toml`` says of each dataset; anything that it does not say clearly is an error."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import pandas as pd

from research.datasets.fields import from_table
from research.datasets.price import Decision, Price, parse_price
from research.datasets.release import ReleaseRule, end_of, parse_release, period_end
from research.errors import RegistryError, located, reason
from research.home import fetchable
from research.values import frozen

Frequency = Literal["day", "week", "month", "quarter", "year", "irregular"]

PERIODS_PER_YEAR: Mapping[str, int] = MappingProxyType({"day": 252, "week": 52, "month": 12, "quarter": 4, "year": 1})


@dataclass(frozen=True, kw_only=True)
class Read:
    """How a file becomes the rows of a dataset: the registry's ``read``.

    =================  ================================================================================================
    ``observed_for``   column of the dates or periods
    ``value``          column of the values, or a list of columns whose sum is the value
    ``columns``        of a table: a list of columns, or ``{ name = "column in the file" }``
    ``known_at``       column of recorded moments, for files that have one
    ``where``          ``{ column = wanted }``: only rows with these entries
    ``period``         ``"month"``, ``"quarter"`` or ``"year"``: a date stands for the whole period that contains it
    ``shift_months``   whole months to add to the period, for files that stand late or early
    ``since``          first period to read
    ``weekdays_only``  leave out Saturdays and Sundays, which hold copies of a Friday
    =================  ================================================================================================
    """

    observed_for: str
    value: str | tuple[str, ...] = ""
    columns: Mapping[str, str] | tuple[str, ...] = ()
    known_at: str = ""
    where: Mapping[str, object] = field(default_factory=dict)
    period: Literal["", "month", "quarter", "year"] = ""
    shift_months: int = 0
    since: pd.Timestamp | None = None
    weekdays_only: bool = False

    @property
    def parts(self) -> dict[str, list[str]]:
        """Name of each value column of the dataset -> the file's columns whose sum it is."""
        if isinstance(self.columns, Mapping):
            return {name: [column] for name, column in self.columns.items()}
        if self.columns:
            return {name: [name] for name in self.columns}
        return {"value": [self.value] if isinstance(self.value, str) else list(self.value)}

    def periods(self, raw: pd.DataFrame) -> pd.Series:
        """Last day of the period that each row describes."""
        ends = period_end(raw[self.observed_for], column=self.observed_for)
        if self.period:
            ends = end_of(ends, self.period)
        return end_of(ends, "month", self.shift_months) if self.shift_months else ends

    def wanted_rows(self, observed_for: pd.Series) -> pd.Series:
        """Which rows the dataset has, after ``since`` and ``weekdays_only``."""
        wanted = pd.Series(True, index=observed_for.index)
        if self.since is not None:
            wanted &= observed_for >= self.since
        return wanted & (observed_for.dt.day_of_week < 5) if self.weekdays_only else wanted


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One entry of a registry. Nothing here reads a file.

    Attributes
    ----------
    id
        The name by which strategies ask for it; one id means one thing in every pack.
    title
        What it is, in a few words.
    publisher
        Who publishes it.
    source
        Address that it was taken from.
    licence
        On what terms.
    unit
        Unit of the values, in words.
    frequency
        Spacing of the periods that the values describe.
    file
        Name of its file in the pack.
    read
        How its file is read: which column holds what.
    release
        Rules from period to the moment known, one per regime.
    longest_useful_age_days
        A value whose period ended longer ago than this is no longer used.
    kind
        ``"series"`` (one value a period) or ``"table"`` (named columns, told apart by ``key``).
    price
        For prices: ``"average"`` over the period, or ``"close"``; empty otherwise.
    decision
        For prices: when a decision is taken on each bar.
    attribution
        What its licence asks to be said.
    notes
        Holes and known errors.
    lag_note
        What the release rule cannot say of itself.
    forecast
        Whether a value may be known before its period ends.
    pack
        Name of its pack.
    sha256
        SHA-256 of its file.
    """

    id: str
    title: str
    publisher: str
    source: str
    licence: str
    unit: str
    frequency: Frequency
    file: str
    read: Read
    release: tuple[ReleaseRule, ...]
    longest_useful_age_days: float
    kind: Literal["series", "table"] = "series"
    key: tuple[str, ...] = ()
    price: Literal["", "average", "close"] = ""
    decision: Decision | None = None
    attribution: str = ""
    notes: str = ""
    lag_note: str = ""
    forecast: bool = False
    pack: str = ""
    sha256: str = ""

    @property
    def longest_useful_age(self) -> pd.Timedelta:
        """A value whose period ended longer ago than this is no longer used."""
        return pd.Timedelta(days=self.longest_useful_age_days)

    @property
    def release_words(self) -> str:
        """The release rule in words, regimes joined by ``;``."""
        return "; ".join(rule.describe() for rule in self.release)


# A registry's fields, as TOML has them.
Fields = Mapping[str, Any]

FORMAT = 1

# Fields that say what a dataset is, and so are the same whoever delivers it.
ABOUT = (
    "title", "unit", "frequency", "kind", "key", "price", "decision", "release", "longest_useful_age_days", "lag_note",
    "forecast", "plausible",
)  # fmt: skip


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
