"""``assay data add FILE --as ID``: a user's own file, understood, shown, and kept beside what was fetched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from shlex import quote

from research.datasets.importing import ImportOptions, Understood, understand
from research.datasets.importing.understand import describe as described
from research.datasets.registry import Fields, descriptions
from research.datasets.release import release_of_words
from research.errors import RegistryError, SourceError, UnknownDataset, did_you_mean, located
from research.home import bundled_folder, user_pack_folder
from research.sources.catalog import Entry, entries, entry, make_entry
from research.sources.fetching import read, take_in
from research.sources.http import Download, utc_now

_USEFUL_DAYS = {"day": 10, "week": 30, "month": 100, "quarter": 200, "year": 500, "irregular": 100}

DESCRIBED = {"title": "What it is", "unit": "tonnes", "frequency": "day", "release": "lag 1 day 18:00 UTC"}
"""What a dataset of one's own must say of itself, with an example of each."""


@dataclass(frozen=True, kw_only=True)
class AddReport:
    """What adding a file did.

    Attributes
    ----------
    preview
        What was understood, line by line.
    line
        What was kept, in one line.
    kept
        False for a dry run.
    """

    id: str
    preview: tuple[str, ...]
    line: str
    kept: bool
    added: int = 0
    revised: int = 0


def add(
    path: str | Path,
    identity: str,
    options: ImportOptions | None = None,
    *,
    describe: Fields | None = None,
    home: str | Path | None = None,
    dry_run: bool = False,
) -> AddReport:
    """Add a user's file to the user's pack.

    Parameters
    ----------
    path
        CSV, Excel or Parquet.
    identity
        Dataset id: a known one, such as ``gold_spot``, or a new one with ``describe``.
    options
        What the user declares about the file.
    describe
        For an id of one's own: ``title``, ``unit``, ``frequency`` and ``release``, and any other registry field.
    home
        Folder of the user's data; by default ``$ASSAY_HOME`` or the platform's.
    dry_run
        Understand and show, keep nothing.

    Raises
    ------
    UnknownDataset, RegistryError, ValidationError, SourceError
        One line each; nothing is kept then.
    """
    chosen, file, now = options or ImportOptions(), Path(path).expanduser(), utc_now()
    folder = user_pack_folder(home)
    known = {**descriptions(folder), **descriptions(bundled_folder())}
    one = _entry(path, identity, known.get(identity), describe)
    if identity not in entries() and identity not in known:
        chosen = replace(chosen, unit=None)  # it said what the dataset's unit is
    fresh, preview = _vendors_own(file, one, now) or understand(file, one, chosen, today=now.date())
    command = f"assay data add {quote(str(path))} --as {identity}{replace(chosen, accept=True).words()}"
    fields = one.fields
    if "known_at" in fresh and not any(rule.column for rule in one.rules):
        fields = {"lag_note": "Known when the user's file says so, row by row."} | dict(fields)
    report = AddReport(id=identity, preview=preview, line=f"{identity}: nothing kept (dry run)", kept=not dry_run)
    if dry_run:
        return report
    saved = Download(body=file.read_bytes(), address=file.name, retrieved_at=now)
    own = replace(one, provider="file", whole_history=False, fields=fields)
    merged = take_in(folder, own, saved, fresh, command=command, believed=chosen.accept)
    line = f"{identity}: {merged.added} new, {merged.revised} revised, {len(merged.table)} rows kept in {folder}"
    return replace(report, line=line, added=merged.added, revised=merged.revised)


def _vendors_own(path: Path, one: Entry, now: datetime) -> Understood | None:
    """The file read as the provider's own download, saved by hand; None when it is not that."""
    if not one.fields.get("saved_by_hand") or not path.is_file():
        return None
    try:
        fresh = read(one, path.read_bytes(), now)
    except SourceError:
        return None
    said = f"{path.name}: the file as {one.fields['publisher']} publishes it"
    return Understood(fresh, (said, *described(fresh, one)))


def _entry(path: str | Path, identity: str, known: Fields | None, describe: Fields | None) -> Entry:
    if identity in entries():
        return entry(identity)
    given = dict(known or describe or {})
    lacking = [field for field in DESCRIBED if not given.get(field)]
    if lacking:
        alike = [name for name in entries() if identity in name or name in identity]
        near = next(iter(alike or get_close_matches(identity, entries(), 1)), "")
        advice = f"did you mean {near!r}? Or " if near else ""
        words = {name: given.get(name) or example for name, example in DESCRIBED.items()}
        line = " ".join(f"--{name} {quote(value)}" for name, value in words.items() if isinstance(value, str))
        raise UnknownDataset(
            f"dataset {identity!r}: not in the catalogue; {advice}describe it ({', '.join(lacking)} "
            f"{'is' if len(lacking) == 1 else 'are'} missing): assay data add {quote(str(path))} --as {identity} {line}"
        )
    if isinstance(release := given["release"], str):
        given["release"] = release_of_words(release)
    frequency = str(given["frequency"])
    if frequency not in _USEFUL_DAYS:
        raise RegistryError(f"{identity}: frequency {frequency!r}{did_you_mean(frequency, _USEFUL_DAYS)}")
    with located(identity):
        return make_entry(identity, {"provider": "file", "longest_useful_age_days": _USEFUL_DAYS[frequency]} | given)
