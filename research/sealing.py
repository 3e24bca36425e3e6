"""A verdict that a stranger can recheck: one JSON of what a run found, from what, and a hash of every part of it.

A seal holds six parts: ``data`` (SHA-256 of every dataset, and of each of its years), ``code`` (of the package and of
each strategy; the source of those that are not in it), ``terms`` (what was asked, on which terms, and what else had
been tried), ``words``, ``figures`` and ``versions``. ``verify`` reads it, refuses one that was altered by as much
as a byte and names the part, and computes all of it again from the data at hand.

A hash proves nothing about when it was made: publish the digest with the verdict. And who alters a seal may hash it
anew; then what is recomputed differs from it, and that part is named.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from research.claims import Thesis
from research.datasets.data import Data, open_data
from research.datasets.store import write_atomically
from research.differences import Difference, answers_in, other_data, unlike
from research.errors import AssayError, RunError
from research.provenance import hash_text
from research.runs import contents_of, read_run, run_again
from research.values import plain

FORMAT = 1
PARTS = ("data", "code", "terms", "words", "figures", "versions")
DECIDING = ("data", "terms", "words", "figures")

_OF_THE_MACHINE = ("format", "found", "packs", "thesis_folder")
_CLOSE = 1e-9

Document = dict[str, Any]  # JSON


@dataclass(frozen=True, kw_only=True)
class Verification:
    """A seal beside what was computed again.

    Attributes
    ----------
    digest
        What must have been published with the verdict.
    words
        Each claim and row with its word.
    differences
        What is not as sealed, each of one part; figures within 1e-9 are the same.
    """

    digest: str
    words: Mapping[str, str]
    differences: tuple[Difference, ...]

    @property
    def holds(self) -> bool:
        """Whether words and figures are those sealed, from the same data on the same terms; code may be newer."""
        return not any(item.kind in DECIDING for item in self.differences)

    def to_json(self) -> dict[str, object]:
        """Plain values only."""
        return {"digest": self.digest, "holds": self.holds, "words": self.words, "differences": plain(self.differences)}


def seal(run: str | Path, file: str | Path) -> str:
    """Write the seal of a run folder; return its digest.

    Parameters
    ----------
    run
        A run folder.
    file
        Where to write it.

    Raises
    ------
    RunError
        If the folder holds no run, or the file cannot be written.
    """
    document = _sealed(_parts(read_run(Path(run), "study")))
    try:
        write_atomically(Path(file), _text(document).encode())
    except OSError as error:
        raise RunError(f"{file}: cannot be written: {error.strerror}; name another file") from None
    return str(document["digest"])


def verify(
    file: str | Path,
    data: Data | None = None,
    *,
    strategies: Mapping[str, str] | None = None,
    thesis: Thesis | None = None,
) -> Verification:
    """Compute a sealed verdict again.

    Parameters
    ----------
    file
        What ``seal`` wrote.
    data
        By default the bundled pack alone.
    strategies
        Name -> file of each that is not in the package. A seal holds their source, and nothing of it is ever run.
    thesis
        Whose claims they are; by default the bundled one.

    Raises
    ------
    RunError
        If it is no seal, or was altered.
    """
    document = _opened(Path(file))
    asked = {**document["data"], **document["code"], **document["terms"], "found": dict(strategies or {})}
    differences = []
    try:
        words = {who: part["verdict"]["word"] for who, part in document["words"].items()}
        data, remedy = (data or open_data(user=False)).priced(asked["price"]), "pass --data DIR, the pack that holds it"
        study = run_again(asked, asked["record"], data, thesis)
        again = _parts(contents_of(study, data, appendix=False))
        differences += [
            replace(item, what=f"{item.what}; {remedy}") for item in other_data(document["data"], again["data"])
        ]
        differences += [
            Difference(kind=part, what=what)
            for part in PARTS
            if part != "data" or not differences
            for what in unlike(document[part], again[part], close=_CLOSE)
        ]
    except AssayError as error:
        own = document["code"]["sources"].keys() - set(asked["found"])
        remedy = f"; read code.sources in the seal, save it, and pass --strategy {min(own)}=FILE" if own else ""
        differences.append(Difference(kind="figures", what=f"cannot be computed again: {error}{remedy}"))
    except (KeyError, TypeError) as error:  # hashed by somebody who left something out
        raise RunError(f"{file}: is no whole seal: {error!r}; obtain it again") from error
    return Verification(digest=document["digest"], words=words, differences=tuple(differences))


def _parts(run: Mapping[str, Any]) -> Document:
    """The parts of a seal from the files of a run, as text or parsed."""
    manifest, environment, record, study = (
        json.loads(run[name]) if isinstance(run[name], str) else run[name]
        for name in ("manifest.json", "environment.json", "record.json", "study.json")
    )
    asked = {key: value for key, value in manifest.items() if key not in _OF_THE_MACHINE}
    own = [name for name, where in manifest["found"].items() if where != name]
    answers = answers_in(study)
    return {
        "data": {key: asked.pop(key) for key in ("price", "data", "years", "coverage")},
        "code": {
            **{key: asked.pop(key) for key in ("framework", "strategies")},
            "sources": {name: run[f"source/{name}.py"] for name in own},
        },
        "terms": {**asked, "record": record},
        "words": {who: _of(part, "sentence", "claim", "falsifier", "verdict") for who, part in answers.items()},
        "figures": {who: _of(part, "evidence", "performance") for who, part in answers.items()},
        "versions": {key: value for key, value in environment.items() if key != "installed"},
    }


def _of(part: Mapping[str, object], *keys: str) -> Document:
    return {key: part[key] for key in keys if key in part}


def _sealed(parts: Document) -> Document:
    """The whole seal: parts, a hash of each, and one of the hashes."""
    hashes = {part: hash_text(_text(parts[part])) for part in PARTS}
    return {"format": FORMAT, "digest": hash_text(_text(hashes)), "hashes": hashes, **_of(parts, *PARTS)}


def _text(document: Document) -> str:
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _opened(file: Path) -> Document:
    """A seal that is as it was written, to the last byte."""
    try:
        text = file.read_bytes().decode()
        document = json.loads(text)
        if document["format"] != FORMAT:
            raise RunError(f"{file}: is of format {document['format']!r}; this version reads format {FORMAT}")
        right = _sealed(document)
        broken = [part for part in PARTS if document["hashes"][part] != right["hashes"][part]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{file}: is no seal: {error}; make one with assay seal RUN -o FILE") from None
    if text != _text(right):
        what = ", ".join(broken) or "its own hashes or layout"
        raise RunError(f"{file}: was altered after it was sealed: {what}; obtain it again")
    return right
