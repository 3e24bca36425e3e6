"""Bring the user's pack up to date, from the providers or from a user's own file.

Each dataset is fetched by itself, so that partial success is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from types import ModuleType
from typing import Literal
from urllib.parse import urljoin

import pandas as pd

from research.datasets.data import Data, open_data
from research.datasets.importing import ImportOptions, understand
from research.datasets.importing.understand import describe as described
from research.datasets.plausibility import doubts, known_early
from research.datasets.registry import Fields, descriptions
from research.datasets.store import ManifestLine, keep, manifest
from research.datasets.vintages import Merged, latest, merge
from research.errors import AssayError, SourceError, UnknownDataset, located
from research.home import bundled_folder, user_pack_folder
from research.provenance import hash_bytes
from research.sources import akshare
from research.sources.catalog import Entry, entries, entry, entry_of_ones_own
from research.sources.http import Client, Download, Unreachable, base_address, by_hand, one_line, utc_now

# Exit codes of a fetch: everything asked for came, some of it, none of it.
ALL, SOME, NONE = 0, 3, 4

_ZONES = pd.Timedelta(days=1)  # today is by UTC, and Shanghai a day ahead for a while
_PACKAGES = {"akshare": ("akshare", akshare.INSTALL), "yahoo": ("yfinance", "pip install yfinance")}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one dataset.

    Attributes
    ----------
    status
        ``updated`` (new or revised values kept), ``unchanged``, or ``failed`` (what was kept stays).
    line
        One line: what came, or what, where and remedy.
    offline
        The provider could not be reached.
    """

    id: str
    status: Literal["updated", "unchanged", "failed"]
    line: str
    added: int = 0
    revised: int = 0
    rows: int = 0
    last: date | None = None
    offline: bool = False


@dataclass(frozen=True, kw_only=True)
class FetchReport:
    """The outcome of every dataset asked for, and where the pack is."""

    folder: Path
    outcomes: tuple[Outcome, ...]

    @property
    def exit_code(self) -> int:
        """0 when all came (or were up to date), 3 when some did, 4 when none did."""
        failed = sum(outcome.status == "failed" for outcome in self.outcomes)
        return ALL if not failed else NONE if failed == len(self.outcomes) else SOME

    @property
    def summary(self) -> str:
        """One line over everything."""
        count = Counter(outcome.status for outcome in self.outcomes)
        words = ", ".join(f"{count[name]} {name}" for name in ("updated", "unchanged", "failed") if count[name])
        offline = sum(outcome.offline for outcome in self.outcomes)
        if offline and offline == len(self.outcomes):
            return f"no connection: nothing fetched from the network; what is kept in {self.folder} goes on working"
        silent = f" ({offline} for want of a connection)" if offline else ""
        return f"{words or 'nothing asked for'}{silent}; the pack is {self.folder}"

    def to_json(self) -> dict[str, object]:
        """As a document."""
        outcomes = [vars(outcome) for outcome in self.outcomes]
        return {"folder": str(self.folder), "exit_code": self.exit_code, "outcomes": outcomes}


# Called with (done, total, dataset id, outcome): before a dataset with None, after it with its outcome.
Progress = Callable[[int, int, str, Outcome | None], None]


def fetch(
    ids: Iterable[str] | None = None,
    *,
    home: str | Path | None = None,
    progress: Progress | None = None,
    accept: Collection[str] = (),
    anew: Collection[str] = (),
    client: Client | None = None,
) -> FetchReport:
    """Fetch datasets into the user's pack.

    Parameters
    ----------
    ids
        Dataset ids; None for all that can be fetched here without hands.
    home
        Folder of the user's data; by default ``$ASSAY_HOME`` or the platform's.
    progress
        Told before and after every dataset.
    accept
        Ids whose values are believed although they look implausible (future dates are never).
    anew
        Ids to start again from nothing, dropping the vintages kept so far.
    client
        For tests: an HTTP client with its own clock and patience.

    Raises
    ------
    UnknownDataset
        If an id is not in the catalogue; nothing is fetched then.
    """
    wanted = [entry(identity) for identity in ids] if ids is not None else fetchable()
    for identity in sorted({*accept, *anew} - {one.id for one in wanted}):
        entry(identity)
        raise UnknownDataset(f"{identity}: is not among those that are fetched; type: assay data fetch {identity}")
    folder, tell = user_pack_folder(home), progress or (lambda *_: None)
    outcomes: list[Outcome] = []
    with client or Client() as http:
        for number, one in enumerate(wanted):
            tell(number, len(wanted), one.id, None)
            outcomes.append(_fetch_one(http, folder, one, believed=one.id in accept, anew=one.id in anew))
            tell(number + 1, len(wanted), one.id, outcomes[-1])
    return FetchReport(folder=folder, outcomes=tuple(outcomes))


