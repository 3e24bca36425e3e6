"""Put a claim on record: the sentence, its grid, its code, its data rules and its terms, dated now, in one file.

Its code is the text of its files, and strategies are made of that text again.

The file holds its parts, a hash of each, and one digest over all. The hash of a part is the SHA-256 of its value as
JSON with sorted keys, the digest that of the parts' hashes. A file is read only if every hash is right and its bytes
are those that this module would write, so that no edit goes unnoticed; but who makes a file anew makes its hashes anew
too, which is why a digest proves a date only where it was published.
"""

from __future__ import annotations

import ast
import atexit
import json
import re
import subprocess
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from math import isfinite
from pathlib import Path

import pandas as pd

from research.claims import Sentence, Thesis, load_thesis
from research.datasets.data import Data, open_data
from research.datasets.store import write_atomically
from research.diagnostics import anytime
from research.diagnostics.timing import Timing
from research.discovery import strategies_in
from research.errors import NoData, RegistrationError
from research.execution import Execution
from research.provenance import hash_code, hash_text, one_thread, versions
from research.study.candidates import Terms, label
from research.study.claims import accounts_of
from research.study.portfolio import ROW
from research.thesis import Strategy
from research.verdict import Rules

SUFFIX, ANCHOR = ".registered.toml", ".registered.anchor.toml"
_HEAD = "# A claim put on record by assay. It is followed from its date on; nothing in it may be changed.\n"
HOUSE = ("signals", "thesis.py")
"""What every signal calls, by path in this package."""

Row = tuple[str, Timing, pd.Series]


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


@one_thread()
def register(
    what: str | Strategy,
    data: Data | None = None,
    *,
    price: str | None = None,
    execution: Execution | None = None,
    level: float = 0.05,
    registered_with: int = 1,
    thesis: Thesis | None = None,
) -> Registration:
    """Freeze a claim as of now.

    Parameters
    ----------
    what
        Id of a sentence of the thesis (``"C1+"``), or a strategy, its name or its file.
    data, price, execution
        What is traded, at which price, and on which terms; by default what the command line takes.
    level
        Chance that a false word is ever said, over all looks.
    registered_with
        Number of claims that are registered together and share the level.
    thesis
        Whose sentences go by id; by default the bundled one.

    Raises
    ------
    AssayError
        If there is no such claim, or no price for it.
    """
    data, thesis = (data or open_data()).priced(price), thesis or load_thesis()
    execution = (execution or Execution()).without(data.price.in_price)
    item, plan = thesis.find(what), thesis.portfolio
    said = thesis.sentences.get(str(what)) or Sentence.own(item)  # a strategy by its name is a claim of its own
    legs = dict(plan.legs) if plan and plan.sentence == said.id else {}
    found = {**thesis.strategies, item.name: item}
    measures = {name: found[name] for name in dict.fromkeys([*said.strategies, *legs.values()])}
    declared = {"worthwhile_return": said.worthwhile_return} if isfinite(said.worthwhile_return) else {}
    sources, code = sources_of(measures.values()), {one: item.source_hash for one, item in measures.items()}
    strategies_of(sources, code, said.id)  # the files at hand must be enough
    inputs = {i for item in measures.values() for metal in item.metals for i in item.inputs_for(metal).values()}
    return Registration(
        name=said.id,
        registered=f"{_now():%Y-%m-%dT%H:%M:%SZ}",
        assay=versions()["assay"],
        house=hash_code(*HOUSE),
        claim=said.short,
        sentence=said.sentence,
        sign=said.sign,
        falsifier=said.falsifier,
        level=Rules(level=level).level,
        registered_with=registered_with,
        price=data.price.name,
        strategies=list(said.strategies),
        legs=legs,
        terms=asdict(execution),
        grid={name: {key: [*map(repr, one)] for key, one in item.grid.items()} for name, item in measures.items()},
        effect={"information_ratio": anytime.PRIOR_RATIO, **declared},
        scales=_scales(said, measures, legs, data, execution),
        data={identity: data_rule(data, identity) for identity in sorted({*inputs, *data.price.bills})},
        code=code,
        sources=sources,
    )


