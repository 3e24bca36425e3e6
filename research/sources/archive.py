"""What only shows its latest day, kept day by day: the bytes as they came, in a chain of hashes.

::

    archive/
        chain.jsonl                     one line a body: day, file, sha256, address, …, hash of the line before
        head.json                       number of lines and the last hash, so that a lost tail is seen
        2026-11-23/comex_gold_registered-1f0c….xls

Each line's ``hash`` is SHA-256 over its other fields, the hash of the line before among them: nothing can be altered,
removed or put between without every later line telling. Who notes the last hash somewhere else can show later that
nothing was rewritten. Lines stand in the order of keeping; a merge appends what the other archive has beyond.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from research.datasets.store import write_atomically
from research.errors import AssayError, IntegrityError, need
from research.home import home_folder, user_pack_folder
from research.provenance import hash_bytes, hash_text
from research.sources.catalog import entries
from research.sources.fetching import ALL, NONE, SOME, download_of, failure, fetchable, take_in
from research.sources.http import Client, Download

# What the first line of a chain has for the hash of the line before.
START = "0" * 64

_FILE = re.compile(r"\d{4}-\d\d-\d\d/[\w-]+\.[a-z]+")
_ENDINGS = {b"\xd0\xcf\x11\xe0": ".xls", b"PK\x03\x04": ".xlsx"}


@dataclass(frozen=True)
class ArchiveReport:
    """What a run kept, what was there already, and what failed, one line each."""

    folder: Path
    kept: tuple[str, ...]
    known: tuple[str, ...]
    failed: tuple[str, ...]
    lines: int
    head: str

    @property
    def exit_code(self) -> int:
        """0 when everything came, 3 when some did, 4 when nothing did."""
        return ALL if not self.failed else SOME if self.kept or self.known else NONE

    @property
    def summary(self) -> str:
        """One line over everything."""
        words = f"{len(self.kept)} new, {len(self.known)} known, {len(self.failed)} failed"
        return f"{words}; {self.lines} bodies in {self.folder}, chain {self.head[:16]}"

    def to_json(self) -> dict[str, object]:
        """As a document."""
        return vars(self) | {"folder": str(self.folder), "exit_code": self.exit_code}


# One body of the chain: day, file, sha256, bytes, address, retrieved_at, datasets, previous, hash; merged_from the line
# of another archive.
Line = dict[str, Any]


def archive_folder(home: str | Path | None = None) -> Path:
    """Where the archive is: ``archive`` in the user's home folder of assay."""
    return home_folder(home) / "archive"


def archive(*, home: str | Path | None = None, client: Client | None = None) -> ArchiveReport:
    """Keep today's bodies of every dataset marked ``archive`` in the catalogue, and merge them into the user's pack.

    A body that cannot be read is kept all the same, and reported: its layout may only have changed.
    """
    failed: list[str] = []
    bodies: dict[tuple[str, str], tuple[Line, bytes]] = {}
    with client or Client() as http:
        for one in filter(lambda one: one.fields.get("archive"), fetchable()):
            try:
                download = download_of(http, one)
            except AssayError as error:
                failed.append(failure(one, error))
                continue
            digest = hash_bytes(download.body)
            where = download.address, digest
            line, _ = bodies.setdefault(where, (_line(download, digest, one.id), download.body))
            line["datasets"].append(one.id)
    return _kept(home, bodies.values(), failed)


def verify_archive(folder: Path) -> list[str]:
    """Every line or file that is not as it was kept, by its day; empty when all is whole."""
    problems, before = [], START
    chain = _read_chain(folder)
    for number, line in enumerate(chain, 1):
        where = f"{folder / 'chain.jsonl'}: line {number}, {line.get('day')}"
        if line.get("hash") != _hash(line):
            problems.append(f"{where}: altered since it was kept")
        if line.get("previous") != before:
            problems.append(f"{where}: what stood before it is missing or altered")
        before = str(line.get("hash"))
        path = folder / str(line.get("file"))
        if not _FILE.fullmatch(str(line.get("file"))):
            problems.append(f"{where}: {line.get('file')!r} is no file of an archive")
        elif not path.is_file():
            problems.append(f"{path}: missing; the day {line.get('day')} is lost, restore it")
        elif hash_bytes(path.read_bytes()) != line.get("sha256"):
            problems.append(f"{path}: altered; the day {line.get('day')} differs from its SHA-256, restore it")
    head = folder / "head.json"
    noted = json.loads(head.read_text("utf-8")) if head.is_file() else {"lines": 0, "hash": START}
    if noted != {"lines": len(chain), "hash": _head(chain)}:
        last = chain[-1]["day"] if chain else "the beginning"
        counted = f"{noted['lines']} lines were kept, {len(chain)} are here"
        problems.append(f"{head}: {counted}: what came after {last} is missing")
    return problems