def download_of(client: Client, one: Entry, last: date | None = None) -> Download:
    """The bytes as they came, by the provider's own ``download`` or as the catalogue's ``ask`` says.

    ``last`` is the last period that is kept, of which a provider that is asked in spans need not be asked again.

    Raises
    ------
    AssayError
    """
    with located(one.words), _in_one_line():
        if "ask" in one.fields:
            return _asked(client, one)
        download: Download = _provider(one).download(client, one.series, last)
        return download


def _asked(client: Client, one: Entry) -> Download:
    """Ask for an address of the catalogue, ``{…}`` filled in from the series; ``link`` finds a workbook on a page."""
    how = one.fields["ask"]
    if "by_hand" in how:
        raise by_hand("no automatic download (login, terms of use)", how["by_hand"].format_map(one.series))
    url = base_address(one.provider, how["address"]) + how["path"].format_map(one.series)
    if "link" in how:
        page = client.get(url, kind="html")
        link = re.search(how["link"], page.body.decode("utf-8", errors="replace"), re.IGNORECASE)
        if link is None:
            raise by_hand(f"no workbook is linked on {page.address}", url)
        url = urljoin(page.address, link[1])
    params = {name: word.format_map(one.series) for name, word in how.get("params", {}).items()}
    return client.get(url, kind=how["kind"], params=params or None, headers=how.get("headers", {}))


def read(one: Entry, body: bytes, as_of: datetime) -> pd.DataFrame:
    """``observed_for`` and values of a body, without a glance at the network or a clock.

    Raises
    ------
    AssayError
        If it is not what was asked for.
    """
    with located(one.words), _in_one_line():
        table: pd.DataFrame = _provider(one).parse(body, one.series, as_of)
        return table


def _provider(one: Entry) -> ModuleType:
    return import_module(f"research.sources.{one.provider}")


def take_in(
    folder: Path,
    one: Entry,
    download: Download,
    fresh: pd.DataFrame | None = None,
    *,
    command: str = "",
    believed: bool = False,
    anew: bool = False,
) -> Merged:
    """Merge a download into the pack, as one step.

    Parameters
    ----------
    fresh
        What the download says, where it is read already.
    command
        The line that would keep it all the same.

    Raises
    ------
    AssayError
        If it is not what was asked for, or looks wrong and is not believed; nothing is kept then.
    """
    new = read(one, download.body, download.retrieved_at) if fresh is None else fresh
    told = command or f"assay data fetch {one.id} --accept {one.id}"
    update = partial(merged_with, fresh=new, one=one, download=download, believed=believed, command=told)
    line: ManifestLine = {
        "source": one.provider,
        "address": download.address,
        "retrieved_at": download.retrieved_at,
        "bytes": len(download.body),
        "sha256": hash_bytes(download.body),
    }
    with _in_one_line():
        return keep(folder, one.id, one.description, update, line, anew=anew)


def merged_with(
    kept: pd.DataFrame | None, *, fresh: pd.DataFrame, one: Entry, download: Download, believed: bool, command: str
) -> Merged:
    """What is kept, and what ``fresh`` has beyond it; columns that only checks read are left out.

    The user's pack stands before the bundled one, id by id. So where nothing is kept yet, what covers little of the
    bundled history goes on from it, or the first fetch of a provider that shows its latest day only would hide it; a
    provider that sends everything starts afresh.

    Raises
    ------
    SourceError
        If values lie in the future or, unless they are believed, look wrong; ``command`` would keep them all the same.
    """
    last, at = fresh["observed_for"].max(), download.retrieved_at
    if download.second_hand and kept is not None and last <= kept["observed_for"].max():
        return Merged(table=kept, added=0, revised=0)
    ahead = fresh["observed_for"][fresh["observed_for"] > pd.Timestamp(at.date()) + _ZONES]
    if len(ahead):
        told = f"{len(ahead)} values are dated in the future, the last {last:%Y-%m-%d}"
        raise SourceError(f"{one.id}: {told}; nothing was kept, check the provider and this machine's clock")
    history = _bundled_history(one) if kept is None else kept
    if kept is None and history is not None and history["observed_for"].isin(fresh["observed_for"]).mean() < 0.5:
        kept = history
    if not believed:
        found = doubts(
            latest(fresh, one.key) if "known_at" in fresh else fresh,
            history,
            one,
            whole_history=one.whole_history,
            unasked=kept is not None and not one.revised,
            today=at.date(),
        )
        if one.provider == "file" and "known_at" in fresh and not any(rule.column for rule in one.rules):
            found += known_early(fresh, one.released(fresh["observed_for"]))
        if found:
            raise SourceError(f"{one.id}: {'; '.join(found)}; nothing was kept. If it is true: {command}")
    own = fresh[[name for name in fresh.columns if name in ("observed_for", "known_at", *one.columns)]]
    return merge(kept, own, release=one.released, retrieved_at=at, key=one.key)


