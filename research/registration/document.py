"""The file of a registration: its parts, a hash of each, and one digest over all.

The hash of a part is the SHA-256 of its value as JSON with sorted keys, the digest that of the parts' hashes. A file is
read only if every hash is right and its bytes are those that this module would write, so that no edit goes unnoticed;
but who makes a file anew makes its hashes anew too, which is why a digest proves a date only where it was published.
"""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pandas as pd

from research.datasets.store import write_atomically
from research.errors import RegistrationError
from research.provenance import hash_text

SUFFIX, ANCHOR = ".registered.toml", ".registered.anchor.toml"
_HEAD = "# A claim put on record by assay. It is followed from its date on; nothing in it may be changed.\n"


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A frozen claim; every attribute is a part with a hash of its own.

    Attributes
    ----------
    name, registered
        ``"C1+"`` or a strategy's name, and when it was registered (UTC).
    assay, house
        Version of assay, and hash of its code that signals call.
    claim, sentence, sign, falsifier
        In six or seven words and in full; +1 if holding at these times is said to pay; what would refute it.
    level, registered_with
        Chance that a false word is ever said, and how many claims were registered together and share it.
    price
        Which price is traded.
    strategies, legs
        Names of those that measure it; of a portfolio, leg -> the strategy that times it.
    terms
        Fields of an ``Execution``.
    grid
        Strategy -> parameter -> every declared value, as Python writes it.
    effect
        What is worth having, a year: an information ratio, and the timing return that the claim declares, if it does.
    scales
        Row -> standard deviation of its timing series a period, by which it counts.
    data
        Dataset -> its unit, when it is known, and how long it is used.
    code, sources
        Strategy -> SHA-256 of what it computes (``research.provenance.identity``); file -> its text.
    """

    name: str
    registered: str
    assay: str
    house: str
    claim: str
    sentence: str
    sign: int
    falsifier: str
    level: float
    registered_with: int
    price: str
    strategies: Sequence[str]
    legs: Mapping[str, str]
    terms: Mapping[str, float]
    grid: Mapping[str, Mapping[str, Sequence[str]]]
    effect: Mapping[str, float]
    scales: Mapping[str, float]
    data: Mapping[str, str]
    code: Mapping[str, str]
    sources: Mapping[str, str]

    @property
    def moment(self) -> pd.Timestamp:
        """When it was registered (UTC)."""
        return pd.Timestamp(self.registered)

    @property
    def hashes(self) -> dict[str, str]:
        """Of each part, and ``digest`` over them."""
        found = {name: _hash(part) for name, part in asdict(self).items()}
        return {**found, "digest": _hash(found)}

    @property
    def line(self) -> str:
        """What to publish: whoever sees it on its day knows later that nothing was changed."""
        return f"assay registration {self.name} {self.registered} sha256:{self.hashes['digest']}"

    def text(self) -> str:
        """The file."""
        return _HEAD + _toml({**asdict(self), "hashes": self.hashes})

    def write(self, folder: Path) -> Path:
        """Write ``NAME.registered.toml`` into ``folder``.

        Raises
        ------
        RegistrationError
            If there is one already: a claim is not registered twice.
        """
        path = folder / f"{self.name}{SUFFIX}"
        if path.exists():
            raise RegistrationError(f"{path}: is registered already; name another folder with --out")
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, self.text().encode("utf-8"))
        return path


def read(path: str | Path) -> Registration:
    """Read the registration at ``path``.

    Raises
    ------
    RegistrationError
        If it is none, or was changed: with the name of the changed part.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8")
        parts = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise RegistrationError(f"{path}: cannot be read: {error}; name a *{SUFFIX} file") from None
    hashes = parts.pop("hashes", {})
    for name in dict.fromkeys([*(item.name for item in fields(Registration)), *parts]):
        if _hash(parts.get(name)) != hashes.get(name):
            raise _changed(path, name)
    try:
        found = Registration(**parts)
    except TypeError as error:
        raise RegistrationError(f"{path}: is of another version of assay ({error}); follow it with that") from None
    if hashes != found.hashes or text != found.text():
        raise _changed(path, "layout" if hashes == found.hashes else "hashes")
    if found.moment > pd.Timestamp.now("UTC"):
        raise RegistrationError(f"{path}: is dated {found.registered}, which is still to come; set the clock")
    sidecar = _sidecar(path)
    if sidecar.exists() and tomllib.loads(sidecar.read_text(encoding="utf-8")).get("digest") != hashes["digest"]:
        raise _changed(path, f"digest, which {sidecar.name} has otherwise")
    return found


def anchor(path: str | Path, commit: str) -> Path:
    """Write beside the registration at ``path`` which ``commit`` contains it, and when that was made.

    Raises
    ------
    RegistrationError
        If the commit does not hold the very bytes of the file.
    """
    path = Path(path).resolve()
    digest = read(path).hashes["digest"]
    if _git(path.parent, "show", f"{commit}:./{path.name}") != path.read_bytes():
        raise RegistrationError(f"{path}: commit {commit} does not contain it as it is; commit it first")
    full, made = _git(path.parent, "show", "-s", "--format=%H %cI", commit).decode().split()
    table = {"digest": digest, "commit": full, "committed": made}
    write_atomically(_sidecar(path), _toml(table).encode("utf-8"))
    return _sidecar(path)


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        told = getattr(error, "stderr", b"").decode(errors="replace").strip() or str(error)
        raise RegistrationError(f"{folder}: git {' '.join(arguments)}: {told}; commit the registration first") from None


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(SUFFIX) + ANCHOR)


def _changed(path: Path, part: str) -> RegistrationError:
    return RegistrationError(f"{path}: changed since it was registered: {part}; restore the file, or register anew")


def _hash(part: object) -> str:
    return hash_text(json.dumps(part, sort_keys=True, ensure_ascii=False, separators=(",", ":")))


def _toml(table: Mapping[str, object], prefix: str = "") -> str:
    """Values first, then tables; a text of several lines as it stands where that can be."""
    lines = [f"{_key(k)} = {_value(v)}\n" for k, v in table.items() if not isinstance(v, Mapping)]
    for key, part in table.items():
        if isinstance(part, Mapping):
            lines.append(f"\n[{prefix}{_key(key)}]\n{_toml(part, f'{prefix}{_key(key)}.')}")
    return "".join(lines)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _value(key)


def _value(value: object) -> str:
    if isinstance(value, str) and "\n" in value and "'''" not in value and value.replace("\n", "").isprintable():
        return f"'''\n{value}'''"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