def merge_archives(other: Path, *, home: str | Path | None = None) -> ArchiveReport:
    """Append what another archive holds beyond this one, and bring its days into the user's pack.

    Raises
    ------
    IntegrityError
        If either archive is not whole, or ``other`` is none; nothing is changed then.
    """
    folder = archive_folder(home)
    if not (other / "chain.jsonl").is_file():
        raise IntegrityError(f"{other}: no archive (chain.jsonl is missing); name its folder")
    for one in (folder, other):
        if problems := verify_archive(one):
            raise IntegrityError(f"{problems[0]}; nothing was merged")
    theirs: list[tuple[Line, bytes]] = [
        ({**line, "merged_from": line["hash"]}, (other / line["file"]).read_bytes()) for line in _read_chain(other)
    ]
    return _kept(home, theirs, [])


def _kept(home: str | Path | None, arrivals: Collection[tuple[Line, bytes]], failed: list[str]) -> ArchiveReport:
    """Keep bodies and bring them into the user's pack; of another archive only what is new, and no whole histories."""
    folder = archive_folder(home)
    kept, known = _append(folder, arrivals)
    for line, body in sorted(arrivals, key=lambda pair: pair[0]["retrieved_at"]):
        theirs, at = "merged_from" in line, datetime.fromisoformat(line["retrieved_at"])
        download = Download(body=body, address=line["address"], retrieved_at=at)
        for one in [entries()[identity] for identity in line["datasets"] if identity in entries()]:
            if theirs and (line["file"] not in kept or one.whole_history):
                continue
            try:
                take_in(user_pack_folder(home), one, download)
            except AssayError as error:
                failed.append(failure(one, error))
    chain = _read_chain(folder)
    return ArchiveReport(folder, tuple(kept), tuple(known), tuple(failed), len(chain), _head(chain))


def _line(download: Download, digest: str, first: str) -> Line:
    day = f"{download.retrieved_at:%Y-%m-%d}"
    ending = _ENDINGS.get(download.body[:4], ".txt")
    return {
        "day": day,
        "file": f"{day}/{first}-{digest[:16]}{ending}",
        "sha256": digest,
        "bytes": len(download.body),
        "address": download.address,
        "retrieved_at": download.retrieved_at.isoformat(),
        "datasets": [],
    }


def _append(folder: Path, lines: Collection[tuple[Line, bytes]]) -> tuple[list[str], list[str]]:
    """Add what is not there, file before line; returns the files added and those known."""
    folder.mkdir(parents=True, exist_ok=True)
    added: list[str] = []
    known: list[str] = []
    with need("filelock").FileLock(folder / ".lock"):
        chain = _read_chain(folder)
        here = {(line["address"], line["sha256"]) for line in chain}
        for line, body in lines:
            if (line["address"], line["sha256"]) in here:
                known.append(line["file"])
                continue
            (folder / line["file"]).parent.mkdir(exist_ok=True)
            write_atomically(folder / line["file"], body)
            fresh: Line = {**line, "previous": _head(chain)}
            chain.append({**fresh, "hash": _hash(fresh)})
            here.add((line["address"], line["sha256"]))
            added.append(line["file"])
        if added:
            text = "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in chain)
            write_atomically(folder / "chain.jsonl", text.encode())
            write_atomically(folder / "head.json", json.dumps({"lines": len(chain), "hash": _head(chain)}).encode())
    return added, known


def _read_chain(folder: Path) -> list[Line]:
    path = folder / "chain.jsonl"
    if not path.is_file():
        return []
    try:
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    except ValueError as error:
        raise IntegrityError(f"{path}: not readable ({error}); restore it") from None


def _head(chain: list[Line]) -> str:
    return chain[-1]["hash"] if chain else START


def _hash(line: Line) -> str:
    told = {name: value for name, value in line.items() if name != "hash"}
    return hash_text(json.dumps(told, ensure_ascii=False, sort_keys=True))