def _bundled_history(one: Entry) -> pd.DataFrame | None:
    bundled = _bundled(bundled_folder())
    return bundled.observations(one.id) if one.id in bundled and bundled[one.id].unit == one.unit else None


@lru_cache(maxsize=1)
def _bundled(folder: Path) -> Data:
    return open_data(folder, bundled=False, user=False)


def failure(one: Entry, error: AssayError) -> str:
    """What went wrong with one dataset, its id first and the line to type complete."""
    return f"{one.id}: {str(error).replace('--as ID', f'--as {one.id}').removeprefix(f'{one.id}: ')}"


@contextmanager
def _in_one_line() -> Iterator[None]:
    """One provider's surprise must not lose the others' data."""
    try:
        yield
    except AssayError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a provider's parser or package raises
        line = f"unexpected {type(error).__name__} ({one_line(error)}); nothing was kept, please report it"
        raise SourceError(line) from None


def _fetch_one(client: Client, folder: Path, one: Entry, *, believed: bool, anew: bool) -> Outcome:
    try:
        last = None if anew else manifest(folder).get(one.id, {}).get("last")
        download = download_of(client, one, last)
        merged = take_in(folder, one, download, believed=believed, anew=anew)
    except AssayError as error:
        return Outcome(id=one.id, status="failed", line=failure(one, error), offline=isinstance(error, Unreachable))
    ends = merged.table["observed_for"].max().date()
    news = [f"{n} {what}" for n, what in ((merged.added, "new"), (merged.revised, "revised")) if n]
    note = f" ({download.second_hand})" if download.second_hand else ""
    return Outcome(
        id=one.id,
        status="updated" if merged.changed else "unchanged",
        line=f"{one.id}: {', '.join(news) or 'nothing new'}, to {ends}{note}",
        added=merged.added,
        revised=merged.revised,
        rows=len(merged.table),
        last=ends,
    )


def fetchable() -> list[Entry]:
    """Everything that needs no hands and whose optional package, if any, is installed."""
    return [one for one in entries().values() if not one.by_hand and not needed_package(one)]


def needed_package(one: Entry) -> str:
    """The command that installs what this dataset's provider needs; empty when it is there."""
    package, install = _PACKAGES.get(one.provider, ("", ""))
    return install if package and find_spec(package) is None else ""


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
    line = f"assay data add {quote(str(path))} --as {identity}"
    if identity in entries():
        one = entry(identity)
    else:
        one = entry_of_ones_own(identity, known.get(identity) or describe or {}, line)
        if identity not in known:
            chosen = replace(chosen, unit=None)  # it said what the dataset's unit is
    read_already = _vendors_own(file, one, now)
    fresh, preview = read_already or understand(file, one, chosen, today=now.date())
    if dry_run:
        return AddReport(id=identity, preview=preview, line=f"{identity}: nothing kept (dry run)", kept=False)
    fields = one.fields
    if "known_at" in fresh and not any(rule.column for rule in one.rules):
        fields = {"lag_note": "Known when the user's file says so, row by row."} | dict(fields)
    saved = Download(body=file.read_bytes(), address=file.name, retrieved_at=now)
    own = replace(one, provider="file", whole_history=False, fields=fields)
    command = line + replace(chosen, accept=True).words()
    merged = take_in(folder, own, saved, fresh, command=command, believed=chosen.accept)
    told = f"{identity}: {merged.added} new, {merged.revised} revised, {len(merged.table)} rows kept in {folder}"
    return AddReport(id=identity, preview=preview, line=told, kept=True, added=merged.added, revised=merged.revised)


def _vendors_own(path: Path, one: Entry, now: datetime) -> tuple[pd.DataFrame, tuple[str, ...]] | None:
    """The file read as the provider's own download, saved by hand; None when it is not that."""
    if not one.fields.get("saved_by_hand") or not path.is_file():
        return None
    try:
        fresh = read(one, path.read_bytes(), now)
    except SourceError:
        return None
    said = f"{path.name}: the file as {one.fields['publisher']} publishes it"
    return fresh, (said, *described(fresh, one))