def sources_of(strategies: Iterable[Strategy]) -> dict[str, str]:
    """Text by file name: each strategy's own file, and the neighbours that these import.

    Raises
    ------
    RegistrationError
        If a strategy stands in no file.
    """
    found: dict[str, str] = {}
    todo = []
    for item in strategies:
        todo.append(Path(item.signal.__code__.co_filename))
        if not todo[-1].is_file():
            raise RegistrationError(f"{item.name}: stands in no file; save it as a .py file and register that")
    while todo:
        path = todo.pop()
        if path.name not in found:
            found[path.name] = path.read_text(encoding="utf-8")
            nearby = (path.parent / f"{name}.py" for name in sorted(_imported(found[path.name])))
            todo += [file for file in nearby if file.is_file()]
    return dict(sorted(found.items()))


def strategies_of(sources: Mapping[str, str], sha256: Mapping[str, str], where: str) -> dict[str, Strategy]:
    """The strategies of these files that are named, each once its code is known to be the registered one.

    Raises
    ------
    RegistrationError
        If one is not there, or computes something else.
    """
    found = _loaded(tuple(sources.items()))
    for name, digest in sha256.items():
        if name not in found or found[name].source_hash != digest:
            files = ", ".join(sources)
            raise RegistrationError(f"{where}: code: {name} computes something else by {files} alone; register it anew")
    return {name: found[name] for name in sha256}


@cache
def _loaded(sources: tuple[tuple[str, str], ...]) -> dict[str, Strategy]:
    folder = tempfile.TemporaryDirectory(prefix="assay_registered_")
    atexit.register(folder.cleanup)
    for name, text in sources:
        (Path(folder.name) / Path(name).name).write_text(text, encoding="utf-8")
    return strategies_in(Path(folder.name))


def _imported(text: str) -> set[str]:
    """First names of everything that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} if node.module else {alias.name for alias in node.names}
    return {name.partition(".")[0] for name in names}


def rows_of(
    strategies: Iterable[Strategy], legs: Mapping[str, Strategy], data: Data, execution: Execution
) -> list[Row]:
    """Every row that the data allow: its label, its timing series, and when each bar's decision is taken (UTC)."""
    rows: list[Row] = []
    candidates, held = accounts_of(strategies, legs, data, Terms(execution))
    for item in candidates:
        decided = data.panel(item.metal, {}, item.market).decision_times
        points = item.points.items()
        rows += [(name, one.timing, decided) for name, one in points if one.declared and one.timing is not None]
    if held is not None:
        metal = min(held.book.storable)
        decided = data.panel(metal, {}, data.market(metal)).decision_times
        rows.append((ROW, held.timing(), decided.reindex(held.book.price.index)))
    return rows


def data_rule(data: Data, identity: str) -> str:
    """Unit, when it is known and how long it is used."""
    if identity not in data:
        return "in none of the packs"
    dataset = data[identity]
    return f"{dataset.unit}; known {dataset.release_words}; used for {dataset.longest_useful_age.days} days"


def _scales(
    said: Sentence, measures: Mapping[str, Strategy], legs: Mapping[str, str], data: Data, execution: Execution
) -> dict[str, float]:
    """Of each declared row, by what lies before today; without a history, that of a position held half of the time."""
    strategies = [measures[name] for name in said.strategies]
    scales: dict[str, float] = {}
    for item, metal in [(one, metal) for one in strategies for metal in one.metals if metal in data.metals()]:
        market = data.market(metal)
        half = float((market.price.pct_change() - market.bill_accrual).std()) / 2
        scales |= {label(item.name, metal, values): half for values in item.variants()}
    for name, timing, _ in rows_of(strategies, {leg: measures[one] for leg, one in legs.items()}, data, execution):
        if timing.is_timed:
            scales[name] = float(timing.gross.std())
    if not scales:
        raise NoData(f"{said.id}: no price of {', '.join(strategies[0].metals)} is here; assay data fetch")
    return scales


def _now() -> pd.Timestamp:
    return pd.Timestamp.now("UTC")
