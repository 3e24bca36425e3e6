"""The catalogue: which dataset comes from which provider and series, with what licence and release rule.

The facts are in ``catalog.toml``. An entry has the fields of a registry (title, publisher, source, licence, unit,
frequency, kind, key, price, decision, release, longest_useful_age_days, notes), but what the bundled registry says of
an id stands there alone, so that equal values give equal results whoever delivers them; only ``release`` may stand here
too, where the bundled rows carry publication dates that a download lacks. These are of its own: ``provider`` and
``series`` (what to ask for), ``plausible`` (bounds of belief), ``columns`` of a table, ``whole_history`` (does every
download bring all of it), ``revised`` (is much of the past rewritten as a rule), ``archive`` (is each day's answer
kept by ``assay data archive``), ``by_hand`` (may no program download it), ``history`` (how far back), ``allows`` (what
the licence allows).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from research.datasets.periods import period_end
from research.datasets.plausibility import Plausible
from research.datasets.registry import descriptions
from research.datasets.release import ReleaseRule, known_at, parse_release
from research.errors import RegistryError, UnknownDataset, did_you_mean
from research.home import bundled_folder

_DESCRIPTION = (
    "title", "publisher", "source", "licence", "attribution", "unit", "frequency", "kind", "key", "price",
    "decision", "notes", "longest_useful_age_days", "columns", "lag_note", "forecast",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One dataset that can be fetched or added."""

    id: str
    provider: str
    series: Mapping[str, Any]
    fields: Mapping[str, Any]
    rules: tuple[ReleaseRule, ...]
    plausible: Plausible
    whole_history: bool = True

    @property
    def unit(self) -> str:
        """Unit of the values, in words."""
        return str(self.fields["unit"])

    @property
    def frequency(self) -> str:
        """Spacing of the periods: day, week, month, quarter, year or irregular."""
        return str(self.fields["frequency"])

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that tell a table's rows of one period apart."""
        return tuple(self.fields.get("key", ()))

    @property
    def columns(self) -> tuple[str, ...]:
        """Value columns: those of a table, or ``("value",)``."""
        return tuple(self.fields.get("columns", ("value",)))

    @property
    def checked_column(self) -> str:
        """The column that the plausibility bounds are about."""
        return str(self.fields.get("plausible_column", "value"))

    @property
    def by_hand(self) -> bool:
        """Whether the provider's terms forbid automatic download, so that a saved file is added instead."""
        return bool(self.fields.get("by_hand", False))

    @property
    def revised(self) -> bool:
        """Whether the publisher rewrites much of the past as a rule, so that it is no sign of another series."""
        return bool(self.fields.get("revised", False))

    @property
    def description(self) -> dict[str, Any]:
        """The registry fields under which the dataset is kept.

        The exceptions of a release rule are left out: every kept row carries its own ``known_at``, in which they
        are already applied.
        """
        kept = {name: self.fields[name] for name in _DESCRIPTION if name in self.fields}
        release = self.fields["release"]
        regimes = release if isinstance(release, list) else [release]
        plain = [{name: part for name, part in rule.items() if name != "exceptions"} for rule in regimes]
        return kept | {"release": plain if isinstance(release, list) else plain[0]}

    def released(self, observed_for: pd.Series) -> pd.Series:
        """First moment (UTC) at which each period's value could be had, by the release rule."""
        exceptions = {rule.exceptions: _exceptions(rule) for rule in self.rules if rule.exceptions}
        return known_at(self.rules, observed_for, {}, exceptions)


def entries() -> Mapping[str, Entry]:
    """Every entry by dataset id."""
    return _read(Path(__file__).with_name("catalog.toml"))


def entry(identity: str) -> Entry:
    """The entry of one dataset.

    Raises
    ------
    UnknownDataset
        If the catalogue has no such id.
    """
    known = entries()
    if identity not in known:
        near = sorted((name for name in known if identity in name.split("_")), key=lambda name: name.find(identity))
        words = f"; there are: {', '.join(near[:6])}" if near else did_you_mean(identity, known)
        raise UnknownDataset(f"dataset {identity!r}: not in the catalogue{words}; all of them: assay data sources")
    return known[identity]


@lru_cache(maxsize=4)
def _read(path: Path) -> Mapping[str, Entry]:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    providers, described = document["providers"], descriptions(bundled_folder())
    result = {}
    for identity, own in document["datasets"].items():
        fields = providers[own["provider"]] | own | described.get(identity, {})
        where = f"{path.name}: [datasets.{identity}]"
        result[identity] = Entry(
            id=identity,
            provider=own["provider"],
            series=MappingProxyType(own["series"]),
            fields=MappingProxyType(fields),
            rules=parse_release(own.get("release", fields.get("release")), where),
            plausible=Plausible.from_mapping(fields["plausible"]),
            whole_history=fields.get("whole_history", True),
        )
    return MappingProxyType(result)


def _exceptions(rule: ReleaseRule) -> pd.DataFrame:
    path = bundled_folder() / rule.exceptions
    try:
        table = pd.read_csv(path, usecols=["observed_for", "known_at"])
    except (OSError, ValueError) as error:
        raise RegistryError(f"{path}: the dates of late releases cannot be read ({error}); reinstall assay") from None
    return pd.DataFrame({name: period_end(table[name], column=name) for name in ("observed_for", "known_at")})
