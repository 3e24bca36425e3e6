"""The catalogue: which dataset comes from which provider and series, with what licence and release rule.

The facts are in ``catalog.toml``. An entry has the fields of a registry (title, publisher, source, licence, unit,
frequency, kind, key, price, decision, release, longest_useful_age_days, notes), but what the bundled registry says of
an id stands there alone, so that equal values give equal results whoever delivers them; only ``release`` may stand here
too, where the bundled rows carry publication dates that a download lacks. These are of its own: ``provider`` and
``series`` (what to ask for), ``plausible`` (bounds of belief), ``columns`` of a table, ``whole_history`` (does every
download bring all of it), ``revised`` (is much of the past rewritten as a rule), ``archive`` (is each day's answer
kept by ``assay data archive``), ``by_hand`` (may no program download it), ``history`` (how far back), ``allows`` (what
the licence allows), ``words`` (what its errors begin with, behind the provider) and ``ask``, for providers whose module
has no ``download``: ``address`` and ``path`` (with ``link``, a workbook's link on that page), ``kind``, ``params``,
``headers``; or ``by_hand``, the page to visit. ``saved_by_hand``: its files are read as they are by ``assay data add``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from shlex import quote
from types import MappingProxyType

import pandas as pd

from research.datasets.fields import from_table
from research.datasets.plausibility import Subject
from research.datasets.registry import ABOUT, Fields, descriptions
from research.datasets.release import ReleaseRule, known_at, parse_release, release_of_words
from research.errors import RegistryError, UnknownDataset, did_you_mean, located
from research.home import bundled_folder

_DESCRIPTION = (*ABOUT, "publisher", "source", "licence", "attribution", "notes", "columns")
_USEFUL_DAYS = {"day": 10, "week": 30, "month": 100, "quarter": 200, "year": 500, "irregular": 100}

# What a dataset of one's own must say of itself, with an example of each.
DESCRIBED = {"title": "What it is", "unit": "tonnes", "frequency": "day", "release": "lag 1 day 18:00 UTC"}

# What to ask a provider for, as the catalogue's ``series`` says it.
Wanted = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Entry(Subject):
    """One dataset that can be fetched or added.

    Attributes
    ----------
    fields
        All that the catalogue and the bundled registry say of it.
    by_hand
        Whether the provider's terms forbid automatic download, so that a saved file is added instead.
    revised
        Whether the publisher rewrites much of the past as a rule, so that it is no sign of another series.
    whole_history
        Whether every download brings all of it.
    """

    provider: str
    series: Wanted = field(default_factory=dict)
    fields: Fields
    rules: tuple[ReleaseRule, ...]
    by_hand: bool = False
    revised: bool = False
    whole_history: bool = True

    @property
    def words(self) -> str:
        """Provider and series, the first words of what it refuses."""
        return f"{self.provider} {self.fields.get('words', '').format_map(self.series)}".rstrip()

    @property
    def description(self) -> dict[str, object]:
        """The registry fields under which the dataset is kept.

        The exceptions of a release rule are left out: every kept row carries its own ``known_at``, in which they
        are already applied.
        """
        kept = {name: self.fields[name] for name in _DESCRIPTION if name in self.fields and name != "plausible"}
        release = self.fields["release"]
        regimes = release if isinstance(release, list) else [release]
        return kept | {"release": [{key: regime[key] for key in regime if key != "exceptions"} for regime in regimes]}

    def released(self, observed_for: pd.Series) -> pd.Series:
        """First moment (UTC) at which each period's value could be had, by the release rule."""
        return known_at(self.rules, observed_for, {}, _late_releases)


def make_entry(identity: str, own: Fields, release: object = None) -> Entry:
    """An entry from its fields and its provider's; ``release`` where the catalogue says it for itself."""
    fields = _document()["providers"][own["provider"]] | own
    typed = {one.name: fields[one.name] for one in dataclass_fields(Entry) if one.name in fields}
    rules = parse_release(release or fields.get("release"))
    return from_table(Entry, typed, id=identity, fields=MappingProxyType(fields), rules=rules)


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


def entry_of_ones_own(identity: str, given: Fields, line: str) -> Entry:
    """The entry of a dataset that its user describes; ``line`` is what was typed, without a description.

    Raises
    ------
    UnknownDataset
        If something that must be said is not said.
    RegistryError
        If it is none of what it may be.
    """
    if lacking := [field for field in DESCRIBED if not given.get(field)]:
        alike = [name for name in entries() if identity in name or name in identity]
        near = next(iter(alike or get_close_matches(identity, entries(), 1)), "")
        advice = f"did you mean {near!r}? Or " if near else ""
        words = {name: given.get(name) or example for name, example in DESCRIBED.items()}
        said = " ".join(f"--{name} {quote(value)}" for name, value in words.items() if isinstance(value, str))
        are = "is" if len(lacking) == 1 else "are"
        cure = f"{advice}describe it ({', '.join(lacking)} {are} missing): {line} {said}"
        raise UnknownDataset(f"dataset {identity!r}: not in the catalogue; {cure}")
    release, frequency = given["release"], str(given["frequency"])
    if frequency not in _USEFUL_DAYS:
        raise RegistryError(f"{identity}: frequency {frequency!r}{did_you_mean(frequency, _USEFUL_DAYS)}")
    rule = release_of_words(release) if isinstance(release, str) else release
    useful = {"provider": "file", "longest_useful_age_days": _USEFUL_DAYS[frequency]}
    with located(identity):
        return make_entry(identity, useful | dict(given) | {"release": rule})


def spellings(report: str) -> Mapping[str, tuple[str, ...]]:
    """Names of a report's columns -> how the CFTC spells each, the likeliest first."""
    return {name: tuple(spelt) for name, spelt in _document()["cftc"][report].items()}


@lru_cache(maxsize=1)
def _document() -> Fields:
    return tomllib.loads(Path(__file__).with_name("catalog.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def entries() -> Mapping[str, Entry]:
    """Every entry by dataset id."""
    described, made = descriptions(bundled_folder()), {}
    for identity, own in _document()["datasets"].items():
        with located(f"catalog.toml: [datasets.{identity}]"):
            made[identity] = make_entry(identity, own | described.get(identity, {}), own.get("release"))
    return MappingProxyType(made)


def _late_releases(file: str) -> pd.DataFrame:
    path = bundled_folder() / file
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise RegistryError(f"{path}: the dates of late releases cannot be read ({error}); reinstall assay") from None
